"""Texts as codes in memory, and text again in files."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from splice_meta import sink
from splice_meta.sink import as_text, code_texts, sink_parquet, sink_tsv, write_tsv

RUNS = pl.DataFrame(
    {
        "gene_id": ["B"] * 9 + ["A"] * 9,
        "chrom": ["chr1"] * 18,
        "strand": ["+"] * 9 + ["-"] * 9,
        "position": [*range(9), *range(9)],
        "base": list("ACGTACGTACGTACGTAC"),
    }
)


def test_texts_are_coded_and_come_back() -> None:
    coded = code_texts(RUNS)

    assert [type(kind) for kind in coded.dtypes[:3]] == [pl.Enum] * 3
    assert coded.schema["base"] == pl.String
    assert as_text(coded.lazy()).collect().equals(RUNS)


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "", None]), st.integers(1, 9)), max_size=6))
def test_any_texts_come_back(runs: list[tuple[str | None, int]]) -> None:
    chrom = [text for text, length in runs for _ in range(length)]
    table = pl.DataFrame({"chrom": chrom}, schema={"chrom": pl.String})

    assert as_text(code_texts(table).lazy()).collect().equals(table)


@pytest.mark.parametrize("chrom", [pl.String, pl.Categorical, pl.Enum(["chr1"]), pl.Int64])
def test_a_file_has_text_where_codes_were(tmp_path: Path, chrom: pl.DataType) -> None:
    table = RUNS.with_columns(
        pl.col("chrom").str.strip_prefix("chr").cast(pl.Int64) if chrom == pl.Int64
        else pl.col("chrom").cast(chrom)
    )  # fmt: skip

    sink_parquet(code_texts(table).lazy(), tmp_path / "table.parquet")

    found = pl.read_parquet(tmp_path / "table.parquet")
    expected = table.cast({"chrom": pl.String}) if isinstance(chrom, pl.Enum) else table
    assert found.equals(expected)
    assert found.schema == expected.schema


@pytest.mark.parametrize("rows", [0, 1, 3, 7])
def test_rows_in_memory_make_the_same_tsv_as_a_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(sink, "TSV_ROWS", 3)
    table = pl.DataFrame({
        "gene_id": ["=1+1", 'G"2', None, "a\tb", "@x", "é", "-1"],
        "strand": ["+", "-"] * 3 + ["+"], "base": [0.1, 1e-9, None, 1.0, 0.5, float("nan"), 1 / 3],
    }).head(rows)  # fmt: skip

    sink_tsv(table.lazy(), tmp_path / "plan.tsv")
    write_tsv(tmp_path / "rows.tsv", table)

    assert (tmp_path / "rows.tsv").read_bytes() == (tmp_path / "plan.tsv").read_bytes()
