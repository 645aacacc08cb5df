"""Transcripts and genes whose parts lie too far apart to be one."""

from __future__ import annotations

import polars as pl

FAR_EXONS = 10_000_000
"""The longest intron that is believed; the longest known of any animal has about 6 Mb."""
FAR_TRANSCRIPTS = 1_000_000
"""The largest gap between the transcripts of a gene that is believed."""

_KEYS = ["gene_id", "transcript_id"]


def far_transcripts(exons: pl.DataFrame, spans: pl.DataFrame) -> pl.DataFrame:
    """The keys of transcripts with two successive exons more than 10 Mb apart.

    Args:
        exons: The lines of exons.
        spans: One row per transcript: the keys, ``first`` and ``last`` of its exons.
    """
    wide = spans.filter(pl.col("last") - pl.col("first") > FAR_EXONS).select(_KEYS)
    return _with_gap(exons.join(wide, on=_KEYS, how="semi"), _KEYS, FAR_EXONS)


def far_genes(genes: pl.DataFrame, spans: pl.DataFrame) -> pl.DataFrame:
    """The genes whose transcripts, or line and transcripts, have a gap of more than 1 Mb.

    A gene's line does not close a gap between its transcripts: where one id was given to two
    genes, programs that add lines make one that spans both.

    Args:
        genes: The lines of genes.
        spans: One row per transcript: ``gene_id``, ``line``, ``low`` and ``high``.

    Returns:
        ``gene_id`` and ``line``.
    """
    parts = spans.select("gene_id", "line", start="low", end="high")
    whole = parts.group_by("gene_id").agg(
        pl.col("line").min(), pl.col("start").min(), pl.col("end").max()
    )
    own = genes.select("gene_id", "line", "start", "end")
    wide = whole.filter(pl.col("end") - pl.col("start") > FAR_TRANSCRIPTS)
    scattered = _with_gap(parts.join(wide, on="gene_id", how="semi"), ["gene_id"], FAR_TRANSCRIPTS)
    astray = _with_gap(pl.concat([own, whole.select(own.columns)]), ["gene_id"], FAR_TRANSCRIPTS)
    far = pl.concat([scattered, astray]).unique()
    return far.join(whole.select("gene_id", "line"), on="gene_id", maintain_order="left")


def _with_gap(parts: pl.DataFrame, keys: list[str], longest: int) -> pl.DataFrame:
    """The keys whose parts, from ``start`` to ``end``, have a gap that is too long."""
    before = pl.col("end").cum_max().shift(1).over(keys)
    gap = pl.col("start") - before - 1
    return parts.sort("start").filter(gap > longest).select(keys).unique(maintain_order=True)
