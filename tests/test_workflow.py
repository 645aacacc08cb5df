from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import MODEL, make_scores
from polars.testing import assert_frame_equal

import splice_meta as sm
from splice_meta.errors import InputError, OutputError, UsageError
from splice_meta.jobs.lines import read_lines
from splice_meta.pipeline.batch import predict_genes
from splice_meta.runs import task
from splice_meta.runs.tables import scan_table

MIB = 1 << 20


@pytest.fixture
def scores(short_genes: pl.DataFrame) -> pl.DataFrame:
    return short_genes


def test_every_file_of_a_run_is_there(scores: pl.DataFrame, tmp_path: Path) -> None:
    result = sm.run(scores, MODEL, tmp_path / "out", run_name="r")

    files = {str(p.relative_to(tmp_path / "out")) for p in tmp_path.rglob("*") if p.is_file()}

    tables = "selective_inference/predictions/r"
    assert files == {
        "performance_report.txt",
        "report.html",
        "gene_manifest.json",
        "inference_workflow.log",
        "metadata/inference_metadata.json",
        "selective_inference/cache/gene_manifests/selective_inference_manifest.csv",
        f"{tables}/complete_coverage_predictions.parquet",
        f"{tables}/meta_model_predictions.parquet",
        f"{tables}/base_model_predictions.parquet",
        f"{tables}/ledger.jsonl",
        f"{tables}/sites.parquet",
        f"{tables}/sites.tsv",
        f"{tables}/performance_report.txt",
        f"{tables}/report.html",
        f"{tables}/gene_manifest.json",
        f"{tables}/gene_manifest.csv",
        f"{tables}/inference_metadata.json",
        f"{tables}/inference_workflow.log",
    }
    assert result.failed == 0


def test_tables_agree_with_predict_and_with_each_other(
    scores: pl.DataFrame, tmp_path: Path
) -> None:
    result = sm.run(scores, MODEL, tmp_path, run_name="r")
    complete = result.predictions().collect()

    assert complete.equals(sm.predict(scores, MODEL))
    meta = scan_table(result.layout, "meta").collect()
    assert meta.equals(complete.filter("is_adjusted"))
    base = scan_table(result.layout, "base").collect()
    assert base.equals(sm.scan_scores(scores).select(base.columns).collect())
    assert set(base.columns) == set(scores.columns)


def test_several_shards_are_parts_of_one_table(scores: pl.DataFrame, tmp_path: Path) -> None:
    settings = sm.RunSettings(memory=MIB)

    result = sm.run(scores, MODEL, tmp_path, settings=settings, run_name="r")

    folder = result.layout.predictions / "complete_coverage_predictions.parquet"
    assert len(list(folder.glob("part-*.parquet"))) > 1
    assert result.predictions().collect().equals(sm.predict(scores, MODEL))
    assert pl.scan_parquet(folder).collect().height == scores.height


def test_outputs_can_be_chosen(scores: pl.DataFrame, tmp_path: Path) -> None:
    result = sm.run(
        scores, MODEL, tmp_path, settings=sm.RunSettings(outputs=("meta",)), run_name="r"
    )

    assert {p.name for p in result.layout.predictions.glob("*.parquet")} == {
        "meta_model_predictions.parquet",
        "sites.parquet",
    }
    with pytest.raises(OutputError, match="no table"):
        result.predictions()


def test_base_only_needs_no_model_and_writes_no_meta_table(
    scores: pl.DataFrame, tmp_path: Path
) -> None:
    settings = sm.RunSettings(mode="base_only")

    result = sm.run(scores, None, tmp_path, settings=settings, run_name="r")

    assert {p.stem for p in result.layout.predictions.glob("*.parquet")} == {
        "complete_coverage_predictions",
        "base_model_predictions",
        "sites",
    }
    found = result.predictions().collect()
    assert found["donor_meta"].equals(found["donor_score"])


