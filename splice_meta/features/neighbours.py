"""Neighbouring scores by position: taken over the full axis, then kept for the picked rows.

``x[k]`` is the value of ``x`` at position + k of the same gene. On the full axis the neighbours
are row shifts, which Polars makes without copying; whether a shifted row really lies k positions
away is decided after picking, from the shifted axis, on the few rows that are left.
"""

from __future__ import annotations

from functools import cache, reduce
from operator import add

import polars as pl

from splice_meta.catalogue import TYPES, offset_suffix
from splice_meta.contracts import AXIS, scores_of

RADIUS = 2
OFFSETS = tuple(k for k in range(-RADIUS, RADIUS + 1) if k)

_NOWHERE = -(1 << 62)


@cache
def shifted_axis_exprs() -> dict[str, pl.Expr]:
    """The axis of the rows above and below, over the full axis: ``_axis_m2`` ... ``_axis_p2``.

    Beyond the table's ends it is a number that no row has.
    """
    return {
        f"_axis_{offset_suffix(row)}": pl.col(AXIS).shift(-row, fill_value=_NOWHERE)
        for row in OFFSETS
    }


@cache
def shifted_score_exprs(base_model: str = "") -> dict[str, pl.Expr]:
    """The scores of the rows above and below, over the full axis, 0 beyond the table's ends.

    Args:
        base_model: One of several base models; empty for a single one. The columns are
            ``_donor_m2`` ... ``_acceptor_p2``, with the base model's name and a dot in front.
    """
    front = f"{base_model}." if base_model else ""
    return {
        f"{front}_{t}_{offset_suffix(row)}": pl.col(score).shift(-row, fill_value=0.0)
        for t, score in zip(TYPES, scores_of(base_model), strict=False)
        for row in OFFSETS
    }


def _lies(row: str, offset: int) -> pl.Expr:
    """Whether a shifted row lies ``offset`` positions away, as 1.0 or 0.0."""
    return (pl.col(f"_axis_{row}") == pl.col(AXIS) + offset).cast(pl.Float64)


@cache
def neighbour_exprs(base_model: str = "") -> dict[str, pl.Expr]:
    """Scores of a base model on the picked rows, and of the neighbours by position, as Float64.

    ``donor``, ``acceptor``, ``neither`` are those of the row; ``donor_m2`` ... ``acceptor_p2``
    are s[k], 0 where position + k is not there; ``has_m2`` ... ``has_p2`` are 1 where it is,
    else 0. Position + k can lie 1 to abs(k) rows away, fewer than abs(k) where the input has gaps.

    Products rather than branches, so that every column is computed by the same arithmetic
    whatever rows it holds: a branch that no row takes becomes a constant in Polars, and dividing
    by a constant rounds differently.

    Args:
        base_model: One of several base models; empty for a single one.
    """
    front = f"{base_model}." if base_model else ""

    def rows_within(offset: int) -> list[str]:
        side = 1 if offset > 0 else -1
        return [offset_suffix(side * distance) for distance in range(1, abs(offset) + 1)]

    def neighbour(score_type: str, offset: int) -> pl.Expr:
        terms = [
            _lies(row, offset) * pl.col(f"{front}_{score_type}_{row}").cast(pl.Float64)
            for row in rows_within(offset)
        ]
        return reduce(add, terms)

    scores = dict(zip(("donor", "acceptor", "neither"), scores_of(base_model), strict=True))
    own = {t: pl.col(score).cast(pl.Float64) for t, score in scores.items()}
    has = {
        f"has_{offset_suffix(k)}": reduce(add, (_lies(r, k) for r in rows_within(k)))
        for k in OFFSETS
    }
    return own | has | {f"{t}_{offset_suffix(k)}": neighbour(t, k) for t in TYPES for k in OFFSETS}


@cache
def splice_exprs() -> dict[str, pl.Expr]:
    """``splice_m2`` ... ``splice_p2``: c[k] = max(D[k], A[k]), 0 where the neighbour is missing."""
    suffixes = [offset_suffix(k) for k in OFFSETS]
    return {f"splice_{k}": pl.max_horizontal(f"donor_{k}", f"acceptor_{k}") for k in suffixes}
