"""Keeping the tables of an annotation that was read, so that the next run need not parse it.

They lie as Parquet files in ``$XDG_CACHE_HOME/splice_meta`` (``~/.cache/splice_meta`` where that is
not set), in a folder named by the digest of the annotation and the version of this format. A
folder appears whole, by a rename; whatever goes wrong is said at debug level and ignored.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from pathlib import Path

import polars as pl

from splice_meta.errors import EngineError
from splice_meta.files.ownership import Owned, remove_owned
from splice_meta.reference.fasta_cache import cache_folder
from splice_meta.reference.tables import SCHEMAS
from splice_meta.runtime.panics import plain_panics

log = logging.getLogger("splice_meta")

FORMAT_VERSION = 3
"""Raised whenever the parsers or the tables change, so that older folders are not read."""

KEPT = Owned(what="a kept annotation", files=tuple(f"{name}.parquet" for name in SCHEMAS))
"""What lies in the folder of one."""


def folder_of(digest: str) -> Path:
    """Where the tables of an annotation lie.

    Args:
        digest: SHA-256 of the annotation's bytes, hexadecimal.

    Raises:
        OSError: If there is no home directory.
    """
    return cache_folder() / f"annotation-v{FORMAT_VERSION}-{digest}"


def load(digest: str) -> dict[str, pl.DataFrame] | None:
    """The tables of an annotation by name; None where they are not kept or damaged."""
    try:
        folder = folder_of(digest)
        if not folder.is_dir():
            return None
        with plain_panics():
            tables = {
                name: pl.read_parquet(folder / f"{name}.parquet", glob=False) for name in SCHEMAS
            }
    except (OSError, EngineError, pl.exceptions.PolarsError) as error:
        log.debug("The kept annotation cannot be read: %s", error)
        return None
    wrong = [name for name, table in tables.items() if dict(table.schema) != SCHEMAS[name]]
    if wrong:
        log.debug("The kept annotation in %s has other columns: %s", folder, ", ".join(wrong))
        return None
    log.debug("Annotation taken from %s", folder)
    return tables


def save(digest: str, tables: dict[str, pl.DataFrame]) -> None:
    """Keep the tables of an annotation.

    Args:
        digest: SHA-256 of the annotation's bytes, hexadecimal.
        tables: The tables by name.
    """
    temporary = None
    try:
        folder = folder_of(digest)
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".annotation-", dir=folder.parent))
        for name, table in tables.items():
            table.write_parquet(temporary / f"{name}.parquet")
        # Only a damaged folder can be there, or that of a process that was faster; the rename of
        # a folder over one that is not empty fails.
        if folder.is_dir() and load(digest) is None:
            remove_owned(folder, KEPT)
        temporary.rename(folder)
    except (OSError, pl.exceptions.PolarsError) as error:
        log.debug("The annotation was not kept: %s", error)
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
