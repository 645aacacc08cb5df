from __future__ import annotations

import gzip
import hashlib
import logging
import multiprocessing
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from splice_meta.bundled import fixtures
from splice_meta.contracts import SpliceType
from splice_meta.errors import InputError
from splice_meta.reference import cache as kept
from splice_meta.reference import reasons
from splice_meta.reference.annotation import Annotation, open_annotation
from splice_meta.reference.gene_features import gene_features

# Data that stand beside a developer's checkout only.
SHARED = Path(__file__).parents[2] / "shared" / "data"
TABLES = ("genes", "transcripts", "exons", "left_out", "changed")


def line(
    kind: str, start: Any, end: Any, attributes: str, chrom: str = "chr1", strand: str = "+"
) -> str:
    return f"{chrom}\ttest\t{kind}\t{start}\t{end}\t.\t{strand}\t.\t{attributes}\n"


def exons(gene: str, transcript: str, *spans: tuple[int, int], **place: str) -> str:
    ids = f'gene_id "{gene}"; transcript_id "{transcript}";'
    return "".join(line("exon", start, end, ids, **place) for start, end in spans)


def gene_line(gene: str, start: int, end: int, **place: str) -> str:
    return line("gene", start, end, f'gene_id "{gene}";', **place)


def transcript_line(gene: str, transcript: str, start: int, end: int, **place: str) -> str:
    ids = f'gene_id "{gene}"; transcript_id "{transcript}";'
    return line("transcript", start, end, ids, **place)


@pytest.fixture
def opened(tmp_path: Path) -> Any:
    def open_text(text: str | bytes, name: str = "annotation") -> Annotation:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return open_annotation(path, cache=False)

    return open_text


def sites_of(annotation: Annotation) -> list[tuple[str, int, str]]:
    return annotation.splice_sites().select("gene_id", "genomic_position", "splice_type").rows()


def left_out(annotation: Annotation) -> list[tuple[str | None, ...]]:
    """But genes without exons, which many tests have and few are about."""
    rows = annotation.left_out.filter(pl.col("reason") != reasons.NO_EXONS)
    return rows.drop("detail").rows()


