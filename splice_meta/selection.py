"""Which positions are uncertain: measures per position, three strategies, an exact target rate.

Everything is computed, compared and ordered in Float64 from the Float32 scores, with
p = (D, A, N) / (D + A + N).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from splice_meta.contracts import (
    GENE,
    SCORES,
    ConfidenceCategory,
    class_expr,
    gene_ends,
    rows_at,
)
from splice_meta.settings import Selection
from splice_meta.shortlist import may_be_least, may_be_picked, may_meet

# Entropies are compared as the integers their bits spell, in the lower 2^61 of a UInt64; the
# number of criteria met goes above them. 2^-511 is below any entropy of Float32 scores but 0.
_LOWEST_ENTROPY = 2.0**-511
_ENTROPY_BITS = 1 << 61


@cache
def measure_exprs() -> dict[str, pl.Expr]:
    """The uncertainty measures of a position that are numbers, as Float64.

    ``score_entropy`` is -sum p ln p / ln 3 with 0 ln 0 = 0; ``score_spread`` the largest minus the
    second largest of D, A, N; ``score_variance`` their population variance. Ambiguity is a *low*
    variance: for three numbers that sum to 1, (0, 0, 1) has the largest.
    """
    d, a, n = (pl.col(f"{t}_score").cast(pl.Float64) for t in ("donor", "acceptor", "neither"))
    total = d + a + n
    splice, lesser = pl.max_horizontal(d, a), pl.min_horizontal(d, a)
    second = pl.max_horizontal(lesser, pl.min_horizontal(splice, n))
    largest = pl.max_horizontal(splice, n)
    # Products rather than quotients: Polars divides a single row, but multiplies longer columns
    # by the reciprocal, which rounds differently.
    third = 1 / 3
    mean = total * third

    def p_log_p(score: pl.Expr) -> pl.Expr:
        p = score / total
        return pl.when(p > 0).then(p * p.log()).otherwise(0.0)

    # The sum is not above 0: abs turns its sign, and makes the entropy of (0, 0, 1) 0, not -0.
    entropy = ((p_log_p(d) + p_log_p(a) + p_log_p(n)) * (1 / math.log(3))).abs()

    return {
        "max_score": splice,
        "max_confidence": largest,
        "score_entropy": entropy,
        "score_spread": largest - second,
        "score_variance": ((d - mean) ** 2 + (a - mean) ** 2 + (n - mean) ** 2) * third,
    }


def flag_exprs(selection: Selection) -> dict[str, pl.Expr]:
    """The measures that are flags and classes, over those that are numbers."""
    splice = pl.col("max_score")
    is_low, is_uncertain = splice < selection.low, splice < selection.high
    return {
        "is_low_confidence": ~is_low & is_uncertain,
        "is_high_entropy": pl.col("score_entropy") > selection.entropy,
        "is_low_discriminability": pl.col("score_spread") < selection.spread,
        "confidence_category": pl.when(is_low)
        .then(pl.lit("non_splice", ConfidenceCategory))
        .when(is_uncertain)
        .then(pl.lit("uncertain", ConfidenceCategory))
        .otherwise(pl.lit("splice", ConfidenceCategory)),
        "predicted_type_base": class_expr("donor_score", "acceptor_score", "neither_score"),
    }


def criteria(selection: Selection) -> list[pl.Expr]:
    """The criteria of the strategy, over the measures; any of them makes a position uncertain."""
    low, entropy = pl.col("is_low_confidence"), pl.col("is_high_entropy")
    if selection.strategy == "confidence_only":
        return [low]
    if selection.strategy == "entropy_only":
        return [entropy]
    variance = pl.col("score_variance") < selection.variance
    return [low, entropy, pl.col("is_low_discriminability"), variance]


def target_count(positions: pl.Expr, rate: float) -> pl.Expr:
    """Ceil(rate x positions), exactly: the rate is taken as the decimal number it is written as.

    In binary floating point 0.1 x 70 is more than 7 and would round up to 8.
    """
    # Any rate below 1e-18 takes one position of a gene, as 1e-18 does. 128 bits, because a rate
    # such as 1/3 has 16 digits, and genes have up to millions of positions.
    exact = Fraction(str(max(rate, 1e-18)))
    numerator, denominator = (pl.lit(n, pl.Int128) for n in exact.as_integer_ratio())
    product = positions.cast(pl.Int128) * numerator
    return ((product + denominator - 1) // denominator).cast(pl.Int64)


def mark_uncertain(
    scores: pl.LazyFrame, selection: Selection, measures: bool = True
) -> pl.LazyFrame:
    """Add the measures, ``criteria_met`` (UInt8) and ``is_uncertain`` (Boolean) to every position.

    With adaptive tuning each gene gets exactly n = ceil(target_rate x positions) uncertain
    positions, the first n by: more criteria met, higher entropy, smaller position. The n-th key of
    a gene is an order statistic; positions that tie with it are taken in position order.

    Args:
        scores: Canonical base scores with the position axis, each gene's rows adjacent and
            ascending.
        selection: The strategy and its thresholds.
        measures: Whether the measures are wanted; without them those of positions that meet no
            criterion and cannot be picked are not computed.
    """
    if measures:
        return _marked(_measured(scores, selection), selection, pl.len())
    names = ["position", GENE, *SCORES]
    kept = {"criteria_met": pl.UInt8, "is_uncertain": pl.Boolean}

    def mark(series: Sequence[pl.Series]) -> pl.Series:
        rows = pl.DataFrame(series)
        near, some = _near(rows, selection)
        measured = _measured(some.lazy(), selection)
        found = _marked(measured, selection, pl.col(_LENGTH).first())
        picked = found.select(*kept).collect(engine="in-memory")
        marks = []
        for name, kind in kept.items():
            flags = np.zeros(rows.height, np.uint8)
            flags[near] = picked[name].to_numpy()
            marks.append(pl.Series(name, flags).cast(kind))
        return pl.DataFrame(marks).to_struct("_marks")

    marks = pl.map_batches(names, mark, return_dtype=pl.Struct(kept)).alias("_marks")
    return scores.with_columns(marks).unnest("_marks")


_LENGTH = "_length"


def _near(rows: pl.DataFrame, selection: Selection) -> tuple[npt.NDArray[np.int64], pl.DataFrame]:
    """The numbers of the rows that may be uncertain or meet a criterion; and those rows.

    Where tuning needs it, with how long the gene of each is.
    """
    if not selection.is_tuned:
        near = may_meet(rows, selection)
        return near, rows_at(rows, near)
    lengths = pl.Series(_LENGTH, np.diff(gene_ends(rows[GENE])))
    wanted = pl.select(target_count(pl.lit(lengths), selection.target_rate)).to_series()
    near, of = may_be_picked(rows, lengths.to_numpy(), wanted.to_numpy(), selection)
    return near, rows_at(rows, near).with_columns(lengths.gather(of), pl.col(GENE).set_sorted())


def _marked(measured: pl.LazyFrame, selection: Selection, length: pl.Expr) -> pl.LazyFrame:
    """Add ``is_uncertain``; ``length`` is that of the gene at hand."""
    if not selection.is_tuned:
        return measured.with_columns(is_uncertain=pl.col("criteria_met") > 0)
    return _tuned(measured, target_count(length, selection.target_rate))


def _measured(scores: pl.LazyFrame, selection: Selection) -> pl.LazyFrame:
    """Add the measures and ``criteria_met``."""
    tests = [test.cast(pl.UInt8) for test in criteria(selection)]
    return (
        scores.with_columns(**measure_exprs())
        .with_columns(**flag_exprs(selection))
        .with_columns(criteria_met=pl.sum_horizontal(tests).cast(pl.UInt8))
    )


def _tuned(measured: pl.LazyFrame, wanted: pl.Expr) -> pl.LazyFrame:
    """Add ``is_uncertain``: each gene's first ``wanted`` positions."""
    bits = (
        pl.max_horizontal("score_entropy", pl.lit(_LOWEST_ENTROPY)).reinterpret(dtype=pl.UInt64)
        - _ENTROPY_BITS
    )
    key, last = pl.col("_key"), pl.col("_last_key")
    # Rows ascend by position, so of those that tie with the n-th key the first `room` are taken.
    room = wanted - (key > last).sum().cast(pl.Int64)
    last_position = pl.col("position").filter(key == last).head(room).last()
    return (
        measured.with_columns(_key=pl.col("criteria_met").cast(pl.UInt64) * _ENTROPY_BITS + bits)
        .with_columns(_last_key=key.top_k(wanted).min().over(GENE))
        .with_columns(_last_position=last_position.over(GENE))
        .with_columns(
            is_uncertain=(key > last)
            | ((key == last) & (pl.col("position") <= pl.col("_last_position")))
        )
        .drop("_key", "_last_key", "_last_position")
    )


