"""Writing: every file appears whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

import polars as pl

from splice_meta.errors import OutputError

ROW_GROUP_ROWS = 1 << 18


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary name beside ``path``; rename it to ``path`` if all goes well.

    The target may be a file, or a directory of part files. A file is flushed to disk before the
    rename, so that after a crash there is the old state or the new one. On an error what is
    temporary is removed, and what was at ``path`` before is still there.

    Args:
        path: Where the file or directory should appear.

    Raises:
        OutputError: If the directory cannot be written to.
    """
    # Two workers on different machines may have the same process id.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        if temporary.is_file():
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
        if path.is_dir():
            shutil.rmtree(path)
        elif temporary.is_dir():
            path.unlink(missing_ok=True)
        temporary.replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror or error}.",
            "Check the output directory's permissions and free space.",
        ) from error
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        with suppress(OSError):  # where its folder is none, the error above says so
            temporary.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Write a text file whole."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def sink_parquet(plan: pl.LazyFrame, path: Path) -> None:
    """Run a plan into a zstd Parquet file, rows in the plan's order.

    Args:
        plan: What to write.
        path: Where the file should appear.
    """
    with whole_file(path) as temporary:
        plan.sink_parquet(
            temporary,
            compression="zstd",
            row_group_size=ROW_GROUP_ROWS,
            maintain_order=True,
        )
