"""The tables of an annotation, made from the lines that belong to it."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from splice_meta.reference.reasons import LEFT_OUT

_TEXT, _NUMBER, _FLAG = pl.String(), pl.Int64(), pl.Boolean()
SCHEMAS: dict[str, dict[str, pl.DataType]] = {
    "genes": {
        "gene_id": _TEXT, "gene_name": _TEXT, "gene_type": _TEXT, "chrom": _TEXT, "strand": _TEXT,
        "gene_start": _NUMBER, "gene_end": _NUMBER,
    },
    "transcripts": {
        "transcript_id": _TEXT, "gene_id": _TEXT, "transcript_type": _TEXT, "chrom": _TEXT,
        "strand": _TEXT, "tx_start": _NUMBER, "tx_end": _NUMBER, "is_mane_select": _FLAG,
        "is_canonical": _FLAG,
    },
    "exons": {
        "transcript_id": _TEXT, "gene_id": _TEXT, "chrom": _TEXT, "strand": _TEXT,
        "exon_number": _NUMBER, "exon_start": _NUMBER, "exon_end": _NUMBER,
    },
    "crossings": {
        "transcript_id": _TEXT, "gene_id": _TEXT, "chrom": _TEXT, "strand": _TEXT,
        "intron_start": _NUMBER, "intron_end": _NUMBER,
    },
    "left_out": LEFT_OUT,
    "changed": LEFT_OUT,
}  # fmt: skip
"""The columns of an annotation's tables, by table."""

_KEYS = ["gene_id", "transcript_id"]
_PLACE = ["chrom", "strand"]
# Above any position on a chromosome; transcript number x this + position is one axis.
_STRIDE = 1 << 40

SLIPPAGE = 2
"""Bases that two exons of a transcript may share: a ribosome that slips back reads them twice."""


def transcripts_of(lines: pl.DataFrame, spans: pl.DataFrame) -> pl.DataFrame:
    """Transcripts in the file's order, from their own lines, else from their exons.

    Args:
        lines: The lines that are left.
        spans: The keys, ``first`` and ``last`` of the exons of each transcript.

    Returns:
        The transcripts; ``widened`` says whether a line ended before its exons.
    """
    own = lines.filter(kind="transcript")
    derived = (
        lines.filter(kind="exon")
        .join(own, on=_KEYS, how="anti", maintain_order="left")
        .group_by(_KEYS, maintain_order=True)
        .agg(
            pl.col("line", *_PLACE).first(),
            pl.col("gene_name", "gene_type", "transcript_type").drop_nulls().first(),
            pl.col("is_mane_select", "is_canonical").any(),
            pl.col("start").min(),
            pl.col("end").max(),
        )
    )
    rows = pl.concat([own.select(derived.columns), derived]).sort("line", maintain_order=True)
    flags = pl.col("is_mane_select", "is_canonical").fill_null(False)
    named = rows.with_columns(flags).rename({"start": "tx_start", "end": "tx_end"})
    return _widened(named, spans.select(*_KEYS, "first", "last"), _KEYS, "tx")


def genes_of(lines: pl.DataFrame, transcripts: pl.DataFrame) -> pl.DataFrame:
    """Genes in the file's order, from their own lines, else from their transcripts.

    Returns:
        The genes; ``widened`` says whether a line ended before its transcripts.
    """
    own = lines.filter(kind="gene").rename({"start": "gene_start", "end": "gene_end"})
    derived = (
        transcripts.join(own, on="gene_id", how="anti", maintain_order="left")
        .group_by("gene_id", maintain_order=True)
        .agg(
            pl.col("line", *_PLACE).first(),
            pl.col("gene_name", "gene_type").drop_nulls().first(),
            gene_start=pl.col("tx_start").min(),
            gene_end=pl.col("tx_end").max(),
        )
    )
    rows = pl.concat([own.select(derived.columns), derived]).sort("line", maintain_order=True)
    spans = transcripts.group_by("gene_id").agg(
        first=pl.col("tx_start").min(), last=pl.col("tx_end").max()
    )
    return _widened(rows, spans, ["gene_id"], "gene")


