"""meta-spliceai's ensembles: the same probabilities as its classes give, from numbers alone."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import polars as pl
import pytest
import xgboost
from sklearn.ensemble import RandomForestClassifier
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from splice_meta.cli.app import run_command
from splice_meta.errors import ModelError, UntrustedModelError
from splice_meta.model.bundle import MetaModel
from splice_meta.model.contributions import contributions
from splice_meta.model.load import load_model

CASES = Path(__file__).parents[2] / "shared" / "cases" / "models"
MODULE = "meta_spliceai.splice_engine.meta_models.training.classifier_utils"
NAMES = ["donor_score", "acceptor_score", "neither_score", "gc_content", "gene_length"]
CLASSES = ("neither", "donor", "acceptor")

rng = np.random.default_rng(11)
X = rng.random((240, len(NAMES)), dtype=np.float32)
Y = np.arange(len(X)) % 3
X[:, 0] += (Y == 1) * 0.5
X[:, 1] += (Y == 2) * 0.5
FRAME = pl.DataFrame(X, schema=NAMES)


# ---- the original classes, written from their formulas ----------------------------------------


def outputs(models: list[Any], x: np.ndarray) -> np.ndarray:
    return np.column_stack([model.predict_proba(x)[:, 1] for model in models])


def by(calibrator: Any, scores: np.ndarray) -> np.ndarray:
    if calibrator is None:
        return scores
    if isinstance(calibrator, LogisticRegression):
        return calibrator.predict_proba(scores.reshape(-1, 1))[:, 1]
    return calibrator.predict(scores)


class Sigmoids:
    kind = "SigmoidEnsemble"

    def __init__(self, models: list[Any], **more: Any) -> None:
        self.state = {"models": models, "feature_names": NAMES} | more

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        return outputs(self.state["models"], x)


class Calibrated(Sigmoids):
    kind = "CalibratedSigmoidEnsemble"

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        s = super().predict_proba(x)
        if self.state["calibrator"] is None:
            return s
        total = s[:, 1] + s[:, 2]
        c = by(self.state["calibrator"], total)
        return np.column_stack([1 - c, s[:, 1] * c / total, s[:, 2] * c / total])


class PerClass(Sigmoids):
    kind = "PerClassCalibratedSigmoidEnsemble"

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        s = super().predict_proba(x)
        t = np.column_stack([by(c, s[:, i]) for i, c in enumerate(self.state["calibrators"])])
        t = t ** (1 / 1.5)
        return t / t.sum(axis=1, keepdims=True)


class Consolidated:
    kind = "ConsolidatedMetaModel"

    def __init__(self, members: list[Any], method: str, weights: list[Any] | None) -> None:
        self.state = {
            "instance_models": members, "feature_names": NAMES, "consolidation_method": method,
            "n_instances": len(members), "model_type": "ConsolidatedMetaModel",
        }  # fmt: skip
        self.state["instance_weights"] = weights or [1 / max(len(members), 1)] * len(members)

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        rows = []
        for member, weight in zip(
            self.state["instance_models"], self.state["instance_weights"], strict=True
        ):
            rows.append(member.predict_proba(x[:, : len(member.state["feature_names"])]) * weight)
        joined = (np.max if self.state["consolidation_method"] == "max" else np.mean)(rows, axis=0)
        return joined / joined.sum(axis=1, keepdims=True)


def mean_of(members: list[Any], x: np.ndarray) -> np.ndarray:
    return np.mean([member.predict_proba(x) for member in members], axis=0)


# ---- files of them ------------------------------------------------------------------------------


@contextmanager
def their_package(module: str = MODULE):
    """The classes of the other package, as long as something is pickled."""
    holder, root = types.ModuleType(module), module.split(".")[0]
    before = {name: sys.modules.get(name) for name in (root, module)}
    sys.modules[root], sys.modules[module] = types.ModuleType(root), holder
    try:
        yield holder
    finally:
        for name, found in before.items():
            sys.modules.pop(name)
            if found is not None:
                sys.modules[name] = found


def as_theirs(found: Any, holder: types.ModuleType) -> Any:
    """One of the objects above, and all in it, as an object of the class of its name."""
    if isinstance(found, list):
        return [as_theirs(each, holder) for each in found]
    if isinstance(found, dict):
        return {name: as_theirs(each, holder) for name, each in found.items()}
    if not hasattr(found, "state") or not hasattr(found, "kind"):
        return found
    if not hasattr(holder, found.kind):
        setattr(holder, found.kind, type(found.kind, (), {"__module__": holder.__name__}))
    made = getattr(holder, found.kind)()
    vars(made).update(as_theirs(found.state, holder))
    return made


def save(path: Path, found: Any) -> Path:
    with their_package() as holder:
        made = as_theirs(found, holder)
        if path.suffix == ".joblib":
            joblib.dump(made, path)
        else:
            import pickle

            path.write_bytes(pickle.dumps(made))
    return path


def binary(seed: int = 0, columns: int = len(NAMES)) -> list[xgboost.XGBClassifier]:
    rows = np.random.default_rng(seed).permutation(len(X))[:160]
    return [
        xgboost.XGBClassifier(n_estimators=4 + seed, max_depth=3, n_jobs=1).fit(
            X[rows][:, :columns], Y[rows] == i
        )
        for i in range(3)
    ]


def platt(scores: np.ndarray, truth: np.ndarray) -> LogisticRegression:
    return LogisticRegression(class_weight="balanced").fit(scores.reshape(-1, 1), truth)


def isotonic(scores: np.ndarray, truth: np.ndarray) -> IsotonicRegression:
    return IsotonicRegression(out_of_bounds="clip").fit(scores, truth)


Maker = Callable[[np.ndarray, np.ndarray], Any]
METHODS: dict[str, Maker | None] = {"platt": platt, "isotonic": isotonic, "none": None}


def calibrated(method: str, seed: int = 0) -> Calibrated:
    models, fit = binary(seed), METHODS[method]
    s = outputs(models, X)
    calibrator = fit(s[:, 1] + s[:, 2], Y > 0) if fit else None
    return Calibrated(models, calibrator=calibrator)


def per_class(methods: tuple[str, str, str], seed: int = 0) -> PerClass:
    models = binary(seed)
    s = outputs(models, X)
    fits = [METHODS[method] for method in methods]
    calibrators = [fit(s[:, i], i == Y) if fit else None for i, fit in enumerate(fits)]
    return PerClass(models, calibrators=calibrators, threshold_donor=None, optimal_threshold=0.5)


def mixed() -> list[Any]:
    return [
        Sigmoids(binary(1)), calibrated("isotonic", 2), per_class(("platt", "none", "isotonic"), 3)
    ]  # fmt: skip


def converted(path: Path, folder: Path) -> MetaModel:
    """The model of a file, by way of a bundle."""
    model = load_model(path, trust_pickle=True)
    again = load_model(model.save(folder / "bundle"))
    np.testing.assert_array_equal(predicted(again), predicted(model))
    assert again.digest() == model.digest()
    assert repr(again.combination) == repr(model.combination)
    assert repr(again.calibration) == repr(model.calibration)
    return again


def predicted(model: MetaModel) -> np.ndarray:
    assert model.classes == CLASSES
    return model.predict_proba(FRAME).to_numpy()


def agree(model: MetaModel, original: np.ndarray) -> None:
    expected = original / original.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(predicted(model), expected, atol=5e-7, rtol=0)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("suffix", [".pkl", ".joblib"])
def test_calibrated_on_the_splice_probability(tmp_path, method, suffix):
    original = calibrated(method)
    model = converted(save(tmp_path / f"m{suffix}", original), tmp_path)
    agree(model, original.predict_proba(X))
    assert model.kind == "three_binary"


@pytest.mark.parametrize(
    "methods",
    [("platt",) * 3, ("isotonic",) * 3, ("none",) * 3, ("isotonic", "none", "platt")],
)
@pytest.mark.parametrize("suffix", [".pkl", ".joblib"])
def test_calibrated_per_class(tmp_path, methods, suffix):
    original = per_class(methods)
    model = converted(save(tmp_path / f"m{suffix}", original), tmp_path)
    agree(model, original.predict_proba(X))
    assert model.calibration.words == f"per_class ({', '.join(methods)}; temperature 1.5)"


@pytest.mark.parametrize("method", ["voting", "max"])
@pytest.mark.parametrize("weights", [None, [0.5, 0.3, 0.2], [np.float64(0.9), 0.1, 0.0]])
def test_consolidated(tmp_path, method, weights):
    original = Consolidated(mixed(), method, weights)
    model = converted(save(tmp_path / "m.pkl", original), tmp_path)
    agree(model, original.predict_proba(X))
    assert model.kind == "combination"
    assert len(model.boosters) == 9


def test_members_that_read_the_first_features_only(tmp_path):
    small = Sigmoids(binary(4, columns=3), feature_names=NAMES[:3])
    original = Consolidated([Sigmoids(binary(1)), small], "voting", None)
    agree(converted(save(tmp_path / "m.pkl", original), tmp_path), original.predict_proba(X))


@pytest.mark.parametrize("form", ["AllGenesBatchEnsemble", "MultiBatchTrainer"])
@pytest.mark.parametrize("suffix", [".pkl", ".joblib"])
def test_mean_of_batches(tmp_path, form, suffix):
    members = [*mixed(), Consolidated(mixed()[:2], "max", None)]
    counts = {"total_genes": 4, "total_positions": 9, "batch_count": 4, "feature_names": NAMES}
    found: dict[str, Any] = {"models": members} | counts
    if form == "AllGenesBatchEnsemble":
        batches = [{"model": m, "batch_id": i, "genes": ["G"]} for i, m in enumerate(members)]
        found = {"type": form, "batch_models": batches, "combination_method": "voting"} | counts
    model = converted(save(tmp_path / f"m{suffix}", found), tmp_path)
    agree(model, mean_of(members, X))
    assert model.training_genes == (("G",) if form == "AllGenesBatchEnsemble" else ())


def test_members_of_three_classes_need_their_order(tmp_path):
    member = xgboost.XGBClassifier(n_estimators=3, n_jobs=1).fit(X, Y)
    found = {"type": "AllGenesBatchEnsemble", "feature_names": NAMES,
             "batch_models": [{"model": member}, {"model": Sigmoids(binary())}]}  # fmt: skip
    path = save(tmp_path / "m.pkl", found)
    with pytest.raises(ModelError, match="which of its outputs"):
        load_model(path, trust_pickle=True)
    model = load_model(path, trust_pickle=True, classes=CLASSES)
    agree(model, mean_of([member, Sigmoids(binary())], X))


@pytest.mark.skipif(not CASES.exists(), reason="the shared cases are not there")
@pytest.mark.parametrize("name", ["perclass_platt", "calibrated_isotonic"])
def test_real_objects_of_their_classes(tmp_path, name):
    model = load_model(CASES / f"{name}.pkl", trust_pickle=True)
    found = model.predict_proba(pl.read_parquet(CASES / "X.parquet"))
    expected = pl.read_parquet(CASES / f"{name}_expected.parquet")
    assert found.columns == expected.columns
    np.testing.assert_allclose(found.to_numpy(), expected.to_numpy(), atol=5e-7, rtol=0)


def old_results(folder: Path) -> Path:
    """A folder as meta-spliceai's training leaves it, with some of its reports."""
    folder.mkdir()
    save(folder / "model_multiclass.pkl", per_class(("platt",) * 3))
    (folder / "feature_manifest.csv").write_text("feature\n" + "\n".join([*NAMES, "chrom"]) + "\n")
    (folder / "train.features.json").write_text(json.dumps({"feature_names": NAMES}))
    (folder / "metrics_aggregate.json").write_text("{}")
    (folder / "gene_cv_metrics.csv").write_text("fold,test_accuracy\n0,0.9\n")
    return folder


