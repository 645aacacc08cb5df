"""A table that streams by in batches, each with the rows beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

BATCH_ROWS = 1 << 20
"""Rows that are looked at at a time, beside those that are being read: 50 MB."""

MOST_CHUNKS = 64
"""Chunks, of those that Polars reads at a time, that are looked at one by one; if there are more,
they are small, and are copied together."""

BESIDE = 2
"""Rows on each side of a row that a measure of it may look at."""


@dataclass(frozen=True)
class Batch:
    """Some rows of the table, and those beside them.

    Attributes:
        rows: With up to :data:`BESIDE` rows in front of those that count, and behind them; in
            chunks, as they were read: copying them together takes 3 ns a row, the checks 8.
        first: The first row that counts.
        stop: The row after the last.
    """

    rows: pl.DataFrame
    first: int
    stop: int

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """The first row of each chunk."""
        heights = np.array([n for n in self.rows["position"].chunk_lengths() if n], np.int64)
        return np.cumsum(heights) - heights

    @property
    def chunks(self) -> Iterator[pl.DataFrame]:
        """The rows of each chunk."""
        for start, stop in pairwise([*self.starts.tolist(), self.rows.height]):
            yield self.rows[start:stop].rechunk()  # columns have the same chunks as a rule

    def positions(self, *rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """The positions of some rows, and of some others; -1 where there is none."""
        found = filled(self.rows["position"][np.concatenate(rows)], -1)
        return np.split(found, np.cumsum([len(each) for each in rows])[:-1])


def each_batch(plan: pl.LazyFrame, look: Callable[[Batch], bool]) -> None:
    """Show all rows in order, each in the batch where it counts, until that is enough.

    Args:
        plan: The rows.
        look: Called at least once; says whether it has seen enough.
    """
    held, first, enough = pl.DataFrame(schema=plan.collect_schema()), 0, False

    def take(more: pl.DataFrame) -> bool:
        nonlocal held, first, enough
        rows = pl.concat([held, more])
        if rows.n_chunks() > MOST_CHUNKS:
            rows = rows.rechunk()
        stop = rows.height - BESIDE
        if stop > first:
            enough = look(Batch(rows, first, stop))
            kept = max(stop - BESIDE, 0)
            rows, first = rows[kept:], stop - kept
        held = rows
        return enough

    # Not collect_batches, whose batches just end where Polars panics.
    plan.sink_batches(take, chunk_size=BATCH_ROWS, maintain_order=True)
    if not enough:
        look(Batch(held, first, held.height))


def filled(values: pl.Series, missing: int) -> NDArray[Any]:
    """Values with a number in place of those that are missing."""
    return (values.fill_null(missing) if values.null_count() else values).to_numpy()
