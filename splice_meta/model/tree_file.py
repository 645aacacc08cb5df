"""XGBoost's two file formats read as data: JSON, and UBJSON with its arrays as NumPy arrays.

XGBoost trusts what a file says of itself and reads beyond its arrays where that is wrong. So a file
is read here first, and what it says is checked (:mod:`splice_meta.model.structure`).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from splice_meta.errors import ModelError
from splice_meta.files.records import DEEPEST, parse_record

_HINT = "Save the model as .ubj or .json again."
_ARRAYS: dict[bytes, np.dtype[Any]] = {
    b"i": np.dtype("i1"), b"U": np.dtype("u1"), b"I": np.dtype(">i2"), b"l": np.dtype(">i4"),
    b"L": np.dtype(">i8"), b"d": np.dtype(">f4"), b"D": np.dtype(">f8"),
}  # fmt: skip
_NUMBERS = {
    b"i": struct.Struct(">b"), b"U": struct.Struct(">B"), b"I": struct.Struct(">h"),
    b"l": struct.Struct(">i"), b"L": struct.Struct(">q"), b"d": struct.Struct(">f"),
    b"D": struct.Struct(">d"),
}  # fmt: skip
_CONSTANTS = {b"Z": None, b"T": True, b"F": False}


def read_trees(data: bytes, name: str) -> dict[str, Any]:
    """What an XGBoost model file holds.

    Args:
        data: The file.
        name: What to call it in errors.

    Returns:
        The outermost object; arrays of numbers are NumPy arrays (UBJSON) or lists (JSON).

    Raises:
        ModelError: If it is neither format, or is cut, or a name stands twice.
    """
    try:
        if is_ubjson(data):
            return _Ubjson(data).whole()
        found = parse_record(data, name, ModelError, _HINT).value
    except ValueError as error:
        raise ModelError(f"{name} is not an XGBoost model: {error}.", _HINT) from None
    if not isinstance(found, dict):
        raise ModelError(f"{name} is not an XGBoost model.", _HINT)
    return found


def model_within(data: bytes, name: str) -> bytes:
    """The model in what a pickled booster holds: model and settings, or the model alone.

    The settings (threads, devices, training parameters) are left behind.

    Raises:
        ModelError: If there is none.
    """
    if not is_ubjson(data):
        return data
    try:
        reader = _Ubjson(data)
        reader.whole()
    except ValueError as error:
        raise ModelError(f"{name} is not an XGBoost model: {error}.", _HINT) from None
    first, stop = reader.places.get("Model", (0, len(data)))
    return data[first:stop]


def is_ubjson(data: bytes) -> bool:
    """Whether a file is UBJSON rather than JSON: its first name begins with a length."""
    return data[:2] in (b"{L", b"{l", b"{I", b"{i", b"{U")


class _Ubjson:
    """The part of UBJSON that XGBoost writes."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0
        self.places: dict[str, tuple[int, int]] = {}
        """Where the values of the outermost object begin and end."""

    def whole(self) -> dict[str, Any]:
        if self._take(1) != b"{":
            raise ValueError("it does not begin with an object")
        found = self._object(1)
        if self._at != len(self._data):
            raise ValueError("more follows behind its end")
        return found

    def _take(self, count: int) -> bytes:
        if count < 0 or count > len(self._data) - self._at:
            raise ValueError("it is cut short, or damaged")
        self._at += count
        return self._data[self._at - count : self._at]

    def _count(self) -> int:
        """A length; XGBoost writes all of them with eight bytes."""
        if self._take(1) != b"L":
            raise ValueError(f"byte {self._at - 1:,} is no length")
        return int.from_bytes(self._take(8), "big", signed=True)

    def _text(self) -> str:
        return self._take(self._count()).decode()

    def _object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while self._data[self._at : self._at + 1] != b"}":
            name = self._text()
            if name in found:
                raise ValueError(f"{name[:40]!r} stands twice in one object")
            first = self._at
            found[name] = self._value(self._take(1), depth)
            if depth == 1:
                self.places[name] = (first, self._at)
        self._at += 1
        return found

    def _value(self, kind: bytes, depth: int) -> Any:
        if kind in _CONSTANTS:
            return _CONSTANTS[kind]
        if kind in _NUMBERS:
            return _NUMBERS[kind].unpack(self._take(_NUMBERS[kind].size))[0]
        if kind in (b"{", b"[") and depth >= DEEPEST:
            raise ValueError(f"objects and lists lie more than {DEEPEST} deep in each other")
        if kind == b"S":
            return self._text()
        if kind == b"{":
            return self._object(depth + 1)
        if kind == b"[":
            return self._list(depth + 1)
        raise ValueError(f"byte {self._at - 1:,} is no kind of value that XGBoost writes")

    def _list(self, depth: int) -> Any:
        mark = self._take(1)
        if mark == b"$":
            dtype = _ARRAYS.get(self._take(1))
            if dtype is None or self._take(1) != b"#":
                raise ValueError(f"byte {self._at - 1:,} is no kind of array that XGBoost writes")
            raw = self._take(self._count() * dtype.itemsize)
            return np.frombuffer(raw, dtype)
        if mark == b"#":
            count = self._count()
            if count > len(self._data) - self._at:
                raise ValueError("it is cut short, or damaged")
            return [self._value(self._take(1), depth) for _ in range(count)]
        found = []
        while mark != b"]":
            found.append(self._value(mark, depth))
            mark = self._take(1)
        return found


def part_of(found: Mapping[str, Any], *names: str) -> Any:
    """A value within objects; None where there is none."""
    value: Any = found
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value
