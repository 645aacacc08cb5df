"""Reading tables so that whatever is wrong is said with its file, column and line."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

import polars as pl

from splice_meta.errors import InputError
from splice_meta.runtime.panics import plain_panics
from splice_meta.sources.cells import fitting_types, refuse_texts
from splice_meta.sources.tables import Table
from splice_meta.sources.unreadable import FAULTS, unreadable

T = TypeVar("T")


def reading(tables: Sequence[Table], columns: Collection[str], read: Callable[[], T]) -> T:
    """Read tables; where that fails, find out which file, column and line it is, and why.

    Reading is tried a second time where columns of text only need other types.

    Args:
        tables: What is read; their types are changed where they do not fit.
        columns: The columns that are read, by the files' names.
        read: Reads them.

    Raises:
        InputError: If they cannot be read.
    """
    try:
        with plain_panics():
            return read()
    except FAULTS as error:
        if getattr(error, "errno", None) is not None:  # not of Polars
            raise
        if not _find_types(tables, columns):
            found = _which(tables, columns)
            if found is None:
                raise
            raise found from None
    return read()


def _find_types(tables: Sequence[Table], columns: Collection[str]) -> bool:
    """Set other types where the usual ones do not fit; whether any were found."""
    found: dict[str, pl.DataType | type[pl.DataType]] = {}
    for table in tables:
        if table.text is not None:
            found |= fitting_types(table.text, columns)
    for table in tables:
        table.types = {**table.types, **found}
    return bool(found)


def _which(tables: Sequence[Table], columns: Collection[str]) -> InputError | None:
    """The error with the file, and the column, that cannot be read; None if all can."""
    for table in tables:
        frame = table.scan()
        for name in frame.collect_schema().names():
            if name in columns:
                try:
                    with plain_panics():
                        frame.select(pl.col(name).null_count()).collect(engine="streaming")
                except FAULTS as found:
                    return unreadable(f"Column {name} of {table.file}", found)
    return None


def refuse_lost_rows(tables: Sequence[Table], rows: int) -> None:
    """Refuse text tables of which other rows were read than they have lines.

    Args:
        tables: What was read.
        rows: How many rows were read.

    Raises:
        InputError: If so; the look at their bytes and Polars do not agree then.
    """
    texts = [table.text for table in tables if table.text is not None]
    there = sum(text.shape.rows for text in texts)
    if texts and len(texts) == len(tables) and there != rows:
        raise InputError(
            f"{there:,} lines of {texts[0].file}{' ...' if len(texts) > 1 else ''} gave {rows:,} "
            "rows.",
            "Give the scores as Parquet, or without quotes.",
        )


def refuse_cells(tables: Sequence[Table], columns: Collection[str]) -> None:
    """Refuse texts in text tables that are not what they seem, see :func:`refuse_texts`."""
    for table in tables:
        if table.text is not None:
            refuse_texts(table.text, columns)
