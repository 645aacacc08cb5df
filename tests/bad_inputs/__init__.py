"""Inputs that are wrong, each made by code, and what a command must say of it.

A module here stands for an area and lists its ``CASES``; ``test_bad_inputs.py`` runs them all. A
case makes its files in an empty folder and returns the command's arguments, which are used there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from conftest import FIXTURES, MODEL

GENE = "ENSG00000164038"
LEAN = ("--columns", "lean", "--outputs", "complete", "--run-name", "r", "--output-dir", "out")


@dataclass(frozen=True)
class Said:
    """What a command came to.

    Attributes:
        folder: Where it ran.
        status: Its exit status.
        out: Its stdout.
        err: Its stderr.
    """

    folder: Path
    status: int
    out: str
    err: str

    @property
    def predictions(self) -> pl.DataFrame:
        """The complete table of the run ``r`` in ``out``, see :func:`run_of`."""
        place = self.folder / "out/selective_inference/predictions/r"
        return pl.read_parquet(place / "complete_coverage_predictions.parquet")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One wrong input.

    Attributes:
        name: What is wrong, in a few words; unique in its module.
        make: Makes the files in the folder it is given; returns the command's arguments.
        words: What stderr must say, whatever the letters' case.
        status: The exit status. With 2 stderr has at most two lines and nothing is written.
        warnings: Lines of warnings that come before those of the error.
        never: What neither stderr nor stdout may say.
        then: Looks at what was written, for inputs that are taken, or taken with a warning: the
            right numbers.
    """

    name: str
    make: Callable[[Path], Sequence[str | Path]]
    words: Sequence[str] = ()
    status: int = 2
    warnings: int = 0
    never: Sequence[str] = ()
    then: Callable[[Said], Any] | None = None


def real(rows: int = 600, first: int = 0, gene: str = GENE) -> pl.DataFrame:
    """Some rows of a bundled gene's real scores, from its 5' end on unless said otherwise."""
    scores = pl.scan_parquet(FIXTURES / "scores_openspliceai.parquet")
    return scores.filter(gene_id=gene).slice(first, rows).collect()


def run_of(table: str | Path = "s.parquet", *more: str | Path) -> list[str | Path]:
    """The arguments of a run of a table with the bundled model, into ``out``."""
    return ["run", "--scores", table, "--model", MODEL, *LEAN, *more]


def run_on(change: Callable[[pl.DataFrame], pl.DataFrame]) -> Callable[[Path], list[str | Path]]:
    """A ``make`` that writes a changed table of real scores and runs it."""

    def make(folder: Path) -> list[str | Path]:
        change(real()).write_parquet(folder / "s.parquet")
        return run_of()

    return make


def run_text(text: str | bytes, name: str = "s.tsv") -> Callable[[Path], list[str | Path]]:
    """A ``make`` that writes a text table as it is and runs it."""

    def make(folder: Path) -> list[str | Path]:
        (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return run_of(name)

    return make
