"""Addresses with patterns: which objects they mean."""

from __future__ import annotations

from itertools import takewhile

from splice_meta.patterns import has_pattern, matches
from splice_meta.stores import ObjectPath


def matching(pattern: ObjectPath) -> list[ObjectPath]:
    """The objects that an address with ``*``, ``?`` or ``[`` means, sorted by name."""
    wanted = pattern.key.split("/")
    fixed = takewhile(lambda piece: not has_pattern(piece), wanted)
    root = ObjectPath(pattern.bucket, "/".join(fixed))
    return [each for each in root.files() if matches(each.key.split("/"), wanted)]
