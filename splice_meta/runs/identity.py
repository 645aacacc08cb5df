"""What a run is made from, by digest: where one differs, its parts would not fit together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from splice_meta.errors import UsageError
from splice_meta.files.digests import digest_of, ends_of, input_digests
from splice_meta.model.bundle import MetaModel
from splice_meta.model.distribution import DISTRIBUTIONS
from splice_meta.runs.inputs import Inputs
from splice_meta.runs.outputs import OutputLayout
from splice_meta.settings import FeatureSettings, RunSettings
from splice_meta.sources.training_dataset import dataset_files


def given_digests(
    settings: RunSettings,
    inputs: Inputs,
    model: MetaModel | None,
    training_dataset: str | Path | None,
    genes: Sequence[str] | None,
    layout: OutputLayout,
) -> dict[str, str]:
    """Digests of everything that is given and can change the result or its parts.

    Files count by size and ends, wherever they lie; objects of a store by size and ETag.

    Args:
        settings: Settings; how many rows go to the model in one call does not count.
        inputs: Scores, annotation and sequence, and what scores genes without scores.
        model: The meta-model.
        training_dataset: The folder of its training dataset.
        genes: The genes asked for.
        layout: Where the run writes.

    Returns:
        SHA-256 by a name that a user knows it by.
    """
    opened, reference = inputs.opened, inputs.reference
    artifacts = layout.artifacts.resolve() if layout.artifacts is not None else None
    scorers = inputs.scorer.models if inputs.scorer is not None else {}
    annotation, genome = (reference.annotation, reference.genome) if reference else (None, None)
    values = {
        "inference mode": settings.mode,
        "selection": asdict(settings.selection),
        "features": _features(settings.features),
        "outputs": sorted(set(settings.outputs)),
        "columns": settings.columns,
        "memory": settings.memory,
        "kept artifacts": artifacts,
        "base scores": (opened.names, _contents(opened.files)) if opened is not None else None,
        "genes asked for": list(genes) if genes is not None else None,
        "annotation": annotation.digest if annotation is not None else None,
        "FASTA": ends_of(Path(genome.source)) if genome is not None else None,
        "base model": {name: (each.name, each.digest) for name, each in scorers.items()},
        "model": _model(model) if model is not None else None,
        "training dataset": _contents(dataset_files(training_dataset))
        if training_dataset is not None
        else None,
        "versions of splice_meta, Polars, numpy or XGBoost": _versions(),
    }
    return {name: digest_of(value) for name, value in values.items()}


def refuse_frames(scores: Any) -> None:
    """Refuse scores that cannot be told from others when a run is resumed.

    Raises:
        UsageError: If some are given as a frame.
    """
    given = scores.values() if isinstance(scores, Mapping) else [scores]
    if not all(each is None or isinstance(each, (str, Path, list, tuple)) for each in given):
        raise UsageError(
            "A run of scores given as a frame cannot be resumed.", "Give the path of a file."
        )


def _versions() -> list[str]:
    """Of what computes; the same numbers are not promised from one version to the next."""
    ours: str = import_module("splice_meta").__version__
    return [ours, pl.__version__, np.__version__, version("xgboost")]


def _contents(files: Sequence[str]) -> list[Any]:
    """Size and digest of each file; the address of what is not a file here."""
    return [
        {name: value for name, value in each.items() if name != "source"} or each["source"]
        for each in input_digests(files)
    ]


def _features(settings: FeatureSettings) -> dict[str, Any]:
    """The families, and the user's own by the formulas that Polars tells of them."""
    custom = {
        family: {name: str(expr) for name, expr in function().items()}
        for family, function in settings.custom.items()
    }
    return asdict(settings) | {"custom": custom}


def _model(model: MetaModel) -> list[Any]:
    """Everything of a model that predictions or reports depend on."""
    margin = asdict(model.margin) if model.margin is not None else None
    return [
        model.digest(), model.kind, model.classes, margin, model.base_models,
        sorted(model.training_genes), model.metadata.get(DISTRIBUTIONS),
    ]  # fmt: skip
