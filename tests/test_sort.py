from __future__ import annotations

import tempfile
from pathlib import Path

import polars as pl
import pytest
from conftest import MODEL, make_scores
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from test_cli import call

import splice_meta as sm
from splice_meta.errors import ContractError, InputError, OutputError, UsageError
from splice_meta.runs import sort as sort_module
from splice_meta.runs.sort import gene_buckets, sort_rows

MIB = 1 << 20
GENES = ["ENSG_B", "ENSG_A", "a gene with a long name", "Z"]


def naive(rows: list[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    order = list(dict.fromkeys(gene for gene, _, _ in rows))
    return sorted(rows, key=lambda row: (order.index(row[0]), row[1]))


def shuffled(scores: pl.DataFrame) -> pl.DataFrame:
    return scores.sample(fraction=1.0, shuffle=True, seed=3)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(GENES), st.integers(-3, 12)), min_size=1, max_size=40),
    st.integers(1, 50),
    st.integers(1, 50),
)
def test_any_rows_and_buckets_agree_with_a_plain_sort(
    keys: list[tuple[str, int]], room: int, batch_rows: int
) -> None:
    rows = [(gene, position, number) for number, (gene, position) in enumerate(keys)]
    schema = {"gene_id": pl.String, "position": pl.Int32, "number": pl.Int64}
    raw = pl.DataFrame(rows, schema, orient="row").lazy()

    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "sorted.parquet"
        genes = gene_buckets(raw, room)
        parts = sort_rows(raw, genes, target, batch_rows, sm.Watcher())
        found = pl.read_parquet(target)
        left = [path.name for path in Path(folder).iterdir()]

    assert found.rows() == naive(rows)
    assert found.schema == schema
    assert left == ["sorted.parquet"]
    filled = genes.group_by("_sort_bucket").agg(pl.col("rows").sum(), n=pl.len())
    assert filled.filter((pl.col("rows") > room) & (pl.col("n") > 1)).is_empty()
    assert parts == filled.height


def test_every_column_keeps_its_name_and_type(tmp_path: Path) -> None:
    scores = shuffled(make_scores({"A": [1, 2, 3], "B": [5, 6], "C": [1, 9]})).with_columns(
        pl.col("gene_id").cast(pl.Categorical),
        pl.col("position").cast(pl.UInt16),
        pl.col("base").cast(pl.Enum(list("ACGTN"))),
        pl.col("donor_score").cast(pl.Float64),
        own=pl.concat_list("position", "position"),
        nothing=pl.lit(None),
        day=pl.lit("2026-01-02").str.to_date(),
    )
    scores.write_parquet(tmp_path / "in.parquet")

    done = sm.sort_scores(tmp_path / "in.parquet", tmp_path / "out.parquet")

    found = pl.read_parquet(tmp_path / "out.parquet")
    order = scores["gene_id"].cast(pl.String).unique(maintain_order=True).to_list()
    expected = scores.sort(
        pl.col("gene_id").cast(pl.String).replace_strict(order, range(3)), "position"
    )
    assert_frame_equal(found, expected)
    assert (done.genes, done.rows, done.parts) == (3, 7, 1)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz", ".arrow"])
def test_several_files_of_each_kind(tmp_path: Path, suffix: str) -> None:
    scores = make_scores({"A": [1, 2, 3], "B": [5, 6]}).with_columns(chrom=pl.lit("7"))
    for name, part in (("x", scores[::2]), ("y", scores[1::2])):
        path = tmp_path / f"{name}{suffix}"
        if suffix == ".arrow":
            part.write_ipc(path)
        else:
            comma = "\t" if suffix == ".tsv" else ","
            gzip = "gzip" if suffix.endswith(".gz") else "uncompressed"
            part.lazy().sink_csv(path, separator=comma, compression=gzip)

    sm.sort_scores(str(tmp_path / f"?{suffix}"), tmp_path / "out.parquet")

    found = pl.read_parquet(tmp_path / "out.parquet")
    assert_frame_equal(found, scores.select(found.columns))


def test_genomic_positions_of_the_minus_strand_descend(tmp_path: Path) -> None:
    table = pl.DataFrame(
        {
            "gene_id": ["G"] * 3, "chrom": ["1"] * 3, "position": [101, 103, 102],
            "strand": ["-"] * 3, "gene_start": [101] * 3, "gene_end": [103] * 3,
            "donor_prob": [0.1] * 3, "acceptor_prob": [0.1] * 3, "neither_prob": [0.8] * 3,
        }
    )  # fmt: skip
    table.write_parquet(tmp_path / "in.parquet")

    sm.sort_scores(tmp_path / "in.parquet", tmp_path / "out.parquet")

    found = pl.read_parquet(tmp_path / "out.parquet")
    assert found.columns == table.columns
    assert found["position"].to_list() == [103, 102, 101]