def gene_summary(marked: pl.DataFrame) -> pl.DataFrame:
    """What the selection did in each gene: the achieved rate and thresholds.

    Args:
        marked: Marked positions with ``is_adjusted``: whether the meta-model sees the position.

    Returns:
        One row per gene in input order: ``gene_id``, ``positions``, ``uncertain``,
        ``recalibrated``, ``with_criteria`` (uncertain positions that meet a criterion; with
        adaptive tuning others are taken, too), ``lowest_criteria`` (criteria met by the last
        position taken) and ``lowest_entropy`` (its entropy; both null where nothing was taken),
        ``achieved_rate``.
    """
    ends = gene_ends(marked[GENE])
    starts, positions = ends[:-1], np.diff(ends)

    def count(rows: npt.NDArray[np.intp]) -> npt.NDArray[np.int64]:
        """How many of some rows, ascending, each gene has."""
        return np.diff(np.searchsorted(rows, ends)).astype(np.int64)

    is_taken, is_adjusted = marked["is_uncertain"], marked["is_adjusted"]
    taken = np.flatnonzero(is_taken.to_numpy())
    adjusted = taken if is_adjusted.equals(is_taken) else np.flatnonzero(is_adjusted.to_numpy())
    uncertain = count(taken)
    met = marked["criteria_met"].to_numpy()[taken]
    some = np.flatnonzero(uncertain)
    of = np.repeat(np.arange(some.size), uncertain[some])
    lowest = _least(met, of)
    is_last = met == lowest[of]
    # From the scores of few rows: not every strategy computes the entropy of all.
    few, of = rows_at(marked.select(SCORES), taken[is_last]), of[is_last]
    is_near = may_be_least(few, of)
    last, of = few.filter(is_near).select(measure_exprs()["score_entropy"]).to_series(), of[is_near]
    tuned = pl.DataFrame(
        {
            "_row": some,
            "lowest_criteria": pl.Series(lowest, dtype=pl.UInt8),
            "lowest_entropy": pl.Series(_least(last.to_numpy(), of), dtype=pl.Float64),
        }
    )
    return pl.DataFrame(
        {
            "_row": np.arange(starts.size),
            "gene_id": marked["gene_id"].gather(starts).cast(pl.String),
            "positions": positions,
            "uncertain": uncertain,
            "recalibrated": count(adjusted),
            "with_criteria": count(taken[met > 0]),
        }
    ).join(tuned, on="_row", how="left", maintain_order="left").select(
        pl.exclude("_row"), achieved_rate=pl.col("uncertain") / pl.col("positions")
    )


def _least(values: npt.NDArray[Any], group: npt.NDArray[np.intp]) -> npt.NDArray[Any]:
    """The least value of each group; groups are numbered, ascending, and none is empty."""
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    return np.asarray(np.minimum.reduceat(values, starts)) if starts.size else values[:0]
