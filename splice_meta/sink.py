"""Writing: every file appears complete or not at all."""

from __future__ import annotations

import errno
import os
import re
import shutil
from base64 import b64encode
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl

from splice_meta.contracts import TEXTS
from splice_meta.errors import OutputError, StoreError
from splice_meta.files.ownership import Owned, put, temporary_name
from splice_meta.files.stores import ObjectPath, Place, reason_of, refuse_address
from splice_meta.plain import FORMULA
from splice_meta.provenance import MadeBy
from splice_meta.texts import runs_of

ROW_GROUP_ROWS = 1 << 16
"""Small enough that Polars tells by a bitmap that positions are worth no dictionary; in larger
groups it counts them in a hash table, a fifth of the time of writing."""

TSV_ROWS = 1 << 16
"""Rows of a TSV file that are in memory as text at once."""

_TSV_TEXT = pl.selectors.string() - pl.selectors.by_name("strand", require_all=False)

_SCHEMA_KEY = "ARROW:schema"

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Numbers of errors by which a disk, or a limit, takes no more."""

LITTLE_ROOM = 1 << 26
"""Free bytes below which a disk may just have been full: other shards remove what they began."""

_SYSTEM_ERROR = re.compile(r"\(os error (\d+)\)")


@contextmanager
def whole_file(path: Path, folder: Owned | None = None) -> Iterator[Path]:
    """Give a temporary name near ``path``; rename it to ``path`` if all goes well.

    The target may be a file, or a directory of part files. A file is flushed to disk before the
    rename, so that after a crash there is the old state or the new one. On an error what is
    temporary is removed, and what was at ``path`` before is still there.

    Args:
        path: Where the file or directory should appear.
        folder: What kind of directory it may replace; None for none.

    Raises:
        OutputError: If the directory cannot be written to, or what is there must not be replaced.
    """
    refuse_address(path)
    temporary = temporary_name(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        if temporary.is_file():
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
        put(temporary, path, folder)
        _flush_folder(path.parent)
    except OutputError as error:  # of a part: it should have the name that it would get
        message = error.message.replace(str(temporary), str(path))
        raise OutputError(message, error.hint) from error
    except (OSError, pl.exceptions.PolarsError) as error:
        if _is_lost_footer(error, path):
            raise not_written(path, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))) from error
        if not is_write_error(error):
            raise
        raise not_written(path, error) from error
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        with suppress(OSError):  # where its folder is none, the error above says so
            temporary.unlink(missing_ok=True)


def _is_lost_footer(error: Exception, path: Path) -> bool:
    """Whether the footer of a Parquet file found no room: there Polars loses the system's word."""
    lost = "Invalid thrift: transport error" in str(error)
    return lost and shutil.disk_usage(path.parent).free < LITTLE_ROOM


def is_write_error(error: Exception) -> bool:
    """Whether an error is one of the file system; Polars has its own for a full disk."""
    return isinstance(error, OSError) or is_full(error)


def is_full(error: Exception) -> bool:
    """Whether an error says that the disk, or a limit, takes no more."""
    return _number_of(error) in FULL


def not_written(path: Path, error: Exception) -> OutputError:
    """What is said of a file that could not be written.

    Args:
        path: The file.
        error: Of the file system, see :func:`is_write_error`.
    """
    number = _number_of(error)
    reason = os.strerror(number) if number is not None else str(error)
    return OutputError(
        f"{path} cannot be written: {reason}.",
        "Make room, then run it again, with --resume where the command has it."
        if is_full(error)
        else "Check the output directory's permissions and free space.",
    )


def _number_of(error: Exception) -> int | None:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    found = _SYSTEM_ERROR.search(str(error))
    return int(found[1]) if found else None


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _whole(path: Place) -> Iterator[Path | str]:
    """What Polars is to write to; an object appears, or is replaced, when its upload is complete.

    Raises:
        OutputError: If the directory cannot be written to.
        StoreError: If the object cannot.
    """
    if isinstance(path, Path):
        with whole_file(path) as temporary:
            yield temporary
        return
    try:
        yield str(path)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {reason_of(error)}.",
            "What was finished is kept; run again with --resume.",
        ) from error


def write_text(path: Place, text: str | Iterable[str]) -> None:
    """Write a text file whole.

    Args:
        path: The file.
        text: Its text, or the pieces of it.
    """
    pieces = [text] if isinstance(text, str) else text
    if isinstance(path, ObjectPath):
        path.write_bytes("".join(pieces).encode())
        return
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(pieces)


def write_csv(path: Place, table: pl.DataFrame) -> None:
    """Write a CSV file whole; no cell of it runs in a spreadsheet, see :mod:`splice_meta.plain`."""
    write_text(path, table.with_columns(_guarded(pl.selectors.string())).write_csv())


def _guarded(text: pl.Expr) -> pl.Expr:
    return pl.when(text.str.contains(FORMULA)).then("'" + text).otherwise(text).name.keep()


