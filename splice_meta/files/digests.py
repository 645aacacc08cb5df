"""Digests: whether something is still what it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from splice_meta.errors import InputError
from splice_meta.files.stores import ObjectPath, Place, object_at

END = 1 << 20
"""Bytes that are read at each end of a file."""


def digest_of(value: Any) -> str:
    """SHA-256 of a value as JSON, hexadecimal; what JSON lacks counts by its text."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def ends_of(path: Place) -> dict[str, Any]:
    """The size of a file in bytes, and SHA-256 of its first and last MiB; the ETag of an object.

    Raises:
        OSError: If it cannot be read.
        InputError: If there is no such object.
    """
    if isinstance(path, ObjectPath):
        state = path.state()
        if state is None:
            raise InputError(f"There is no object {path}.", "Check the address.")
        return state
    with path.open("rb") as stream:
        digest = hashlib.sha256(stream.read(END))
        size = stream.seek(0, 2)
        stream.seek(max(size - END, 0))
        digest.update(stream.read(END))
    return {"bytes": size, "sha256_of_ends": digest.hexdigest()}


def input_digests(files: Sequence[str]) -> list[dict[str, Any]]:
    """Which files went in: path, size in bytes, and SHA-256 of the first and last MiB.

    A whole-genome table is not read a second time for its digest; a Parquet file's last MiB
    holds its footer with the statistics of every row group. Objects count by size and ETag, other
    addresses are named only.

    Args:
        files: The files.
    """
    places = [(file, object_at(file) or Path(file)) for file in files]
    return [
        {"source": file} | (_noted_ends(place) if place.is_file() else {}) for file, place in places
    ]


def _noted_ends(place: Place) -> dict[str, Any]:
    """As :func:`ends_of`; a file that has not changed is read once: a run tells of it twice."""
    if isinstance(place, ObjectPath):
        return ends_of(place)
    state = place.stat()
    # The time of the last change of any kind cannot be set back.
    known = (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)
    return _ends_at(place, *known)


@lru_cache(maxsize=1 << 10)
def _ends_at(path: Path, *_: int) -> dict[str, Any]:
    return ends_of(path)
