"""What the meta-model did to the rows of a batch, as arrays: combination, sites, figures.

Few rows are recalibrated, and fewer are sites. So only base scores are gone through as a whole;
elsewhere final probabilities are the base model's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from splice_meta.contracts import CLASSES

Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Outcome:
    """Base and final probabilities of the rows of a batch, by class.

    Attributes:
        rows: The rows on which the meta-model ran, ascending.
        base: The base probabilities of all rows.
        final: The final probabilities of :attr:`rows`.
    """

    rows: Rows
    base: Mapping[str, Floats]
    final: Mapping[str, Floats]

    @classmethod
    def of(cls, marked: pl.DataFrame, recalibrated: pl.DataFrame) -> Outcome:
        """The outcome of a batch.

        Args:
            marked: All rows, with base scores and ``is_adjusted``.
            recalibrated: ``donor``, ``acceptor``, ``neither`` of the adjusted ones, in their order;
                no columns where no model ran.
        """
        base = {kind: marked[f"{kind}_score"].to_numpy() for kind in CLASSES}
        if not recalibrated.width:
            none = {kind: values[:0] for kind, values in base.items()}
            return cls(np.empty(0, np.int64), base, none)
        rows = np.flatnonzero(marked["is_adjusted"].to_numpy())
        return cls(rows, base, {kind: recalibrated[kind].to_numpy() for kind in CLASSES})

    @cached_property
    def before(self) -> Mapping[str, Floats]:
        """The base probabilities of donor and acceptor of :attr:`rows`."""
        return {kind: self.base[kind][self.rows] for kind in ("donor", "acceptor")}

    def change(self, kind: str) -> npt.NDArray[np.float64]:
        """By how much each of :attr:`rows` changed, final - base."""
        return np.subtract(self.final[kind], self.before[kind], dtype=np.float64)

    def final_of(self, kind: str, rows: Rows) -> Floats:
        """The final probabilities of some rows."""
        values = self.base[kind][rows]
        if self.rows.size:
            place = np.minimum(np.searchsorted(self.rows, rows), self.rows.size - 1)
            has_run = self.rows[place] == rows
            values[has_run] = self.final[kind][place[has_run]]
        return values

    def rows_from(self, kind: str, least: float) -> Rows:
        """The rows whose base or final probability is at least so high, ascending."""
        base = np.flatnonzero(self.base[kind] >= least)
        return np.union1d(base, self.rows[self.final[kind] >= least])