def test_a_run_on_the_sorted_table_is_that_on_a_table_sorted_in_memory(
    tmp_path: Path, short_genes: pl.DataFrame
) -> None:
    mixed = shuffled(short_genes)
    mixed.write_parquet(tmp_path / "mixed.parquet")
    with pytest.raises(ContractError, match="non-adjacent") as caught:
        sm.predict(tmp_path / "mixed.parquet", MODEL)
    assert "splice-meta sort SCORES --output SORTED.parquet" in caught.value.hint

    done = sm.sort_scores(tmp_path / "mixed.parquet", tmp_path / "sorted.parquet", memory=MIB)

    assert done.parts > 1
    assert (tmp_path / "sorted.parquet" / "part-00001.parquet").is_file()
    order = {gene: n for n, gene in enumerate(mixed["gene_id"].unique(maintain_order=True))}
    plain = mixed.sort(pl.col("gene_id").replace_strict(order), "position")
    assert sm.predict(tmp_path / "sorted.parquet", MODEL).equals(sm.predict(plain, MODEL))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (pl.lit(None, pl.String).alias("gene_id"), "gene_id of the base scores is null in 3 rows"),
        (pl.lit(None, pl.Int64).alias("position"), "position of the base scores is null in 3 rows"),
        (pl.lit("1").alias("position"), "position of the base scores has the type String"),
        (pl.lit(1).alias("_sort_gene"), "_sort_gene is taken"),
    ],
)
def test_bad_tables_are_refused_and_nothing_is_written(
    tmp_path: Path, change: pl.Expr, words: str
) -> None:
    make_scores({"A": [1, 2, 3]}).with_columns(change).write_parquet(tmp_path / "in.parquet")

    with pytest.raises(ContractError, match=words):
        sm.sort_scores(tmp_path / "in.parquet", tmp_path / "new" / "out.parquet")

    assert [path.name for path in tmp_path.iterdir()] == ["in.parquet"]


def test_outputs_that_would_touch_an_input_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "scores"
    folder.mkdir()
    file = folder / "in.parquet"
    make_scores({"A": [1]}).write_parquet(file)

    for scores, output in ((file, file), (folder, folder), (folder, folder / "out.parquet")):
        with pytest.raises(OutputError, match="input"):
            sm.sort_scores(scores, output, overwrite=True)

    assert [path.name for path in folder.iterdir()] == ["in.parquet"]


@pytest.mark.parametrize("fails", ["sink_parquet", "position_along_gene"])
def test_on_an_error_the_old_table_stays_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    make_scores({"A": [2, 1]}).write_parquet(tmp_path / "in.parquet")
    (tmp_path / "out.parquet").write_text("old")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sort_module, fails, full)
    with pytest.raises((OutputError, InputError), match="No space left"):
        sm.sort_scores(tmp_path / "in.parquet", tmp_path / "out.parquet", overwrite=True)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.parquet", "out.parquet"]
    assert (tmp_path / "out.parquet").read_text() == "old"


def test_rows_that_change_under_the_sort_are_noticed(tmp_path: Path) -> None:
    before = pl.DataFrame({"gene_id": ["A", "A", "B"], "position": [1, 2, 3]})

    with pytest.raises(InputError, match="other rows"):
        sort_rows(
            before[1:].lazy(), gene_buckets(before.lazy(), 9), tmp_path / "o", 9, sm.Watcher()
        )


def test_what_is_no_table_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="budget"):
        sm.sort_scores("in.parquet", tmp_path / "out", memory=10)
    with pytest.raises(InputError, match="Only files"):
        sm.sort_scores(make_scores({"A": [1]}), tmp_path / "out")  # type: ignore[arg-type]
    (tmp_path / "donor_predictions.bed").write_text("")
    with pytest.raises(InputError, match="need no sorting"):
        sm.sort_scores(tmp_path / "donor_predictions.bed", tmp_path / "out")


def test_the_command_sorts_and_says_so(tmp_path: Path) -> None:
    shuffled(make_scores({"A": list(range(40)), "B": [5, 6]})).write_parquet(
        tmp_path / "in.parquet"
    )
    command = ("sort", "in.parquet", "--output", "out.parquet")

    done = call(*command, "--memory", "1MiB", cwd=tmp_path)
    again = call(*command, cwd=tmp_path)
    over = call(*command, "--overwrite", "-q", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert (done.stdout, done.stderr) == ("2 genes, 42 rows: out.parquet\n", "")
    assert again.returncode == 2
    assert again.stderr.splitlines() == [
        "splice-meta: out.parquet already exists.",
        "Give another name, or --overwrite.",
    ]
    assert (over.returncode, over.stdout) == (0, "")
    assert pl.read_parquet(tmp_path / "out.parquet")["gene_id"].rle_id().max() == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.parquet", "-o", "out"], "nowhere.parquet"),
        (["in.csv", "-o", "out"], "no column gene_id, position"),
        (["in.csv", "-o", "out", "--memory", "lots"], "'lots'"),
        (["in.csv"], "--output"),
    ],
)
def test_wrong_use_is_two_plain_lines(tmp_path: Path, arguments: list[str], words: str) -> None:
    (tmp_path / "in.csv").write_text("a,b\n1,2\n")

    done = call("sort", *arguments, cwd=tmp_path)

    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) <= 2
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]
