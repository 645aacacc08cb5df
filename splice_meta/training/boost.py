"""Boosting with XGBoost: rows as arrays, parameters, threads."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from splice_meta.contracts import CLASSES, columns
from splice_meta.model.bundle import MetaModel
from splice_meta.model.predict import margin_of
from splice_meta.runtime.process import usable_cores
from splice_meta.settings import TrainSettings
from splice_meta.training.rows import TRUTH, WEIGHT, TrainingRows

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

MAX_BIN = 256
"""Bins per feature. With 64 the figures depended on the order of the rows."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Training rows as arrays.

    Attributes:
        matrix: Features, shape (rows, features).
        truth: Class numbers, shape (rows,).
        positions: Positions that each row stands for.
        weight: What each row counts: its positions, less in genes the base models were trained on.
        margin: Where the trees start, shape (rows, 3); None if from nothing.
        names: Feature names.
        settings: How to boost.
    """

    matrix: Floats
    truth: npt.NDArray[np.int64]
    positions: npt.NDArray[np.float64]
    weight: npt.NDArray[np.float64]
    margin: Floats | None
    names: tuple[str, ...]
    settings: TrainSettings

    @property
    def outputs(self) -> tuple[int | None, ...]:
        """One booster for all classes (None), or one per class."""
        return (None,) if self.settings.kind == "multiclass" else tuple(range(len(CLASSES)))

    def data(self, rows: Mask, output: int | None, bins_of: Any = None) -> Any:
        """Some rows as XGBoost data, labelled for one booster.

        Only the bins of the features are kept, an eighth of the memory.

        Args:
            rows: Which rows.
            output: For which booster.
            bins_of: The data whose bins to use; bins of these rows' own if None. Trees that were
                boosted on data predict other rows in its bins as they predict the features.
        """
        import xgboost

        margin = None
        if self.margin is not None:
            margin = self.margin[rows] if output is None else self.margin[rows, output]
        label = self.truth[rows] if output is None else self.truth[rows] == output
        return xgboost.QuantileDMatrix(
            self.matrix[rows], label=label, weight=self.weight[rows], base_margin=margin,
            max_bin=MAX_BIN, ref=bins_of, nthread=1,
        )  # fmt: skip


def make_problem(
    rows: TrainingRows,
    model: MetaModel,
    settings: TrainSettings,
    base_trained_genes: Collection[str] = (),
) -> Problem:
    """The arrays of training rows.

    Args:
        rows: The rows.
        model: Says which columns are features and where the margin comes from; without boosters.
        settings: How to boost.
        base_trained_genes: Genes the base models were trained on. Where there are others they
            count ``settings.base_trained_weight``.
    """
    frame = rows.frame
    positions = frame[WEIGHT].to_numpy()
    is_trained = frame["gene_id"].is_in(list(base_trained_genes)).to_numpy()
    less = settings.base_trained_weight if not is_trained.all() else 1.0
    return Problem(
        matrix=frame.select(columns(rows.manifest.names)).cast(pl.Float32).to_numpy(order="c"),
        truth=frame[TRUTH].to_physical().cast(pl.Int64).to_numpy(),
        positions=positions,
        weight=np.where(is_trained, less, 1.0) * positions,
        margin=margin_of(model, frame),
        names=rows.manifest.names,
        settings=settings,
    )


def parameters(settings: TrainSettings) -> dict[str, Any]:
    """XGBoost's parameters."""
    objective: dict[str, Any] = (
        {
            "objective": "multi:softprob", "num_class": len(CLASSES), "eval_metric": "mlogloss",
            "multi_strategy": settings.multi_strategy,
        }
        if settings.kind == "multiclass"
        else {"objective": "binary:logistic", "eval_metric": "logloss"}
    )
    return objective | {
        "tree_method": "hist", "eta": settings.learning_rate, "max_depth": settings.depth,
        "num_parallel_tree": settings.parallel_trees,
        "min_child_weight": settings.min_child_weight, "lambda": settings.reg_lambda,
        "subsample": settings.subsample, "colsample_bytree": settings.colsample,
        "max_bin": MAX_BIN, "nthread": 1, "seed": settings.seed,
        # XGBoost draws from one stream per thread: without this, by which thread does what.
        "seed_per_iteration": True,
    }  # fmt: skip


@contextmanager
def workers(settings: TrainSettings) -> Iterator[ThreadPoolExecutor]:
    """Threads that each boost a fold with one thread of XGBoost's.

    Small trees on several threads of XGBoost's wait for each other at every split, and for long
    where other work keeps a core busy; folds do not. Bits do not depend on how many there are.

    Args:
        settings: How many; 0 for as many as there are cores to run on.
    """
    with ThreadPoolExecutor(settings.threads or usable_cores()) as pool:
        yield pool


def boost(problem: Problem, rounds: dict[int | None, int]) -> tuple[Any, ...]:
    """Boosters over all rows.

    Args:
        problem: The rows.
        rounds: How many rounds, by output.
    """
    import xgboost

    everything = np.ones(problem.truth.size, bool)

    def boosted(output: int | None) -> Any:
        data = problem.data(everything, output)
        return xgboost.train(parameters(problem.settings), data, rounds[output])

    with workers(problem.settings) as pool:
        boosters = tuple(pool.map(boosted, problem.outputs))
    for booster in boosters:
        # XGBoost's data refuse names with brackets, its models take any.
        booster.feature_names = list(problem.names)
    return boosters
