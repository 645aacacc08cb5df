"""Two tables side by side, against counts row by row."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from conftest import FIXTURES, MODEL
from test_cli import call

import splice_meta as sm

GTF = FIXTURES / "annotation.gtf.gz"


@pytest.fixture(scope="module")
def pair(demo_path: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The demo in two modes."""
    return sm.predict(demo_path, mode="base_only"), sm.predict(demo_path, MODEL)


@pytest.mark.parametrize("memory", [1 << 30, 1 << 24])
def test_calls_are_those_counted_row_by_row(
    pair: tuple[pl.DataFrame, pl.DataFrame], memory: int
) -> None:
    found = sm.compare(*pair, resamples=0, memory=memory)

    one, other = pair
    for row in found.calls.iter_rows(named=True):
        site = row["class"]
        was, now = (each[f"{site}_meta"].to_list() for each in pair)
        truth = one["splice_type"].to_list()
        triples = list(zip(was, now, truth, strict=True))
        gained = [t == site for w, n, t in triples if w < 0.5 <= n]
        lost = [t == site for w, n, t in triples if n < 0.5 <= w]
        both = sum(w >= 0.5 and n >= 0.5 for w, n, _ in triples)
        assert (row["both"], row["gained"], row["lost"]) == (both, len(gained), len(lost))
        assert (row["gained_annotated"], row["lost_annotated"]) == (sum(gained), sum(lost))
        assert row["first"] == sum(w >= 0.5 for w in was)
        assert row["agreement"] == both / (both + len(gained) + len(lost))
        near = [(w, n) for w, n, _ in triples if w >= 0.001 or n >= 0.001]
        assert row["correlation"] == pytest.approx(np.corrcoef(np.array(near).T)[0, 1], abs=1e-9)
        assert row["largest_difference"] == max(abs(w - n) for w, n, _ in triples)
        changes = found.changes.filter(pl.col("class") == site)
        assert changes.filter(change="gained").height == len(gained) > 0
        assert changes["annotated"].sum() == sum(gained) + sum(lost)
    assert other.height == found.positions


def test_figures_are_those_of_evaluate(pair: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    found = sm.compare(*pair, resamples=50, seed=4)
    expected = sm.evaluate(pair[1], resamples=50, seed=4)

    assert found.figures is not None
    by_candidates = ["candidates", "ece", "ece_scored"]
    names = {"base": "first", "final": "second", "final_change": "second_change"}
    for old, new in names.items():
        for end in ("", "_low", "_high"):
            same, mine = (
                each.filter(~pl.col("metric").is_in(by_candidates))[name + end].to_list()
                for each, name in ((expected, old), (found.figures, new))
            )
            assert mine == pytest.approx(same, nan_ok=True)


def test_the_same_twice_agrees(pair: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    found = sm.compare(pair[1], pair[1], resamples=0)

    assert found.changes.is_empty()
    assert found.calls["agreement"].to_list() == [1.0, 1.0]
    assert found.calls["correlation"].to_list() == pytest.approx([1.0, 1.0])


def test_other_orders_and_fewer_rows(
    pair: tuple[pl.DataFrame, pl.DataFrame], caplog: pytest.LogCaptureFixture
) -> None:
    one, other = pair
    genes = one["gene_id"].unique(maintain_order=True).to_list()
    turned = pl.concat(other.filter(gene_id=gene) for gene in reversed(genes[1:]))

    found = sm.compare(one, turned, resamples=0)
    straight = sm.compare(one.filter(pl.col("gene_id") != genes[0]), turned, resamples=0)

    assert found.calls.equals(straight.calls)
    assert found.changes.equals(straight.changes)
    assert found.only_first == (genes[0],)
    assert f"only in the first, such as {genes[0]}" in caplog.text


def test_without_truth_there_are_no_figures(pair: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    one, other = (each.drop("splice_type") for each in pair)

    found = sm.compare(one, other)
    annotated = sm.compare(one, other, annotation=GTF, resamples=0)

    assert found.figures is None
    assert found.calls["gained_annotated"].is_null().all()
    assert found.changes["annotated"].is_null().all()
    assert annotated.figures is not None


def test_runs_from_the_command_line(tmp_path: Path, demo_path: Path) -> None:
    for name, mode in (("a", "base_only"), ("b", "hybrid")):
        done = call(
            "run", "--scores", demo_path, "--model", MODEL, "--inference-mode", mode,
            "--output-dir", name, cwd=tmp_path,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    done = call(
        "compare", "a", "b", "--resamples", "20", "-o", "c.csv", "--json", "c.json", cwd=tmp_path
    )

    assert done.returncode == 0, done.stderr
    assert "5 genes and 271,163 positions are in both." in done.stdout
    data = json.loads((tmp_path / "c.json").read_text())
    changes = pl.read_csv(tmp_path / "c.csv")
    assert sum(row["gained"] + row["lost"] for row in data["calls"]) == changes.height
    [table] = (tmp_path / "b").rglob("complete_coverage_predictions.parquet")
    again = call("compare", "a", table.parent, "--resamples", "0", cwd=tmp_path)
    assert again.stdout.splitlines()[3:7] == done.stdout.splitlines()[3:7]
