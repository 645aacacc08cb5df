"""Surroundings: the splice sites that a base model sees up- and downstream of a row.

Windows here are long (up to the whole gene), but few positions score: everything but the log-odds
looks only at the *sites* of a type, the positions where its score s is at least 0.001. A window,
whatever its length, is a range of them: between the numbers of sites before its first row and
after its last, which one running count over all rows tells. Sums are differences of running sums
in whole units of 2^-32, which are exact and so do not depend on the batch; maxima come from a
table of the maxima of 1, 2, 4, 8 ... neighbouring sites.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from splice_meta.catalogue import (
    DIRECTIONAL,
    GENE,
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

Bound = int | Literal["first", "stop"]
"""The first row of a gene that is at least so far downstream of a row; its first, or behind it."""
Window = tuple[Bound, Bound]
"""The rows from a bound to before another one."""

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

BLOCK_ROWS = 1 << 14
"""Wanted rows that are looked at at a time, so that what is known of them stays in the processor's
cache: a tenth less time than all 131,072 of a shard at once."""


@dataclass(frozen=True)
class Sites:
    """Sites of one type, over all genes of a batch.

    Attributes:
        places: Their places on the position axis, ascending, shape (sites,).
        scores: Their scores.
    """

    places: Rows
    scores: Scores
    _above: dict[float, tuple[Sites, Rows]] = field(default_factory=dict)

    def above(self, lowest: float) -> tuple[Sites, Rows]:
        """The sites with at least this score, and how many of them are among the first n of all."""
        if lowest not in self._above:
            is_kept = self.scores >= np.float32(lowest)
            kept = np.concatenate([np.zeros(1, np.int64), np.cumsum(is_kept)])
            self._above[lowest] = Sites(self.places[is_kept], self.scores[is_kept]), kept
        return self._above[lowest]

    @cached_property
    def running(self) -> npt.NDArray[np.int64]:
        """The sum of the scores of the first n sites, in whole units."""
        units = np.rint(self.scores.astype(np.float64) * _UNITS).astype(np.int64)
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(units)])

    @cached_property
    def maxima(self) -> tuple[Scores, Rows]:
        """The maxima of 1, 2, 4, 8 ... sites from each on, and where each of these begins."""
        table, span = [self.scores], 1
        while 2 * span <= self.scores.size:
            table.append(np.maximum(table[-1][:-span], table[-1][span:]))
            span *= 2
        sizes = [each.size for each in table]
        return np.concatenate(table), np.cumsum([0, *sizes[:-1]], dtype=np.int64)

    @cached_property
    def levels(self) -> Rows:
        """The largest level with 2^level <= n, for n sites."""
        counts = np.arange(self.scores.size + 1)
        return np.asarray(np.frexp(np.maximum(counts, 1))[1] - 1, np.int64)


@dataclass(frozen=True)
class Around:
    """Sites as they lie around some wanted rows.

    Attributes:
        sites: The sites.
        before: From a bound, see :class:`Bounds`, to the number of sites before it, by wanted row.
    """

    sites: Sites
    before: Callable[[Bound], Rows]

    def above(self, lowest: float) -> Around:
        """The sites with at least this score."""
        sites, kept = self.sites.above(lowest)
        return Around(sites, lambda bound: kept[self.before(bound)])

    def between(self, window: Window) -> tuple[Rows, Rows]:
        """The first site of a window and the site after its last, by wanted row."""
        return self.before(window[0]), self.before(window[1])

    def count(self, window: Window) -> Rows:
        """The number of sites in a window."""
        low, high = self.between(window)
        return high - low

    def sum(self, window: Window) -> npt.NDArray[np.float64]:
        """The sum of the scores in a window."""
        low, high = self.between(window)
        running = self.sites.running
        return np.asarray((running[high] - running[low]) / _UNITS, np.float64)

    def max(self, window: Window) -> Scores:
        """The largest score in a window, 0 where there is no site."""
        low, high = self.between(window)
        found = np.zeros(low.size, np.float32)
        some = np.flatnonzero(high > low)
        low, high = low[some], high[some]
        # Two overlapping ranges of 2^level sites cover any range of sites.
        maxima, begins = self.sites.maxima
        level = self.sites.levels[high - low]
        at = begins[level]
        found[some] = np.maximum(maxima[at + low], maxima[at + high - (1 << level)])
        return found


@dataclass(frozen=True)
class Bounds:
    """Ends of windows as rows, each looked up once for both types.

    Attributes:
        targets: The wanted rows.
    """

    targets: Targets
    _rows: dict[Bound, Rows] = field(default_factory=dict)

    def __getitem__(self, bound: Bound) -> Rows:
        """The row that a bound stands for, by wanted row."""
        if bound not in self._rows:
            self._rows[bound] = (
                self.targets.row_from(bound)
                if isinstance(bound, int)
                else getattr(self.targets, bound)
            )
        return self._rows[bound]


def sites_in(score: Scores, places: Rows) -> tuple[Sites, Rows]:
    """The sites of one type.

    Args:
        score: The type's scores on all rows.
        places: The position axis.

    Returns:
        The sites, and how many of them lie before each row, and before the end.
    """
    is_site = score >= np.float32(SITE)
    running = np.zeros(score.size + 1, np.int64)
    np.cumsum(is_site, out=running[1:])
    at = np.flatnonzero(is_site)
    return Sites(places[at], score[at]), running


def around(sites: Sites, running: Rows, bounds: Bounds) -> Around:
    """The sites of one type as the bounds of windows see them; each bound is looked up once."""
    known: dict[Bound, Rows] = {}

    def before(bound: Bound) -> Rows:
        if bound not in known:
            known[bound] = running[bounds[bound]]
        return known[bound]

    return Around(sites, before)


def window(side: str, near: int, far: int | None) -> Window:
    """The bounds of the positions that lie on one side of a row, ``near`` to ``far`` away.

    Args:
        side: Upstream is towards the gene's start.
        near: Smallest distance.
        far: Largest distance; to the gene's end if None.
    """
    if side == "upstream":
        return ("first" if far is None else -far), 1 - near
    return near, ("stop" if far is None else far + 1)


GENE_WINDOW: Window = ("first", "stop")


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
    found = [sites_in(score, targets.places) for score in by_type]
    made = {name: np.empty(targets.rows.size, np.float32) for name in wanted}
    for start, some in targets.blocks(BLOCK_ROWS):
        bounds = Bounds(some)
        for t, score, (sites, running) in zip(TYPES, by_type, found, strict=True):
            features = _logodds(t, score, neither, some, wanted)
            near = around(sites, running, bounds)
            for names, family in (
                (NEAREST, _nearest),
                (DIRECTIONAL, _directional),
                (SUMS, _sums),
                (GENE, _gene),
            ):
                features |= family(t, near, some) if set(wanted) & set(names) else {}
            for name in made.keys() & features.keys():
                made[name][start : start + some.rows.size] = features[name]
    return pl.DataFrame(made).to_struct("surroundings")


def _logodds(
    t: str, score: Scores, neither: Scores, targets: Targets, wanted: Collection[str]
) -> Features:
    """ln((s + eps) / (N + eps)) of the row and of its neighbours up to 5 positions away.

    A missing neighbour counts as s = 0, N = 1.
    """

    def logodds(offset: int) -> npt.NDArray[np.float64]:
        rows, there = targets.at(offset)
        s = np.where(there, np.maximum(score[rows], 0.0), 0.0)
        n = np.where(there, np.maximum(neither[rows], 0.0), 1.0)
        return np.log((s.astype(np.float64) + EPS) / (n.astype(np.float64) + EPS))

    names = {f"{t}_logodds": 0} | {f"{t}_logodds_{offset_suffix(k)}": k for k in LOGODDS_OFFSETS}
    return {name: logodds(offset) for name, offset in names.items() if name in wanted}


def _nearest(t: str, sites: Around, targets: Targets) -> Features:
    """Distance to, and score of, the nearest other site of at least 0.1 on each side."""
    strong = sites.above(STRONG)
    made: Features = {}
    for side in SIDES:
        low, high = strong.between(window(side, 1, None))
        there = np.flatnonzero(high > low)
        index = (high - 1 if side == "upstream" else low)[there]
        distance, score = np.full(low.size, NOWHERE), np.zeros(low.size, np.float32)
        distance[there] = np.abs(strong.sites.places[index] - targets.here[there])
        score[there] = strong.sites.scores[index]
        made |= {f"nearest_{t}_{side}_distance": distance, f"nearest_{t}_{side}_score": score}
    return made


def _directional(t: str, sites: Around, targets: Targets) -> Features:
    """The largest score between two distances on each side, 0 where there is no site."""
    return {
        f"{t}_max_{side}_{near}_{far}": sites.max(window(side, near, far - 1))
        for side in SIDES
        for near, far in RANGES
    }


def _sums(t: str, sites: Around, targets: Targets) -> Features:
    """Sums of the scores of at least 0.01 on each side, up to a distance or the gene's end."""
    counted = sites.above(COUNTED)
    reaches = {"": None} | {f"_{reach}": reach for reach in REACHES}
    return {
        f"{t}_sum_{side}{name}": counted.sum(window(side, 1, reach))
        for side in SIDES
        for name, reach in reaches.items()
    }


def _gene(t: str, sites: Around, targets: Targets) -> Features:
    """The gene's largest score, and number, density and mean score of its sites of at least 0.1."""
    strong = sites.above(STRONG)
    count = strong.count(GENE_WINDOW)
    return {
        f"gene_{t}_max": sites.max(GENE_WINDOW),
        f"gene_{t}_count": count,
        f"gene_{t}_density": count * 10_000 / (targets.end - targets.start + 1),
        f"gene_{t}_strength": strong.sum(GENE_WINDOW) / np.maximum(count, 1),
    }
