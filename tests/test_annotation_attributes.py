from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_attributes import gff3_parents, gff3_value, gtf_value, gtf_word, is_clear

from splice_meta.errors import InputError
from splice_meta.reference import gff3, gtf
from splice_meta.reference.annotation import open_annotation
from splice_meta.reference.gene_features import gene_features
from splice_meta.reference.lines import hide_semicolons, show_semicolons

ATTRIBUTES = pl.col("attributes")
PIECES = (
    "gene_id", "transcript_id", "ID", "Parent", "note", "x", "G1", "a b", '"', "=", ";", "; ", " ",
    "\t", ",", ".", "-", "é", "\r", '"a;b"', '"a; gene_id b"', '="p;q"',
)  # fmt: skip
texts = st.lists(st.lists(st.sampled_from(PIECES), max_size=14).map("".join), max_size=30)


def read(lines: list[str]) -> list[tuple[object, ...]]:
    """What the readers' expressions find, by line: of GTF two ids and one word; of GFF3 two."""
    table = pl.DataFrame({"attributes": lines}, schema={"attributes": pl.String})
    word = table.select(ATTRIBUTES.str.extract(gtf._WORD, 1)).to_series()
    hidden = hide_semicolons(ATTRIBUTES.str.contains(gtf._MAYBE_QUOTED))
    of_gtf = table.with_columns(attributes=hidden).select(
        show_semicolons(gtf._value(ATTRIBUTES, name)).alias(name)
        for name in ("gene_id", "transcript_id")
    )
    hidden = hide_semicolons(ATTRIBUTES.str.contains(gff3._QUOTED_SEMICOLON))
    of_gff3 = table.with_columns(attributes=hidden).select(
        gff3._parents(), gff3._value(ATTRIBUTES, "ID"), gff3._value(ATTRIBUTES, "gene_id")
    )
    return [
        (*a, b, *c) for a, b, c in zip(of_gtf.rows(), word.to_list(), of_gff3.rows(), strict=True)
    ]


@settings(deadline=None, max_examples=150)
@given(texts)
def test_attributes_are_those_read_sign_by_sign(lines: list[str]) -> None:
    for line, found in zip(lines, read(lines), strict=True):
        if is_clear(line):
            assert found == (
                gtf_value(line, "gene_id"), gtf_value(line, "transcript_id"), gtf_word(line),
                gff3_parents(line), gff3_value(line, "ID"), gff3_value(line, "gene_id"),
            ), line  # fmt: skip


@pytest.mark.parametrize(
    ("attributes", "value"),
    [
        ('gene_id "G";', "G"), ("gene_id G;", "G"), ('gene_id="G"', "G"), ("gene_id = G", "G"),
        ('gene_id"G"', "G"), ('note "x; gene_id y"; gene_id "G"', "G"), ('gene_id "";', None),
        ('gene_id = "";', None), ('gene_id ""; gene_id "G"', "G"), ('my_gene_id "x"', None),
        ('gene_id "a; b"', "a; b"), ('gene_id " G  H "', "G  H"), ("G", None), ("", None),
    ],
)  # fmt: skip
def test_values_of_gtf(attributes: str, value: str | None) -> None:
    assert read([attributes])[0][0] == value == gtf_value(attributes, "gene_id")


ODD = st.sampled_from(
    [
        "gene", "exon", "CDS", "mRNA", "UTR", "stop_codon", "track x", "##FASTA", ">c1", "ACGT",
        "c1", "c2", "x", "1", "9", "30", "90", ".", "+", "-", "?", "0", "-3", "1.5", "\x00", "é",
        'gene_id "G"; transcript_id "T";', 'gene_id "G";', "ID=G", "ID=T;Parent=G", "Parent=T, U",
        "g1", "ID=G;Parent=T", "geneID=G;ID=x", "\r",
    ]
)  # fmt: skip
SOUND = st.tuples(
    st.sampled_from(["c1", "c2"]), st.just("x"),
    st.sampled_from(["gene", "transcript", "mRNA", "exon", "EXON", "CDS", "stop_codon", "UTR"]),
    st.integers(1, 40).map(str), st.integers(40, 90).map(str), st.just("."),
    st.sampled_from("++-."), st.just("."), ODD,
)  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.one_of(SOUND, SOUND, SOUND, st.lists(ODD, max_size=10)), max_size=12),
    st.sampled_from(["\t", "\t", "\t", " "]),
)
def test_any_file_is_read_or_refused_in_plain_words(
    tmp_path_factory: pytest.TempPathFactory, lines: list[list[str]], between: str
) -> None:
    path = Path(tmp_path_factory.getbasetemp(), "odd.gtf")
    path.write_bytes("\n".join(between.join(line) for line in lines).encode())
    try:
        annotation = open_annotation(path, cache=False)
    except InputError as error:
        words = (error.message, error.hint)
    else:
        words = ("read", "read")
        sites = annotation.splice_sites().join(annotation.genes, on="gene_id")
        place = sites["genomic_position"]
        assert place.is_between(sites["gene_start"], sites["gene_end"]).all()
        features = gene_features(annotation)
        assert (features["total_intron_length"].drop_nulls() >= 0).all()
        assert int(features["n_splice_sites"].sum()) == sites.height
        known = {*annotation.exons["gene_id"], *annotation.unknown_sites()["gene_id"]}
        assert set(annotation.genes["gene_id"]) <= known
    assert all(word and "\n" not in word for word in words)
