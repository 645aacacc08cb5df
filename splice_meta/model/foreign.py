"""Reading other people's models: lone XGBoost files, skops files, and, if trusted, pickles.

What becomes what:

* one XGBoost model with three outputs: a ``multiclass`` model, with the same probabilities;
* meta-spliceai's ensembles, see :mod:`splice_meta.model.ensembles`: a ``three_binary`` model, with
  curves where it is calibrated, or a ``combination``. Where the original's rows do not sum to 1
  (``SigmoidEnsemble``), here each row is divided by its sum. The most probable class is the same,
  a threshold on the donor or acceptor score is not.

A model trained with early stopping keeps the rounds up to its best one, as
``XGBClassifier.predict_proba`` uses them. Nothing in a file is run, see
:mod:`splice_meta.model.unpickle`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from splice_meta.contracts import CLASSES
from splice_meta.errors import ModelError, UntrustedModelError
from splice_meta.manifest import META_SPLICEAI, FeatureManifest, load_manifest
from splice_meta.model.booster import load_boosters, name_features, read_model_file
from splice_meta.model.bundle import MetaModel
from splice_meta.model.ensembles import ENSEMBLES, Ensemble, read_ensemble
from splice_meta.model.members import Member
from splice_meta.model.objects import in_file, kind_of, model_of, stated_classes
from splice_meta.model.skops_file import read_skops
from splice_meta.model.structure import Soundness
from splice_meta.model.unpickle import read_pickle

log = logging.getLogger("splice_meta")

XGBOOST_FILES = (".json", ".ubj")
PICKLES = (".pkl", ".pickle", ".joblib")
_COMPRESSED = (".gz", ".bz2", ".xz", ".lzma", ".z")
_DEFAULT_NAME = re.compile(r"f\d+")

Loaded = list[tuple[Any, Soundness]]
"""Boosters, and what was found of each before it was loaded."""


def load_foreign(
    path: Path,
    *,
    trust_pickle: bool = False,
    classes: tuple[str, ...] | None = None,
    origin: str | None = None,
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
        origin: Whose definitions the names of its features have, see
            :mod:`splice_meta.features.older`; by default meta-spliceai's for its ensembles, else
            those of the manifest beside it.

    Raises:
        ModelError: If it is not a model this package can use, or class order or feature names
            are not known.
        UntrustedModelError: If it is a pickle and ``trust_pickle`` is not set, or it holds
            anything that is not on the list.
        ManifestError: If the manifest beside it cannot be read.
    """
    model = _read(path, trust_pickle, classes)
    guessed = origin is None and _is_theirs(model)
    stated = META_SPLICEAI if guessed else origin
    if stated is None or stated == model.manifest.origin:
        return model
    if guessed:
        log.info(
            "The features of %s are taken as meta-spliceai's training code defines them, whose "
            "classes it holds.", path,
        )  # fmt: skip
    return replace(model, manifest=replace(model.manifest, origin=stated))


def _is_theirs(model: MetaModel) -> bool:
    """Whether a converted model is an ensemble of meta-spliceai's."""
    return model.metadata["converted_from"]["kind"] in ENSEMBLES


def _read(path: Path, trust_pickle: bool, classes: tuple[str, ...] | None) -> MetaModel:
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
    kind = kind_of(found)
    if kind in ENSEMBLES:
        return _ensemble(read_ensemble(found, path), kind, path, classes)
    if kind not in ("XGBClassifier", "Booster"):
        raise ModelError(
            f"{path} holds a {kind}, not a model that can be used.",
            "It must be an XGBClassifier, an XGBoost Booster or an ensemble of meta-spliceai's.",
        )
    stated = stated_classes(found)
    if stated and classes and stated != tuple(classes):
        raise ModelError(
            f"{path} states the classes {', '.join(stated)}, not {', '.join(classes)}.",
            "Leave the classes out, or give them in the model's order.",
        )
    return _multiclass(
        _load([model_of(found, in_file(kind, path))], path), path, classes or stated, kind
    )


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
        raise _no_order(path)
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