def test_a_folder_of_results_stands_for_its_model(tmp_path):
    folder = old_results(tmp_path / "gene_cv_run_4")
    agree(load_model(folder, trust_pickle=True), per_class(("platt",) * 3).predict_proba(X))
    with pytest.raises(UntrustedModelError, match=r"model_multiclass\.pkl is a pickle"):
        load_model(folder)
    save(folder / "model_multiclass_all_genes.pkl", Sigmoids(binary()))
    agree(load_model(folder, trust_pickle=True), outputs(binary(), X))


def test_a_folder_with_several_models_is_refused(tmp_path):
    for name in ("a.pkl", "b.joblib"):
        save(tmp_path / name, Sigmoids(binary()))
    with pytest.raises(ModelError, match=r"several model files: a.pkl, b.joblib"):
        load_model(tmp_path, trust_pickle=True)


# ---- what is refused ----------------------------------------------------------------------------


def forest() -> RandomForestClassifier:
    return RandomForestClassifier(n_estimators=2, random_state=0).fit(X, Y == 1)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (lambda: Sigmoids([*binary()[:2], platt(X[:, 0], Y == 1)]), "acceptor model in .* is a Log"
         "isticRegression"),
        (lambda: Sigmoids([*binary()[:2], forest()]), "RandomForestClassifier"),
        (lambda: PerClass(binary(), calibrators=[None, None, forest()]), "RandomForestClassifier"),
        (lambda: PerClass(binary(), calibrators=[None, None]), "three calibrators"),
        (lambda: Calibrated(binary(), calibrator=binary()[0]), "calibrator .* is a XGBClassifier"),
        (lambda: Calibrated(binary(), calibrator=LogisticRegression()), "a logistic regression"),
        (lambda: Calibrated(binary(), calibrator=LogisticRegression().fit(X, Y == 1)),
         "not a logistic regression of one variable"),
        (lambda: Calibrated(binary(), calibrator=IsotonicRegression()), "not a fitted isotonic"),
        (lambda: Calibrated(binary(), calibrator=IsotonicRegression().fit([0.1, 0.2], [0, 1])),
         "no value for scores below 0.1 or above 0.2"),
        (lambda: Consolidated([], "voting", None), "no instance_models"),
        (lambda: Consolidated(mixed(), "stacking", None), "combines its members by stacking"),
        (lambda: Consolidated(mixed(), "voting", [1.0]), "one weight"),
        (lambda: Consolidated(mixed(), "voting", [1.0, -1.0, 1.0]), "one weight"),
        (lambda: Consolidated([platt(X[:, 0], Y == 1)], "voting", [1.0]), "LogisticRegression"),
        (lambda: Consolidated([Sigmoids(binary()), Sigmoids(binary(), feature_names=NAMES[::-1])],
                              "voting", None), "gene_length in place of donor_score"),
        (lambda: {"models": binary(), "batch_count": 3, "feature_names": NAMES},
         r"1 output\(s\) by binary:logistic"),
        (lambda: {"type": "AllGenesBatchEnsemble", "batch_models": []}, "no batch_models"),
    ],
)  # fmt: skip
def test_what_is_not_of_these_kinds_is_named(tmp_path, found, words):
    made = found()
    path = save(tmp_path / "m.pkl", made)
    with pytest.raises(ModelError, match=words):
        load_model(path, trust_pickle=True, classes=CLASSES)


