"""Calibration: a last step that maps a meta-model's probabilities onto observed frequencies.

It is stored as plain numbers in the bundle and applied to every prediction of the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from splice_meta.errors import ModelError

CalibrationKind = Literal["temperature", "platt", "isotonic"]

FLOOR = 1e-9
"""Probabilities below it (or above 1 - it) are moved to it before a logarithm is taken."""

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
        is_sound = {
            "temperature": self.temperature > 0,
            "platt": len(self.slopes) == len(self.intercepts) == 3 and min(self.slopes) > 0,
            "isotonic": len(self.knots) == 3 and all(_is_curve(*knots) for knots in self.knots),
        }
        curves = (number for knots in self.knots for listed in knots for number in listed)
        numbers = (self.temperature, *self.slopes, *self.intercepts, *curves)
        if not is_sound.get(self.kind, False) or not np.isfinite(numbers).all():
            raise ModelError(
                f"The {self.kind} calibration of the model is damaged.", "Make the bundle again."
            )

    def apply(self, probabilities: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float32]:
        """Calibrated probabilities.

        Args:
            probabilities: Shape (rows, 3), rows summing to 1.

        Returns:
            Float32, shape (rows, 3), rows summing to 1.
        """
        p = np.clip(probabilities.astype(np.float64), FLOOR, 1 - FLOOR)
        if self.kind == "temperature":
            mapped = _exp(np.log(p) * (1 / self.temperature))
        elif self.kind == "platt":
            z = np.log(p / (1 - p)) * np.array(self.slopes) + np.array(self.intercepts)
            mapped = _exp(-np.logaddexp(0, -z))
        else:
            mapped = np.stack(
                [np.interp(p[:, c], *knots) for c, knots in enumerate(self.knots)], axis=1
            )
        return np.asarray(mapped / mapped.sum(axis=1, keepdims=True), np.float32)

    def to_dict(self) -> dict[str, Any]:
        """The calibration as plain numbers, for JSON."""
        numbers: dict[CalibrationKind, dict[str, Any]] = {
            "temperature": {"temperature": self.temperature},
            "platt": {"slopes": list(self.slopes), "intercepts": list(self.intercepts)},
            "isotonic": {"knots": [[list(x), list(y)] for x, y in self.knots]},
        }
        return {"kind": self.kind} | numbers[self.kind]


def read_calibration(data: Mapping[str, Any] | None) -> Calibration | None:
    """The calibration that :meth:`Calibration.to_dict` wrote; None for none.

    Raises:
        ModelError: If this version does not know its kind, or the numbers do not fit.
    """
    if not data:
        return None
    kind = data["kind"]
    if kind not in get_args(CalibrationKind):
        raise ModelError(
            f"The model has a {kind!r} calibration that this version cannot apply.",
            "Update splice_meta.",
        )
    return Calibration(
        kind=kind,
        temperature=float(data.get("temperature", 1.0)),
        slopes=tuple(map(float, data.get("slopes", ()))),
        intercepts=tuple(map(float, data.get("intercepts", ()))),
        knots=tuple((tuple(map(float, x)), tuple(map(float, y))) for x, y in data.get("knots", ())),
    )


def _exp(logs: Floats) -> Floats:
    """exp, each row up to a factor that makes its largest value 1: no row becomes all zeros."""
    return np.asarray(np.exp(logs - logs.max(axis=1, keepdims=True)), np.float64)


def _is_curve(x: tuple[float, ...], y: tuple[float, ...]) -> bool:
    rises = bool(np.all(np.diff(x) > 0)) and bool(np.all(np.diff(y) >= 0))
    return len(x) == len(y) > 0 and rises and min(y) > 0 and max(y) < 1
