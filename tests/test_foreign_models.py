"""Other people's model files: what is read, what is refused, and that nothing in them is run."""

from __future__ import annotations

import builtins
import contextlib
import io
import json
import os
import pickle
import struct
import sys
import types
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import polars as pl
import pytest
import xgboost
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import LabelEncoder

from splice_meta.errors import ManifestError, ModelError, UntrustedModelError
from splice_meta.manifest import FeatureManifest
from splice_meta.model.bundle import MetaModel
from splice_meta.model.foreign import load_foreign
from splice_meta.model.held import Held, Named, plain
from splice_meta.model.load import load_model
from splice_meta.model.unpickle import read_pickle

NAMES = ["donor_score", "acceptor_score", "neither_score", "gc_content", "gene_length"]
META_SPLICEAI = ("neither", "donor", "acceptor")
AGENTIC = ("donor", "acceptor", "neither")
ENSEMBLE_MODULE = "meta_spliceai.splice_engine.meta_models.training.classifier_utils"

rng = np.random.default_rng(7)
X = rng.random((90, len(NAMES)), dtype=np.float32)
Y = np.arange(90) % 3
X[:, 0] += (Y == 1) * 0.7
X[:, 1] += (Y == 2) * 0.7
FRAME = pl.DataFrame(X, schema=NAMES)


def train(y: Any = Y, names: list[str] | None = None, **params: Any) -> xgboost.XGBClassifier:
    settings = {"n_estimators": 3, "max_depth": 2, "n_jobs": 1} | params
    model = xgboost.XGBClassifier(**settings).fit(X, y)
    model.get_booster().feature_names = names
    return model


def probabilities(model: MetaModel) -> np.ndarray:
    return model.predict_proba(FRAME).to_numpy()


def write_csv(folder: Path, names: list[str]) -> None:
    (folder / "feature_manifest.csv").write_text("feature\n" + "\n".join(names) + "\n")


def save_pickle(path: Path, found: Any, protocol: int = pickle.DEFAULT_PROTOCOL) -> Path:
    path.write_bytes(pickle.dumps(found, protocol=protocol))
    return path


# ---- lone XGBoost files ----------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".json", ".ubj"])
@pytest.mark.parametrize("classes", [META_SPLICEAI, AGENTIC])
def test_lone_file_predicts_as_the_original(tmp_path, suffix, classes):
    original = train(names=NAMES)
    original.save_model(tmp_path / f"model{suffix}")

    model = load_model(tmp_path / f"model{suffix}", classes=classes)

    assert model.kind == "multiclass"
    assert model.margin is None
    assert model.manifest.names == tuple(NAMES)
    assert model.predict_proba(FRAME).columns == list(classes)
    np.testing.assert_allclose(probabilities(model), original.predict_proba(X), rtol=1e-6)


@pytest.mark.parametrize("suffix", [".json", ".ubj"])
def test_class_order_is_never_guessed(tmp_path, suffix):
    train(names=NAMES).save_model(tmp_path / f"model{suffix}")

    with pytest.raises(ModelError) as caught:
        load_foreign(tmp_path / f"model{suffix}")

    for part in ("convert-model MODEL OUT --classes neither,donor,acceptor", "donor,acceptor,nei"):
        assert part in str(caught.value)


def test_classes_must_be_the_three(tmp_path):
    train(names=NAMES).save_model(tmp_path / "model.ubj")
    with pytest.raises(ModelError, match="classes are donor, donor, neither"):
        load_foreign(tmp_path / "model.ubj", classes=("donor", "donor", "neither"))


def test_own_names_win_over_a_manifest_with_surplus_columns(tmp_path):
    original = train(names=NAMES)
    original.save_model(tmp_path / "model.ubj")
    write_csv(tmp_path, ["never_used", *reversed(NAMES), "chrom"])

    model = load_foreign(tmp_path / "model.ubj", classes=META_SPLICEAI)

    assert model.manifest.names == tuple(NAMES)
    np.testing.assert_allclose(probabilities(model), original.predict_proba(X), rtol=1e-6)


