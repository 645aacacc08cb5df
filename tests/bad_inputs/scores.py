from __future__ import annotations

import polars as pl

from bad_inputs import Case, run_on

CASES = [
    Case(
        name="a score is NaN",
        make=run_on(lambda table: table.with_columns(donor_score=pl.lit(float("nan")))),
        words=["donor_score", "600 NaN", "ENSG00000164038"],
    ),
    Case(
        name="no column position",
        make=run_on(lambda table: table.drop("position")),
        words=["no column position", "rename"],
    ),
]
