"""What the reports show of the complete table, counted shard by shard: it is not read again."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from splice_meta.pipeline.batch import ENGINE

MOVED = 0.05
"""A position that changed by more than this has moved."""

BINS = 20
"""Bins of the histogram of changes per unit of probability."""


def count_figures(complete: pl.LazyFrame) -> tuple[pl.DataFrame, dict[int, int]]:
    """Count changes of the splice probability, donor + acceptor.

    Args:
        complete: Combined predictions.

    Returns:
        ``gene_id`` and ``moved``, the positions that changed by more than :data:`MOVED`, for
        genes that have some; and positions by their change where the meta-model ran, rounded to
        1 / :data:`BINS` and given as a multiple of that.
    """
    base = pl.col("donor_score") + pl.col("acceptor_score")
    final = pl.col("donor_meta") + pl.col("acceptor_meta")
    change = (final - base).cast(pl.Float64)
    adjusted = complete.filter(pl.col("is_adjusted")).select("gene_id", change=change)
    moved = (
        adjusted.filter(pl.col("change").abs() > MOVED)
        .group_by(pl.col("gene_id").cast(pl.String))
        .agg(moved=pl.len().cast(pl.Int64))
    )
    bins = (pl.col("change") * BINS).round(0, mode="half_away_from_zero")
    changes = adjusted.group_by(bin=bins.cast(pl.Int64)).agg(positions=pl.len())
    found, histogram = pl.collect_all([moved, changes], engine=ENGINE)
    return found, dict(histogram.iter_rows())


def add_changes(histograms: Iterable[dict[int, int]]) -> pl.DataFrame:
    """The histograms of all shards as one: ``change`` (a bin's middle), ``positions``."""
    total: dict[int, int] = {}
    for histogram in histograms:
        for place, positions in histogram.items():
            total[place] = total.get(place, 0) + positions
    rows = [(place / BINS, positions) for place, positions in sorted(total.items())]
    return pl.DataFrame(rows, {"change": pl.Float64, "positions": pl.Int64}, orient="row")
