"""The files of a base model's weights."""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Sequence
from pathlib import Path

from splice_meta.errors import InputError
from splice_meta.stores import refuse_pipe


def weight_files(weights: str | Path, suffix: str) -> list[Path]:
    """The weight files of a folder in name order, or the one file that is given.

    Args:
        weights: Folder or file.
        suffix: How weight files end, such as ``.pt``.

    Raises:
        InputError: If there is none.
    """
    place = Path(weights).expanduser()
    refuse_pipe(place)
    if place.is_file():
        return [place]
    if not place.is_dir():
        raise InputError(f"There is no folder of weights {weights}.", "Check --weights.")
    files = sorted(file for file in place.iterdir() if file.suffix == suffix)
    for file in files:
        refuse_pipe(file)
    if not files:
        raise InputError(
            f"The folder {weights} holds no weights.", f"Weight files end in {suffix}."
        )
    return files


def reason_of(error: Exception) -> str:
    """The first line of what a library says of a file, cut short, without its full stop."""
    said = (str(error).strip() or type(error).__name__).splitlines()[0]
    return textwrap.shorten(said, 160).rstrip(" .:")


def digest_of(files: Sequence[Path]) -> str:
    """SHA-256 over the bytes of all files, in order."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
