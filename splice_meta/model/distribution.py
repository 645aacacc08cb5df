"""How base scores are distributed: what a model was trained on, and whether other scores are alike.

Counted are the log-odds (to base 10) of each class's probability, in bins, over three sets of
positions: all, *candidates* (donor or acceptor at least 0.001), and those *beside* called sites
(within 50 positions of one whose donor or acceptor score is at least 0.5, but not called
themselves).

Scores are compared by the last set. Over all positions, or candidates, the figures depend on how
dense sites lie, more than on the base model; beside called sites they do not. Of SpliceAI and
OpenSpliceAI, whichever was learned from, the distance of a slice of the genome from three others
was at most 0.19 where the base model was the same, and at least 0.63 where it was not; that of one
gene with at least 300 such positions (48 of 52 genes) at most 0.36, and at least 0.44.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from splice_meta.contracts import AXIS, CLASSES, SCORES, with_axis
from splice_meta.errors import ModelError
from splice_meta.files.records import Entry

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

CANDIDATE, CALLED, BESIDE = 0.001, 0.5, 50
"""Scores from which a position is a candidate, or called; how many positions away is beside."""

DISTRIBUTIONS = "score_distributions"
"""The entry of a bundle that holds the distribution of each base model's scores, by its name."""

SETS = ("all", "candidates", "beside_called_sites")
LEVELS = (0.0, 0.001, 0.01, *(n / 40 for n in range(1, 40)), 0.99, 0.999, 1.0)
"""The quantiles that are kept."""

LEAST, STEP, BINS = -24.0, 1 / 16, 496
"""The first bin's upper end, the width of a bin, and their number: up to log-odds of 7."""

_EDGES = LEAST + STEP * np.arange(BINS)

NONE: Counts = np.zeros((2, BINS), np.int64)
"""What :func:`count_beside` gives where there is nothing to count."""

FEWEST = 300
"""Positions beside called sites (about four sites) below which scores are not compared."""

FEWEST_TRAINED, WELL_TRAINED = 2_000, 20_000
"""The same of the training scores; and from how many on the closer bound holds."""

BOUND, WIDE_BOUND = 0.40, 0.50
"""Distances above which scores are called different: of many training genes, and of few."""

ROUNDED = 0.03
"""Share of scores below every bin, from which they count as rounded or cut."""


def scores_of_table(base_model: str = "") -> tuple[str, str]:
    """The columns that are counted for one of several base models, or for the only one."""
    front = f"{base_model}." if base_model else ""
    return f"{front}{SCORES[0]}", f"{front}{SCORES[1]}"


def count_beside(rows: pl.DataFrame, columns: tuple[str, str]) -> Counts:
    """Count donor and acceptor scores beside called sites.

    Args:
        rows: Whole genes, positions ascending: ``gene_id`` and ``position``, or the position axis;
            and the columns.
        columns: The donor and the acceptor scores.

    Returns:
        Shape (2, :data:`BINS`).
    """
    scores = [rows[name].to_numpy() for name in columns]
    beside = _beside(rows, np.maximum(*scores))
    return np.stack([_histogram(score[beside]) for score in scores])


def _beside(rows: pl.DataFrame, highest: npt.NDArray[np.float32]) -> npt.NDArray[np.intp]:
    """The numbers of rows beside called sites."""
    called = np.flatnonzero(highest >= CALLED)
    if not len(called):
        return called
    if AXIS not in rows.columns:
        rows = with_axis(rows.lazy().select("gene_id", "position")).collect()
    axis = rows[AXIS].to_numpy()
    # Rows ascend: none within reach lies further off.
    near = called[:, None] + np.arange(-BESIDE, BESIDE + 1)
    np.clip(near, 0, len(axis) - 1, out=near)
    beside = np.zeros(len(axis), np.bool_)
    beside[near[abs(axis[near] - axis[called][:, None]) <= BESIDE]] = True
    beside[called] = False
    return np.flatnonzero(beside)


def _histogram(probabilities: npt.NDArray[np.float32]) -> Counts:
    """Probabilities counted by log-odds; the first bin holds all below, the last all above."""
    p = np.clip(probabilities.astype(np.float64), 10.0 ** (LEAST - 1), 1 - 1e-9)
    place = np.ceil((np.log10(p / (1 - p)) - LEAST) / STEP)
    bins = np.clip(place, 0, BINS - 1).astype(np.int64)
    return np.bincount(bins, minlength=BINS).astype(np.int64)


@dataclass(frozen=True)
class ScoreDistribution:
    """The quantiles of a base model's scores.

    Attributes:
        positions: Positions of each of :data:`SETS`.
        quantiles: By set and class the log-odds at :data:`LEVELS`; none for a set without
            positions.
    """

    positions: Mapping[str, int]
    quantiles: Mapping[str, Mapping[str, tuple[float, ...]]]

    def to_dict(self) -> dict[str, Any]:
        """As plain objects for JSON."""
        return {
            "log_odds": "log10(p / (1 - p))",
            "levels": list(LEVELS),
            "positions": dict(self.positions),
            "quantiles": {
                name: {each: list(values) for each, values in classes.items()}
                for name, classes in self.quantiles.items()
            },
        }

    def share_below(self, name: str) -> Floats:
        """By bin, the share of the positions beside called sites that lie in it or below.

        Args:
            name: The class.
        """
        values = self.quantiles[SETS[2]][name]
        return np.asarray(np.interp(_EDGES, values, LEVELS, left=0.0, right=1.0), np.float64)


