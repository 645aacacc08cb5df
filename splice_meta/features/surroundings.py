"""Surroundings: the splice sites that a base model sees up- and downstream of a row.

Windows here are long (up to the whole gene), but few positions score: everything but the log-odds
looks only at the *sites* of a type, the positions where its score s is at least 0.001. On them a
window is a range between two binary searches, whatever its length. Sums are differences of
running sums in whole units of 2^-32, which are exact and so do not depend on the batch; maxima
come from a table of the maxima of 1, 2, 4, 8 ... neighbouring sites.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from splice_meta.catalogue import (
    DIRECTIONAL,
    GENE,
    LOGODDS,
    LOGODDS_OFFSETS,
    NEAREST,
    RANGES,
    REACHES,
    SIDES,
    SUMS,
    TYPES,
    offset_suffix,
)
from splice_meta.features.targets import Rows, Targets

Scores = npt.NDArray[np.float32]
Features = dict[str, npt.NDArray[Any]]

EPS = 1e-6
SITE = 0.001
"""The lowest score of a site; lower ones count as 0 in every window."""
COUNTED = 0.01
"""The lowest score that goes into a sum: the background of a long gene would outweigh its sites."""
STRONG = 0.1
"""The lowest score of the sites that distances are measured to and genes are described by."""
NOWHERE = 1e6
"""The distance to a site that is not there."""

_UNITS = float(1 << 32)


@dataclass(frozen=True)
class Sites:
    """The sites of one type, over all genes of a batch.

    Attributes:
        places: Their places on the position axis, ascending, shape (sites,).
        scores: Their scores.
    """

    places: Rows
    scores: Scores

    def above(self, lowest: float) -> Sites:
        """The sites with at least this score."""
        is_kept = self.scores >= np.float32(lowest)
        return Sites(self.places[is_kept], self.scores[is_kept])

    def between(self, first: Rows, last: Rows) -> tuple[Rows, Rows]:
        """The first site and the site after the last at the places first..last (inclusive)."""
        low = np.searchsorted(self.places, first, side="left")
        high = np.searchsorted(self.places, last, side="right")
        return low, np.maximum(high, low)

    def count(self, first: Rows, last: Rows) -> Rows:
        """The number of sites at first..last."""
        low, high = self.between(first, last)
        return high - low

    def sum(self, first: Rows, last: Rows) -> npt.NDArray[np.float64]:
        """The sum of the scores at first..last."""
        low, high = self.between(first, last)
        return np.asarray((self._running[high] - self._running[low]) / _UNITS, np.float64)

    def max(self, first: Rows, last: Rows) -> Scores:
        """The largest score at first..last, 0 where there is no site."""
        low, high = self.between(first, last)
        found = np.zeros(low.size, np.float32)
        # Two overlapping ranges of 2^level sites cover any range of sites.
        level = np.frexp(np.maximum(high - low, 1))[1] - 1
        for j, maxima in enumerate(self._maxima):
            here = np.flatnonzero((level == j) & (high > low))
            found[here] = np.maximum(maxima[low[here]], maxima[high[here] - (1 << j)])
        return found

    @cached_property
    def _running(self) -> npt.NDArray[np.int64]:
        units = np.rint(self.scores.astype(np.float64) * _UNITS).astype(np.int64)
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(units)])

    @cached_property
    def _maxima(self) -> list[Scores]:
        table, span = [self.scores], 1
        while 2 * span <= self.scores.size:
            table.append(np.maximum(table[-1][:-span], table[-1][span:]))
            span *= 2
        return table


def surroundings(
    axis: pl.Series,
    gene: pl.Series,
    scores: tuple[pl.Series, pl.Series, pl.Series],
    picked: pl.Series | None,
    wanted: Collection[str],
) -> pl.Series:
    """The surroundings of the picked rows in the scores of one base model.

    Args:
        axis: Position axis of all rows, ascending, shape (rows,).
        gene: Running number of each row's gene.
        scores: Donor, acceptor and neither scores of all rows, Float32.
        picked: Which rows are wanted; all if None.
        wanted: Names of the features to compute.

    Returns:
        A struct series with one Float32 field per wanted feature, one row per picked row.
    """
    targets = Targets.of(axis, gene, picked)
    *by_type, neither = (series.to_numpy() for series in scores)
    made: Features = {}
    for t, score in zip(TYPES, by_type, strict=True):
        at = np.flatnonzero(score >= np.float32(SITE))
        sites = Sites(targets.places[at], score[at])
        if set(wanted) & set(LOGODDS):
            made |= _logodds(t, score, neither, targets)
        for names, family in (
            (NEAREST, _nearest),
            (DIRECTIONAL, _directional),
            (SUMS, _sums),
            (GENE, _gene),
        ):
            made |= family(t, sites, targets) if set(wanted) & set(names) else {}
    return pl.DataFrame({n: made[n].astype(np.float32) for n in wanted}).to_struct("surroundings")


def _logodds(t: str, score: Scores, neither: Scores, targets: Targets) -> Features:
    """ln((s + eps) / (N + eps)) of the row and of its neighbours up to 5 positions away.

    A missing neighbour counts as s = 0, N = 1.
    """

    def logodds(offset: int) -> npt.NDArray[np.float64]:
        rows, there = targets.at(offset)
        s = np.where(there, np.maximum(score[rows], 0.0), 0.0)
        n = np.where(there, np.maximum(neither[rows], 0.0), 1.0)
        return np.log((s.astype(np.float64) + EPS) / (n.astype(np.float64) + EPS))

    near = {f"{t}_logodds_{offset_suffix(k)}": logodds(k) for k in LOGODDS_OFFSETS}
    return {f"{t}_logodds": logodds(0)} | near


def _nearest(t: str, sites: Sites, targets: Targets) -> Features:
    """Distance to, and score of, the nearest other site of at least 0.1 on each side."""
    strong = sites.above(STRONG)
    made: Features = {}
    for side in SIDES:
        low, high = strong.between(*targets.window(side, 1, None))
        there = np.flatnonzero(high > low)
        index = (high - 1 if side == "upstream" else low)[there]
        distance, score = np.full(low.size, NOWHERE), np.zeros(low.size, np.float32)
        distance[there] = np.abs(strong.places[index] - targets.here[there])
        score[there] = strong.scores[index]
        made |= {f"nearest_{t}_{side}_distance": distance, f"nearest_{t}_{side}_score": score}
    return made


def _directional(t: str, sites: Sites, targets: Targets) -> Features:
    """The largest score between two distances on each side, 0 where there is no site."""
    return {
        f"{t}_max_{side}_{near}_{far}": sites.max(*targets.window(side, near, far - 1))
        for side in SIDES
        for near, far in RANGES
    }


def _sums(t: str, sites: Sites, targets: Targets) -> Features:
    """Sums of the scores of at least 0.01 on each side, up to a distance or the gene's end."""
    counted = sites.above(COUNTED)
    reaches = {"": None} | {f"_{reach}": reach for reach in REACHES}
    return {
        f"{t}_sum_{side}{name}": counted.sum(*targets.window(side, 1, reach))
        for side in SIDES
        for name, reach in reaches.items()
    }


def _gene(t: str, sites: Sites, targets: Targets) -> Features:
    """The gene's largest score, and number, density and mean score of its sites from 0.1 on."""
    strong, gene = sites.above(STRONG), (targets.start, targets.end)
    count = strong.count(*gene)
    return {
        f"gene_{t}_max": sites.max(*gene),
        f"gene_{t}_count": count,
        f"gene_{t}_density": count * 10_000 / (targets.end - targets.start + 1),
        f"gene_{t}_strength": strong.sum(*gene) / np.maximum(count, 1),
    }
