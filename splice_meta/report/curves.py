"""Reliability and precision of base and final probabilities, where the table has the truth."""

from __future__ import annotations

import polars as pl

from splice_meta.contracts import SpliceType

LOWEST = 0.01
"""Positions below it are far more than all others, and hardly ever annotated; curves end there."""

STEPS = 20
"""Bins per unit of log-odds."""

TENTHS = 10
"""Bins of the reliability diagram."""

SYSTEMS = {"base": "score", "final": "meta"}
KINDS = ("donor", "acceptor")


def count_bins(complete: pl.LazyFrame, threshold: float) -> tuple[pl.DataFrame, dict[str, int]]:
    """Count positions, and annotated ones, by bin of probability; one streaming pass.

    Args:
        complete: A complete table with ``splice_type``.
        threshold: Probability from which a site is called; a bin ends there.

    Returns:
        For probabilities of at least 0.01: ``system``, ``type``, ``tenth`` (0 to 9), ``bin`` (of
        log-odds), ``is_call``, ``positions``, ``hits`` (annotated), ``sum`` (of probabilities),
        ``lowest`` (probability); and the number of annotated sites by type.
    """
    p = pl.col("p")
    kept = p.clip(1e-6, 1 - 1e-6)
    plans = [
        complete.select(
            p=pl.col(f"{kind}_{end}").cast(pl.Float64),
            hit=pl.col("splice_type") == pl.lit(kind, SpliceType),
        )
        .filter(p >= LOWEST)
        .group_by(
            tenth=(p * TENTHS).floor().clip(0, TENTHS - 1).cast(pl.Int32),
            bin=((kept / (1 - kept)).log() * STEPS).floor().cast(pl.Int32),
            is_call=p >= threshold,
        )
        .agg(
            positions=pl.len().cast(pl.Int64), hits=pl.col("hit").sum().cast(pl.Int64),
            sum=p.sum(), lowest=p.min(),
        )
        .select(pl.lit(system).alias("system"), pl.lit(kind).alias("type"), pl.all())
        for system, end in SYSTEMS.items()
        for kind in KINDS
    ]  # fmt: skip
    sites = complete.group_by(pl.col("splice_type").cast(pl.String)).agg(pl.len())
    *bins, counted = pl.collect_all([*plans, sites], engine="streaming")
    found = dict(counted.rows())
    return pl.concat(bins), {kind: int(found.get(kind, 0)) for kind in KINDS}


def reliability(bins: pl.DataFrame) -> pl.DataFrame:
    """By tenth: ``predicted`` (mean probability), ``annotated`` (share), ``positions``, ``low``."""
    return (
        bins.group_by("system", "type", "tenth")
        .agg(pl.col("positions", "hits", "sum").sum())
        .sort("system", "type", "tenth")
        .select(
            "system", "type", "positions",
            low=pl.col("tenth") / TENTHS,
            predicted=pl.col("sum") / pl.col("positions"),
            annotated=pl.col("hits") / pl.col("positions"),
        )
    )  # fmt: skip


def precision_recall(bins: pl.DataFrame, sites: dict[str, int]) -> pl.DataFrame:
    """Precision and recall down to each bin: ``threshold`` is its lowest probability.

    ``is_call`` marks the last bin that is called; ``rank`` numbers the bins, thresholds falling.
    """
    keys = ["system", "type"]
    total = pl.col("type").replace_strict(sites, return_dtype=pl.Int64)
    falling = bins.sort(*keys, "lowest", descending=[False, False, True])
    last = pl.col("is_call") & ~pl.col("is_call").shift(-1, fill_value=False).over(keys)
    return falling.with_columns(
        precision=pl.col("hits").cum_sum().over(keys) / pl.col("positions").cum_sum().over(keys),
        recall=pl.col("hits").cum_sum().over(keys) / total,
    ).select(
        *keys, "precision", "recall", threshold="lowest", is_call=last,
        rank=pl.int_range(pl.len()).over(keys),
    ).filter(pl.col("recall").is_finite())  # fmt: skip
