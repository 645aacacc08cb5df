"""Recalibrate splice-site probabilities with a meta-model.

Base models such as SpliceAI give every nucleotide of a gene three probabilities: donor, acceptor,
neither. This package finds the positions where they are uncertain, computes features of scores,
context and sequence in one lazy Polars plan, predicts with XGBoost, and returns one row per
nucleotide: recalibrated where the meta-model ran, the base model's elsewhere.
"""

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

from splice_meta.plain import PlainRecords

if TYPE_CHECKING:
    from splice_meta.alleles.analyse import variants
    from splice_meta.alleles.results import VariantsResult
    from splice_meta.alleles.settings import VariantSettings
    from splice_meta.base_models.load import load_base_model
    from splice_meta.base_models.protocol import BaseModel
    from splice_meta.base_models.scoring import ScoreResult, score
    from splice_meta.errors import SpliceMetaError
    from splice_meta.evaluation.compare import Comparison, compare
    from splice_meta.evaluation.evaluate import evaluate
    from splice_meta.evaluation.explain import explain
    from splice_meta.evaluation.variants import evaluate_variants
    from splice_meta.manifest import FeatureManifest, extended, load_manifest, reference124
    from splice_meta.model.bundle import MetaModel
    from splice_meta.model.load import load_model
    from splice_meta.pipeline.matrix import plan_features
    from splice_meta.pipeline.predict import predict
    from splice_meta.plots.plot_calibration import plot_calibration
    from splice_meta.plots.plot_changes import plot_changes
    from splice_meta.plots.plot_gene import plot_gene
    from splice_meta.reference.annotation import Annotation, open_annotation
    from splice_meta.runs.sort import SortedScores, sort_scores
    from splice_meta.runtime.watching import Watcher
    from splice_meta.settings import FeatureSettings, RunSettings, Selection, TrainSettings
    from splice_meta.sources.base_scores import scan_scores
    from splice_meta.tracks.export import Exported, export
    from splice_meta.training.train import train
    from splice_meta.workflow import RunResult, run

__version__ = "0.2.0"

__all__ = [
    "Annotation",
    "BaseModel",
    "Comparison",
    "Exported",
    "FeatureManifest",
    "FeatureSettings",
    "MetaModel",
    "RunResult",
    "RunSettings",
    "ScoreResult",
    "Selection",
    "SortedScores",
    "SpliceMetaError",
    "TrainSettings",
    "VariantSettings",
    "VariantsResult",
    "Watcher",
    "__version__",
    "compare",
    "evaluate",
    "evaluate_variants",
    "explain",
    "export",
    "extended",
    "load_base_model",
    "load_manifest",
    "load_model",
    "open_annotation",
    "plan_features",
    "plot_calibration",
    "plot_changes",
    "plot_gene",
    "predict",
    "reference124",
    "run",
    "scan_scores",
    "score",
    "sort_scores",
    "train",
    "variants",
]

# Text from outside is harmless in the log, whoever handles it.
logging.getLogger("splice_meta").addFilter(PlainRecords())

# Where each public name lives. Names are imported on first use, so that the command line answers
# at once: its help needs none of them.
_HOME = {
    "variants": "alleles.analyse",
    "VariantsResult": "alleles.results",
    "VariantSettings": "alleles.settings",
    "load_base_model": "base_models.load",
    "BaseModel": "base_models.protocol",
    "ScoreResult": "base_models.scoring",
    "score": "base_models.scoring",
    "SpliceMetaError": "errors",
    "Comparison": "evaluation.compare",
    "compare": "evaluation.compare",
    "evaluate": "evaluation.evaluate",
    "evaluate_variants": "evaluation.variants",
    "explain": "evaluation.explain",
    "Exported": "tracks.export",
    "export": "tracks.export",
    "FeatureManifest": "manifest",
    "extended": "manifest",
    "load_manifest": "manifest",
    "reference124": "manifest",
    "MetaModel": "model.bundle",
    "load_model": "model.load",
    "plot_calibration": "plots.plot_calibration",
    "plot_changes": "plots.plot_changes",
    "plot_gene": "plots.plot_gene",
    "plan_features": "pipeline.matrix",
    "predict": "pipeline.predict",
    "Annotation": "reference.annotation",
    "open_annotation": "reference.annotation",
    "SortedScores": "runs.sort",
    "sort_scores": "runs.sort",
    "FeatureSettings": "settings",
    "RunSettings": "settings",
    "Selection": "settings",
    "TrainSettings": "settings",
    "scan_scores": "sources.base_scores",
    "train": "training.train",
    "Watcher": "runtime.watching",
    "RunResult": "workflow",
    "run": "workflow",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
