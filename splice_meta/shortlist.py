"""Positions that tuning may pick, told by sums and comparisons: the rest need no logarithm."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import polars as pl

from splice_meta.contracts import SCORES
from splice_meta.settings import Selection

Floats = npt.NDArray[np.float64]

Rows = npt.NDArray[np.int64]

Scores = npt.NDArray[np.float32]


def may_be_picked(
    rows: pl.DataFrame, lengths: Rows, wanted: Rows, selection: Selection
) -> tuple[Rows, Rows]:
    """The positions that may be among those that tuning picks; few others may, too.

    Let e = D + A, and q the n-th largest e up to 0.2 of the gene. For such e the entropy lies
    between that of (e, 0, 1 - e) and that of (e/2, e/2, 1 - e), both of which rise with e. So at
    least n positions have no less entropy than the former with q, and a position for which the
    latter is lower than that is not picked, unless it meets more criteria, which no position does
    with an e that is small enough. The contract lets scores add up to 1 within a hundredth, and
    rounding moves entropies, so bounds are taken that much wider.

    Args:
        rows: Scores, each gene's rows adjacent.
        lengths: Rows of each gene.
        wanted: How many of them are picked: n.
        selection: A strategy with adaptive tuning.

    Returns:
        Their row numbers, ascending, and the number of each one's gene.
    """
    donor, acceptor = (rows[name].to_numpy() for name in SCORES[:2])
    e = donor + acceptor
    # Confident sites have little entropy again.
    small = np.where(e <= np.float32(0.2), e, np.float32(0))
    stops = np.cumsum(lengths)
    ranges = zip(stops - lengths, stops, wanted, strict=True)
    nth = [nth_largest(small[a:b], n) for a, b, n in ranges]
    lowest = _reach(np.array(nth, np.float64), _harmless(selection))
    near = _near(e >= np.repeat(lowest, lengths), donor, acceptor)
    return near, np.searchsorted(stops, near, side="right")


def may_meet(rows: pl.DataFrame, selection: Selection) -> Rows:
    """The row numbers of positions that may meet a criterion, and of few others, ascending."""
    donor, acceptor = (rows[name].to_numpy() for name in SCORES[:2])
    harmless = np.float32(_harmless(selection) * 0.9999)  # as e is rounded, towards 0
    return _near(donor + acceptor >= harmless, donor, acceptor)


def _near(is_near: npt.NDArray[np.bool_], donor: Scores, acceptor: Scores) -> Rows:
    """The row numbers of positions near enough, and of those whose e tells nothing."""
    if is_near.size and min(donor.min(), acceptor.min()) < 0:
        is_near |= (donor < 0) | (acceptor < 0)
    return np.flatnonzero(is_near)


def nth_largest(values: Scores, n: int) -> float:
    """The n-th largest value; of many, a sample tells most of those that are lower."""
    if values.size > 1 << 14:
        sample = values[:: values.size >> 10]
        lower = int(sample.size * (1 - 1.2 * n / values.size)) - 32
        if lower > 0:
            some = values[values >= np.partition(sample, lower)[lower]]
            values = some if some.size >= n else values
    return float(np.partition(values, values.size - n)[values.size - n])


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


_GRID = np.geomspace(1e-30, 0.2, 1 << 12)
"""Values of e, each 1.6% above the one before."""


def _reach(q: Floats, harmless: float) -> npt.NDArray[np.float32]:
    """The lowest e that a gene whose n-th largest e is given may pick; a little lower."""
    bound = np.where(q > 0, _lower(np.clip(q, 1e-30, 0.2)) * (1 - 1e-9) - 1e-15, -1.0)
    below = np.searchsorted(_upper(_GRID) * (1 + 1e-9) + 1e-15, bound)
    reach = np.where(below > 0, _GRID[below - 1], 0.0)
    return (np.minimum(reach, np.clip(q, 0, harmless)) * 0.9999).astype(np.float32)  # as e is


def may_be_least(rows: pl.DataFrame, of: Rows) -> npt.NDArray[np.bool_]:
    """The positions that may have the least entropy of their gene; few others may, too.

    That is not above the largest entropy that a position with the gene's least e may have.

    Args:
        rows: Scores, each gene's rows adjacent.
        of: The number of each row's gene, from 0, ascending; none without a row.
    """
    donor, acceptor = (rows[name].to_numpy() for name in SCORES[:2])
    e = donor + acceptor
    is_told = (np.minimum(donor, acceptor) >= 0) & (e <= np.float32(0.2))
    starts = np.flatnonzero(np.diff(of, prepend=-1))
    least = np.minimum.reduceat(np.where(is_told, e, np.float32(0.2)), starts).astype(np.float64)
    bound = _upper(np.maximum(least * 1.0001, 1e-30)) * (1 + 1e-9) + 1e-15
    above = np.searchsorted(_lower(_GRID) * (1 - 1e-9) - 1e-15, bound, side="right")
    reach = np.append(_GRID, np.inf)[above].astype(np.float32)
    return np.asarray(~is_told | (e <= reach[of]))
