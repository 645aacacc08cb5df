"""How far scores are from those that a model was trained on, as a run would say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import polars as pl

from splice_meta.model.distribution import (
    NONE,
    Counts,
    ScoreDistribution,
    compare,
    count_beside,
    scores_of_table,
)  # fmt: skip
from splice_meta.sources.opened import BaseScores

_BYTES = 64
"""Of a position while it is counted."""


def count_by_chromosome(
    total: dict[str, Counts], rows: pl.DataFrame, columns: tuple[str, str]
) -> None:
    """Add the scores beside called sites to the counts of their chromosome.

    Args:
        total: Counts by chromosome, without "chr"; changed in place. Empty where it is not known.
        rows: Whole genes, as for :func:`splice_meta.model.distribution.count_beside`; with
            ``chrom`` where it is known.
        columns: The donor and the acceptor scores.
    """
    parts: Mapping[Any, pl.DataFrame] = {(None,): rows}
    if "chrom" in rows.columns:
        parts = rows.partition_by("chrom", as_dict=True)
    for (chrom,), part in parts.items():
        name = str(chrom or "").removeprefix("chr")
        total[name] = total.get(name, NONE) + count_beside(part, columns)


def score_distances(
    trained: Mapping[str, ScoreDistribution],
    beside: Mapping[str, Mapping[str, Counts]],
    test: BaseScores | None,
    memory: int,
) -> list[dict[str, Any]]:
    """The distance of each chromosome's scores from all training scores, training and test.

    Args:
        trained: How the training scores are distributed, by base model.
        beside: Their counts by base model and chromosome.
        test: Checked base scores of the test genes, or None.
        memory: Budget of a batch in bytes.

    Returns:
        For each base model and chromosome ``base_model`` (empty for the only one), ``part``,
        ``genes`` (training or test), and what
        :class:`splice_meta.model.distribution.Comparison` holds.
    """
    tested = _counted(test, list(trained), memory) if test is not None else {}
    return [
        {"base_model": name, "part": chrom, "genes": use} | asdict(compare(each, counts))
        for name, each in trained.items()
        for use, chroms in (("training", beside[name]), ("test", tested.get(name, {})))
        for chrom, counts in sorted(chroms.items(), key=_by_number)
    ]


def _by_number(item: tuple[str, Counts]) -> tuple[bool, str]:
    return not item[0].isdecimal(), item[0].zfill(2)


def _counted(
    scores: BaseScores, base_models: Sequence[str], memory: int
) -> dict[str, dict[str, Counts]]:
    """Counts by base model and chromosome."""
    columns = {name: scores_of_table(name) for name in base_models}
    wanted = {"gene_id", "position", *(column for pair in columns.values() for column in pair)}
    wanted |= {"chrom"} & set(scores.batch(0, 1).collect_schema())
    found: dict[str, dict[str, Counts]] = {name: {} for name in base_models}
    for first, stop in scores.batches(memory, _BYTES):
        rows = scores.batch(first, stop).select(sorted(wanted)).collect()
        for name, pair in columns.items():
            count_by_chromosome(found[name], rows, pair)
    return found