def test_a_lone_forest_is_named(tmp_path):
    path = save(tmp_path / "m.pkl", forest())
    with pytest.raises(UntrustedModelError, match=r"RandomForestClassifier.*nothing was run"):
        load_model(path, trust_pickle=True)


def test_combinations_too_deep_are_refused(tmp_path):
    found: Any = Sigmoids(binary())
    for _ in range(5):
        found = Consolidated([found], "voting", None)
    with pytest.raises(ModelError, match="at most 4 deep"):
        load_model(save(tmp_path / "m.pkl", found), trust_pickle=True)


def test_a_combination_is_not_explained(tmp_path):
    path = save(tmp_path / "m.pkl", Consolidated(mixed(), "voting", None))
    with pytest.raises(ModelError, match="no sum that could be split"):
        contributions(load_model(path, trust_pickle=True), FRAME)


def test_contributions_of_a_calibrated_ensemble_are_those_of_its_models(tmp_path):
    original = per_class(("platt",) * 3)
    model = load_model(save(tmp_path / "m.pkl", original), trust_pickle=True)
    margins = contributions(model, FRAME).sum(axis=2)
    np.testing.assert_allclose(
        1 / (1 + np.exp(-margins)), outputs(original.state["models"], X), atol=1e-5
    )


# ---- bundles, and the command -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c.update(method="median"), "method"),
        (lambda c: c.update(weights=[1.0]), "weight"),
        (lambda c: c.update(members=[]), "needs members"),
        (lambda c: c.update(is_normalised=1), "is_normalised"),
        (lambda c: c["members"][2]["curves"].update(temperature=0), "temperature"),
        (lambda c: c["members"][2]["curves"]["curves"].pop(), "curve"),
        (lambda c: c["members"][2]["curves"]["curves"][0].update(slope=1e9), "beyond"),
        (lambda c: c["members"][2]["curves"]["curves"][2].update(y=[0.0]), "probabilities"),
        (lambda c: c["members"].pop(), "weight"),
    ],
)
def test_damaged_combinations_are_refused(tmp_path, change, words):
    path = save(tmp_path / "m.pkl", Consolidated(mixed(), "voting", [0.2, 0.3, 0.5]))
    folder = load_model(path, trust_pickle=True).save(tmp_path / "bundle")
    record = json.loads((folder / "bundle.json").read_text())
    record.pop("sha256")
    change(record["combination"])
    (folder / "bundle.json").write_text(json.dumps(record))
    with pytest.raises(ModelError, match=words):
        load_model(folder)


