"""How far something is: one watcher for whatever takes long, and plain text that tells it.

Bars are the command line's; here is what a script or a notebook shows without further libraries.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TextIO, TypeAlias

EVERY = 60.0
"""Seconds between two lines about one stage."""

REDRAWN = 0.2
"""Seconds before a line is drawn anew."""


@dataclass
class Watcher:
    """What a caller is told of how far something is; the defaults do nothing.

    ``run``, ``score``, ``train``, ``evaluate``, ``export`` and ``sort_scores`` take one as
    ``progress``.

    Attributes:
        started: Called at the start of each stage with what it does and how much there is to do:
            positions, or of a training boosting rounds.
        advanced: Called with how much of it is done since the last call. What an interrupted job
            has done already does not count.
    """

    started: Callable[[str, int], None] = field(default=lambda what, total: None)
    advanced: Callable[[int], None] = field(default=lambda done: None)


Progress: TypeAlias = bool | Watcher
"""Whether to show how far something is, or what is told of it."""


def watcher_of(progress: Progress) -> Watcher:
    """The watcher that was given, or one that shows nothing, or what :func:`shown` gives."""
    if isinstance(progress, Watcher):
        return progress
    return shown() if progress else Watcher()


def shown() -> Watcher:
    """A watcher that writes text.

    On a terminal and in a notebook one line is drawn again and again; elsewhere there is a line for
    each stage and one a minute, on stderr.
    """
    # Jupyter shows what is on stderr as if it were an error.
    is_notebook = type(sys.stdout).__module__.startswith("ipykernel")
    if is_notebook or sys.stderr.isatty():
        line = DrawnLine(sys.stdout if is_notebook else sys.stderr)
        return Watcher(line.started, line.advanced)
    lines = StageLines(say_on_stderr)
    return Watcher(lines.started, lines.advanced)


def say_on_stderr(line: str) -> None:
    """Write a line to stderr, at once."""
    print(line, file=sys.stderr, flush=True)


class StageLines:
    """Lines: one at the start of each stage, and about one a minute while it goes on.

    Args:
        say: Takes a line.
        clock: The time in seconds.
        starts: Say each start, too; if not, only what takes more than a minute is told of.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        starts: bool = True,
    ) -> None:
        self._say, self._clock, self._starts = say, clock, starts
        self._begun = clock()
        self._what, self._done, self._total, self._last = "", 0, 1, self._begun

    def started(self, what: str, total: int) -> None:
        """A stage begins."""
        self._what, self._done, self._total, self._last = what, 0, total, self._clock()
        if self._starts:
            self._say(f"{duration(self._clock() - self._begun)} {what}")

    def advanced(self, done: int) -> None:
        """More of the stage is done."""
        self._done += done
        now = self._clock()
        if now - self._last >= EVERY and self._done < self._total:
            self._last = now
            spent = duration(now - self._begun)
            self._say(f"{spent} {self._what}: {self._done / self._total:.0%}")


class DrawnLine:
    """One line that is drawn anew as a stage goes on, and stays when it ends.

    Args:
        stream: Where to.
        clock: The time in seconds.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._what, self._done, self._total = "", 0, 0
        self._begun = self._drawn = clock()
        self._width = 0

    def started(self, what: str, total: int) -> None:
        """A stage begins."""
        if self._width:  # the one before did not come to its end
            self._stream.write("\n")
        self._what, self._done, self._total, self._width = what, 0, total, 0
        self._begun = self._clock()
        self._draw()

    def advanced(self, done: int) -> None:
        """More of the stage is done."""
        self._done += done
        ends = self._done >= self._total
        if not ends and self._clock() - self._drawn < REDRAWN:
            return
        self._draw()
        if ends and self._width:
            self._stream.write("\n")
            self._stream.flush()
            self._width = 0

    def _draw(self) -> None:
        self._drawn = self._clock()
        share = self._done / self._total if self._total else 1.0
        text = f"{duration(self._drawn - self._begun)} {self._what}: {min(share, 1.0):.0%}"
        self._stream.write(f"\r{text:{self._width}}")
        self._stream.flush()
        self._width = len(text)


def duration(seconds: float) -> str:
    """Minutes and seconds, as in ``[12:05]``."""
    minutes, rest = divmod(int(seconds), 60)
    return f"[{minutes:d}:{rest:02d}]"
