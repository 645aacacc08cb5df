"""The tables of a run, as other libraries read them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import MODEL

import splice_meta as sm
from splice_meta.files.ownership import TEMPORARY
from splice_meta.runs.outputs import FILE_OF
from splice_meta.runs.tables import scan_table
from splice_meta.sink import whole_file


def by_polars(path: Path) -> pl.DataFrame:
    return pl.scan_parquet(path).collect()


def by_duckdb(path: Path) -> pl.DataFrame:
    duckdb = pytest.importorskip("duckdb")
    where = path / "*.parquet" if path.is_dir() else path
    return pl.DataFrame(duckdb.sql(f"SELECT * FROM read_parquet('{where}')").to_arrow_table())


def by_duckdb_folder(path: Path) -> pl.DataFrame:
    duckdb = pytest.importorskip("duckdb")
    return pl.DataFrame(duckdb.sql(f"SELECT * FROM read_parquet('{path}')").to_arrow_table())


def by_pandas(path: Path) -> pl.DataFrame:
    pandas = pytest.importorskip("pandas")
    return pl.from_pandas(pandas.read_parquet(path))


def by_pyarrow(path: Path) -> pl.DataFrame:
    from pyarrow import parquet

    return pl.DataFrame(parquet.read_table(path))


def by_pyarrow_dataset(path: Path) -> pl.DataFrame:
    from pyarrow import dataset

    return pl.DataFrame(dataset.dataset(path, format="parquet").to_table())


READERS = [by_polars, by_duckdb, by_duckdb_folder, by_pandas, by_pyarrow, by_pyarrow_dataset]


@pytest.fixture(scope="module", params=[2 << 20, 1 << 30], ids=["parts", "one file"])
def result(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory,
    short_genes: pl.DataFrame,
) -> Any:  # fmt: skip
    settings = sm.RunSettings(memory=request.param)
    folder = tmp_path_factory.mktemp("run")
    done = sm.run(short_genes, MODEL, folder, settings=settings, run_name="r")
    for name in FILE_OF.values():
        table = done.layout.predictions / name
        assert table.is_dir() == (request.param == 2 << 20)
        if table.is_dir():
            assert (table / "part-00001.parquet").is_file()
    return done


@pytest.mark.parametrize("output", FILE_OF)
@pytest.mark.parametrize("read", READERS)
def test_a_table_is_one_table_to_every_reader(
    result: sm.RunResult, read: Callable[[Path], pl.DataFrame], output: Any
) -> None:
    expected = scan_table(result.layout, output).collect()

    found = read(result.layout.predictions / FILE_OF[output])

    assert found.columns == expected.columns
    text = [name for name, kind in expected.schema.items() if isinstance(kind, pl.Enum)]
    kinds = {type(found.schema[name]) for name in text}
    assert kinds <= {pl.Enum, pl.Categorical, pl.String}
    assert found.cast(dict(expected.schema)).equals(expected)
    others = [name for name in expected.columns if name not in text]
    if read is by_pandas:  # its integers are numbers everywhere or no integers
        others = [name for name in others if not expected[name].null_count()]
    assert found.select(others).schema == expected.select(others).schema


def test_a_part_that_is_being_written_disturbs_no_reader(tmp_path: Path) -> None:
    table = tmp_path / "table.parquet"
    rows = pl.DataFrame({"gene_id": ["A"]})
    with whole_file(table / "part-00000.parquet") as temporary:
        rows.write_parquet(temporary)
    with whole_file(table / "part-00001.parquet") as temporary:
        temporary.write_bytes(b"half a part")

        assert pl.scan_parquet(table).collect().equals(rows)
        assert temporary.match(TEMPORARY)
        rows.write_parquet(temporary)
    assert pl.scan_parquet(table).collect().height == 2
