from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from bad_inputs import Case, real
from bad_inputs.tracks import predictions


def compare(
    other: pl.DataFrame | None = None, *more: str
) -> Callable[[Path], Sequence[str | Path]]:
    def make(folder: Path) -> Sequence[str | Path]:
        predictions().write_parquet(folder / "a.parquet")
        (predictions() if other is None else other).write_parquet(folder / "b.parquet")
        return ["compare", "a.parquet", "b.parquet", *more]

    return make


CASES = [
    Case(name="threshold 2", make=compare(None, "--threshold", "2"), words=["threshold is 2"]),
    Case(name="seed below 0", make=compare(None, "--seed", "-1"), words=["below 0"]),
    Case(name="unknown kind", make=compare(None, "-o", "c.txt"), words=["unknown kind"]),
    Case(name="its own input", make=compare(None, "-o", "a.parquet", "--overwrite"),
         words=["is an input"]),
    Case(name="other genes", make=compare(predictions().with_columns(gene_id=pl.lit("G"))),
         words=["no gene in common", "ENSG00000164038", "G."]),
    Case(name="other positions", make=compare(predictions().with_columns(pl.col("position") + 999)),
         words=["no position of gene"]),
    Case(
        name="another place",
        make=compare(predictions().with_columns(pl.col("genomic_position") + 1)),
        words=["300 positions", "another place"],
    ),
    Case(name="not there", make=lambda folder: ["compare", "none", "none"], words=["none"]),
    Case(name="one of them has no rows", make=compare(real(0)), words=["no rows"]),
]  # fmt: skip
