"""Contributions by feature add up to the prediction."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from conftest import MODEL
from test_predictions import SCORES_TABLE
from test_predictions import train as train_anew

import splice_meta as sm
from splice_meta.errors import FeatureError, InputError, UsageError
from splice_meta.model.contributions import contributions
from splice_meta.model.vector_leaves import has_vector_leaves, one_output_per_tree

train = cache(train_anew)

GENE = "ENSG00000164039"
POSITIONS = [f"{GENE}:{place}" for place in (1200, 5, 22279)]


def probabilities(model: sm.MetaModel, margins: np.ndarray) -> np.ndarray:
    """Of summed contributions, shape (rows, classes)."""
    wide = margins.astype(np.float64)
    if model.kind == "multiclass":
        grown = np.exp(wide - wide.max(axis=1, keepdims=True))
    else:
        grown = 1 / (1 + np.exp(-wide))
    return grown / grown.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("kind", ["multiclass", "three_binary"])
@pytest.mark.parametrize("margin", [False, True])
def test_contributions_sum_to_the_prediction(kind: str, margin: bool) -> None:
    model = train(kind, margin=margin)
    frame = sm.plan_features(SCORES_TABLE, model.manifest).collect()

    split = contributions(model, frame)

    assert split.shape == (frame.height, 3, len(model.manifest.names) + 2)
    np.testing.assert_allclose(
        probabilities(model, split.sum(axis=2)), model.predict_proba(frame).to_numpy(), atol=1e-5
    )
    assert (split[:, :, -2] != 0).any() == margin
    # The bias is what trees give without features: the same for every row.
    assert np.ptp(split[:, :, -1], axis=0).max() < 1e-4


@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize("parallel", [1, 2])
def test_trees_with_vector_leaves_are_explained(
    demo_path: Path, residual: bool, parallel: int
) -> None:
    settings = sm.TrainSettings(
        rounds=6, folds=2, repeats=1, depth=4, parallel_trees=parallel, residual=residual,
        calibration="none",
    )  # fmt: skip
    model = sm.train(demo_path, settings=settings)
    frame = sm.plan_features(demo_path, model.manifest, selection=sm.Selection()).collect()[:3000]
    assert has_vector_leaves(json.loads(model.boosters[0].save_raw("json"))["learner"])

    split = contributions(model, frame)

    np.testing.assert_allclose(
        probabilities(model, split.sum(axis=2)), model.predict_proba(frame).to_numpy(), atol=1e-5
    )
    assert np.ptp(split[:, :, -1], axis=0).max() < 1e-4


def test_trees_of_one_output_are_left_as_they_are() -> None:
    booster = train("multiclass", margin=True).boosters[0]

    assert one_output_per_tree(booster) is booster


def test_the_bundled_model_is_explained(demo_path: Path, model: sm.MetaModel) -> None:
    found = sm.explain(demo_path, MODEL, POSITIONS)

    keys = [f"{gene}:{place}" for gene, place in found.select("gene_id", "position").rows()]
    assert list(dict.fromkeys(keys)) == POSITIONS
    assert found.height == 3 * 3 * (len(model.manifest.names) + 2)
    margins = found.group_by("position", "class", maintain_order=True).agg(
        pl.col("contribution").sum(), pl.col("meta").first()
    )
    given = margins["contribution"].to_numpy().reshape(3, 3)
    assert model.calibration is not None
    found_meta = model.calibration.apply(probabilities(model, given))
    np.testing.assert_allclose(found_meta, margins["meta"].to_numpy().reshape(3, 3), atol=1e-5)
    sizes = found.group_by("position", "class", maintain_order=True).agg(
        is_falling=(pl.col("contribution").abs().diff().fill_null(0) <= 0).all()
    )
    assert sizes["is_falling"].all()


def test_explained_probabilities_are_those_of_meta_only(
    demo_path: Path, model: sm.MetaModel
) -> None:
    found = sm.explain(demo_path, model, POSITIONS[0])
    pred = sm.predict(demo_path, model, mode="meta_only", genes=GENE).filter(position=1200)

    for name in model.classes:
        part = found.filter(**{"class": name})
        assert part["meta"][0] == pred[f"{name}_meta"].item()
        assert part["base"][0] == pred[f"{name}_score"].item()
        [base] = part.filter(feature="base model").rows(named=True)
        score = max(pred[f"{name}_score"].item(), model.margin.floor)
        assert base["contribution"] == pytest.approx(np.log(score), abs=1e-5)


def test_without_a_margin_the_base_model_has_no_entry() -> None:
    found = sm.explain(SCORES_TABLE, train("three_binary", margin=False), ["A:3", "C:5"])

    assert "base model" not in found["feature"]
    assert found.filter(pl.col("feature") == "bias")["value"].null_count() == 6


def test_a_run_is_explained_from_its_base_table(
    short_genes: pl.DataFrame, model: sm.MetaModel, tmp_path: Path
) -> None:
    sm.run(short_genes, None, tmp_path / "out", settings=sm.RunSettings(mode="base_only"))

    found = sm.explain(tmp_path / "out", model, f"{GENE}:700")

    assert found.equals(sm.explain(short_genes, model, f"{GENE}:700"))


@pytest.mark.parametrize(
    ("positions", "error", "words"),
    [
        ("A", UsageError, "GENE:POSITION"),
        ("A:x", UsageError, "GENE:POSITION"),
        (":5", UsageError, "GENE:POSITION"),
        ([], UsageError, "No position"),
        ("A:101", InputError, "A:101"),
        (["A:1", "X:1"], InputError, "X:1"),
        ("X:1", InputError, "X"),
    ],
)
def test_positions_that_are_not_there_say_so(positions, error, words: str) -> None:
    with pytest.raises(error) as caught:
        sm.explain(SCORES_TABLE, train("multiclass", margin=True), positions)

    assert words in str(caught.value)
    assert caught.value.hint


def test_predictions_and_frames_that_lack_columns_are_refused() -> None:
    model = train("multiclass", margin=True)

    with pytest.raises(UsageError, match="Predictions"):
        sm.explain(sm.predict(SCORES_TABLE, model), model, "A:1")
    with pytest.raises(FeatureError, match="lacks 5"):
        contributions(model, SCORES_TABLE.select("gene_id"))