def test_gene_manifest_and_metadata(scores: pl.DataFrame, tmp_path: Path) -> None:
    scores.write_parquet(tmp_path / "in.parquet")

    sm.run(tmp_path / "in.parquet", MODEL, tmp_path / "out", run_name="r")

    genes = json.loads((tmp_path / "out/gene_manifest.json").read_text())["genes"]
    data = json.loads((tmp_path / "out/metadata/inference_metadata.json").read_text())
    assert [gene["gene_id"] for gene in genes] == scores["gene_id"].unique(
        maintain_order=True
    ).to_list()
    assert {gene["status"] for gene in genes} == {"done"}
    assert all(gene["recalibrated"] == 150 and gene["positions"] == 1500 for gene in genes)
    assert all(gene["seconds"] > 0 for gene in genes)
    assert data["inputs"][0]["bytes"] == (tmp_path / "in.parquet").stat().st_size
    assert data["settings"]["selection"]["low"] == 0.02
    assert len(data["model"]["sha256"]) == 64
    assert len(data["thresholds_achieved"]) == len(genes)
    table = pl.read_csv(
        tmp_path / "out/selective_inference/cache/gene_manifests/selective_inference_manifest.csv"
    )
    assert table["gene_id"].to_list() == [gene["gene_id"] for gene in genes]


def test_genes_without_scores_fail_alone(scores: pl.DataFrame, tmp_path: Path) -> None:
    known = scores["gene_id"][0]

    result = sm.run(scores, MODEL, tmp_path, genes=["GHOST", known], run_name="r")

    rows = {row["gene_id"]: row for row in result.genes.to_dicts()}
    assert rows["GHOST"]["status"] == "failed"
    assert rows["GHOST"]["scenario"] == "2B"
    assert "no base scores" in rows["GHOST"]["reason"]
    assert rows[known]["status"] == "done"
    assert result.failed == 1
    assert "GHOST: no base scores" in result.report
    assert result.predictions().collect()["gene_id"].unique().to_list() == [known]


def test_no_gene_at_all_is_refused_before_anything_is_written(
    scores: pl.DataFrame, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="None of the 1 genes"):
        sm.run(scores, MODEL, tmp_path / "out", genes=["GHOST"])

    assert not (tmp_path / "out").exists()


def test_a_run_of_the_same_name_is_not_overwritten_unless_asked(
    scores: pl.DataFrame, tmp_path: Path
) -> None:
    first = sm.run(scores, MODEL, tmp_path, run_name="r", settings=sm.RunSettings(memory=MIB))

    with pytest.raises(OutputError, match="already"):
        sm.run(scores, MODEL, tmp_path, run_name="r")
    assert first.predictions().collect().height == scores.height

    again = sm.run(scores, MODEL, tmp_path, run_name="r", overwrite=True)
    assert (again.layout.predictions / "complete_coverage_predictions.parquet").is_file()


@pytest.mark.parametrize("name", ["", "..", "a/b"])
def test_run_names_are_folder_names(scores: pl.DataFrame, tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="folder name"):
        sm.run(scores, MODEL, tmp_path, run_name=name)


def test_training_dataset_marks_scenario_and_rows(scores: pl.DataFrame, tmp_path: Path) -> None:
    seen = scores["gene_id"][0]
    (tmp_path / "train/master").mkdir(parents=True)
    trained = scores.filter(pl.col("gene_id") == seen).select("gene_id", "position")[::3]
    trained.write_parquet(tmp_path / "train/master/batch_00001.parquet")

    result = sm.run(
        scores, MODEL, tmp_path / "out", training_dataset=tmp_path / "train", run_name="r"
    )

    scenario = dict(result.genes.select("gene_id", "scenario").rows())
    assert scenario.pop(seen) == "1"
    assert set(scenario.values()) == {"2A"}
    found = result.predictions().filter(pl.col("in_training")).collect()
    assert_frame_equal(found.select("gene_id", "position"), trained.cast({"position": pl.Int64}))


