"""Batched prediction with XGBoost, straight from the columns of a frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from splice_meta.contracts import column
from splice_meta.errors import FeatureError, ModelError
from splice_meta.manifest import FeatureManifest
from splice_meta.model.booster import reason_of
from splice_meta.model.calibration import Calibration
from splice_meta.model.curves import Curves, normalised
from splice_meta.model.estimator import probabilities
from splice_meta.model.margin import Margin
from splice_meta.model.members import Member
from splice_meta.settings import RunSettings

Floats = npt.NDArray[np.float32]

PREDICT_ROWS = RunSettings().predict_rows


class Trained(Protocol):
    """What a prediction needs of a model, see :class:`splice_meta.model.bundle.MetaModel`."""

    @property
    def boosters(self) -> Sequence[Any]: ...  # noqa: D102
    @property
    def manifest(self) -> FeatureManifest: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def classes(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def margin(self) -> Margin | None: ...  # noqa: D102
    @property
    def margin_columns(self) -> tuple[tuple[str, ...], ...]: ...  # noqa: D102
    @property
    def columns(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def calibration(self) -> Calibration | Curves | None: ...  # noqa: D102
    @property
    def combination(self) -> Member | None: ...  # noqa: D102


_CACHED = 1 << 12
"""Rows of a matrix that are filled at a time."""


def predict_proba(model: Trained, frame: pl.DataFrame, rows: int = PREDICT_ROWS) -> pl.DataFrame:
    """Probabilities of each class for each row of a feature frame.

    Args:
        model: The meta-model.
        frame: The manifest's features, in any order, plus the base scores where the model adds to
            the base model's log-probabilities.
        rows: Rows per call of the booster. The result does not depend on it: every row is a sum
            over trees of its own.

    Returns:
        One Float32 column per class, named and ordered as ``model.classes``, shape (rows, 3).

    Raises:
        FeatureError: If the frame lacks a column the model reads.
        ModelError: If a probability comes out as NaN.
    """
    check_columns(model, frame)
    features = frame.select(column(name).cast(pl.Float32) for name in model.manifest.names)
    columns = [column.to_numpy() for column in features]
    matrix = np.empty((min(rows, frame.height), len(columns)), np.float32)
    out = np.empty((len(model.classes), frame.height), np.float32)
    for start in range(0, frame.height, rows):
        stop = min(start + rows, frame.height)
        part = _row_major(columns, start, stop, matrix)
        margin = margin_of(model, frame.slice(start, rows))
        out[:, start:stop] = _predict_part(model, part, margin).T
    if np.isnan(out).any():
        raise ModelError(
            f"The model gives NaN for {int(np.isnan(out).any(axis=0).sum()):,} rows.",
            "The model file may be damaged; check it with splice-meta inspect.",
        )
    return pl.DataFrame(list(out), schema=list(model.classes))


def check_columns(model: Trained, frame: pl.DataFrame) -> None:
    """Refuse a frame that lacks a column the model reads.

    Raises:
        FeatureError: It names the first few.
    """
    columns = set(frame.columns)
    missing = [name for name in model.columns if name not in columns]
    if missing:
        raise FeatureError(
            f"The frame lacks {len(missing)} columns that the model reads: "
            f"{', '.join(missing[:8])}{' ...' if len(missing) > 8 else ''}.",
            "Make it with plan_features(scores, model.manifest), the base scores beside it.",
        )


def _row_major(columns: Sequence[Floats], start: int, stop: int, out: Floats) -> Floats:
    """Some rows of columns, row after row: XGBoost's way, to which strides cost more than a copy.

    Few rows at a time, which stay in the processor's cache until their last column is there: in
    half the time of whole columns.

    Args:
        columns: The features.
        start: First row.
        stop: Row after the last.
        out: Where to put them.

    Returns:
        The rows of ``out`` that are taken, shape (stop - start, columns).
    """
    for first in range(start, stop, _CACHED):
        last = min(first + _CACHED, stop)
        block = out[first - start : last - start]
        for place, values in enumerate(columns):
            block[:, place] = values[first:last]
    return out[: stop - start]


def _predict_part(model: Trained, matrix: Floats, margin: Floats | None) -> Floats:
    if model.kind == "estimator":
        return probabilities(model.boosters[0], matrix, model.manifest.names)
    if model.combination is not None:
        outputs = (_inplace(booster, _read_by(booster, matrix), None) for booster in model.boosters)
        return np.asarray(normalised(model.combination.rows(outputs)), np.float32)
    if isinstance(model.calibration, Curves):
        raw = np.stack([_inplace(booster, matrix, None) for booster in model.boosters], axis=1)
        return np.asarray(normalised(model.calibration.apply(raw)), np.float32)
    found = _uncalibrated(model, matrix, margin)
    return model.calibration.apply(found) if model.calibration else found


def _read_by(booster: Any, matrix: Floats) -> Floats:
    """The features that a member reads: all, or the first of them."""
    return matrix[:, : booster.num_features()]


def _uncalibrated(model: Trained, matrix: Floats, margin: Floats | None) -> Floats:
    if model.kind == "multiclass":
        return _inplace(model.boosters[0], matrix, margin).reshape(-1, len(model.classes))
    single = [
        _inplace(booster, matrix, None if margin is None else np.ascontiguousarray(margin[:, i]))
        for i, booster in enumerate(model.boosters)
    ]
    stacked = np.stack(single, axis=1)
    return np.asarray(stacked / stacked.sum(axis=1, keepdims=True), np.float32)


def _inplace(booster: Any, matrix: Floats, margin: Floats | None) -> Floats:
    import xgboost

    try:
        found = booster.inplace_predict(matrix, base_margin=margin, validate_features=False)
    except xgboost.core.XGBoostError as error:
        raise ModelError(
            f"XGBoost cannot predict: {reason_of(error)}.",
            "Check the model with splice-meta inspect.",
        ) from None
    return np.asarray(found, np.float32)


def margin_of(model: Trained, frame: pl.DataFrame) -> Floats | None:
    """The margin of a frame's rows, shape (rows, 3); None where the model has none."""
    if model.margin is None:
        return None
    return base_margin(frame, model.margin_columns, model.kind, model.margin)


def base_margin(
    frame: pl.DataFrame, columns: Sequence[Sequence[str]], kind: str, margin: Margin
) -> Floats:
    """Base scores on the scale on which trees add up.

    Args:
        frame: Has the score columns.
        columns: For each base model its score columns in the order of the classes.
        kind: ``multiclass``: ln p; ``three_binary``: ln(p / (1 - p)).
        margin: The weights of the base models, p being the weighted mean of their probabilities;
            and the floor: p below it (and, for binary models, above 1 - floor) is moved to it, so
            that one confident zero does not become minus infinity.

    Returns:
        Float32, shape (rows, classes).
    """
    weights = margin.weights or (1 / len(columns),) * len(columns)
    p = np.zeros((frame.height, len(columns[0])))
    for weight, names in zip(weights, columns, strict=True):
        p += weight * frame.select(names).cast(pl.Float64).to_numpy()
    if kind == "multiclass":
        return np.log(np.maximum(p, margin.floor)).astype(np.float32)
    inside = np.clip(p, margin.floor, 1 - margin.floor)
    return np.asarray(np.log(inside / (1 - inside)), np.float32)
