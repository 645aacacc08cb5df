"""Text from outside, as it may be shown: one line, no control characters, no cell that runs.

Gene ids, names in bundles, headers of tables and reasons of libraries may hold anything. Errors,
the log and the terminal show them through :func:`plain`, cells of CSV files through
:func:`csv_cell`, so that no place that words a message needs to think of it.
"""

from __future__ import annotations

import logging
import re

LONGEST_LINE = 1000
"""Characters of a line that are shown."""

LONGEST_WORD = 300
"""Characters between two blanks that are shown: more than paths have."""

FORMULA = r"(?s)^\s*[=+\-@]."
"""What a spreadsheet would run."""

_FORMULA = re.compile(FORMULA)
_GUARDED = re.compile(r"(?s)^'(?=\s*[=+\-@].)")
_LONG_WORD = re.compile(rf"\S{{{LONGEST_WORD + 1},}}")


def plain(text: object) -> str:
    r"""Text as one printable line, cut in the middle where it is long.

    What is not printable (control characters, line breaks, marks that turn the direction of
    writing, halves of surrogate pairs) becomes its escape, such as ``\x1b`` or ``\n``.

    Args:
        text: Anything with a text.
    """
    line = str(text)
    if len(line) <= LONGEST_WORD and line.isprintable():
        return line
    if not line.isprintable():
        line = "".join(
            letter if letter.isprintable() else letter.encode("unicode_escape").decode()
            for letter in line[: 100 * LONGEST_LINE]
        )
    line = _LONG_WORD.sub(lambda word: _cut(word[0], LONGEST_WORD), line)
    return _cut(line, LONGEST_LINE)


def _cut(text: str, most: int) -> str:
    end = most // 4
    return text if len(text) <= most else f"{text[: most - end - 5]} ... {text[-end:]}"


def plain_lines(text: str) -> str:
    """Text of several lines, each shown as :func:`plain` shows it."""
    return "\n".join(map(plain, text.split("\n")))


def csv_cell(text: str) -> str:
    """A cell that a spreadsheet shows rather than runs: ``'`` goes before a formula.

    Spreadsheets run cells that begin with ``=``, ``+``, ``-`` or ``@``, quoted or not.
    """
    return f"'{text}" if _FORMULA.match(text) else text


def from_csv_cell(text: str) -> str:
    """Undo :func:`csv_cell`."""
    return _GUARDED.sub("", text)


class PlainRecords(logging.Filter):
    """Makes each record of a logger one plain line, for whatever handler shows it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Put the record's message in place of its format and arguments."""
        record.msg, record.args = plain(record.getMessage()), ()
        return True
