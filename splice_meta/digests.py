"""Digests: whether something is still what it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

END = 1 << 20
"""Bytes that are read at each end of a file."""


def digest_of(value: Any) -> str:
    """SHA-256 of a value as JSON, hexadecimal; what JSON lacks counts by its text."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def ends_of(path: Path) -> dict[str, Any]:
    """The size of a file in bytes, and SHA-256 of its first and last MiB.

    Raises:
        OSError: If it cannot be read.
    """
    with path.open("rb") as stream:
        digest = hashlib.sha256(stream.read(END))
        size = stream.seek(0, 2)
        stream.seek(max(size - END, 0))
        digest.update(stream.read(END))
    return {"bytes": size, "sha256_of_ends": digest.hexdigest()}


def input_digests(files: Sequence[str]) -> list[dict[str, Any]]:
    """Which files went in: path, size in bytes, and SHA-256 of the first and last MiB.

    A whole-genome table is not read a second time for its digest; a Parquet file's last MiB
    holds its footer with the statistics of every row group. Addresses of object stores are named
    only.

    Args:
        files: The files.
    """
    return [
        {"source": file} | (ends_of(Path(file)) if Path(file).is_file() else {}) for file in files
    ]
