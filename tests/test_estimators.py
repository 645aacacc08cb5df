"""Any estimator as a model in Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import skops.io
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import splice_meta as sm
from splice_meta.errors import ModelError
from splice_meta.manifest import reference124
from splice_meta.model.contributions import contributions
from splice_meta.model.load import load_model

NAMES = tuple(n for n in reference124().names if not n.startswith(("3mer", "gene_", "tx_")))[:30]
WORDS = np.array(["neither", "donor", "acceptor"])


@pytest.fixture(scope="module")
def rows(demo_scores: pl.DataFrame) -> pl.DataFrame:
    """Features of the positions of some genes that score, with the truth."""
    genes = demo_scores["gene_id"].unique(maintain_order=True).to_list()[:3]
    table = demo_scores.filter(pl.col("gene_id").is_in(genes))
    plan = sm.plan_features(table, sm.FeatureManifest(NAMES)).collect()
    truth = table["splice_type"].rename("truth")
    found = plan.with_columns(truth)
    return found.filter((pl.col("donor_score") + pl.col("acceptor_score") > 0.01) | (truth > 0))


def fitted(rows: pl.DataFrame, kind: str, names: bool = True) -> Any:
    made = {
        "forest": RandomForestClassifier(n_estimators=20, max_depth=6, random_state=0),
        "linear": make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)),
    }[kind]
    y = rows["truth"].to_numpy()
    return made.fit(rows.select(NAMES), WORDS[y] if names else y)


@pytest.mark.parametrize("kind", ["forest", "linear"])
def test_predictions_are_the_estimators(rows, short_genes, kind):
    estimator = fitted(rows, kind)
    found = sm.predict(short_genes, estimator)
    features = sm.plan_features(short_genes, sm.FeatureManifest(NAMES)).collect()
    expected = estimator.predict_proba(features.select(NAMES))
    ran = found["is_adjusted"].to_numpy()
    assert ran.any()
    for column, name in enumerate(estimator.classes_):
        got = found[f"{name}_meta"].to_numpy()
        np.testing.assert_allclose(got[ran], expected[ran, column], atol=1e-6)
        base = short_genes[f"{name}_score"].to_numpy()
        np.testing.assert_array_equal(got[~ran], base[~ran])


def test_a_whole_run_takes_it(rows, short_genes, tmp_path):
    estimator = fitted(rows, "forest")
    done = sm.run(short_genes, estimator, tmp_path / "out")
    assert done.failed == 0
    assert done.predictions().select(pl.col("is_adjusted").sum()).collect().item() > 0
    assert "a RandomForestClassifier" in done.report


def test_one_that_was_kept_by_skops_gives_the_same_values(rows, short_genes, tmp_path):
    estimator = fitted(rows, "forest")
    skops.io.dump(estimator, tmp_path / "m.skops")
    trusted = skops.io.get_untrusted_types(file=tmp_path / "m.skops")
    again = skops.io.load(tmp_path / "m.skops", trusted=trusted)
    for mode in ("hybrid", "meta_only"):
        one, other = (sm.predict(short_genes, each, mode=mode) for each in (estimator, again))
        assert one.equals(other)
    with pytest.raises(ModelError, match="RandomForestClassifier"):
        load_model(tmp_path / "m.skops")


def test_codes_need_their_order(rows, short_genes):
    estimator = fitted(rows, "forest", names=False)
    with pytest.raises(ModelError, match="codes 0, 1, 2"):
        sm.predict(short_genes, estimator)
    model = load_model(estimator, classes=tuple(WORDS.tolist()))
    named = load_model(fitted(rows, "forest"))
    assert set(model.classes) == set(named.classes)
    mine, theirs = (sm.predict(short_genes, each) for each in (model, named))
    np.testing.assert_allclose(mine["donor_meta"], theirs["donor_meta"], atol=0.2)


def test_what_it_cannot_do_is_said(rows, tmp_path):
    model = load_model(fitted(rows, "forest"))
    assert model.trees == 0
    assert sum(model.gains().values()) == pytest.approx(1)
    assert len(model.digest()) == 64
    with pytest.raises(ModelError, match="cannot be saved as a bundle"):
        model.save(tmp_path / "bundle")
    with pytest.raises(ModelError, match="cannot be split"):
        contributions(model, rows)
    with pytest.raises(ModelError, match="Leave the classes out"):
        load_model(fitted(rows, "forest"), classes=("donor", "acceptor", "neither"))


class Wrong:
    feature_names_in_ = np.array(["donor_score", "acceptor_score"])
    classes_ = WORDS

    def __init__(self, found: Any) -> None:
        self.found = found

    def predict_proba(self, x: pl.DataFrame) -> Any:
        return np.full((x.height, 3), self.found) if np.isscalar(self.found) else self.found


@pytest.mark.parametrize("found", [0.5, np.nan, -1.0, np.zeros((1, 2))])
def test_what_is_no_probability_is_refused(short_genes, found):
    with pytest.raises(ModelError, match="probabilities of three classes"):
        sm.predict(short_genes, Wrong(found), mode="meta_only")


def test_two_classes_are_refused(rows):
    two = RandomForestClassifier(n_estimators=2).fit(rows.select(NAMES), rows["truth"] > 0)
    with pytest.raises(ModelError, match="knows 2 classes"):
        load_model(two)


def test_a_path_is_still_a_path(tmp_path):
    with pytest.raises(ModelError, match="no model at"):
        load_model(Path(tmp_path) / "nothing")
