"""The rows that features are wanted for, and what lies around them on the position axis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Targets:
    """The wanted rows of a batch.

    Attributes:
        places: Position axis of all rows of the batch, ascending.
        rows: Row numbers of the wanted rows, shape (wanted,), as everything below.
        here: Their places on the axis.
        start: The first place of their gene.
        end: The last place of their gene.
        first: The row number of the first row of their gene.
        stop: The row number after the last row of their gene.
    """

    places: Rows
    rows: Rows
    here: Rows
    start: Rows
    end: Rows
    first: Rows
    stop: Rows

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
        mine = np.searchsorted(first, rows, side="right") - 1
        first, stop = first[mine], np.append(first[1:], places.size)[mine]
        return cls(places, rows, places[rows], places[first], places[stop - 1], first, stop)

    def blocks(self, size: int) -> Iterator[tuple[int, Targets]]:
        """So many of the wanted rows at a time, and how many come before them."""
        for start in range(0, self.rows.size, size):
            some = (
                each[start : start + size]
                for each in (self.rows, self.here, self.start, self.end, self.first, self.stop)
            )
            yield start, Targets(self.places, *some)

    def at(self, offset: int) -> tuple[Rows, npt.NDArray[np.bool_]]:
        """The rows at position + offset of the same gene, and whether there are such rows."""
        wanted = self.here + offset
        found = np.clip(self.rows + offset, 0, self.places.size - 1)
        off = np.flatnonzero(self.places[found] != wanted)  # gene ends and gaps
        found[off] = np.minimum(np.searchsorted(self.places, wanted[off]), self.places.size - 1)
        return found, self.places[found] == wanted

    def row_from(self, offset: int) -> Rows:
        """The first row of the same gene from position + offset on; ``stop`` where none is.

        In a gene without gaps it is as far away as the position.
        """
        found = np.clip(self.rows + offset, self.first, self.stop)
        gaps = self._in_gaps
        if gaps.size:
            exact = np.searchsorted(self.places, self.here[gaps] + offset)
            found[gaps] = np.clip(exact, self.first[gaps], self.stop[gaps])
        return found

    @cached_property
    def _in_gaps(self) -> Rows:
        """The wanted rows, by their order, whose gene lacks positions."""
        return np.flatnonzero(self.end - self.start != self.stop - self.first - 1)
