from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from conftest import make_scores
from polars.testing import assert_frame_equal

import splice_meta as sm
from splice_meta.errors import ContractError, InputError
from splice_meta.sources.base_scores import open_scores

SCORES = make_scores({"A": [1, 2, 3], "X": [1, 2], "7": [4, 5, 6, 7]}).with_columns(
    chrom=pl.when(pl.col("gene_id") == "X").then(pl.lit("X")).otherwise(pl.lit("1"))
)
EXPECTED = SCORES.select(
    "gene_id", "position", "donor_score", "acceptor_score", "neither_score", "chrom", "base"
)


def write(folder: Path, kind: str) -> Path:
    path = folder / f"scores.{kind}"
    if kind == "parquet":
        SCORES.write_parquet(path)
    elif kind == "arrow":
        SCORES.write_ipc(path)
    else:
        text = SCORES.write_csv(separator="," if kind.startswith("csv") else "\t")
        if kind.endswith(".gz"):
            path.write_bytes(gzip.compress(text.encode()))
        elif kind.endswith(".zst"):
            with pa.output_stream(path, compression="zstd") as stream:
                stream.write(text.encode())
        else:
            path.write_text(text)
    return path


@pytest.mark.parametrize(
    "kind", ["parquet", "arrow", "csv", "tsv", "csv.gz", "tsv.gz", "csv.zst", "tsv.zst"]
)
def test_every_kind_of_file_gives_the_same_scores(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, kind)

    assert_frame_equal(sm.scan_scores(path).collect(), EXPECTED)
    assert_frame_equal(sm.scan_scores(str(path)).collect(), EXPECTED)


@pytest.mark.parametrize(
    "source", [SCORES, SCORES.lazy(), SCORES.to_arrow()], ids=["frame", "lazy", "arrow"]
)
def test_frames_are_read_as_they_are(source: object) -> None:
    assert_frame_equal(sm.scan_scores(source).collect(), EXPECTED)


def test_globs_directories_and_lists_are_read_in_name_order(tmp_path: Path) -> None:
    for number, gene in enumerate(["A", "X", "7"]):
        SCORES.filter(pl.col("gene_id") == gene).write_parquet(tmp_path / f"part{number}.parquet")
    (tmp_path / "notes.md").write_text("not scores")

    for source in (
        tmp_path,
        f"{tmp_path}/part*.parquet",
        [tmp_path / f"part{n}.parquet" for n in range(3)],
    ):
        assert_frame_equal(sm.scan_scores(source).collect(), EXPECTED)


def test_files_of_different_kinds_can_be_mixed(tmp_path: Path) -> None:
    SCORES[:3].write_parquet(tmp_path / "a.parquet")
    SCORES[3:].write_csv(tmp_path / "b.csv")

    found = sm.scan_scores([tmp_path / "a.parquet", tmp_path / "b.csv"]).collect()

    assert_frame_equal(found, EXPECTED)


