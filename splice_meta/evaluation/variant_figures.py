"""Figures of scores of variants, and the same for genes drawn with replacement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from splice_meta.evaluation.intervals import draw, interval
from splice_meta.evaluation.ranking import (
    Counts,
    Floats,
    Ints,
    RankingTally,
    ranking_figures,
    ratio,
    separation,
)

EXTENT = ("variants", "affecting", "without_value")
"""Metrics that say how much was evaluated; they have no interval."""

_RANKED = {
    "auroc": "auroc", "average_precision": "average_precision", "best_threshold": "best_threshold",
    "best_recall": "best_sensitivity", "best_precision": "best_precision",
    "best_specificity": "best_specificity",
}  # fmt: skip
_CHUNK = 1 << 21

Figures = dict[tuple[str, float | None], Floats]
"""Figures by metric and threshold, each of shape (resamples,)."""


class _System:
    """What the figures of one system are made from.

    Args:
        score: Of each variant.
        truth: Whether it changes splicing.
        group: The number of its group.
        thresholds: Scores from which a variant counts as called.
    """

    def __init__(
        self, score: Floats, truth: Floats, group: Ints, thresholds: Sequence[float]
    ) -> None:
        groups = int(group.max()) + 1
        tally = RankingTally(score[truth > 0], np.zeros(groups, bool))
        tally.add(group, score, np.ones(score.size), truth > 0)
        self._ranking = tally.finish()
        kinds = (truth, 1.0 - truth)
        self._all = [np.bincount(group, kind, groups) for kind in kinds]
        self._called = {
            each: [np.bincount(group, kind * (score >= each), groups) for kind in kinds]
            for each in thresholds
        }

    def figures(self) -> Figures:
        """The figures of the variants as they are."""
        once = np.ones((1, self._all[0].size))
        exact = self._ranking.exact
        counts = Counts(
            scores=exact.scores, total=exact.total.sum(axis=0, keepdims=True),
            hits=exact.hits.sum(axis=0, keepdims=True),
        )  # fmt: skip
        return self._decided(once) | _ranked(counts)

    def drawn(self, weights: Floats) -> Figures:
        """The figures with each group as often as its weight says, shape (resamples, groups)."""
        step = max(_CHUNK // self._ranking.gene.size, 1)
        parts = [
            _ranked(self._ranking.resampled(weights[first : first + step]))
            for first in range(0, len(weights), step)
        ]
        ranked = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
        return self._decided(weights) | ranked

    def _decided(self, weights: Floats) -> Figures:
        affecting, others = (weights @ each for each in self._all)
        found: Figures = {}
        for threshold, (true, false) in self._called.items():
            hits, wrong = weights @ true, weights @ false
            found |= {
                ("sensitivity", threshold): ratio(hits, affecting),
                ("precision", threshold): ratio(hits, hits + wrong),
                ("specificity", threshold): ratio(others - wrong, others),
            }
        return found


def _ranked(counts: Counts) -> Figures:
    found = ranking_figures(counts) | separation(counts)
    return {(name, None): found[theirs] for theirs, name in _RANKED.items()}


def figures_of(
    rows: pl.DataFrame,
    systems: Sequence[str],
    without: Mapping[str, int],
    *,
    thresholds: Sequence[float],
    resamples: int,
    seed: int,
) -> pl.DataFrame:
    """The table of figures, see :func:`splice_meta.evaluate_variants`.

    Args:
        rows: ``truth``, ``group`` and a column for each system.
        systems: Their names; the first is the reference.
        without: By system, how many variants had no value.
        thresholds: Scores from which a variant counts as called.
        resamples: How often groups are drawn.
        seed: Random seed of the draws.
    """
    truth = rows["truth"].cast(pl.Float64).to_numpy()
    group = rows["group"].rank("dense").cast(pl.Int64).to_numpy() - 1
    members = np.ones(int(group.max()) + 1, bool)
    # One group is drawn again and again: an interval without width would say nothing.
    is_drawn = resamples > 0 and members.size > 1
    weights = draw(members, resamples, np.random.default_rng(seed)) if is_drawn else None
    points: dict[str, Figures] = {}
    drawn: dict[str, Figures] = {}
    for name in systems:
        score = rows[name].to_numpy()
        system = _System(score, truth, group, thresholds)
        extent = (float(rows.height), float(truth.sum()), float(without[name]))
        counts: Figures = {(m, None): np.array([v]) for m, v in zip(EXTENT, extent, strict=True)}
        points[name] = counts | system.figures()
        if weights is not None:
            drawn[name] = system.drawn(weights)
    return _table(points, drawn, _order(thresholds))


def _order(thresholds: Sequence[float]) -> list[tuple[str, float | None]]:
    by_threshold = [
        (name, each) for each in thresholds for name in ("sensitivity", "precision", "specificity")
    ]
    ranked = [(name, None) for name in _RANKED.values()]
    return [*((name, None) for name in EXTENT), *ranked[:2], *by_threshold, *ranked[2:]]


def _table(
    points: Mapping[str, Figures],
    drawn: Mapping[str, Figures],
    keys: Sequence[tuple[str, float | None]],
) -> pl.DataFrame:
    first, *others = points
    columns: dict[str, list[float]] = {}
    for name in (first, *others):
        columns |= _three(name, keys, points[name], drawn.get(name))
        if name != first:
            change = {key: points[name][key] - points[first][key] for key in keys}
            both = {k: drawn[name][k] - drawn[first][k] for k in drawn[first]} if drawn else None
            columns |= _three(f"{name}_change", keys, change, both)
    metrics = pl.DataFrame(
        {"metric": [name for name, _ in keys], "threshold": [each for _, each in keys]},
        schema_overrides={"threshold": pl.Float64},
    )
    return metrics.hstack(pl.DataFrame(columns).cast(pl.Float64).fill_nan(None))


def _three(
    name: str,
    keys: Sequence[tuple[str, float | None]],
    points: Figures,
    drawn: Figures | None,
) -> dict[str, list[float]]:
    """A figure and the ends of its interval, by metric."""
    nothing = (float("nan"), float("nan"))
    ends = [interval(drawn[key]) if drawn and key in drawn else nothing for key in keys]
    return {
        name: [float(points[key][0]) for key in keys],
        f"{name}_low": [low for low, _ in ends],
        f"{name}_high": [high for _, high in ends],
    }
