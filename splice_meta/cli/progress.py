"""Progress bars, on stderr; none when that is no terminal."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from splice_meta.cli.console import last_verbosity

if TYPE_CHECKING:
    from splice_meta.alleles.analyse import VariantsWatcher
    from splice_meta.base_models.scoring import ScoreWatcher
    from splice_meta.runs.task import Receipt
    from splice_meta.workflow import Watcher


class Draw(Protocol):
    """Draws how far something is."""

    def __call__(self, done: int, total: int, label: str = "") -> None:
        """Show the work done, the work in all and, when that changes, what is going on."""


class Bar:
    """One bar that is used for one piece of work after the other.

    Args:
        progress: Rich's, already running; None where nothing is drawn.
        label: What is going on first.
    """

    def __init__(self, progress: Any, label: str) -> None:
        self._progress = progress
        self._task = progress.add_task(label, total=None, rate="") if progress else None

    def restart(self, label: str, total: int | None) -> None:
        """Begin another piece of work; time left and rates count from here."""
        if self._progress:
            self._progress.reset(self._task, description=label, total=total, rate="")

    def show(self, done: int, total: int, label: str = "", rate: str = "") -> None:
        """Draw how far it is."""
        if self._progress:
            told = {"description": label} if label else {}
            self._progress.update(self._task, completed=done, total=total, rate=rate, **told)

    @property
    def seconds(self) -> float:
        """How long this piece of work takes already."""
        elapsed = self._progress.tasks[0].elapsed if self._progress else None
        return max(elapsed or 0.0, 1e-3)


@contextmanager
def open_bar(label: str) -> Iterator[Bar]:
    """A bar on stderr, or one that draws nothing.

    Args:
        label: What is going on first.
    """
    if last_verbosity() < 0 or not sys.stderr.isatty():
        yield Bar(None, label)
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
        yield Bar(progress, label)


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


@contextmanager
def progress_bar(label: str) -> Iterator[Draw]:
    """A function that draws the work done, the work in all and, when that changes, a label.

    Args:
        label: What is going on first.
    """
    with open_bar(label) as bar:

        def draw(done: int, total: int, label: str = "") -> None:
            if label:
                bar.restart(label, total)
            bar.show(done, total)

        yield draw


@contextmanager
def scoring_watcher() -> Iterator[ScoreWatcher]:
    """A watcher that draws nucleotides per second and the time left while genes are scored."""
    with open_bar("reading annotation and sequence") as bar:
        yield _scoring(bar)


def _scoring(bar: Bar) -> ScoreWatcher:
    from splice_meta.base_models.scoring import ScoreWatcher

    state = {"genes": 0, "done": 0, "total": 0}

    def planned(genes: int, positions: int) -> None:
        state.update(genes=genes, done=0, total=positions)
        bar.restart(f"scoring {genes:,} genes, {positions:,} nt", positions)

    def advanced(positions: int) -> None:
        state["done"] += positions
        rate = f"{state['done'] / bar.seconds:,.0f} nt/s"
        bar.show(state["done"], state["total"], rate=rate)

    return ScoreWatcher(planned, advanced)


@contextmanager
def run_watcher() -> Iterator[Watcher]:
    """A watcher that draws how far a run is, and how far genes are scored before it."""
    from splice_meta.workflow import Watcher

    with open_bar("checking the scores") as bar:
        state = {"genes": 0, "of": 0, "rows": 0, "total": 0}

        def label() -> str:
            counts = "{rows:,} of {total:,} positions, {genes:,} of {of:,} genes"
            return counts.format(**state)

        def planned(genes: int, positions: int) -> None:
            state.update(of=genes, total=positions)
            bar.restart(label(), positions)  # the rate is that of the run, not of the check

        def advanced(receipt: Receipt) -> None:
            state["genes"] += receipt.shard.stop - receipt.shard.first
            state["rows"] += receipt.shard.size
            genes, rows = state["genes"] / bar.seconds, state["rows"] / bar.seconds
            rate = f"{genes:,.1f} genes/s, {rows:,.0f} positions/s"
            bar.show(state["rows"], state["total"], label(), rate)

        yield Watcher(planned, advanced, _scoring(bar))


@contextmanager
def variants_watcher() -> Iterator[VariantsWatcher]:
    """A watcher that draws variants per second and the time left."""
    from splice_meta.alleles.analyse import VariantsWatcher

    with open_bar("reading variants, annotation and sequence") as bar:
        state = {"done": 0, "total": 0}

        def planned(pairs: int, genes: int) -> None:
            state.update(done=0, total=pairs)
            bar.restart(f"{pairs:,} variants in {genes:,} genes", pairs)

        def advanced(pairs: int) -> None:
            state["done"] += pairs
            rate = f"{state['done'] / bar.seconds:,.1f} variants/s"
            bar.show(state["done"], state["total"], rate=rate)

        yield VariantsWatcher(planned, advanced)
