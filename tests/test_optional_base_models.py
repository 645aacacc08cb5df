"""A model that predicts from those of its base models that are there."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import splice_meta as sm
from splice_meta.errors import ModelError, UsageError
from splice_meta.model.bundle import BUNDLE
from splice_meta.report.describe_model import describe_model
from splice_meta.training.train import smaller_choices

QUICK = sm.TrainSettings(rounds=8, patience=8, folds=3, repeats=1, threads=1)


@pytest.fixture(scope="module")
def scores(demo_scores: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Two base models; the second is the first, pulled half way towards "neither"."""
    donor, acceptor = (pl.col(f"{t}_score") * 0.5 for t in ("donor", "acceptor"))
    other = demo_scores.with_columns(
        donor_score=donor, acceptor_score=acceptor, neither_score=1 - donor - acceptor
    )
    return {"first": demo_scores, "second": other}


@pytest.fixture(scope="module")
def bundle(scores: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = sm.train(scores, settings=QUICK, optional_base_models=True)
    return model.save(tmp_path_factory.mktemp("optional") / "bundle")


def one_gene(scores: dict[str, pl.DataFrame], *names: str) -> dict[str, pl.DataFrame]:
    gene = scores["first"]["gene_id"][0]
    return {name: scores[name].filter(gene_id=gene) for name in names}


@pytest.mark.parametrize("name", ["first", "second"])
def test_where_one_is_missing_the_model_of_the_other_predicts(
    scores: dict[str, Any], bundle: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    given = one_gene(scores, name)
    alone = sm.train({name: scores[name]}, settings=QUICK)

    with caplog.at_level(logging.WARNING, logger="splice_meta"):
        pred = sm.predict(given, str(bundle), mode="meta_only")

    assert pred.equals(sm.predict(given, alone, mode="meta_only"))
    other = {"first": "second", "second": "first"}[name]
    assert f"There are no scores of {other}: the model's part for {name} predicts." in caplog.text


def test_where_all_are_there_the_whole_model_predicts(
    scores: dict[str, Any], bundle: Path, caplog: pytest.LogCaptureFixture
) -> None:
    both = sm.train(scores, settings=QUICK)
    given = one_gene(scores, "first", "second")

    pred = sm.predict(given, str(bundle))

    assert pred.equals(sm.predict(given, both))
    assert "There are no scores of" not in caplog.text


def test_runs_and_evaluations_take_the_same_part(
    scores: dict[str, Any], bundle: Path, tmp_path: Path
) -> None:
    given = one_gene(scores, "second")
    given["second"].write_parquet(tmp_path / "s.parquet")
    source = {"second": tmp_path / "s.parquet"}
    part = sm.load_model(bundle / "part-2")

    done = sm.run(source, str(bundle), output_dir=tmp_path / "out")

    assert part.base_models == ("second",)
    complete = done.predictions().collect()
    expected = sm.predict(given, part)
    assert complete["donor_meta"].equals(expected["donor_meta"])
    figures = sm.evaluate(source, str(bundle), modes=["hybrid"], resamples=0)
    assert figures.equals(sm.evaluate(source, part, modes=["hybrid"], resamples=0))
    gene = given["second"]["gene_id"][0]
    at = f"{gene}:100"
    assert sm.explain(source, str(bundle), at).equals(sm.explain(source, part, at))


def test_what_no_part_fits_is_refused_and_told(scores: dict[str, Any], bundle: Path) -> None:
    for given in ({"third": scores["first"]}, scores["first"]):
        with pytest.raises(UsageError, match="of first and second, or of first, or of second;"):
            sm.predict(given, str(bundle))


def test_the_bundle_says_what_it_was_trained_for(bundle: Path) -> None:
    model = sm.load_model(bundle)
    assert [part.base_models for part in model.parts] == [("first",), ("second",)]
    assert BUNDLE.foreign(bundle) is None
    said = [text for label, text in describe_model(model) if label == "Or from"]
    assert said == ["first", "second"]
    assert all(part.metadata["card"]["sites"] for part in model.parts)
    assert "or from" in repr(model)


def test_a_part_that_was_exchanged_is_refused(bundle: Path, tmp_path: Path) -> None:
    place = shutil.copytree(bundle, tmp_path / "bundle")
    shutil.rmtree(place / "part-1")
    shutil.copytree(place / "part-2", place / "part-1")
    with pytest.raises(ModelError, match="is not what it was when the bundle was saved"):
        sm.load_model(place)
    shutil.rmtree(place / "part-1")
    with pytest.raises(ModelError):
        sm.load_model(place)
    listed = json.loads((bundle / "bundle.json").read_text())["parts"]
    assert len(listed) == 2


def test_every_smaller_choice_is_trained_once() -> None:
    named = [list(each) for each in smaller_choices(dict.fromkeys("abc"))]
    assert named == [["a", "b"], ["a", "c"], ["b", "c"], ["a"], ["b"], ["c"]]
    for given in ("scores.parquet", {"a": "scores.parquet"}):
        with pytest.raises(UsageError, match="cannot be optional"):
            smaller_choices(given)
