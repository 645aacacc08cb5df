"""Reading from the metadata of score files which base model made them."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import polars as pl

from splice_meta.errors import InputError
from splice_meta.files.stores import ObjectPath, object_at
from splice_meta.provenance import MadeBy, made_by_of

_TAIL = 1 << 16
"""Bytes from the end of an object that hold a footer of usual size."""


def read_made_by(files: Sequence[str]) -> MadeBy | None:
    """What made a table, as its files say; None where none of them says.

    Args:
        files: Paths or addresses of all its files; only Parquet files can say it.

    Raises:
        InputError: If a note is damaged, or two files are of different base models or weights.
    """
    first: tuple[str, MadeBy] | None = None
    for file in files:
        made = _made_by(file)
        if made is None:
            continue
        first = first or (file, made)
        one, other = first[1], made
        if (one.base_model, one.weights_sha256) != (other.base_model, other.weights_sha256):
            raise InputError(
                f"{first[0]} holds scores of {one}, {file} scores of {other}.",
                "Give tables that one base model made with the same weights.",
            )
    return first[1] if first else None


def _made_by(file: str) -> MadeBy | None:
    if not file.split("?")[0].lower().endswith((".parquet", ".pq")):
        return None
    stored = object_at(file)
    if stored is None and "://" in file:  # what else Polars can scan
        return None
    try:
        source = file if stored is None else BytesIO(_end_of(stored))
        return made_by_of(pl.read_parquet_metadata(source))
    except (pl.exceptions.PolarsError, OSError):
        return None  # whoever reads the rows says what is wrong
    except ValueError as error:
        raise InputError(
            f"The note in {file} on what made its scores is damaged ({error}).",
            "Score the genes again, or write the table anew without its metadata.",
        ) from None


def _end_of(file: ObjectPath) -> bytes:
    """Enough of the end of a Parquet file to hold its footer."""
    end = file.read_end(_TAIL)
    footer = int.from_bytes(end[-8:-4], "little") + 8
    return end if footer <= len(end) else file.read_end(footer)
