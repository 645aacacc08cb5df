"""The data dictionary holds the columns, types and ranges of the tables that are made."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from conftest import FIXTURES, MODEL
from naive_network import random_parts
from weight_writers import openspliceai_state, save_torch

import splice_meta as sm
from splice_meta.dictionary import TABLES, Table
from splice_meta.runs.tables import scan_table

GENES = ("ENSG00000164039", "ENSG00000145354")
BY_NAME = {table.name: table for table in TABLES}
AS_GIVEN = (("Base scores", "position"), ("Base scores", "splice_type"))
"""Columns of the input, which may have any type that can be meant."""


def variant_tables(folder: Path) -> dict[str, pl.DataFrame]:
    """The tables of two variants, by random weights."""
    (folder / "weights").mkdir()
    save_torch(folder / "weights/random.pt", openspliceai_state(random_parts()))
    sm.variants(
        ["chr4:104003237:C>G", "chr4:104004087:CTAA>C", "chr4:104003237:A>G"],
        FIXTURES / "annotation.gtf.gz", FIXTURES / "region.fa.gz", folder / "changes",
        base_model="openspliceai", weights=folder / "weights", model=MODEL,
    )  # fmt: skip
    return {
        f"Variants: {name}": pl.read_parquet(folder / f"changes/{name}.parquet")
        for name in ("summary", "sites")
    }


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    """A real table of each kind."""
    folder = tmp_path_factory.mktemp("dictionary")
    scores, annotation = FIXTURES / "scores_openspliceai.parquet", FIXTURES / "annotation.gtf.gz"
    result = sm.run(scores, MODEL, folder / "out", genes=GENES, annotation=annotation)
    runs = {
        "Complete predictions": "complete", "Recalibrated positions": "meta",
        "Base scores as read": "base", "Sites": "sites",
    }  # fmt: skip
    found = {name: scan_table(result.layout, table).collect() for name, table in runs.items()}
    found["Base scores"] = pl.read_parquet(scores)
    csv = next(Path(str(result.layout.root)).rglob("selective_inference_manifest.csv"))
    found["Gene manifest"] = pl.read_csv(csv, schema_overrides={"lowest_criteria": pl.Int64})
    found["Evaluation"] = sm.evaluate(folder / "out", resamples=20)
    other = sm.compare(folder / "out", scores, genes=list(GENES), resamples=20)
    assert other.figures is not None
    found |= {
        "Comparison: calls": other.calls,
        "Comparison: changes": other.changes,
        "Comparison: figures": other.figures,
    }
    found["Explanation"] = sm.explain(scores, MODEL, ["ENSG00000164039:2235"])
    found["Features"] = sm.plan_features(scores, sm.extended()).head(50).collect()
    found |= variant_tables(folder)
    known = sm.open_annotation(annotation)
    found |= {
        "Annotation: genes": known.genes,
        "Annotation: transcripts": known.transcripts,
        "Annotation: exons": known.exons,
        "Annotation: introns": known.introns(),
        "Annotation: splice sites": known.splice_sites(),
        "Annotation: what was left out": known.left_out,
    }
    return found


def in_words(dtype: pl.DataType) -> str:
    """A type as the dictionary writes it."""
    if isinstance(dtype, pl.Enum):
        return f"Enum({', '.join(dtype.categories)})"
    return str(dtype)


def expected(table: Table) -> list[str]:
    """The columns of a table in a run with everything that is asked for here."""
    optional = ("in_training", "usage")
    return [name for name in table.names if name not in optional]


def test_every_table_is_made(tables: dict[str, pl.DataFrame]) -> None:
    assert set(tables) == set(BY_NAME)


@pytest.mark.parametrize("name", BY_NAME)
def test_columns_are_those_listed(name: str, tables: dict[str, pl.DataFrame]) -> None:
    table, made = BY_NAME[name], tables[name].columns
    names = expected(table)
    if name == "Evaluation":
        names = [each.replace("NAME", "final") for each in names]
    if name == "Features":
        names = [*names[:-1], *sm.extended().names]
    if name == "Base scores":
        assert set(made) <= set(names)
    else:
        assert made == names


@pytest.mark.parametrize("name", BY_NAME)
def test_types_and_ranges_are_those_listed(name: str, tables: dict[str, pl.DataFrame]) -> None:
    for column in BY_NAME[name].columns:
        if column.name not in tables[name].columns:
            continue
        values = tables[name][column.name]
        if column.type == "integer" or (name, column.name) in AS_GIVEN:
            assert values.dtype.is_integer()
        else:
            assert in_words(values.dtype) == column.type, column.name
        if column.least is not None and values.drop_nulls().len():
            assert values.min() >= column.least, column.name
        if column.most is not None and values.drop_nulls().len():
            assert values.max() <= column.most, column.name
        if not column.null:
            assert values.null_count() == 0, column.name