def test_nameless_model_takes_the_manifest_beside_it(tmp_path):
    original = train()
    original.save_model(tmp_path / "model.json")
    write_csv(tmp_path, NAMES)

    model = load_foreign(tmp_path / "model.json", classes=META_SPLICEAI)

    assert model.boosters[0].feature_names == NAMES
    np.testing.assert_allclose(probabilities(model), original.predict_proba(X), rtol=1e-6)


def test_made_up_names_count_as_none(tmp_path):
    train(names=[f"f{i}" for i in range(5)]).save_model(tmp_path / "model.ubj")
    write_csv(tmp_path, NAMES)
    model = load_foreign(tmp_path / "model.ubj", classes=META_SPLICEAI)
    assert model.manifest.names == tuple(NAMES)


def test_json_manifest_adds_window_and_fills_of_the_models_features(tmp_path):
    train(names=NAMES).save_model(tmp_path / "model.ubj")
    listed = FeatureManifest(
        (*NAMES, "num_exons"), half_width=40, fills=(("gene_length", 7.0), ("num_exons", 1.0))
    )
    (tmp_path / "feature_manifest.json").write_text(listed.to_json())

    model = load_foreign(tmp_path / "model.ubj", classes=META_SPLICEAI)

    assert model.manifest == FeatureManifest(tuple(NAMES), 40, (("gene_length", 7.0),))


@pytest.mark.parametrize("names", [NAMES[:4], [*NAMES, "chrom"]])
def test_nameless_model_with_another_number_of_features_is_refused(tmp_path, names):
    train().save_model(tmp_path / "model.ubj")
    write_csv(tmp_path, names)
    with pytest.raises(ModelError, match=f"reads 5 features, its manifest lists {len(names)}"):
        load_foreign(tmp_path / "model.ubj", classes=META_SPLICEAI)


def test_nameless_model_without_manifest_is_refused(tmp_path):
    train().save_model(tmp_path / "model.ubj")
    with pytest.raises(ModelError, match=r"feature_manifest\.csv"):
        load_foreign(tmp_path / "model.ubj", classes=META_SPLICEAI)


def test_unreadable_manifest_is_an_error_even_if_the_model_has_names(tmp_path):
    train(names=NAMES).save_model(tmp_path / "model.ubj")
    (tmp_path / "feature_manifest.json").write_text("{}")
    with pytest.raises(ManifestError):
        load_foreign(tmp_path / "model.ubj", classes=META_SPLICEAI)


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"y": Y % 2}, "1 output.s. by binary:logistic"),
        ({"y": np.arange(90) % 4}, "4 output.s. by multi:softprob"),
        ({"booster": "gblinear", "verbosity": 0}, "gblinear"),
    ],
)
def test_models_of_another_shape_are_refused(tmp_path, params, reason):
    train(names=NAMES, **params).save_model(tmp_path / "model.ubj")
    with pytest.raises(ModelError, match=reason):
        load_foreign(tmp_path / "model.ubj", classes=META_SPLICEAI)


def test_margins_of_a_custom_objective_are_no_probabilities(tmp_path):
    data = xgboost.DMatrix(X, Y, feature_names=NAMES)
    flat = np.full((len(X), 3), 0.1, np.float32)
    params = {"num_class": 3, "objective": "reg:squarederror"}
    model = xgboost.train(params, data, 2, obj=lambda *_: (flat, flat))
    model.save_model(tmp_path / "model.ubj")
    with pytest.raises(ModelError, match=r"3 output\(s\) by reg:squarederror"):
        load_foreign(tmp_path / "model.ubj", classes=META_SPLICEAI)


def test_categories_are_refused(tmp_path):
    model = train(names=NAMES)
    model.get_booster().feature_types = ["float", "float", "float", "c", "float"]
    model.save_model(tmp_path / "model.ubj")
    with pytest.raises(ModelError, match=r"1 feature\(s\) as categories"):
        load_foreign(tmp_path / "model.ubj", classes=META_SPLICEAI)


