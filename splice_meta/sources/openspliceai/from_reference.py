"""What OpenSpliceAI's files do not tell, from annotation and FASTA."""

from __future__ import annotations

import numpy as np
import polars as pl

from splice_meta.contracts import without_version
from splice_meta.reference.annotation import Annotation
from splice_meta.reference.chrom_names import match_chroms
from splice_meta.reference.sequence import Bases, Genome, N
from splice_meta.sources.openspliceai.motif_check import SequenceOf


def spans_of(annotation: Annotation) -> pl.DataFrame:
    """Where genes lie, under their ids and, where it is unambiguous, under ids without version.

    OpenSpliceAI takes a gene's own line, even where its exons go beyond.

    Returns:
        ``gene_id``, ``chrom``, ``strand``, ``start``, ``end`` (1-based, inclusive).
    """
    spans = annotation.genes.select(
        "gene_id", "chrom", "strand", start="gene_start", end="gene_end"
    ).update(annotation.own_spans(), on="gene_id")
    bare = spans.with_columns(
        pl.Series("gene_id", [without_version(gene) for gene in spans["gene_id"]], pl.String)
    )
    return pl.concat([spans, bare]).unique(maintain_order=True)


def sequence_of(genome: Genome) -> SequenceOf:
    """The forward strand's bases by chromosome, start and end; N where the FASTA has none."""

    def fetch(chrom: str, start: int, end: int) -> Bases:
        name = match_chroms([chrom], genome.chroms).get(chrom)
        if name is None:
            return np.full(end - start + 1, N, np.uint8)
        return genome.fetch(name, start, end)

    return fetch
