"""Addresses in object stores: which objects they mean, and which of these are score files."""

from __future__ import annotations

from itertools import takewhile

from splice_meta.errors import InputError
from splice_meta.files.patterns import has_pattern, matches
from splice_meta.files.stores import ObjectPath
from splice_meta.sources.kinds import BED, HDF5, KNOWN_SUFFIXES, NOT_OURS, suffix_of


def matching(pattern: ObjectPath) -> list[ObjectPath]:
    """The objects that an address with ``*``, ``?`` or ``[`` means, sorted by name."""
    wanted = pattern.key.split("/")
    fixed = takewhile(lambda piece: not has_pattern(piece), wanted)
    root = ObjectPath(pattern.bucket, "/".join(fixed))
    return [each for each in root.files() if matches(each.key.split("/"), wanted)]


def known_objects(place: ObjectPath) -> list[str]:
    """The score files behind an address, in name order.

    Raises:
        InputError: If there are none, or they cannot be read there.
    """
    if has_pattern(place.key):
        found = matching(place)
    elif place.is_file():
        found = [place]
    else:
        objects = [each for each in place.objects() if not each.name.startswith(NOT_OURS)]
        found = [each for each in objects if suffix_of(each.name) in KNOWN_SUFFIXES]
    if not found:
        raise InputError(
            f"There is no object {place} with base scores.",
            "Check the address; in a folder, score files end in .parquet, .arrow, .csv or .tsv.",
        )
    for each in found:
        if suffix_of(each.name) in (*BED, *HDF5):
            raise InputError(
                f"{each} can only be read from a local folder.",
                "Copy OpenSpliceAI's output here, or give its scores as Parquet, CSV or TSV.",
            )
    return [str(each) for each in found]