def test_softmax_gives_probabilities_and_keeps_them_in_the_bundle(tmp_path):
    data = xgboost.DMatrix(X, Y, feature_names=NAMES)
    params = {"num_class": 3, "max_depth": 2, "nthread": 1}
    xgboost.train(params | {"objective": "multi:softmax"}, data, 3).save_model(tmp_path / "m.ubj")
    expected = xgboost.train(params | {"objective": "multi:softprob"}, data, 3).predict(data)

    model = load_foreign(tmp_path / "m.ubj", classes=META_SPLICEAI)
    again = load_model(model.save(tmp_path / "bundle"))

    np.testing.assert_allclose(probabilities(model), expected, rtol=1e-6)
    np.testing.assert_array_equal(probabilities(again), probabilities(model))


@pytest.mark.parametrize("form", ["file", "pickle"])
def test_early_stopping_keeps_the_rounds_up_to_the_best(tmp_path, form):
    original = train(names=NAMES, n_estimators=6)
    every_round = original.predict_proba(X)
    original.get_booster().set_attr(best_iteration="1")
    path = tmp_path / ("model.ubj" if form == "file" else "model.pkl")
    original.get_booster().save_model(path) if form == "file" else save_pickle(path, original)

    model = load_foreign(path, trust_pickle=True, classes=META_SPLICEAI)

    assert model.trees == 2 * 3
    assert not np.allclose(probabilities(model), every_round)
    np.testing.assert_allclose(probabilities(model), original.predict_proba(X), rtol=1e-6)


@pytest.mark.parametrize("name", ["model.ubj", "model.json", "model.bin"])
def test_files_that_are_no_model_are_refused(tmp_path, name):
    (tmp_path / name).write_text('{"not": "a model"}')
    with pytest.raises(ModelError):
        load_foreign(tmp_path / name, classes=META_SPLICEAI)


# ---- pickles of honest models ----------------------------------------------------------------


@pytest.mark.parametrize("name", ["m.pkl", "m.pickle", "m.joblib", "m.PKL", "m.joblib.gz"])
def test_pickles_are_refused_by_default(tmp_path, name):
    save_pickle(tmp_path / name, train(names=NAMES))
    with pytest.raises(UntrustedModelError, match="trust_pickle=True"):
        load_model(tmp_path / name, classes=META_SPLICEAI)


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize("what", ["classifier", "booster"])
def test_trusted_pickle_predicts_as_the_original(tmp_path, protocol, what):
    original = train(names=NAMES)
    found = original if what == "classifier" else original.get_booster()
    path = save_pickle(tmp_path / "model.pkl", found, protocol)

    model = load_model(path, trust_pickle=True, classes=AGENTIC)

    assert model.classes == AGENTIC
    assert model.metadata["converted_from"]["file"] == "model.pkl"
    np.testing.assert_allclose(probabilities(model), original.predict_proba(X), rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "compress"),
    [
        ("m.joblib", 0), ("m.pkl", 0), ("m.joblib", 3), ("m.joblib", ("gzip", 3)),
        ("m.joblib", ("bz2", 3)), ("m.joblib", ("xz", 3)), ("m.joblib", ("lzma", 3)),
        ("m.joblib.z", ("zlib", 3)),
    ],
)  # fmt: skip
def test_joblib_files_predict_as_the_original(tmp_path, name, compress):
    original = train(names=NAMES)
    original.notes_ = np.arange(6.0).reshape(2, 3)
    joblib.dump(original, tmp_path / name, compress=compress)

    model = load_foreign(tmp_path / name, trust_pickle=True, classes=META_SPLICEAI)

    np.testing.assert_allclose(probabilities(model), original.predict_proba(X), rtol=1e-6)


def test_bare_classifier_needs_classes(tmp_path):
    path = save_pickle(tmp_path / "model.pkl", train(names=NAMES))
    with pytest.raises(ModelError, match="--classes neither,donor,acceptor"):
        load_foreign(path, trust_pickle=True)


@pytest.mark.parametrize("how", ["texts", "objects"])
def test_class_names_in_the_pickle_state_the_order(tmp_path, how):
    original = train(names=NAMES)
    # As XGBoost before 1.6 kept them: in alphabetical order.
    original._le = LabelEncoder().fit(["neither", "donor", "acceptor"])
    if how == "objects":
        original._le.classes_ = original._le.classes_.astype(object)
    joblib.dump(original, tmp_path / "model.joblib")

    model = load_foreign(tmp_path / "model.joblib", trust_pickle=True)

    assert model.classes == ("acceptor", "donor", "neither")
    with pytest.raises(ModelError, match="states the classes acceptor, donor, neither"):
        load_foreign(tmp_path / "model.joblib", trust_pickle=True, classes=META_SPLICEAI)


