"""Reading other people's models: lone XGBoost files, skops files, and, if trusted, pickles.

What becomes what:

* one XGBoost model with three outputs: a ``multiclass`` model, with the same probabilities;
* meta-spliceai's ``SigmoidEnsemble`` (neither, donor, acceptor, each against the rest): a
  ``three_binary`` model. The original gives the three sigmoids as they are, without making them
  sum to 1; here each row is divided by its sum. The most probable class is the same, a threshold
  on the donor or acceptor score is not;
* its calibrated, consolidated and batch ensembles: refused, by name.

A model trained with early stopping keeps the rounds up to its best one, as
``XGBClassifier.predict_proba`` uses them. Nothing in a file is run, see
:mod:`splice_meta.model.unpickle`.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from splice_meta.contracts import CLASSES
from splice_meta.errors import ModelError, UntrustedModelError
from splice_meta.manifest import FeatureManifest, load_manifest
from splice_meta.model.booster import load_boosters, name_features, read_model_file
from splice_meta.model.bundle import MetaModel
from splice_meta.model.held import Held, plain, shown_value
from splice_meta.model.skops_file import read_skops
from splice_meta.model.structure import Soundness
from splice_meta.model.tree_file import model_within
from splice_meta.model.unpickle import read_pickle

XGBOOST_FILES = (".json", ".ubj")
PICKLES = (".pkl", ".pickle", ".joblib")
_COMPRESSED = (".gz", ".bz2", ".xz", ".lzma", ".z")
_NO_CALIBRATION = "a bundle cannot hold its kind of calibration"
_NO_SETS = "a meta-model holds one model, or one per class, not a set of ensembles"
_UNSUPPORTED = {
    "CalibratedSigmoidEnsemble": ("with a calibrator on donor + acceptor", _NO_CALIBRATION),
    "PerClassCalibratedSigmoidEnsemble": (
        "with a calibrator per class and a temperature", _NO_CALIBRATION,
    ),
    "ConsolidatedMetaModel": ("a weighted combination of ensembles", _NO_SETS),
    "AllGenesBatchEnsemble": ("the mean of one ensemble per batch of genes", _NO_SETS),
}  # fmt: skip
_DEFAULT_NAME = re.compile(r"f\d+")

Loaded = list[tuple[Any, Soundness]]
"""Boosters, and what was found of each before it was loaded."""


def load_foreign(
    path: Path, *, trust_pickle: bool = False, classes: tuple[str, ...] | None = None
) -> MetaModel:
    """Read someone else's model file.

    Args:
        path: An XGBoost ``.json`` or ``.ubj``, a ``.skops`` file, or a ``.pkl``, ``.pickle`` or
            ``.joblib``. A ``feature_manifest.json`` or ``feature_manifest.csv`` beside it names
            the features where the model does not.
        trust_pickle: Read pickle and joblib files, through an unpickler that admits a fixed list
            of classes.
        classes: Class names in the order of the model's outputs. Needed unless the file states
            the order.

    Raises:
        ModelError: If it is not a model this package can use, or class order or feature names
            are not known.
        UntrustedModelError: If it is a pickle and ``trust_pickle`` is not set, or it holds
            anything that is not on the list.
        ManifestError: If the manifest beside it cannot be read.
    """
    suffix = model_kind(path)
    if suffix in XGBOOST_FILES:
        return _multiclass(_load([read_model_file(path)], path), path, classes, "XGBoost file")
    if suffix == ".skops":
        return _convert(read_skops(path), path, classes)
    if suffix not in PICKLES:
        raise ModelError(
            f"{path} is not a kind of model file that can be read.",
            "Give a bundle directory, an XGBoost .ubj or .json, a .skops, or a pickle or joblib.",
        )
    if not trust_pickle:
        raise UntrustedModelError(
            f"{path} is a pickle, which could run code when loaded.",
            "If you trust where it comes from, say so with --trust-pickle.",
        )
    return _convert(read_pickle(path), path, classes)


def model_kind(path: Path) -> str:
    """The ending that tells the kind of a model file: that before ``.gz`` and the like."""
    name = Path(path.stem) if path.suffix.lower() in _COMPRESSED else path
    return name.suffix.lower()


def _convert(found: Any, path: Path, classes: tuple[str, ...] | None) -> MetaModel:
    """The meta-model that an object read from a file stands for."""
    kind = _kind(found)
    if kind in _UNSUPPORTED:
        what, why = _UNSUPPORTED[kind]
        raise ModelError(
            f"{path} holds a meta-spliceai {kind}, {what}; converting it is not supported yet.",
            f"The reason: {why}.",
        )
    if kind == "SigmoidEnsemble":
        return _three_binary(found, path, classes)
    if kind not in ("XGBClassifier", "Booster"):
        raise ModelError(
            f"{path} holds a {kind}, not a model that can be used.",
            "It must be an XGBClassifier, an XGBoost Booster or a meta-spliceai SigmoidEnsemble.",
        )
    stated = _stated_classes(found)
    if stated and classes and stated != tuple(classes):
        raise ModelError(
            f"{path} states the classes {', '.join(stated)}, not {', '.join(classes)}.",
            "Leave the classes out, or give them in the model's order.",
        )
    return _multiclass(_load([_model_of(found, path)], path), path, classes or stated, kind)


def _multiclass(
    loaded: Loaded, path: Path, classes: tuple[str, ...] | None, kind: str
) -> MetaModel:
    [(booster, sound)] = loaded
    objective, outputs = sound.objective, max(1, sound.outputs)
    if objective not in ("multi:softprob", "multi:softmax") or outputs != len(CLASSES):
        raise ModelError(
            f"The model in {path} has {outputs} output(s) by {objective}, not the probabilities of "
            f"{len(CLASSES)} classes.",
            "It must be trained with multi:softprob on neither, donor and acceptor.",
        )
    if classes is None:
        raise ModelError(
            f"{path} does not say which of its outputs is which class.",
            "Give the order with splice-meta convert-model MODEL OUT "
            "--classes neither,donor,acceptor (classes=... in Python): meta-spliceai's models are "
            "neither,donor,acceptor, agentic-spliceai's donor,acceptor,neither.",
        )
    # The same trees; softmax would give the number of the class in place of the probabilities.
    booster.set_param({"objective": "multi:softprob"})
    manifest = _manifest([booster], path)
    return MetaModel(
        manifest=manifest,
        boosters=(name_features(booster, manifest, path),),
        classes=tuple(classes),
        metadata={"converted_from": {"file": path.name, "kind": kind}},
        source=str(path),
    )


def _three_binary(found: Held, path: Path, classes: tuple[str, ...] | None) -> MetaModel:
    if classes is not None and tuple(classes) != CLASSES:
        raise ModelError(
            f"{path} is a SigmoidEnsemble, whose order is {', '.join(CLASSES)}, not "
            f"{', '.join(classes)}.",
            "Leave the classes out.",
        )
    models = found.get("models")
    if not isinstance(models, list | tuple) or len(models) != len(CLASSES):
        raise ModelError(
            f"The SigmoidEnsemble in {path} does not hold three models.",
            "The file is damaged; get or save it again.",
        )
    loaded = _load([_model_of(model, path) for model in models], path)
    boosters = [booster for booster, _ in loaded]
    for (_, sound), name in zip(loaded, CLASSES, strict=True):
        objective, outputs = sound.objective, max(1, sound.outputs)
        if (objective, outputs) != ("binary:logistic", 1):
            raise ModelError(
                f"The {name} model in {path} has {outputs} output(s) by {objective}.",
                "Each of the three must be one class against the rest, by binary:logistic.",
            )
    manifest = _manifest(boosters, path, found.get("feature_names"))
    return MetaModel(
        manifest=manifest,
        boosters=tuple(name_features(b, manifest, path) for b in boosters),
        kind="three_binary",
        metadata={
            "converted_from": {
                "file": path.name,
                "kind": "SigmoidEnsemble",
                "note": "the original does not make its three outputs sum to 1; here they do",
            }
        },
        source=str(path),
    )


def _model_of(found: Any, path: Path) -> bytes:
    """The XGBoost model of a held XGBClassifier or Booster, without training settings."""
    kind = _kind(found)
    held = found.get("_Booster") if kind == "XGBClassifier" else found
    buffer = held.get("handle") if isinstance(held, Held) and _kind(held) == "Booster" else None
    if not isinstance(buffer, bytes | bytearray):
        raise ModelError(
            f"The {kind} in {path} has no trained XGBoost model in it.", "Save it after training."
        )
    missing = plain(found.get("missing"))
    if missing is not None and not (isinstance(missing, float) and math.isnan(missing)):
        raise ModelError(
            f"The {kind} in {path} takes {shown_value(missing)} for a missing value.",
            "Only models whose missing value is NaN can be converted.",
        )
    return model_within(bytes(buffer), f"in {path}")


def _load(models: list[bytes], path: Path) -> Loaded:
    """Models of a file, checked, tried and loaded, up to their best round."""
    several = len(models) > 1
    files = {f"{path} (model {i + 1})" if several else str(path): m for i, m in enumerate(models)}
    boosters, sound = load_boosters(files)
    return [(_ready(booster), each) for booster, each in zip(boosters, sound, strict=True)]


def _ready(booster: Any) -> Any:
    """The booster up to its best round, without the names XGBoost makes up (f0, f1, ...)."""
    names = booster.feature_names
    best = booster.attr("best_iteration")
    if best and best.isdecimal() and int(best) + 1 < booster.num_boosted_rounds():
        booster = booster[: int(best) + 1]
    made_up = all(_DEFAULT_NAME.fullmatch(name) for name in names or ())
    booster.feature_names = None if made_up else names
    return booster


def _manifest(boosters: list[Any], path: Path, stated: Any = None) -> FeatureManifest:
    """The manifest of a model: its own names win, then those its file states, then those beside.

    What else the manifest beside says of those features (types, fills, window) is kept.
    """
    own = next((b.feature_names for b in boosters if b.feature_names), None) or _texts(stated)
    files = [path.with_name(f"feature_manifest{suffix}") for suffix in (".json", ".csv")]
    beside = next((load_manifest(file) for file in files if file.is_file()), None)
    if own and beside:
        return replace(
            beside,
            names=tuple(own),
            fills=tuple(pair for pair in beside.fills if pair[0] in own),
            dtypes=tuple(pair for pair in beside.dtypes if pair[0] in own),
        )
    if own:
        return FeatureManifest(tuple(own))
    if beside is None:
        raise ModelError(
            f"{path} does not name its features, and there is no feature manifest beside it.",
            "Put a feature_manifest.csv with a column 'feature' beside it, in the model's order.",
        )
    return beside


def _stated_classes(found: Held) -> tuple[str, ...] | None:
    """The class order of an XGBClassifier that was trained on class names."""
    encoder = found.get("_le")
    named = encoder.get("classes_") if isinstance(encoder, Held) else None
    names = _texts(found.get("classes_")) or _texts(named)
    return tuple(names) if names else None


def _texts(values: Any) -> list[str] | None:
    """A list or array of texts as a list, None if it is anything else."""
    found = plain(values)
    texts = [plain(v) for v in found] if isinstance(found, list | tuple) else []
    return texts if texts and all(isinstance(t, str) for t in texts) else None


def _kind(found: Any) -> str:
    """The class name of something read from a file."""
    if isinstance(found, dict) and found.get("type") == "AllGenesBatchEnsemble":
        return "AllGenesBatchEnsemble"
    return found.what.name if isinstance(found, Held) else type(found).__name__
