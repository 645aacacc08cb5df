"""The frames of an annotation."""

from __future__ import annotations

from dataclasses import replace

from splice_meta.dictionary.column import Column, Table
from splice_meta.dictionary.scores import CHROM, CLASS, GENE_ID, GENOMIC_POSITION, STRAND

WHERE = "of `sm.open_annotation`"
_CHROM, _STRAND = replace(CHROM, when=""), replace(STRAND, when="")
_TRANSCRIPT = Column(name="transcript_id", type="String", meaning="The transcript.")


def _span(what: str, of: str) -> tuple[Column, Column]:
    """First and last base of something."""
    return (
        Column(name=f"{what}_start", type="Int64", unit="nucleotides", least=1,
               meaning=f"First base of the {of} on the forward strand, from 1."),
        Column(name=f"{what}_end", type="Int64", unit="nucleotides", least=1,
               meaning=f"Last base of the {of}, inclusive."),
    )  # fmt: skip


GENES = Table(
    name="Annotation: genes",
    place=f"`genes` {WHERE}",
    rows="One row for each gene.",
    columns=(
        GENE_ID,
        Column(name="gene_name", type="String", meaning="Its name.", null="it has none"),
        Column(name="gene_type", type="String", meaning="Its type, such as `protein_coding`.",
               null="the file does not say"),
        _CHROM, _STRAND, *_span("gene", "gene"),
    ),
)  # fmt: skip

TRANSCRIPTS = Table(
    name="Annotation: transcripts",
    place=f"`transcripts` {WHERE}",
    rows="One row for each transcript.",
    columns=(
        _TRANSCRIPT, GENE_ID,
        Column(name="transcript_type", type="String", meaning="Its type.",
               null="the file does not say"),
        _CHROM, _STRAND, *_span("tx", "transcript"),
        Column(name="is_mane_select", type="Boolean", meaning="Whether it is MANE Select."),
        Column(name="is_canonical", type="Boolean", meaning="Whether it is Ensembl canonical."),
    ),
)  # fmt: skip

EXONS = Table(
    name="Annotation: exons",
    place=f"`exons` {WHERE}",
    rows="One row for each exon of each transcript.",
    columns=(
        _TRANSCRIPT, GENE_ID, _CHROM, _STRAND,
        Column(name="exon_number", type="Int64", least=1, unit="exons",
               meaning="Number of the exon, 5' to 3', from 1."),
        *_span("exon", "exon"),
    ),
)  # fmt: skip

INTRONS = Table(
    name="Annotation: introns",
    place=f"`introns()` {WHERE}",
    rows="One row for each intron of each transcript.",
    columns=(_TRANSCRIPT, GENE_ID, _CHROM, _STRAND, *_span("intron", "intron")),
)

SPLICE_SITES = Table(
    name="Annotation: splice sites",
    place=f"`splice_sites()` {WHERE}",
    rows="One row for each distinct splice site of a gene, over all its transcripts.",
    columns=(
        GENE_ID, _CHROM, _STRAND,
        replace(GENOMIC_POSITION, type="Int64", when=""),
        Column(name="splice_type", type=CLASS, meaning="Donor or acceptor."),
    ),
)  # fmt: skip

LEFT_OUT = Table(
    name="Annotation: what was left out",
    place=f"`left_out` {WHERE}",
    rows="One row for each gene or transcript that could not be used.",
    columns=(
        GENE_ID,
        replace(_TRANSCRIPT, null="the whole gene is left out"),
        Column(name="reason", type="String", meaning="Why, as the warning words it."),
        Column(name="detail", type="String", meaning="Where, or which values.",
               null="there is no more to say"),
    ),
)  # fmt: skip

ANNOTATION = (GENES, TRANSCRIPTS, EXONS, INTRONS, SPLICE_SITES, LEFT_OUT)