def sink_tsv(plan: pl.LazyFrame, path: Place) -> None:
    """Run a plan into a TSV file; numbers have six decimals, and no cell runs in a spreadsheet."""
    with _whole(path) as target:
        plan.with_columns(_guarded(_TSV_TEXT)).sink_csv(target, separator="\t", float_precision=6)


def write_tsv(path: Place, table: pl.DataFrame) -> None:
    """As :func:`sink_tsv`, of rows that are there, in half of the time."""
    rows = table.with_columns(_guarded(_TSV_TEXT))
    pieces = [*rows.iter_slices(TSV_ROWS)] or [rows]
    write_text(
        path,
        (
            piece.write_csv(include_header=not number, separator="\t", float_precision=6)
            for number, piece in enumerate(pieces)
        ),
    )


def sink_parquet(
    plan: pl.LazyFrame,
    path: Place,
    files: ExitStack | None = None,
    made_by: MadeBy | None = None,
) -> None:
    """Run a plan into a zstd Parquet file, rows in the plan's order.

    Text columns that :func:`code_texts` has coded are written from their codes, which saves a
    quarter of the time, and are text to whoever reads the file. Level 1 of zstd takes a tenth less
    time than Polars' level 3; the files are as small.

    Args:
        plan: What to write.
        path: Where the file should appear.
        files: On leaving it the file is flushed and appears; without it, that is done here.
        made_by: What made the base scores in it, for a note in its metadata.
    """
    schema = plan.collect_schema()
    coded = {name: pl.String() for name in _coded(schema)}
    has_codes = any(isinstance(kind, pl.Enum) for kind in schema.values())
    types = _arrow_schema(**{**schema, **coded}) if has_codes else {}
    noted = {**types, **(made_by.note() if made_by is not None else {})}
    with ExitStack() if files is None else nullcontext(files) as stack:
        plan.sink_parquet(
            stack.enter_context(_whole(path)),
            compression="zstd",
            compression_level=1,
            row_group_size=ROW_GROUP_ROWS,
            maintain_order=True,
            metadata=noted or None,
        )


def write_parquet(
    frame: pl.DataFrame, path: Place, files: ExitStack, made_by: MadeBy | None = None
) -> None:
    """As :func:`sink_parquet`, of few rows that are there, in a quarter of the time.

    No plan is made, and Snappy in place of zstd: that has its own setup for each column, which is
    half of what is left.
    """
    data = BytesIO()
    noted = {**_arrow_schema(**frame.schema), **(made_by.note() if made_by is not None else {})}
    frame.write_parquet(data, compression="snappy", metadata=noted)
    if isinstance(path, ObjectPath):
        path.write_bytes(data.getvalue())
    else:
        files.enter_context(whole_file(path)).write_bytes(data.getvalue())


def code_texts(frame: pl.DataFrame) -> pl.DataFrame:
    """Put short codes (Enum) in place of the texts of genes, which repeat over many rows."""
    texts = [name for name in TEXTS if frame.schema.get(name) == pl.String]
    return frame.with_columns(_codes(frame[name]) for name in texts)


def as_text(plan: pl.LazyFrame) -> pl.LazyFrame:
    """Undo :func:`code_texts`."""
    return plan.with_columns(pl.col(_coded(plan.collect_schema())).cast(pl.String))


def _coded(schema: pl.Schema) -> list[str]:
    return [name for name in TEXTS if isinstance(schema.get(name), pl.Enum)]


def _codes(texts: pl.Series) -> pl.Series:
    """Texts as an Enum of those that occur; runs of the same text are looked at once."""
    starts, stops = runs_of(texts)
    if 4 * starts.size > texts.len() or texts.has_nulls():
        return texts
    values = texts.gather(starts)
    kind = pl.Enum(values.unique(maintain_order=True))
    codes = np.repeat(values.cast(kind).to_physical().to_numpy(), stops - starts)
    return pl.Series(texts.name, codes).cat.to(kind)


@cache
def _arrow_schema(**schema: pl.DataType) -> dict[str, str]:
    """The note in a Parquet file that tells readers the types of columns, for these types.

    Polars notes that an Enum's codes have no sign. Such codes older versions of pyarrow do not hand
    to pandas; here they have one. It is the same to Polars, which goes by a note of its own.
    """
    import pyarrow as pa
    from pyarrow.parquet import read_schema

    empty = BytesIO()
    pl.DataFrame(schema=schema).write_parquet(empty)
    empty.seek(0)
    noted = read_schema(empty)
    for number, column in enumerate(noted):
        if pa.types.is_dictionary(column.type):
            codes = pa.dictionary(pa.int32(), column.type.value_type, column.type.ordered)
            noted = noted.set(number, column.with_type(codes))
    return {_SCHEMA_KEY: b64encode(noted.serialize().to_pybytes()).decode()}
