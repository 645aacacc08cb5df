"""meta-spliceai's ensembles as trees of members.

What its classes compute, s being the positive outputs of the three binary models (neither, donor,
acceptor):

* ``SigmoidEnsemble``: s as it is, not normalised;
* ``CalibratedSigmoidEnsemble``: c = cal(s_donor + s_acceptor); neither 1 - c, the others scaled to
  sum to c;
* ``PerClassCalibratedSigmoidEnsemble``: cal_i(s_i) to the power of 1 / 1.5, normalised;
* ``ConsolidatedMetaModel``: the mean ("voting") or the maximum of its instances' rows times their
  weights, normalised;
* a dictionary of type ``AllGenesBatchEnsemble``, and that of MultiBatchTrainer: the plain mean.

cal is a logistic regression of one variable (Platt), an isotonic regression, or nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from splice_meta.contracts import CLASSES
from splice_meta.errors import ModelError
from splice_meta.model.curves import Curve, Curves
from splice_meta.model.held import Held, plain, shown_value
from splice_meta.model.members import DEEPEST, Member, Method
from splice_meta.model.objects import (
    kind_of,
    model_of,
    numbers,
    stated_classes,
    texts,
)  # fmt: skip

SIGMOIDS = (
    "SigmoidEnsemble", "CalibratedSigmoidEnsemble", "PerClassCalibratedSigmoidEnsemble",
)  # fmt: skip
DICTIONARIES = ("AllGenesBatchEnsemble", "MultiBatchTrainer's dictionary")
ENSEMBLES = (*SIGMOIDS, "ConsolidatedMetaModel", *DICTIONARIES)
"""What :func:`read_ensemble` reads."""

TEMPERATURE = 1.5
"""That of the per-class ensemble; its class has it as a constant."""

_METHODS: dict[str, Method] = {"voting": "mean", "max": "maximum"}
_MEAN: dict[str, Method] = {"voting": "mean", "weighted": "mean"}  # their reader takes no weights
_HINT = "Get or save the file again."


@dataclass
class Ensemble:
    """What was found.

    Attributes:
        found: The object itself.
        member: The tree.
        models: The XGBoost models of its leaves, in their order.
        names: What each model is called in errors.
        features: The ensemble's list of features.
        orders: The class order that each multiclass leaf states, None where it states none.
        genes: The genes that batches say they were trained on.
    """

    found: Any
    member: Member
    models: list[bytes] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    features: list[str] | None = None
    orders: list[tuple[str, ...] | None] = field(default_factory=list)
    genes: list[str] = field(default_factory=list)


def read_ensemble(found: Any, path: Path) -> Ensemble:
    """The members of an ensemble.

    Args:
        found: The object of the file; one of :data:`ENSEMBLES`.
        path: The file.

    Raises:
        ModelError: If something in it cannot be converted; it is named.
    """
    into = Ensemble(found, Member(kind="three_binary"))
    into.member = _member(found, kind_of(found), path, into, DEEPEST)
    return into


def _member(found: Any, what: str, path: Path, into: Ensemble, deepest: int) -> Member:
    kind = kind_of(found)
    if kind in SIGMOIDS:
        return _sigmoids(found, what, path, into)
    if kind == "XGBClassifier":
        into.models.append(model_of(found, f"{what} in {path}"))
        into.names.append(what)
        into.orders.append(stated_classes(found))
        return Member(kind="multiclass")
    if kind not in ENSEMBLES or deepest < 1:
        module = f" ({found.what.module})" if isinstance(found, Held) else ""
        raise ModelError(
            f"The {what} in {path} is a {kind}{module}, which cannot be converted.",
            "Members may be XGBClassifiers and meta-spliceai's ensembles, at most "
            f"{DEEPEST} deep in each other.",
        )
    if kind == "AllGenesBatchEnsemble":
        batches = found.get("batch_models")
        for batch in batches if isinstance(batches, list | tuple) else ():
            into.genes += (texts(batch.get("genes")) or []) if isinstance(batch, dict) else []
    parts, method, weights = _parts(found, kind, path)
    stated = found.get("feature_names")
    into.features = into.features or texts(stated)
    members = [
        _member(part, f"{kind_of(part)} {number + 1} of the {what}", path, into, deepest - 1)
        for number, part in enumerate(parts)
    ]
    return Member(
        kind="combination",
        members=tuple(members),
        method=method,
        weights=weights,
        is_normalised=kind == "ConsolidatedMetaModel",
    )


def _parts(found: Any, kind: str, path: Path) -> tuple[list[Any], Method, tuple[float, ...]]:
    """The members of a combination, how they are combined, and their weights."""
    field, stated = {
        "ConsolidatedMetaModel": ("instance_models", "consolidation_method"),
        "AllGenesBatchEnsemble": ("batch_models", "combination_method"),
    }.get(kind, ("models", ""))
    parts = found.get(field)
    if not isinstance(parts, list | tuple) or not parts:
        _damaged(kind, path, f"has no {field}")
    if kind == "AllGenesBatchEnsemble":
        parts = [part.get("model") if isinstance(part, dict) else part for part in parts]
    method = found.get(stated, "voting") if stated else "voting"
    if method not in (_MEAN if kind in DICTIONARIES else _METHODS):
        raise ModelError(
            f"The {kind} in {path} combines its members by {shown_value(method)}.",
            "Known are voting (the mean) and, of a ConsolidatedMetaModel, max.",
        )
    weights = found.get("instance_weights") if kind == "ConsolidatedMetaModel" else None
    given = [] if weights is None else numbers(weights)
    sound = given is not None and all(0 <= w < float("inf") for w in given)
    if not sound or (given and (len(given) != len(parts) or not sum(given) > 0)):
        _damaged(kind, path, f"has not one weight (0 or more) for each of its {len(parts)} members")
    return list(parts), _MEAN.get(method, "maximum"), tuple(given or ())


def _sigmoids(found: Held, what: str, path: Path, into: Ensemble) -> Member:
    models = found.get("models")
    if not isinstance(models, list | tuple) or len(models) != len(CLASSES):
        _damaged(what, path, "does not hold three models")
    within = "" if found is into.found else f" of the {what}"
    for name, model in zip(CLASSES, models, strict=True):
        into.names.append(f"{name} model{within}")
        into.models.append(model_of(model, f"{into.names[-1]} in {path}"))
    own = texts(found.get("feature_names"))
    into.features = into.features or own
    if own and into.features and own != into.features[: len(own)]:
        raise ModelError(
            f"The {what} in {path} lists other features than the ensemble, or in another order, "
            f"first {_first_other(own, into.features)}.",
            "The original would read the wrong columns without a word; combine members of the same "
            "features.",
        )
    return Member(kind="three_binary", curves=_curves(found, what, path))


def _first_other(own: Sequence[str], listed: Sequence[str]) -> str:
    pairs = zip(own, [*listed, *("nothing",) * len(own)], strict=False)
    mine, theirs = next(pair for pair in pairs if pair[0] != pair[1])
    return f"{mine} in place of {theirs}"


def _curves(found: Held, what: str, path: Path) -> Curves | None:
    kind = kind_of(found)
    if kind == "CalibratedSigmoidEnsemble":
        curve = _curve(found.get("calibrator"), f"calibrator of the {what} in {path}")
        return Curves(kind="splice", curves=(curve,)) if curve else None
    if kind == "SigmoidEnsemble":
        return None
    given = found.get("calibrators")
    if not isinstance(given, list | tuple) or len(given) != len(CLASSES):
        _damaged(what, path, "does not hold three calibrators")
    curves = [
        _curve(each, f"{name} calibrator of the {what} in {path}")
        for name, each in zip(CLASSES, given, strict=True)
    ]
    return Curves(kind="per_class", curves=tuple(curves), temperature=TEMPERATURE)


def _curve(found: Any, what: str) -> Curve | None:
    """A fitted calibrator as a curve; None for none.

    Raises:
        ModelError: If it is of another kind, or not fitted to one variable and two classes.
    """
    if found is None:
        return None
    kind = kind_of(found)
    if kind == "LogisticRegression":
        return _sigmoid(found, what)
    if kind == "IsotonicRegression":
        return _isotonic(found, what)
    raise ModelError(
        f"The {what} is a {kind}, which cannot be converted.",
        "Calibrators may be LogisticRegression (Platt), IsotonicRegression, or none.",
    )


def _sigmoid(found: Held, what: str) -> Curve:
    slope, intercept = _single(found.get("coef_")), _single(found.get("intercept_"))
    classes = numbers(found.get("classes_"))
    if slope is None or intercept is None or (classes is not None and len(classes) != 2):
        raise ModelError(
            f"The {what} is not a logistic regression of one variable and two classes.", _HINT
        )
    # With this setting scikit-learn takes the softmax of (-z, z): a sigmoid of 2 z.
    factor = 2.0 if found.get("multi_class") == "multinomial" else 1.0
    return Curve(slope=factor * slope, intercept=factor * intercept)


def _single(value: Any) -> float | None:
    """The number of an array that holds one, whatever its dimensions."""
    found = numbers(plain(value, flat=True))
    return found[0] if found is not None and len(found) == 1 else None


def _isotonic(found: Held, what: str) -> Curve:
    x, y = (
        numbers(found.get(name)) or numbers(found.get(older))
        for name, older in (("X_thresholds_", "_necessary_X_"), ("y_thresholds_", "_necessary_y_"))
    )
    if not x or not y or len(x) != len(y):
        raise ModelError(f"The {what} is not a fitted isotonic regression.", _HINT)
    beyond = found.get("out_of_bounds", "clip")
    if beyond != "clip" and not (x[0] <= 0 and x[-1] >= 1):
        raise ModelError(
            f"The {what} has no value for scores below {x[0]:g} or above {x[-1]:g} "
            f"(out_of_bounds={shown_value(beyond)!r}).",
            "Fit it with out_of_bounds='clip'.",
        )
    return Curve(x=tuple(x), y=tuple(min(max(value, 0.0), 1.0) for value in y))


def _damaged(what: str, path: Path, how: str) -> NoReturn:
    raise ModelError(f"The {what} in {path} {how}.", f"The file is damaged; {_HINT.lower()}")
