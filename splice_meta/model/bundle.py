"""The meta-model in memory, and where it comes from.

Its files are those of a bundle, see :mod:`splice_meta.model.bundle_files`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import polars as pl

from splice_meta.contracts import CLASSES
from splice_meta.errors import ModelError
from splice_meta.manifest import FeatureManifest
from splice_meta.model.calibration import Calibration
from splice_meta.ownership import Owned
from splice_meta.records import shown

CARD = "evaluation_card.json"
"""The file of a bundle that says how good the model is; ``metadata["card"]`` in memory."""
LEAST_FLOOR, MOST_FLOOR = 1e-12, 0.1
"""What the floor of a margin may be."""

ModelKind = Literal["multiclass", "three_binary"]

BUNDLE = Owned(
    what="a model bundle",
    files=("bundle.json", "*.ubj", "feature_manifest.json", "feature_manifest.csv", CARD),
    mark=("bundle.json", b'"format_version"'),
)
"""What lies in a bundle."""


@dataclass(frozen=True, kw_only=True)
class Margin:
    """That the trees add to the base model's log-probabilities rather than start from nothing.

    With several base models it is the logarithm of a weighted mean of their probabilities: on
    held-out genes that ranked better than a mean of their logarithms.

    Args:
        floor: Base probabilities below it count as it.
        weights: Of the base models in the manifest's order, summing to 1; empty for one base
            model, or equal weights.

    Raises:
        ModelError: If floor or weights are not of that kind.
    """

    floor: float = 1e-7
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not LEAST_FLOOR <= self.floor <= MOST_FLOOR:
            raise ModelError(
                f"The floor of the model's margin is {shown(self.floor)}.",
                f"It must lie from {LEAST_FLOOR:g} to {MOST_FLOOR:g}.",
            )
        # Written so that NaN is refused.
        are_shares = all(0 <= weight <= 1 for weight in self.weights)
        if self.weights and not (are_shares and abs(sum(self.weights) - 1) <= 1e-6):
            raise ModelError(
                f"The weights of the base models are {', '.join(map(str, self.weights))}.",
                "They must not be negative, and sum to 1.",
            )


@dataclass(frozen=True, kw_only=True)
class MetaModel:
    """A meta-model.

    Attributes:
        manifest: The features it reads.
        boosters: One XGBoost booster (multiclass), or one per class in the order of ``classes``.
        kind: ``multiclass`` or ``three_binary`` (one-against-rest, renormalised to sum 1).
        classes: Class names in the order of the model's outputs.
        margin: Set where base log-probabilities go in as the margin.
        calibration: What maps its probabilities onto frequencies; None for nothing.
        base_models: Names of the base models whose scores it was trained on.
        training_genes: Genes it was trained on, by ``gene_id``.
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
    calibration: Calibration | None = None
    base_models: tuple[str, ...] = ()
    training_genes: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    has_digests: bool | None = None

    def __post_init__(self) -> None:
        if sorted(self.classes) != sorted(CLASSES):
            raise ModelError(
                f"The model's classes are {', '.join(self.classes)}.",
                f"They must be {', '.join(CLASSES)}, in the order of the model's outputs.",
            )
        wanted = 1 if self.kind == "multiclass" else len(CLASSES)
        if len(self.boosters) != wanted:
            raise ModelError(
                f"A {self.kind} model has {wanted} booster(s), this one {len(self.boosters)}.",
                "The bundle is damaged; make it again.",
            )
        weights = len(self.margin.weights) if self.margin else 0
        if weights not in (0, len(self.margin_columns)):
            raise ModelError(
                f"The model has weights for {weights} base models, its manifest names features of "
                f"{len(self.margin_columns)}.",
                "The bundle is damaged; make it again.",
            )

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
        from splice_meta.model.predict import predict_proba

        return predict_proba(self, frame.lazy().collect())

    def gains(self) -> dict[str, float]:
        """Total gain by feature name, summed over the trees that use it (and over boosters)."""
        total: dict[str, float] = {}
        for booster in self.boosters:
            for name, gain in booster.get_score(importance_type="total_gain").items():
                total[name] = total.get(name, 0.0) + float(gain)
        return total

    @property
    def trees(self) -> int:
        """Number of trees over all boosters."""
        return sum(len(b.get_dump()) for b in self.boosters)

    def digest(self) -> str:
        """SHA-256 over boosters, manifest and calibration, for a run's metadata."""
        text = hashlib.sha256(self.manifest.to_json().encode())
        text.update(str(self.calibration).encode())
        for booster in self.boosters:
            text.update(bytes(booster.save_raw("ubj")))
        return text.hexdigest()

    def save(self, path: str | Path) -> Path:
        """Write the bundle.

        Args:
            path: A directory that does not exist yet, or an empty one.

        Raises:
            OutputError: If something is there already.
        """
        from splice_meta.model.bundle_files import write_bundle

        return write_bundle(self, Path(path))