def test_nameless_pickle_takes_the_manifest_beside_it(tmp_path):
    path = save_pickle(tmp_path / "model.pkl", train())
    with pytest.raises(ModelError, match="does not name its features"):
        load_foreign(path, trust_pickle=True, classes=META_SPLICEAI)
    write_csv(tmp_path, NAMES)
    model = load_foreign(path, trust_pickle=True, classes=META_SPLICEAI)
    assert model.manifest.names == tuple(NAMES)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ({"model": 1}, "holds a dict"),
        ([1, 2], "holds a list"),
        (LogisticRegression(), "holds a LogisticRegression"),
        (xgboost.XGBClassifier(), "no trained XGBoost model"),
    ],
)
def test_other_objects_are_named_and_refused(tmp_path, found, reason):
    path = save_pickle(tmp_path / "model.pkl", found)
    with pytest.raises(ModelError, match=reason):
        load_foreign(path, trust_pickle=True, classes=META_SPLICEAI)


def test_another_missing_value_is_refused(tmp_path):
    path = save_pickle(tmp_path / "model.pkl", train(names=NAMES, missing=-1.0))
    with pytest.raises(ModelError, match=r"takes -1\.0 for a missing value"):
        load_foreign(path, trust_pickle=True, classes=META_SPLICEAI)


@pytest.mark.parametrize("damage", ["cut", "noise", "empty", "booster", "array"])
def test_damaged_files_are_model_errors(tmp_path, damage):
    whole = pickle.dumps(train(names=NAMES))
    path = tmp_path / "model.pkl"
    if damage == "array":
        joblib.dump([np.arange(500.0)], path)
        path.write_bytes(path.read_bytes()[:-300])
    else:
        path.write_bytes({
            "cut": whole[:-200], "noise": b"\x80\x04" + bytes(range(256)), "empty": b"",
            "booster": whole.replace(b"learner_model_param", b"learner_model_xxxxx"),
        }[damage])  # fmt: skip
    with pytest.raises(ModelError) as caught:
        load_foreign(path, trust_pickle=True, classes=META_SPLICEAI)
    assert not isinstance(caught.value, UntrustedModelError)


# ---- meta-spliceai's ensembles ---------------------------------------------------------------


def ensemble(
    monkeypatch: pytest.MonkeyPatch, path: Path, kind: str, module: str, **state: Any
) -> Path:
    """Pickle an ensemble of a module that exists only while it is written."""
    holder = types.ModuleType(module)
    cls = type(kind, (), {"__module__": module})
    setattr(holder, kind, cls)
    found = cls()
    vars(found).update(state)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, module.split(".")[0], types.ModuleType(module.split(".")[0]))
        patch.setitem(sys.modules, module, holder)
        joblib.dump(found, path) if path.suffix == ".joblib" else save_pickle(path, found)
    return path


def three(names: list[str] | None = None) -> list[xgboost.XGBClassifier]:
    return [train(i == Y, names=names) for i in range(3)]


@pytest.mark.parametrize("module", [ENSEMBLE_MODULE, "splice_surveyor.training", "meta_spliceai"])
@pytest.mark.parametrize("suffix", [".pkl", ".joblib"])
def test_sigmoid_ensemble_becomes_three_binary(tmp_path, monkeypatch, module, suffix):
    models = three()
    path = ensemble(
        monkeypatch, tmp_path / f"model{suffix}", "SigmoidEnsemble", module,
        models=models, feature_names=NAMES,
    )  # fmt: skip
    write_csv(tmp_path, [*NAMES, "never_used"])

    model = load_model(path, trust_pickle=True)

    raw = np.stack([m.predict_proba(X)[:, 1] for m in models], axis=1)
    assert (model.kind, model.classes, model.margin) == ("three_binary", META_SPLICEAI, None)
    assert model.manifest.names == tuple(NAMES)
    assert module not in sys.modules
    np.testing.assert_allclose(
        probabilities(model), raw / raw.sum(axis=1, keepdims=True), rtol=1e-5
    )
    again = load_model(model.save(tmp_path / "bundle"))
    np.testing.assert_array_equal(probabilities(again), probabilities(model))


