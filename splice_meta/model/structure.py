"""Whether an XGBoost model file is sound, before XGBoost reads it.

XGBoost follows the indices of a file without looking: a node whose child or feature lies outside
of its array ends the process, or reads what lies beside it. Here every index, size and number of
all trees is checked at once, in arrays over all nodes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from splice_meta.errors import ModelError
from splice_meta.files.records import shown
from splice_meta.model.fields import Fields
from splice_meta.model.forest import Forest
from splice_meta.model.tree_file import part_of, read_trees

_OBJECTIVE = re.compile(r"[a-z]+:[a-z_]+")


@dataclass(frozen=True)
class Soundness:
    """What a sound model says of itself.

    Attributes:
        booster: ``gbtree`` or ``dart``.
        objective: By its name in XGBoost.
        features: How many it reads.
        outputs: How many it gives.
        has_vector_leaves: Whether one tree serves all outputs (``multi_output_tree``).
    """

    booster: str
    objective: str
    features: int
    outputs: int
    has_vector_leaves: bool


def check_trees(data: bytes, name: str) -> Soundness:
    """Check an XGBoost model file.

    Args:
        data: The file, JSON or UBJSON.
        name: What to call it in errors.

    Raises:
        ModelError: If it is no such file, is of a kind that cannot be used, or something in it is
            out of range, of another size than it should be, or not finite.
    """
    return _Checker(name).check(read_trees(data, name))


class _Checker:
    def __init__(self, name: str) -> None:
        self._fields = Fields(name)
        self._name = name

    def check(self, found: dict[str, Any]) -> Soundness:
        fields = self._fields
        learner = fields.part(found, "learner")
        booster, model = self._model(learner)
        param = fields.part(learner, "learner_model_param")
        features = fields.digits(param, "num_feature", 1)
        classes = fields.digits(param, "num_class")
        targets = fields.digits(param, "num_target", 1, 1)
        if classes > 1 and targets > 1:
            fields.refuse("it has several classes and several targets")
        outputs = max(classes, targets)
        objective = part_of(learner, "objective", "name")
        if not isinstance(objective, str) or not _OBJECTIVE.fullmatch(objective):
            fields.refuse("it names no objective")
        self._check_objective(learner, objective, classes)
        self._check_base_score(param, objective, outputs)
        self._check_texts(learner, features)
        has_vectors = Forest(fields).check(model, features, outputs)
        if booster == "dart":
            self._check_drops(learner, len(model["trees"]))
        return Soundness(booster, objective, features, outputs, has_vectors)

    def _model(self, learner: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """The kind of booster, and its trees."""
        gradient = self._fields.part(learner, "gradient_booster")
        booster = gradient.get("name")
        if not isinstance(booster, str) or booster not in ("gbtree", "dart"):
            raise ModelError(
                f"The model in {self._name} is a {shown(booster)}.",
                "Only models made of trees (gbtree, dart) can be used.",
            )
        inner = gradient if booster == "gbtree" else self._fields.part(gradient, "gbtree")
        return booster, self._fields.part(inner, "model")

    def _check_drops(self, learner: dict[str, Any], trees: int) -> None:
        given = part_of(learner, "gradient_booster", "weight_drop")
        if self._fields.floats(given, "weight_drop").size != trees:
            self._fields.refuse("weight_drop has another size than there are trees")

    def _check_objective(self, learner: dict[str, Any], objective: str, classes: int) -> None:
        if not objective.startswith("multi:"):
            return
        given = self._fields.part(learner, "objective")
        stated = self._fields.part(given, "softmax_multiclass_param")
        if self._fields.digits(stated, "num_class") != classes or classes < 2:
            self._fields.refuse("it contradicts itself in num_class")

    def _check_base_score(self, param: dict[str, Any], objective: str, outputs: int) -> None:
        text = param.get("base_score")
        try:
            scores = [float(part) for part in str(text).strip("[]").split(",")]
        except ValueError:
            scores = [math.nan]
        is_share = objective in ("binary:logistic", "reg:logistic")
        low, high = (0.0, 1.0) if is_share else (-1e30, 1e30)
        if len(scores) not in (1, outputs) or not all(low < score < high for score in scores):
            self._fields.refuse(f"base_score is {shown(str(text))}")

    def _check_texts(self, learner: dict[str, Any], features: int) -> None:
        names = self._texts(learner, "feature_names", features)
        if len(set(names)) < len(names):
            self._fields.refuse("a feature's name stands there twice")
        categories = self._texts(learner, "feature_types", features).count("c")
        if categories:
            raise ModelError(
                f"The model in {self._name} reads {categories} feature(s) as categories.",
                "Features are numbers here; train it on numbers.",
            )
        attributes = learner.get("attributes", {})
        if not isinstance(attributes, dict) or not all(
            isinstance(value, str) for value in attributes.values()
        ):
            self._fields.refuse("attributes are not texts")

    def _texts(self, learner: dict[str, Any], name: str, features: int) -> list[str]:
        """A list of texts, empty or one for each feature."""
        texts = learner.get(name, [])
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            self._fields.refuse(f"{name} is not a list of texts")
        if len(texts) not in (0, features):
            self._fields.refuse(f"{name} has {len(texts):,} entries for {features:,} features")
        return texts


def check_outputs(sound: Soundness, name: str, kinds: Sequence[str], outputs: int) -> None:
    """Refuse a model of another objective or number of outputs than is needed.

    Raises:
        ModelError: It says what the model has.
    """
    if sound.objective not in kinds or max(1, sound.outputs) != outputs:
        raise ModelError(
            f"The model in {name} has {sound.outputs} output(s) by {sound.objective}, not "
            f"{outputs} by {' or '.join(kinds)}.",
            "Model and bundle.json do not belong together; get or make the bundle again.",
        )
