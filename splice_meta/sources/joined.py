"""Scores of several base models side by side, joined on gene and position.

Where two tables know genomic positions, those count: a table that numbers a gene from another base
on is renumbered. Tables that put a gene on different chromosomes or strands are refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import polars as pl

from splice_meta.contracts import SCORES, scores_of
from splice_meta.errors import ContractError, UsageError
from splice_meta.reference.chrom_names import match_chroms
from splice_meta.sources.checks import GeneTable

KEYS = ("gene_id", "position")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def check_names(source: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the base models, in their order.

    Raises:
        UsageError: If there is none, or one is not a plain name.
    """
    for name in source:
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} cannot be the name of a base model.",
                "A name starts with a letter and holds letters, digits, - and _.",
            )
    if not source:
        raise UsageError("No base scores are given.", "Name at least one base model.")
    return tuple(source)


def aligned(table: GeneTable, other: GeneTable, name: str, other_name: str) -> GeneTable:
    """Another base model's genes, with what their positions need to be those of the primary one.

    Args:
        table: The genes of the primary base model.
        other: Those of the other one.
        name: The primary base model.
        other_name: The other one.

    Returns:
        The other genes with ``shift``, to be added to their positions; ``places`` is null where
        that is not 0.

    Raises:
        ContractError: If both put a gene on different chromosomes or strands.
    """
    names = ("chrom", "strand", "direction", "start", "end", "low", "high")
    pairs = other.genes.join(
        table.genes.select("gene_id", **{f"our_{each}": pl.col(each) for each in names}),
        on="gene_id", how="left", maintain_order="left",
    )  # fmt: skip
    _refuse_elsewhere(pairs, name, other_name)
    # A gene of one row shows no direction: what the other table tells counts.
    way = pl.coalesce("strand", "our_strand", "direction", "our_direction")
    on_minus = way == "-"
    ours = pl.when(on_minus).then(pl.col("our_end") + pl.col("our_low")).otherwise(
        pl.col("our_low") - pl.col("our_start")
    )  # fmt: skip
    theirs = pl.when(on_minus).then(pl.col("end") + pl.col("low")).otherwise(
        pl.col("low") - pl.col("start")
    )  # fmt: skip
    off = (ours - theirs).fill_null(0)
    genes = pairs.with_columns(shift=off).select(*other.genes.columns, "shift")
    moved = genes.filter(pl.col("shift") != 0)
    said = [
        f"{other_name} numbers {moved.height:,} genes from another base on than {name} "
        f"({gene} by {-shift:+d}); they are joined by genomic position."
        for gene, shift in moved.select("gene_id", "shift").head(1).rows()
    ]
    same = pl.when(pl.col("shift") == 0).then(pl.col("places"))
    return GeneTable(genes.with_columns(places=same), (*other.remarks, *said))


def _refuse_elsewhere(pairs: pl.DataFrame, name: str, other_name: str) -> None:
    """Refuse genes that two tables put on different chromosomes or strands."""
    chroms = [pairs[each].drop_nulls().unique().to_list() for each in ("chrom", "our_chrom")]
    names = match_chroms(*chroms)
    chrom = pl.col("chrom").replace_strict(
        {None: None, **names}, default="", return_dtype=pl.String
    )
    way, our_way = pl.coalesce("strand", "direction"), pl.coalesce("our_strand", "our_direction")
    wrong = pairs.filter((chrom != pl.col("our_chrom")) | (way != our_way))
    if wrong.is_empty():
        return
    gene = wrong.with_columns(way=way, our_way=our_way).row(0, named=True)
    ours, theirs = (
        f"{gene[chrom] or 'an unknown chromosome'} ({gene[strand] or 'unknown strand'})"
        for chrom, strand in (("our_chrom", "our_way"), ("chrom", "way"))
    )
    raise ContractError(
        f"Gene {gene['gene_id']} lies on {ours} in the scores of {name}, on {theirs} in those of "
        f"{other_name} ({wrong.height:,} such genes).",
        "Give scores of both base models on the same genes of the same assembly.",
    )


