"""Text tables (CSV, TSV): header, quotes, and the scan, for which all bytes were looked at once."""

from __future__ import annotations

import csv
import logging
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import polars as pl

from splice_meta.catalogue import GENOMIC
from splice_meta.contracts import OPTIONAL, REQUIRED, SCORES
from splice_meta.errors import ContractError, InputError
from splice_meta.files.packed import blocks
from splice_meta.sources.content import kind_of_content, wrong_content
from splice_meta.sources.layouts import AGENTIC
from splice_meta.sources.shape import Lines, Shape

log = logging.getLogger("splice_meta")

TYPES: dict[str, type[pl.DataType]] = {
    "gene_id": pl.String, "gene_name": pl.String, "chrom": pl.String, "strand": pl.String,
    "base": pl.String, "splice_type": pl.String, "position": pl.Int64,
    "genomic_position": pl.Int64, "donor_score": pl.Float32, "acceptor_score": pl.Float32,
    "neither_score": pl.Float32, "donor_prob": pl.Float32, "acceptor_prob": pl.Float32,
    "neither_prob": pl.Float32, **{name: pl.Float64 for name in GENOMIC if name != "chrom"},
}  # fmt: skip
"""Types of the columns of text files; a guess from the first rows would take chrom for a number."""

MISSING = ("", "NA")
"""What stands for a missing value."""
EMPTY_QUOTES = '""'
"""What Polars writes for an empty text: missing, too, in tables that have no other quotes."""

Types = Mapping[str, pl.DataType | type[pl.DataType]]
"""Types of columns, in place of those of :data:`TYPES` and of Polars' guess."""

KNOWN_COLUMNS = {*REQUIRED, *SCORES, *OPTIONAL, *AGENTIC, *GENOMIC}
"""Columns that mean something here, by the names that they have in files."""

_SEPARATORS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars", " ": "blanks"}
_GUESSED_ROWS = 10_000


@dataclass(frozen=True)
class Header:
    """The first line of a text table.

    Attributes:
        names: The columns.
        line: Its number, from 1; blank lines may stand before it.
        has_quotes: Whether names stand in quotes.
    """

    names: tuple[str, ...]
    line: int
    has_quotes: bool


@dataclass(frozen=True)
class TextTable:
    """A text table that was looked at: it can be read without loss.

    Attributes:
        file: Path or address.
        separator: Between fields.
        header: Its first line.
        shape: What the look showed.
    """

    file: str
    separator: str
    header: Header
    shape: Shape

    @property
    def quoted(self) -> bool:
        """Whether fields stand in quotes; else a quote is a letter."""
        return _may_quote(self.separator, self.header) and (
            self.header.has_quotes or self.shape.has_quotes
        )

    def line_of(self, row: int) -> int:
        """The number of the line of a row (from 0)."""
        return self.header.line + 1 + row


def words_of(path: Path) -> set[str]:
    """The words of a file's first line, whatever stands between them; none of what is not text.

    Raises:
        InputError: If it cannot be read, or is damaged in its first lines.
    """
    head = next(blocks(path), b"")
    if kind_of_content(head):
        return set()
    line = head.lstrip(b"\xef\xbb\xbf\r\n").partition(b"\n")[0].decode(errors="replace")
    return set(re.split(r'[\s,;|"]+', line))


def look_at(file: str, separator: str, *, has_sign: bool = False) -> TextTable:
    """Read a text table once, as bytes, and refuse what a reader of CSV would read wrong.

    Memory does not grow with the table.

    Args:
        file: Path or address.
        separator: Between fields.
        has_sign: Whether its header may begin with ``#``, as in ``#CHROM``.

    Raises:
        InputError: If it is not a text table, or one with lines of different lengths; the file and
            the line are named.
        ContractError: If it names a column twice.
    """
    header, rest = _split_header(file, separator, has_sign)
    _refuse_names(file, header)
    quoted = _may_quote(separator, header)
    lines = Lines(file, separator, len(header.names), quoted, header.line)
    shape = lines.shape(rest)
    if shape.rows and not shape.ended:
        log.warning(
            "The last line of %s has no line end: if the file was cut off, rows are missing.", file
        )
    return TextTable(file, separator, header, shape)


