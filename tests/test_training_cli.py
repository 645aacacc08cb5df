"""``splice-meta train`` and what goes on from its bundle."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

QUICK = (
    "--rounds",
    "8",
    "--folds",
    "2",
    "--repeats",
    "1",
    "--threads",
    "1",
    "--parallel-trees",
    "1",
)


def call(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "splice_meta", *arguments],
        capture_output=True, text=True, cwd=cwd, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(demo_scores: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Two base models for three genes; the second one is less certain of everything.
    place = tmp_path_factory.mktemp("train")
    genes = demo_scores["gene_id"].unique(maintain_order=True).to_list()[:3]
    first = demo_scores.filter(pl.col("gene_id").is_in(genes))
    first.write_parquet(place / "first.parquet")
    first.with_columns(
        donor_score=pl.col("donor_score") * 0.5,
        acceptor_score=pl.col("acceptor_score") * 0.5,
        neither_score=1 - (pl.col("donor_score") + pl.col("acceptor_score")) * 0.5,
    ).write_parquet(place / "second.parquet")
    done = call(
        "train", "--scores", "a=first.parquet", "--scores", "b=second.parquet", *QUICK,
        "--output", "bundle", "--held-out", "held_out.parquet", "--control",
        "--licence", "for tests", cwd=place,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (place / "said.txt").write_text(done.stdout)
    return place


def test_train_shows_held_out_genes_and_writes_a_bundle(folder: Path) -> None:
    said = (folder / "said.txt").read_text()

    assert "log loss per site" in said
    assert "Shuffled labels, donor: average precision" in said
    bundle = json.loads((folder / "bundle" / "bundle.json").read_text())
    assert bundle["base_models"] == ["a", "b"]
    assert bundle["calibration"]["kind"] == "temperature"
    assert bundle["licence"] == "for tests"
    assert "card" not in bundle
    card = json.loads((folder / "bundle" / "evaluation_card.json").read_text())
    assert set(card["systems"]) == {"base", "b", "meta_model"}
    assert {"donor_held_out", "fold", "weight"} <= set(
        pl.read_parquet_schema(folder / "held_out.parquet")
    )


def test_inspect_shows_the_card(folder: Path) -> None:
    done = call("inspect", "bundle", cwd=folder)

    assert "Base models:" in done.stdout
    assert "a, b" in done.stdout
    assert "base | b | meta_model" in done.stdout
    assert "average precision, donors" in done.stdout
    assert "for tests" in done.stdout


def test_run_needs_the_base_models_of_the_bundle(folder: Path) -> None:
    missing = call("run", "--scores", "a=first.parquet", "--model", "bundle", cwd=folder)
    both = call(
        "run", "--scores", "b=second.parquet", "--scores", "a=first.parquet", "--model", "bundle",
        "--output-dir", "out", "--run-name", "r", cwd=folder,
    )  # fmt: skip

    assert missing.returncode == 2
    assert missing.stderr.splitlines()[0].endswith("needs base scores of a and b; given are a.")
    assert "Score the genes with b" in missing.stderr
    assert both.returncode == 0, both.stderr
    table = folder / "out/selective_inference/predictions/r/complete_coverage_predictions.parquet"
    # The first named base model is the primary one.
    kept = pl.read_parquet(table)["donor_score"]
    assert kept.equals(pl.read_parquet(folder / "second.parquet")["donor_score"])


def test_evaluate_compares_all_base_models_and_modes(folder: Path) -> None:
    done = call(
        "evaluate", "a=first.parquet", "b=second.parquet", "--model", "bundle", "--resamples", "0",
        "--json", "figures.json", cwd=folder,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    found = json.loads((folder / "figures.json").read_text())
    assert found["systems"] == ["base", "b", "hybrid", "base_only", "meta_only"]
    assert set(found["groups"]) == {"all", "seen"}


def test_features_of_several_base_models_carry_their_names(folder: Path) -> None:
    done = call(
        "features", "--scores", "a=first.parquet", "--scores", "b=second.parquet",
        "--manifest", "extended", "--output", "features.parquet", cwd=folder,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    names = pl.read_parquet_schema(folder / "features.parquet")
    assert {"a.splice_probability", "b.nearest_donor_upstream_distance"} <= set(names)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--scores", "a=first.parquet", "--scores", "second.parquet"], "Name the base model"),
        (["--scores", "first.parquet", "--output", "bundle"], "already exists"),
        (["--scores", "first.parquet", "--folds", "1"], "folds is 1"),
        (["--scores", "first.parquet", "--objective", "ranking"], "ranking"),
        (["--scores", "nowhere.parquet"], "no file nowhere.parquet"),
    ],
)
def test_wrong_use_is_two_plain_lines_and_nothing_is_written(
    folder: Path, tmp_path: Path, arguments: list[str], words: str
) -> None:
    given = arguments if "--output" in arguments else [*arguments, "--output", str(tmp_path / "m")]

    done = call("train", *given, cwd=folder)

    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) <= 2
    assert not (tmp_path / "m").exists()
