"""Several runs in one output directory: each has its reports, the top has those of the last."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from conftest import MODEL, make_scores

import splice_meta as sm
from splice_meta.cli.app import run_command
from splice_meta.errors import InputError
from splice_meta.report.html import write_report
from splice_meta.runs import task
from splice_meta.runs.found import run_at
from splice_meta.runs.outputs import REPORTS
from splice_meta.runs.shards import AT_ONCE

TABLES = "selective_inference/predictions"
SMALL = sm.RunSettings(memory=2 << 20)


def genes(*names: str) -> pl.DataFrame:
    return make_scores({name: list(range(1, 2501)) for name in names}).with_columns(
        splice_type=pl.lit("neither")
    )


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output directory with a run of the gene A, and then one of B and C."""
    folder = tmp_path_factory.mktemp("two")
    sm.run(genes("A"), MODEL, folder, run_name="first")
    sm.run(genes("B", "C"), MODEL, folder, run_name="second")
    return folder


def test_a_second_run_leaves_the_reports_of_the_first(two: Path) -> None:
    for name, place in REPORTS.items():
        first, second = (two / TABLES / run / name for run in ("first", "second"))
        assert (two / place).read_bytes() == second.read_bytes() != first.read_bytes()
    told = json.loads((two / TABLES / "first/gene_manifest.json").read_text())
    assert [gene["gene_id"] for gene in told["genes"]] == ["A"]
    assert told["run"] == "first"


def test_a_report_goes_to_its_run_and_to_the_top_if_that_is_the_latest(two: Path) -> None:
    at_top = (two / "report.html").read_bytes()

    place = write_report(two / TABLES / "first", most=0)
    assert place == two / TABLES / "first" / "report.html"
    assert (two / "report.html").read_bytes() == at_top

    place = write_report(two, most=0)
    assert place == two / TABLES / "second" / "report.html"
    assert (two / "report.html").read_bytes() == place.read_bytes() != at_top


def test_a_run_is_found_by_both_its_paths(two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    latest, first = run_at(two), run_at(two / TABLES / "first")
    assert latest is not None
    assert first is not None
    assert (latest.run_name, first.run_name) == ("second", "first")
    assert run_at(two / TABLES) is None
    assert run_at(two.parent) is None
    monkeypatch.chdir(two / TABLES / "first")
    here = run_at(".")
    assert here is not None
    assert here.run_name == "first"


def test_reports_of_an_earlier_version_are_at_the_top_alone(
    two: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sm.run(genes("A"), MODEL, tmp_path, run_name="old")
    for name in REPORTS:
        (tmp_path / TABLES / "old" / name).unlink()

    assert run_command(["inspect", str(tmp_path)]) == 0
    assert "Genes:     1 (0 failed)" in capsys.readouterr().out
    assert run_command(["inspect", str(tmp_path / TABLES / "old")]) == 0
    assert run_command(["report", str(tmp_path), "--most", "0"]) == 0


@pytest.fixture
def cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The output directory of a run that was interrupted after some of its shards."""
    whole, calls = task.predict_genes, []

    def interrupted(*given: object) -> object:
        calls.append(given)
        if len(calls) > AT_ONCE + 2:  # by then two are listed
            raise KeyboardInterrupt
        return whole(*given)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(task, "predict_genes", interrupted)
        with pytest.raises(KeyboardInterrupt):
            sm.run(genes(*"ABCDEFGH"), MODEL, tmp_path, run_name="cut", settings=SMALL)
    return tmp_path


def test_an_interrupted_run_is_recognised(cut: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (cut, cut / TABLES / "cut"):
        assert run_command(["inspect", str(path)]) == 0
        said = capsys.readouterr().out
        assert "interrupted, or still running" in said
        assert "of 8 shards are done" in said
        assert "--resume --run-name cut" in said
    assert (cut / "inference_workflow.log").is_file()
    assert not (cut / "report.html").exists()
    with pytest.raises(InputError, match="The run cut has not ended"):
        write_report(cut)


def test_what_is_done_of_an_interrupted_run_is_read_with_a_warning(
    cut: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from splice_meta.evaluation.source import open_rows

    found = open_rows(str(cut / TABLES / "cut"), None, None)

    assert 0 < found.scores.table.genes.height < 8
    assert "The run cut has not ended: " in caplog.text


def test_of_an_ended_and_an_interrupted_run_the_ended_one_is_the_latest(
    cut: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sm.run(genes("A"), MODEL, cut, run_name="whole")

    assert run_command(["inspect", str(cut)]) == 0
    said = capsys.readouterr().out
    assert "Run:              whole" in said
    assert "Other runs there: cut" in said
