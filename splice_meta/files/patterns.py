"""Names with patterns: ``*``, ``?``, ``[...]``, and ``**`` for any number of folders."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase


def has_pattern(text: str) -> bool:
    """Whether a name means more than itself."""
    return any(letter in text for letter in "*?[")


def matches(names: Sequence[str], patterns: Sequence[str]) -> bool:
    """Whether a path meets a pattern, both given piece by piece."""
    if not patterns:
        return not names
    if patterns[0] == "**":
        return any(matches(names[n:], patterns[1:]) for n in range(len(names) + 1))
    return bool(names) and fnmatchcase(names[0], patterns[0]) and matches(names[1:], patterns[1:])