def test_training_dataset_without_tables_is_refused(scores: pl.DataFrame, tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train/x.csv").write_text("a,b\n1,2\n")

    with pytest.raises(InputError, match="gene_id and position"):
        sm.run(scores, MODEL, tmp_path / "out", training_dataset=tmp_path / "train")


@pytest.mark.parametrize("memory", [1 << 30, MIB])
def test_kept_artifacts_are_a_training_dataset(
    scores: pl.DataFrame, tmp_path: Path, memory: int
) -> None:
    model = sm.load_model(MODEL)

    result = sm.run(
        scores, model, tmp_path / "out", settings=sm.RunSettings(memory=memory),
        keep_artifacts_dir=tmp_path / "kept", run_name="r",
    )  # fmt: skip

    kept = tmp_path / "kept/features/uncertain_positions_features.parquet"
    features = pl.read_parquet(kept)
    picked = sm.plan_features(scores, model.manifest, selection=sm.Selection()).collect()
    assert features.equals(picked)
    master = pl.read_parquet(tmp_path / "kept/master/batch_*.parquet")
    assert set(master.columns) == {*features.columns, "chrom", "strand", "genomic_position",
                                   "splice_type"}  # fmt: skip
    # What one run keeps, the next one can name as its training dataset.
    again = sm.run(
        scores, model, tmp_path / "again", training_dataset=tmp_path / "kept", run_name="r"
    )
    adjusted = result.predictions().collect()["is_adjusted"]
    assert again.predictions().collect()["in_training"].equals(adjusted)


def test_skew_is_reported_with_its_share_of_the_gain(
    scores: pl.DataFrame, tmp_path: Path, kmer_model: sm.MetaModel
) -> None:
    result = sm.run(scores.drop("base"), kmer_model, tmp_path, run_name="r")

    gains = kmer_model.gains()
    assert any(name.startswith("3mer") for name in gains)
    filled = sum(g for n, g in gains.items() if n.startswith("3mer") or "sequence" in n
                 or n == "gc_content")  # fmt: skip
    share = filled / sum(gains.values())
    assert result.summary.filled_gain_share == pytest.approx(share)
    assert "64 k-mer features filled with 0: no sequence given" in result.report
    assert f"{share:.1%} of the model's total gain" in result.report
    assert "no sequence given" in (tmp_path / "inference_workflow.log").read_text()
    assert "no sequence given" in (tmp_path / "report.html").read_text()


def test_unsorted_genes_are_sorted_and_said_so(tmp_path: Path) -> None:
    scores = make_scores({"A": [3, 1, 2], "B": [1, 2]})

    result = sm.run(scores, None, tmp_path, settings=sm.RunSettings(mode="base_only"), run_name="r")

    assert result.predictions().collect()["position"].to_list() == [1, 2, 3, 1, 2]
    log = (tmp_path / "inference_workflow.log").read_text()
    assert "gene A do not ascend; they were sorted" in log


def test_watcher_is_told_everything(scores: pl.DataFrame, tmp_path: Path) -> None:
    started, steps = [], []
    watcher = sm.Watcher(lambda *told: started.append(told), steps.append)

    sm.run(
        scores, MODEL, tmp_path, settings=sm.RunSettings(memory=MIB), run_name="r",
        progress=watcher,
    )  # fmt: skip

    assert started == [(f"5 genes, {scores.height:,} positions", scores.height)]
    assert sum(steps) == scores.height
    assert len(steps) > 1


def test_strategy_lines(scores: pl.DataFrame, tmp_path: Path) -> None:
    lines = {
        "hybrid": "Selective featurization + base model reuse",
        "meta_only": "Selective featurization + complete meta-model recalibration",
        "base_only": "Base model only",
    }
    for mode, line in lines.items():
        result = sm.run(scores, MODEL, tmp_path, settings=sm.RunSettings(mode=mode), run_name=mode)
        assert line in result.report
        assert "[0.020, 0.800)" in result.report


def test_runs_named_by_the_clock_do_not_share_a_folder(
    scores: pl.DataFrame, tmp_path: Path
) -> None:
    settings = sm.RunSettings(mode="base_only")

    names = [sm.run(scores, None, tmp_path, settings=settings).layout.run_name for _ in range(3)]

    assert len(set(names)) == 3


def test_a_run_does_not_delete_its_own_input(scores: pl.DataFrame, tmp_path: Path) -> None:
    first = sm.run(scores, MODEL, tmp_path, run_name="r")
    table = first.layout.predictions / "base_model_predictions.parquet"

    with pytest.raises(OutputError, match=r"input .* lies in .*r, which is to be replaced"):
        sm.run(table, MODEL, tmp_path, run_name="r", overwrite=True)

    assert table.exists()


def test_kept_artifacts_of_another_run_are_not_mixed_in(
    scores: pl.DataFrame, tmp_path: Path
) -> None:
    kept = {"keep_artifacts_dir": tmp_path / "kept"}
    sm.run(scores, MODEL, tmp_path / "a", settings=sm.RunSettings(memory=MIB), **kept)
    one = scores["gene_id"][0]

    with pytest.raises(OutputError, match="already"):
        sm.run(scores, MODEL, tmp_path / "b", genes=[one], **kept)
    sm.run(scores, MODEL, tmp_path / "b", genes=[one], overwrite=True, **kept)

    master = pl.read_parquet(tmp_path / "kept/master/batch_*.parquet")
    assert master["gene_id"].unique().to_list() == [one]


def test_folders_with_brackets_are_folders(scores: pl.DataFrame, tmp_path: Path) -> None:
    settings = sm.RunSettings(memory=MIB)

    result = sm.run(scores, MODEL, tmp_path / "w[1]", settings=settings)

    assert result.predictions().collect().height == scores.height


def test_a_callers_log_is_not_flooded(
    scores: pl.DataFrame,
    tmp_path: Path,
    kmer_model: sm.MetaModel,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sm.run(scores.drop("base"), kmer_model, tmp_path)

    # Warnings come through, as they would without a run's log file; details do not.
    assert {record.levelname for record in caplog.records} == {"WARNING"}


def test_a_damaged_training_dataset_is_refused_before_the_run(
    scores: pl.DataFrame, tmp_path: Path
) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train/batch.parquet").write_bytes(b"PAR1 no more")

    with pytest.raises(InputError, match=r"batch\.parquet"):
        sm.run(scores, MODEL, tmp_path / "out", training_dataset=tmp_path / "train")

    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("mode", ["hybrid", "meta_only", "base_only"])
@pytest.mark.parametrize("memory", [1 << 30, MIB])
@pytest.mark.parametrize("fails", [False, True])
def test_parts_are_listed_with_the_rows_that_they_have(
    scores: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: Any, memory: int,
    fails: bool,
) -> None:  # fmt: skip
    def predict(opened: Any, first: int, stop: int, *given: Any) -> Any:
        if fails and scores["gene_id"][-1] in opened.table.genes["gene_id"][first:stop]:
            raise ValueError("no luck")
        return predict_genes(opened, first, stop, *given)

    monkeypatch.setattr(task, "predict_genes", predict)
    model = None if mode == "base_only" else MODEL
    settings = sm.RunSettings(mode=mode, memory=memory)
    layout = sm.run(
        scores, model, tmp_path / "out", settings=settings, keep_artifacts_dir=tmp_path / "kept"
    ).layout

    records, _ = read_lines(layout.ledger)
    listed = {
        layout.home(part["table"]) / part["path"]: part["rows"]
        for each in records if each["record"] == "shard" for part in each["parts"]
    }  # fmt: skip
    written = {*layout.predictions.rglob("*.parquet"), *(tmp_path / "kept").rglob("*.parquet")}
    assert {*listed} == {path for path in written if path.is_file()}
    for path, rows in listed.items():
        assert pl.read_parquet(path, glob=False).height == rows
