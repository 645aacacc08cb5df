"""Positions and annotated sites by bin of probability, counted shard by shard for the report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl

from splice_meta.contracts import CLASSES
from splice_meta.outcome import Outcome
from splice_meta.pipeline.batch import ENGINE, BatchPrediction

LOWEST = 0.01
"""Positions below it are far more than all others, and hardly ever annotated; curves end there."""

STEPS = 10
"""Bins per unit of log-odds."""

TENTHS = 10
"""Bins of the reliability diagram."""

MILLION = 1_000_000

KINDS = ("donor", "acceptor")

BINS: dict[str, type[pl.DataType]] = {
    "system": pl.String, "type": pl.String, "tenth": pl.Int64, "bin": pl.Int64,
    "is_call": pl.Boolean, "positions": pl.Int64, "hits": pl.Int64, "millionths": pl.Int64,
    "lowest": pl.Float64,
}  # fmt: skip
"""The columns of :func:`count_bins`; ``millionths`` is the sum of the probabilities, whole so that
it does not depend on how rows are divided."""

_KEYS = ("system", "type", "tenth", "bin", "is_call")


def count_truth(
    batches: Sequence[BatchPrediction], threshold: float
) -> tuple[pl.DataFrame, dict[str, int]]:
    """What :func:`count_bins` finds in some batches; nothing where they have no truth."""
    found = [
        count_bins(batch.outcome, batch.marked["splice_type"], threshold)
        for batch in batches
        if "splice_type" in batch.marked.columns
    ]
    if not found:
        return pl.DataFrame(schema=BINS), {}
    return found[0] if len(found) == 1 else add_bins(found)


def count_bins(
    outcome: Outcome, splice_type: pl.Series, threshold: float
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Count positions, and annotated ones, by bin of probability.

    Args:
        outcome: What became of the rows of a batch.
        splice_type: What each of them is.
        threshold: Probability from which a site is called; a bin ends there.

    Returns:
        For probabilities of at least 0.01: ``system`` (base, final), ``type`` (donor, acceptor),
        ``tenth`` (0 to 9), ``bin`` (of log-odds), ``is_call``, ``positions``, ``hits`` (annotated),
        ``millionths``, ``lowest`` (probability); and the number of annotated sites by type.
    """
    truth = splice_type.to_physical().fill_null(0).to_numpy()
    found = []
    for kind in KINDS:
        rows, code = outcome.rows_from(kind, LOWEST), CLASSES.index(kind)
        both = {"base": outcome.base[kind][rows], "final": outcome.final_of(kind, rows)}
        is_hit = truth[rows] == code
        found += [
            pl.DataFrame({"p": values.astype(np.float64), "is_hit": is_hit}).select(
                pl.lit(system).alias("system"), pl.lit(kind).alias("type"),
                "p", "is_hit", is_call=pl.Series(values >= threshold),
            ).filter(pl.Series(values >= LOWEST))
            for system, values in both.items()
        ]  # fmt: skip
    p = pl.col("p")
    kept = p.clip(1e-6, 1 - 1e-6)
    bins = (
        pl.concat(found)
        .lazy()
        .with_columns(
            tenth=(p * TENTHS).floor().clip(0, TENTHS - 1).cast(pl.Int64),
            bin=((kept / (1 - kept)).log() * STEPS).floor().cast(pl.Int64),
        )
        .group_by(_KEYS)
        .agg(
            positions=pl.len().cast(pl.Int64),
            hits=pl.col("is_hit").sum().cast(pl.Int64),
            millionths=(p * MILLION).round().cast(pl.Int64).sum(),
            lowest=p.min(),
        )
        .sort(_KEYS)
        .collect(engine=ENGINE)
    )
    sites = np.bincount(truth, minlength=len(CLASSES))
    return bins, {kind: int(sites[CLASSES.index(kind)]) for kind in KINDS}


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
