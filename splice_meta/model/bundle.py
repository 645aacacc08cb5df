"""The model bundle: a directory that holds a meta-model and everything needed to use it.

``bundle.json`` says what it is, ``model.ubj`` (or ``neither.ubj``, ``donor.ubj``,
``acceptor.ubj``) is XGBoost's own format, ``feature_manifest.json`` names the features; the same
list is in ``feature_manifest.csv`` for other tools.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import polars as pl

from splice_meta.bundled import bundled_model
from splice_meta.contracts import CLASSES
from splice_meta.errors import ModelError, OutputError
from splice_meta.manifest import FeatureManifest, load_manifest
from splice_meta.model.calibration import Calibration, read_calibration
from splice_meta.ownership import Owned

FORMAT_VERSION = 1
CARD = "evaluation_card.json"
"""The file of a bundle that says how good the model is; ``metadata["card"]`` in memory."""
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
        ModelError: If the weights are not of that kind.
    """

    floor: float = 1e-7
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.weights and (min(self.weights) < 0 or abs(sum(self.weights) - 1) > 1e-6):
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
        metadata: Everything else ``bundle.json`` says: metrics, licence, versions.
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
        folder = Path(path)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise OutputError(f"{folder} is there already.", "Give a new directory.")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{folder} cannot be made: {error.strerror}.") from None
        for name, booster in zip(_files(self.kind, self.classes), self.boosters, strict=True):
            booster.save_model(folder / name)
        (folder / "feature_manifest.json").write_text(self.manifest.to_json())
        (folder / "feature_manifest.csv").write_text(self.manifest.to_csv())
        stated = dict(self.metadata)
        card = stated.pop("card", None)
        if card is not None:
            (folder / CARD).write_text(json.dumps(card, indent=1) + "\n")
        data = {
            "format_version": FORMAT_VERSION,
            "kind": self.kind,
            "classes": list(self.classes),
            "base_models": list(self.base_models),
            "margin": asdict(self.margin) if self.margin else None,
            "calibration": self.calibration.to_dict() if self.calibration else None,
            "training_genes": list(self.training_genes),
            **stated,
        }
        # Last: a directory without bundle.json is no bundle.
        (folder / "bundle.json").write_text(json.dumps(data, indent=1) + "\n")
        return folder


def load_model(
    source: str | Path | MetaModel,
    *,
    trust_pickle: bool = False,
    classes: tuple[str, ...] | None = None,
) -> MetaModel:
    """Load a meta-model.

    Args:
        source: A bundle directory, ``bundled:NAME``, someone else's model file (see
            :mod:`splice_meta.model.foreign`), or a model (returned as it is).
        trust_pickle: Allow pickle and joblib files, through an unpickler that admits a fixed
            list of classes.
        classes: Class order of a file that does not state it.

    Raises:
        ModelError: If there is no such model, or it cannot be used.
        UntrustedModelError: If it is a pickle and ``trust_pickle`` is not set.
    """
    if isinstance(source, MetaModel):
        return source
    text = str(source)
    path = bundled_model(text.removeprefix("bundled:")) if text.startswith("bundled:") else Path(
        source
    )  # fmt: skip
    if not path.exists():
        raise ModelError(
            f"There is no model at {path}.",
            "Give a bundle directory, or bundled:openspliceai-mane.",
        )
    if path.is_dir():
        return _load_bundle(path, text)
    from splice_meta.model.foreign import load_foreign

    return load_foreign(path, trust_pickle=trust_pickle, classes=classes)


def _files(kind: ModelKind, classes: tuple[str, ...]) -> list[str]:
    return ["model.ubj"] if kind == "multiclass" else [f"{name}.ubj" for name in classes]


def _load_bundle(folder: Path, source: str) -> MetaModel:
    try:
        data = json.loads((folder / "bundle.json").read_text())
        if data["format_version"] > FORMAT_VERSION:
            raise ModelError(
                f"The bundle {folder} has format {data['format_version']}, this version reads "
                f"{FORMAT_VERSION}.",
                "Update splice_meta.",
            )
        kind, classes = data["kind"], tuple(data["classes"])
        if kind not in get_args(ModelKind):
            raise ModelError(f"The bundle {folder} is of kind {kind!r}.", "Update splice_meta.")
        calibration = read_calibration(data.get("calibration"))
        margin = _read_margin(data.get("margin"))
        manifest = load_manifest(folder / "feature_manifest.json")
        card = json.loads((folder / CARD).read_text()) if (folder / CARD).exists() else None
        boosters = tuple(load_booster(folder / name) for name in _files(kind, classes))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"{folder} is not a model bundle ({type(error).__name__}: {error}).",
            "A bundle is a directory with bundle.json, a model file and a feature manifest.",
        ) from None
    known = {
        "format_version", "kind", "classes", "base_models", "margin", "calibration",
        "training_genes",
    }  # fmt: skip
    return MetaModel(
        manifest=manifest,
        boosters=tuple(name_features(b, manifest, folder) for b in boosters),
        kind=kind,
        classes=classes,
        margin=margin,
        calibration=calibration,
        base_models=tuple(data.get("base_models", ())),
        training_genes=tuple(data.get("training_genes", ())),
        metadata={k: v for k, v in data.items() if k not in known}
        | ({} if card is None else {"card": card}),
        source=source,
    )


def _read_margin(data: Mapping[str, Any] | None) -> Margin | None:
    if not data:
        return None
    weights = tuple(map(float, data.get("weights", ())))
    return Margin(floor=float(data["floor"]), weights=weights)


def load_booster(path: Path) -> Any:
    """Load one XGBoost model file (``.ubj`` or ``.json``).

    Raises:
        ModelError: If XGBoost does not read it.
    """
    import xgboost

    if not path.exists():
        raise ModelError(f"There is no model file {path}.", "The bundle is incomplete.")
    try:
        return xgboost.Booster(model_file=path)
    except xgboost.core.XGBoostError as error:
        reason = str(error).strip().splitlines()[-1][:200]
        raise ModelError(
            f"XGBoost does not read {path} ({reason}).", "Save the model as .ubj or .json again."
        ) from None


def name_features(booster: Any, manifest: FeatureManifest, where: Path) -> Any:
    """Give a booster its manifest's feature names, after checking that they agree."""
    if booster.num_features() != len(manifest.names):
        raise ModelError(
            f"The model in {where} reads {booster.num_features()} features, its manifest lists "
            f"{len(manifest.names)}.",
            "Model and manifest do not belong together.",
        )
    if booster.feature_names and tuple(booster.feature_names) != manifest.names:
        raise ModelError(
            f"The feature names in the model in {where} are not those of its manifest.",
            "Model and manifest do not belong together.",
        )
    booster.feature_names = list(manifest.names)
    return booster
