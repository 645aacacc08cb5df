"""The only place that draws on the terminal."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from splice_meta.runs.task import Receipt
    from splice_meta.workflow import Watcher

_LEVELS = {-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO}
_verbosity = 0


def last_verbosity() -> int:
    """The verbosity of the running command: -1 quiet, 0 default, 1 to 3 for -v to -vvv."""
    return _verbosity


def set_verbosity(quiet: bool, verbose: int) -> int:
    """Send the package's log to stderr, as much as was asked for.

    Args:
        quiet: Errors only.
        verbose: 1 for details per gene, 2 for debugging, 3 for everything, with times.
    """
    global _verbosity
    _verbosity = -1 if quiet else verbose
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(_LEVELS.get(_verbosity, logging.DEBUG))
    handler.setFormatter(
        logging.Formatter("%(asctime)s %(levelname)s %(message)s" if verbose > 2 else "%(message)s")
    )
    log = logging.getLogger("splice_meta")
    log.handlers = [handler]
    log.setLevel(logging.DEBUG)
    log.propagate = False
    return _verbosity


def error_lines(message: str, hint: str = "", error: BaseException | None = None) -> None:
    """One or two plain lines on stderr; the traceback too, at -vv."""
    if error is not None and _verbosity >= 2:
        traceback.print_exception(error, file=sys.stderr)
    print(f"splice-meta: {message}", file=sys.stderr)
    if hint:
        print(hint, file=sys.stderr)


def say(text: str = "") -> None:
    """A line on stdout, unless quiet."""
    if _verbosity >= 0:
        print(text)


def say_pairs(pairs: Sequence[tuple[str, str]]) -> None:
    """Labels and texts in two columns on stdout, unless quiet."""
    width = max((len(label) for label, _ in pairs), default=0) + 1
    for label, text in pairs:
        say(f"{label + ':':{width}} {text}")


@contextmanager
def progress_watcher() -> Iterator[Watcher]:
    """A watcher that draws a progress bar on stderr; silent when that is no terminal."""
    from splice_meta.workflow import Watcher

    if _verbosity < 0 or not sys.stderr.isatty():
        yield Watcher()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} positions"),
        BarColumn(),
        TextColumn("{task.fields[genes]:,} of {task.fields[of]:,} genes"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1, genes=0, of=0, rate="")

        def planned(genes: int, positions: int) -> None:
            bar.update(task, total=positions, of=genes)

        def advanced(receipt: Receipt) -> None:
            state = bar.tasks[0]
            done = state.completed + receipt.shard.positions
            genes = state.fields["genes"] + receipt.shard.stop - receipt.shard.first
            elapsed = max(state.elapsed or 0.0, 1e-3)
            rate = f"{genes / elapsed:,.1f} genes/s, {done / elapsed:,.0f} positions/s"
            bar.update(task, completed=done, genes=genes, rate=rate)

        yield Watcher(planned, advanced)
