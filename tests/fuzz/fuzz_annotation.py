"""The attributes of GTF and GFF3, read by the expressions of the readers and sign by sign."""

from __future__ import annotations

from types import FunctionType

import atheris  # type: ignore[import-not-found]
import polars as pl

from splice_meta.reference import gff3, gtf
from splice_meta.reference.lines import hide_semicolons, show_semicolons
from tests import naive_attributes
from tests.naive_attributes import gff3_parents, gff3_value, gtf_value, gtf_word, is_clear

# What is compared with guides the search: the expressions run in native code.
for each in vars(naive_attributes).values():
    if isinstance(each, FunctionType):
        atheris.instrument_func(each)

SEEDS = [
    b'gene_id "G1"; transcript_id "T1"; note "a; gene_id b"; exon_number 1;',
    b' gene_id  "g" ;  transcript_id\t"t" ; note ";"; other ";;"; \ngene_id g; transcript_id t;',
    b'gene_id="G1";transcript_id = "T 1" ;\nG1.t1\ng1;\ngene_id"G"; transcript_id"T"',
    b'ID=T1;Parent=G1, G2;geneID=G;Name=a%20b\nParent=T1,,T2;ID = "x" ; Note=tag=MANE_Select',
    b'ID="t1";Parent="g1","g2";note="a;Parent=X";gene_id=g',
]

_ATTRIBUTES = pl.col("attributes")
_READY = {
    "gtf": hide_semicolons(_ATTRIBUTES.str.contains(gtf._MAYBE_QUOTED)),
    "text": _ATTRIBUTES,
    "attributes": hide_semicolons(_ATTRIBUTES.str.contains(gff3._QUOTED_SEMICOLON)),
}
_FOUND = [
    pl.col("text").str.extract(gtf._WORD, 1),
    show_semicolons(gtf._value(pl.col("gtf"), "gene_id")).alias("gene"),
    show_semicolons(gtf._value(pl.col("gtf"), "transcript_id")).alias("transcript"),
    gff3._parents(),
    gff3._value(_ATTRIBUTES, "ID"),
    gff3._value(_ATTRIBUTES, "gene_id"),
]


def one_input(data: bytes) -> None:
    texts = data.decode("utf-8", "ignore").split("\n")[:40]
    # What is ambiguous is read somehow, but has to be read.
    lines = pl.Series("attributes", texts, pl.String).to_frame().with_columns(**_READY)
    for text, found in zip(texts, lines.select(_FOUND).rows(), strict=True):
        if is_clear(text):
            want = (
                gtf_word(text),
                *(gtf_value(text, name) for name in ("gene_id", "transcript_id")),
                gff3_parents(text),
                *(gff3_value(text, name) for name in ("ID", "gene_id")),
            )
            assert found == want, (text, found, want)
