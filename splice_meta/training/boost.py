"""Boosting with XGBoost, and how many rounds held-out genes allow."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from splice_meta.contracts import CLASSES, columns
from splice_meta.model.bundle import MetaModel
from splice_meta.model.margin import Margin
from splice_meta.model.predict import margin_of
from splice_meta.settings import TrainSettings
from splice_meta.training.rows import TRUTH, WEIGHT, TrainingRows

log = logging.getLogger("splice_meta")

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Advanced = Callable[[int], None]

MAX_BIN = 256
"""Bins per feature. With 64 the figures depended on the order of the rows."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Training rows as arrays.

    Attributes:
        matrix: Features, shape (rows, features).
        truth: Class numbers, shape (rows,).
        weight: Positions that each row stands for.
        margin: Where the trees start, shape (rows, 3); None if from nothing.
        names: Feature names.
        settings: How to boost.
    """

    matrix: Floats
    truth: npt.NDArray[np.int64]
    weight: npt.NDArray[np.float64]
    margin: Floats | None
    names: tuple[str, ...]
    settings: TrainSettings

    @property
    def outputs(self) -> tuple[int | None, ...]:
        """One booster for all classes (None), or one per class."""
        return (None,) if self.settings.kind == "multiclass" else tuple(range(len(CLASSES)))

    def data(self, rows: Mask, output: int | None, binned: bool = False) -> Any:
        """Some rows as XGBoost data, labelled for one booster.

        Args:
            rows: Which rows.
            output: For which booster.
            binned: Keep only the bins of the features, an eighth of the memory: enough to boost.
        """
        import xgboost

        margin = None
        if self.margin is not None:
            margin = self.margin[rows] if output is None else self.margin[rows, output]
        label = self.truth[rows] if output is None else self.truth[rows] == output
        given = {
            "label": label, "weight": self.weight[rows], "base_margin": margin,
            "nthread": self.settings.threads or None,
        }  # fmt: skip
        if binned:
            return xgboost.QuantileDMatrix(self.matrix[rows], max_bin=MAX_BIN, **given)
        return xgboost.DMatrix(self.matrix[rows], **given)


def make_problem(rows: TrainingRows, model: MetaModel, settings: TrainSettings) -> Problem:
    """The arrays of training rows.

    Args:
        rows: The rows.
        model: Says which columns are features and where the margin comes from; without boosters.
        settings: How to boost.
    """
    frame = rows.frame
    return Problem(
        matrix=frame.select(columns(rows.manifest.names)).cast(pl.Float32).to_numpy(order="c"),
        truth=frame[TRUTH].to_physical().cast(pl.Int64).to_numpy(),
        weight=frame[WEIGHT].to_numpy(),
        margin=margin_of(model, frame),
        names=rows.manifest.names,
        settings=settings,
    )


def parameters(settings: TrainSettings) -> dict[str, Any]:
    """XGBoost's parameters."""
    objective: dict[str, Any] = (
        {"objective": "multi:softprob", "num_class": len(CLASSES), "eval_metric": "mlogloss"}
        if settings.kind == "multiclass"
        else {"objective": "binary:logistic", "eval_metric": "logloss"}
    )
    return objective | {
        "tree_method": "hist", "eta": settings.learning_rate, "max_depth": settings.depth,
        "num_parallel_tree": settings.parallel_trees,
        "min_child_weight": settings.min_child_weight, "lambda": settings.reg_lambda,
        "subsample": settings.subsample, "colsample_bytree": settings.colsample,
        "max_bin": MAX_BIN, "seed": settings.seed, "nthread": settings.threads or None,
    }  # fmt: skip


def boost(problem: Problem, rounds: dict[int | None, int]) -> tuple[Any, ...]:
    """Boosters over all rows.

    Args:
        problem: The rows.
        rounds: How many rounds, by output.
    """
    import xgboost

    everything = np.ones(problem.truth.size, bool)
    boosters = tuple(
        xgboost.train(parameters(problem.settings), problem.data(everything, o, True), rounds[o])
        for o in problem.outputs
    )
    for booster in boosters:
        # XGBoost's data refuse names with brackets, its models take any.
        booster.feature_names = list(problem.names)
    return boosters


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
    for output in problem.outputs:
        parts = [
            _Fold(problem, fold == number, output)
            for fold in folds
            for number in range(int(fold.max()) + 1)
        ]
        losses: list[float] = []
        pooled: list[float] = []
        starts = np.array([part.start for part in parts])
        weights = np.array([part.weight for part in parts])
        for number in range(problem.settings.rounds):
            now = np.array([part.step(number) for part in parts])
            losses.append(float(np.mean(now / starts)))
            pooled.append(float((weights * now).sum() / (weights * starts).sum()))
            advanced(1)
            if number - int(np.argmin(losses)) >= problem.settings.patience:
                break
        advanced(problem.settings.rounds - len(losses))
        rounds[output] = best_round(losses, pooled)
        column = slice(None) if output is None else output
        for part in parts:
            found[part.held, column] += part.predict(rounds[output])
    return HeldOut(probabilities=found / found.sum(axis=1, keepdims=True), rounds=rounds)


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
        self._seen = problem.data(~held, output, binned=True)
        self._unseen = problem.data(held, output)
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


def empty_model(
    rows: TrainingRows, settings: TrainSettings, base_models: tuple[str, ...]
) -> MetaModel:
    """A model without trees yet: it knows its features and where its margin comes from."""
    model = MetaModel(
        manifest=rows.manifest,
        boosters=(None,) * (1 if settings.kind == "multiclass" else len(CLASSES)),
        kind=settings.kind,
        margin=Margin() if settings.residual else None,
        base_models=base_models,
    )
    if len(model.margin_columns) < 2:
        return model
    return replace(model, margin=Margin(weights=pool_weights(rows, model)))


def pool_weights(rows: TrainingRows, model: MetaModel) -> tuple[float, ...]:
    """The weights of several base models in the margin, one number each, summing to 1.

    Those with the least Brier score of the weighted mean of their probabilities over the training
    rows, by non-negative least squares. (The least log-loss would be decided by few positions
    that one base model is confidently wrong about, which is what the trees mend.)

    Args:
        rows: The training rows.
        model: Says which columns the margin comes from.
    """
    from sklearn.linear_model import LinearRegression

    truth = rows.frame[TRUTH].to_physical().to_numpy()
    target = np.eye(len(CLASSES))[truth].ravel()
    given = [rows.frame.select(names).cast(pl.Float64).to_numpy().ravel()
             for names in model.margin_columns]  # fmt: skip
    weight = np.repeat(rows.frame[WEIGHT].to_numpy(), len(CLASSES))
    fit = LinearRegression(positive=True, fit_intercept=False)
    fit.fit(np.stack(given, axis=1), target, sample_weight=weight)
    return tuple((fit.coef_ / fit.coef_.sum()).tolist())