def check_coverage(
    frame: pl.LazyFrame,
    table: GeneTable,
    other_frame: pl.LazyFrame,
    other_table: GeneTable,
    name: str,
    other_name: str,
) -> None:
    """Refuse scores of another base model that lack positions of the primary one.

    Genes with the same set of positions are told by the digest that the contract's check left;
    only the others are looked at position by position.

    Args:
        frame: Canonical scores of the primary base model.
        table: Its genes.
        other_frame: Canonical scores of the other base model.
        other_table: Its genes.
        name: The primary base model.
        other_name: The other one.

    Raises:
        ContractError: If genes or positions are missing; it names the first and counts them.
    """
    theirs = other_table.genes.select("gene_id", their_places="places")
    pairs = table.genes.join(theirs, on="gene_id", how="left", maintain_order="left")
    lacking = pairs.filter(~pl.col("gene_id").is_in(theirs["gene_id"].to_list()))["gene_id"]
    if len(lacking):
        raise ContractError(
            f"The scores of {other_name} lack {len(lacking):,} of the {len(pairs):,} genes of "
            f"{name}, first {lacking[0]}.",
            "Give scores of both base models for the same genes, or choose genes with --genes.",
        )
    differing = pairs.filter(
        (pl.col("places") != pl.col("their_places")).fill_null(True)
    )["gene_id"].to_list()  # fmt: skip
    if not differing:
        return
    missing = (
        _keys(frame, differing)
        .join(
            _keys(shifted(other_frame, other_table.genes), differing),
            on=KEYS,
            how="anti",
            maintain_order="left",
        )
        .collect()
    )
    if missing.height:
        raise ContractError(
            f"The scores of {other_name} lack {missing.height:,} positions of {name}, first "
            f"position {missing['position'][0]} of gene {missing['gene_id'][0]}.",
            "Both base models must score every position of the primary one; where both tables "
            "have genomic_position, that counts.",
        )


def _keys(frame: pl.LazyFrame, genes: list[str]) -> pl.LazyFrame:
    return frame.filter(pl.col("gene_id").is_in(genes)).select(KEYS)


def shifted(rows: pl.LazyFrame, genes: pl.DataFrame) -> pl.LazyFrame:
    """Rows of another base model, numbered as those of the primary one.

    Args:
        rows: Have ``gene_id`` and ``position``; their order is kept.
        genes: From :func:`aligned`.
    """
    moved = genes.filter(pl.col("shift").fill_null(0) != 0).select("gene_id", "shift")
    if moved.is_empty():
        return rows
    along = pl.col("position") + pl.col("shift").fill_null(0)
    joined = rows.join(moved.lazy(), on="gene_id", how="left", maintain_order="left")
    return joined.with_columns(position=along).drop("shift")


def name_scores(rows: pl.LazyFrame, name: str) -> pl.LazyFrame:
    """Add the primary base model's scores once more under its name; nothing is copied."""
    named = zip(scores_of(name), SCORES, strict=True)
    return rows.with_columns(**{column: pl.col(score) for column, score in named})


def join_scores(
    rows: pl.LazyFrame,
    genes: pl.DataFrame,
    theirs: pl.LazyFrame,
    their_genes: pl.DataFrame,
    name: str,
) -> pl.LazyFrame:
    """Put the scores of another base model beside the rows of a batch.

    Args:
        rows: Rows of the primary base model, each gene's positions ascending.
        genes: Their genes, in order, as the contract's check left them.
        theirs: Rows of the other base model for the same genes, positions ascending.
        their_genes: Their genes, in order.
        name: The other base model.

    Returns:
        The rows, with ``NAME.donor_score``, ``NAME.acceptor_score``, ``NAME.neither_score``.
    """
    named = {column: pl.col(score) for column, score in zip(scores_of(name), SCORES, strict=True)}
    same = ["gene_id", "places"]
    if genes.select(same).equals(their_genes.select(same)):
        # The same genes in the same order with the same positions: row by row.
        return pl.concat([rows, theirs.select(**named)], how="horizontal")
    theirs = shifted(theirs, their_genes)
    return rows.join(theirs.select(*KEYS, **named), on=KEYS, how="left", maintain_order="left")