def test_the_command_says_what_it_made(tmp_path, capfd):
    path = save(tmp_path / "m.pkl", Consolidated(mixed(), "voting", [0.2, 0.3, 0.5]))
    assert run_command(["convert-model", str(path), str(tmp_path / "b"), "--trust-pickle"]) == 0
    assert run_command(["inspect", str(tmp_path / "b")]) == 0
    said = capfd.readouterr()
    for words in ("combination", "mean of 3 members, weights 0.2, 0.3, 0.5", "splice (isotonic)",
                  "per_class (platt, none, isotonic; temperature 1.5)",
                  "ConsolidatedMetaModel, m.pkl"):  # fmt: skip
        assert words in said.out
    assert "WARNING" not in said.out + said.err


def test_rows_that_did_not_sum_to_one_are_said(tmp_path, capfd):
    path = save(tmp_path / "m.pkl", Sigmoids(binary()))
    assert run_command(["inspect", str(path), "--trust-pickle"]) == 0
    assert "does not make its three outputs sum to 1; here they do" in capfd.readouterr().out


def test_xgboost_is_silent_about_old_models(tmp_path, capfd):
    model = xgboost.XGBClassifier(n_estimators=2, n_jobs=1).fit(X, Y)
    model.save_model(tmp_path / "m.json")
    data = json.loads((tmp_path / "m.json").read_text())
    data["version"] = [1, 5, 0]
    data["learner"]["feature_names"] = NAMES
    (tmp_path / "m.json").write_text(json.dumps(data))
    with pytest.warns(UserWarning, match="saved before"):
        xgboost.Booster(model_file=str(tmp_path / "m.json"))
    load_model(tmp_path / "m.json", classes=CLASSES)  # where warnings are errors
    said = capfd.readouterr()
    assert said.out + said.err == ""