@pytest.mark.parametrize(
    "names",
    [np.array(NAMES), np.array(NAMES, dtype=object), tuple(NAMES), [np.str_(n) for n in NAMES]],
    ids=["texts", "objects", "tuple", "numpy texts"],
)
@pytest.mark.parametrize("suffix", [".pkl", ".joblib"])
def test_names_of_an_ensemble_may_be_an_array(tmp_path, monkeypatch, names, suffix):
    path = ensemble(
        monkeypatch, tmp_path / f"model{suffix}", "SigmoidEnsemble", ENSEMBLE_MODULE,
        models=three(), feature_names=names,
    )  # fmt: skip
    assert load_foreign(path, trust_pickle=True).manifest.names == tuple(NAMES)


def test_names_in_the_boosters_win_over_those_of_the_ensemble(tmp_path, monkeypatch):
    path = ensemble(
        monkeypatch, tmp_path / "model.pkl", "SigmoidEnsemble", ENSEMBLE_MODULE,
        models=three(NAMES), feature_names=NAMES[::-1],
    )  # fmt: skip
    assert load_foreign(path, trust_pickle=True).manifest.names == tuple(NAMES)


@pytest.mark.parametrize(
    ("state", "classes", "reason"),
    [
        ({"models": []}, None, "three models"),
        ({"feature_names": NAMES[:4]}, None, "reads 5 features"),
        ({"feature_names": None}, None, "does not name its features"),
        ({}, AGENTIC, "order is neither, donor, acceptor"),
        ({"models": [1, 2, 3]}, None, "no trained XGBoost model"),
    ],
)
def test_sigmoid_ensemble_that_does_not_fit_is_refused(
    tmp_path, monkeypatch, state, classes, reason
):
    state = {"models": three(), "feature_names": NAMES} | state
    path = ensemble(
        monkeypatch, tmp_path / "model.pkl", "SigmoidEnsemble", ENSEMBLE_MODULE, **state
    )
    with pytest.raises(ModelError, match=reason):
        load_foreign(path, trust_pickle=True, classes=classes)


def test_sigmoid_ensemble_of_multiclass_models_is_refused(tmp_path, monkeypatch):
    path = ensemble(
        monkeypatch, tmp_path / "model.pkl", "SigmoidEnsemble", ENSEMBLE_MODULE,
        models=[train()] * 3, feature_names=NAMES,
    )  # fmt: skip
    with pytest.raises(ModelError, match=r"neither model in .* has 3 output"):
        load_foreign(path, trust_pickle=True)


@pytest.mark.parametrize(
    ("module", "kind"),
    [
        ("meta_spliceai_extra.models", "SigmoidEnsemble"),
        ("other.meta_spliceai", "SigmoidEnsemble"),
        (ENSEMBLE_MODULE, "Trainer"),
    ],
)
def test_only_known_ensembles_of_the_known_packages(tmp_path, monkeypatch, module, kind):
    path = ensemble(monkeypatch, tmp_path / "model.pkl", kind, module, models=[])
    with pytest.raises(UntrustedModelError, match=f"{module}.{kind}"):
        load_foreign(path, trust_pickle=True)


# ---- hostile files ---------------------------------------------------------------------------


class Call:
    """Pickles as a call of a function."""

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self.call = (function, args)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


def touch(marker: Path) -> str:
    return f"touch '{marker}'"


def text(value: str) -> bytes:
    return pickle.BINUNICODE + struct.pack("<I", len(value)) + value.encode()


def stack_global(module: str, name: str) -> bytes:
    return text(module) + text(name) + pickle.STACK_GLOBAL


def reduce_by(function: bytes, *args: str) -> bytes:
    return function + b"(" + b"".join(map(text, args)) + b"tR"


def system(marker: Path) -> bytes:
    return pickle.dumps(Call(os.system, touch(marker)))


def evaluate(marker: Path) -> bytes:
    return pickle.dumps(Call(builtins.eval, f"open({str(marker)!r}, 'w').close()"))


