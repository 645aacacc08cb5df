"""Progress bars, on stderr; plain lines where that is no terminal."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from splice_meta.cli.console import last_verbosity
from splice_meta.runtime.watching import StageLines, Watcher, say_on_stderr


@contextmanager
def watcher(label: str, starts: bool = False) -> Iterator[Watcher]:
    """A watcher that draws a bar, with what is done in a second and the time left.

    Without a terminal there is a line for each stage, if so wanted, and one a minute.

    Args:
        label: What is going on before the first stage.
        starts: Say the start of each stage where there is no terminal.
    """
    if last_verbosity() < 0:
        yield Watcher()
        return
    if not sys.stderr.isatty():
        lines = StageLines(say_on_stderr, starts=starts)
        yield Watcher(lines.started, lines.advanced)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f}%"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    with bar as progress, _log_above_bar():
        task = progress.add_task(label, total=None, rate="")

        def started(what: str, total: int) -> None:
            progress.reset(task, description=what, total=total, rate="")

        def advanced(done: int) -> None:
            progress.advance(task, done)
            drawn = progress.tasks[0]
            rate = drawn.completed / max(drawn.elapsed or 0.0, 1e-3)
            # Positions or rows, or variants; rounds say more by their share.
            if (drawn.total or 0) > 1000 or "variants" in drawn.description:
                progress.update(task, rate=f"{rate:,.{0 if rate >= 100 else 1}f} a second")

        yield Watcher(started, advanced)


@contextmanager
def _log_above_bar() -> Iterator[None]:
    """Send the log to what rich puts in place of stderr: it draws the bar again below."""
    before = {
        handler: handler.setStream(sys.stderr)
        for handler in logging.getLogger("splice_meta").handlers
        if isinstance(handler, logging.StreamHandler)
    }
    try:
        yield
    finally:
        for handler, stream in before.items():
            if stream is not None:
                handler.setStream(stream)
