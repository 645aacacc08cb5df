"""The genes that are asked for, by the names that a table of scores has for them."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import polars as pl

from splice_meta.contracts import without_version
from splice_meta.reference.annotation import Annotation

log = logging.getLogger("splice_meta")


def as_in_scores(
    asked: Sequence[str], frame: pl.LazyFrame, annotation: Annotation | None
) -> tuple[str, ...]:
    """The genes asked for, by the names that the scores have for them.

    Ids may have another version than in the scores, or none, and letters of the other case, where
    only one gene is meant.

    Args:
        asked: Gene ids, with or without version, or gene names.
        frame: Canonical scores.
        annotation: Tells which names are of one gene; None to go by ids alone.

    Returns:
        The scores' name of each gene; those that the scores lack stay as they are.
    """

    def ids(rows: pl.LazyFrame) -> list[str]:
        genes = rows.select(pl.col("gene_id").unique(maintain_order=True)).collect()
        return genes["gene_id"].to_list()

    found = set(ids(frame.filter(pl.col("gene_id").is_in(asked))))
    lacking = [name for name in asked if name not in found]
    if not lacking:
        return tuple(asked)
    there = ids(frame)
    names = _by_bare_id(lacking, there)
    unknown = [name for name in lacking if name not in names]
    if annotation is not None and unknown:
        own = annotation.match(there).drop_nulls("gene_id")
        own = own.unique("gene_id", keep="first", maintain_order=True)
        same = annotation.match(unknown).join(own, on="gene_id").select("asked", "asked_right")
        names |= dict(same.iter_rows())
    for name, gene in names.items():
        log.info("%s is gene %s of the scores.", name, gene)
    return tuple(dict.fromkeys(names.get(name, name) for name in asked))


def _by_bare_id(asked: Sequence[str], ids: Sequence[str]) -> dict[str, str]:
    """Ids that are those asked for but for version and case; only where one fits."""
    fits: dict[str, list[str]] = {}
    for gene in ids:
        fits.setdefault(_bare(gene), []).append(gene)
    found = {name: fits.get(_bare(name), []) for name in asked}
    return {name: genes[0] for name, genes in found.items() if len(genes) == 1}


def _bare(gene: str) -> str:
    return without_version(gene.upper())
