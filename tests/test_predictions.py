from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
import xgboost
from conftest import make_scores

import splice_meta as sm
from splice_meta.contracts import FINAL, SCORES
from splice_meta.errors import FeatureError, ModelError, UsageError
from splice_meta.manifest import FeatureManifest
from splice_meta.model.bundle import MetaModel
from splice_meta.model.bundle_writer import write_digests
from splice_meta.model.margin import Margin
from splice_meta.model.predict import predict_proba

NAMES = ("donor_score", "acceptor_score", "neither_score", "context_max", "3mer_AAA")


def train(kind: str, margin: bool, classes: tuple[str, ...] = sm.MetaModel.classes) -> MetaModel:
    rng = np.random.default_rng(3)
    x = rng.random((400, len(NAMES))).astype(np.float32)
    y = rng.integers(0, 3, 400)
    common = {"max_depth": 2, "eta": 0.5, "seed": 1}
    if kind == "multiclass":
        data = xgboost.DMatrix(x, y)
        parameters = common | {"objective": "multi:softprob", "num_class": 3}
        boosters = (xgboost.train(parameters, data, 4),)
    else:
        boosters = tuple(
            xgboost.train(common | {"objective": "binary:logistic"}, xgboost.DMatrix(x, y == i), 4)
            for i in range(3)
        )
    for booster in boosters:
        booster.feature_names = list(NAMES)
    return MetaModel(
        manifest=FeatureManifest(NAMES),
        boosters=boosters,
        kind=kind,
        classes=classes,
        margin=Margin(floor=1e-6) if margin else None,
        base_models=("test",),
        training_genes=("A",),
    )


SCORES_TABLE = make_scores({"A": list(range(1, 101)), "B": list(range(1, 71)), "C": [5]})
FEW = 40


def reference_probabilities(model: MetaModel, features: pl.DataFrame) -> np.ndarray:
    """Row by row, through xgboost's ordinary DMatrix."""
    rows = []
    for row in features.iter_rows(named=True):
        x = np.array([[row[name] for name in NAMES]], np.float32)
        p = [max(row[f"{name}_score"], 1e-6) for name in model.classes]
        if model.kind == "multiclass":
            data = xgboost.DMatrix(x, feature_names=list(NAMES))
            if model.margin:
                data.set_base_margin(np.log(np.array([p])))
            rows.append(model.boosters[0].predict(data)[0])
            continue
        single = []
        for booster, q in zip(model.boosters, p, strict=True):
            data = xgboost.DMatrix(x, feature_names=list(NAMES))
            if model.margin:
                inside = min(q, 1 - 1e-6)
                data.set_base_margin(np.array([math.log(inside / (1 - inside))]))
            single.append(booster.predict(data)[0])
        rows.append(np.array(single) / sum(single))
    return np.array(rows)


@pytest.mark.parametrize("kind", ["multiclass", "three_binary"])
@pytest.mark.parametrize("margin", [False, True])
def test_probabilities_equal_the_row_by_row_reference(kind: str, margin: bool) -> None:
    model = train(kind, margin)
    features = sm.plan_features(SCORES_TABLE, model.manifest).collect().head(FEW)

    found = model.predict_proba(features)

    assert found.columns == list(model.classes)
    np.testing.assert_allclose(
        found.to_numpy(), reference_probabilities(model, features), rtol=1e-5, atol=1e-7
    )


@pytest.mark.parametrize("kind", ["multiclass", "three_binary"])
@pytest.mark.parametrize("rows", [1, 7, 39, 1000])
def test_batch_size_does_not_matter(kind: str, rows: int) -> None:
    model = train(kind, margin=True)
    features = sm.plan_features(SCORES_TABLE, model.manifest).collect().head(FEW)

    assert predict_proba(model, features, rows).equals(model.predict_proba(features))


def test_column_order_of_the_frame_does_not_matter() -> None:
    model = train("multiclass", margin=False)
    features = sm.plan_features(SCORES_TABLE, model.manifest).collect()

    turned = model.predict_proba(features.select(reversed(features.columns)))

    assert turned.equals(model.predict_proba(features))


