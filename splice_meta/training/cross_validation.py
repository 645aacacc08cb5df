"""Boosting on all folds but one: how many rounds held-out genes allow, and what they say."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from splice_meta.contracts import CLASSES
from splice_meta.settings import TrainSettings
from splice_meta.training.boost import Floats, Mask, Problem, parameters, workers

log = logging.getLogger("splice_meta")

Ints = npt.NDArray[np.int64]
Advanced = Callable[[int], None]


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """What boosting on the other folds says about each fold.

    Attributes:
        probabilities: Out-of-fold predictions, the mean over repeats, shape (rows, 3), rows
            summing to 1.
        rounds: The number of rounds with the least loss over all held-out rows, by output.
    """

    probabilities: Floats
    rounds: dict[int | None, int]


def cross_validate(problem: Problem, folds: Sequence[Ints], advanced: Advanced) -> HeldOut:
    """Boost on all folds but one, for each; choose the rounds; predict what was held out.

    All folds of all repeats go round by round together, and use the same number of rounds. The
    weighted log-loss of each fold's held-out rows is taken relative to what it is before the first
    round, so that folds count alike, however hard their sites are; the number of rounds with the
    least mean is used, of those whose loss over all held-out rows is below that before the first.
    The search ends when the mean has not improved for ``patience`` rounds.

    Args:
        problem: The rows.
        folds: For each repeat the fold of each row.
        advanced: Told 1 for each round of all folds, and what is left of ``rounds`` at the end.
    """
    found = np.zeros((problem.truth.size, len(CLASSES)), np.float32)
    rounds: dict[int | None, int] = {}
    masks = [fold == number for fold in folds for number in range(int(fold.max()) + 1)]
    with workers(problem.settings) as pool:
        for output in problem.outputs:
            parts = list(pool.map(lambda held, o=output: _Fold(problem, held, o), masks))
            rounds[output] = _boost_together(parts, problem.settings, pool, advanced)
            column = slice(None) if output is None else output
            made = pool.map(lambda part, o=output: part.predict(rounds[o]), parts)
            for part, probabilities in zip(parts, made, strict=True):
                found[part.held, column] += probabilities
    return HeldOut(probabilities=found / found.sum(axis=1, keepdims=True), rounds=rounds)


def _boost_together(
    parts: Sequence[_Fold], settings: TrainSettings, pool: ThreadPoolExecutor, advanced: Advanced
) -> int:
    """Boost all folds, round by round; the number of rounds to use."""
    losses: list[float] = []
    pooled: list[float] = []
    starts = np.array([part.start for part in parts])
    weights = np.array([part.weight for part in parts])
    for number in range(settings.rounds):
        now = np.array(list(pool.map(lambda part, n=number: part.step(n), parts)))
        losses.append(float(np.mean(now / starts)))
        pooled.append(float((weights * now).sum() / (weights * starts).sum()))
        advanced(1)
        if number - int(np.argmin(losses)) >= settings.patience:
            break
    advanced(settings.rounds - len(losses))
    return best_round(losses, pooled)


def best_round(losses: Sequence[float], pooled: Sequence[float]) -> int:
    """The number of rounds with the least loss, of those that are better over all rows."""
    helps = np.array(pooled) < 1
    if not helps.any():
        log.warning(
            "Held-out genes are predicted worse than by the start in every round; one is used. "
            "There may be too few genes to learn from."
        )
        return 1
    return int(np.where(helps, losses, np.inf).argmin()) + 1


class _Fold:
    """One fold while it is boosted."""

    def __init__(self, problem: Problem, held: Mask, output: int | None) -> None:
        import xgboost

        self.held = held
        self._seen = problem.data(~held, output)
        self._unseen = problem.data(held, output, bins_of=self._seen)
        self._booster = xgboost.Booster(parameters(problem.settings), [self._seen, self._unseen])
        self.weight = float(problem.weight[held].sum())
        self.start = self._loss()

    def step(self, number: int) -> float:
        """Boost one round; the held-out log-loss after it."""
        self._booster.update(self._seen, number)
        return self._loss()

    def _loss(self) -> float:
        """Weighted mean log-loss of the held-out rows."""
        return float(self._booster.eval(self._unseen).rpartition(":")[2])

    def predict(self, rounds: int) -> Floats:
        """Predictions of the held-out rows."""
        return np.asarray(self._booster.predict(self._unseen, iteration_range=(0, rounds)))
