"""Polars panics, which is no ``Exception``: a gene's failure, or an error of two lines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from conftest import MODEL
from damaged_pages import damage, write_scores

import splice_meta as sm
from splice_meta.cli.app import run_command
from splice_meta.errors import ClusterError, EngineError
from splice_meta.jobs.plan import Shard
from splice_meta.reference import cache
from splice_meta.runs import planning, task
from splice_meta.runtime.panics import plain_panics
from splice_meta.training import train as training

Panic = pl.exceptions.PanicException
SMALL = sm.RunSettings(memory=1 << 20)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("index out of bounds\nand more", "index out of bounds"),
        ("", "it did not say why"),
        ('`Err`: JoinError::Panic(Id(8), "assertion failed: n", ...)', "assertion failed: n"),
        ("x" * 999, "x" * 200),
    ],
)  # fmt: skip
def test_a_panic_is_an_error_of_ours(said: str, told: str) -> None:
    with pytest.raises(EngineError) as caught, plain_panics():
        raise Panic(said)

    assert caught.value.message == f"Polars failed inside: {told}."
    assert "damaged" in caught.value.hint


@pytest.mark.parametrize(
    "error",
    [
        Panic("python function failed: KeyboardInterrupt: "),
        pl.exceptions.ComputeError("the Python function failed: KeyboardInterrupt: "),
        KeyboardInterrupt(),
    ],
)
def test_an_interrupt_stays_one(error: BaseException) -> None:
    with pytest.raises(KeyboardInterrupt), plain_panics():
        raise error


@pytest.mark.parametrize(
    "error", [SystemExit(3), ValueError("KeyboardInterrupt"), pl.exceptions.ComputeError("no")]
)
def test_other_errors_pass(error: BaseException) -> None:
    with pytest.raises(BaseException) as caught, plain_panics():  # noqa: PT011
        raise error

    assert caught.value is error


def damage_after_the_check(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = planning.make_shards

    def make_shards(*given: Any) -> Any:
        damage(path)
        return real(*given)

    monkeypatch.setattr(planning, "make_shards", make_shards)


@pytest.mark.parametrize(
    "options",
    [{}, {"settings": SMALL}, {"settings": SMALL, "workers": 1}],
    ids=["one_shard", "threads", "workers"],
)
def test_a_damaged_page_fails_its_gene_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    if "workers" in options:
        pytest.importorskip("distributed")
    path = tmp_path / "scores.parquet"
    scores = write_scores(path)
    damage_after_the_check(path, monkeypatch)

    result = sm.run(path, MODEL, tmp_path / "out", run_name="r", **options)

    failed = result.genes.filter(status="failed")
    assert failed["gene_id"].to_list() == ["C"]
    assert failed["reason"][0].startswith("Polars failed inside: ")
    expected = sm.predict(scores.filter(pl.col("gene_id") != "C"), MODEL)
    assert result.predictions().collect().equals(expected)
    assert (result.summary.shards > 1) == ("settings" in options)


COMMANDS: dict[str, Callable[[Path], list[str | Path]]] = {
    "run": lambda path: ["run", "--scores", path, "--model", MODEL, "--output-dir", "out"],
    "features": lambda path: [
        "features", "--scores", path, "--manifest", "reference124", "--output", "f.parquet",
    ],
    "sort": lambda path: ["sort", path, "--output", "s.parquet"],
    "inspect": lambda path: ["inspect", path],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_page_damaged_from_the_start_is_two_plain_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "scores.parquet"
    write_scores(path)
    damage(path)

    status = run_command(list(map(str, COMMANDS[name](path))))

    said = capsys.readouterr().err.splitlines()
    assert status == 2
    assert said[0].startswith("splice-meta: Column donor_score of ")
    assert said[0].endswith("scores.parquet cannot be read: its data is damaged.")
    assert len(said) == 2
    assert [file.name for file in tmp_path.iterdir()] == ["scores.parquet"]


def panics(*_: object, **__: object) -> Any:
    raise Panic("index out of bounds")


def test_a_panic_where_training_reads_is_an_error(
    monkeypatch: pytest.MonkeyPatch, short_genes: pl.DataFrame
) -> None:
    monkeypatch.setattr(training, "collect_rows", panics)

    with pytest.raises(EngineError, match="index out of bounds"):
        sm.train(short_genes)


def test_a_panic_anywhere_else_in_a_command_is_two_plain_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("splice_meta.report.describe.describe", panics)

    assert run_command(["inspect", str(tmp_path)]) == 2

    assert capsys.readouterr().err.splitlines() == [
        "splice-meta: Polars failed inside: index out of bounds.",
        "The data may be damaged: check that the files are complete, or make them again.",
    ]


def test_a_kept_annotation_that_makes_polars_panic_is_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "folder_of", lambda _: tmp_path)
    monkeypatch.setattr(pl, "read_parquet", panics)

    assert cache.load("0") is None


def test_an_interrupt_that_comes_as_a_panic_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, short_genes: pl.DataFrame
) -> None:
    def interrupted(*_: object) -> Any:
        raise Panic("python function failed: KeyboardInterrupt: ")

    monkeypatch.setattr(task, "predict_genes", interrupted)

    with pytest.raises(KeyboardInterrupt):
        sm.run(short_genes, MODEL, tmp_path, run_name="r")


@pytest.mark.parametrize(
    ("ended_by", "error", "words"),
    [
        (Panic("index out of bounds"), EngineError, "index out of bounds"),
        (SystemExit(3), ClusterError, "SystemExit"),
        (KeyboardInterrupt(), ClusterError, "KeyboardInterrupt"),
    ],
)
def test_a_dask_worker_answers_whatever_a_shard_is_ended_by(
    monkeypatch: pytest.MonkeyPatch, ended_by: BaseException, error: type[Exception], words: str
) -> None:
    distributed = pytest.importorskip("distributed")
    from splice_meta.jobs import dask as on_dask

    def run(*_: object) -> Any:
        raise ended_by

    worker = SimpleNamespace(plugins={"job": SimpleNamespace(task=SimpleNamespace(run=run))})
    monkeypatch.setattr(distributed, "get_worker", lambda: worker)

    with pytest.raises(error, match=words):
        on_dask._run_sent("job", Shard(0, 1, 0, 1, 1))


@pytest.mark.parametrize("verbosity", ["", "-vv"])
def test_what_nobody_expected_is_told_and_where_it_happened_if_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    verbosity: str,
) -> None:  # fmt: skip
    def fails(*_: object, **__: object) -> Any:
        raise RuntimeError("what is this?")

    monkeypatch.setattr("splice_meta.workflow.run", fails)
    table = tmp_path / "scores.parquet"
    write_scores(table)

    status = run_command(list(filter(None, ["run", "--scores", str(table), verbosity])))

    said = capsys.readouterr().err.splitlines()
    assert status == 1
    assert "splice-meta: Unexpected RuntimeError: what is this?" in said
    assert ("Traceback (most recent call last):" in said) == (verbosity == "-vv")
    assert ("Run again with -vv to see where it happened." in said) == (verbosity == "")


def test_the_query_plan_is_shown_where_everything_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "scores.parquet"
    write_scores(table)

    status = run_command([
        "run", "--scores", str(table), "--inference-mode", "base_only", "-vvv",
        "--output-dir", str(tmp_path / "out"),
    ])  # fmt: skip

    assert status == 0
    assert "Parquet SCAN" in capsys.readouterr().err
