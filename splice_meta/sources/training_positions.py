"""How the positions of a training dataset count: from 0, as in the older system, or from 1.

What a dataset tells beside its positions (genomic positions, scores, a position 0) shows it.
"""

from __future__ import annotations

import logging

import polars as pl

from splice_meta.errors import InputError
from splice_meta.sources.opened import BaseScores
from splice_meta.sources.training_dataset import trained_genes
from splice_meta.sources.unreadable import readable

log = logging.getLogger("splice_meta")

TELLING = 0.05
"""Donor or acceptor score from which a position can be told from others."""

SAME = 1e-4
"""How far two records of one score may lie apart."""

MOST_ROWS = 20_000
"""Rows of a dataset whose scores are looked for."""


def numbered_as(dataset: pl.LazyFrame, scores: BaseScores | None) -> pl.LazyFrame:
    """A training dataset with its positions counted as those of the scores.

    Args:
        dataset: From :func:`~splice_meta.sources.training_dataset.scan_training_dataset`.
        scores: The base scores; None where they are still to be made, counted from 1.

    Returns:
        ``gene_id`` and ``position``. A log entry says if they were moved, or if it cannot be told
        whether they should be.

    Raises:
        InputError: If some positions count from 0 and others do not.
    """
    with readable():
        shifts = _shifts_told(dataset, scores)
    told = [shift for shift, count in shifts.items() if count]
    keys = dataset.select("gene_id", "position")
    if len(told) > 1:
        raise InputError(
            "The positions of the training dataset count in different ways: "
            + ", ".join(f"{shifts[n]:,} fit the scores if moved by {n:+d}" for n in told) + ".",
            "Give tables that all count positions from 1 along the transcript strand.",
        )  # fmt: skip
    if not told:
        genes = scores.table.genes["gene_id"] if scores is not None else ()
        if trained_genes(dataset).intersection(genes):
            log.warning(
                "Nothing tells whether the positions of the training dataset count from 0 or from "
                "1; they are taken as the scores count theirs."
            )
        return keys
    if not told[0]:
        return keys
    log.warning(
        "The positions of the training dataset count from another base on than those of the "
        "scores; they are shifted by %+d.", told[0],
    )  # fmt: skip
    return keys.with_columns(pl.col("position") + told[0])


def _shifts_told(dataset: pl.LazyFrame, scores: BaseScores | None) -> dict[int, int]:
    """By how much positions must be moved, with the number of rows, or genes, that tell so."""
    if scores is None:
        return {1: int(dataset.select((pl.col("position") == 0).sum()).collect().item())}
    columns = dataset.collect_schema().names()
    genes = scores.table.genes
    told: dict[int, int] = {}
    if "genomic_position" in columns:
        told = _told_by_place(dataset, genes)
    if not told and {"donor_score", "acceptor_score"} <= set(columns):
        told = _told_by_scores(dataset, scores)
    if told:
        most = max(told.values())  # single rows may fit by chance, or be rounded
        return {shift: count for shift, count in told.items() if 10 * count >= most}
    spans = (
        dataset.group_by("gene_id")
        .agg(least=pl.col("position").min(), most=pl.col("position").max())
        .join(genes.select("gene_id", "low", "high").lazy(), on="gene_id")
    )
    return dict(
        zip(
            (1, 0),
            spans.select(
                (pl.col("least") == pl.col("low") - 1).sum().alias("from_0"),
                (pl.col("most") == pl.col("high")).sum().alias("from_1"),
            ).collect().row(0),
            strict=True,
        )
    )  # fmt: skip


def _told_by_place(dataset: pl.LazyFrame, genes: pl.DataFrame) -> dict[int, int]:
    """What genomic positions tell: a place has one position in its gene."""
    way = pl.coalesce("strand", "direction")
    place = pl.col("genomic_position")
    along = pl.when(way == "-").then(pl.col("end") - place).otherwise(place - pl.col("start"))
    known = genes.filter(pl.col("start").is_not_null())
    found = (
        dataset.join(known.lazy(), on="gene_id")
        .filter(place.is_between(pl.col("start"), pl.col("end")))
        .select(shift=pl.col("low") + along - pl.col("position"))
    )
    return _counted(found)


def _told_by_scores(dataset: pl.LazyFrame, scores: BaseScores) -> dict[int, int]:
    """What scores tell: those of positions that are no plain background are found again."""
    names = ("donor_score", "acceptor_score")
    telling = pl.max_horizontal(names) >= TELLING
    sample = dataset.filter(
        telling, pl.col("gene_id").is_in(scores.table.genes["gene_id"].to_list())
    )
    rows = sample.select("gene_id", "position", *names).head(MOST_ROWS).collect()
    ours = scores.frame.filter(telling, pl.col("gene_id").is_in(rows["gene_id"].unique().to_list()))
    near = rows.lazy().join(
        ours.select("gene_id", here="position", donor=names[0], acceptor=names[1]), on="gene_id"
    )
    same = [
        (pl.col(a) - pl.col(b)).abs() < SAME
        for a, b in zip(names, ("donor", "acceptor"), strict=True)
    ]
    shift = pl.col("here") - pl.col("position")
    return _counted(near.select(shift=shift, same=pl.all_horizontal(same)).filter(
        pl.col("same"), pl.col("shift").abs() <= 1
    ))  # fmt: skip


def _counted(shifts: pl.LazyFrame) -> dict[int, int]:
    return dict(shifts.group_by("shift").agg(pl.len()).sort("shift").head(10).collect().rows())
