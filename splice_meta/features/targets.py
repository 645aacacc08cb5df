"""The rows that features are wanted for, and what lies around them on the position axis."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from splice_meta.contracts import gene_ends

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Targets:
    """The wanted rows of a batch.

    Attributes:
        places: Position axis of all rows of the batch, ascending.
        rows: Row numbers of the wanted rows, shape (wanted,).
        here: Their places on the axis, shape (wanted,).
        first: The first row of each gene, shape (genes,).
    """

    places: Rows
    rows: Rows
    here: Rows
    first: Rows

    @classmethod
    def of(cls, axis: pl.Series, gene: pl.Series, picked: pl.Series | None) -> Targets:
        """The picked rows, or all of them.

        Args:
            axis: Position axis of all rows.
            gene: Running number of each row's gene.
            picked: Which rows are wanted; all if None.
        """
        places = axis.to_numpy()
        rows = np.arange(places.size) if picked is None else np.flatnonzero(picked.to_numpy())
        return cls(places, rows, places[rows], gene_ends(gene)[:-1])

    @cached_property
    def stop(self) -> Rows:
        """The row after the last of each gene, shape (genes,)."""
        return np.append(self.first, self.places.size)[1:]

    @cached_property
    def begins(self) -> Rows:
        """How many of the wanted rows come before each gene, and all of them, (genes + 1,)."""
        return np.append(np.searchsorted(self.rows, self.first), self.rows.size)

    @cached_property
    def start(self) -> Rows:
        """The first place of each wanted row's gene, shape (wanted,)."""
        return np.repeat(self.places[self.first], np.diff(self.begins))

    @cached_property
    def end(self) -> Rows:
        """The last place of each wanted row's gene, shape (wanted,)."""
        return np.repeat(self.places[self.stop - 1], np.diff(self.begins))

    def at(self, offset: int) -> tuple[Rows, npt.NDArray[np.bool_]]:
        """The rows at position + offset of the same gene, and whether there are such rows."""
        wanted = self.here + offset
        found = np.clip(self.rows + offset, 0, self.places.size - 1)
        off = np.flatnonzero(self.places[found] != wanted)  # gene ends and gaps
        found[off] = np.minimum(np.searchsorted(self.places, wanted[off]), self.places.size - 1)
        return found, self.places[found] == wanted
