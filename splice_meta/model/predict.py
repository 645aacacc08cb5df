"""Batched prediction with XGBoost, straight from the columns of a frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

from splice_meta.errors import FeatureError, ModelError
from splice_meta.settings import RunSettings

if TYPE_CHECKING:
    from splice_meta.model.bundle import MetaModel

Floats = npt.NDArray[np.float32]

PREDICT_ROWS = RunSettings().predict_rows


def predict_proba(model: MetaModel, frame: pl.DataFrame, rows: int = PREDICT_ROWS) -> pl.DataFrame:
    """Probabilities of each class for each row of a feature frame.

    Args:
        model: The meta-model.
        frame: The manifest's features, in any order, plus the three base scores where the model
            adds to the base model's log-probabilities.
        rows: Rows per call of the booster. The result does not depend on it: every row is a sum
            over trees of its own.

    Returns:
        One Float32 column per class, named and ordered as ``model.classes``, shape (rows, 3).

    Raises:
        FeatureError: If the frame lacks a column the model reads.
        ModelError: If a probability comes out as NaN.
    """
    needed = [*model.manifest.names, *(model.margin_columns if model.margin else ())]
    missing = [name for name in dict.fromkeys(needed) if name not in frame.columns]
    if missing:
        raise FeatureError(
            f"The frame lacks {len(missing)} columns that the model reads: "
            f"{', '.join(missing[:8])}{' ...' if len(missing) > 8 else ''}.",
            "Make it with plan_features(scores, model.manifest), the base scores beside it.",
        )
    out = np.empty((len(model.classes), frame.height), np.float32)
    for start in range(0, frame.height, rows):
        part = frame.slice(start, rows)
        out[:, start : start + part.height] = _predict_part(model, part).T
    if np.isnan(out).any():
        raise ModelError(
            f"The model gives NaN for {int(np.isnan(out).any(axis=0).sum()):,} rows.",
            "The model file may be damaged; check it with splice-meta inspect.",
        )
    return pl.DataFrame(list(out), schema=list(model.classes))


def _predict_part(model: MetaModel, part: pl.DataFrame) -> Floats:
    # Column-major: the columns lie one after the other already, XGBoost reads them with strides.
    matrix = part.select(model.manifest.names).cast(pl.Float32).to_numpy(order="fortran")
    margin = _margin(model, part) if model.margin else None
    if model.kind == "multiclass":
        return _inplace(model.boosters[0], matrix, margin).reshape(-1, len(model.classes))
    single = [
        _inplace(booster, matrix, None if margin is None else np.ascontiguousarray(margin[:, i]))
        for i, booster in enumerate(model.boosters)
    ]
    stacked = np.stack(single, axis=1)
    return np.asarray(stacked / stacked.sum(axis=1, keepdims=True), np.float32)


def _inplace(booster: Any, matrix: Floats, margin: Floats | None) -> Floats:
    found = booster.inplace_predict(matrix, base_margin=margin, validate_features=False)
    return np.asarray(found, np.float32)


def _margin(model: MetaModel, part: pl.DataFrame) -> Floats:
    """The base model's log-probabilities (log-odds for binary models), shape (rows, 3)."""
    assert model.margin is not None
    return base_margin(part, model.margin_columns, model.kind, model.margin.floor)


def base_margin(frame: pl.DataFrame, columns: Sequence[str], kind: str, floor: float) -> Floats:
    """Base scores on the scale on which trees add up.

    Args:
        frame: Has the score columns.
        columns: Score columns in the order of the classes.
        kind: ``multiclass``: ln p; ``three_binary``: ln(p / (1 - p)).
        floor: Probabilities below it (and, for binary models, above 1 - floor) are moved to it,
            so that one confident zero does not become minus infinity.

    Returns:
        Float32, shape (rows, classes).
    """
    p: npt.NDArray[np.float64] = frame.select(columns).cast(pl.Float64).to_numpy()
    if kind == "multiclass":
        return np.log(np.maximum(p, floor)).astype(np.float32)
    inside = np.clip(p, floor, 1 - floor)
    return np.asarray(np.log(inside / (1 - inside)), np.float32)