def getattr_chain(marker: Path) -> bytes:
    imported = reduce_by(stack_global("builtins", "__import__"), "os")
    function = stack_global("builtins", "getattr") + b"(" + imported + text("system") + b"tR"
    return b"\x80\x04" + reduce_by(function, touch(marker)) + b"."


def dotted_in_admitted_module(marker: Path) -> bytes:
    return b"\x80\x04" + reduce_by(stack_global("xgboost.core", "os.system"), touch(marker)) + b"."


def dotted_through_admitted_class(marker: Path) -> bytes:
    name = "XGBClassifier.fit.__globals__.__class__"
    return (
        b"\x80\x04" + stack_global("xgboost.sklearn", name) + b"0"
        + reduce_by(stack_global("joblib.numpy_pickle", "os.system"), touch(marker)) + b"."
    )  # fmt: skip


def dotted_module(marker: Path) -> bytes:
    return b"\x80\x04" + reduce_by(stack_global("posixpath", "os.system"), touch(marker)) + b"."


def inst_opcode(marker: Path) -> bytes:
    return b"(" + text(touch(marker)) + b"ios\nsystem\n."


def obj_opcode(marker: Path) -> bytes:
    return b"(cos\nsystem\n" + text(touch(marker)) + b"o."


def numpy_load(marker: Path) -> bytes:
    array = np.array([Call(os.system, touch(marker))], dtype=object)
    np.save(marker.with_name("inner.npy"), array, allow_pickle=True)
    return b"\x80\x04" + (
        stack_global("numpy", "load") + b"(" + text(str(marker.with_name("inner.npy")))
        + b"N\x88tR."
    )  # fmt: skip


def in_object_array(marker: Path) -> bytes:
    return pickle.dumps(np.array([1, Call(os.system, touch(marker))], dtype=object))


def in_a_models_attribute(marker: Path) -> bytes:
    model = train(names=NAMES)
    model.callbacks = [Call(os.system, touch(marker))]
    return pickle.dumps(model)


def joblib_bytes(found: Any, **options: Any) -> bytes:
    out = io.BytesIO()
    joblib.dump(found, out, **options)
    return out.getvalue()


def in_joblib(marker: Path) -> bytes:
    return joblib_bytes([np.arange(3.0), Call(os.system, touch(marker))])


def in_compressed_joblib(marker: Path) -> bytes:
    return joblib_bytes([np.arange(3.0), Call(os.system, touch(marker))], compress=3)


def in_joblib_object_array(marker: Path) -> bytes:
    return joblib_bytes({"names": np.array([Call(os.system, touch(marker))], dtype=object)})


HOSTILE = [
    (system, "posix.system"),
    (evaluate, "builtins.eval"),
    (getattr_chain, "builtins.getattr"),
    (dotted_in_admitted_module, "xgboost.core.os.system"),
    (dotted_through_admitted_class, "xgboost.sklearn.XGBClassifier.fit"),
    (dotted_module, "posixpath.os.system"),
    (inst_opcode, "a kind of reference"),
    (obj_opcode, "os.system"),
    (numpy_load, "numpy.load"),
    (in_object_array, "posix.system"),
    (in_a_models_attribute, "posix.system"),
    (in_joblib, "posix.system"),
    (in_compressed_joblib, "posix.system"),
    (in_joblib_object_array, "posix.system"),
]


@pytest.mark.parametrize(("make", "named"), HOSTILE, ids=[make.__name__ for make, _ in HOSTILE])
def test_hostile_file_is_refused_and_runs_nothing(tmp_path, make, named):
    marker = tmp_path / "ran"
    path = tmp_path / "model.joblib"
    path.write_bytes(make(marker))

    with pytest.raises(UntrustedModelError, match=named) as caught:
        load_model(path, trust_pickle=True, classes=META_SPLICEAI)

    assert "nothing was run" in str(caught.value)
    assert not marker.exists()


@pytest.mark.parametrize("make", [make for make, _ in HOSTILE])
def test_hostile_file_would_run_elsewhere(tmp_path, make):
    """The files above are dangerous: an ordinary loader runs what they ask for."""
    marker = tmp_path / "ran"
    with contextlib.suppress(Exception):
        joblib.load(io.BytesIO(make(marker)))
    assert marker.exists()


