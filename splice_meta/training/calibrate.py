"""Fitting a calibration to out-of-fold predictions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from splice_meta.model.calibration import FLOOR, Calibration
from splice_meta.settings import CalibrationChoice

Floats = npt.NDArray[np.float64]

KNOT_FLOOR = 1e-7
"""The lowest calibrated probability of an isotonic curve: a frequency of 0 is never certain."""

LEAST_SLOPE = 1e-3
"""Of a ``platt`` line: where a class gets rarer the more it is predicted, its line is flat."""

_GOLDEN = (np.sqrt(5) - 1) / 2


def fit_calibration(
    choice: CalibrationChoice,
    probabilities: npt.NDArray[np.float32],
    truth: npt.NDArray[np.int64],
    weight: Floats,
) -> Calibration | None:
    """Fit a calibration by weighted log-loss.

    Args:
        choice: Which kind; ``none`` gives None.
        probabilities: Out-of-fold predictions, shape (rows, 3): predictions of rows that were
            trained on would look calibrated already.
        truth: Class numbers, shape (rows,).
        weight: Positions that each row stands for.
    """
    if choice == "none":
        return None
    p = np.clip(probabilities.astype(np.float64), FLOOR, 1 - FLOOR)
    if choice == "temperature":
        return Calibration(kind="temperature", temperature=_temperature(p, truth, weight))
    if choice == "platt":
        lines = [_platt(p[:, c], truth == c, weight) for c in range(p.shape[1])]
        return Calibration(
            kind="platt",
            slopes=tuple(slope for slope, _ in lines),
            intercepts=tuple(intercept for _, intercept in lines),
        )
    knots = tuple(_isotonic(p[:, c], truth == c, weight) for c in range(p.shape[1]))
    return Calibration(kind="isotonic", knots=knots)


def cross_fitted(
    choice: CalibrationChoice,
    probabilities: npt.NDArray[np.float32],
    truth: npt.NDArray[np.int64],
    weight: Floats,
    fold: npt.NDArray[np.int64],
) -> npt.NDArray[np.float32]:
    """Each fold calibrated by what the other folds say, to measure what calibration brings.

    Args:
        choice: Which kind.
        probabilities: Out-of-fold predictions, shape (rows, 3).
        truth: Class numbers.
        weight: Positions that each row stands for.
        fold: The fold of each row.
    """
    found = probabilities.copy()
    for number in range(int(fold.max()) + 1):
        held = fold == number
        others = (probabilities[~held], truth[~held], weight[~held])
        calibration = fit_calibration(choice, *others)
        if calibration is not None:
            found[held] = calibration.apply(probabilities[held])
    return found


def log_loss(
    probabilities: npt.NDArray[np.float32], truth: npt.NDArray[np.int64], weight: Floats
) -> float:
    """Sum of -weight x ln p(true class); p below 1e-9 counts as 1e-9."""
    hit = probabilities[np.arange(truth.size), truth].astype(np.float64)
    return float(-(weight * np.log(np.maximum(hit, FLOOR))).sum())


def _temperature(p: Floats, truth: npt.NDArray[np.int64], weight: Floats) -> float:
    """The T with the least log-loss, by golden-section search over ln T: the loss is unimodal."""
    logs = np.log(p)

    def loss(log_t: float) -> float:
        scaled = logs * np.exp(-log_t)
        norm = np.log(np.exp(scaled).sum(axis=1))
        return float((weight * (norm - scaled[np.arange(truth.size), truth])).sum())

    low, high = -1.5, 1.5
    for _ in range(40):
        a, b = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        low, high = (low, b) if loss(a) < loss(b) else (a, high)
    return float(np.exp((low + high) / 2))


def _platt(p: Floats, is_class: npt.NDArray[np.bool_], weight: Floats) -> tuple[float, float]:
    from sklearn.linear_model import LogisticRegression

    if is_class.all() or not is_class.any():
        return 1.0, 0.0  # nothing to fit: few genes may hold no site of a type
    line = LogisticRegression(C=np.inf, max_iter=1000)
    line.fit(np.log(p / (1 - p))[:, None], is_class, sample_weight=weight)
    slope, intercept = float(line.coef_[0, 0]), float(line.intercept_[0])
    if slope >= LEAST_SLOPE:
        return slope, intercept
    rate = float(weight[is_class].sum() / weight.sum())
    return LEAST_SLOPE, float(np.log(rate / (1 - rate)))


def _isotonic(
    p: Floats, is_class: npt.NDArray[np.bool_], weight: Floats
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    from sklearn.isotonic import IsotonicRegression

    curve = IsotonicRegression(out_of_bounds="clip")
    curve.fit(p, is_class.astype(np.float64), sample_weight=weight)
    y = np.clip(curve.y_thresholds_, KNOT_FLOOR, 1 - KNOT_FLOOR)
    return tuple(curve.X_thresholds_.tolist()), tuple(y.tolist())
