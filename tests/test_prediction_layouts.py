"""What a table of predictions is, and that its predicted class is never taken for the truth."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from conftest import MODEL

import splice_meta as sm
from splice_meta.errors import InputError, UsageError
from splice_meta.report.describe import describe
from splice_meta.runs.feature_table import write_features


@pytest.fixture(scope="module")
def pred(short_genes: pl.DataFrame) -> pl.DataFrame:
    return sm.predict(short_genes, MODEL)


def as_before(pred: pl.DataFrame) -> pl.DataFrame:
    """Predictions as version 0.1.0 wrote them."""
    return pred.rename({"splice_type": "true_splice_type", "predicted_type": "splice_type"})


@pytest.mark.parametrize("columns", ["full", "lean"])
def test_the_truth_is_carried_and_the_class_has_its_own_name(
    short_genes: pl.DataFrame, columns: str
) -> None:
    found = sm.predict(short_genes, MODEL, columns=columns)

    classes = pl.concat_list("neither_meta", "donor_meta", "acceptor_meta").list.arg_max()
    assert found["splice_type"].to_physical().to_list() == short_genes["splice_type"].to_list()
    assert (
        found["predicted_type"].to_physical().to_list()
        == found.select(classes).to_series().to_list()
    )
    assert "true_splice_type" not in found.columns


def test_every_table_of_a_run_holds_the_truth(short_genes: pl.DataFrame, tmp_path: Path) -> None:
    settings = sm.RunSettings(mode="meta_only", columns="lean")
    result = sm.run(
        short_genes, MODEL, tmp_path / "out", settings=settings, keep_artifacts_dir=tmp_path / "k"
    )

    tables = [*result.layout.predictions.glob("*_predictions.parquet")]
    tables += (tmp_path / "k/master").glob("*")
    assert len(tables) == 4
    for table in tables:
        found = pl.read_parquet(table)["splice_type"].to_physical()
        assert found.to_list() == short_genes["splice_type"].to_list(), table


@pytest.mark.parametrize("layout", ["current", "0.1.0"])
@pytest.mark.parametrize(
    "call",
    [
        lambda path, folder: sm.train(path),
        lambda path, folder: sm.run(path, MODEL, folder / "out"),
        lambda path, folder: sm.predict(path, MODEL),
        lambda path, folder: sm.predict(pl.read_parquet(path), MODEL),
        lambda path, folder: sm.scan_scores({"openspliceai-mane": path}),
        lambda path, folder: sm.plan_features(path),
        lambda path, folder: write_features(path, "reference124", folder / "f.parquet"),
    ],
)
def test_predictions_are_no_base_scores(
    pred: pl.DataFrame, tmp_path: Path, layout: str, call
) -> None:
    table = pred if layout == "current" else as_before(pred)
    table.write_parquet(tmp_path / "p.parquet")

    with pytest.raises(InputError, match="holds predictions") as caught:
        call(tmp_path / "p.parquet", tmp_path)

    assert "base_model_predictions.parquet" in caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["p.parquet"]


@pytest.mark.parametrize(
    "kept",
    [
        ["predicted_type"], ["prediction_source"], ["donor_meta"], ["neither_meta"],
        ["true_splice_type", "splice_type"],
    ],
)  # fmt: skip
def test_one_column_of_predictions_is_enough(
    short_genes: pl.DataFrame, pred: pl.DataFrame, kept: list[str]
) -> None:
    both = as_before(pred).with_columns(predicted_type=pred["predicted_type"])
    table = short_genes.drop("splice_type").hstack(both.select(kept))

    with pytest.raises(InputError, match="holds predictions"):
        sm.train(table)


def test_both_layouts_evaluate_to_the_same(
    pred: pl.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    expected = sm.evaluate(pred, resamples=0)
    assert not caplog.records

    found = sm.evaluate(as_before(pred), resamples=0)

    assert found.equals(expected)
    assert found.filter(metric="average_precision")["final"].max() < 1
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "0.1.0" in caplog.text
    assert "true_splice_type" in caplog.text


def test_lean_runs_can_be_evaluated(short_genes: pl.DataFrame, pred: pl.DataFrame) -> None:
    lean = sm.predict(short_genes, MODEL, columns="lean")

    assert sm.evaluate(lean, resamples=0).equals(sm.evaluate(pred, resamples=0))


def test_several_files_of_predictions_are_evaluated(pred: pl.DataFrame, tmp_path: Path) -> None:
    for number, (_, gene) in enumerate(pred.group_by("gene_id", maintain_order=True)):
        gene.write_parquet(tmp_path / f"p{number}.parquet")
    files = sorted(tmp_path.glob("p*.parquet"))

    expected = sm.evaluate(pred, resamples=0)
    assert sm.evaluate(files, resamples=0).equals(expected)
    assert sm.evaluate(str(tmp_path / "p*.parquet"), resamples=0).equals(expected)


def test_layouts_are_not_mixed(
    short_genes: pl.DataFrame, pred: pl.DataFrame, tmp_path: Path
) -> None:
    tables = {"new": pred, "old": as_before(pred), "base": short_genes}
    for name, table in tables.items():
        table.write_parquet(tmp_path / f"{name}.parquet")
    new, old, base = (tmp_path / f"{name}.parquet" for name in tables)

    for pair, words in (
        ((new, old), "old.parquet predictions in the layout of version 0.1.0"),
        ((base, new), "base.parquet holds base scores, .*new.parquet predictions"),
    ):
        for call in (sm.evaluate, sm.train, lambda s: sm.sort_scores(s, tmp_path / "s.parquet")):
            with pytest.raises(InputError, match=words):
                call(list(pair))
    assert not (tmp_path / "s.parquet").exists()


def test_two_truths_are_refused(pred: pl.DataFrame) -> None:
    both = pred.with_columns(true_splice_type="predicted_type")

    with pytest.raises(InputError, match="both splice_type and true_splice_type"):
        sm.evaluate(both)


def test_explain_refuses_both_layouts(pred: pl.DataFrame) -> None:
    for table in (pred, as_before(pred), pred.drop("donor_meta")):
        with pytest.raises(UsageError, match="do not hold what features"):
            sm.explain(table, MODEL, "ENSG00000164038:5")


def test_inspect_says_what_it_is(pred: pl.DataFrame, tmp_path: Path) -> None:
    pred.write_parquet(tmp_path / "new.parquet")
    as_before(pred).write_parquet(tmp_path / "old.parquet")
    pred.drop("splice_type").write_parquet(tmp_path / "bare.parquet")

    names = ("new", "old", "bare")
    new, old, bare = (dict(describe(str(tmp_path / f"{name}.parquet"))) for name in names)

    assert (new["Kind"], new["Truth"]) == ("predictions", "in splice_type")
    assert old["Kind"].startswith("predictions (layout of version 0.1.0")
    assert old["Truth"] == "in true_splice_type"
    assert bare["Truth"] == "none"
    assert all("splice_type" not in each["Optional columns"] for each in (new, old, bare))
