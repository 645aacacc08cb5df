"""Addresses with patterns: which objects they mean."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from itertools import takewhile

from splice_meta.stores import ObjectPath


def matching(pattern: ObjectPath) -> list[ObjectPath]:
    """The objects that an address with ``*``, ``?`` or ``[`` means, sorted by name."""
    wanted = pattern.key.split("/")
    fixed = takewhile(lambda piece: not has_pattern(piece), wanted)
    root = ObjectPath(pattern.bucket, "/".join(fixed))
    return [each for each in root.files() if _matches(each.key.split("/"), wanted)]


def has_pattern(text: str) -> bool:
    """Whether a name means more than itself."""
    return any(letter in text for letter in "*?[")


def _matches(names: Sequence[str], patterns: Sequence[str]) -> bool:
    if not patterns:
        return not names
    if patterns[0] == "**":
        return any(_matches(names[n:], patterns[1:]) for n in range(len(names) + 1))
    return bool(names) and fnmatchcase(names[0], patterns[0]) and _matches(names[1:], patterns[1:])
