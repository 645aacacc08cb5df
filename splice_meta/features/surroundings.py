"""Surroundings: the splice sites that a base model sees up- and downstream of a row.

Windows here are long (up to the whole gene), but few positions score: everything but the log-odds
looks only at the *sites* of a type, the positions where its score s is at least 0.001. From one
wanted row to the next a window mostly holds the same sites; it changes where a site enters or
leaves it. So each feature is computed once for every such *step*, and then repeated for its rows.
Sums are differences of running sums in whole units of 2^-32, which are exact and so do not depend
on the batch; maxima come from a table of the maxima of 1, 2, 4, 8 ... neighbouring sites.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeVar

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
N = TypeVar("N", bound=np.generic)

Bound = int | Literal["first", "stop"]
"""The first row of a gene that is at least so far downstream of a row; or the gene's first row, or
the row after its last."""
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


@dataclass(frozen=True)
class Sites:
    """Sites of one type, over all genes of a batch.

    Attributes:
        places: Their places on the position axis, ascending, shape (sites,).
        scores: Their scores.
        genes: The running numbers of their genes in the batch.
    """

    places: Rows
    scores: Scores
    genes: Rows

    @classmethod
    def of(cls, score: Scores, targets: Targets) -> Sites:
        """The sites of one type, from its scores on all rows of the batch."""
        rows = np.flatnonzero(score >= np.float32(SITE))
        genes = np.searchsorted(targets.first, rows, side="right") - 1
        return cls(targets.places[rows], score[rows], genes)

    def above(self, lowest: float) -> Sites:
        """Those with at least this score."""
        is_kept = self.scores >= np.float32(lowest)
        return Sites(self.places[is_kept], self.scores[is_kept], self.genes[is_kept])

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


@dataclass(frozen=True)
class Steps:
    """The sites in a window, as it moves from one wanted row to the next.

    Attributes:
        sites: All sites.
        begins: The first wanted row of each step, ascending from 0, shape (steps,).
        low: The first site in the window.
        high: The site after its last.
        size: The number of wanted rows.
    """

    sites: Sites
    begins: Rows
    low: Rows
    high: Rows
    size: int

    def spread(self, values: npt.NDArray[N]) -> npt.NDArray[N]:
        """A value of each step, for each wanted row."""
        return np.repeat(values, np.diff(self.begins, append=self.size))

    @property
    def count(self) -> Rows:
        """The number of sites, by step."""
        return self.high - self.low

    @property
    def sum(self) -> npt.NDArray[np.float64]:
        """The sum of the scores, by step."""
        running = self.sites.running
        return np.asarray((running[self.high] - running[self.low]) / _UNITS, np.float64)

    @property
    def max(self) -> Scores:
        """The largest score, by step, 0 where there is no site."""
        found = np.zeros(self.low.size, np.float32)
        some = np.flatnonzero(self.high > self.low)
        low, high = self.low[some], self.high[some]
        # Two overlapping ranges of 2^level sites cover any range of sites.
        maxima, begins = self.sites.maxima
        level = np.frexp(high - low)[1].astype(np.int64) - 1
        at = begins[level]
        found[some] = np.maximum(maxima[at + low], maxima[at + high - (1 << level)])
        return found


@dataclass(frozen=True)
class Around:
    """Sites as they lie around some wanted rows.

    Attributes:
        sites: The sites.
        targets: The wanted rows.
    """

    sites: Sites
    targets: Targets
    _known: dict[Bound, Rows] = field(default_factory=dict)

    def above(self, lowest: float) -> Around:
        """The sites with at least this score."""
        return Around(self.sites.above(lowest), self.targets)

    def within(self, window: Window) -> Steps:
        """The sites in a window."""
        first, stop = self._passed(window[0]), self._passed(window[1])
        size = self.targets.rows.size
        changes = np.zeros(size + 1, np.bool_)
        changes[0] = changes[first] = changes[stop] = True
        begins = np.flatnonzero(changes[:size])
        low, high = (np.searchsorted(each, begins, side="right") for each in (first, stop))
        return Steps(self.sites, begins, low, high, size)

    def _passed(self, bound: Bound) -> Rows:
        """By site, from which wanted row on it lies before a bound; ascending.

        All sites of a gene lie before any bound of the next.
        """
        if bound not in self._known:
            sites, begins = self.sites, self.targets.begins
            before, after = begins[sites.genes], begins[sites.genes + 1]
            if isinstance(bound, int):
                passed = np.searchsorted(self.targets.here, sites.places - bound, side="right")
                self._known[bound] = np.clip(passed, before, after)
            else:
                self._known[bound] = after if bound == "first" else before
        return self._known[bound]


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
    targets: Targets, scores: Sequence[pl.Series], wanted: Collection[str]
) -> dict[str, Scores]:
    """The surroundings of the wanted rows in the scores of one base model.

    Args:
        targets: The wanted rows.
        scores: Donor, acceptor and neither scores of all rows, Float32.
        wanted: Names of the features to compute.

    Returns:
        A value for each wanted row by feature.
    """
    *by_type, neither = (series.to_numpy() for series in scores)
    features = _logodds(by_type, neither, targets, wanted)
    for t, score in zip(TYPES, by_type, strict=True):
        near = Around(Sites.of(score, targets), targets)
        for names, family in (
            (NEAREST, _nearest),
            (DIRECTIONAL, _directional),
            (SUMS, _sums),
            (GENE, _gene),
        ):
            features |= family(t, near) if set(wanted) & set(names) else {}
    return {name: features[name].astype(np.float32, copy=False) for name in wanted}


def _logodds(
    by_type: Sequence[Scores], neither: Scores, targets: Targets, wanted: Collection[str]
) -> Features:
    """ln((s + eps) / (N + eps)) of the row and of its neighbours up to 5 positions away.

    A missing neighbour counts as s = 0, N = 1.
    """
    made: Features = {}
    for offset in (0, *LOGODDS_OFFSETS):
        end = f"_{offset_suffix(offset)}" if offset else ""
        names = {f"{t}_logodds{end}": score for t, score in zip(TYPES, by_type, strict=True)}
        if not set(wanted) & set(names):
            continue
        rows, there = targets.at(offset)
        n = np.where(there, np.maximum(neither[rows], 0.0), 1.0).astype(np.float64) + EPS
        for name, score in names.items():
            s = np.where(there, np.maximum(score[rows], 0.0), 0.0).astype(np.float64) + EPS
            made[name] = np.log(s / n)
    return made


def _nearest(t: str, sites: Around) -> Features:
    """Distance to, and score of, the nearest other site of at least 0.1 on each side."""
    strong, here = sites.above(STRONG), sites.targets.here
    made: Features = {}
    for side in SIDES:
        steps = strong.within(window(side, 1, None))
        there = np.flatnonzero(steps.count)
        index = (steps.high - 1 if side == "upstream" else steps.low)[there]
        place, score = np.zeros(steps.low.size, np.int64), np.zeros(steps.low.size, np.float32)
        place[there], score[there] = strong.sites.places[index], strong.sites.scores[index]
        distance = np.abs(steps.spread(place) - here).astype(np.float32)
        distance[steps.spread(steps.count) == 0] = NOWHERE
        made |= {
            f"nearest_{t}_{side}_distance": distance,
            f"nearest_{t}_{side}_score": steps.spread(score),
        }
    return made


def _directional(t: str, sites: Around) -> Features:
    """The largest score between two distances on each side, 0 where there is no site."""
    made: Features = {}
    for side in SIDES:
        for near, far in RANGES:
            steps = sites.within(window(side, near, far - 1))
            made[f"{t}_max_{side}_{near}_{far}"] = steps.spread(steps.max)
    return made


def _sums(t: str, sites: Around) -> Features:
    """Sums of the scores of at least 0.01 on each side, up to a distance or the gene's end."""
    counted = sites.above(COUNTED)
    made: Features = {}
    for side in SIDES:
        for reach in (None, *REACHES):
            steps = counted.within(window(side, 1, reach))
            end = f"_{reach}" if reach else ""
            made[f"{t}_sum_{side}{end}"] = steps.spread(steps.sum.astype(np.float32))
    return made


def _gene(t: str, sites: Around) -> Features:
    """The gene's largest score, and number, density and mean score of its sites of at least 0.1."""
    scored, strong = (each.within(GENE_WINDOW) for each in (sites, sites.above(STRONG)))
    # A step with sites is a gene.
    start, end = (each[strong.begins] for each in (sites.targets.start, sites.targets.end))
    made = {
        f"gene_{t}_count": strong.count,
        f"gene_{t}_density": strong.count * 10_000 / (end - start + 1),
        f"gene_{t}_strength": strong.sum / np.maximum(strong.count, 1),
    }
    return {f"gene_{t}_max": scored.spread(scored.max)} | {
        name: strong.spread(values.astype(np.float32)) for name, values in made.items()
    }
