"""``export --compat meta-spliceai``: their columns, types and folders."""

from __future__ import annotations

import math
from pathlib import Path

import polars as pl
import pytest
from conftest import FIXTURES

import splice_meta as sm
from splice_meta.cli.app import run_command
from splice_meta.errors import UsageError
from splice_meta.tracks.compat import export_compat

MODEL = "bundled:openspliceai-mane"
THEIRS = {
    "gene_id": pl.String, "position": pl.Int64,
    "donor_score": pl.Float64, "acceptor_score": pl.Float64, "neither_score": pl.Float64,
    "donor_meta": pl.Float64, "acceptor_meta": pl.Float64, "neither_meta": pl.Float64,
    "splice_type": pl.String, "predicted_type": pl.String, "is_adjusted": pl.Int32,
    "entropy": pl.Float64, "transcript_id": pl.String, "max_confidence": pl.Float64,
    "score_spread": pl.Float64, "confidence_category": pl.String,
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(short_genes: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("compat")
    short_genes.write_parquet(place / "s.parquet")
    for columns in ("full", "lean"):
        assert run_command([
            "run", "--scores", str(place / "s.parquet"), "--model", MODEL, "--run-name", "r",
            "--output-dir", str(place / columns), "--columns", columns,
        ]) == 0  # fmt: skip
    return place


@pytest.mark.parametrize("columns", ["full", "lean"])
def test_their_columns_types_and_folders(folder, tmp_path, columns, capsys):
    out = tmp_path / "theirs"
    assert run_command([
        "export", str(folder / columns), "-o", str(out), "--compat", "meta-spliceai"
    ]) == 0  # fmt: skip
    assert "layout of meta-spliceai" in capsys.readouterr().out
    home = "selective_inference/predictions/r"
    found = pl.read_parquet(out / home / "complete_coverage_predictions.parquet")
    assert dict(list(found.schema.items())[: len(THEIRS)]) == THEIRS
    ours = pl.read_parquet(folder / columns / home / "complete_coverage_predictions.parquet")
    for name in ("donor_score", "neither_meta"):
        assert found[name].to_list() == ours[name].cast(pl.Float64).to_list()
    for name in ("splice_type", "predicted_type"):
        assert found[name].to_list() == ours[name].cast(pl.String).to_list()
    assert found["is_adjusted"].to_list() == ours["is_adjusted"].cast(pl.Int32).to_list()
    meta = pl.read_parquet(out / home / "meta_model_predictions.parquet")
    assert meta.equals(found.filter(pl.col("is_adjusted") == 1))
    base = pl.read_parquet(out / home / "base_model_predictions.parquet")
    assert base.height == found.height
    assert "donor_meta" not in base.columns
    for gene in found["gene_id"].unique():
        alone = pl.read_parquet(out / "genes" / gene / f"{gene}_predictions.parquet")
        assert alone.equals(found.filter(pl.col("gene_id") == gene))
    assert (out / "performance_report.txt").read_text().startswith("splice_meta")
    assert (out / "gene_manifest.json").is_file()


def test_measures_are_theirs(folder, tmp_path):
    export_compat(folder / "lean", tmp_path / "out")
    place = tmp_path / "out/selective_inference/predictions/r"
    found = pl.read_parquet(place / "complete_coverage_predictions.parquet")
    for row in found.sort("max_confidence").head(40).iter_rows(named=True):
        scores = sorted((row[f"{t}_score"] for t in ("donor", "acceptor", "neither")), reverse=True)
        shares = [max(score / sum(scores), 1e-10) for score in scores]
        entropy = -sum(p * math.log(p) for p in shares) / math.log(3)
        assert row["entropy"] == pytest.approx(entropy, abs=1e-12)
        assert row["max_confidence"] == scores[0]
        assert row["score_spread"] == pytest.approx(scores[0] - scores[1], abs=1e-15)
        expected = "high" if scores[0] >= 0.8 else "medium" if scores[0] >= 0.3 else "low"
        assert row["confidence_category"] == expected
        assert row["transcript_id"] == "UNKNOWN"


def test_the_truth_is_the_truth_or_not_there(folder, tmp_path, capsys):
    """Their evaluators take splice_type for the truth: it must not be the prediction."""
    table = pl.read_parquet(folder / "s.parquet").drop("splice_type")
    table.write_parquet(tmp_path / "s.parquet")
    pred = sm.predict(tmp_path / "s.parquet", MODEL)
    export_compat(pred, tmp_path / "out")
    place = tmp_path / "out/selective_inference/predictions/predictions"
    found = pl.read_parquet(place / "complete_coverage_predictions.parquet")
    assert "splice_type" not in found.columns
    assert "predicted_type" in found.columns


def test_an_annotation_names_transcripts(folder, tmp_path):
    files = sorted(FIXTURES.glob("*.g[tf]f*"))
    if not files:
        pytest.skip("the fixtures have no annotation")
    export_compat(folder / "full", tmp_path / "out", annotation=files[0])
    place = tmp_path / "out/selective_inference/predictions/r"
    found = pl.read_parquet(place / "complete_coverage_predictions.parquet")
    assert (found["transcript_id"] != "UNKNOWN").all()


def test_base_scores_alone_are_refused(folder, tmp_path):
    with pytest.raises(UsageError, match="base scores"):
        export_compat(folder / "s.parquet", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_only_a_folder_of_this_layout_is_replaced(folder, tmp_path):
    out = tmp_path / "out"
    export_compat(folder / "lean", out)
    with pytest.raises(sm.SpliceMetaError, match="already exists"):
        export_compat(folder / "lean", out)
    export_compat(folder / "lean", out, overwrite=True)
    (out / "mine.txt").write_text("")
    with pytest.raises(sm.SpliceMetaError):
        export_compat(folder / "lean", out, overwrite=True)
    assert (out / "mine.txt").exists()


def test_several_batches_are_the_same(folder, tmp_path):
    for name, memory in (("one", 1 << 30), ("many", 1 << 16)):
        export_compat(folder / "full", tmp_path / name, memory=memory)
    files = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*.parquet"))
    for file in files:
        one, many = (pl.read_parquet(tmp_path / n / file) for n in ("one", "many"))
        assert one.equals(many)
