"""The score features of the older systems' training code, where they differ from the catalogue.

The same names, other numbers. With D, A, N the scores, s that of a type, and eps = 1e-10:

======================================== ==========================================================
relative_donor_probability               D / (D + A + eps)
splice_probability                       (D + A) / (D + A + N + eps)
donor_acceptor_diff                      (D - A) / (max(D, A) + eps)
splice_neither_diff                      (max(D, A) - N) / (max(D, A, N) + eps)
donor_acceptor_logodds                   ln(D + eps) - ln(A + eps)
splice_neither_logodds                   ln(D + A + eps) - ln(N + eps)
probability_entropy                      -sum p ln(p + eps) over D, A, N as they are
{t}_is_local_peak                        1 if s > c[-1], s > c[1] and s > 0.001
signal_strength_ratio                    donor_signal_strength / (acceptor_signal_strength + eps)
======================================== ==========================================================

c[k] is a neighbour's splice signal, 0 where there is none: agentic-spliceai takes max(D[k], A[k]),
as the catalogue does. meta-spliceai goes over a gene once for donors and once for acceptors and
takes the scores of the class of that pass; which pass made a training row cannot be known where
the model is used, so here it is the class of the row's larger score (donor where they are equal).
"""

from __future__ import annotations

from functools import cache

import polars as pl

from splice_meta.catalogue import TYPES, offset_suffix
from splice_meta.features.context import context_exprs
from splice_meta.features.neighbours import OFFSETS, splice_exprs
from splice_meta.features.signal import EPS, comparative_exprs, signal_exprs
from splice_meta.manifest import META_SPLICEAI

LEAST_PEAK = 1e-3
"""Score above which a position may be a local peak."""


def neighbour_signal_exprs(origin: str) -> dict[str, pl.Expr]:
    """``splice_m2`` ... ``splice_p2``: the neighbours' splice signal, 0 where they are missing.

    Args:
        origin: Whose definitions count.
    """
    if origin != META_SPLICEAI:
        return splice_exprs()
    # A product rather than a branch, see splice_meta.features.neighbours.
    is_donor = (pl.col("donor") >= pl.col("acceptor")).cast(pl.Float64)
    return {
        f"splice_{k}": is_donor * pl.col(f"donor_{k}") + (1 - is_donor) * pl.col(f"acceptor_{k}")
        for k in map(offset_suffix, OFFSETS)
    }


def _positive(score: pl.Expr) -> pl.Expr:
    """The score, 0 where rounding has left it slightly below: a logarithm needs that."""
    return score.clip(lower_bound=0.0)


@cache
def older_probability_exprs() -> dict[str, pl.Expr]:
    """The seven probability features, see the table above."""
    d, a, n = pl.col("donor"), pl.col("acceptor"), pl.col("neither")
    larger = pl.max_horizontal(d, a)

    def log(value: pl.Expr) -> pl.Expr:
        return (_positive(value) + EPS).log()

    return {
        "relative_donor_probability": d / (d + a + EPS),
        "splice_probability": (d + a) / (d + a + n + EPS),
        "donor_acceptor_diff": (d - a) / (larger + EPS),
        "splice_neither_diff": (larger - n) / (pl.max_horizontal(d, a, n) + EPS),
        "donor_acceptor_logodds": log(d) - log(a),
        "splice_neither_logodds": log(d + a) - log(n),
        "probability_entropy": -(d * log(d) + a * log(a) + n * log(n)),
    }


@cache
def older_signal_exprs() -> dict[str, pl.Expr]:
    """The features of peak and signal; only the local peaks are others than the catalogue's."""
    peaks = {}
    for t in TYPES:
        s = pl.col(t)
        is_peak = (s > pl.col("splice_m1")) & (s > pl.col("splice_p1")) & (s > LEAST_PEAK)
        peaks[f"{t}_is_local_peak"] = is_peak.cast(pl.Float64)
    return signal_exprs() | peaks


@cache
def older_comparative_exprs() -> dict[str, pl.Expr]:
    """The comparative features; the ratio of the signal strengths keeps its sign."""
    signal = signal_exprs()
    donor, acceptor = signal["donor_signal_strength"], signal["acceptor_signal_strength"]
    return comparative_exprs() | {"signal_strength_ratio": donor / (acceptor + EPS)}


OLDER_FAMILIES = (
    ("probability", older_probability_exprs),
    ("context", context_exprs),
    ("signal", older_signal_exprs),
    ("comparative", older_comparative_exprs),
)
"""The families that both older systems define in this way."""
