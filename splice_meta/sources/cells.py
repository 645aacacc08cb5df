"""Why a cell of a text table cannot be read: the slow look, taken only when something is wrong."""

from __future__ import annotations

import re
from collections.abc import Collection

import polars as pl

from splice_meta.errors import InputError
from splice_meta.sources.text import MISSING, TYPES, TextTable, Types, scan_text

NUMBER = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$|^[+-]?(?i:nan|inf|infinity)$"
WHOLE = r"^[+-]?\d{1,18}$"
TEXTS = ("gene_id", "chrom", "strand", "base", "splice_type")

_MISSING_WORDS = {
    ".", "-", "*", "?", "na", "n/a", "#n/a", "<na>", "null", "none", "nil", "nan", "missing",
}  # fmt: skip
_EXACT = float(1 << 53)


def fitting_types(table: TextTable, columns: Collection[str]) -> Types:
    """The types with which columns of a text table can be read, where usual ones do not fit.

    Args:
        table: A table of which Polars could not read a number.
        columns: The columns that are to be read.

    Returns:
        Float64 for columns of whole numbers that are written as floats, and for columns of which
        Polars took the first rows for whole numbers; empty if nothing is wrong with any.

    Raises:
        InputError: If a column is not a number; file, line and cause are named.
    """
    guessed = scan_text([table], {}).collect_schema()
    fitting: dict[str, type[pl.DataType]] = {}
    for name in table.header.names:
        kind = guessed.get(name)
        if name not in columns or kind is None or not kind.is_numeric():
            continue
        text = pl.col(name)
        rows = _as_text(table, [name])
        if not kind.is_integer():
            _refuse_first(table, rows, name, ~text.str.contains(NUMBER))
        elif rows.select((~text.str.contains(WHOLE)).any()).collect().item():
            _refuse_first(table, rows, name, ~text.str.contains(NUMBER))
            if name in TYPES:
                number = text.cast(pl.Float64, strict=False)
                is_whole = (number.floor() == number) & (number.abs() < _EXACT)
                _refuse_first(table, rows, name, ~is_whole)
            fitting[name] = pl.Float64
    return fitting


def refuse_texts(table: TextTable, columns: Collection[str]) -> None:
    """Refuse texts that have blanks around them, or quotes where quotes are letters.

    Args:
        table: A table that was looked at.
        columns: The columns that are to be read.

    Raises:
        InputError: If there are any; file, line and column are named.
    """
    names = [name for name in TEXTS if name in columns and name in table.header.names]
    wrong: dict[str, pl.Expr] = {}
    if table.shape.has_blanks:
        wrong |= {name: pl.col(name).str.contains(r"^\s|\s$") for name in names}
    if table.shape.has_quotes and not table.quoted:
        wrong |= {n: wrong.get(n, pl.lit(False)) | pl.col(n).str.contains('^".*"$') for n in names}
    if not wrong:
        return
    rows = _as_text(table, list(wrong))
    faults = rows.select(expr.any().alias(name) for name, expr in wrong.items()).collect()
    for name, is_wrong in faults.row(0, named=True).items():
        if is_wrong:
            _refuse_first(table, rows, name, wrong[name])


def _as_text(table: TextTable, columns: list[str]) -> pl.LazyFrame:
    return scan_text([table], dict.fromkeys(columns, pl.String)).select(columns)


def _refuse_first(table: TextTable, rows: pl.LazyFrame, name: str, is_wrong: pl.Expr) -> None:
    """Refuse the first row for which an expression holds, if there is any."""
    found = rows.with_row_index("_row").filter(is_wrong).head(1).collect()
    if found.height:
        row, text = found.select("_row", name).row(0)
        what, hint = cause(text, name, table.separator)
        raise InputError(
            f"Line {table.line_of(row)} of {table.file}: column {name} has {text[:40]!r}{what}.",
            hint,
        )


def cause(text: str, column: str, separator: str) -> tuple[str, str]:
    """Why a text is not what a column needs, and what to do.

    Args:
        text: What stands in the cell.
        column: The column's name.
        separator: The table's separator.
    """
    bare = text.strip()
    whole = TYPES.get(column) is pl.Int64
    if bare == column:
        return (
            ", its own name: the header is repeated",
            "Remove the header's lines within the table; tables that were put together have one.",
        )
    if bare.lower() in _MISSING_WORDS:
        spelled = " or ".join(f"{word!r}" if word else "nothing" for word in MISSING)
        return ", which stands for a missing value", f"Write {spelled}, where one may be missing."
    if bare != text:
        return ", with blanks around it", "Remove blanks around the separators."
    if '"' in text:
        return ", with quotes", "Write the header in quotes, too, or nothing."
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", text) and (whole or text.count(",") > 1):
        return ", with commas between thousands", "Write numbers without them."
    if re.fullmatch(r"[+-]?\d*,\d+([eE][+-]?\d+)?", text):
        return ", with a decimal comma", "Write numbers with a decimal point."
    if whole and re.match(NUMBER, text):
        return ", which is not a whole number", "Positions are whole numbers."
    kind = "whole number" if whole else "number"
    return f", which is not a {kind}", "Check this line, and what the column is to hold."
