"""Shards: gene batches with an output part of their own."""

from __future__ import annotations

from dataclasses import dataclass

from splice_meta.model.bundle import MetaModel
from splice_meta.pipeline.batch import bytes_per_position
from splice_meta.settings import RunSettings
from splice_meta.sources.opened import BaseScores

AT_ONCE = 2
"""Shards in flight in one process; together they fit the memory budget."""


@dataclass(frozen=True)
class Shard:
    """One gene batch of a run.

    Attributes:
        number: 0-based, in input order.
        of: How many shards the run has; with one, its tables are plain files.
        first: First gene of the batch, 0-based in input order.
        stop: Gene after the last.
        positions: Rows of the batch.
    """

    number: int
    of: int
    first: int
    stop: int
    positions: int


def make_shards(scores: BaseScores, model: MetaModel | None, settings: RunSettings) -> list[Shard]:
    """Pack the genes of a run into shards, :data:`AT_ONCE` of which fit the memory budget."""
    counts = scores.table.genes["positions"]
    room = settings.memory // AT_ONCE
    batches = list(scores.batches(room, bytes_per_position(model, settings)))
    return [
        Shard(number, len(batches), first, stop, int(counts.slice(first, stop - first).sum()))
        for number, (first, stop) in enumerate(batches)
    ]
