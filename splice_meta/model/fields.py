"""Values of a model file by name, each refused where it is not what it should be."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from splice_meta.errors import ModelError

Whole = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_MOST = 1_000_000
_HINT = "The file is damaged or was not written by XGBoost; save the model again."


class Fields:
    """Reads the values of a model file.

    Args:
        name: What to call the file in errors.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def part(self, found: dict[str, Any], name: str) -> dict[str, Any]:
        """An object within an object."""
        value = found.get(name)
        if not isinstance(value, dict):
            self.refuse(f"it has no {name}")
        return value

    def digits(
        self, found: dict[str, Any], name: str, least: int = 0, none: int | None = None,
        most: int = _MOST,
    ) -> int:  # fmt: skip
        """A whole number, which XGBoost writes as text."""
        value = found.get(name, none)
        text = str(value)
        is_whole = not isinstance(value, bool) and text.isascii() and text.isdecimal()
        if not is_whole or len(text) > 12 or not least <= int(text) <= most:
            self.refuse(f"{name} is {text[:40]!r}")
        return int(text)

    def plain(self, value: Any, name: str) -> npt.NDArray[Any]:
        """A list of numbers as an array."""
        try:
            is_empty = value is None or (isinstance(value, list) and not value)
            found = np.zeros(0, np.int64) if is_empty else np.asarray(value)
        except (ValueError, OverflowError):
            found = np.array(None)
        if found.ndim != 1 or found.dtype.kind not in "biuf":
            self.refuse(f"{name} is no list of numbers")
        return found

    def floats(self, value: Any, name: str) -> Floats:
        """A list of numbers, all of them finite in Float32."""
        found = self.plain(value, name).astype(np.float64)
        if not (np.abs(found) <= np.finfo(np.float32).max).all():
            self.refuse(f"{name} holds a number that is not finite")
        return found

    def integers(self, value: Any, name: str) -> Whole:
        """A list of whole numbers that is not empty."""
        found = self.plain(value, name)
        if found.dtype.kind == "f" or found.size == 0:
            self.refuse(f"{name} is no list of whole numbers")
        return found.astype(np.int64)

    def refuse(self, what: str) -> NoReturn:
        """Say that the file is damaged.

        Args:
            what: How that shows.
        """
        raise ModelError(f"The XGBoost model {self.name} is damaged: {what}.", _HINT)
