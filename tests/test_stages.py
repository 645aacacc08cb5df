"""What a training says of its progress where there is no terminal."""

from __future__ import annotations

import io
import sys

import pytest

from splice_meta.cli.console import set_verbosity
from splice_meta.cli.stages import StageLines, training_watcher


def test_a_line_at_each_stage_and_one_a_minute() -> None:
    said: list[str] = []
    now = [0.0]
    lines = StageLines(said.append, lambda: now[0])

    lines.started("cross-validating", 200)
    for second in range(150):
        now[0] = float(second)
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
    now = [0.0]
    lines = StageLines(said.append, lambda: now[0])

    lines.started("testing", 5)
    now[0] = 500.0
    lines.advanced(5)

    assert said == ["[0:00] testing"]


@pytest.mark.parametrize(("quiet", "expected"), [(False, 1), (True, 0)])
def test_without_a_terminal_there_are_lines_unless_quiet(
    monkeypatch: pytest.MonkeyPatch, quiet: bool, expected: int
) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    set_verbosity(quiet, 0)

    with training_watcher() as watcher:
        watcher.started("boosting", 1)
        watcher.advanced(1)

    assert sys.stderr.getvalue().count("boosting") == expected  # type: ignore[attr-defined]
    assert sys.stderr.getvalue().count("\n") == expected  # type: ignore[attr-defined]
