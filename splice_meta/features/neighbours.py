"""Neighbouring scores by position: taken over the full axis, then kept for the picked rows.

``x[k]`` is the value of ``x`` at position + k of the same gene. On the full axis the neighbours
are row shifts, which Polars makes without copying; whether a shifted row really lies k positions
away is decided after picking, from the shifted axis, on the few rows that are left.
"""

from __future__ import annotations

import polars as pl

from splice_meta.contracts import AXIS

RADIUS = 2
OFFSETS = tuple(k for k in range(-RADIUS, RADIUS + 1) if k)
TYPES = ("donor", "acceptor")


def suffix(offset: int) -> str:
    """How an offset is written in a column name: m2, m1, p1, p2."""
    return f"{'m' if offset < 0 else 'p'}{abs(offset)}"


def shifted_exprs() -> dict[str, pl.Expr]:
    """The rows above and below as columns, over the full axis: ``_axis_m2`` ... ``_donor_p2``."""
    sources = {"_axis": AXIS} | {f"_{t}": f"{t}_score" for t in TYPES}
    return {
        f"{name}_{suffix(row)}": pl.col(column).shift(-row)
        for name, column in sources.items()
        for row in OFFSETS
    }


def neighbour_exprs() -> dict[str, pl.Expr]:
    """``donor_m2`` ... ``acceptor_p2``: s[k] as Float64, null where position + k is not there.

    Position + k can lie 1 to abs(k) rows away, fewer than abs(k) where the input has gaps.
    """

    def neighbour(score_type: str, offset: int) -> pl.Expr:
        side = 1 if offset > 0 else -1
        rows = [suffix(side * distance) for distance in range(abs(offset), 0, -1)]
        return pl.coalesce(
            pl.when(pl.col(f"_axis_{row}") == pl.col(AXIS) + offset).then(
                pl.col(f"_{score_type}_{row}").cast(pl.Float64)
            )
            for row in rows
        )

    return {f"{t}_{suffix(k)}": neighbour(t, k) for t in TYPES for k in OFFSETS}


def splice_exprs() -> dict[str, pl.Expr]:
    """``splice_m2`` ... ``splice_p2``: c[k] = max(D[k], A[k]), 0 where the neighbour is missing."""
    return {
        f"splice_{suffix(k)}": pl.max_horizontal(f"donor_{suffix(k)}", f"acceptor_{suffix(k)}")
        .fill_null(0.0)
        for k in OFFSETS
    }  # fmt: skip