def build(state: bytes, target: bytes) -> bytes:
    return b"\x80\x04" + target + state + b"b."


@pytest.mark.parametrize(
    "stream",
    [
        # Attributes of the class itself, for the rest of the process.
        build(
            b"N}" + text("predict_proba") + text("poisoned") + b"s\x86",
            stack_global("xgboost.sklearn", "XGBClassifier"),
        ),
        build(
            b"N}" + text("__defaults__") + b")s\x86",
            stack_global("numpy._core.multiarray", "_reconstruct"),
        ),
        b"\x80\x04)" + stack_global("xgboost.sklearn", "XGBClassifier") + b")R)R.",
        b"\x80\x04" + stack_global("builtins", "bytearray") + b"(J\xff\xff\xff\x7ftR.",
        b"\x80\x04" + stack_global("builtins", "set") + b"(]]tR.",
        b"\x80\x04(" + stack_global("xgboost.sklearn", "XGBClassifier") + b"o.",
        b"\x80\x04" + stack_global("xgboost.sklearn", "XGBClassifier") + b")}\x92.",
        b"P1\n.",
        b"\x80\x04K\x01Q.",
        b"\x80\x02\x82\x01.",
        b"\x80\x05\x97.",
        b"cjoblib.numpy_pickle\nNDArrayWrapper\n.",
        b"c__builtin__\neval\n.",
    ],
    ids=[
        "state of a class", "state of a function", "call of an object", "huge bytearray",
        "two sets", "OBJ", "NEWOBJ_EX", "PERSID", "BINPERSID", "EXT1", "NEXT_BUFFER",
        "old joblib", "python 2 name",
    ],
)  # fmt: skip
def test_misuse_of_what_is_admitted_is_refused(tmp_path, stream):
    before = dict(vars(xgboost.XGBClassifier))
    (tmp_path / "model.pkl").write_bytes(stream)
    with pytest.raises(UntrustedModelError):
        read_pickle(tmp_path / "model.pkl")
    assert dict(vars(xgboost.XGBClassifier)) == before


def fitted() -> list[Any]:
    p = X[:, 0] / X[:, 0].max()
    return [LogisticRegression().fit(p.reshape(-1, 1), Y == 1), IsotonicRegression().fit(p, Y == 1)]


