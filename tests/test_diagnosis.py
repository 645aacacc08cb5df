"""``check --report``: a text for an issue, with the shape of the input and none of its data."""

from __future__ import annotations

import platform
from pathlib import Path

import polars as pl
import pytest
from conftest import FIXTURES
from hypothesis import given
from hypothesis import strategies as st

import splice_meta as sm
from splice_meta.cli.app import run_command
from splice_meta.diagnosis import diagnose, private

MODEL = "bundled:openspliceai-mane"
SCORES = FIXTURES / "scores_openspliceai.parquet"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """Scores whose values, genes and place nobody may see."""
    folder = tmp_path / "patients" / "jane-doe"
    folder.mkdir(parents=True)
    scores = pl.read_parquet(SCORES).filter(gene_id="ENSG00000164039")
    scores.with_columns(
        gene_id=pl.lit("SECRETGENE"), sample=pl.lit("jane"), phylop=pl.lit(0.73519)
    ).write_csv(folder / "jane.tsv", separator="\t")
    return folder / "jane.tsv"


def test_the_report_has_versions_shape_and_checks_and_no_data(secret: Path, tmp_path: Path) -> None:
    report = tmp_path / "issue.txt"

    status = run_command(["check", "--scores", str(secret), "--report", str(report)])

    text = report.read_text(encoding="utf-8")
    assert status == 0
    assert f"splice_meta {sm.__version__}, Python {platform.python_version()}" in text
    assert f"polars {pl.__version__}" in text
    assert "rows: 22,279; genes: 1" in text
    assert "  phylop: Float64, 0 missing" in text
    assert "  sample: String, 0 missing" in text
    assert "ok      one row per nucleotide" in text
    assert "Trees: 144" in text
    for word in ("SECRETGENE", "jane", "0.73519", str(tmp_path), str(Path.home())):
        assert word not in text, word


def test_a_refused_input_is_in_the_report_without_its_names(
    secret: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = pl.read_csv(secret, separator="\t").with_columns(donor_score=pl.lit(-1.0))
    rows.write_csv(secret, separator="\t")
    report = tmp_path / "issue.txt"

    status = run_command(["check", "--scores", str(secret), "--report", str(report)])

    text = report.read_text(encoding="utf-8")
    assert status == 1
    assert "SECRETGENE" in capsys.readouterr().out  # the user sees it, the report does not
    assert "ContractError: Column donor_score of the base scores is wrong in 22,279 rows" in text
    assert "SECRETGENE" not in text
    assert "jane" not in text
    assert "rows: 22,279" in text  # what could be read is told all the same


def test_a_run_gives_its_settings(tmp_path: Path) -> None:
    scores = pl.read_parquet(SCORES).filter(gene_id="ENSG00000164039")
    settings = sm.RunSettings(selection=sm.Selection(target_rate=0.03))
    sm.run(scores, MODEL, tmp_path / "out", settings=settings)

    text = diagnose(None, MODEL, str(tmp_path / "out"))

    assert "settings.selection.target_rate: 0.03" in text
    assert "settings.features.custom: 0 families" in text
    assert "ENSG" not in text
    assert str(tmp_path) not in text


@pytest.mark.parametrize(
    ("scores", "model", "run", "said"),
    [
        (["nowhere/x.parquet"], MODEL, None, "InputError: There is no file PATH"),
        (None, "nowhere", None, "ModelError: "),
        (None, MODEL, "nowhere", "Not the output directory of a run."),
    ],
)
def test_what_cannot_be_read_is_said(
    scores: list[str] | None, model: str, run: str | None, said: str
) -> None:
    text = diagnose(scores, model, run)

    assert said in text
    assert all(f"## {head}" in text for head in ("Versions", "Model", "Input", "Run"))


def test_an_existing_file_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "issue.txt"
    report.write_text("mine", encoding="utf-8")

    assert run_command(["check", "--report", str(report)]) == 2
    assert report.read_text(encoding="utf-8") == "mine"
    assert "already exists" in capsys.readouterr().err


_NAME = st.text("ABCdef019._-", min_size=3, max_size=12).filter(lambda name: name.strip("._-"))


@given(st.lists(_NAME, min_size=1, max_size=4), _NAME)
def test_no_name_or_path_is_left(parts: list[str], gene: str) -> None:
    path = "/" + "/".join([*(f"Q{part}" for part in parts), "Qx.tsv"])
    text = private(f"{path}: gene Q{gene} is not in 'Q{gene}', first Q{gene}; see {path}.")

    assert "Q" not in text, text
    assert private(f"Q{gene}.tsv.gz has no rows") == "FILE has no rows"
