"""How much memory gene batches are planned with."""

from __future__ import annotations

from splice_meta.model.bundle import MetaModel
from splice_meta.pipeline.batch import BLOCK_ROWS
from splice_meta.pipeline.matrix import feature_bytes
from splice_meta.settings import RunSettings

LEAN_BYTES = 130
"""What a position takes less where its measures are not written."""


def bytes_per_position(model: MetaModel | None, settings: RunSettings) -> int:
    """How much memory a run is planned with per position of its gene batch, in bytes.

    With it the process of a run of 46 million positions at 1 GiB, three shards in flight, grew by
    0.5 GiB in ``hybrid`` (59 features, 10%, lean columns, the complete table only), by 0.4 GiB
    where hardly a position was picked, and by 0.6 GiB with all columns and tables.
    """
    lean = LEAN_BYTES if settings.columns == "lean" else 0
    return feature_bytes(_features(model), _picked_share(settings)) - lean


def bytes_of_gene(positions: int, model: MetaModel | None, settings: RunSettings) -> int:
    """How much memory one gene may take; features are in memory for a block of it at a time."""
    picked = min(positions * _picked_share(settings), BLOCK_ROWS)
    return positions * feature_bytes(0, 0.0) + int(feature_bytes(_features(model), 1.0) * picked)


def _features(model: MetaModel | None) -> int:
    return len(model.manifest.names) if model else 0


def _picked_share(settings: RunSettings) -> float:
    """The share of the positions that the model is planned to see."""
    if settings.mode == "hybrid" and settings.selection.is_tuned:
        return settings.selection.target_rate
    return {"hybrid": 0.1, "meta_only": 1.0, "base_only": 0.0}[settings.mode]
