"""What a bundle says about how its model was trained."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import polars as pl

from splice_meta.model.distribution import DISTRIBUTIONS
from splice_meta.pipeline.matching import WEIGHTS
from splice_meta.settings import TrainSettings
from splice_meta.training.rows import TRUTH, TrainingRows
from splice_meta.training.subject import Subject


def _weights(subject: Subject) -> dict[str, str]:
    """The digest of each base model's weights, where the scores' files say it."""
    pairs = zip(subject.base_models, subject.scores.makers, strict=False)
    return {name: made.weights_sha256 for name, made in pairs if made and made.weights_sha256}


def description(
    subject: Subject, rows: TrainingRows, settings: TrainSettings, rounds: list[int]
) -> dict[str, Any]:
    """What the bundle says about its training.

    Args:
        subject: What was learned from.
        rows: The training rows.
        settings: How.
        rounds: Rounds of boosting, by booster.
    """
    import xgboost

    counts = rows.frame[TRUTH].value_counts().sort(TRUTH)
    genes = subject.places
    chroms = genes.group_by("chrom", maintain_order=True).agg(genes=pl.len(), sites=pl.sum("sites"))
    return {
        "description": f"{'Residual' if settings.residual else 'Plain'} gradient boosting on "
        f"{' and '.join(subject.base_models) or 'base'} scores.",
        "training": {
            "positions": rows.positions,
            "rows": rows.frame.height,
            "rows_by_class": {str(name): count for name, count in counts.iter_rows()},
            "genes": genes.height,
            "by_chromosome": chroms.to_dicts(),
            "rounds": rounds,
            "settings": asdict(settings),
        },
        WEIGHTS: _weights(subject),
        DISTRIBUTIONS: {
            name or "".join(subject.base_models[:1]): each.to_dict()
            for name, each in rows.distributions.items()
        },
        "versions": {"xgboost": xgboost.__version__, "polars": pl.__version__},
    }