@pytest.mark.parametrize("source", ["nowhere.parquet", "none*.parquet", "scores.xlsx", 7])
def test_what_cannot_be_read_is_named(source: object, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("scores.xlsx").write_text("x")

    with pytest.raises(InputError, match=str(source).replace("*", r"\*") if source != 7 else "int"):
        sm.scan_scores(source)


def test_empty_directory_and_empty_table_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no score files"):
        sm.scan_scores(tmp_path)
    with pytest.raises(ContractError, match="no rows"):
        sm.scan_scores(SCORES.clear())


def test_damaged_file_is_an_input_error(tmp_path: Path) -> None:
    path = write(tmp_path, "parquet")
    path.write_bytes(path.read_bytes()[:-20])

    with pytest.raises(InputError, match=r"scores\.parquet"):
        sm.scan_scores(path)


def test_genes_are_filtered_before_they_are_checked() -> None:
    # A bad row in a gene nobody asked for does not matter.
    bad = SCORES.with_columns(
        donor_score=pl.when(pl.col("gene_id") == "X").then(None).otherwise("donor_score")
    )

    found = sm.scan_scores(bad, genes=["7"]).collect()

    assert found["gene_id"].unique().to_list() == ["7"]
    with pytest.raises(ContractError, match="gene X"):
        sm.scan_scores(bad)


def test_gene_filter_is_pushed_into_the_scan(tmp_path: Path) -> None:
    path = write(tmp_path, "parquet")

    plan = open_scores(path, ["7"]).frame.explain()

    assert "SELECTION" in plan  # polars' word for a predicate inside the scan
    assert "FILTER" not in plan


def test_unsorted_genes_are_sorted_and_stay_in_input_order() -> None:
    mixed = pl.concat([SCORES[5:].reverse(), SCORES[:3], SCORES[3:5].reverse()])

    opened = open_scores(mixed)

    assert opened.table.unsorted == ["7", "X"]
    assert_frame_equal(
        opened.all_rows().collect(), pl.concat([EXPECTED[5:], EXPECTED[:3], EXPECTED[3:5]])
    )
    assert_frame_equal(opened.batch(2, 3).collect(), EXPECTED[3:5])


@pytest.mark.parametrize("genes", [None, ["X", "7"]])
def test_batches_are_whole_genes(genes: list[str] | None) -> None:
    opened = open_scores(SCORES, genes)
    count = opened.table.genes.height

    parts = [opened.batch(i, i + 1).collect() for i in range(count)]

    assert [part["gene_id"].n_unique() for part in parts] == [1] * count
    assert_frame_equal(pl.concat(parts), opened.all_rows().collect())


def test_agentic_table_is_mapped() -> None:
    # gene_start 100, gene_end 103; on - the 5' end is at 103.
    table = pl.DataFrame(
        {
            "gene_id": ["P"] * 4 + ["M"] * 4,
            "chrom": "3",
            "strand": ["+"] * 4 + ["-"] * 4,
            "position": [100, 101, 102, 103] * 2,
            "gene_start": 100,
            "gene_end": 103,
            "donor_prob": [0.1, 0.2, 0.3, 0.4] * 2,
            "acceptor_prob": 0.0,
            "neither_prob": [0.9, 0.8, 0.7, 0.6] * 2,
        }
    )

    found = sm.scan_scores(table).collect()

    assert found["position"].to_list() == [1, 2, 3, 4] * 2
    assert found["genomic_position"].to_list() == [100, 101, 102, 103, 103, 102, 101, 100]
    assert found["donor_score"].round(3).to_list() == pytest.approx(
        [0.1, 0.2, 0.3, 0.4, 0.4, 0.3, 0.2, 0.1]
    )


def test_subsampled_table_with_NA_and_extra_columns_is_read(tmp_path: Path) -> None:  # noqa: N802
    text = (
        "gene_id\tposition\tdonor_score\tacceptor_score\tneither_score\tscore_std\tchrom\n"
        "G\t0\t0.1\t0.2\t0.7\tNA\tX\nG\t17\t0.5\t0.2\t0.3\t0.4\tX\n"
    )
    path = tmp_path / "analysis_sequences_X_chunk_1_500.tsv"
    path.write_text(text)

    found = sm.scan_scores(path).collect()

    assert found["position"].to_list() == [0, 17]
    assert found["score_std"].to_list() == [None, 0.4]


def test_files_of_differing_types_and_column_orders_are_one_table(tmp_path: Path) -> None:
    SCORES[:3].write_parquet(tmp_path / "a.parquet")
    SCORES[3:5].cast({"position": pl.Int32, "donor_score": pl.Float64}).write_parquet(
        tmp_path / "b.parquet"
    )
    SCORES[5:].select(reversed(SCORES.columns)).with_columns(extra=1).write_parquet(
        tmp_path / "c.parquet"
    )

    found = sm.scan_scores(tmp_path).collect()

    assert_frame_equal(found.select(EXPECTED.columns), EXPECTED)


def test_a_file_without_base_beside_one_with_it_is_refused(tmp_path: Path) -> None:
    SCORES[:3].write_parquet(tmp_path / "a.parquet")
    SCORES[3:].drop("base").write_parquet(tmp_path / "b.parquet")

    with pytest.raises(ContractError, match=r"b\.parquet has no column base"):
        sm.scan_scores(tmp_path)


def test_names_with_brackets_are_names(tmp_path: Path) -> None:
    folder = tmp_path / "w[1]"
    folder.mkdir()
    path = write(folder, "parquet")

    assert_frame_equal(sm.scan_scores(path).collect(), EXPECTED)


def test_addresses_are_handed_to_polars(tmp_path: Path) -> None:
    path = write(tmp_path, "parquet")

    opened = open_scores(f"file://{path}")

    assert_frame_equal(opened.all_rows().collect(), EXPECTED)
    assert opened.files == (f"file://{path}",)


def test_genes_without_scores_are_known() -> None:
    assert open_scores(SCORES, ["X", "GHOST", "X"]).absent == ["GHOST"]


def test_a_lazy_frame_that_changes_its_order_is_refused(model: sm.MetaModel) -> None:
    turns = iter(range(1000))

    def shuffle(frame: pl.DataFrame) -> pl.DataFrame:
        parts = frame.partition_by("gene_id", maintain_order=True)
        return pl.concat(parts[::-1] if next(turns) else parts)

    scores = SCORES.lazy().map_batches(shuffle)

    with pytest.raises(InputError, match="other rows than when they were checked"):
        sm.predict(scores, model)


def test_gene_relative_agentic_positions_stay(tmp_path: Path) -> None:
    table = pl.DataFrame(
        {"gene_id": "P", "strand": "+", "position": [1, 2, 100], "gene_start": 100,
         "gene_end": 400, "donor_prob": 0.1, "acceptor_prob": 0.2, "neither_prob": 0.7}
    )  # fmt: skip

    assert sm.scan_scores(table).collect()["position"].to_list() == [1, 2, 100]
