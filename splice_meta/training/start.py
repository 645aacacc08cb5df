"""Where boosting starts: a model without trees, and the weights of several base models."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from splice_meta.contracts import CLASSES
from splice_meta.model.bundle import MetaModel
from splice_meta.model.margin import Margin
from splice_meta.settings import TrainSettings
from splice_meta.training.rows import TRUTH, WEIGHT, TrainingRows


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
