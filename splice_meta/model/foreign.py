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

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from splice_meta.contracts import CLASSES
from splice_meta.errors import ModelError, UntrustedModelError
from splice_meta.manifest import FeatureManifest, load_manifest
from splice_meta.model.bundle import MetaModel, load_booster, name_features
from splice_meta.model.unpickle import Held, plain, read_pickle

XGBOOST_FILES = (".json", ".ubj")
PICKLES = (".pkl", ".pickle", ".joblib")
_COMPRESSED = (".gz", ".bz2", ".xz", ".lzma", ".z")
_NO_CALIBRATION = "a meta-model has no calibration stage yet; it arrives with the training work"
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
    name = Path(path.stem) if path.suffix.lower() in _COMPRESSED else path
    suffix = name.suffix.lower()
    if suffix in XGBOOST_FILES:
        return _multiclass(load_booster(path), path, classes, "XGBoost model file")
    if suffix == ".skops":
        from splice_meta.model.skops_file import read_skops

        return _convert(read_skops(path), path, classes)
    if suffix not in PICKLES:
        raise ModelError(
            f"{path} is not a kind of model file that can be read.",
            "Give a bundle directory, an XGBoost .ubj or .json, a .skops, or a pickle or joblib.",
        )
    if not trust_pickle:
        raise UntrustedModelError(
            f"{path} is a pickle, which could run code when loaded.",
            "If you trust where it comes from, say so with --trust-pickle (trust_pickle=True).",
        )
    return _convert(read_pickle(path), path, classes)


def _convert(found: Any, path: Path, classes: tuple[str, ...] | None) -> MetaModel:
    """The meta-model that an object read from a file stands for."""
    if isinstance(found, dict) and found.get("type") == "AllGenesBatchEnsemble":
        kind = "AllGenesBatchEnsemble"
    else:
        kind = found.what.name if isinstance(found, Held) else type(found).__name__
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
    return _multiclass(_booster(found, path), path, classes or stated, kind)


def _multiclass(
    booster: Any, path: Path, classes: tuple[str, ...] | None, kind: str
) -> MetaModel:
    objective, outputs = _output(booster)
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
            f"The SigmoidEnsemble in {path} does not hold three models.", "The file is damaged."
        )
    boosters = [_booster(model, path) for model in models]
    for booster, name in zip(boosters, CLASSES, strict=True):
        objective, outputs = _output(booster)
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


def _booster(found: Any, path: Path) -> Any:
    """The XGBoost booster of a held XGBClassifier or Booster, without training settings."""
    import xgboost

    kind = found.what.name if isinstance(found, Held) else type(found).__name__
    held = found.get("_Booster") if kind == "XGBClassifier" else found
    buffer = held.get("handle") if isinstance(held, Held) and held.what.name == "Booster" else None
    if not isinstance(buffer, bytes | bytearray):
        raise ModelError(
            f"The {kind} in {path} has no trained XGBoost model in it.", "Save it after training."
        )
    missing = plain(found.get("missing"))
    if missing is not None and not (isinstance(missing, float) and math.isnan(missing)):
        raise ModelError(
            f"The {kind} in {path} takes {missing!r} for a missing value.",
            "Only models whose missing value is NaN can be converted.",
        )
    booster = xgboost.Booster.__new__(xgboost.Booster)
    try:
        booster.__setstate__({"handle": bytearray(buffer)})
        # Once more from the bare model: threads, devices and the like stay behind.
        bare = xgboost.Booster(model_file=booster.save_raw("ubj"))
    except xgboost.core.XGBoostError as error:
        reason = str(error).strip().splitlines()[-1][:200]
        raise ModelError(
            f"XGBoost {xgboost.__version__} does not read the {kind} in {path} ({reason}).",
            "Save it as .ubj with the XGBoost it was trained with (model.save_model).",
        ) from None
    if not bare.feature_names:
        bare.feature_names = _texts(held.get("feature_names"))
    return bare


def _output(booster: Any) -> tuple[str, int]:
    """Objective and number of outputs, after cutting the booster to its best round.

    Raises:
        ModelError: If it is not made of trees over plain numbers.
    """
    learner = json.loads(booster.save_config())["learner"]
    return learner["objective"]["name"], max(1, int(learner["learner_model_param"]["num_class"]))
