"""Logging with MLflow, into a store in a folder."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from test_training_cli import QUICK

from splice_meta.cli.app import run_command

MODEL = "bundled:openspliceai-mane"


@pytest.fixture
def scores(short_genes: pl.DataFrame, tmp_path: Path) -> Path:
    short_genes.write_parquet(tmp_path / "s.parquet")
    return tmp_path / "s.parquet"


def runs_in(store: Path) -> list[Any]:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=str(store))
    experiment = client.get_experiment_by_name("splice_meta")
    return client.search_runs([experiment.experiment_id])


def files_of(store: Path, run: Any) -> set[str]:
    from mlflow import MlflowClient

    listed = MlflowClient(tracking_uri=str(store)).list_artifacts(run.info.run_id)
    return {each.path for each in listed}


@pytest.mark.filterwarnings("ignore")
def test_a_run_is_logged(scores, tmp_path):
    pytest.importorskip("mlflow")
    assert run_command([
        "run", "--scores", str(scores), "--model", MODEL, "--output-dir", str(tmp_path / "out"),
        "--run-name", "r", "--mlflow", str(tmp_path / "mlruns"),
    ]) == 0  # fmt: skip
    (run,) = runs_in(tmp_path / "mlruns")
    rows = pl.scan_parquet(scores).select(pl.len()).collect().item()
    assert run.data.metrics["positions"] == rows
    assert run.data.metrics["genes_failed"] == 0
    assert run.data.params["mode"] == "hybrid"
    assert run.data.params["selection.low"] == "0.02"
    assert run.info.status == "FINISHED"
    assert files_of(tmp_path / "mlruns", run) >= {
        "performance_report.txt", "inference_metadata.json", "sites.tsv"
    }  # fmt: skip


@pytest.mark.filterwarnings("ignore")
def test_a_training_is_logged(scores, tmp_path):
    pytest.importorskip("mlflow")
    assert run_command([
        "train", "--scores", str(scores), *QUICK, "--output", str(tmp_path / "bundle"),
        "--mlflow", str(tmp_path / "mlruns"),
    ]) == 0  # fmt: skip
    (run,) = runs_in(tmp_path / "mlruns")
    assert run.data.params["rounds"] == "8"
    assert 0 < run.data.metrics["meta_model.donor.average_precision"] <= 1
    assert files_of(tmp_path / "mlruns", run) >= {"bundle.json", "model.ubj"}


@pytest.mark.filterwarnings("ignore")
def test_a_store_that_cannot_be_used_is_refused_before_anything(scores, tmp_path, capsys):
    pytest.importorskip("mlflow")
    (tmp_path / "file").write_text("")
    status = run_command([
        "run", "--scores", str(scores), "--model", MODEL, "--output-dir", str(tmp_path / "out"),
        "--mlflow", str(tmp_path / "file"),
    ])  # fmt: skip
    assert status == 2
    assert "MLflow store" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_without_mlflow_it_is_said(scores, tmp_path, capsys, monkeypatch):
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == "mlflow":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    status = run_command([
        "run", "--scores", str(scores), "--model", MODEL, "--output-dir", str(tmp_path / "out"),
        "--mlflow", str(tmp_path / "mlruns"),
    ])  # fmt: skip
    assert status == 2
    assert "pip install 'splice_meta[mlflow]'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