class ScoreCounter:
    """Counts training scores batch by batch.

    Args:
        base_model: One of several base models, or empty for the only one.
    """

    def __init__(self, base_model: str = "") -> None:
        self.columns = scores_of_table(base_model)
        self._counts = np.zeros((len(SETS), len(CLASSES), BINS), np.int64)

    def add(self, rows: pl.DataFrame) -> None:
        """Count a batch, rows as for :func:`count_beside`."""
        donor, acceptor = (rows[name].to_numpy() for name in self.columns)
        highest = np.maximum(donor, acceptor)
        neither = np.maximum(1 - donor.astype(np.float64) - acceptor, 0)
        picked = (slice(None), highest >= CANDIDATE, _beside(rows, highest))
        for counts, which in zip(self._counts, picked, strict=True):
            for total, scores in zip(counts, (neither, donor, acceptor), strict=True):
                total += _histogram(scores[which])

    def distribution(self) -> ScoreDistribution:
        """The quantiles of what was counted."""
        sums = self._counts.sum(axis=2)[:, 0]
        return ScoreDistribution(
            positions={name: int(count) for name, count in zip(SETS, sums, strict=True)},
            quantiles={
                name: {each: _quantiles(c) for each, c in zip(CLASSES, counts, strict=True)}
                for name, counts, count in zip(SETS, self._counts, sums, strict=True)
                if count
            },
        )


def _quantiles(counts: Counts) -> tuple[float, ...]:
    """The log-odds at each level, between the ends of the bins."""
    below = np.concatenate([[0.0], np.cumsum(counts) / counts.sum()])
    ends = np.concatenate([[LEAST - STEP], _EDGES])
    used = np.concatenate([[True], counts > 0])
    used[: max(int(np.argmax(counts > 0)), 1)] = False
    used[int(np.argmax(counts > 0))] = True  # the lower end of the first bin that holds some
    return tuple(float(round(x, 4)) for x in np.interp(LEVELS, below[used], ends[used]))


@dataclass(frozen=True)
class Comparison:
    """What a comparison of scores with training scores came to.

    Attributes:
        positions: Positions beside called sites, which were compared.
        distance: The mean of donor's and acceptor's greatest difference between the shares below
            a score; None where nothing was compared.
        bound: What it may be.
        why_not: Why nothing was compared; empty where something was.
    """

    positions: int
    distance: float | None = None
    bound: float = BOUND
    why_not: str = ""

    @property
    def differs(self) -> bool:
        """Whether the scores are of another kind than the training scores."""
        return self.distance is not None and self.distance > self.bound


def compare(trained: ScoreDistribution | None, counts: Counts | None) -> Comparison:
    """Compare scores with those a model was trained on.

    Args:
        trained: The training scores; None where the model does not know them.
        counts: From :func:`count_beside`, summed over all genes.
    """
    if trained is None:
        return Comparison(0, why_not="the model does not hold the distribution of its training "
                          "scores")  # fmt: skip
    if counts is None:
        return Comparison(0, why_not="no gene could be done")
    positions, learned = int(counts[0].sum()), trained.positions[SETS[2]]
    if learned < FEWEST_TRAINED:
        return Comparison(positions, why_not="the model was trained on too few sites")
    if positions < FEWEST:
        return Comparison(positions, why_not="there are too few called sites")
    # Rounded scores, or those below a threshold that are 0, tell nothing below their least.
    first, is_cut = 0, bool((counts[:, 0] > ROUNDED * positions).any())
    if is_cut:
        least = min(int(np.argmax(row[1:] > 0)) + 1 for row in counts)
        first = min(least + round(0.25 / STEP), BINS - 1)
    distances = [
        float(np.abs(np.cumsum(row) / positions - trained.share_below(name))[first:].max())
        for row, name in zip(counts, CLASSES[1:], strict=True)
    ]
    distance = sum(distances) / len(distances)
    bound = BOUND if learned >= WELL_TRAINED else WIDE_BOUND
    if is_cut and distance <= bound:
        why = (
            "many scores are 0, as Pangolin's are, and others that were rounded or cut at a "
            "threshold"
        )
        return Comparison(positions, why_not=why)
    return Comparison(positions, round(distance, 4), bound)


def read_distributions(stated: Any, file: str) -> dict[str, ScoreDistribution]:
    """The distributions that a bundle states, by base model.

    Args:
        stated: The entry of its JSON, or None.
        file: What the bundle is called in errors.

    Raises:
        ModelError: If the entry has another shape.
    """
    if stated is None:
        return {}
    entry = Entry(stated, file, DISTRIBUTIONS, ModelError, "Make the bundle again.")
    return {name: _read(each) for name, each in entry.fields().items()}


def _read(entry: Entry) -> ScoreDistribution:
    if entry.at("levels").numbers(0, 1) != LEVELS:
        entry.at("levels").refuse("the levels of this version")
    positions = {name: entry.at("positions").at(name).whole() for name in SETS}
    quantiles: dict[str, dict[str, tuple[float, ...]]] = {}
    for name in (each for each in SETS if positions[each]):
        classes = entry.at("quantiles").at(name)
        quantiles[name] = {each: classes.at(each).numbers(2 * LEAST, -LEAST) for each in CLASSES}
        for each, values in quantiles[name].items():
            if len(values) != len(LEVELS) or list(values) != sorted(values):
                classes.at(each).refuse(f"{len(LEVELS)} numbers that do not fall")
    return ScoreDistribution(positions, quantiles)