def test_class_order_of_the_model_is_respected() -> None:
    # The same trees under another stated order: the same numbers under other names.
    ours = train("multiclass", margin=False)
    theirs = train("multiclass", margin=False, classes=("donor", "acceptor", "neither"))

    a = sm.predict(SCORES_TABLE, ours, mode="meta_only")
    b = sm.predict(SCORES_TABLE, theirs, mode="meta_only")

    assert a["neither_meta"].equals(b["donor_meta"])
    assert a["donor_meta"].equals(b["acceptor_meta"])


def test_missing_column_is_named() -> None:
    model = train("multiclass", margin=True)
    features = sm.plan_features(SCORES_TABLE, model.manifest).collect()

    with pytest.raises(FeatureError, match="context_max"):
        model.predict_proba(features.drop("context_max"))


def test_wrong_classes_are_refused() -> None:
    with pytest.raises(ModelError, match="donor, acceptor, other"):
        train("multiclass", margin=False, classes=("donor", "acceptor", "other"))


@pytest.mark.parametrize("kind", ["multiclass", "three_binary"])
def test_bundle_round_trip(kind: str, tmp_path) -> None:
    model = train(kind, margin=True)

    model.save(tmp_path / "bundle")
    again = sm.load_model(tmp_path / "bundle")

    assert again.manifest == model.manifest
    assert (again.kind, again.classes, again.margin) == (model.kind, model.classes, model.margin)
    assert again.training_genes == ("A",)
    assert sm.predict(SCORES_TABLE, again).equals(sm.predict(SCORES_TABLE, model))
    assert again.digest() == model.digest()


def test_damaged_bundles_are_model_errors(tmp_path) -> None:
    folder = train("multiclass", margin=True).save(tmp_path / "bundle")
    (folder / "feature_manifest.json").write_text(FeatureManifest(NAMES[:3]).to_json())
    with pytest.raises(ModelError, match="is not what it was"):
        sm.load_model(folder)
    write_digests(folder)
    with pytest.raises(ModelError, match="reads 5 features, its manifest lists 3"):
        sm.load_model(folder)
    (folder / "model.ubj").write_bytes(b"not a model")
    write_digests(folder)
    with pytest.raises(ModelError, match="is not JSON"):
        sm.load_model(folder)
    (folder / "bundle.json").write_text("{}")
    with pytest.raises(ModelError, match="format_version is missing"):
        sm.load_model(folder)
    (folder / "bundle.json").unlink()
    with pytest.raises(ModelError, match="not a model bundle"):
        sm.load_model(folder)
    with pytest.raises(ModelError, match="no model at"):
        sm.load_model(tmp_path / "nowhere")


def test_hybrid_mixes_base_and_meta_by_row() -> None:
    model = train("multiclass", margin=True)

    hybrid = sm.predict(SCORES_TABLE, model)
    every = sm.predict(SCORES_TABLE, model, mode="meta_only")
    base = sm.predict(SCORES_TABLE, mode="base_only")

    # One row in ten per gene, rounded up: 10 + 7 + 1.
    assert hybrid.group_by("gene_id", maintain_order=True).agg(pl.col("is_adjusted").sum())[
        "is_adjusted"
    ].to_list() == [10, 7, 1]
    for table in (hybrid, every, base):
        assert table["is_uncertain"].equals(hybrid["is_uncertain"])
    for final, score in zip(FINAL, SCORES, strict=True):
        expected = pl.select(
            pl.when(hybrid["is_uncertain"]).then(every[final]).otherwise(base[score])
        ).to_series()
        assert hybrid[final].equals(expected)
        assert base[final].equals(base[score])
    assert hybrid["is_adjusted"].equals(hybrid["is_uncertain"])
    assert every["is_adjusted"].all()
    assert not base["is_adjusted"].any()
    assert (hybrid["prediction_source"] == "meta_model").equals(hybrid["is_adjusted"])


