"""What the reports show of the complete table, counted shard by shard: it is not read again."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import polars as pl

from splice_meta.outcome import Outcome

MOVED = 0.05
"""A position that changed by more than this has moved."""

BINS = 20
"""Bins of the histogram of changes per unit of probability."""


def count_figures(
    outcome: Outcome, positions: npt.NDArray[np.int64]
) -> tuple[pl.Series, dict[int, int]]:
    """Count changes of the splice probability, donor + acceptor, where the meta-model ran.

    Args:
        outcome: What became of the rows of a batch.
        positions: How many of them each gene has, in their order.

    Returns:
        The positions of each gene that changed by more than :data:`MOVED`; and positions by their
        change, rounded to 1 / :data:`BINS` and given as a multiple of that.
    """
    base = outcome.before["donor"] + outcome.before["acceptor"]
    change = (outcome.final["donor"] + outcome.final["acceptor"] - base).astype(np.float64)
    moved = outcome.rows[np.abs(change) > MOVED]
    ends = np.concatenate([[0], np.cumsum(positions)])
    lowest = -2 * BINS  # sums are at most 1, but for rounding
    bins = np.trunc(change * BINS + np.copysign(0.5, change)).astype(np.int64)
    counts = np.bincount(bins - lowest)
    found = np.flatnonzero(counts)
    return (
        pl.Series("moved", np.diff(np.searchsorted(moved, ends)), pl.Int64),
        dict(zip((found + lowest).tolist(), counts[found].tolist(), strict=True)),
    )


def add_changes(histograms: Iterable[dict[int, int]]) -> pl.DataFrame:
    """The histograms of all shards as one: ``change`` (a bin's middle), ``positions``."""
    total: dict[int, int] = {}
    for histogram in histograms:
        for place, positions in histogram.items():
            total[place] = total.get(place, 0) + positions
    rows = [(place / BINS, positions) for place, positions in sorted(total.items())]
    return pl.DataFrame(rows, {"change": pl.Float64, "positions": pl.Int64}, orient="row")
