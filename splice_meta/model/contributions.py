"""What each feature adds to a prediction, on the scale on which trees add up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from splice_meta.contracts import columns
from splice_meta.errors import ModelError
from splice_meta.model.booster import reason_of
from splice_meta.model.predict import Floats, check_columns, margin_of
from splice_meta.model.vector_leaves import one_output_per_tree

if TYPE_CHECKING:
    from splice_meta.model.bundle import MetaModel

BASE_MODEL = "base model"
"""The entry for what the base model's probabilities contribute as the margin."""

BIAS = "bias"
"""The entry for what the trees give without knowing any feature."""


def contributions(model: MetaModel, frame: pl.DataFrame) -> Floats:
    """SHAP values of a model's raw output, by class.

    Summed over the entries they are the margin: the softmax of a multiclass model's three margins
    is its prediction; for three binary models it is the sigmoids, renormalised to sum 1. What
    comes after that, such as a calibration, is not split.

    Args:
        model: The meta-model.
        frame: The manifest's features, plus the base scores where the model adds to the
            base model's log-probabilities.

    Returns:
        Float32, shape (rows, classes, features + 2): the features in the manifest's order, the
        base model, the bias.

    Raises:
        FeatureError: If the frame lacks a column the model reads.
    """
    import xgboost

    if model.kind == "estimator":
        raise ModelError(
            f"Predictions of a {type(model.boosters[0]).__name__} cannot be split by feature here.",
            "XGBoost models can.",
        )
    if model.combination is not None:
        raise ModelError(
            f"The model is a combination ({model.combination.words}): its predictions are no sum "
            "that could be split by feature.",
            "Explain one of its members, converted by itself.",
        )
    names = list(model.manifest.names)
    check_columns(model, frame)
    matrix = frame.select(columns(names)).cast(pl.Float32).to_numpy()
    shape = (frame.height, len(model.classes))
    own = margin_of(model, frame)
    margin = np.zeros(shape, np.float32) if own is None else own
    parts = []
    for number, booster in enumerate(model.boosters):
        data = xgboost.DMatrix(matrix)
        if model.margin:
            mine = margin if model.kind == "multiclass" else margin[:, number]
            data.set_base_margin(np.ascontiguousarray(mine))
        try:
            single = one_output_per_tree(booster)
            found = single.predict(data, pred_contribs=True, validate_features=False)
        except xgboost.core.XGBoostError as error:
            hint = "XGBoost splits predictions of plain trees (gbtree)."
            raise ModelError(
                f"The model's predictions cannot be split by feature: {reason_of(error)}.", hint
            ) from None
        parts.append(found.reshape(frame.height, -1, matrix.shape[1] + 1))
    split = np.concatenate(parts, axis=1)
    # XGBoost counts the margin into the bias; here they are two entries.
    bias = split[:, :, -1] - margin
    return np.concatenate((split[:, :, :-1], margin[:, :, None], bias[:, :, None]), axis=2)