def test_final_probabilities_sum_to_one_where_the_model_ran() -> None:
    for kind in ("multiclass", "three_binary"):
        found = sm.predict(SCORES_TABLE, train(kind, margin=True), mode="meta_only")
        sums = found.select(pl.sum_horizontal(pl.col(FINAL).cast(pl.Float64))).to_series()
        assert (sums - 1).abs().max() < 1e-5


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ((0.2, 0.2, 0.6), "neither"),
        ((0.5, 0.0, 0.5), "neither"),
        ((0.5, 0.5, 0.0), "donor"),
        ((0.4, 0.6, 0.0), "acceptor"),
        ((0.0, 0.5, 0.5), "neither"),
    ],
)
def test_splice_type_ties_go_to_neither_then_donor(
    scores: tuple[float, float, float], expected: str
) -> None:
    table = pl.DataFrame(
        {"gene_id": ["A"], "position": [1]} | dict(zip(SCORES, ([s] for s in scores), strict=True))
    )

    found = sm.predict(table, mode="base_only")

    assert found["predicted_type"].to_list() == [expected]
    assert found["predicted_type_base"].to_list() == [expected]


def test_lean_has_the_same_predictions_without_the_measures() -> None:
    model = train("multiclass", margin=True)

    full = sm.predict(SCORES_TABLE, model)
    lean = sm.predict(SCORES_TABLE, model, columns="lean")

    assert lean.columns == [
        "gene_id", "position", *SCORES, *FINAL, "predicted_type", "prediction_source",
        "is_uncertain", "is_adjusted",
    ]  # fmt: skip
    assert full.select(lean.columns).equals(lean)
    assert set(full.columns) - set(lean.columns) == {
        "max_score", "max_confidence", "score_entropy", "score_spread", "score_variance",
        "is_low_confidence", "is_high_entropy", "is_low_discriminability",
        "confidence_category", "predicted_type_base",
    }  # fmt: skip


def test_full_table_types() -> None:
    table = SCORES_TABLE.with_columns(
        chrom=pl.lit("1"), strand=pl.lit("+"), genomic_position=pl.col("position") + 99,
        splice_type=pl.lit(0),
    )  # fmt: skip

    schema = sm.predict(table, mode="base_only").schema

    assert schema["position"] == pl.Int64
    assert {schema[name] for name in (*SCORES, *FINAL, "score_entropy")} == {pl.Float32()}
    assert schema["predicted_type"] == pl.Enum(["neither", "donor", "acceptor"])
    assert schema["prediction_source"] == pl.Enum(["base_model", "meta_model"])
    assert [n for n in schema if n in ("chrom", "strand", "genomic_position")] == [
        "chrom", "strand", "genomic_position",
    ]  # fmt: skip
    assert schema["splice_type"] == schema["predicted_type"]


def test_a_mode_that_needs_a_model_says_so() -> None:
    with pytest.raises(UsageError, match="needs a model"):
        sm.predict(SCORES_TABLE)


def test_settings_alone_are_respected() -> None:
    model = train("multiclass", margin=True)

    found = sm.predict(
        SCORES_TABLE, model, settings=sm.RunSettings(mode="meta_only", columns="lean")
    )

    assert found["is_adjusted"].all()
    assert "score_entropy" not in found.columns


def test_one_gene_may_be_named_as_text(caplog: pytest.LogCaptureFixture) -> None:
    found = sm.predict(SCORES_TABLE, mode="base_only", genes="B")

    assert found["gene_id"].unique().to_list() == ["B"]
    sm.predict(SCORES_TABLE, mode="base_only", genes=["B", "GHOST"])
    assert "Gene GHOST has no base scores" in caplog.text


def test_scores_just_below_zero_give_no_nan() -> None:
    table = pl.DataFrame(
        {"gene_id": ["A"], "position": [1], "donor_score": [-5e-5], "acceptor_score": [-5e-5],
         "neither_score": [1.00005], "base": ["A"]}
    )  # fmt: skip

    found = sm.plan_features(table, sm.reference124()).collect()

    assert not found.select(pl.any_horizontal(pl.col(pl.Float32).is_nan())).item()
