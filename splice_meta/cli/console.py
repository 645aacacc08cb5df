"""The only place that draws on the terminal."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from splice_meta.runs.task import Receipt
    from splice_meta.workflow import Watcher

_LEVELS = {-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO, 2: logging.DEBUG}
_EVERYTHING = 1
_verbosity = 0


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
    global _verbosity
    _verbosity = -1 if quiet else verbose
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
    """One or two plain lines on stderr; the traceback too, at -vv."""
    if error is not None and _verbosity >= 2:
        traceback.print_exception(error, file=sys.stderr)
    print(f"splice-meta: {message}", file=sys.stderr)
    if hint:
        print(hint, file=sys.stderr)


def say(text: str = "") -> None:
    """A line on stdout, unless quiet."""
    if _verbosity < 0:
        return
    try:
        print(text, flush=True)
    except BrokenPipeError:  # the reader has seen enough; the run itself is done
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def say_pairs(pairs: Sequence[tuple[str, str]]) -> None:
    """Labels and texts in two columns on stdout, unless quiet."""
    width = max((len(label) for label, _ in pairs), default=0) + 1
    for label, text in pairs:
        say(f"{label + ':':{width}} {text}")


def say_table(heads: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> None:
    """A table on stdout, unless quiet: drawn on a terminal, plain columns anywhere else.

    Args:
        heads: The column heads.
        rows: The cells.
        left: How many columns, from the first, are text; the others are numbers, set flush right.
    """
    if _verbosity < 0:
        return
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


class Draw(Protocol):
    """Draws how far something is."""

    def __call__(self, done: int, total: int, label: str = "") -> None:
        """Show the work done, the work in all and, when that changes, what is going on."""


@contextmanager
def progress_bar(label: str) -> Iterator[Draw]:
    """A function that draws a bar on stderr if that is a terminal.

    It takes the work done, the work in all and, when that changes, what is going on.

    Args:
        label: What is going on first.
    """
    if _verbosity < 0 or not sys.stderr.isatty():
        yield lambda done, total, label="": None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f}%"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None)

        def draw(done: int, total: int, label: str = "") -> None:
            if label:
                bar.reset(task, description=label)
            bar.update(task, completed=done, total=total)

        yield draw


@contextmanager
def progress_watcher() -> Iterator[Watcher]:
    """A watcher that draws a progress bar on stderr; silent when that is no terminal."""
    from splice_meta.workflow import Watcher

    if _verbosity < 0 or not sys.stderr.isatty():
        yield Watcher()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("checking the scores", total=None, rate="")
        state = {"genes": 0, "of": 0, "rows": 0, "total": 0}

        def draw(rate: str = "") -> None:
            counts = "{rows:,} of {total:,} positions, {genes:,} of {of:,} genes"
            bar.update(
                task,
                description=counts.format(**state),
                total=state["total"],
                completed=state["rows"],
                rate=rate,
            )

        def planned(genes: int, positions: int) -> None:
            state.update(of=genes, total=positions)
            bar.reset(task)  # the rate is that of the run, not of the check
            draw()

        def advanced(receipt: Receipt) -> None:
            state["genes"] += receipt.shard.stop - receipt.shard.first
            state["rows"] += receipt.shard.positions
            elapsed = max(bar.tasks[0].elapsed or 0.0, 1e-3)
            speed = state["rows"] / elapsed
            draw(f"{state['genes'] / elapsed:,.1f} genes/s, {speed:,.0f} positions/s")

        yield Watcher(planned, advanced)
