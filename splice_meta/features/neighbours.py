"""Neighbouring scores by position: taken over the full axis, then kept for the picked rows.

``x[k]`` is the value of ``x`` at position + k of the same gene. On the full axis the neighbours
are row shifts, which Polars makes without copying; whether a shifted row really lies k positions
away is decided after picking, from the shifted axis, on the few rows that are left.
"""

from __future__ import annotations

from functools import reduce
from operator import add

import polars as pl

from splice_meta.contracts import AXIS

RADIUS = 2
OFFSETS = tuple(k for k in range(-RADIUS, RADIUS + 1) if k)
TYPES = ("donor", "acceptor")

_NOWHERE = -(1 << 62)


def suffix(offset: int) -> str:
    """How an offset is written in a column name: m2, m1, p1, p2."""
    return f"{'m' if offset < 0 else 'p'}{abs(offset)}"


def shifted_exprs() -> dict[str, pl.Expr]:
    """The rows above and below as columns, over the full axis: ``_axis_m2`` ... ``_acceptor_p2``.

    Beyond the table's ends the axis is a number that no row has, the scores are 0.
    """
    sources = {"_axis": (AXIS, _NOWHERE)} | {f"_{t}": (f"{t}_score", 0.0) for t in TYPES}
    return {
        f"{name}_{suffix(row)}": pl.col(column).shift(-row, fill_value=beyond)
        for name, (column, beyond) in sources.items()
        for row in OFFSETS
    }


def _lies(row: str, offset: int) -> pl.Expr:
    """Whether a shifted row lies ``offset`` positions away, as 1.0 or 0.0."""
    return (pl.col(f"_axis_{row}") == pl.col(AXIS) + offset).cast(pl.Float64)


def neighbour_exprs() -> dict[str, pl.Expr]:
    """``donor_m2`` ... ``acceptor_p2`` and ``has_m2`` ... ``has_p2``, Float64.

    ``{t}_*`` is s[k], 0 where position + k is not there; ``has_*`` is 1 where it is, else 0.
    Position + k can lie 1 to abs(k) rows away, fewer than abs(k) where the input has gaps.

    Products rather than branches, so that every column is computed by the same arithmetic
    whatever rows it holds: a branch that no row takes becomes a constant in Polars, and dividing
    by a constant rounds differently.
    """

    def rows_within(offset: int) -> list[str]:
        side = 1 if offset > 0 else -1
        return [suffix(side * distance) for distance in range(1, abs(offset) + 1)]

    def neighbour(score_type: str, offset: int) -> pl.Expr:
        terms = [
            _lies(row, offset) * pl.col(f"_{score_type}_{row}").cast(pl.Float64)
            for row in rows_within(offset)
        ]
        return reduce(add, terms)

    has = {f"has_{suffix(k)}": reduce(add, (_lies(r, k) for r in rows_within(k))) for k in OFFSETS}
    return has | {f"{t}_{suffix(k)}": neighbour(t, k) for t in TYPES for k in OFFSETS}


def splice_exprs() -> dict[str, pl.Expr]:
    """``splice_m2`` ... ``splice_p2``: c[k] = max(D[k], A[k]), 0 where the neighbour is missing."""
    return {
        f"splice_{suffix(k)}": pl.max_horizontal(f"donor_{suffix(k)}", f"acceptor_{suffix(k)}")
        for k in OFFSETS
    }
