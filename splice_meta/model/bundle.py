"""The meta-model in memory, and where it comes from.

Its files are those of a bundle, see :mod:`splice_meta.model.bundle_files`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import polars as pl

from splice_meta.contracts import CLASSES
from splice_meta.errors import ModelError
from splice_meta.files.ownership import Owned
from splice_meta.manifest import FeatureManifest
from splice_meta.model.bundle_writer import (
    CARD,
    LIST,
    MANIFEST,
    PART,
    PARTS,
    booster_files,
    write_bundle,
)  # fmt: skip
from splice_meta.model.calibration import Calibration
from splice_meta.model.curves import Curves
from splice_meta.model.estimator import digest_of
from splice_meta.model.margin import Margin
from splice_meta.model.members import Member, MemberKind
from splice_meta.model.predict import predict_proba
from splice_meta.shown import Shown, few

ModelKind = MemberKind | Literal["estimator"]

_ONE = Owned(
    what="a model bundle",
    files=("bundle.json", "*.ubj", "feature_manifest.json", "feature_manifest.csv", CARD),
    mark=("bundle.json", b'"format_version"'),
)
BUNDLE = replace(_ONE, folders={f"{PART}[0-9]*": _ONE})
"""What lies in a bundle."""


@dataclass(frozen=True, kw_only=True, repr=False)
class MetaModel(Shown):
    """A meta-model.

    Attributes:
        manifest: The features it reads.
        boosters: One XGBoost booster (multiclass), one per class in the order of ``classes``, or
            those of the members of a combination.
        kind: ``multiclass``, ``three_binary`` (one-against-rest, renormalised to sum 1) or
            ``combination`` (several members, each with boosters and a calibration); in Python
            also ``estimator`` (any object with ``predict_proba``, in place of the booster).
        classes: Class names in the order of the model's outputs.
        margin: Set where base log-probabilities go in as the margin.
        calibration: What maps its probabilities onto frequencies; None for nothing.
        combination: How the members of a combination make a prediction.
        base_models: Names of the base models whose scores it was trained on.
        training_genes: Genes it was trained on, by ``gene_id``.
        parts: Models for some of these base models only, for scores that lack the others.
        metadata: Everything else ``bundle.json`` says: metrics, licence, versions; ``card``, the
            evaluation card.
        has_digests: Whether it was loaded from a bundle with digests, which were right; None where
            it comes from elsewhere.
        source: Where it was loaded from.
    """

    manifest: FeatureManifest
    boosters: tuple[Any, ...]
    kind: ModelKind = "multiclass"
    classes: tuple[str, ...] = CLASSES
    margin: Margin | None = None
    calibration: Calibration | Curves | None = None
    combination: Member | None = None
    base_models: tuple[str, ...] = ()
    training_genes: tuple[str, ...] = ()
    parts: tuple[MetaModel, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    has_digests: bool | None = None

    def __post_init__(self) -> None:
        if sorted(self.classes) != sorted(CLASSES):
            raise ModelError(
                f"The model's classes are {', '.join(self.classes)}.",
                f"They must be {', '.join(CLASSES)}, in the order of the model's outputs.",
            )
        is_estimator = self.kind == "estimator"
        wanted = 1 if is_estimator else len(self._files())
        if len(self.boosters) != wanted:
            raise ModelError(
                f"A {self.kind} model has {wanted} booster(s), this one {len(self.boosters)}.",
                "The bundle is damaged; make it again.",
            )
        self._check_order()
        weights = len(self.margin.weights) if self.margin else 0
        if weights not in (0, len(self.margin_columns)):
            raise ModelError(
                f"The model has weights for {weights} base models, its manifest names features of "
                f"{len(self.margin_columns)}.",
                "The bundle is damaged; make it again.",
            )

    def _files(self) -> list[str]:
        """The names of its boosters' files."""
        return booster_files(self.kind, self.classes, self.combination)

    def _check_order(self) -> None:
        """Refuse what only models of classes in one order, without a margin, can have."""
        is_combined = self.combination is not None
        needs_order = is_combined or isinstance(self.calibration, Curves)
        is_sound = (self.kind == "combination") == is_combined and not (
            is_combined and (self.margin or self.calibration)
        )
        if isinstance(self.calibration, Curves) and self.kind != "three_binary":
            is_sound = False
        if not is_sound or (needs_order and self.classes != CLASSES):
            raise ModelError(
                f"The {self.kind} model contradicts itself in its combination, calibration, margin "
                "or classes.",
                "The bundle is damaged; make it again.",
            )

    def _facts(self) -> list[tuple[str, str]]:
        licence = self.metadata.get("licence")
        return [
            ("source", self.source or "made here"),
            ("kind", self.kind),
            ("base models", few(self.base_models) if self.base_models else "not stated"),
            *([("or from", "; ".join(few(p.base_models) for p in self.parts))] * bool(self.parts)),
            ("features", f"{len(self.manifest.names)}"),
            ("trees", f"{self.trees:,}"),
            ("calibration", self.calibration.words if self.calibration else "none"),
            *([("combination", self.combination.words)] if self.combination else []),
            ("trained on", f"{len(self.training_genes):,} genes"),
            *([("licence", str(licence))] if licence else []),
        ]

    @property
    def margin_columns(self) -> tuple[tuple[str, ...], ...]:
        """The score columns of the margin: for each base model one per class, in their order."""
        if self.margin is None:
            return ()
        fronts = [f"{name}." for name in self.manifest.base_models] or [""]
        return tuple(tuple(f"{front}{name}_score" for name in self.classes) for front in fronts)

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that a prediction reads: the manifest's, then those of the margin."""
        margin = (name for names in self.margin_columns for name in names)
        return tuple(dict.fromkeys((*self.manifest.names, *margin)))

    def predict_proba(self, frame: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
        """Probabilities of each class for each row of a feature frame.

        Args:
            frame: As :func:`splice_meta.plan_features` makes it for this model's manifest.

        Returns:
            One Float32 column per class in the order of ``classes``, shape (rows, 3).

        Raises:
            FeatureError: If the frame lacks a column the model reads.
        """
        return predict_proba(self, frame.lazy().collect())

    def gains(self) -> dict[str, float]:
        """Total gain by feature name, summed over the trees that use it (and over boosters)."""
        if self.kind == "estimator":
            shares = getattr(self.boosters[0], "feature_importances_", ())
            return dict(zip(self.manifest.names, map(float, shares), strict=False))
        total: dict[str, float] = {}
        for booster in self.boosters:
            for name, gain in booster.get_score(importance_type="total_gain").items():
                total[name] = total.get(name, 0.0) + float(gain)
        return total

    @property
    def trees(self) -> int:
        """Number of trees over all boosters."""
        return sum(map(_trees_of, self.boosters)) if self.kind != "estimator" else 0

    def digest(self) -> str:
        """SHA-256 over boosters, manifest and calibration, for a run's metadata."""
        text = hashlib.sha256(self.manifest.to_json().encode())
        text.update(str(self.calibration).encode())
        if self.combination is not None:
            text.update(str(self.combination).encode())
        for booster in self.boosters:
            is_estimator = self.kind == "estimator"
            text.update(
                digest_of(booster).encode() if is_estimator else bytes(booster.save_raw("ubj"))
            )
        return text.hexdigest()

    def save(self, path: str | Path) -> Path:
        """Write the bundle.

        Args:
            path: A directory that does not exist yet, or an empty one.

        Raises:
            OutputError: If something already exists.
            ModelError: If it is an estimator, which no bundle can hold.
        """
        if self.kind == "estimator":
            raise ModelError(
                f"A {type(self.boosters[0]).__name__} cannot be saved as a bundle.",
                "Keep it in the way of its library, such as skops, and give it to sm.predict.",
            )
        stated = dict(self.metadata)
        card = stated.pop("card", None)
        names = self._files()
        raw = (booster.save_raw("ubj") for booster in self.boosters)
        files = dict(zip(names, raw, strict=True))
        files[MANIFEST] = self.manifest.to_json().encode()
        files[LIST] = self.manifest.to_csv().encode()
        if card is not None:
            files[CARD] = (json.dumps(card, indent=1) + "\n").encode()
        record = {
            "kind": self.kind,
            "classes": list(self.classes),
            "base_models": list(self.base_models),
            "margin": asdict(self.margin) if self.margin else None,
            "calibration": self.calibration.to_dict() if self.calibration else None,
            **({"combination": self.combination.to_dict()} if self.combination else {}),
            "training_genes": list(self.training_genes),
            **stated,
        }
        if self.parts:
            record[PARTS] = [each.digest() for each in self.parts]
        folder = write_bundle(Path(path), files, record)
        for number, each in enumerate(self.parts, start=1):
            each.save(folder / f"{PART}{number}")
        return folder


def _trees_of(booster: Any) -> int:
    """Its number of trees, from its configuration; a dump of them takes 0.1 ms for each."""
    config = json.loads(booster.save_config())["learner"]["gradient_booster"]
    return int(config.get("gbtree", config).get("gbtree_model_param", {}).get("num_trees", 0))
