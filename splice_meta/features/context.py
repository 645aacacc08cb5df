"""Context features: rolling means and the splice signal of the neighbours."""

from __future__ import annotations

from functools import cache

import polars as pl


def neighbor_mean() -> pl.Expr:
    """(c[-2] + c[-1] + c[1] + c[2]) / 4."""
    m2, m1, p1, p2 = (pl.col(f"splice_{k}") for k in ("m2", "m1", "p1", "p2"))
    return (m2 + m1 + p1 + p2) / 4


def neighbor_max() -> pl.Expr:
    """max(c[-2], c[-1], c[1], c[2])."""
    return pl.max_horizontal("splice_m2", "splice_m1", "splice_p1", "splice_p2")


@cache
def context_exprs() -> dict[str, pl.Expr]:
    """The four rolling and seven neighbour features.

    With s a type's score and c[k] = max(D[k], A[k]), a missing neighbour's c being 0:
    ``{t}_context_mean`` is the mean of the present values among s[-2]..s[2];
    ``{t}_context_asymmetry`` is s[-2] - s[2], a missing neighbour counting as 0;
    ``context_score_*`` are c[-2], c[-1], c[1], c[2], then their mean, their maximum and
    ``context_asymmetry`` = (c[-1] + c[-2]) - (c[1] + c[2]).
    """
    m2, m1, p1, p2 = (pl.col(f"splice_{k}") for k in ("m2", "m1", "p1", "p2"))
    present = 1 + pl.col("has_m2") + pl.col("has_m1") + pl.col("has_p1") + pl.col("has_p2")
    rolling: dict[str, pl.Expr] = {}
    for t in ("donor", "acceptor"):
        s_m2, s_m1, s_p1, s_p2 = (pl.col(f"{t}_{k}") for k in ("m2", "m1", "p1", "p2"))
        rolling[f"{t}_context_mean"] = (s_m2 + s_m1 + pl.col(t) + s_p1 + s_p2) / present
        rolling[f"{t}_context_asymmetry"] = s_m2 - s_p2
    return rolling | {
        "context_score_m2": m2,
        "context_score_m1": m1,
        "context_score_p1": p1,
        "context_score_p2": p2,
        "context_neighbor_mean": neighbor_mean(),
        "context_asymmetry": (m1 + m2) - (p1 + p2),
        "context_max": neighbor_max(),
    }
