"""What the reports show of the complete table, counted shard by shard: it is not read again."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from splice_meta.contracts import FINAL, SCORES
from splice_meta.pipeline.batch import ENGINE

SITE = 0.5
"""Probability from which a position counts as a predicted site in the reports."""

BINS = 20
"""Bins of the histogram of changes per unit of probability."""

SITE_COUNTS = ("base_donors", "base_acceptors", "final_donors", "final_acceptors")

_COUNTED = dict(zip(SITE_COUNTS, (*SCORES[:2], *FINAL[:2]), strict=True))


def count_figures(complete: pl.LazyFrame) -> tuple[pl.DataFrame, dict[int, int]]:
    """Count predicted sites and changes of probability.

    Args:
        complete: Combined predictions.

    Returns:
        ``gene_id`` and :data:`SITE_COUNTS`, positions of at least :data:`SITE`, for genes that
        have some; and positions by the change of donor + acceptor probability where the
        meta-model ran, rounded to 1 / :data:`BINS` and given as a multiple of that.
    """
    base = pl.col("donor_score") + pl.col("acceptor_score")
    final = pl.col("donor_meta") + pl.col("acceptor_meta")
    sites = (
        complete.filter(pl.max_horizontal(_COUNTED.values()) >= SITE)
        .group_by("gene_id")
        .agg(**{name: (pl.col(of) >= SITE).sum() for name, of in _COUNTED.items()})
        .with_columns(pl.col("gene_id").cast(pl.String), pl.col(SITE_COUNTS).cast(pl.Int64))
    )
    change = ((final - base).cast(pl.Float64) * BINS).round(0, mode="half_away_from_zero")
    changes = (
        complete.filter(pl.col("is_adjusted"))
        .group_by(bin=change.cast(pl.Int64))
        .agg(positions=pl.len())
    )
    found, histogram = pl.collect_all([sites, changes], engine=ENGINE)
    return found, dict(histogram.iter_rows())


def add_changes(histograms: Iterable[dict[int, int]]) -> pl.DataFrame:
    """The histograms of all shards as one: ``change`` (a bin's middle), ``positions``."""
    total: dict[int, int] = {}
    for histogram in histograms:
        for place, positions in histogram.items():
            total[place] = total.get(place, 0) + positions
    rows = [(place / BINS, positions) for place, positions in sorted(total.items())]
    return pl.DataFrame(rows, {"change": pl.Float64, "positions": pl.Int64}, orient="row")
