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

import importlib
import io
import json
import math
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from splice_meta.contracts import CLASSES
from splice_meta.errors import ModelError, UntrustedModelError
from splice_meta.manifest import FeatureManifest, load_manifest
from splice_meta.model.bundle import MetaModel, load_booster, name_features
from splice_meta.model.unpickle import ADMITTED, Held, Named, plain, read_pickle

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
_SKOPS_TRUSTED = frozenset(
    f"{module}.{name}" for module, name in ADMITTED if module.startswith(("xgboost.", "sklearn."))
)
_SKOPS_PLAIN = frozenset({
    "builtins.NoneType", "builtins.bool", "builtins.bytearray", "builtins.bytes",
    "builtins.dict", "builtins.float", "builtins.int", "builtins.list", "builtins.set",
    "builtins.str", "builtins.tuple", "collections.OrderedDict", "numpy.float32",
    "numpy.float64", "numpy.int64", "numpy.ndarray",
})  # fmt: skip
_SKOPS_NODES = frozenset({
    "BytearrayNode", "BytesNode", "CachedNode", "DictNode", "JsonNode", "ListNode",
    "NdArrayNode", "ObjectNode", "SetNode", "TupleNode", "TypeNode",
})  # fmt: skip
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
        return _multiclass(_ready(load_booster(path), path), path, classes, "XGBoost file")
    if suffix == ".skops":
        return _convert(_read_skops(path), path, classes)
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
    return _multiclass(_booster(found, path), path, classes or stated, kind)


def _multiclass(booster: Any, path: Path, classes: tuple[str, ...] | None, kind: str) -> MetaModel:
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
            f"The {kind} in {path} takes {str(missing)[:60]} for a missing value.",
            "Only models whose missing value is NaN can be converted.",
        )
    booster = xgboost.Booster.__new__(xgboost.Booster)
    try:
        booster.__setstate__({"handle": bytearray(buffer)})
        # Once more from the bare model: threads, devices and the like stay behind.
        return _ready(xgboost.Booster(model_file=booster.save_raw("ubj")), path)
    except xgboost.core.XGBoostError as error:
        reason = str(error).strip().splitlines()[-1][:200]
        raise ModelError(
            f"XGBoost {xgboost.__version__} does not read the {kind} in {path} ({reason}).",
            "Save it as .ubj with the XGBoost it was trained with (model.save_model).",
        ) from None


def _ready(booster: Any, path: Path) -> Any:
    """The booster up to its best round, without the names XGBoost makes up (f0, f1, ...)."""
    learner = json.loads(booster.save_config())["learner"]
    if learner["gradient_booster"]["name"] not in ("gbtree", "dart"):
        raise ModelError(
            f"The model in {path} is a {learner['gradient_booster']['name']}.",
            "Only models made of trees (gbtree, dart) can be used.",
        )
    names = booster.feature_names
    categories = [t for t in booster.feature_types or () if t == "c"]
    if categories:
        raise ModelError(
            f"The model in {path} reads {len(categories)} feature(s) as categories.",
            "Features are numbers here; train it on numbers.",
        )
    best = booster.attr("best_iteration")
    if best and best.isdecimal() and int(best) + 1 < booster.num_boosted_rounds():
        booster = booster[: int(best) + 1]
    made_up = all(_DEFAULT_NAME.fullmatch(name) for name in names or ())
    booster.feature_names = None if made_up else names
    return booster


def _output(booster: Any) -> tuple[str, int]:
    """Objective and number of outputs."""
    learner = json.loads(booster.save_config())["learner"]
    return learner["objective"]["name"], max(1, int(learner["learner_model_param"]["num_class"]))


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


def _read_skops(path: Path) -> Any:
    """Read a skops file, after checking every type and node in it against our own list.

    Raises:
        UntrustedModelError: If it holds anything that is not on the list.
        ModelError: If skops is not installed or does not read it.
    """
    try:
        skops = importlib.import_module("skops.io")
    except ImportError:
        raise ModelError(
            f"{path} needs the package skops, which is not installed.",
            'Install it with pip install "splice_meta[skops]".',
        ) from None
    try:
        data = path.read_bytes()
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            json.loads(file.read("schema.json"), object_hook=_check_skops)
        found = skops.loads(data, trusted=sorted(_SKOPS_TRUSTED))
    except ModelError:
        raise
    except Exception as error:  # a damaged file can fail in any way
        raise ModelError(
            f"skops does not read {path} ({type(error).__name__}: {str(error)[:200]}).",
            "Save the model with skops.io.dump again, or as .ubj.",
        ) from None
    return _held(found)


def _check_skops(node: dict[str, Any]) -> dict[str, Any]:
    """Refuse a node of a skops schema whose type or way of loading is not on the list."""
    if "__loader__" in node:
        kind = f"{node.get('__module__')}.{node.get('__class__')}"
        if kind not in _SKOPS_TRUSTED | _SKOPS_PLAIN or node["__loader__"] not in _SKOPS_NODES:
            raise UntrustedModelError(
                f"The skops file holds {kind[:200]} (by {str(node['__loader__'])[:60]}), which is "
                "not on the list of what a model file may hold; nothing was run.",
                "Save the XGBClassifier itself, or its booster as .ubj.",
            )
    return node


def _held(found: Any) -> Any:
    """An XGBoost object from skops in the form in which pickles are read."""
    what = Named(type(found).__module__, type(found).__name__)
    if what == Named("xgboost.core", "Booster"):
        return Held(what, (), found.__getstate__())
    if (what.module, what.name) in ADMITTED and hasattr(found, "__dict__"):
        return Held(what, (), {name: _held(value) for name, value in vars(found).items()})
    return found.tolist() if isinstance(found, np.ndarray | np.generic) else found
