"""Positions and annotated sites by bin of probability, counted shard by shard for the report."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from splice_meta.contracts import SpliceType
from splice_meta.pipeline.batch import ENGINE

LOWEST = 0.01
"""Positions below it are far more than all others, and hardly ever annotated; curves end there."""

STEPS = 10
"""Bins per unit of log-odds."""

TENTHS = 10
"""Bins of the reliability diagram."""

MILLION = 1_000_000

SYSTEMS = {"base": "score", "final": "meta"}
KINDS = ("donor", "acceptor")

BINS: dict[str, type[pl.DataType]] = {
    "system": pl.String, "type": pl.String, "tenth": pl.Int64, "bin": pl.Int64,
    "is_call": pl.Boolean, "positions": pl.Int64, "hits": pl.Int64, "millionths": pl.Int64,
    "lowest": pl.Float64,
}  # fmt: skip
"""The columns of :func:`count_bins`; ``millionths`` is the sum of the probabilities, whole so that
it does not depend on how rows are divided."""

_KEYS = ("system", "type", "tenth", "bin", "is_call")


def count_bins(complete: pl.LazyFrame, threshold: float) -> tuple[pl.DataFrame, dict[str, int]]:
    """Count positions, and annotated ones, by bin of probability.

    Args:
        complete: A complete table.
        threshold: Probability from which a site is called; a bin ends there.

    Returns:
        For probabilities of at least 0.01: ``system`` (base, final), ``type`` (donor, acceptor),
        ``tenth`` (0 to 9), ``bin`` (of log-odds), ``is_call``, ``positions``, ``hits`` (annotated),
        ``millionths``, ``lowest`` (probability); and the number of annotated sites by type. Both
        are empty where the table has no ``splice_type``.
    """
    if "splice_type" not in complete.collect_schema().names():
        return pl.DataFrame(schema=BINS), {}
    p = pl.col("p").cast(pl.Float64)
    kept = p.clip(1e-6, 1 - 1e-6)
    plans = [
        complete.select(p=f"{kind}_{end}", truth="splice_type")
        .filter(pl.col("p") >= LOWEST)
        .group_by(
            tenth=(p * TENTHS).floor().clip(0, TENTHS - 1).cast(pl.Int64),
            bin=((kept / (1 - kept)).log() * STEPS).floor().cast(pl.Int64),
            is_call=pl.col("p") >= threshold,
        )
        .agg(
            positions=pl.len().cast(pl.Int64),
            hits=(pl.col("truth") == pl.lit(kind, SpliceType)).sum().cast(pl.Int64),
            millionths=(p * MILLION).round().cast(pl.Int64).sum(),
            lowest=p.min(),
        )
        .select(pl.lit(system).alias("system"), pl.lit(kind).alias("type"), pl.all())
        for system, end in SYSTEMS.items()
        for kind in KINDS
    ]
    sites = complete.select(
        (pl.col("splice_type") == pl.lit(kind, SpliceType)).sum().cast(pl.Int64).alias(kind)
        for kind in KINDS
    )
    *bins, counted = pl.collect_all([*plans, sites], engine=ENGINE)
    return pl.concat(bins).sort(_KEYS), counted.row(0, named=True)


def add_bins(
    shards: Iterable[tuple[pl.DataFrame, dict[str, int]]],
) -> tuple[pl.DataFrame, dict[str, int]]:
    """What :func:`count_bins` found in all shards, as one."""
    tables, total = [pl.DataFrame(schema=BINS)], dict.fromkeys(KINDS, 0)
    for bins, sites in shards:
        tables.append(bins)
        for kind, count in sites.items():
            total[kind] += count
    counts = pl.col("positions", "hits", "millionths").sum()
    found = pl.concat(tables).group_by(_KEYS).agg(counts, pl.col("lowest").min()).sort(_KEYS)
    return found, total
