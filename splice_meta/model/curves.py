"""Curves: calibrations of one-against-rest models that were trained elsewhere.

They map the three outputs onto probabilities before these are normalised. Like those of
:mod:`splice_meta.model.calibration` they are plain numbers in the bundle.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from splice_meta.errors import ModelError
from splice_meta.files.records import Entry

Floats = npt.NDArray[np.float64]
Single = npt.NDArray[np.float32]
CurvesKind = Literal["per_class", "splice"]
CURVES: tuple[CurvesKind, ...] = ("per_class", "splice")

STEEPEST = 1e6
"""The largest slope or intercept of a sigmoid."""

HOTTEST = 100.0
"""The highest temperature; the lowest is its inverse."""

_HINT = "Convert the model again, or make the bundle again."


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A probability as a function of a score.

    Either the sigmoid 1 / (1 + exp(-(slope x score + intercept))) (Platt, 1999), or, where there
    are knots, straight lines between them and constant beyond (isotonic regression).

    Raises:
        ModelError: If the numbers cannot be those of a curve.
    """

    slope: float = 1.0
    intercept: float = 0.0
    x: tuple[float, ...] = ()
    y: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        is_sigmoid = not self.x and not self.y
        numbers = (self.slope, self.intercept, *self.x, *self.y)
        if not np.isfinite(numbers).all() or max(map(abs, numbers[:2])) > STEEPEST:
            raise ModelError("A calibration curve of the model is damaged: its numbers are not "
                             f"finite, or beyond {STEEPEST:g}.", _HINT)  # fmt: skip
        rises = all(a <= b for a, b in pairwise(self.x))
        inside = all(0 <= value <= 1 for value in self.y)
        if not is_sigmoid and not (len(self.x) == len(self.y) and rises and inside):
            raise ModelError(
                "A calibration curve of the model is damaged: it needs as many probabilities "
                "(0 to 1) as knots, and knots that rise.",
                _HINT,
            )

    @property
    def kind(self) -> str:
        """``platt`` or ``isotonic``."""
        return "isotonic" if self.x else "platt"

    def apply(self, score: npt.NDArray[np.floating[Any]]) -> Floats:
        """The probabilities of scores, in Float64."""
        values = score.astype(np.float64)
        if self.x:
            return np.asarray(np.interp(values, self.x, self.y), np.float64)
        z = self.slope * values + self.intercept
        return np.asarray(np.exp(-np.logaddexp(0, -z)), np.float64)

    def to_dict(self) -> dict[str, Any]:
        """The curve as plain numbers, for JSON."""
        if self.x:
            return {"x": list(self.x), "y": list(self.y)}
        return {"slope": self.slope, "intercept": self.intercept}


@dataclass(frozen=True, kw_only=True)
class Curves:
    """A calibration of three one-against-rest models: neither, donor, acceptor.

    ``per_class``: each class has a curve, or none; the results are taken to the power of
    1 / temperature and normalised. ``splice``: one curve for c = donor + acceptor; neither
    becomes 1 - c, donor and acceptor keep their ratio and sum to c.

    Args:
        kind: Which of the two.
        curves: Three for ``per_class`` (None leaves a class as it is), one for ``splice``.
        temperature: Of ``per_class``.

    Raises:
        ModelError: If the number of curves is another, or the temperature is out of bounds.
    """

    kind: CurvesKind
    curves: tuple[Curve | None, ...]
    temperature: float = 1.0

    def __post_init__(self) -> None:
        wanted = 3 if self.kind == "per_class" else 1
        known = self.kind == "per_class" or None not in self.curves
        is_bounded = 1 / HOTTEST <= self.temperature <= HOTTEST
        if len(self.curves) != wanted or not known or not is_bounded:
            raise ModelError(
                f"The {self.kind} calibration of the model is damaged: it needs {wanted} curve(s), "
                f"and a temperature from {1 / HOTTEST:g} to {HOTTEST:g}.",
                _HINT,
            )

    def apply(self, outputs: Single) -> Floats:
        """Calibrated rows.

        Args:
            outputs: Of the three models as they are, shape (rows, 3): neither, donor, acceptor.
        """
        if self.kind == "splice":
            (curve,) = self.curves
            assert curve is not None
            total = outputs[:, 1] + outputs[:, 2]
            called = curve.apply(total)
            share = np.divide(called, total, out=np.zeros_like(called), where=total > 0)
            return np.stack([1 - called, outputs[:, 1] * share, outputs[:, 2] * share], axis=1)
        columns = [
            outputs[:, i].astype(np.float64) if curve is None else curve.apply(outputs[:, i])
            for i, curve in enumerate(self.curves)
        ]
        return normalised(np.stack(columns, axis=1) ** (1 / self.temperature))

    @property
    def words(self) -> str:
        """What it is, for people: ``per_class (platt, none, isotonic; temperature 1.5)``."""
        kinds = ", ".join(curve.kind if curve else "none" for curve in self.curves)
        hot = f"; temperature {self.temperature:g}" if self.temperature != 1 else ""
        return f"{self.kind} ({kinds}{hot})"

    def to_dict(self) -> dict[str, Any]:
        """The calibration as plain numbers, for JSON."""
        return {
            "kind": self.kind,
            "curves": [curve.to_dict() if curve else None for curve in self.curves],
            "temperature": self.temperature,
        }


def read_curves(data: Entry) -> Curves:
    """The calibration that :meth:`Curves.to_dict` wrote.

    Raises:
        ModelError: If the numbers do not fit.
    """
    kind: CurvesKind = "splice" if data.at("kind").one_of(CURVES) == "splice" else "per_class"
    curves = [None if each.value is None else _read_curve(each) for each in
              data.at("curves").items()]  # fmt: skip
    temperature = data.at("temperature").number()
    return Curves(kind=kind, curves=tuple(curves), temperature=temperature)


def _read_curve(data: Entry) -> Curve:
    if data.find("x") is not None:
        return Curve(x=data.at("x").numbers(), y=data.at("y").numbers())
    return Curve(slope=data.at("slope").number(), intercept=data.at("intercept").number())


def normalised(rows: Floats) -> Floats:
    """Rows divided by their sums; where all is 0, nothing speaks for a site: neither is 1."""
    sums = rows.sum(axis=1, keepdims=True)
    nothing = sums[:, 0] <= 0
    found = rows / np.where(sums > 0, sums, 1)
    found[nothing] = (1, 0, 0)
    return np.asarray(found, np.float64)
