from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from bad_inputs import MODEL, Case, Said, real, run_of

CODES = "\x1b[2J\x1b]0;owned\x07\r\nsplice-meta: all is well\x9b1m\u202e"


def _as_gene(gene: str, change: pl.Expr | None = None) -> Callable[[Path], list[str | Path]]:
    """A run of one gene with another id, and of a second one that stays as it is."""

    def make(folder: Path) -> list[str | Path]:
        table = real().with_columns(gene_id=pl.lit(gene))
        table = table if change is None else table.with_columns(change)
        table.write_parquet(folder / "s.parquet")
        return run_of()

    return make


def _asking_for(gene: str) -> Callable[[Path], list[str | Path]]:
    def make(folder: Path) -> list[str | Path]:
        real().write_parquet(folder / "s.parquet")
        return run_of("s.parquet", "--genes", gene)

    return make


def _with_column(name: str) -> Callable[[Path], list[str | Path]]:
    def make(folder: Path) -> list[str | Path]:
        real().rename({"position": name}).write_parquet(folder / "s.parquet")
        return run_of()

    return make


def _no_raw_codes(said: Said) -> None:
    """What a run wrote for people to read holds no control character but line ends."""
    for name in ("performance_report.txt", "report.html", "inference_workflow.log"):
        text = (said.folder / "out" / name).read_text(encoding="utf-8")
        assert all(letter.isprintable() or letter == "\n" for letter in text), name
    assert said.predictions["gene_id"][0].startswith(CODES)


def _no_formula(said: Said) -> None:
    place = said.folder / "out/selective_inference/cache/gene_manifests"
    [row] = (place / "selective_inference_manifest.csv").read_text().splitlines()[1:]
    assert row.startswith("'=HYPERLINK") or row.startswith("\"'=HYPERLINK")
    assert said.predictions["gene_id"][0] == '=HYPERLINK("x")'


CASES = [
    Case(
        name="a gene id with terminal codes has a bad score",
        make=_as_gene(CODES, pl.lit(2.0).alias("donor_score")),
        words=["donor_score", "\\x1b[2J", "\\r\\n", "\\u202e"],
    ),
    Case(
        name="a gene id with terminal codes is run",
        make=_as_gene(CODES),
        status=0,
        then=_no_raw_codes,
    ),
    Case(
        name="a gene id of a million letters has a bad score",
        make=_as_gene("G" * 1_000_000, pl.lit(2.0).alias("donor_score")),
        words=["donor_score", "GGG ... GGG"],
        never=["G" * 301],
    ),
    Case(name="asking for a gene with line breaks", make=_asking_for("A\nB"), words=["A\\nB"]),
    Case(
        name="a column named with terminal codes",
        make=_with_column("\x1b[31mposition"),
        words=["no column position", "\\x1b[31mposition"],
    ),
    Case(
        name="a column with a name of 100,000 letters",
        make=_with_column("p" * 100_000),
        words=["no column position"],
        never=["p" * 301],
    ),
    Case(
        name="a gene id that a spreadsheet would run",
        make=_as_gene('=HYPERLINK("x")'),
        status=0,
        then=_no_formula,
    ),
    Case(
        name="an option with terminal codes",
        make=lambda folder: ["run", "--\x1b[31mx"],
        words=["\\x1b[31m", "Try:"],
    ),
    Case(
        name="a model path with terminal codes",
        make=lambda folder: [
            *_as_gene("G")(folder)[:3], "--model", "no\x1b[31mmodel\n", "--output-dir", "out"
        ],
        words=["no\\x1b[31mmodel\\n"],
    ),
    Case(
        name="a path that is no UTF-8",
        make=lambda folder: ["inspect", "no\udc80file"],
        words=["no\\udc80file"],
    ),
    Case(
        name="a run name with terminal codes and a slash",
        make=lambda folder: [*_as_gene("G")(folder), "--run-name", "\x1b[31m/x"],
        words=["run name", "\\x1b[31m"],
    ),
    Case(
        name="the bundled model by a name with terminal codes",
        make=lambda folder: ["inspect", f"bundled:\x07{MODEL}"],
        words=["\\x07"],
    ),
]
