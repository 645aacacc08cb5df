"""JSON of ours, read with its shape checked: an error names the file and the place in it.

Everything this package has written as JSON is read here: bundles, manifests, cards, the records of
runs. A file may have been edited, cut or crafted, so nothing is taken for what it should be.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Protocol

import numpy as np

from splice_meta.errors import InputError, SpliceMetaError

DEEPEST = 64
"""Objects and lists within each other; what this package writes has at most nine."""

LARGEST = 64 << 20
"""Bytes of a file, unless the reader says otherwise."""

_LONGEST = 1000
_PLAIN = re.compile(r"[A-Za-z_][\w.-]{0,60}")
_TEXT = re.compile(rb'"(?:[^"\\]++|\\.?)*+"?', re.DOTALL)


class Readable(Protocol):
    """A file, or an object of a store."""

    def read_bytes(self) -> bytes:
        """What it holds."""
        ...


@dataclass(frozen=True)
class Entry:
    """A value of a file, with its place.

    Attributes:
        value: As JSON has it.
        file: What the file is called in errors.
        place: Such as ``margin.weights[1]``; empty for the whole.
        kind: The class of errors.
        hint: What to do about a wrong value.
    """

    value: Any
    file: str
    place: str = ""
    kind: type[SpliceMetaError] = InputError
    hint: str = ""

    def refuse(self, wanted: str) -> NoReturn:
        """Say that this value is wrong.

        Args:
            wanted: What it should be, such as "a number".
        """
        what = self.place or "what it holds"
        raise self.kind(f"{self.file}: {what} is {shown(self.value)}, not {wanted}.", self.hint)

    def fields(self) -> dict[str, Entry]:
        """The entries of an object by name."""
        if not isinstance(self.value, dict):
            self.refuse("an object")
        return {name: self._field(name, value) for name, value in self.value.items()}

    def at(self, name: str) -> Entry:
        """An entry of an object that must be there."""
        if not isinstance(self.value, dict):
            self.refuse("an object")
        if name not in self.value:
            place = self._field(name, None).place
            raise self.kind(f"{self.file}: {place} is missing.", self.hint)
        return self._field(name, self.value[name])

    def find(self, name: str) -> Entry | None:
        """An entry of an object; None where it is missing or null."""
        if not isinstance(self.value, dict):
            self.refuse("an object")
        value = self.value.get(name)
        return None if value is None else self._field(name, value)

    def items(self) -> list[Entry]:
        """The entries of a list."""
        if not isinstance(self.value, list):
            self.refuse("a list")
        return [self._within(f"{self.place}[{i}]", value) for i, value in enumerate(self.value)]

    def text(self, longest: int = _LONGEST) -> str:
        """A text that is not empty."""
        if not isinstance(self.value, str) or not self.value:
            self.refuse("a text")
        if len(self.value) > longest:
            self.refuse(f"a text of at most {longest:,} letters")
        if any("\ud800" <= letter <= "\udfff" for letter in self.value):
            self.refuse("a text of whole letters")
        return self.value

    def one_of(self, allowed: Sequence[str]) -> str:
        """One of some texts."""
        if not isinstance(self.value, str) or self.value not in allowed:
            self.refuse(f"one of {', '.join(allowed)}")
        return self.value

    def whole(self, low: int = 0, high: int = (1 << 62)) -> int:
        """A whole number within bounds."""
        is_whole = isinstance(self.value, int) and not isinstance(self.value, bool)
        if not is_whole or not low <= self.value <= high:
            self.refuse(f"a whole number {_bounds(low, high, 1 << 62)}")
        return int(self.value)

    def number(self, low: float = -math.inf, high: float = math.inf) -> float:
        """A finite number within bounds."""
        is_number = isinstance(self.value, int | float) and not isinstance(self.value, bool)
        try:
            value = float(self.value) if is_number else math.nan
        except OverflowError:
            value = math.inf
        if not math.isfinite(value) or not low <= value <= high:
            self.refuse(f"a number {_bounds(low, high, math.inf)}".rstrip())
        return value

    def texts(self) -> tuple[str, ...]:
        """A list of texts, none of them twice."""
        found = tuple(item.text() for item in self.items())
        if len(set(found)) < len(found):
            self.refuse("a list in which each text stands once")
        return found

    def numbers(self, low: float = -math.inf, high: float = math.inf) -> tuple[float, ...]:
        """A list of finite numbers within bounds."""
        return tuple(item.number(low, high) for item in self.items())

    def _field(self, name: str, value: Any) -> Entry:
        # The name comes from the file as well.
        named = name if _PLAIN.fullmatch(name) else shown(name)
        return self._within(f"{self.place}.{named}" if self.place else named, value)

    def _within(self, place: str, value: Any) -> Entry:
        return Entry(value, self.file, place, self.kind, self.hint)


def shown(value: Any) -> str:
    """A value as JSON on one line, without control characters, cut to a length."""
    if isinstance(value, dict | list):
        kind = "object" if isinstance(value, dict) else "list"
        return f"{'an' if kind == 'object' else 'a'} {kind}" if value else f"an empty {kind}"
    try:
        text = json.dumps(value)
    except ValueError:  # a number of more digits than Python prints
        return "a number of thousands of digits"
    return text if len(text) <= 60 else f"{text[:56]} ..."


def read_record(
    path: Readable,
    kind: type[SpliceMetaError] = InputError,
    hint: str = "",
    name: str = "",
    largest: int = LARGEST,
) -> Entry:
    """Read a JSON file.

    Args:
        path: The file.
        kind: The class of errors.
        hint: What to do about a file that is not what it should be.
        name: What to call it in errors; the path by default.
        largest: Bytes that it may have.

    Raises:
        SpliceMetaError: Of the kind given, if it cannot be read or is not JSON.
    """
    name = name or str(path)
    try:
        if isinstance(path, Path) and path.exists() and not path.is_file():
            raise kind(f"{name} is not a file.", hint)
        if isinstance(path, Path) and path.stat().st_size > largest:
            raise kind(f"{name} has more than {largest:,} bytes.", hint)
        data = path.read_bytes()
    except OSError as error:
        raise kind(f"{name} cannot be read: {error.strerror or error}.", hint) from None
    return parse_record(data, name, kind, hint)


def parse_record(
    data: bytes, name: str, kind: type[SpliceMetaError] = InputError, hint: str = ""
) -> Entry:
    """Read JSON that is in memory, as :func:`read_record` does."""
    try:
        if depth_of(data) > DEEPEST:
            raise ValueError(f"objects and lists lie more than {DEEPEST} deep in each other")
        text = data.decode("utf-8-sig")
        value = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except UnicodeDecodeError:
        raise kind(f"{name} is not JSON: it is not text in UTF-8.", hint) from None
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise kind(f"{name} is not JSON that can be used: {reason}.", hint) from None
    return Entry(value, name, "", kind, hint)


def depth_of(data: bytes) -> int:
    """How deep objects and lists of JSON text lie in each other, without reading it."""
    letters = np.frombuffer(_TEXT.sub(b"", data), np.uint8)
    # { and [ differ from } and ] by two, and from each other by one bit.
    kind = letters & 0xDF
    steps = (kind == 0x5B).astype(np.int64) - (kind == 0x5D)
    return int(np.cumsum(steps).max(initial=0))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise ValueError(f"{shown(twice)} stands twice in one object")
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number in JSON")


def _bounds(low: float, high: float, none: float) -> str:
    if low <= -none and high >= none:
        return ""
    if high >= none:
        return f"of at least {low:g}"
    return f"from {low:g} to {high:g}" if low > -none else f"of at most {high:g}"
