"""The genomic features of each gene of an annotation."""

from __future__ import annotations

import polars as pl

from splice_meta.catalogue import GENOMIC
from splice_meta.contracts import chrom_code_expr
from splice_meta.reference.annotation import Annotation

_KEYS = ["gene_id", "transcript_id"]
# Above any position on a chromosome; chromosome number x this + position is one axis.
_STRIDE = 1 << 40


def gene_features(annotation: Annotation) -> pl.DataFrame:
    """The 14 genomic features of every gene.

    ``gene_start``, ``gene_end`` and ``gene_length`` (end - start + 1) are those of the gene's
    span; ``num_overlaps`` counts the other genes whose span shares a base with it, on either
    strand; ``chrom`` is a number as in :func:`splice_meta.contracts.chrom_code_expr`. ``tx_start``,
    ``tx_end``, ``transcript_length`` (end - start + 1), ``num_exons``, ``total_exon_length``,
    ``avg_exon_length``, ``median_exon_length`` (of an even number: the mean of the middle two) and
    ``total_intron_length`` (transcript_length - total_exon_length) are those of the representative
    transcript: MANE Select, else Ensembl canonical, else the one with most bases in exons; ties go
    to the transcript id that is first in byte order. ``n_splice_sites`` counts the rows of
    :meth:`Annotation.splice_sites`: distinct donors plus distinct acceptors over all transcripts.

    Args:
        annotation: The annotation.

    Returns:
        One row per gene, in the annotation's order: ``gene_id``, then the names of
        :data:`splice_meta.catalogue.GENOMIC` as Float64. What depends on exons is null where a
        gene has none.
    """
    genes = annotation.genes
    length = pl.col("gene_end") - pl.col("gene_start") + 1
    return (
        genes.with_columns(gene_length=length, num_overlaps=_overlaps(genes))
        .join(representatives(annotation), on="gene_id", how="left", maintain_order="left")
        .join(_sites(annotation), on="gene_id", how="left", maintain_order="left")
        .with_columns(chrom=chrom_code_expr())
        .select("gene_id", *(pl.col(name).cast(pl.Float64) for name in GENOMIC))
    )


def representatives(annotation: Annotation) -> pl.DataFrame:
    """The representative transcript of each gene with exons, and its figures."""
    length = pl.col("exon_end") - pl.col("exon_start") + 1
    figures = annotation.exons.group_by(_KEYS).agg(
        num_exons=pl.len(),
        total_exon_length=length.sum(),
        avg_exon_length=length.mean(),
        median_exon_length=length.median(),
    )
    transcript_length = pl.col("tx_end") - pl.col("tx_start") + 1
    return (
        annotation.transcripts.join(figures, on=_KEYS)
        .sort(
            "is_mane_select", "is_canonical", "total_exon_length", "transcript_id",
            descending=[True, True, True, False],
        )
        .unique("gene_id", keep="first", maintain_order=True)
        .with_columns(transcript_length=transcript_length)
        .with_columns(
            total_intron_length=pl.col("transcript_length") - pl.col("total_exon_length")
        )
        .drop("chrom", "strand")
    )  # fmt: skip


def _sites(annotation: Annotation) -> pl.DataFrame:
    """The number of splice sites of each gene with exons; 0 where no transcript has an intron."""
    with_exons = annotation.exons.select("gene_id").unique()
    count = annotation.splice_sites().group_by("gene_id").agg(n_splice_sites=pl.len())
    return with_exons.join(count, on="gene_id", how="left").with_columns(
        pl.col("n_splice_sites").fill_null(0)
    )


def _overlaps(genes: pl.DataFrame) -> pl.Series:
    """How many other genes share a base with each gene.

    With chromosomes laid one after the other, it is the genes that start at or before the gene's
    end, less those that end before its start, less the gene itself: two binary searches per gene.
    """
    first = pl.col("chrom").rank("dense").cast(pl.Int64) * _STRIDE
    axis = genes.select(start=first + pl.col("gene_start"), end=first + pl.col("gene_end"))
    starts, ends = axis["start"].sort(), axis["end"].sort()
    begun = starts.search_sorted(axis["end"], side="right").cast(pl.Int64)
    over = ends.search_sorted(axis["start"], side="left").cast(pl.Int64)
    return begun - over - 1
