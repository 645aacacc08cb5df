"""``splice-meta evaluate`` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from conftest import MODEL
from test_cli import call

import splice_meta as sm

GENE = "ENSG00000145354"
GENES = f"{GENE},ENSG00000164039"


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory, demo_path: Path) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("evaluate")
    done = call(
        "evaluate", demo_path, "--model", MODEL, "--modes", "hybrid", "--genes", GENES,
        "--resamples", "20", "--seed", "3", "--json", "e.json", "--output", "e.parquet",
        "--explain", f"{GENE}:1200", "--explain", f"{GENE}:7", "--top", "4", cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return folder, done.stdout


def test_base_and_final_stand_side_by_side(evaluated: tuple[Path, str]) -> None:
    _, said = evaluated
    lines = said.splitlines()

    assert lines[0] == "All genes: 2 genes, 46,095 positions, 27 annotated sites"
    assert lines[1].split() == ["metric", "class", "base", "hybrid", "change"]
    assert sum(line.startswith("average precision") for line in lines) == 2
    assert "20 draws of genes" in said
    assert "\x1b" not in said


def test_table_on_the_terminal_holds_the_figures_of_the_file(evaluated: tuple[Path, str]) -> None:
    folder, said = evaluated
    table = pl.read_parquet(folder / "e.parquet")

    row = table.filter(metric="log_loss_per_site").row(0, named=True)
    [line] = [line for line in said.splitlines() if line.startswith("log loss per site")]
    cells = [
        f"{row[n]:{s}.4f} [{row[f'{n}_low']:{s}.4f}, {row[f'{n}_high']:{s}.4f}]"
        for n, s in (("base", ""), ("hybrid", ""), ("hybrid_change", "+"))
    ]
    assert line.split(maxsplit=5)[5].split() == " ".join(cells).split()


def test_files_hold_what_evaluate_returns(evaluated: tuple[Path, str], demo_path: Path) -> None:
    folder, _ = evaluated
    expected = sm.evaluate(
        demo_path, MODEL, modes=["hybrid"], genes=GENES.split(","), resamples=20, seed=3
    )
    data = json.loads((folder / "e.json").read_text())

    assert pl.read_parquet(folder / "e.parquet").equals(expected)
    assert (data["systems"], data["seed"], data["kind"]) == (["base", "hybrid"], 3, "base scores")
    assert sorted(path.name for path in folder.iterdir()) == ["e.json", "e.parquet"]
    explained = {(row["position"], row["class"]) for row in data["explanations"]}
    assert len(explained) == 6


def test_explanations_name_the_largest_contributions(
    evaluated: tuple[Path, str], demo_path: Path
) -> None:
    _, said = evaluated
    found = sm.explain(demo_path, MODEL, f"{GENE}:1200").filter(**{"class": "donor"})

    lines = said.splitlines()
    start = lines.index(f"{GENE}:1200")
    donor = next(i for i in range(start, len(lines)) if lines[i].startswith("  donor:"))
    assert f"base {found['base'][0]:.6f}, meta-model {found['meta'][0]:.6f}" in lines[donor]
    shown = [line.strip() for line in lines[donor + 2 : donor + 6]]
    for line, row in zip(shown, found.head(4).iter_rows(named=True), strict=True):
        assert line.startswith(row["feature"])
        assert line.endswith(f"{row['contribution']:+.4f}")
    assert f"{GENE}:7" in lines
    assert lines[-8].startswith("The model's features")


def test_a_run_can_be_evaluated_quietly(tmp_path: Path, short_genes: pl.DataFrame) -> None:
    sm.run(short_genes, None, tmp_path / "out", settings=sm.RunSettings(mode="base_only"))

    done = call("evaluate", "out", "-q", "--json", "e.json", "--resamples", "0", cwd=tmp_path)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    data = json.loads((tmp_path / "e.json").read_text())
    assert data["systems"] == ["base", "final"]
    assert data["kind"] == "run"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "nowhere"),
        (["{scores}", "--modes", "hybrid"], "needs a model"),
        (["{scores}", "--explain", "A:1"], "needs a model"),
        (["{scores}", "--model", MODEL, "--explain", "A"], "GENE:POSITION"),
        (["{scores}", "--output", "x.txt"], "x.txt"),
        (["{scores}", "--json", "."], "is a folder"),
    ],
)
def test_wrong_use_is_two_plain_lines_and_writes_nothing(
    tmp_path: Path, demo_path: Path, arguments: list[str], words: str
) -> None:
    filled = [text.replace("{scores}", str(demo_path)) for text in arguments]

    done = call("evaluate", *filled, cwd=tmp_path)

    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 2
    assert list(tmp_path.iterdir()) == []