def refused(text: str | bytes, opened: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        opened(text)
    for part in (caught.value.message, caught.value.hint):
        assert part
        assert part.endswith(".")
        assert "\n" not in part
    return caught.value


# --- The dialects ---------------------------------------------------------------------------

GENCODE = (
    "##description: test\n##format: gtf\n"
    + line("gene", 100, 400, 'gene_id "ENSG01.5"; gene_type "lncRNA"; gene_name "A B"; level 2; '
           'havana_gene "OTT1.2";')
    + line("transcript", 100, 400, 'gene_id "ENSG01.5"; transcript_id "ENST01.2"; '
           'gene_type "lncRNA"; gene_name "A B"; transcript_type "retained_intron"; '
           'tag "basic"; tag "Ensembl_canonical"; tag "MANE_Select"; havana_transcript "OTTT1";')
    + line("exon", 100, 200, 'gene_id "ENSG01.5"; transcript_id "ENST01.2"; exon_number 1; '
           'tag "MANE_Select";')
    + line("CDS", 110, 190, 'gene_id "ENSG01.5"; transcript_id "ENST01.2";')
    + line("exon", 300, 400, 'gene_id "ENSG01.5"; transcript_id "ENST01.2"; exon_number 2;')
)  # fmt: skip
ENSEMBL = (
    "#!genome-build GRCh38\n"
    + line("gene", 100, 400, 'gene_id "ENSG01"; gene_version "5"; gene_name "A B"; '
           'gene_source "havana"; gene_biotype "lncRNA";')
    + line("transcript", 100, 400, 'gene_id "ENSG01"; gene_version "5"; transcript_id "ENST01"; '
           'transcript_version "2"; gene_name "A B"; gene_biotype "lncRNA"; '
           'transcript_biotype "retained_intron"; tag "Ensembl_canonical"; tag "MANE_Select";')
    + line("exon", 100, 200, 'gene_id "ENSG01"; transcript_id "ENST01"; exon_number "1";')
    + line("exon", 300, 400, 'gene_id "ENSG01"; transcript_id "ENST01"; exon_number "2";')
)  # fmt: skip
GENCODE3 = (
    "##gff-version 3\n"
    + line("gene", 100, 400, "ID=ENSG01.5;gene_id=ENSG01.5;gene_type=lncRNA;gene_name=A B")
    + line("transcript", 100, 400, "ID=ENST01.2;Parent=ENSG01.5;gene_id=ENSG01.5;"
           "transcript_id=ENST01.2;gene_type=lncRNA;gene_name=A B;transcript_type=retained_intron;"
           "tag=basic,Ensembl_canonical,MANE_Select")
    + line("exon", 100, 200, "ID=exon:ENST01.2:1;Parent=ENST01.2;gene_id=ENSG01.5;tag=basic")
    + line("CDS", 110, 190, "ID=CDS:ENST01.2;Parent=ENST01.2")
    + line("exon", 300, 400, "ID=exon:ENST01.2:2;Parent=ENST01.2;gene_id=ENSG01.5")
)  # fmt: skip
ENSEMBL3 = (
    "##gff-version 3\n##sequence-region 1 1 1000\n"
    + line("chromosome", 1, 1000, "ID=chromosome:1;Alias=CM1")
    + "###\n"
    + line("ncRNA_gene", 100, 400, "ID=gene:ENSG01;Name=A%20B;biotype=lncRNA;gene_id=ENSG01")
    + line("lnc_RNA", 100, 400, "ID=transcript:ENST01;Parent=gene:ENSG01;Name=AB-201;"
           "biotype=retained_intron;tag=Ensembl_canonical,MANE_Select;transcript_id=ENST01")
    + line("exon", 100, 200, "Parent=transcript:ENST01;Name=ENSE1;exon_id=ENSE1;rank=1")
    + line("exon", 300, 400, "Parent=transcript:ENST01;Name=ENSE2;exon_id=ENSE2;rank=2")
)  # fmt: skip
REFSEQ3 = (
    "##gff-version 3\n"
    + line("region", 1, 1000, "ID=NC_000001.11:1..1000;gbkey=Src")
    + line("gene", 100, 400, "ID=gene-ENSG01;Dbxref=GeneID:1;Name=A B;gbkey=Gene;gene=AB;"
           "gene_biotype=lncRNA")
    + line("retained_intron", 100, 400, "ID=rna-ENST01.2;Parent=gene-ENSG01;Name=ENST01.2;gene=AB;"
           "tag=Ensembl_canonical, MANE Select;transcript_id=ENST01.2")
    + line("exon", 100, 200, "ID=exon-ENST01.2-1;Parent=rna-ENST01.2;gene=AB;tag=MANE Select")
    + line("exon", 300, 400, "ID=exon-ENST01.2-2;Parent=rna-ENST01.2;gene=AB;tag=MANE Select")
)  # fmt: skip
DIALECTS = {
    "gencode": (GENCODE, "ENSG01.5", "ENST01.2"),
    "ensembl": (ENSEMBL, "ENSG01", "ENST01"),
    "gencode3": (GENCODE3, "ENSG01.5", "ENST01.2"),
    "ensembl3": (ENSEMBL3, "ENSG01", "ENST01"),
    "refseq3": (REFSEQ3, "ENSG01", "ENST01.2"),
}
dialects = pytest.mark.parametrize("dialect", DIALECTS)


@dialects
def test_every_dialect_gives_the_same_tables(opened: Any, dialect: str) -> None:
    text, gene, transcript = DIALECTS[dialect]
    annotation = opened(text)

    assert annotation.genes.rows() == [(gene, "A B", "lncRNA", "chr1", "+", 100, 400)]
    assert annotation.transcripts.rows() == [
        (transcript, gene, "retained_intron", "chr1", "+", 100, 400, True, True)
    ]
    assert annotation.exons.rows() == [
        (transcript, gene, "chr1", "+", 1, 100, 200),
        (transcript, gene, "chr1", "+", 2, 300, 400),
    ]
    assert annotation.left_out.is_empty()
    assert annotation.introns().rows() == [(transcript, gene, "chr1", "+", 201, 299)]
    assert sites_of(annotation) == [(gene, 200, "donor"), (gene, 300, "acceptor")]


def test_columns_and_types(opened: Any) -> None:
    annotation = opened(GENCODE)
    text, number = pl.String, pl.Int64
    assert dict(annotation.genes.schema) == {
        "gene_id": text, "gene_name": text, "gene_type": text, "chrom": text, "strand": text,
        "gene_start": number, "gene_end": number,
    }  # fmt: skip
    assert dict(annotation.transcripts.schema) == {
        "transcript_id": text, "gene_id": text, "transcript_type": text, "chrom": text,
        "strand": text, "tx_start": number, "tx_end": number, "is_mane_select": pl.Boolean,
        "is_canonical": pl.Boolean,
    }  # fmt: skip
    assert dict(annotation.exons.schema) == {
        "transcript_id": text, "gene_id": text, "chrom": text, "strand": text,
        "exon_number": number, "exon_start": number, "exon_end": number,
    }  # fmt: skip
    assert dict(annotation.left_out.schema) == {
        "gene_id": text, "transcript_id": text, "reason": text, "detail": text,
    }  # fmt: skip
    assert annotation.introns().columns == [
        "transcript_id", "gene_id", "chrom", "strand", "intron_start", "intron_end",
    ]  # fmt: skip
    sites = annotation.splice_sites()
    assert sites.columns == ["gene_id", "chrom", "strand", "genomic_position", "splice_type"]
    assert sites.schema["splice_type"] == SpliceType


@dialects
@pytest.mark.parametrize("way", ["gzip", "bgzip", "crlf", "trailing spaces", "no newline", "bom"])
def test_ways_to_write_the_same_file(opened: Any, dialect: str, way: str) -> None:
    text = DIALECTS[dialect][0]
    plain = text.encode()
    half = plain.index(b"\n", len(plain) // 2) - 3
    written = {
        "gzip": gzip.compress(plain),
        # Blocked gzip: several members, an empty one at the end.
        "bgzip": b"".join(gzip.compress(part) for part in (plain[:half], plain[half:], b"")),
        "crlf": plain.replace(b"\n", b"\r\n"),
        "trailing spaces": plain.replace(b"\n", b"  \n") + b"   \n\n",
        "no newline": plain.rstrip(b"\n"),
        "bom": b"\xef\xbb\xbf" + plain,
    }[way]
    expected, got = opened(plain), opened(written, "misleading.name")
    for table in TABLES:
        assert getattr(got, table).equals(getattr(expected, table)), table
    assert got.digest == hashlib.sha256(written).hexdigest()
    assert got.source.endswith("misleading.name")


@pytest.mark.parametrize("before", ["gff-version", "none"])
def test_a_fasta_section_is_no_annotation(opened: Any, before: str) -> None:
    text = GENCODE3 if before == "gff-version" else GENCODE3.split("\n", 1)[1]
    fasta = "##FASTA\n>chr1 test\texon\t1\t2\nACGTNNacgtn\nACGT\n>chr2\n*-\n"
    assert opened(text + fasta).exons.equals(opened(text).exons)
    assert opened(text + fasta.split("\n", 1)[1]).exons.equals(opened(text).exons)


# --- Attributes -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "attributes",
    [
        'havana_gene_id "wrong"; gene_id "g"; x_transcript_id "wrong"; transcript_id "t"',
        'transcript_id "t";gene_id "g"',
        ' gene_id  "g" ;  transcript_id\t"t" ; ',
        "gene_id g; transcript_id t;",
        'note "a; gene_id wrong; b"; gene_id "g"; transcript_id "t";',
        'note "a;gene_id "; gene_id "g"; transcript_id "t"; more "; transcript_id ";',
        'note ";"; other ";;"; gene_id "g"; note "x; y"; transcript_id "t";',
        'gene_id "g"; transcript_id "t"; note "gene_id "; note "; gene_id wrong;";',
        'note "gene_id wrong"; gene_id "g"; gene_id_2 "wrong"; transcript_id "t";',
    ],
)
def test_gtf_attributes_are_not_found_within_others(opened: Any, attributes: str) -> None:
    annotation = opened(line("exon", 1, 9, attributes) + exons("g", "t", (20, 30)))
    assert annotation.left_out.is_empty()
    assert annotation.genes["gene_id"].to_list() == ["g"]
    assert annotation.exons["transcript_id"].to_list() == ["t", "t"]


def test_gtf_values_keep_their_semicolons(opened: Any) -> None:
    text = line("gene", 1, 9, 'note "x;"; gene_id "g"; gene_name "a; b;c"; gene_biotype "";')
    assert opened(text).genes.row(0)[:3] == ("g", "a; b;c", None)


@pytest.mark.parametrize(
    ("tags", "mane", "canonical"),
    [
        ('tag "MANE_Select";', True, False),
        ('tag "MANE Select"; tag "x"', True, False),
        ('tag "basic"; tag "Ensembl_canonical"', False, True),
        ('tag "MANE_Plus_Clinical"; tag "MANE_Selected"; tag "x_Ensembl_canonical"', False, False),
        ('note "MANE_Select"; note "tag MANE_Select; tag Ensembl_canonical;"', False, False),
        ('xtag "MANE_Select"; tagged "Ensembl_canonical";', False, False),
        ('tag "basic,MANE_Select,Ensembl_canonical";', True, True),
    ],
)
def test_tags_of_gtf(opened: Any, tags: str, mane: bool, canonical: bool) -> None:
    ids = f'gene_id "g"; transcript_id "t"; {tags}'
    for kind in ("transcript", "exon"):
        annotation = opened(line(kind, 1, 9, ids))
        assert annotation.transcripts.row(0)[-2:] == (mane, canonical), kind


@pytest.mark.parametrize(
    ("tags", "mane", "canonical"),
    [
        ("tag=MANE Select", True, False),
        ("tag=MANE%20Select", True, False),
        ("tag=basic,MANE_Select,x;Ensembl_canonical=1", True, False),
        ("tag=x,Ensembl_canonical", False, True),
        ("Note=tag=MANE_Select;mytag=MANE_Select", False, False),
        ("tag=MANE_Plus_Clinical,not_Ensembl_canonical,MANE_Selected", False, False),
    ],
)
def test_tags_of_gff3(opened: Any, tags: str, mane: bool, canonical: bool) -> None:
    text = line("gene", 1, 9, "ID=gene-g") + line("mRNA", 1, 9, f"ID=t;Parent=gene-g;{tags}")
    annotation = opened(text + line("exon", 1, 9, "Parent=t"))
    assert annotation.transcripts.row(0)[-2:] == (mane, canonical)


def test_gff3_attributes_are_not_found_within_others(opened: Any) -> None:
    text = (
        line("gene", 1, 90, "geneID=wrong;Note=ID=wrong; ID=g;myName=wrong;Name=n,m%3B%2C%25")
        + line("mRNA", 1, 90, "Old_Parent=wrong;ID=t%201;XParent=wrong;Parent=g")
        + line("exon", 1, 9, "myParent=wrong;Parent=t%201")
    )
    annotation = opened(text)
    assert annotation.genes.row(0)[:2] == ("g", "n,m;,%")
    assert annotation.transcripts.row(0)[:2] == ("t 1", "g")
    assert annotation.left_out.is_empty()


# --- Parentage in GFF3 ----------------------------------------------------------------------


def test_gene_is_the_topmost_ancestor_and_transcript_the_parent_of_exons(opened: Any) -> None:
    text = (
        line("gene", 1, 90, "ID=gene-MIR1;Name=MIR1;gene_biotype=miRNA")
        + line("primary_transcript", 1, 90, "ID=rna-NR_1;Parent=gene-MIR1")
        + line("exon", 1, 90, "ID=e1;Parent=rna-NR_1")
        + line("miRNA", 5, 20, "ID=rna-MIR1;Parent=rna-NR_1")
        + line("exon", 5, 20, "ID=e2;Parent=rna-MIR1")
        + line("pseudogene", 100, 300, "ID=gene-P;gene=P;gene_biotype=pseudogene")
        + line("exon", 100, 120, "ID=e3;Parent=gene-P")
        + line("exon", 200, 300, "ID=e4;Parent=gene-P")
        + line("gene", 400, 500, "ID=gene-IGV")
        + line("V_gene_segment", 400, 500, "ID=id-IGV;Parent=gene-IGV")
        + line("exon", 400, 440, "Parent=id-IGV")
        + line("exon", 460, 500, "Parent=id-IGV")
        + line("gene", 600, 700, "ID=gene-bare")
        + line("enhancer", 600, 700, "ID=id-enhancer")
    )
    annotation = opened(text)
    assert annotation.genes.select("gene_id", "gene_name", "gene_type").rows() == [
        ("MIR1", "MIR1", "miRNA"),
        ("P", "P", "pseudogene"),
        ("IGV", None, None),
        ("bare", None, None),
    ]
    assert annotation.transcripts.select(
        "transcript_id", "gene_id", "transcript_type", "tx_start"
    ).rows() == [
        ("NR_1", "MIR1", "primary_transcript", 1),
        ("MIR1", "MIR1", "miRNA", 5),
        ("P", "P", "pseudogene", 100),
        ("id-IGV", "IGV", "V_gene_segment", 400),
    ]
    assert sites_of(annotation) == [
        ("P", 120, "donor"), ("P", 200, "acceptor"),
        ("IGV", 440, "donor"), ("IGV", 460, "acceptor"),
    ]  # fmt: skip
    assert annotation.left_out.rows() == [("bare", None, reasons.NO_EXONS, None)]


def test_an_exon_and_a_transcript_may_have_several_parents(opened: Any) -> None:
    text = (
        line("gene", 1, 90, "ID=a")
        + line("gene", 1, 95, "ID=b")
        + line("mRNA", 1, 90, "ID=t1;Parent=a")
        + line("mRNA", 1, 90, "ID=t2;Parent=a,b")
        + line("exon", 1, 9, "Parent=t1,t2")
        + line("exon", 30, 90, "Parent=t1,t2")
        + line("exon", 40, 41, "ID=orphan")
    )
    annotation = opened(text)
    assert annotation.exons.select("transcript_id", "gene_id", "exon_start").rows() == [
        ("t1", "a", 1), ("t1", "a", 30), ("t2", "a", 1), ("t2", "a", 30),
        ("t2", "b", 1), ("t2", "b", 30),
    ]  # fmt: skip
    assert annotation.introns().height == 3
    assert len(sites_of(annotation)) == 4
    assert annotation.left_out.rows() == [(None, None, reasons.NO_IDS, "1 exon line(s)")]


def test_gff3_without_gene_or_transcript_lines(opened: Any) -> None:
    _, transcript, *rest = GENCODE3.splitlines(keepends=True)[1:]
    head = "##gff-version 3\n"
    whole = opened(GENCODE3)
    without_gene = opened(head + transcript + "".join(rest))
    assert without_gene.genes.equals(whole.genes)
    assert without_gene.transcripts.equals(whole.transcripts)
    only_exons = opened(head + "".join(rest))
    assert only_exons.genes.row(0) == ("ENSG01.5", None, None, "chr1", "+", 100, 400)
    assert only_exons.exons.equals(whole.exons)
    described = [part.replace("ID=exon", "gene_name=A B;gene_type=lncRNA;ID=exon") for part in rest]
    assert opened(head + "".join(described)).genes.equals(whole.genes)
    # No gene_id anywhere: the parent that has no line, or the transcript itself.
    bare = line("exon", 1, 9, "Parent=t1") + line("exon", 20, 29, "Parent=t1")
    assert opened(bare).genes.rows() == [("t1", None, None, "chr1", "+", 1, 29)]
    lonely = line("mRNA", 1, 30, "ID=rna-t1;gene=X;Name=wrong;biotype=wrong") + bare.replace(
        "t1", "rna-t1"
    )
    assert opened(lonely).genes.rows() == [("t1", "X", None, "chr1", "+", 1, 30)]


def test_lines_of_one_id_are_one_feature(opened: Any) -> None:
    text = (
        line("gene", 50, 90, "ID=g;part=1") + line("gene", 1, 20, "ID=g;part=2")
        + line("mRNA", 50, 90, "ID=t;Parent=g;tag=x")
        + line("mRNA", 1, 20, "ID=t;Parent=g;tag=MANE_Select")
        + line("exon", 1, 20, "Parent=t") + line("exon", 50, 90, "Parent=t")
    )  # fmt: skip
    annotation = opened(text)
    assert annotation.genes.select("gene_start", "gene_end").rows() == [(1, 90)]
    found = annotation.transcripts.select("tx_start", "tx_end", "is_mane_select").rows()
    assert found == [(1, 90, True)]
    assert annotation.exons.height == 2


def test_parents_in_a_circle_are_refused(opened: Any) -> None:
    text = line("mRNA", 1, 9, "ID=a;Parent=b") + line("gene", 1, 9, "ID=b;Parent=a")
    error = refused(text + line("exon", 1, 9, "Parent=a"), opened)
    assert "circle" in error.message


# --- Rules ----------------------------------------------------------------------------------


def test_minus_strand_exons_count_from_the_right(opened: Any) -> None:
    text = exons("g", "t", (300, 400), (1, 100), (200, 210), strand="-")
    annotation = opened(text)
    numbered = annotation.exons.select("exon_number", "exon_start").rows()
    assert numbered == [(1, 300), (2, 200), (3, 1)]
    spans = annotation.introns().select("intron_start", "intron_end").rows()
    assert spans == [(211, 299), (101, 199)]
    assert sites_of(annotation) == [
        ("g", 100, "acceptor"), ("g", 200, "donor"), ("g", 210, "acceptor"), ("g", 300, "donor"),
    ]  # fmt: skip


def test_genes_without_lines_of_their_own_span_their_transcripts_and_exons(opened: Any) -> None:
    described = 'gene_name "n"; gene_biotype "b"; transcript_biotype "tb"; tag "MANE_Select";'
    text = (
        exons("g", "t1", (50, 60), (10, 20))
        + exons("g", "t2", (75, 78))
        + line("exon", 70, 80, f'gene_id "g"; transcript_id "t2"; {described}')
        + transcript_line("h", "t3", 5, 99)
        + exons("h", "t3", (7, 9))
    )
    annotation = opened(text)
    assert annotation.genes.rows() == [
        ("g", "n", "b", "chr1", "+", 10, 80),
        ("h", None, None, "chr1", "+", 5, 99),
    ]
    assert annotation.transcripts.rows() == [
        ("t1", "g", None, "chr1", "+", 10, 60, False, False),
        ("t2", "g", "tb", "chr1", "+", 70, 80, True, False),
        ("t3", "h", None, "chr1", "+", 5, 99, False, False),
    ]


def test_genes_and_transcripts_keep_the_order_of_the_file(opened: Any) -> None:
    text = exons("z", "t9", (900, 950)) + gene_line("b", 5, 9) + exons("a", "t1", (1, 2)) + exons(
        "z", "t0", (910, 920)
    )  # fmt: skip
    annotation = opened(text)
    assert annotation.genes["gene_id"].to_list() == ["z", "b", "a"]
    assert annotation.transcripts["transcript_id"].to_list() == ["t9", "t1", "t0"]
    assert annotation.exons["transcript_id"].to_list() == ["t9", "t1", "t0"]


def test_single_exon_genes_and_genes_without_exons_have_no_sites(opened: Any) -> None:
    annotation = opened(gene_line("bare", 1, 50) + exons("single", "t", (100, 150)))
    assert annotation.genes["gene_id"].to_list() == ["bare", "single"]
    assert annotation.introns().is_empty()
    assert annotation.splice_sites().is_empty()
    assert opened(gene_line("bare", 1, 50)).splice_sites().is_empty()


def test_exons_that_overlap_or_touch_are_one(opened: Any) -> None:
    text = exons("g", "t", (1, 10), (11, 20), (30, 50), (35, 40), (45, 60), (62, 70), (62, 70))
    annotation = opened(text)
    assert annotation.exons.select("exon_number", "exon_start", "exon_end").rows() == [
        (1, 1, 20), (2, 30, 60), (3, 62, 70),
    ]  # fmt: skip
    assert annotation.introns().select("intron_start", "intron_end").rows() == [(21, 29), (61, 61)]
    assert annotation.left_out.is_empty()


@pytest.mark.parametrize("shared", [-1, 0, 1, 2, 3, 9])
@pytest.mark.parametrize("strand", ["+", "-"])
def test_ends_of_exons_that_cross_are_sites_and_that_is_said(
    opened: Any, caplog: pytest.LogCaptureFixture, shared: int, strand: str
) -> None:
    text = exons("g", "t", (1, 20), (21 - shared, 60), (80, 90), strand=strand)
    text += exons("h", "u", (1, 20), (5, 60), (10, 50), (10, 60), strand=strand)
    annotation = opened(text)
    first, second = ("donor", "acceptor") if strand == "+" else ("acceptor", "donor")
    ends = [("g", 60, first), ("g", 80, second)]
    ends += [("g", 20, first), ("g", 21 - shared, second)] * (shared < 0 or shared > 2)
    ends += [("h", 20, first), ("h", 5, second)]
    assert sorted(sites_of(annotation)) == sorted(ends)
    by_reason = {row["transcript_id"]: row["reason"] for row in annotation.changed.to_dicts()}
    assert by_reason["u"] == reasons.CROSSING
    expected = {3: reasons.CROSSING, 9: reasons.CROSSING, 1: reasons.OVERLAP, 2: reasons.OVERLAP}
    assert by_reason.get("t") == expected.get(shared)
    assert "contradicts itself: their ends count as splice sites" in caplog.text
    # One exon each for what is measured along a transcript, and no intron between them.
    joined = [(1, 20), (22, 60), (80, 90)] if shared < 0 else [(1, 60), (80, 90)]
    found = annotation.exons.filter(pl.col("gene_id") == "g").sort("exon_start")
    assert found.select("exon_start", "exon_end").rows() == joined
    kept = annotation.exons_of(["g"])
    assert {gene for gene, *_ in sites_of(kept)} == {"g"}
    assert set(kept.crossings["gene_id"]) <= {"g"}


def test_a_position_that_is_both_donor_and_acceptor_has_two_rows(opened: Any) -> None:
    text = exons("g", "t", (1, 10), (20, 20), (30, 40)) + exons("g", "u", (1, 10), (30, 40))
    assert sites_of(opened(text)) == [
        ("g", 10, "donor"), ("g", 20, "donor"), ("g", 20, "acceptor"), ("g", 30, "acceptor"),
    ]  # fmt: skip


def test_sites_of_two_genes_at_the_same_position_are_of_each(opened: Any) -> None:
    text = exons("a", "t", (1, 10), (20, 30)) + exons("b", "u", (1, 10), (20, 30))
    assert len(sites_of(opened(text))) == 4


def test_transcripts_of_one_id_in_two_genes_do_not_mix(opened: Any) -> None:
    text = exons("a", "t", (1, 10), (20, 30)) + exons("b", "t", (5, 6), (500, 600))
    annotation = opened(text)
    assert annotation.introns().select("gene_id", "intron_start").rows() == [("a", 11), ("b", 7)]
    assert gene_features(annotation)["total_exon_length"].to_list() == [21, 103]


@pytest.mark.parametrize("place", [{"chrom": "chr2"}, {"strand": "-"}])
@pytest.mark.parametrize("has_lines", [True, False])
def test_trans_spliced_transcripts_are_left_out(
    opened: Any, place: dict[str, str], has_lines: bool
) -> None:
    lines = gene_line("g", 1, 99) + transcript_line("g", "t", 1, 99)
    text = exons("g", "t", (1, 10)) + exons("g", "t", (20, 30), **place) + exons("g", "u", (5, 9))
    annotation = opened(lines * has_lines + text)
    assert left_out(annotation) == [("g", "t", reasons.SCATTERED)]
    assert annotation.transcripts["transcript_id"].to_list() == ["u"]
    assert annotation.exons["transcript_id"].to_list() == ["u"]


def test_a_gene_of_which_nothing_is_left_is_said(opened: Any) -> None:
    text = (
        exons("g", "t", (1, 10)) + exons("g", "t", (20, 30), strand="-") + exons("h", "u", (1, 2))
    )
    annotation = opened(text)
    assert annotation.genes["gene_id"].to_list() == ["h"]
    assert left_out(annotation) == [
        ("g", "t", reasons.SCATTERED),
        ("g", None, reasons.NOTHING_LEFT),
    ]
    with_line = opened(gene_line("g", 1, 99) + text)
    assert with_line.genes["gene_id"].to_list() == ["g", "h"]
    assert left_out(with_line) == [("g", "t", reasons.SCATTERED)]


@pytest.mark.parametrize("marked", ["gene", "transcript", "exon"])
@pytest.mark.parametrize("kind", ["gtf", "gff3"])
def test_lines_marked_as_trans_spliced(opened: Any, marked: str, kind: str) -> None:
    if kind == "gtf":
        mark = ' exception "trans-splicing";'
        text = gene_line("g", 1, 99) + transcript_line("g", "t", 1, 30) + exons("g", "t", (1, 30))
    else:
        mark = ";exception=trans-splicing"
        text = (
            line("gene", 1, 99, "ID=g") + line("mRNA", 1, 30, "ID=t;Parent=g")
            + line("exon", 1, 30, "Parent=t")
        )  # fmt: skip
    lines = text.splitlines()
    number = ["gene", "transcript", "exon"].index(marked)
    lines[number] += mark
    rest = exons("h", "u", (1, 2)) if kind == "gtf" else line("gene", 1, 2, "ID=h")
    annotation = opened("\n".join(lines) + "\n" + rest)
    whole = marked == "gene"
    assert annotation.genes["gene_id"].to_list() == (["h"] if whole else ["g", "h"])
    assert left_out(annotation) == [("g", None if whole else "t", reasons.TRANS_SPLICED)]
    assert "t" not in annotation.exons["transcript_id"]


def test_a_gene_on_both_strands_is_left_out(opened: Any) -> None:
    text = gene_line("g", 1, 99) + gene_line("g", 1, 99, strand="-") + exons("g", "t", (1, 30))
    annotation = opened(text + gene_line("h", 1, 9))
    assert annotation.genes["gene_id"].to_list() == ["h"]
    assert annotation.transcripts.is_empty()
    assert annotation.exons.is_empty()
    assert left_out(annotation) == [("g", None, reasons.BOTH_STRANDS)]


@pytest.mark.parametrize("strand", [".", "?"])
def test_genes_and_transcripts_without_strand_are_left_out(opened: Any, strand: str) -> None:
    reason = reasons.NO_STRAND
    text = (
        gene_line("g", 1, 99, strand=strand) + exons("g", "t", (1, 9))
        + exons("h", "u", (1, 9), strand=strand) + exons("h", "v", (5, 20))
    )  # fmt: skip
    annotation = opened(text)
    assert annotation.genes["gene_id"].to_list() == ["h"]
    assert annotation.exons["transcript_id"].to_list() == ["v"]
    assert left_out(annotation) == [("g", None, reason), ("h", "u", reason)]


def pseudoautosomal(same_ids: bool) -> str:
    suffix = "" if same_ids else "_Y"
    x, y = {"chrom": "chrX"}, {"chrom": "chrY"}
    return (
        gene_line("g", 100, 200, **x) + transcript_line("g", "t", 100, 200, **x)
        + exons("g", "t", (100, 120), (150, 200), **x)
        + gene_line("g", 10, 110, **y) + transcript_line("g", f"t{suffix}", 10, 110, **y)
        + exons("g", f"t{suffix}", (10, 30), (60, 110), **y)
        + exons("h", "u", (500, 600), **y)
    )  # fmt: skip


@pytest.mark.parametrize("same_ids", [True, False])
def test_the_first_place_of_a_gene_id_is_kept(opened: Any, same_ids: bool) -> None:
    annotation = opened(pseudoautosomal(same_ids))
    assert annotation.genes.select("gene_id", "chrom", "gene_start").rows() == [
        ("g", "chrX", 100), ("h", "chrY", 500),
    ]  # fmt: skip
    assert annotation.transcripts.select("transcript_id", "chrom").rows() == [
        ("t", "chrX"), ("u", "chrY"),
    ]  # fmt: skip
    assert annotation.exons.select("chrom", "exon_start").rows() == [
        ("chrX", 100), ("chrX", 150), ("chrY", 500),
    ]  # fmt: skip
    second = "t" if same_ids else "t_Y"
    assert annotation.left_out.rows() == [
        ("g", None, reasons.SECOND_PLACE, "chrY:10-110 (+)"),
        ("g", second, reasons.SECOND_PLACE, "chrY:10-110 (+)"),
    ]
    assert annotation.unknown_sites().is_empty()


def test_the_first_place_is_kept_without_transcript_lines_and_on_one_chromosome(
    opened: Any,
) -> None:
    text = (
        gene_line("g", 100, 200) + exons("g", "t", (100, 120), (150, 200))
        + gene_line("g", 1000, 1100) + exons("g", "t", (1000, 1020)) + exons("g", "v", (1050, 1100))
        + gene_line("g", 150, 200)
    )  # fmt: skip
    annotation = opened(text)
    assert annotation.genes.select("gene_start", "gene_end").rows() == [(100, 200)]
    assert annotation.exons.select("transcript_id", "exon_start").rows() == [("t", 100), ("t", 150)]
    assert annotation.left_out.select("gene_id", "transcript_id").rows() == [
        ("g", None), ("g", "t"), ("g", "v"),
    ]  # fmt: skip


def test_the_first_place_of_a_transcript_id_is_kept(opened: Any) -> None:
    text = "".join(
        part for part in pseudoautosomal(True).splitlines(keepends=True) if "\tgene\t" not in part
    )
    annotation = opened(text)
    assert annotation.exons.select("chrom", "exon_start").rows() == [
        ("chrX", 100), ("chrX", 150), ("chrY", 500),
    ]  # fmt: skip
    assert left_out(annotation) == [("g", "t", reasons.SECOND_PLACE)]


@pytest.mark.parametrize("has_line", [True, False])
def test_a_transcript_elsewhere_than_its_gene_is_left_out(opened: Any, has_line: bool) -> None:
    text = (
        exons("g", "t", (1, 10))
        + exons("g", "u", (5, 9), strand="-")
        + gene_line("g", 1, 9) * has_line
    )
    annotation = opened(text)
    assert annotation.exons["transcript_id"].to_list() == ["t"]
    assert left_out(annotation) == [("g", "u", reasons.ELSEWHERE)]
    assert annotation.unknown_sites().is_empty()


def test_the_line_of_a_gene_decides_where_it_is_though_it_comes_late(opened: Any) -> None:
    text = exons("g", "t", (1, 10), strand="-") + gene_line("g", 1, 9) + exons("g", "u", (5, 9))
    annotation = opened(text)
    assert annotation.genes["strand"].to_list() == ["+"]
    assert annotation.left_out["transcript_id"].to_list() == ["t"]


def test_lines_without_ids_are_left_out(opened: Any) -> None:
    text = (
        line("exon", 1, 9, 'gene_id "g"; transcript_id "";') * 2
        + line("transcript", 1, 9, 'transcript_id "t";')
        + exons("g", "u", (1, 9))
    )
    annotation = opened(text)
    assert annotation.exons["transcript_id"].to_list() == ["u"]
    assert annotation.left_out.rows() == [
        ("g", None, reasons.NO_IDS, "2 exon line(s)"),
        (None, "t", reasons.NO_IDS, "1 transcript line(s)"),
    ]
    assert annotation.unknown_sites().rows() == [("g", reasons.NO_IDS)]


# --- What is refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bad",
    [
        line("exon", 30, 20, 'gene_id "g"; transcript_id "t";'),
        line("exon", "x", 20, 'gene_id "g"; transcript_id "t";'),
        line("exon", 0, 20, 'gene_id "g"; transcript_id "t";'),
        line("exon", -5, 20, 'gene_id "g"; transcript_id "t";'),
        line("CDS", 10, "1e3", 'gene_id "g"; transcript_id "t";'),
        line("exon", 10, 20, "").replace("\t", " "),
        "chr1\ttest\texon\t10\t2",
        "some words\n",
    ],
)
def test_malformed_lines_are_refused(opened: Any, bad: str) -> None:
    error = refused("# a comment\n" + exons("g", "t", (1, 9)) + bad.strip() + "\n" + bad, opened)
    assert "2 malformed line(s); the first is line 3" in error.message
    assert repr(bad.strip()[:40])[1:-1] in error.message


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "holds no gene"),
        (b"# only\n\n# comments\n", "holds no gene"),
        (line("intron", 1, 9, 'gene_id "g"; transcript_id "t";').encode(), "type intron"),
        (line("region", 1, 9, "ID=x").encode(), "holds no gene"),
        (b"chr1\t10\t20\tname\n", "neither GTF nor GFF3"),
        (line("exon", 1, 9, "no attributes at all").encode(), "neither GTF nor GFF3"),
        (line("exon", 1, 9, "=x").encode(), "neither GTF nor GFF3"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "neither GTF nor GFF3"),
        (gzip.compress(GENCODE.encode())[:-9], "cannot be read"),
        (gzip.compress(GENCODE.encode())[:15], "damaged or cut off"),
        (
            GENCODE.encode() + line("gene", 1, 2, 'gene_id "\xe9";').encode("latin-1"),
            "cannot be read",
        ),
    ],
)
def test_files_that_are_no_annotation_are_refused(opened: Any, content: bytes, says: str) -> None:
    assert says in refused(content, opened).message


