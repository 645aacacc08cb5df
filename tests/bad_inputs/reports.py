"""Reports of what is no run; explanations of places that are none."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from conftest import FIXTURES, MODEL

from bad_inputs import Case

SCORES = str(FIXTURES / "scores_openspliceai.parquet")


def typed(*arguments: str) -> Callable[[Path], Sequence[str]]:
    """A command that needs no file of its own."""
    return lambda folder: list(arguments)


def old_run(folder: Path) -> Sequence[str]:
    """A run of an earlier version: its record has no summary."""
    (folder / "old/metadata").mkdir(parents=True)
    (folder / "old/gene_manifest.json").write_text('{"run": "r", "genes": []}')
    (folder / "old/metadata/inference_metadata.json").write_text('{"settings": {}}')
    return ["report", "old"]


def begun_run(folder: Path) -> Sequence[str]:
    """A run that has only a ledger yet."""
    place = folder / "out/selective_inference/predictions/r"
    place.mkdir(parents=True)
    first = {"record": "run", "format": 1, "started": "2026-01-01T00:00:00+00:00", "given": {}}
    (place / "ledger.jsonl").write_text(json.dumps(first) + "\n")
    return ["report", "out"]


def explained(*options: str) -> Callable[[Path], Sequence[str]]:
    return typed("explain", SCORES, "--model", MODEL, *options)


CASES = [
    Case(name="a report of nothing", make=typed("report", "nowhere"), words=["not the output"]),
    Case(name="a report of an earlier run", make=old_run, words=["no record", "run it again"]),
    Case(name="a report of a run that has begun", make=begun_run, words=["has not ended"]),
    Case(name="fewer pages than none", make=typed("report", "x", "--most", "-1"), words=["--most"]),
    Case(
        name="a place outside all genes",
        make=explained("--at", "chr4:5"),
        words=["no gene of the base scores has the place chr4:5"],
    ),
    Case(name="a class of none", make=explained("--at", "chr4:5", "--class", "exon"),
         words=["--class is 'exon'"]),
    Case(
        name="a site threshold above 1",
        make=typed("run", "--scores", SCORES, "--model", MODEL, "--site-threshold", "1.5"),
        words=["the site threshold is 1.5"],
    ),
]  # fmt: skip
