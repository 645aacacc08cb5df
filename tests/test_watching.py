"""How far something is: lines without a terminal, one line that is drawn anew on one."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from conftest import MODEL, make_scores

import splice_meta as sm
from splice_meta.cli.console import set_verbosity
from splice_meta.cli.progress import watcher
from splice_meta.runtime.watching import DrawnLine, StageLines, watcher_of


class Clock:
    """A clock that is set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    """Text that goes to a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_line_at_each_stage_and_one_a_minute() -> None:
    said: list[str] = []
    clock = Clock()
    lines = StageLines(said.append, clock)

    lines.started("cross-validating", 200)
    for second in range(150):
        clock.now = float(second)
        lines.advanced(1)
    lines.started("boosting", 1)

    assert said == [
        "[0:00] cross-validating",
        "[1:00] cross-validating: 30%",
        "[2:00] cross-validating: 60%",
        "[2:29] boosting",
    ]


def test_the_end_of_a_stage_is_said_by_the_next() -> None:
    said: list[str] = []
    clock = Clock()
    lines = StageLines(said.append, clock)

    lines.started("testing", 5)
    clock.now = 500.0
    lines.advanced(5)

    assert said == ["[0:00] testing"]


def test_starts_may_be_left_out() -> None:
    said: list[str] = []
    clock = Clock()
    lines = StageLines(said.append, clock, starts=False)

    lines.started("predicting", 100)
    clock.now = 61.0
    lines.advanced(50)

    assert said == ["[1:01] predicting: 50%"]


def test_one_line_is_drawn_anew_and_stays_at_the_end() -> None:
    stream, clock = io.StringIO(), Clock()
    line = DrawnLine(stream, clock)

    line.started("reading", 4)
    line.advanced(1)  # too soon after the start to be drawn
    clock.now = 2.0
    line.advanced(1)
    line.advanced(2)
    line.started("writing", 2)

    assert stream.getvalue() == (
        "\r[0:00] reading: 0%\r[0:02] reading: 50%\r[0:02] reading: 100%\n\r[0:00] writing: 0%"
    )


@pytest.mark.parametrize("terminal", [False, True])
def test_a_run_from_python_shows_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    scores = make_scores({"A": list(range(1, 301)), "B": list(range(1, 301))})
    monkeypatch.setattr(sys, "stderr", Terminal() if terminal else io.StringIO())

    sm.run(scores, MODEL, tmp_path, progress=True)

    said = sys.stderr.getvalue()  # type: ignore[attr-defined]
    assert "2 genes, 600 positions" in said
    assert ("100%" in said) is terminal


def test_without_progress_nothing_is_said(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    sm.run(make_scores({"A": list(range(1, 301))}), MODEL, tmp_path)

    assert capfd.readouterr() == ("", "")
    assert watcher_of(given := sm.Watcher()) is given


@pytest.mark.parametrize(("quiet", "expected"), [(False, 1), (True, 0)])
def test_without_a_terminal_there_are_lines_unless_quiet(
    monkeypatch: pytest.MonkeyPatch, quiet: bool, expected: int
) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    set_verbosity(quiet, 0)

    with watcher("reading", starts=True) as told:
        told.started("boosting", 1)
        told.advanced(1)

    assert sys.stderr.getvalue().count("boosting") == expected  # type: ignore[attr-defined]
    assert sys.stderr.getvalue().count("\n") == expected  # type: ignore[attr-defined]
