"""XGBoost files are looked at before XGBoost reads them; bundles are what they were."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import xgboost

import splice_meta as sm
from splice_meta.bundled import bundled_model
from splice_meta.errors import ManifestError, ModelError
from splice_meta.manifest import FeatureManifest
from splice_meta.model import booster as booster_module
from splice_meta.model.booster import load_boosters, reason_of
from splice_meta.model.bundle import MetaModel
from splice_meta.model.bundle_writer import write_digests
from splice_meta.model.margin import Margin
from splice_meta.model.structure import check_trees
from splice_meta.model.tree_file import model_within

rng = np.random.default_rng(5)
NAMES = ("donor_score", "acceptor_score", "neither_score", "gc_content")
X = rng.random((120, len(NAMES)), dtype=np.float32)
Y = np.arange(120) % 3

KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "pruned": {"gamma": 1.5, "tree_method": "exact", "max_depth": 8},
    "dart": {"booster": "dart", "rate_drop": 0.5},
    "by leaves": {"grow_policy": "lossguide", "max_depth": 0, "max_leaves": 40},
    "forest": {"num_parallel_tree": 3},
    "vectors": {"multi_strategy": "multi_output_tree", "tree_method": "hist"},
    "stumps": {"max_depth": 0, "max_leaves": 1, "grow_policy": "lossguide"},
}


def train(classes: int = 3, rounds: int = 5, **settings: Any) -> Any:
    given: dict[str, Any] = {"objective": "multi:softprob", "num_class": 3, "nthread": 1}
    if classes == 2:
        given = {"objective": "binary:logistic", "nthread": 1}
    data = xgboost.DMatrix(X, Y if classes == 3 else Y == 1)
    return xgboost.train(given | settings, data, rounds)


@pytest.mark.parametrize("form", ["ubj", "json"])
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_what_xgboost_writes_is_sound(kind: str, classes: int, form: str) -> None:
    found = train(classes, **KINDS[kind])
    for each in (found, found[:2]):
        sound = check_trees(bytes(each.save_raw(form)), "f")
        assert sound.features == len(NAMES)
        assert max(1, sound.outputs) == (classes if classes == 3 else 1)


def test_vectors_of_leaves_are_as_the_installed_version_keeps_them() -> None:
    data = json.loads(bytes(train(**KINDS["vectors"]).save_raw("json")))
    check_trees(json.dumps(data).encode(), "f")
    for tree in data["learner"]["gradient_booster"]["model"]["trees"]:
        if tree.pop("leaf_weights", None) is None:
            pytest.skip("XGBoost 3.1")
    with pytest.raises(ModelError, match="another version"):
        check_trees(json.dumps(data).encode(), "f")


def test_the_model_in_a_pickled_booster_is_the_model() -> None:
    found = train()
    held = bytes(found.__getstate__()["handle"])
    assert model_within(held, "f") == bytes(found.save_raw("ubj"))


def test_errors_of_xgboost_lose_their_stack() -> None:
    with pytest.raises(xgboost.core.XGBoostError) as caught:
        xgboost.Booster(model_file=bytearray(b'{"a": 1}'))
    assert "Stack trace" in str(caught.value)
    reason = reason_of(caught.value)
    assert "Stack" not in reason
    assert ".cc" not in reason
    assert "\n" not in reason


def test_a_crash_of_the_trial_is_an_error(tmp_path: Path, monkeypatch: Any) -> None:
    crashing = tmp_path / "trial.py"
    crashing.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    monkeypatch.setattr(booster_module, "_TRIAL", crashing)
    with pytest.raises(ModelError, match=r"crashes on m\.ubj \(SIGSEGV\)"):
        load_boosters({"m.ubj": bytes(train().save_raw("ubj"))})


def test_a_trial_that_does_not_end_is_an_error(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "trial.py").write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setattr(booster_module, "_TRIAL", tmp_path / "trial.py")
    monkeypatch.setattr(booster_module, "LONGEST_TRIAL", 0.5)
    with pytest.raises(ModelError, match="took more than"):
        load_boosters({"m.ubj": bytes(train().save_raw("ubj"))})


def test_the_trial_imports_nothing_from_the_current_folder(
    tmp_path: Path, monkeypatch: Any
) -> None:
    (tmp_path / "xgboost.py").write_text("open('ran', 'w')\n")
    monkeypatch.chdir(tmp_path)
    load_boosters({"m.ubj": bytes(train().save_raw("ubj"))})
    assert not (tmp_path / "ran").exists()


# ---- bundles ---------------------------------------------------------------------------------


def meta_model(names: tuple[str, ...] = NAMES, **more: Any) -> MetaModel:
    found = train()
    found.feature_names = list(names)
    return MetaModel(manifest=FeatureManifest(names), boosters=(found,), **more)


def test_a_bundle_has_the_digests_of_its_files(tmp_path: Path, monkeypatch: Any) -> None:
    folder = meta_model(metadata={"card": {}, "note": (1, 2)}).save(tmp_path / "b")
    stated = json.loads((folder / "bundle.json").read_text())["sha256"]
    assert set(stated) == {path.name for path in folder.iterdir()}

    # A bundle as it was saved is not tried in another process.
    monkeypatch.setattr(booster_module, "_try_out", lambda files: pytest.fail("tried"))
    assert sm.load_model(folder).has_digests is True


def test_the_bundled_model_has_digests(model: MetaModel) -> None:
    assert model.has_digests is True


@pytest.mark.parametrize("name", ["model.ubj", "feature_manifest.csv", "bundle.json"])
def test_every_turned_bit_is_seen(tmp_path: Path, name: str) -> None:
    folder = meta_model().save(tmp_path / "b")
    data = (folder / name).read_bytes()
    for place in range(0, len(data), max(1, len(data) // 25)):
        changed = bytearray(data)
        changed[place] ^= 1
        (folder / name).write_bytes(bytes(changed))
        with pytest.raises((ModelError, ManifestError)):
            sm.load_model(folder)
    (folder / name).write_bytes(data)
    sm.load_model(folder)


def test_a_bundle_that_was_changed_on_purpose(tmp_path: Path) -> None:
    folder = meta_model(metadata={"licence": "x"}).save(tmp_path / "b")
    data = json.loads((folder / "bundle.json").read_text()) | {"licence": "y"}
    (folder / "bundle.json").write_text(json.dumps(data))
    with pytest.raises(ModelError, match="SHA-256"):
        sm.load_model(folder)
    write_digests(folder)
    assert sm.load_model(folder).metadata["licence"] == "y"


def test_a_bundle_without_digests_is_read(tmp_path: Path) -> None:
    folder = meta_model().save(tmp_path / "b")
    data = json.loads((folder / "bundle.json").read_text())
    del data["sha256"]
    (folder / "bundle.json").write_text(json.dumps(data))
    assert sm.load_model(folder).has_digests is False


@pytest.mark.parametrize("floor", [0.0, -1.0, 1.0, 1e-20, float("nan"), float("inf")])
def test_floors_that_give_no_numbers_are_refused(floor: float) -> None:
    with pytest.raises(ModelError, match="floor"):
        Margin(floor=floor)


@pytest.mark.parametrize("weights", [(0.5, 0.6), (float("nan"), 1.0), (-1.0, 2.0)])
def test_weights_that_are_no_shares_are_refused(weights: tuple[float, ...]) -> None:
    with pytest.raises(ModelError, match="weights"):
        Margin(weights=weights)


def test_two_weights_for_one_model_are_refused() -> None:
    with pytest.raises(ModelError, match="weights for 2 base models"):
        meta_model(margin=Margin(weights=(0.5, 0.5)))


# ---- names that Polars takes for patterns ----------------------------------------------------

STRANGE = ("donor_score", "*", "^.*score$", "^[ab]<$")


def test_names_of_features_are_literal(short_genes: pl.DataFrame, tmp_path: Path) -> None:
    scores = short_genes.filter(pl.col("gene_id") == short_genes["gene_id"][0]).head(300)
    scores = scores.with_columns(pl.lit(9).alias("*"), pl.lit("x").alias("^.*$"))
    custom = {"own": lambda: {n: pl.col("acceptor_score") * (i + 1)
                              for i, n in enumerate(STRANGE[1:])}}  # fmt: skip
    settings = sm.RunSettings(mode="meta_only", features=sm.FeatureSettings(custom=custom))

    frame = sm.plan_features(scores, FeatureManifest(STRANGE), features=settings.features).collect()
    assert frame.columns == ["gene_id", "position", *STRANGE]
    assert frame["^.*score$"].equals(frame["*"] * 2, check_names=False)

    model = sm.load_model(meta_model(STRANGE).save(tmp_path / "b"))
    found = sm.predict(scores, model, settings=settings)
    wanted = model.boosters[0].inplace_predict(frame.select(pl.nth(range(2, 6))).to_numpy())
    np.testing.assert_allclose(found["donor_meta"], wanted[:, 1], atol=1e-6)
    split = sm.explain(scores, model, f"{scores['gene_id'][0]}:{scores['position'][5]}",
                       features=settings.features)  # fmt: skip
    assert set(STRANGE) <= set(split["feature"])


def test_trees_with_several_outputs_from_elsewhere_are_explained(
    short_genes: pl.DataFrame,
) -> None:
    names = ("donor_score", "acceptor_score", "neither_score", "probability_entropy")
    trees = train(**KINDS["vectors"])
    model = MetaModel(manifest=FeatureManifest(names), boosters=(trees,))
    place = f"{short_genes['gene_id'][0]}:{short_genes['position'][5]}"
    found = sm.explain(short_genes, model, place)
    margins = found.group_by("class").agg(pl.sum("contribution"), pl.first("meta"))
    grown = np.exp(margins["contribution"].to_numpy())
    np.testing.assert_allclose(grown / grown.sum(), margins["meta"].to_numpy(), atol=1e-5)


# ---- random damage ---------------------------------------------------------------------------

USE = """
import sys
from pathlib import Path
from splice_meta.errors import SpliceMetaError
from splice_meta.model.load import load_model
import polars as pl
try:
    model = load_model(Path(sys.argv[1]), classes=("neither", "donor", "acceptor"))
    model.predict_proba(pl.DataFrame({n: [0.1, 0.9] for n in model.manifest.names}))