def test_paths_that_are_no_files_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.gtf", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            open_annotation(path, cache=False)


def test_a_name_with_signs_of_a_pattern_is_a_name(opened: Any) -> None:
    assert opened(GENCODE, "a[1]*.gtf").genes.height == 1


# --- Matching names -------------------------------------------------------------------------


@pytest.fixture
def several(opened: Any) -> Annotation:
    names = {
        "ENSG1.5": "ALPHA", "ENSG2": "TWICE", "ENSG3.1": "TWICE", "ENSG4.2": "BETA",
        "ENSG4.2_PAR_Y": "BETA", "AC01.1": "AC01.1", "ENSG5.1": "GAMMA", "ENSG5.2": "DELTA",
        "ALPHA": "OTHER", "RP11-3.7": "RP11-3.7",
    }  # fmt: skip
    return opened(
        "".join(
            line("gene", 1 + i, 9 + i, f'gene_id "{gene}"; gene_name "{name}";')
            for i, (gene, name) in enumerate(names.items())
        )
    )


@pytest.mark.parametrize(
    ("asked", "gene", "reason"),
    [
        ("ENSG1.5", "ENSG1.5", "gene id"),
        ("ENSG1", "ENSG1.5", "gene id without version"),
        ("ENSG1.4", "ENSG1.5", "gene id without version"),
        ("ENSG2.9", "ENSG2", "gene id without version"),
        ("ENSG4", "ENSG4.2", "gene id without version"),
        ("ENSG4.9_PAR_Y", "ENSG4.2_PAR_Y", "gene id without version"),
        ("ENSG5.1", "ENSG5.1", "gene id"),
        ("ENSG5", None, "fits several genes: ENSG5.1, ENSG5.2"),
        ("ENSG5.3", None, "fits several genes: ENSG5.1, ENSG5.2"),
        ("GAMMA", "ENSG5.1", "gene name"),
        ("ALPHA", "ALPHA", "gene id"),
        ("TWICE", None, "fits several genes: ENSG2, ENSG3.1"),
        ("BETA", None, "fits several genes: ENSG4.2, ENSG4.2_PAR_Y"),
        ("AC01.2", None, "no gene has this id or name"),
        ("AC01", "AC01.1", "gene id without version"),
        ("RP11-3.8", None, "no gene has this id or name"),
        ("alpha", None, "fits several genes: ALPHA, ENSG1.5"),
        ("", None, "no gene has this id or name"),
    ],
)
def test_match(several: Annotation, asked: str, gene: str | None, reason: str) -> None:
    assert several.match([asked]).rows() == [(asked, gene, reason)]


