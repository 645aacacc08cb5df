"""Scores of several base models side by side, joined on gene and position."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import polars as pl

from splice_meta.contracts import SCORES, scores_of
from splice_meta.errors import ContractError, UsageError
from splice_meta.sources.checks import GeneTable

KEYS = ("gene_id", "position")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def check_names(source: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the base models, in their order.

    Raises:
        UsageError: If there is none, or one is no plain name.
    """
    for name in source:
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} is no name of a base model.",
                "A name starts with a letter and holds letters, digits, - and _.",
            )
    if not source:
        raise UsageError("No base scores are given.", "Name at least one base model.")
    return tuple(source)


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
    lacking = pairs.filter(pl.col("their_places").is_null())["gene_id"]
    if len(lacking):
        raise ContractError(
            f"The scores of {other_name} lack {len(lacking):,} of the {len(pairs):,} genes of "
            f"{name}, first {lacking[0]}.",
            "Give scores of both base models for the same genes, or choose genes with --genes.",
        )
    differing = pairs.filter(pl.col("places") != pl.col("their_places"))["gene_id"].to_list()
    if not differing:
        return
    missing = (
        _keys(frame, differing)
        .join(_keys(other_frame, differing), on=KEYS, how="anti", maintain_order="left")
        .collect()
    )
    if missing.height:
        raise ContractError(
            f"The scores of {other_name} lack {missing.height:,} positions of {name}, first "
            f"position {missing['position'][0]} of gene {missing['gene_id'][0]}.",
            "Both base models must score every position of the primary one.",
        )


def _keys(frame: pl.LazyFrame, genes: list[str]) -> pl.LazyFrame:
    return frame.filter(pl.col("gene_id").is_in(genes)).select(KEYS)


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
    return rows.join(theirs.select(*KEYS, **named), on=KEYS, how="left", maintain_order="left")