except SpliceMetaError as error:
    print(str(error).count(chr(10)))
else:
    print("ran")
"""


@pytest.mark.long
def test_xgboost_files_with_turned_bits_never_end_the_process(tmp_path: Path) -> None:
    found = train(max_depth=4, rounds=10)
    found.feature_names = list(NAMES)
    data = bytes(found.save_raw("ubj"))
    draw = random.Random(11)
    for number in range(165):
        changed = bytearray(data)
        for _ in range(1 + number % 3):
            changed[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        (tmp_path / "m.ubj").write_bytes(bytes(changed))
        ran = subprocess.run(
            [sys.executable, "-c", USE, str(tmp_path / "m.ubj")], capture_output=True, text=True,
            env=os.environ, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, (number, ran.returncode, ran.stderr)
        assert ran.stdout.strip() in ("0", "1", "ran"), ran.stdout


@pytest.mark.long
def test_bundles_with_turned_bits_are_refused(tmp_path: Path) -> None:
    draw = random.Random(12)
    place = tmp_path / "b"
    shutil.copytree(bundled_model("openspliceai-mane"), place)
    for _ in range(600):
        path = draw.choice(sorted(place.iterdir()))
        data = path.read_bytes()
        changed = bytearray(data)
        changed[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        if path.name == "bundle.json" and same_json(bytes(changed), data):
            continue  # such as 1E-7 for 1e-7
        path.write_bytes(bytes(changed))
        with pytest.raises((ModelError, ManifestError)):
            sm.load_model(place)
        path.write_bytes(data)


def same_json(one: bytes, other: bytes) -> bool:
    try:
        return bool(json.loads(one) == json.loads(other))
    except ValueError:
        return False


def test_digests_under_another_name_are_missed(tmp_path: Path) -> None:
    folder = meta_model().save(tmp_path / "b")
    text = (folder / "bundle.json").read_text()
    (folder / "bundle.json").write_text(text.replace('"sha256"', '"sha257"'))
    with pytest.raises(ModelError, match="not what it was"):
        sm.load_model(folder)
