"""Calibration: a last step that maps a meta-model's probabilities onto observed frequencies.

It is stored as plain numbers in the bundle and applied to every prediction of the model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from splice_meta.errors import ModelError
from splice_meta.files.records import Entry, shown
from splice_meta.model.curves import CURVES, Curves, read_curves

CalibrationKind = Literal["temperature", "platt", "isotonic"]

FLOOR = 1e-9
"""Probabilities below it (or above 1 - it) are moved to it before a logarithm is taken."""

LEAST_TEMPERATURE = 1e-2
"""The lowest T; the highest is its inverse. Training finds 0.22 to 4.5."""

LEAST_SLOPE, STEEPEST = 1e-4, 1e4
"""The lowest slope, and the largest slope or intercept."""

_NEEDED = {
    "temperature": f"T must lie from {LEAST_TEMPERATURE:g} to {1 / LEAST_TEMPERATURE:g}",
    "platt": f"three slopes from {LEAST_SLOPE:g} to {STEEPEST:g}, three intercepts to {STEEPEST:g}",
    "isotonic": "three curves are needed whose knots rise, within 0 and 1",
}

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """A fitted calibration; classes are in the order of the model's.

    ``temperature``: p_c^(1/T), renormalised (Guo et al., 2017). ``platt``: the sigmoid of
    slope_c x logit(p_c) + intercept_c, renormalised (Platt, 1999). ``isotonic``: a rising
    piecewise linear curve through the knots of each class, renormalised (Zadrozny and Elkan, 2002).

    Args:
        kind: Which of the three.
        temperature: T; above 1 it makes predictions less certain.
        slopes: Of ``platt``, one per class.
        intercepts: Of ``platt``, one per class.
        knots: Of ``isotonic``, for each class the predicted and the calibrated probabilities,
            both rising.

    Raises:
        ModelError: If the numbers do not fit the kind.
    """

    kind: CalibrationKind
    temperature: float = 1.0
    slopes: tuple[float, ...] = ()
    intercepts: tuple[float, ...] = ()
    knots: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...] = ()

    def __post_init__(self) -> None:
        are_lines = len(self.slopes) == len(self.intercepts) == 3
        is_sound = {
            "temperature": LEAST_TEMPERATURE <= self.temperature <= 1 / LEAST_TEMPERATURE,
            "platt": are_lines
            and all(LEAST_SLOPE <= slope <= STEEPEST for slope in self.slopes)
            and all(abs(intercept) <= STEEPEST for intercept in self.intercepts),
            "isotonic": len(self.knots) == 3 and all(_is_curve(*knots) for knots in self.knots),
        }
        if not is_sound.get(self.kind, False):
            raise ModelError(
                f"The {self.kind} calibration of the model is damaged: {_NEEDED.get(self.kind)}.",
                "Make the bundle again.",
            )

    def apply(self, probabilities: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float32]:
        """Calibrated probabilities.

        Args:
            probabilities: Shape (rows, 3), rows summing to 1.

        Returns:
            Float32, shape (rows, 3), rows summing to 1.
        """
        # By classes: numpy goes along long rows faster than along many of three numbers.
        p = np.clip(probabilities.T.astype(np.float64, order="C"), FLOOR, 1 - FLOOR)
        if self.kind == "temperature":
            mapped = _exp(np.log(p) * (1 / self.temperature))
        elif self.kind == "platt":
            slopes, intercepts = (np.c_[list(each)] for each in (self.slopes, self.intercepts))
            mapped = _exp(-np.logaddexp(0, -(np.log(p / (1 - p)) * slopes + intercepts)))
        else:
            mapped = np.stack([np.interp(p[c], *knots) for c, knots in enumerate(self.knots)])
        return np.asarray(mapped / mapped.sum(axis=0), np.float32).T

    @property
    def words(self) -> str:
        """What it is, for people."""
        return self.kind

    def to_dict(self) -> dict[str, Any]:
        """The calibration as plain numbers, for JSON."""
        numbers: dict[CalibrationKind, dict[str, Any]] = {
            "temperature": {"temperature": self.temperature},
            "platt": {"slopes": list(self.slopes), "intercepts": list(self.intercepts)},
            "isotonic": {"knots": [[list(x), list(y)] for x, y in self.knots]},
        }
        return {"kind": self.kind} | numbers[self.kind]


def read_calibration(data: Entry | None) -> Calibration | Curves | None:
    """The calibration that :meth:`Calibration.to_dict` or that of curves wrote; None for none.

    Raises:
        ModelError: If this version does not know its kind, or the numbers do not fit.
    """
    if data is None:
        return None
    kind = data.at("kind").text()
    if kind in CURVES:
        return read_curves(data)
    if kind == "temperature":
        return Calibration(kind="temperature", temperature=data.at("temperature").number())
    if kind == "platt":
        slopes, intercepts = (data.at(name).numbers() for name in ("slopes", "intercepts"))
        return Calibration(kind="platt", slopes=slopes, intercepts=intercepts)
    if kind == "isotonic":
        curves = [[axis.numbers() for axis in curve.items()] for curve in data.at("knots").items()]
        if any(len(curve) != 2 for curve in curves):
            data.at("knots").refuse("a list of two lists for each class")
        return Calibration(kind="isotonic", knots=tuple((x, y) for x, y in curves))
    raise ModelError(
        f"The model has a calibration of kind {shown(kind)} that this version cannot apply.",
        "Update splice_meta.",
    )


def _exp(logs: Floats) -> Floats:
    """exp, by class, up to a factor that makes a row's largest value 1: none becomes all zeros."""
    return np.asarray(np.exp(logs - logs.max(axis=0)), np.float64)


def _is_curve(x: tuple[float, ...], y: tuple[float, ...]) -> bool:
    if not len(x) == len(y) > 0:
        return False
    rises = bool(np.all(np.diff(x) > 0)) and bool(np.all(np.diff(y) >= 0))
    lies_inside = x[0] >= 0 and x[-1] <= 1 and y[0] >= FLOOR and y[-1] <= 1 - FLOOR
    return bool(np.isfinite((*x, *y)).all()) and rises and lies_inside