def test_match_keeps_order_and_repeats(several: Annotation) -> None:
    names = ["nothing", "ENSG2", "ENSG1", "ENSG2", "GAMMA"]
    found = several.match(names)
    assert found.columns == ["asked", "gene_id", "reason"]
    assert found["asked"].to_list() == names
    assert found["gene_id"].to_list() == [None, "ENSG2", "ENSG1.5", "ENSG2", "ENSG5.1"]
    assert several.match([]).rows() == []


def test_an_ambiguous_id_may_still_be_a_name(opened: Any) -> None:
    text = "".join(
        line("gene", 1, 9, f'gene_id "{gene}"; gene_name "{name}";')
        for gene, name in {"ENSG5.1": "x", "ENSG5.2": "y", "z": "ENSG5"}.items()
    )
    assert opened(text).match(["ENSG5"]).rows() == [("ENSG5", "z", "gene name")]


# --- The cache ------------------------------------------------------------------------------


@pytest.fixture
def cache_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    return home


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "annotation.gtf"
    path.write_text(pseudoautosomal(True))
    return path


def refuse_to_parse(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_parsing(path: Path) -> None:
        raise AssertionError(f"{path} was parsed")

    monkeypatch.setattr("splice_meta.reference.annotation.recognise", no_parsing)


def same(a: Annotation, b: Annotation) -> bool:
    return a.digest == b.digest and all(getattr(a, t).equals(getattr(b, t)) for t in TABLES)


def test_a_second_reading_does_not_parse(
    cache_home: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_annotation(file)
    refuse_to_parse(monkeypatch)
    copy = file.with_name("another name")
    shutil.copy(file, copy)
    again = open_annotation(str(copy))
    assert same(first, again)
    assert again.source == str(copy)
    assert first.left_out.height == 2
    assert [p.name for p in (cache_home / "splice_meta").iterdir()] == [
        f"annotation-v{kept.FORMAT_VERSION}-{first.digest}"
    ]


def test_another_file_or_format_is_parsed(
    cache_home: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_annotation(file)
    file.write_text(gene_line("other", 1, 9))
    assert open_annotation(file).genes["gene_id"].to_list() == ["other"]
    monkeypatch.setattr(kept, "FORMAT_VERSION", kept.FORMAT_VERSION + 1)
    refuse_to_parse(monkeypatch)
    with pytest.raises(AssertionError):
        open_annotation(file)


def test_without_cache_nothing_is_written_or_read(
    cache_home: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_annotation(file, cache=False)
    assert not cache_home.exists()
    open_annotation(file)
    refuse_to_parse(monkeypatch)
    with pytest.raises(AssertionError):
        open_annotation(file, cache=False)


@pytest.mark.parametrize("damage", ["cut", "missing", "other columns", "no parquet"])
def test_a_damaged_cache_is_made_again(
    cache_home: Path, file: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    first = open_annotation(file)
    table = kept.folder_of(first.digest) / "exons.parquet"
    if damage == "cut":
        table.write_bytes(table.read_bytes()[:-7])
    elif damage == "missing":
        table.unlink()
    elif damage == "no parquet":
        table.write_text("no")
    else:
        pl.read_parquet(table).drop("exon_number").write_parquet(table)
    with caplog.at_level(logging.DEBUG, logger="splice_meta"):
        assert same(open_annotation(file), first)
    said = [r for r in caplog.records if "kept annotation" in r.message]
    assert [r.levelno for r in said] == [logging.DEBUG] * len(said)
    assert said
    assert kept.load(first.digest) is not None


def test_a_cache_that_cannot_be_written_is_no_error(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    blocker = tmp_path / "a file"
    blocker.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocker))
    with caplog.at_level(logging.DEBUG, logger="splice_meta"):
        assert open_annotation(file).genes.height == 2
    assert any("was not kept" in record.message for record in caplog.records)


@pytest.mark.parametrize("value", [None, "", "relative/path"])
def test_the_cache_is_in_the_home_directory_where_no_other_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    if value is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", value)
    assert kept.folder_of("d").parent == tmp_path / ".cache" / "splice_meta"


def test_processes_at_once_leave_one_whole_folder(cache_home: Path, file: Path) -> None:
    expected = open_annotation(file, cache=False)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        found = pool.map(open_annotation, [file] * 6, chunksize=1)
    assert all(same(annotation, expected) for annotation in found)
    assert kept.load(expected.digest) is not None
    assert len(list((cache_home / "splice_meta").iterdir())) == 1


def test_a_faster_process_is_not_overwritten(cache_home: Path, file: Path) -> None:
    first = open_annotation(file)
    folder = kept.folder_of(first.digest)
    before = folder.stat().st_ino
    kept.save(first.digest, {table: getattr(first, table) for table in TABLES})
    assert folder.stat().st_ino == before
    assert len(list(folder.parent.iterdir())) == 1


# --- Real annotations -----------------------------------------------------------------------


def test_sites_of_the_bundled_annotation_are_among_those_of_the_scores() -> None:
    annotation = open_annotation(fixtures() / "annotation.gtf.gz", cache=False)
    truth = pl.read_parquet(fixtures() / "scores_openspliceai.parquet")
    sites = annotation.splice_sites()
    assert annotation.genes.height == 5
    assert annotation.exons.height == 83
    assert sites.height == 156
    assert truth_of(truth, sites).height == 156
    spans = truth.group_by("gene_id").agg(
        gene_start=pl.col("genomic_position").min().cast(pl.Int64),
        gene_end=pl.col("genomic_position").max().cast(pl.Int64),
    )
    assert annotation.genes.join(spans, on=["gene_id", "gene_start", "gene_end"]).height == 5


def truth_of(scores: pl.DataFrame, sites: pl.DataFrame) -> pl.DataFrame:
    """The sites that the score table has with the same class, position by position."""
    coded = sites.select(
        pl.col("gene_id").str.replace(r"\.\d+$", ""),
        pl.col("genomic_position").cast(scores.schema["genomic_position"]),
        pl.col("splice_type").to_physical().cast(scores.schema["splice_type"]),
    )
    return scores.join(coded, on=coded.columns, how="semi")


@pytest.mark.skipif(not SHARED.exists(), reason="data beside the checkout")
def test_sites_of_gencode_are_those_of_the_scores() -> None:
    folder = SHARED / "chr3_52M_grch38"
    annotation = open_annotation(folder / "gencode_v35.gtf.gz", cache=False)
    scores = pl.read_parquet(folder / "scores_spliceai.parquet")
    sites = annotation.splice_sites()
    truth = scores.filter(pl.col("splice_type") != 0)
    assert sites.height == truth.height == 780
    assert truth_of(scores, sites).height == 780
    assert annotation.genes.height == scores["gene_id"].n_unique() == 17
    assert annotation.transcripts.height == 170
    assert annotation.left_out.is_empty()


@pytest.mark.skipif(not SHARED.exists(), reason="data beside the checkout")
def test_refseq_gff3() -> None:
    annotation = open_annotation(SHARED / "refseq_mane_chr22_grch38.gff3.gz", cache=False)
    assert annotation.genes.height == annotation.transcripts.height == 423
    assert annotation.exons.height == 4198
    assert annotation.transcripts["is_mane_select"].all()
    assert annotation.left_out.is_empty()
    introns = annotation.introns()
    assert introns.height == 4198 - 423
    length = (pl.col("intron_end") - pl.col("intron_start") + 1).sum()
    in_introns = introns.group_by("gene_id").agg(length.alias("in_introns").cast(pl.Float64))
    features = gene_features(annotation).join(in_introns, on="gene_id", how="left")
    assert (features["total_intron_length"] == features["in_introns"].fill_null(0)).all()
    ends = annotation.exons.group_by("transcript_id").agg(
        pl.col("exon_start").min(), pl.col("exon_end").max()
    )
    spans = annotation.transcripts.join(ends, on="transcript_id")
    assert (spans["tx_start"] == spans["exon_start"]).all()
    assert (spans["tx_end"] == spans["exon_end"]).all()


def test_exons_of_some_genes_give_the_same_figures_of_them() -> None:
    whole = open_annotation(fixtures() / "annotation.gtf.gz")
    wanted = whole.genes["gene_id"].to_list()[1:3]
    part = whole.exons_of(wanted)
    assert part.genes.equals(whole.genes)
    is_wanted = pl.col("gene_id").is_in(wanted)
    assert part.splice_sites().equals(whole.splice_sites().filter(is_wanted))
    of_whole, of_part = (gene_features(each).filter(is_wanted) for each in (whole, part))
    assert of_part.equals(of_whole)
