from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from bad_inputs import Case

TABLE = pl.DataFrame(
    {
        "chrom": ["1"] * 6, "pos": range(1, 7), "ref": ["A"] * 6, "alt": ["C"] * 6,
        "affects": [0, 1] * 3, "published": [0.1 * n for n in range(6)], "gene": ["G", "H"] * 3,
    }
)  # fmt: skip


def asked(
    *more: str, truth: str = "affects", name: str = "v.tsv", **change: Any
) -> Callable[[Path], list[str | Path]]:
    """A ``make`` of the command on a table with changed columns."""

    def make(folder: Path) -> list[str | Path]:
        table = TABLE.with_columns(**{column: pl.lit(value) for column, value in change.items()})
        table.write_csv(folder / name, separator="\t")
        return ["evaluate-variants", name, "--truth", truth, *more]

    return make


def with_results(columns: dict[str, Any]) -> Callable[[Path], list[str | Path]]:
    """A ``make`` with a folder of results that hold some columns."""

    def make(folder: Path) -> list[str | Path]:
        (folder / "out").mkdir()
        pl.DataFrame(columns).write_parquet(folder / "out/summary.parquet")
        return asked("--results", "out")(folder)

    return make


OTHER = {
    "chrom": ["1"], "pos": [99], "ref": ["A"], "alt": ["C"], "gene_id": ["G"],
    "base_largest": [0.5], "base_any": [0.5],
}  # fmt: skip

CASES = [
    Case(name="no score", make=asked(), words=["there is no score to evaluate", "--results"]),
    Case(name="no such truth", make=asked(truth="effect"), words=["has no column effect"]),
    Case(name="no such score", make=asked("--score", "x"), words=["has no column x"]),
    Case(name="no such group", make=asked("--score", "published", "--group", "x"),
         words=["has no column x"]),
    Case(name="a truth of other words", make=asked("--score", "published", affects="maybe"),
         words=["is not a truth", "'maybe'", "1 or 0"]),
    Case(name="a score of words", make=asked("--score", "published", published="high"),
         words=["is not a score", "'high'"]),
    Case(name="a truth of one kind", make=asked("--score", "published", affects=1),
         words=["of 6 variants", "6 change splicing"]),
    Case(name="missing as something", make=asked("--score", "published", "--missing", "mean"),
         words=["missing is 'mean'", "leave-out or zero"]),
    Case(name="below 0 resamples", make=asked("--score", "published", "--resamples", "-1"),
         words=["one of them is below 0"]),
    Case(name="no table", make=lambda folder: ["evaluate-variants", "no.tsv", "--truth", "x"],
         words=["no.tsv"]),
    Case(name="a table of an unknown kind", make=asked("--score", "published", name="v.xyz"),
         words=["is of an unknown kind"]),
    Case(name="an output of an unknown kind",
         make=asked("--score", "published", "-o", "figures.txt"), words=["--output figures.txt"]),
    Case(name="an output that is the input",
         make=asked("--score", "published", "-o", "v.parquet", "--overwrite", name="v.parquet"),
         words=["v.parquet"]),
    Case(name="no results", make=asked("--results", "out"), words=["there are no results out"]),
    Case(name="results of something else", make=with_results({"gene_id": ["G"]}),
         words=["holds no results of variants", "no column chrom"]),
    Case(name="results of other variants", make=with_results(OTHER),
         words=["holds none of the table's variants"]),
]  # fmt: skip
