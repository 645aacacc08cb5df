"""Text on the terminal: messages, tables, the log. Progress bars are in ``progress.py``."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import TextIO

from splice_meta.plain import plain, plain_lines

_LEVELS = {-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO, 2: logging.DEBUG}
_EVERYTHING = 1
_verbosity = 0
_lost = ""


def last_verbosity() -> int:
    """The verbosity of the running command: -1 quiet, 0 default, 1 to 3 for -v to -vvv."""
    return _verbosity


def set_verbosity(quiet: bool, verbose: int) -> None:
    """Send the package's log to stderr, as much as was asked for.

    Args:
        quiet: Errors only.
        verbose: 1 for details per gene, 2 for debugging, 3 for everything, with times and the
            optimized query plan.
    """
    global _verbosity, _lost
    _verbosity, _lost = -1 if quiet else verbose, ""
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(_LEVELS.get(_verbosity, _EVERYTHING))
    handler.setFormatter(
        logging.Formatter("%(asctime)s %(levelname)s %(message)s" if verbose > 2 else "%(message)s")
    )
    log = logging.getLogger("splice_meta")
    log.handlers = [handler]
    log.setLevel(_EVERYTHING)
    log.propagate = False


def error_lines(message: str, hint: str = "", error: BaseException | None = None) -> None:
    """One or two plain lines on stderr, if it takes them; the traceback too, at -vv."""
    with suppress(OSError):
        if error is not None and _verbosity >= 2:
            traceback.print_exception(error, file=sys.stderr)
        print(f"splice-meta: {plain(message)}", file=sys.stderr)
        if hint:
            print(plain(hint), file=sys.stderr)


def say(text: str = "") -> None:
    """A line on stdout, or several, unless quiet."""
    if _verbosity < 0:
        return
    global _lost
    try:
        print(plain_lines(text), flush=True)
    except BrokenPipeError:  # the reader has seen enough; the run itself is done
        _discard(sys.stdout)
    except OSError as error:
        _lost = error.strerror or str(error)
        _discard(sys.stdout)


def lost_output() -> str:
    """Why stdout did not take what was said; empty if it did, or nobody reads it any more."""
    return _lost


def close_streams() -> None:
    """Write what stdout and stderr still hold; where they do not take it, it is dropped."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            _discard(stream)


def _discard(stream: TextIO) -> None:
    """Let everything that goes to a stream vanish, what it holds already included."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def say_pairs(pairs: Sequence[tuple[str, str]]) -> None:
    """Labels and texts in two columns on stdout, unless quiet."""
    width = max((len(label) for label, _ in pairs), default=0) + 1
    for label, text in pairs:
        say(f"{label + ':':{width}} {plain(text)}")


def say_table(heads: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> None:
    """A table on stdout, unless quiet: drawn on a terminal, plain columns anywhere else.

    Args:
        heads: The column heads.
        rows: The cells.
        left: How many columns, from the first, are text; the others are numbers, set flush right.
    """
    if _verbosity < 0:
        return
    heads, rows = [*map(plain, heads)], [[*map(plain, row)] for row in rows]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    if sys.stdout.isatty() and sum(widths) + 3 * len(widths) <= shutil.get_terminal_size().columns:
        from rich.box import SIMPLE
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=SIMPLE, pad_edge=False)
        for number, head in enumerate(heads):
            table.add_column(Text(head), justify="left" if number < left else "right")
        for row in rows:
            table.add_row(*map(Text, row))
        Console().print(table)
        return
    for row in (heads, *rows):
        cells = [
            f"{cell:{'<' if number < left else '>'}{width}}"
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        say("  ".join(cells).rstrip())
