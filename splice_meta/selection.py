"""Which positions are uncertain: measures per position, three strategies, an exact target rate.

Everything is computed, compared and ordered in Float64 from the Float32 scores, with
p = (D, A, N) / (D + A + N).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import cache

import numpy as np
import numpy.typing as npt
import polars as pl

from splice_meta.contracts import GENE, SCORES, ConfidenceCategory, class_expr
from splice_meta.settings import Selection

Floats = npt.NDArray[np.float64]

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
        measures: Whether the measures are wanted; without them those of positions that are
            certain are not computed, and ``criteria_met`` is 0 where it need not be known.
    """
    if not selection.is_tuned:
        measured = _measured(scores, selection)
        return measured.with_columns(is_uncertain=pl.col("criteria_met") > 0)
    wanted = target_count(pl.len(), selection.target_rate)
    if measures:
        return _tuned(_measured(scores, selection), wanted)
    names = ["position", GENE, *SCORES]
    kept = {"criteria_met": pl.UInt8, "is_uncertain": pl.Boolean}

    def mark(series: Sequence[pl.Series]) -> pl.Series:
        rows = pl.DataFrame(series).with_row_index(_ROW)
        near = rows.lazy().with_columns(wanted.over(GENE).alias(_WANTED))
        near = near.filter(may_be_picked(selection))
        found = _tuned(_measured(near, selection), pl.col(_WANTED).first())
        some = found.select(_ROW, *kept).collect(engine="in-memory")
        marks = []
        for name, kind in kept.items():
            flags = np.zeros(rows.height, np.uint8)
            flags[some[_ROW].to_numpy()] = some[name].to_numpy()
            marks.append(pl.Series(name, flags).cast(kind))
        return pl.DataFrame(marks).to_struct("_marks")

    marks = pl.map_batches(names, mark, return_dtype=pl.Struct(kept)).alias("_marks")
    return scores.with_columns(marks).unnest("_marks")


_ROW, _WANTED = "_row", "_wanted"


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


def may_be_picked(selection: Selection) -> pl.Expr:
    """Whether a position may be among those that tuning picks; few others may, too.

    Let e = D + A, and q the n-th largest e up to 0.2 of the gene. For such e the entropy lies
    between that of (e, 0, 1 - e) and that of (e/2, e/2, 1 - e), both of which rise with e. So at
    least n positions have no less entropy than the former with q, and a position for which the
    latter is lower than that is not picked, unless it meets more criteria, which no position does
    with an e that is small enough. The contract lets scores add up to 1 within a hundredth, and
    rounding moves entropies, so bounds are taken that much wider.

    Args:
        selection: A strategy with adaptive tuning; ``_wanted`` is n.
    """
    donor, acceptor = pl.col("donor_score"), pl.col("acceptor_score")
    e = donor + acceptor
    small = pl.when(e <= 0.2).then(e).otherwise(0.0)  # confident sites have little entropy again
    nth = small.top_k(pl.col(_WANTED).first()).min().over(GENE)
    lowest = nth.map_batches(lambda q: _reach(q, _harmless(selection)), pl.Float32)
    return (e >= lowest) | (donor < 0) | (acceptor < 0)


_OFF = 1.011
"""What the sum of the scores of a position may be off by, as a factor, with some to spare."""


def _harmless(selection: Selection) -> float:
    """An e up to which no position meets any criterion; 0 where there is none."""
    # The neither score is at least 0.989 - e there, the mean of the three at most 0.337.
    spread, variance = (0.989 - selection.spread) / 2, 0.65 - math.sqrt(2 * selection.variance)
    e = np.linspace(0, 0.2, 2001)[1:]
    entropy = e[_upper(e) < selection.entropy - 1e-9].max(initial=0.0)
    return max(0.0, float(min(selection.low, spread, variance, entropy)) * 0.99)


def _upper(e: Floats) -> Floats:
    """The largest entropy with this e, for e up to 0.2."""
    x = e * _OFF
    return np.asarray((x * np.log(2 / x) - (1 - x) * np.log1p(-x)) / math.log(3), np.float64)


def _lower(e: Floats) -> Floats:
    """The least entropy with this e, for e up to 0.2."""
    x = e / _OFF
    return np.asarray((x * np.log(1 / x) - (1 - x) * np.log1p(-x)) / math.log(3), np.float64)


def _reach(nth: pl.Series, harmless: float) -> pl.Series:
    """The lowest e that a gene whose n-th largest e is given may pick."""
    runs = nth.rle().struct.unnest()  # of a gene it is the same on all rows
    q = runs["value"].to_numpy().astype(np.float64)
    low, high = np.zeros_like(q), np.clip(q, 0, harmless)
    inside = np.clip(q, 1e-30, 0.2)
    bound = np.where(q > 0, _lower(inside) * (1 - 1e-9) - 1e-15, -1.0)
    for _ in range(60):
        middle = (low + high) / 2
        is_below = (middle > 0) & (_upper(np.maximum(middle, 1e-30)) * (1 + 1e-9) + 1e-15 < bound)
        low, high = np.where(is_below, middle, low), np.where(is_below, high, middle)
    # In Float32, as e is, towards 0.
    return pl.Series(nth.name, np.repeat((low * 0.9999).astype(np.float32), runs["len"].to_numpy()))


def gene_summary(marked: pl.LazyFrame) -> pl.LazyFrame:
    """What the selection did in each gene: the achieved rate and thresholds.

    Args:
        marked: Marked positions with ``is_adjusted``: whether the meta-model sees the position.

    Returns:
        One row per gene in input order: ``gene_id``, ``positions``, ``uncertain``,
        ``recalibrated``, ``lowest_criteria`` (criteria met by the last position taken) and
        ``lowest_entropy`` (its entropy; both null where nothing was taken), ``with_criteria``
        (uncertain positions that meet a criterion; with adaptive tuning others are taken, too),
        ``achieved_rate``.
    """
    # From the scores of the rows taken: not every strategy computes it of all rows.
    entropy = measure_exprs()["score_entropy"]
    lowest = (
        marked.filter(pl.col("is_uncertain"))
        .with_columns(score_entropy=entropy)
        .group_by(GENE, "criteria_met")
        .agg(pl.col("score_entropy").min().alias("lowest_entropy"))
        .sort(GENE, "criteria_met")
        .unique(GENE, keep="first", maintain_order=True)
        .rename({"criteria_met": "lowest_criteria"})
    )
    return (
        marked.group_by(GENE)
        .agg(
            pl.col("gene_id").first(),
            pl.len().cast(pl.Int64).alias("positions"),
            pl.col("is_uncertain").sum().cast(pl.Int64).alias("uncertain"),
            pl.col("is_adjusted").sum().cast(pl.Int64).alias("recalibrated"),
            (pl.col("is_uncertain") & (pl.col("criteria_met") > 0)).sum().cast(pl.Int64)
            .alias("with_criteria"),
        )
        .join(lowest, on=GENE, how="left")
        .sort(GENE)
        .drop(GENE)
        .with_columns(achieved_rate=pl.col("uncertain") / pl.col("positions"))
    )
