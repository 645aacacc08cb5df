"""How far a training is: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from splice_meta.cli.console import last_verbosity
from splice_meta.cli.progress import progress_bar

if TYPE_CHECKING:
    from splice_meta.training.train import TrainWatcher

EVERY = 60.0
"""Seconds between two lines about one stage."""


class StageLines:
    """Lines on stderr: one at the start of each stage, and about one a minute while it goes on.

    Args:
        say: Takes a line.
        clock: The time in seconds.
    """

    def __init__(
        self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._say, self._clock = say, clock
        self._begun = clock()
        self._what, self._done, self._total, self._last = "", 0, 1, self._begun

    def started(self, what: str, total: int) -> None:
        """A stage begins.

        Args:
            what: What it does.
            total: How much there is to do.
        """
        self._what, self._done, self._total, self._last = what, 0, total, self._clock()
        self._say(f"{self._time()} {what}")

    def advanced(self, done: int) -> None:
        """More of the stage is done."""
        self._done += done
        now = self._clock()
        if now - self._last >= EVERY and self._done < self._total:
            self._last = now
            self._say(f"{self._time()} {self._what}: {self._done / self._total:.0%}")

    def _time(self) -> str:
        minutes, seconds = divmod(int(self._clock() - self._begun), 60)
        return f"[{minutes:d}:{seconds:02d}]"


@contextmanager
def training_watcher() -> Iterator[TrainWatcher]:
    """A watcher that draws a progress bar for each stage, or writes lines where it cannot."""
    from splice_meta.training.train import TrainWatcher

    if last_verbosity() >= 0 and not sys.stderr.isatty():
        lines = StageLines(lambda line: print(line, file=sys.stderr, flush=True))
        yield TrainWatcher(started=lines.started, advanced=lines.advanced)
        return
    with progress_bar("training") as draw:
        state = {"done": 0, "total": 1}

        def started(what: str, total: int) -> None:
            state.update(done=0, total=total)
            draw(0, total, what)

        def advanced(done: int) -> None:
            state["done"] += done
            draw(state["done"], state["total"])

        yield TrainWatcher(started=started, advanced=advanced)
