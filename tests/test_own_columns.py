"""A score table's own columns as features: conservation, chromatin, junction reads."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from test_training_cli import QUICK

import splice_meta as sm
from splice_meta.catalogue import NEVER
from splice_meta.cli.app import run_command
from splice_meta.errors import FeatureError, ManifestError
from splice_meta.manifest import FeatureManifest
from splice_meta.model.load import load_model

SHARED = Path(__file__).parents[2] / "shared" / "cases" / "tables"


@pytest.fixture(scope="module")
def folder(demo_scores: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scores of three genes with two measured columns, and a model trained on them."""
    place = tmp_path_factory.mktemp("own")
    genes = demo_scores["gene_id"].unique(maintain_order=True).to_list()[:3]
    is_site = pl.col("splice_type") != 0
    table = demo_scores.filter(pl.col("gene_id").is_in(genes)).with_columns(
        phylop_mean=is_site.cast(pl.Float32) * 2 + (pl.col("position") % 7).cast(pl.Float32) / 7,
        reads=(pl.col("position") % 5).cast(pl.Int32),
    )
    table.write_parquet(place / "scores.parquet")
    status = run_command([
        "train", "--scores", str(place / "scores.parquet"), "--column", "phylop_mean",
        "--column", "reads", *QUICK, "--colsample", "1", "--min-child-weight", "0.01",
        "--output", str(place / "bundle"),
    ])  # fmt: skip
    assert status == 0
    return place


def test_the_model_reads_them_from_the_table(folder, tmp_path, capsys):
    model = load_model(folder / "bundle")
    assert model.manifest.names[-2:] == ("phylop_mean", "reads")
    assert model.gains()["phylop_mean"] > 0
    assert run_command([
        "run", "--scores", str(folder / "scores.parquet"), "--model", str(folder / "bundle"),
        "--output-dir", str(tmp_path / "out"), "--run-name", "r",
    ]) == 0  # fmt: skip
    said = capsys.readouterr().out
    assert "all computed or there; phylop_mean, reads from the table of base scores" in said
    found = pl.read_parquet(
        tmp_path / "out/selective_inference/predictions/r/complete_coverage_predictions.parquet"
    )
    other = pl.read_parquet(folder / "scores.parquet").with_columns(phylop_mean=pl.lit(0.0))
    without = sm.predict(other, model)
    ran = found["is_adjusted"]
    moved = (found["donor_meta"] - without["donor_meta"]).abs().filter(ran).max()
    assert moved > 0.01


def test_values_are_those_of_the_table_whatever_the_batch(folder):
    table = pl.read_parquet(folder / "scores.parquet")
    manifest = FeatureManifest(("donor_score", "phylop_mean", "reads"))
    got = sm.plan_features(folder / "scores.parquet", manifest).collect()
    assert got["phylop_mean"].to_list() == table["phylop_mean"].to_list()
    assert got["reads"].to_list() == table["reads"].cast(pl.Float32).to_list()


def test_inspect_says_where_they_come_from(folder, capsys):
    assert run_command(["inspect", str(folder / "bundle")]) == 0
    assert "phylop_mean, reads (columns of the base scores)" in capsys.readouterr().out


def test_a_run_without_the_column_says_what_fills_it(folder, tmp_path, capsys):
    table = pl.read_parquet(folder / "scores.parquet").drop("reads")
    table.write_parquet(tmp_path / "less.parquet")
    assert run_command([
        "run", "--scores", str(tmp_path / "less.parquet"), "--model", str(folder / "bundle"),
        "--output-dir", str(tmp_path / "out"),
    ]) == 0  # fmt: skip
    said = capsys.readouterr()
    assert "1 filled; phylop_mean from the table" in said.out
    assert "1 unknown features filled (reads 0)" in said.err


@pytest.mark.parametrize("name", sorted(NEVER - {"genomic_position"}))
def test_truth_places_and_scores_of_another_name_are_no_features(demo_scores, name):
    table = demo_scores.head(300).drop("splice_type", "genomic_position", strict=False)
    table = table.with_columns(**{name: pl.lit(1)})
    if name in ("splice_type", "true_splice_type", "donor_meta", "acceptor_meta", "neither_meta"):
        return  # the table itself is refused, or the column is the truth
    with pytest.raises(FeatureError, match="never a feature"):
        sm.plan_features(table, FeatureManifest(("donor_score", name))).collect()


@pytest.mark.parametrize(
    ("name", "words"),
    [("nothing", "no column nothing"), ("donor_score", "feature of the catalogue"),
     ("genomic_position", "position or scores under another name"),
     ("splice_type", "derived from the labels")],
)  # fmt: skip
def test_columns_that_cannot_be_trained_on_are_refused(demo_scores, name, words):
    with pytest.raises(ManifestError, match=words):
        sm.train(demo_scores, columns=[name])


@pytest.mark.skipif(not SHARED.exists(), reason="the shared cases are not there")
def test_the_shared_case():
    got = sm.plan_features(
        SHARED / "extra_column_phylop_mean.parquet",
        FeatureManifest(("donor_score", "phylop_mean")),
    ).collect()
    table = pl.read_parquet(SHARED / "extra_column_phylop_mean.parquet")
    assert got["phylop_mean"].to_list() == table["phylop_mean"].cast(pl.Float32).to_list()
