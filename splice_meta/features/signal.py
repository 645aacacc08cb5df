"""Peak and signal-shape features of each splice type, and the comparison of the two."""

from __future__ import annotations

from functools import cache

import polars as pl

from splice_meta.features.context import neighbor_max, neighbor_mean

EPS = 1e-10


def _peak_height_ratio(score: pl.Expr) -> pl.Expr:
    return score / (neighbor_mean() + EPS)


def _signal_strength(score: pl.Expr) -> pl.Expr:
    return score - neighbor_mean()


@cache
def signal_exprs() -> dict[str, pl.Expr]:
    """Eleven features for donor and eleven for acceptor.

    With s the type's score, c[k] = max(D[k], A[k]) (0 where missing) and eps = 1e-10:
    ``is_local_peak`` 1 if s[0] > s[-1] and s[0] > s[1], both present, else 0; ``diff_*`` s - c[k];
    ``surge_ratio`` s / (c[-1] + c[1] + eps); ``weighted_context`` 0.1 c[-2] + 0.2 c[-1] + 0.4 s
    + 0.2 c[1] + 0.1 c[2]; ``peak_height_ratio`` s / (mean c + eps); ``second_derivative``
    (s - c[-1]) - (c[1] - s); ``signal_strength`` s - mean c; ``context_diff_ratio``
    s / (max c + eps).
    """
    m2, m1, p1, p2 = (pl.col(f"splice_{k}") for k in ("m2", "m1", "p1", "p2"))
    features: dict[str, pl.Expr] = {}
    for t in ("donor", "acceptor"):
        s = pl.col(t)
        is_above = (s > pl.col(f"{t}_m1")) & (s > pl.col(f"{t}_p1"))
        is_peak = is_above & (pl.col("has_m1") > 0) & (pl.col("has_p1") > 0)
        features |= {
            f"{t}_is_local_peak": is_peak.cast(pl.Float64),
            f"{t}_diff_m1": s - m1,
            f"{t}_diff_m2": s - m2,
            f"{t}_diff_p1": s - p1,
            f"{t}_diff_p2": s - p2,
            f"{t}_surge_ratio": s / (m1 + p1 + EPS),
            f"{t}_weighted_context": 0.1 * m2 + 0.2 * m1 + 0.4 * s + 0.2 * p1 + 0.1 * p2,
            f"{t}_peak_height_ratio": _peak_height_ratio(s),
            f"{t}_second_derivative": (s - m1) - (p1 - s),
            f"{t}_signal_strength": _signal_strength(s),
            f"{t}_context_diff_ratio": s / (neighbor_max() + EPS),
        }
    return features


@cache
def comparative_exprs() -> dict[str, pl.Expr]:
    """Donor against acceptor, eps = 1e-10.

    The ratio of the two peak height ratios, the difference and the ratio of the two signal
    strengths (the latter over abs(acceptor) + eps), and (D - A) / (D + A + eps).
    """
    d, a = pl.col("donor"), pl.col("acceptor")
    return {
        "donor_acceptor_peak_ratio": _peak_height_ratio(d) / (_peak_height_ratio(a) + EPS),
        "type_signal_difference": _signal_strength(d) - _signal_strength(a),
        "score_difference_ratio": (d - a) / (d + a + EPS),
        "signal_strength_ratio": _signal_strength(d) / (_signal_strength(a).abs() + EPS),
    }
