"""Base scores: the input of every command, and what ``score`` writes."""

from __future__ import annotations

from dataclasses import replace

from splice_meta.contracts import CLASSES
from splice_meta.dictionary.column import Column, Table, probability

CLASS = f"Enum({', '.join(CLASSES)})"

GENE_ID = Column(name="gene_id", type="String", meaning="The gene.")
PLACED = "where the input or the annotation has it"
CHROM = Column(name="chrom", type="String", meaning="The chromosome, as the input names it.",
               when=PLACED)  # fmt: skip
STRAND = Column(name="strand", type="String", meaning="`+` or `-`.", when=PLACED)
GENOMIC_POSITION = Column(
    name="genomic_position", type="integer", unit="nucleotides", least=1, when=PLACED,
    meaning="Position on the forward strand of the chromosome, from 1. On `-` it falls while "
    "`position` rises.",
)  # fmt: skip
POSITION = Column(
    name="position", type="Int64", unit="nucleotides",
    meaning="Position in the gene along the transcript strand, 5' to 3'; usually from 1.",
)  # fmt: skip
BASE_SCORES = tuple(
    probability(f"{kind}_score", f"Base model: probability that the position is {what}.")
    for kind, what in (
        ("donor", "a donor, the last base of an exon"),
        ("acceptor", "an acceptor, the first base of an exon"),
        ("neither", "neither of the two"),
    )
)
TRUTH = Column(
    name="splice_type", type=CLASS, when="where the input has it",
    meaning="The truth: what the annotation says of the position. Never a feature.",
)  # fmt: skip
IN_PLACE = (GENE_ID, CHROM, STRAND, GENOMIC_POSITION, POSITION)
"""The keys of a row, in the order of output tables."""

INPUT = Table(
    name="Base scores",
    place="the input (`--scores`), and the output of `score` and `sort`",
    rows="One row for each nucleotide of each gene. The rows of a gene are adjacent, and "
    "`position` rises.",
    columns=(
        GENE_ID, CHROM, STRAND, POSITION, GENOMIC_POSITION,
        *BASE_SCORES[:2],
        replace(BASE_SCORES[2], when="optional: 1 - donor - acceptor without it"),
        Column(name="base", type="String", when="optional; k-mers, sequence and motif need it",
               meaning="The nucleotide on the transcript strand: A, C, G, T (or U), else N."),
        replace(TRUTH, type=f"{CLASS}, or 0, 1, 2 in that order", when="optional"),
        Column(name="usage", type="Float64", least=0, most=1, when="optional, read by `train`",
               meaning="How much a site is used: it counts that much as a site, the rest as none.",
               unit="share"),
    ),
)  # fmt: skip

SCORES = (INPUT,)
