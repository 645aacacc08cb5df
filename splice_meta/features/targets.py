"""The rows that features are wanted for, and what lies around them on the position axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

Rows = npt.NDArray[np.int64]
Side = Literal["upstream", "downstream"]


@dataclass(frozen=True)
class Targets:
    """The wanted rows of a batch.

    Attributes:
        places: Position axis of all rows of the batch, ascending.
        rows: Row numbers of the wanted rows, shape (wanted,), as everything below.
        here: Their places on the axis.
        start: The first place of their gene.
        end: The last place of their gene.
    """

    places: Rows
    rows: Rows
    here: Rows
    start: Rows
    end: Rows

    @classmethod
    def of(cls, axis: pl.Series, gene: pl.Series, picked: pl.Series | None) -> Targets:
        """The picked rows, or all of them.

        Args:
            axis: Position axis of all rows.
            gene: Running number of each row's gene.
            picked: Which rows are wanted; all if None.
        """
        places, genes = axis.to_numpy(), gene.to_numpy()
        rows = np.arange(places.size) if picked is None else np.flatnonzero(picked.to_numpy())
        # Genes are numbered one after the other, so that their ends need no look at every row.
        numbers = np.arange(genes[0], genes[-1] + 1) if genes.size else genes
        first = np.searchsorted(genes, numbers)
        last = np.append(first[1:], places.size) - 1
        mine = np.searchsorted(first, rows, side="right") - 1
        return cls(places, rows, places[rows], places[first[mine]], places[last[mine]])

    def at(self, offset: int) -> tuple[Rows, npt.NDArray[np.bool_]]:
        """The rows at position + offset of the same gene, and whether there are such rows."""
        wanted = self.here + offset
        found = np.clip(self.rows + offset, 0, self.places.size - 1)
        off = np.flatnonzero(self.places[found] != wanted)  # gene ends and gaps
        found[off] = np.minimum(np.searchsorted(self.places, wanted[off]), self.places.size - 1)
        return found, self.places[found] == wanted

    def window(self, side: Side, near: int, far: int | None) -> tuple[Rows, Rows]:
        """The first and last place (inclusive) that lie on one side, ``near`` to ``far`` away.

        Args:
            side: Upstream is towards the gene's start.
            near: Smallest distance.
            far: Largest distance; to the gene's end if None.

        Returns:
            Places within the gene; the last lies before the first where there are none.
        """
        if side == "upstream":
            first = self.start if far is None else np.maximum(self.here - far, self.start)
            return first, self.here - near
        last = self.end if far is None else np.minimum(self.here + far, self.end)
        return self.here + near, last
