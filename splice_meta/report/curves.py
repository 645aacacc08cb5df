"""Reliability and precision of base and final probabilities, where the table has the truth."""

from __future__ import annotations

import polars as pl

from splice_meta.runs.truth_bins import MILLION, TENTHS


def reliability(bins: pl.DataFrame) -> pl.DataFrame:
    """By tenth: ``predicted`` (mean probability), ``annotated`` (share), ``positions``, ``low``."""
    return (
        bins.group_by("system", "type", "tenth")
        .agg(pl.col("positions", "hits", "millionths").sum())
        .sort("system", "type", "tenth")
        .select(
            "system", "type", "positions",
            low=pl.col("tenth") / TENTHS,
            predicted=pl.col("millionths") / MILLION / pl.col("positions"),
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