def _widened(rows: pl.DataFrame, spans: pl.DataFrame, keys: list[str], prefix: str) -> pl.DataFrame:
    """Parents whose span holds that of their children, from ``first`` to ``last``."""
    start, end = f"{prefix}_start", f"{prefix}_end"
    is_out = (pl.col("first") < pl.col(start)) | (pl.col("last") > pl.col(end))
    return (
        rows.join(spans, on=keys, how="left", maintain_order="left")
        .with_columns(
            pl.min_horizontal(start, "first").alias(start),
            pl.max_horizontal(end, "last").alias(end),
            widened=is_out.fill_null(False),
            # What the line says, for scores that were made with it.
            detail=pl.when(is_out).then(pl.format("{}-{}", start, end)),
        )
        .drop("first", "last")
    )


@dataclass(frozen=True, kw_only=True)
class Exons:
    """The exons of all transcripts.

    Attributes:
        joined: By transcript, 5' to 3', those that overlap or touch as one.
        crossings: Where two exons of a transcript share more than :data:`SLIPPAGE` bases and
            neither lies within the other: from behind the end of the first to before the start of
            the second, where an intron would be.
        overlapping: The transcripts of which different exons that share a base were joined.
        crossing: The transcripts with crossings.
    """

    joined: pl.DataFrame
    crossings: pl.DataFrame
    overlapping: pl.DataFrame
    crossing: pl.DataFrame


def exons_of(lines: pl.DataFrame, transcripts: pl.DataFrame) -> Exons:
    """Exons by transcript.

    Args:
        lines: The lines that are left.
        transcripts: The transcripts, in the file's order.
    """
    numbered = transcripts.select(*_KEYS, *_PLACE).with_row_index("number")
    axis = pl.col("number").cast(pl.Int64) * _STRIDE
    start, end, before = pl.col("start"), pl.col("end"), pl.col("before")
    is_again = (start == start.shift(1)) & (end == end.shift(1))
    stretches = (
        lines.filter(kind="exon")
        .join(numbered.drop(_PLACE), on=_KEYS)
        .select("number", "is_derived", start=axis + start, end=axis + end)
        .sort("start", "end")
        .with_columns(end.cum_max().alias("reach"), other=~is_again & ~pl.col("is_derived"))
        .with_columns(before=pl.col("reach").shift(1).fill_null(-1))
        .with_columns(
            is_first=start > before + 1,
            overlaps=(start <= before) & pl.col("other"),
            # Neither of exons with one start tells where it ends, nor does one within another.
            crosses=(start <= before - SLIPPAGE) & (end > before) & (start > start.shift(1)),
        )
        .with_columns(
            pl.col("crosses") & pl.col("other"),
            is_last=pl.col("is_first").shift(-1).fill_null(True),
        )
    )
    exons = stretches.filter("is_first").select("number", "start").with_columns(
        stretches.filter("is_last")["reach"].alias("end")
    )  # fmt: skip
    rank = pl.int_range(1, pl.len() + 1).over("number")
    from_the_end = pl.len().over("number") + 1 - rank
    joined = (
        exons.with_columns((pl.col("start", "end") - axis).name.prefix("exon_"))
        .join(numbered, on="number", how="left", maintain_order="left")
        .with_columns(
            exon_number=pl.when(pl.col("strand") == "+").then(rank).otherwise(from_the_end)
        )
        .sort("number", "exon_number")
    )
    crossings = (
        stretches.filter("crosses")
        .select("number", intron_start=before + 1 - axis, intron_end=start - 1 - axis)
        .join(numbered, on="number", how="left", maintain_order="left")
    )
    crossing = stretches.filter("crosses")["number"].unique().sort()
    overlaps = pl.col("overlaps") & ~pl.col("number").is_in(crossing.implode())
    overlapping = stretches.filter(overlaps)["number"].unique().sort()
    return Exons(
        joined=joined, crossings=crossings,
        overlapping=transcripts[overlapping], crossing=transcripts[crossing],
    )  # fmt: skip