def test_admitted_classes_are_neither_made_nor_called(tmp_path, monkeypatch):
    def explode(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("code of an admitted class was run")

    path = save_pickle(tmp_path / "model.pkl", [train(names=NAMES), *fitted()])
    for cls in (xgboost.XGBClassifier, xgboost.Booster, LogisticRegression, IsotonicRegression):
        monkeypatch.setattr(cls, "__setstate__", explode)
        monkeypatch.setattr(cls, "__init__", explode)

    found = read_pickle(path)

    assert [held.what.name for held in found] == [
        "XGBClassifier", "LogisticRegression", "IsotonicRegression",
    ]  # fmt: skip
    assert isinstance(found[0].get("_Booster").get("handle"), bytearray)


def held_array(code: str, raw: Any, shape: tuple[int, ...] = (1,), order: str = "<") -> Held:
    dtype = Held(Named("numpy", "dtype"), (code, False, True), (3, order, None, None, None, -1))
    made = Named("numpy._core.multiarray", "_reconstruct")
    return Held(made, (), (1, shape, dtype, False, raw))


@pytest.mark.parametrize("code", ["V8", "O", "M8[ns]", "f8,O8", "object", "S-1", ""])
def test_arrays_of_types_that_are_not_plain_are_refused(code):
    with pytest.raises(UntrustedModelError, match="an array of the type"):
        plain(held_array(code, b"\x00" * 8))


def test_array_with_another_byte_order_text_is_refused():
    with pytest.raises(UntrustedModelError, match="byte order"):
        plain(held_array("i4", b"\x00" * 4, order="O,"))


@pytest.mark.parametrize("order", ["<", ">"])
def test_plain_arrays_become_lists(order):
    values = np.array([1, 258, -3], dtype=f"{order}i4")
    assert plain(held_array("i4", values.tobytes(), (3,), order)) == [1, 258, -3]


def test_array_that_holds_itself_ends(tmp_path):
    held = held_array("O8", None)
    held.state = (*held.state[:4], held)
    with pytest.raises(ModelError, match="damaged array"):
        plain(held)


def test_deep_nesting_ends(tmp_path):
    joblib.dump(np.array([None], dtype=object), tmp_path / "one.joblib")
    one = (tmp_path / "one.joblib").read_bytes()
    head = one[: one.index(b"b", one.index(b"numpy_array_alignment_bytes")) + 1]
    (tmp_path / "deep.joblib").write_bytes(head * 3000)
    with pytest.raises(ModelError):
        read_pickle(tmp_path / "deep.joblib")


# ---- skops -----------------------------------------------------------------------------------


def test_skops_itself_is_not_needed(tmp_path, monkeypatch):
    skops = pytest.importorskip("skops.io")
    skops.dump(train(names=NAMES), tmp_path / "model.skops")
    monkeypatch.setitem(sys.modules, "skops", None)
    monkeypatch.setitem(sys.modules, "skops.io", None)
    assert load_foreign(tmp_path / "model.skops", classes=META_SPLICEAI).manifest.names


@pytest.mark.parametrize("what", ["classifier", "booster"])
def test_skops_predicts_as_the_original(tmp_path, what):
    skops = pytest.importorskip("skops.io")
    original = train(names=NAMES)
    found = original if what == "classifier" else original.get_booster()
    skops.dump(found, tmp_path / "model.skops")

    model = load_model(tmp_path / "model.skops", classes=AGENTIC)

    assert model.manifest.names == tuple(NAMES)
    np.testing.assert_allclose(probabilities(model), original.predict_proba(X), rtol=1e-6)
    with pytest.raises(ModelError, match="--classes"):
        load_foreign(tmp_path / "model.skops")


def test_skops_with_class_names_states_the_order(tmp_path):
    skops = pytest.importorskip("skops.io")
    original = train(names=NAMES)
    original._le = LabelEncoder().fit(["neither", "donor", "acceptor"])
    skops.dump(original, tmp_path / "model.skops")
    assert load_foreign(tmp_path / "model.skops").classes == ("acceptor", "donor", "neither")


def test_skops_of_an_estimator_that_skops_trusts_is_refused(tmp_path):
    skops = pytest.importorskip("skops.io")
    from sklearn.naive_bayes import GaussianNB

    skops.dump(GaussianNB().fit(X, Y), tmp_path / "model.skops")
    with pytest.raises(UntrustedModelError, match="GaussianNB"):
        load_foreign(tmp_path / "model.skops", classes=META_SPLICEAI)


@pytest.mark.parametrize(
    ("module", "name", "loader"),
    [("os", "system", "FunctionNode"), ("xgboost.sklearn", "XGBClassifier", "MethodNode")],
)
def test_skops_with_another_way_of_loading_is_refused(tmp_path, module, name, loader):
    skops = pytest.importorskip("skops.io")
    skops.dump(train(names=NAMES), tmp_path / "good.skops")
    with zipfile.ZipFile(tmp_path / "good.skops") as good:
        files = {file: good.read(file) for file in good.namelist()}
    schema = json.loads(files["schema.json"])
    schema["content"]["content"]["missing"] = {
        "__module__": module, "__class__": name, "__loader__": loader,
        "content": {"module_path": module, "function": name, "func": "fit", "obj": {}},
    }  # fmt: skip
    files["schema.json"] = json.dumps(schema).encode()
    with zipfile.ZipFile(tmp_path / "model.skops", "w") as bad:
        for file, data in files.items():
            bad.writestr(file, data)

    with pytest.raises(UntrustedModelError, match=loader):
        load_foreign(tmp_path / "model.skops", classes=META_SPLICEAI)


def test_damaged_skops_is_a_model_error(tmp_path):
    pytest.importorskip("skops.io")
    (tmp_path / "model.skops").write_bytes(b"no zip")
    with pytest.raises(ModelError, match="cannot be read as a skops file"):
        load_foreign(tmp_path / "model.skops", classes=META_SPLICEAI)
