"""Called and changed sites as rows of BED, by the rules of :mod:`splice_meta.sites`.

Where genes overlap there is one row for a place, by the larger values.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from splice_meta.sites import fate_of, is_called
from splice_meta.tracks.joined import Stretch

COLOURS = {
    "donor": "0,114,178", "acceptor": "213,94,0", "gained": "0,158,115", "lost": "204,121,167",
}  # fmt: skip
"""By kind; they differ to the colour-blind, too (Okabe and Ito)."""

_COLUMNS = (
    "chrom", "start", "end", "name", "score", "strand", "thick_start", "thick_end", "colour",
)  # fmt: skip


def called_sites(
    stretch: Stretch, columns: Mapping[str, str], threshold: float, names: Mapping[str, str]
) -> pl.DataFrame:
    """Sites at or above the threshold: ``GENE:donor``; the score is the probability x 1000.

    Args:
        stretch: Joined values.
        columns: The value column of each site.
        threshold: Probability from which a site counts as called.
        names: What genes are called, by id; others by their id.

    Returns:
        ``start``, ``strand``, ``name``, ``score``, ``colour``.
    """
    parts = []
    for site, column in columns.items():
        rows = stretch.rows.filter(is_called(column, threshold))
        parts.append(_described(stretch, rows, names, site, pl.col(column), pl.lit(site)))
    return pl.concat(parts)


def changed_sites(
    stretch: Stretch,
    before: Mapping[str, str],
    after: Mapping[str, str],
    threshold: float,
    names: Mapping[str, str],
) -> pl.DataFrame:
    """Sites that only one of two systems calls: ``GENE:donor:gained`` or ``...:lost``.

    The score is the change of the probability x 1000.

    Args:
        stretch: Joined values.
        before: The value column of each site in the base scores.
        after: The same of the final probabilities.
        threshold: Probability from which a site counts as called.
        names: What genes are called, by id.

    Returns:
        As :func:`called_sites`.
    """
    parts = []
    for site, column in before.items():
        kind = fate_of(column, after[site], threshold).cast(pl.String)
        rows = stretch.rows.filter(kind.is_in(["gained", "lost"]))
        change = (pl.col(after[site]) - pl.col(column)).abs()
        parts.append(_described(stretch, rows, names, site, change, kind))
    return pl.concat(parts)


def _described(
    stretch: Stretch,
    rows: pl.DataFrame,
    names: Mapping[str, str],
    site: str,
    score: pl.Expr,
    kind: pl.Expr,
) -> pl.DataFrame:
    named = (
        stretch.by_gene.lazy()
        .filter(pl.col("start").is_in(rows["start"].implode()))
        .select("start", gene=pl.col("gene_id").replace(names))
        .group_by("start")
        .agg(pl.col("gene").unique().sort().str.join(","))
        .collect()
    )
    ending = f":{site}" if site in COLOURS else ""
    label = pl.format("{}" + ending, "gene")
    told = rows.with_columns(kind=kind, score=(score * 1000).round().cast(pl.Int64))
    is_change = pl.col("kind") != site
    return told.join(named, on="start", how="left", maintain_order="left").select(
        "start",
        strand=pl.lit(stretch.strand),
        name=pl.when(is_change).then(pl.format("{}:{}", label, "kind")).otherwise(label),
        score=pl.col("score").clip(0, 1000),
        colour=pl.col("kind").replace_strict(COLOURS, return_dtype=pl.String),
    )


def as_bed(sites: pl.DataFrame, chrom: str) -> pl.DataFrame:
    """The nine columns of BED, sorted by position; a blank in a name is an underscore.

    Args:
        sites: Of one chromosome.
        chrom: Its name in the file.
    """
    end = pl.col("start") + 1
    return (
        sites.sort("start", "strand", "name")
        .with_columns(
            chrom=pl.lit(chrom),
            end=end,
            thick_start="start",
            thick_end=end,
            name=pl.col("name").str.replace_all(r"\s", "_"),
        )
        .select(_COLUMNS)
    )
