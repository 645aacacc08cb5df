"""One look at all bytes of a text table: as many fields in each line as in the header.

Readers of CSV fill short lines, cut long ones, take a lone quote for the start of a field that
holds many lines, and say nothing. What is looked at here is what they rely on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splice_meta.errors import InputError

_QUOTE, _LINE_END, _RETURN = ord('"'), ord("\n"), ord("\r")
_SHOWN = 60


@dataclass(frozen=True)
class Shape:
    """What the bytes of a text table show.

    Attributes:
        rows: Lines behind the header.
        has_quotes: Whether there is a quote behind the header.
        has_blanks: Whether a field behind the header begins or ends with a blank.
        ended: Whether the last line has a line end.
    """

    rows: int
    has_quotes: bool
    has_blanks: bool
    ended: bool


class Lines:
    """Counts and checks the lines of a table, block by block.

    Args:
        file: The file, for messages.
        separator: Between fields.
        fields: How many fields the header has.
        quoted: Whether fields may stand in quotes; else a quote is a letter.
        line: Number of the header's line.
    """

    def __init__(self, file: str, separator: str, fields: int, quoted: bool, line: int) -> None:
        self._file, self._fields, self._quoted = file, fields, quoted
        self._separator, self._header, self._line = ord(separator), line, line
        mark = separator.encode()
        self._blanks = (mark + b" ", b" " + mark, b"\n ", b" \n", b" \r")
        self._has_quotes = self._has_blanks = False

    def shape(self, pieces: Iterator[bytes]) -> Shape:
        """Look at what follows the header's line.

        Args:
            pieces: The rest of the file, in blocks of whole lines.

        Raises:
            InputError: If a line is not what the header promises; its number is named.
        """
        ended = True
        for block in pieces:
            ended = block.endswith(b"\n")
            self._look(block if ended else block + b"\n", ended)
        rows = self._line - self._header
        return Shape(rows, self._has_quotes, self._has_blanks, ended)

    def _look(self, block: bytes, ended: bool) -> None:
        """Look at a block of whole lines."""
        self._refuse_letters(block)
        if b" " in block and not self._has_blanks:
            self._has_blanks = any(pair in block for pair in self._blanks)
        letters = np.frombuffer(block, np.uint8)
        is_mark = letters == _LINE_END
        is_mark |= letters == self._separator
        if b'"' in block:
            self._has_quotes = True
            if self._quoted:
                is_mark &= ~self._within_quotes(block, letters)
        marks = np.flatnonzero(is_mark)
        is_end = letters[marks] == _LINE_END
        rows, rest = divmod(len(marks), self._fields)
        whole = rest == 0 and is_end[self._fields - 1 :: self._fields].all()
        if not whole or np.count_nonzero(is_end) != rows:
            self._refuse_line(block, marks[is_end], np.flatnonzero(is_end), ended)
        self._line += rows

    def _refuse_letters(self, block: bytes) -> None:
        """Refuse what no text table holds."""
        nul = block.find(b"\0")
        if nul >= 0:
            raise self._error(block, nul, "holds a NUL byte", "Check that the file is complete.")
        if b"\r" in block and block.count(b"\r") != block.count(b"\r\n"):
            letters = np.frombuffer(block, np.uint8)
            alone = (letters[:-1] == _RETURN) & (letters[1:] != _LINE_END)
            place = int(np.flatnonzero(alone)[0])
            hint = "Write the table with Unix line ends."
            raise self._error(block, place, "has a carriage return within the line", hint)
        if block.isascii():
            return
        try:
            block.decode()
        except UnicodeDecodeError as error:
            raise self._error(
                block, error.start, f"is not UTF-8: it holds the byte 0x{block[error.start]:02x}",
                "Save it as UTF-8; for files of Windows: iconv -f WINDOWS-1252 -t UTF-8.",
            ) from None  # fmt: skip

    def _within_quotes(self, block: bytes, letters: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Which bytes stand within quotes; refuses quotes that do not enclose a field."""
        is_quote = letters == _QUOTE
        within = (np.cumsum(is_quote, dtype=np.uint32) & 1).astype(np.bool_)
        quotes = np.flatnonzero(is_quote)
        opens = within[quotes]
        before = letters[np.maximum(quotes - 1, 0)]
        after = letters[np.minimum(quotes + 1, len(letters) - 1)]
        edge = np.array([_QUOTE, self._separator, _LINE_END, _RETURN], np.uint8)
        fits = np.where(opens, np.isin(before, edge) | (quotes == 0), np.isin(after, edge))
        broken = np.flatnonzero((letters == _LINE_END) & within)
        wrong = quotes[~fits]
        first_wrong = int(wrong[0]) if len(wrong) else len(block)
        first_broken = int(broken[0]) if len(broken) else len(block)
        hint = 'Quotes enclose whole fields, and a quote within one is doubled: "5"" end".'
        if first_wrong < first_broken:
            raise self._error(block, first_wrong, "has a quote within a field", hint)
        if len(broken):
            raise self._error(block, first_broken, "has a quote that is not closed", hint)
        return within

    def _refuse_line(
        self, block: bytes, ends: NDArray[np.int64], marks: NDArray[np.int64], ended: bool
    ) -> None:
        """Say which line has another number of fields than the header.

        Args:
            block: Whole lines.
            ends: Where they end.
            marks: The number of separators and line ends before each line's end.
            ended: Whether the last line has an end of its own.
        """
        counts = np.diff(marks, prepend=-1)
        bad = int(np.flatnonzero(counts != self._fields)[0])
        start = int(ends[bad - 1]) + 1 if bad else 0
        text = block[start : int(ends[bad])].rstrip(b"\r")
        found, line = int(counts[bad]), self._line + bad + 1
        where = f"Line {line} of {self._file}"
        if not text.strip():
            raise InputError(f"{where} is blank.", "Remove blank lines.")
        if text.startswith(b"#"):
            raise InputError(f"{where} is a comment.", "Remove lines that begin with #.")
        wrong = f"{where} has {found:,} fields, the header has {self._fields:,}"
        if not ended and bad == len(ends) - 1 and found < self._fields:
            hint = "Copy or write the file again: it is cut off in its last line."
            raise InputError(f"{wrong}; it has no line end either.", hint)
        raise InputError(f"{wrong}{self._cause(text, found, line)[0]}.",
                         self._cause(text, found, line)[1])  # fmt: skip

    def _cause(self, text: bytes, found: int, line: int) -> tuple[str, str]:
        """Why a line may have another number of fields, and what to do."""
        separator = bytes([self._separator])
        if line == self._header + 1 and found == self._fields + 1:
            if text.endswith(separator):
                return ": it ends in a separator", "Remove the separators at the ends of lines."
            return (
                ": one more, as where R has written row names",
                "Write the table with row.names = FALSE, or name the first column.",
            )
        if found > self._fields and separator == b",":
            return "", (
                "Write numbers with a decimal point; put texts that hold a comma in quotes, or "
                "write tabs and let the name end in .tsv."
            )
        return "", "Check this line: a separator is missing, or there is one too many."

    def _error(self, block: bytes, place: int, what: str, hint: str) -> InputError:
        line = self._line + block.count(b"\n", 0, place) + 1
        return InputError(f"Line {line} of {self._file} {what}.", hint)
