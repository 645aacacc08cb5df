"""Probability features: ratios, differences, log-odds and entropy of the three scores."""

from __future__ import annotations

from functools import cache

import polars as pl

EPS = 1e-8


@cache
def base_exprs() -> dict[str, pl.Expr]:
    """The three scores themselves."""
    return {f"{t}_score": pl.col(t) for t in ("donor", "acceptor", "neither")}


def _positive(score: pl.Expr) -> pl.Expr:
    """The score, 0 where rounding has left it slightly below: a logarithm needs that."""
    return score.clip(lower_bound=0.0)


@cache
def probability_exprs() -> dict[str, pl.Expr]:
    """The seven probability features.

    With D, A, N the scores and eps = 1e-8: D / (D + A + eps); D + A; D - A; D + A - N;
    ln((D + eps) / (A + eps)); ln((D + A + eps) / (N + eps)); and
    -sum p ln(p + eps) over p in {D, A, N} / (D + A + N + eps), not normalised by ln 3.
    """
    d, a, n = pl.col("donor"), pl.col("acceptor"), pl.col("neither")
    splice = d + a
    total = d + a + n + EPS

    def p_log_p(score: pl.Expr) -> pl.Expr:
        p = _positive(score) / total
        return p * (p + EPS).log()

    return {
        "relative_donor_probability": d / (splice + EPS),
        "splice_probability": splice,
        "donor_acceptor_diff": d - a,
        "splice_neither_diff": splice - n,
        "donor_acceptor_logodds": ((_positive(d) + EPS) / (_positive(a) + EPS)).log(),
        "splice_neither_logodds": ((_positive(splice) + EPS) / (_positive(n) + EPS)).log(),
        "probability_entropy": -(p_log_p(d) + p_log_p(a) + p_log_p(n)),
    }
