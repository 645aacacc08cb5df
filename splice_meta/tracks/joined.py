"""Predictions in the order of the genome; where genes overlap, the larger value.

Said once for all tracks: ``genomic_position`` of a table counts from 1 on the forward strand, on
either strand of the gene. BED, bedGraph and bigWig count from 0 and leave the end out, so the base
at position p is the span [p - 1, p).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from splice_meta.errors import InputError
from splice_meta.sources.opened import BaseScores

BYTES = 160
"""Bytes per position that a batch is planned with."""

STRANDS = ("+", "-")
PLACE = ("chrom", "strand", "start", "end")


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """What genes that overlap nobody else's say of one strand.

    Attributes:
        chrom: The chromosome, as the table names it.
        strand: ``+`` or ``-``.
        rows: ``start`` (0-based, ascending, no repeats) and the value columns.
        by_gene: ``gene_id``, ``start`` and the value columns, before genes were joined.
    """

    chrom: str
    strand: str
    rows: pl.DataFrame
    by_gene: pl.DataFrame


def placed_genes(scores: BaseScores) -> pl.DataFrame:
    """The genes that have a place, with the number of each in the table.

    Returns:
        The columns of the gene table, with ``chrom``, ``strand``, ``start`` and ``end`` (1-based,
        both included) where the annotation tells them.

    Raises:
        InputError: If none has.
    """
    genes = scores.table.genes
    if scores.located is not None:
        genes = genes.drop(PLACE).hstack(scores.located.genes.select(PLACE))
    found = genes.drop_nulls(PLACE).filter(pl.col("strand").is_in(STRANDS))
    if found.is_empty():
        raise InputError(
            "It is not known where the genes lie: chrom, strand or genomic_position is missing.",
            "Give --annotation, which gives where genes lie.",
        )
    return found


def stretches(
    scores: BaseScores, genes: pl.DataFrame, chroms: Sequence[str], values: Sequence[str],
    memory: int,
) -> Iterator[Stretch]:  # fmt: skip
    """The joined values, chromosome by chromosome, ascending; both strands of a stretch in turn.

    Args:
        scores: Checked scores or predictions.
        genes: Those of them that have a place.
        chroms: The order of the chromosomes.
        values: The columns to join.
        memory: Budget of a stretch in bytes; genes that overlap are never divided.
    """
    for chrom in chroms:
        here = genes.filter(pl.col("chrom") == chrom).sort("start", "end")
        for part in _parts(here, max(memory // BYTES, 1)):
            in_order = part.sort("first_row")
            for strand in STRANDS:
                these = in_order.filter(pl.col("strand") == strand)
                if these.height:
                    rows = _rows(scores, these, values)
                    yield Stretch(chrom=chrom, strand=strand, rows=_join(rows), by_gene=rows)


def _parts(genes: pl.DataFrame, most: int) -> Iterator[pl.DataFrame]:
    """Genes of a chromosome, sorted, cut between genes that do not overlap."""
    reach = genes["end"].cum_max().shift(1)
    is_free = (genes["start"] > reach).fill_null(True)
    cluster = genes.select(pl.col("positions"), cluster=is_free.cast(pl.UInt32).cum_sum())
    sizes = cluster.group_by("cluster", maintain_order=True).agg(
        pl.len(), pl.col("positions").sum()
    )
    first, taken, held = 0, 0, 0
    for _, count, positions in sizes.iter_rows():
        if held and held + positions > most:
            yield genes.slice(first, taken)
            first, taken, held = first + taken, 0, 0
        taken, held = taken + count, held + positions
    yield genes.slice(first, taken)


def _rows(scores: BaseScores, genes: pl.DataFrame, values: Sequence[str]) -> pl.DataFrame:
    """The rows of genes, in the table's order."""
    rows = scores.rows_of(genes).select(
        "gene_id", start=pl.col("genomic_position").cast(pl.Int64) - 1,
        **{name: pl.col(name).cast(pl.Float32) for name in values},
    ).collect()  # fmt: skip
    found = rows.group_by("gene_id", maintain_order=True).agg(positions=pl.len())
    scores.verify_genes(found, genes)
    return rows


def _join(rows: pl.DataFrame) -> pl.DataFrame:
    """The largest value at each base, ascending."""
    ordered = rows.drop("gene_id").sort("start")
    if (ordered["start"].diff() == 0).any():
        ordered = ordered.group_by("start", maintain_order=True).agg(pl.all().max())
    return ordered
