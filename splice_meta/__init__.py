"""Recalibrate splice-site probabilities with a meta-model.

Base models such as SpliceAI give every nucleotide of a gene three probabilities: donor, acceptor,
neither. This package finds the positions where they are uncertain, computes features of scores,
context and sequence in one lazy Polars plan, predicts with XGBoost, and returns one row per
nucleotide: recalibrated where the meta-model ran, the base model's elsewhere.
"""

from splice_meta.errors import SpliceMetaError
from splice_meta.manifest import FeatureManifest, load_manifest, reference124
from splice_meta.model.bundle import MetaModel, load_model
from splice_meta.pipeline import plan_features, predict
from splice_meta.settings import FeatureSettings, RunSettings, Selection
from splice_meta.sources.base_scores import scan_scores
from splice_meta.workflow import RunResult, run

__version__ = "0.1.0"

__all__ = [
    "FeatureManifest",
    "FeatureSettings",
    "MetaModel",
    "RunResult",
    "RunSettings",
    "Selection",
    "SpliceMetaError",
    "__version__",
    "load_manifest",
    "load_model",
    "plan_features",
    "predict",
    "reference124",
    "run",
    "scan_scores",
]
