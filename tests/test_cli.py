from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from conftest import FIXTURES, MODEL

import splice_meta as sm
from splice_meta.bundled import bundled_model
from splice_meta.cli.app import _how_to_go_on

GENE = "ENSG00000164039"


def call(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "splice_meta", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("demo")
    done = call("demo", "--output-dir", "out", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "out", done.stdout


def test_demo_recalibrates_a_tenth_of_every_gene(demo: tuple[Path, str]) -> None:
    folder, said = demo

    assert "Meta-model recalibrated: 27,118 (10.0%)" in said
    assert "Complete coverage:       271,163 positions" in said
    [table] = folder.rglob("complete_coverage_predictions.parquet")
    counts = (
        pl.scan_parquet(table)
        .group_by("gene_id")
        .agg(pl.len(), pl.col("is_adjusted").sum().alias("n"))
        .collect()
    )
    assert all(n == -(-rows // 10) for _, rows, n in counts.rows())


def test_demo_draws_no_progress_bar_into_a_pipe(demo: tuple[Path, str]) -> None:
    assert "\x1b" not in demo[1]


def test_run_writes_what_predict_returns(tmp_path: Path, demo_path: Path) -> None:
    done = call(
        "run", "--scores", demo_path, "--model", MODEL, "--genes", GENE,
        "--output-dir", "out", "--run-name", "r", "--columns", "lean", "--outputs", "complete",
        cwd=tmp_path,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    found = pl.read_parquet(
        tmp_path / "out/selective_inference/predictions/r/complete_coverage_predictions.parquet"
    )
    assert found.equals(sm.predict(demo_path, MODEL, genes=[GENE], columns="lean"))


def test_a_requeued_command_starts_once_and_goes_on_then(tmp_path: Path, demo_path: Path) -> None:
    command = (
        "run", "--scores", demo_path, "--inference-mode", "base_only", "--genes", GENE,
        "--output-dir", "out", "--resume",
    )  # fmt: skip

    first, second = call(*command, cwd=tmp_path), call(*command, cwd=tmp_path)
    other = call(*command, "--columns", "lean", cwd=tmp_path)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "Resumed" not in first.stdout
    assert "1 of 1 shards were already done; nothing was left" in second.stdout
    assert other.returncode == 2
    assert len(other.stderr.splitlines()) == 2
    assert "since it started: columns" in other.stderr


def test_options_reach_the_selection(tmp_path: Path, demo_path: Path) -> None:
    done = call(
        "run", "--scores", demo_path, "--inference-mode", "base_only", "--genes", GENE,
        "--uncertainty-low", "0.05", "--uncertainty-high", "0.7", "--uncertainty-strategy",
        "entropy_only", "--target-meta-rate", "0.2", "--no-adaptive-tuning",
        "--entropy-threshold", "0.5", "--spread-threshold", "0.3", "--variance-threshold", "0.09",
        "--memory", "64MiB", "--output-dir", "out", cwd=tmp_path,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    data = json.loads((tmp_path / "out/metadata/inference_metadata.json").read_text())
    assert data["settings"]["selection"] == {
        "low": 0.05, "high": 0.7, "strategy": "entropy_only", "target_rate": 0.2,
        "adaptive": False, "entropy": 0.5, "spread": 0.3, "variance": 0.09,
    }  # fmt: skip
    assert data["settings"]["memory"] == 64 << 20


def test_failed_genes_give_exit_status_1(tmp_path: Path, demo_path: Path) -> None:
    (tmp_path / "genes.txt").write_text(f"# two\n{GENE}  # real\n\nGHOST\n")

    done = call(
        "run", "--scores", demo_path, "--model", MODEL, "--genes-file", "genes.txt",
        "--output-dir", "out", cwd=tmp_path,
    )  # fmt: skip

    assert done.returncode == 1
    assert "Gene GHOST failed" in done.stderr
    assert "2 (1 done, 1 failed)" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run"], "--scores"),
        (["bogus"], "bogus"),
        (["run", "--scores", "nowhere.parquet", "--model", MODEL], "nowhere.parquet"),
        (["run", "--scores", "{scores}"], "needs a model"),
        (["run", "--scores", "{scores}", "--model", "bundled:x"], "openspliceai-mane"),
        (["run", "--scores", "{scores}", "--model", MODEL, "--uncertainty-low", "0.9"], "empty"),
        (["run", "--scores", "{scores}", "--model", MODEL, "--target-meta-rate", "0"], "rate"),
        (["run", "--scores", "{scores}", "--model", MODEL, "--outputs", "all"], "'all'"),
        (["run", "--scores", "{scores}", "--model", MODEL, "--memory", "lots"], "'lots'"),
        (["run", "--scores", "{scores}", "--model", MODEL, "--resume", "--overwrite"], "--resume"),
        (["run", "--scores", "{scores}", "--model", MODEL, "--genes", "GHOST"], "GHOST"),
        (["run", "--scores", "{scores}", "--model", MODEL, "--genes-file", "no.txt"], "no.txt"),
        (
            ["run", "--scores", "a={scores}", "--model", MODEL],
            "needs base scores of openspliceai-mane",
        ),
        (["features", "--scores", "{scores}", "-o", "x.parquet"], "--manifest"),
        (["features", "--scores", "{scores}", "-o", "x.parquet", "--manifest", "no"], "no"),
        (["inspect", "nowhere"], "nowhere"),
        (["check", "--model", "nowhere"], "nowhere"),
        (["check", "--run", "out"], "--report FILE"),
    ],
)
def test_wrong_use_is_two_plain_lines_and_exit_2(
    tmp_path: Path, demo_path: Path, arguments: list[str], words: str
) -> None:
    done = call(*(text.replace("{scores}", str(demo_path)) for text in arguments), cwd=tmp_path)

    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert 1 <= len(lines) <= 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_traceback_only_at_vv(tmp_path: Path) -> None:
    arguments = ("run", "--scores", "no.csv", "--model", MODEL)

    assert "Traceback" not in call(*arguments, "-v", cwd=tmp_path).stderr
    assert "Traceback" in call(*arguments, "-vv", cwd=tmp_path).stderr


def test_quiet_says_nothing_and_verbose_names_genes(tmp_path: Path, demo_path: Path) -> None:
    arguments = (
        "run", "--scores", demo_path, "--inference-mode", "base_only", "--genes", GENE,
        "--output-dir", "out",
    )  # fmt: skip

    quiet = call(*arguments, "-q", cwd=tmp_path)
    verbose = call(*arguments, "-v", "--run-name", "second", cwd=tmp_path)

    assert (quiet.stdout, quiet.stderr) == ("", "")
    assert f"Gene {GENE}: 22279 positions" in verbose.stderr


def test_features_writes_the_manifests_columns(tmp_path: Path, demo_path: Path) -> None:
    (tmp_path / "m.csv").write_text("feature\n2mer_CG\ndonor_score\nnum_exons\n")

    done = call(
        "features", "--scores", demo_path, "--genes", GENE, "--manifest", "m.csv",
        "--output", "f.parquet", cwd=tmp_path,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    found = pl.read_parquet(tmp_path / "f.parquet")
    assert found.columns == ["gene_id", "position", "2mer_CG", "donor_score", "num_exons"]
    scores = sm.scan_scores(demo_path, genes=[GENE])
    assert found.equals(sm.plan_features(scores, tmp_path / "m.csv").collect())
    assert "no annotation given" in done.stderr


def test_features_in_parts_and_of_uncertain_positions(tmp_path: Path, demo_path: Path) -> None:
    done = call(
        "features", "--scores", demo_path, "--model", MODEL, "--uncertain-only",
        "--memory", "30MiB", "--output", "f.parquet", cwd=tmp_path,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "f.parquet").is_dir()
    found = pl.read_parquet(tmp_path / "f.parquet")
    manifest = sm.load_model(MODEL).manifest
    expected = sm.plan_features(demo_path, manifest, selection=sm.Selection()).collect()
    assert found.equals(expected)


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("scores", ["base scores", "271,163", "ENSG00000109332"]),
        ("model", ["meta-model", "neither, donor, acceptor", "59"]),
        ("manifest", ["feature manifest", "59"]),
        ("run", ["output of a run", "hybrid", "27,118 recalibrated"]),
    ],
)
def test_inspect_says_what_it_is(
    demo: tuple[Path, str], tmp_path: Path, what: str, words: list[str]
) -> None:
    manifest = tmp_path / "m.json"
    manifest.write_text(sm.load_model(MODEL).manifest.to_json())
    path = {
        "scores": FIXTURES / "scores_openspliceai.parquet",
        "model": MODEL,
        "manifest": manifest,
        "run": demo[0],
    }[what]

    done = call("inspect", path, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert all(word in done.stdout for word in words), done.stdout


def test_check_passes_on_the_bundled_model_and_leaves_nothing(tmp_path: Path) -> None:
    done = call("check", "--model", MODEL, cwd=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "failed" not in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_check_fails_where_features_with_weight_are_filled(
    tmp_path: Path, demo_scores: pl.DataFrame, kmer_model: sm.MetaModel
) -> None:
    demo_scores.drop("base").write_parquet(tmp_path / "no_base.parquet")
    kmer_model.save(tmp_path / "bundle")

    done = call("check", "--model", "bundle", "--scores", "no_base.parquet", cwd=tmp_path)

    assert done.returncode == 1
    assert "Training-serving skew" in done.stdout


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv = ['splice-meta', '--help']\n"
        "from splice_meta.cli.app import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'xgboost', 'sklearn', 'pyarrow', 'scipy', 'dask', 'torch'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "inspect" in done.stdout


def test_features_overwrite_leaves_nothing_of_before(tmp_path: Path, demo_path: Path) -> None:
    common = ("features", "--scores", demo_path, "--model", MODEL, "--uncertain-only",
              "--output", "f.parquet")  # fmt: skip
    call(*common, "--memory", "30MiB", cwd=tmp_path)
    assert (tmp_path / "f.parquet").is_dir()

    refused = call(*common, cwd=tmp_path)
    done = call(*common, "--genes", f"{GENE},GHOST", "--overwrite", cwd=tmp_path)

    assert refused.returncode == 2
    assert done.returncode == 1
    assert "Gene GHOST has no base scores" in done.stderr
    assert pl.read_parquet(tmp_path / "f.parquet")["gene_id"].unique().to_list() == [GENE]
    assert [path.name for path in tmp_path.iterdir()] == ["f.parquet"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--scores", "x"], "the same command and --resume."),
        (["score", "--overwrite"], "the same command and --resume instead of --overwrite."),
        (["train", "--scores", "run"], "run the command again."),
        ([], "run the command again."),
    ],
)
def test_after_an_interrupt_it_is_said_how_to_go_on(arguments: list[str], words: str) -> None:
    assert _how_to_go_on(arguments).endswith(words)


@pytest.mark.parametrize(("arguments", "status"), [(["--help"], 0), (["inspect", "none"], 2)])
def test_a_program_does_what_is_registered_for_its_end(
    tmp_path: Path, arguments: list[str], status: int
) -> None:
    code = (
        "import atexit, sys\n"
        "from splice_meta.cli.app import program\n"
        "atexit.register(print, 'the last word', end='')\n"
        f"sys.argv = ['splice-meta', *{arguments}]\n"
        "program()"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
    )

    assert done.returncode == status
    assert done.stdout.endswith("the last word")


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_an_interrupt_is_said_and_gives_130(tmp_path: Path, number: str) -> None:
    code = (
        "import os, signal, sys, splice_meta.jobs.executor as e\n"
        "from splice_meta.cli.app import main\n"
        f"e.run_local = lambda *_: os.kill(os.getpid(), signal.{number})\n"
        "sys.argv = ['splice-meta', 'demo', '--output-dir', 'out']\n"
        "main()"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
    )

    assert done.returncode == 130
    assert done.stderr.startswith("splice-meta: Interrupted.")


def test_training_dataset_and_kept_artifacts(tmp_path: Path, demo_path: Path) -> None:
    common = ("run", "--scores", demo_path, "--model", MODEL, "--genes", GENE)

    first = call(*common, "--keep-artifacts-dir", "kept", "--output-dir", "a", cwd=tmp_path)
    second = call(*common, "--training-dataset", "kept", "--output-dir", "b", cwd=tmp_path)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    gene = json.loads((tmp_path / "b/gene_manifest.json").read_text())["genes"][0]
    assert gene["scenario"] == "1"


def test_empty_gene_option_is_refused(tmp_path: Path, demo_path: Path) -> None:
    done = call("run", "--scores", demo_path, "--model", MODEL, "--genes", "", cwd=tmp_path)

    assert done.returncode == 2
    assert "names no gene" in done.stderr


def test_convert_model_makes_a_bundle(tmp_path: Path) -> None:
    bundle = bundled_model(MODEL.removeprefix("bundled:"))
    for name in ("model.ubj", "feature_manifest.csv"):
        (tmp_path / name).write_bytes((bundle / name).read_bytes())

    refused = call("convert-model", "model.ubj", "new", cwd=tmp_path)
    done = call(
        "convert-model", "model.ubj", "new", "--classes", "neither,donor,acceptor", cwd=tmp_path
    )

    assert refused.returncode == 2
    assert "--classes" in refused.stderr
    assert done.returncode == 0, done.stderr
    assert sm.load_model(tmp_path / "new").trees == sm.load_model(MODEL).trees


def test_version(tmp_path: Path) -> None:
    assert call("--version", cwd=tmp_path).stdout.strip() == f"splice-meta {sm.__version__}"