def scan_text(tables: Sequence[TextTable], types: Types) -> pl.LazyFrame:
    """Scan text tables of one separator that use quotes alike.

    Args:
        tables: What is read.
        types: Types of columns that are other than usual. Positions are whole numbers in any case.
    """
    table = tables[0]
    frame = pl.scan_csv(
        [place_of(each.file) for each in tables],
        separator=table.separator,
        quote_char='"' if table.quoted else None,
        null_values=[*MISSING] if table.quoted else [*MISSING, EMPTY_QUOTES],
        schema_overrides={**TYPES, **types},
        infer_schema_length=_GUESSED_ROWS,
        glob=False,
    )
    whole = [n for n in ("position", "genomic_position") if types.get(n) is pl.Float64]
    return frame.with_columns(pl.col(whole).cast(pl.Int64)) if whole else frame


def place_of(file: str) -> str:
    """Where a file lies for a process in another folder, too, as a worker of a cluster may be."""
    return file if "://" in file else os.path.abspath(file)


def _may_quote(separator: str, header: Header) -> bool:
    """Whether fields may stand in quotes: in CSV; in TSV where the header's do, as R writes it."""
    return separator == "," or header.has_quotes


def _pieces(file: str) -> Iterator[bytes]:
    """The text of a file, piece by piece; what Polars alone can read, by its lines."""
    if "://" not in file:
        yield from blocks(Path(file))
        return
    for batch in pl.scan_lines(file, glob=False).collect_batches():
        yield "".join(f"{line}\n" for line in batch["line"]).encode()


def _split_header(file: str, separator: str, has_sign: bool) -> tuple[Header, Iterator[bytes]]:
    """The header, and an iterator over what follows its line."""
    pieces = _pieces(file)
    head, number = next(pieces, b""), 0
    found = kind_of_content(head)
    if found:
        raise wrong_content(file, "a text table", found)
    head = head.removeprefix(b"\xef\xbb\xbf")
    while True:
        line, end, rest = head.partition(b"\n")
        number += 1
        if line.strip() or not end:
            break
        head = rest or next(pieces, b"")
    if b"\r" in line.removesuffix(b"\r"):
        raise InputError(
            f"{file} has carriage returns in place of line ends.",
            "Write the table with Unix line ends.",
        )
    header = _parse(file, separator, line, number, has_sign)
    return header, chain([rest] if rest else [], pieces)


def _parse(file: str, separator: str, line: bytes, number: int, has_sign: bool) -> Header:
    try:
        text = line.removesuffix(b"\r").decode()
    except UnicodeDecodeError as error:
        raise InputError(
            f"Line {number} of {file} is not UTF-8: it holds the byte 0x{line[error.start]:02x}.",
            "Save it as UTF-8; for files of Windows: iconv -f WINDOWS-1252 -t UTF-8.",
        ) from None
    if "\0" in text:
        raise InputError(
            f"Line {number} of {file} holds a NUL byte.", "Check that the file is complete."
        )
    names_follow = has_sign and not text.startswith("##") and separator in text
    if text.lstrip().startswith("#") and not names_follow:
        raise InputError(
            f"{file} begins with a comment, not with the names of its columns.",
            "Remove lines before the header, and # before the first name.",
        )
    quotes = text.startswith('"') or f'{separator}"' in text
    if quotes and text.count('"') % 2:
        raise InputError(
            f"Line {number} of {file} has a quote that is not closed.", "Mend the header."
        )
    names = next(csv.reader([text], delimiter=separator)) if quotes else text.split(separator)
    if len(names) == 1:
        counts = {words: len(text.split(mark)) for mark, words in _SEPARATORS.items()}
        words, count = max(counts.items(), key=lambda item: item[1])
        if count > 1:
            raise InputError(
                f"{file} has {words} between its columns, not {_SEPARATORS[separator]}.",
                "Write tabs and let the name end in .tsv, or commas and .csv.",
            )
    return Header(tuple(names), number, quotes)


def _refuse_names(file: str, header: Header) -> None:
    """Refuse a header with a name twice, with blanks around a known name, or that is none."""
    for name, count in Counter(header.names).items():
        if count > 1 and name:
            raise ContractError(
                f"{file} has {count} columns called {name}.", "Give each column a name of its own."
            )
        if name != name.strip() and name.strip() in KNOWN_COLUMNS:
            raise ContractError(
                f"{file} has blanks around the name of its column {name.strip()}.",
                "Remove blanks around the separators.",
            )
    if KNOWN_COLUMNS.isdisjoint(header.names) and any(map(_is_number, header.names)):
        raise ContractError(
            f"{file} has no header: its first line holds numbers.",
            "Write a first line with the names of the columns.",
        )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