def _no_order(path: Path) -> ModelError:
    return ModelError(
        f"{path} does not say which of its outputs is which class.",
        "Give the order with splice-meta convert-model MODEL OUT "
        "--classes neither,donor,acceptor (classes=... in Python): meta-spliceai's models are "
        "neither,donor,acceptor, agentic-spliceai's donor,acceptor,neither.",
    )


def _ensemble(found: Ensemble, kind: str, path: Path, classes: tuple[str, ...] | None) -> MetaModel:
    member = found.member
    _check_order(found, kind, path, classes)
    loaded = _load(found.models, path, [f"{path} ({name})" for name in found.names])
    left = iter(zip(loaded, found.names, strict=True))
    for leaf in member.leaves():
        for _ in range(1 if leaf.kind == "multiclass" else len(CLASSES)):
            (_, sound), name = next(left)
            _check_leaf(sound, leaf.kind, f"The {name} in {path}")
    boosters = [booster for booster, _ in loaded]
    manifest = _manifest(boosters, path, found.features)
    note = _note(member)
    is_combined = member.kind == "combination"
    return MetaModel(
        manifest=manifest,
        boosters=tuple(name_features(b, manifest, path, is_combined) for b in boosters),
        kind=member.kind,
        calibration=member.curves,
        combination=member if is_combined else None,
        training_genes=tuple(dict.fromkeys(found.genes)),
        metadata={
            "converted_from": {"file": path.name, "kind": kind, **({"note": note} if note else {})}
        },
        source=str(path),
    )


def _check_order(found: Ensemble, kind: str, path: Path, classes: tuple[str, ...] | None) -> None:
    """Refuse another order of classes than that of ensembles, and multiclass members without."""
    if classes is not None and tuple(classes) != CLASSES:
        raise ModelError(
            f"{path} is a {kind}, whose order is {', '.join(CLASSES)}, not {', '.join(classes)}.",
            "Leave the classes out.",
        )
    for order in found.orders:
        if order is None and classes is None:
            raise _no_order(path)
        if order is not None and order != CLASSES:
            raise ModelError(
                f"A member of the {kind} in {path} states the classes {', '.join(order)}.",
                f"Only members in the order {', '.join(CLASSES)} can be combined.",
            )


def _check_leaf(sound: Soundness, kind: str, name: str) -> None:
    objective, outputs = sound.objective, max(1, sound.outputs)
    if kind == "multiclass" and (objective, outputs) != ("multi:softprob", len(CLASSES)):
        raise ModelError(
            f"{name} has {outputs} output(s) by {objective}.",
            "A lone member must give the probabilities of three classes, by multi:softprob.",
        )
    if kind == "three_binary" and (objective, outputs) != ("binary:logistic", 1):
        raise ModelError(
            f"{name} has {outputs} output(s) by {objective}.",
            "Each of the three must be one class against the rest, by binary:logistic.",
        )


def _note(member: Member) -> str:
    """What is not as in the original: rows that do not sum to 1 there."""
    raw = [leaf for leaf in member.leaves() if leaf.kind == "three_binary" and not leaf.curves]
    if not raw or member.is_normalised:
        return ""
    return "the original does not make its three outputs sum to 1; here they do"


def _load(models: Sequence[bytes], path: Path, names: Sequence[str] = ()) -> Loaded:
    """Models of a file, checked, tried and loaded, up to their best round."""
    boosters, sound = load_boosters(dict(zip(names or [str(path)], models, strict=True)))
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


def _manifest(boosters: list[Any], path: Path, stated: list[str] | None = None) -> FeatureManifest:
    """The manifest of a model: its own names win, then those its file states, then those beside.

    What else the manifest beside says of those features (types, fills, window) is kept.
    """
    own = _longest(boosters) or stated
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
            f"{path} does not name its features, and there is no feature manifest next to it.",
            "Put a feature_manifest.csv with a column 'feature' next to it, in the model's order.",
        )
    return beside


def _longest(boosters: Sequence[Any]) -> list[str] | None:
    """The names in the booster that reads most features; members may read the first of them."""
    named = [booster.feature_names for booster in boosters if booster.feature_names]
    return max(named, key=len, default=None)
