from __future__ import annotations

import gzip
import math
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from naive_annotation import (
    Gene,
    Transcript,
    as_coding_gtf,
    as_gff3,
    as_gtf,
    features,
    introns,
    joined,
    sites,
)

from splice_meta.catalogue import GENOMIC
from splice_meta.reference import reasons
from splice_meta.reference.annotation import Annotation, open_annotation
from splice_meta.reference.gene_features import gene_features

CHROMS = ("chr1", "1", "chrX", "y", "chrM", "MT", "chr22", "scaffold_7")


def opened(folder: Path, text: str) -> Annotation:
    path = folder / "annotation.txt"
    path.write_bytes(gzip.compress(text.encode(), 1))
    return open_annotation(path, cache=False)


@st.composite
def some_genes(draw: Any, least: int = -6) -> list[Gene]:
    genes = []
    for number in range(draw(st.integers(1, 7))):
        transcripts = []
        for t in range(draw(st.integers(0, 3))):
            start = draw(st.integers(40, 150))
            exons = []
            for _ in range(draw(st.integers(1, 5))):
                length = draw(st.integers(1, 9))
                exons.append((start, start + length - 1))
                # From exons that overlap, over those that touch, to real introns.
                gaps = (-6, -3, -2, -1, 0, 1, 1, 2, 5, 20)
                start += length + draw(st.sampled_from([gap for gap in gaps if gap >= least]))
            # Ids whose order is not that of the file.
            name = f"t{number}{'bac'[t]}"
            flags = draw(st.tuples(st.booleans(), st.booleans()))
            transcripts.append(
                Transcript(name, exons, *flags, margin=draw(st.sampled_from([0, 0, 3, -2])))
            )
        start = draw(st.integers(1, 200))
        genes.append(
            Gene(
                f"g{number}",
                draw(st.sampled_from(CHROMS[: draw(st.integers(1, len(CHROMS)))])),
                draw(st.sampled_from("+-")),
                start,
                start + draw(st.integers(0, 60)),
                transcripts,
            )
        )
    return genes


@pytest.mark.parametrize("write", [as_gtf, as_gff3])
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(genes=some_genes())
def test_features_and_sites_equal_those_computed_gene_by_gene(
    tmp_path: Path, write: Any, genes: list[Gene]
) -> None:
    annotation = opened(tmp_path, write(genes))

    table = gene_features(annotation)
    expected = [
        {name: None for name in ("gene_id", *GENOMIC)} | features(gene, genes) for gene in genes
    ]
    assert table.columns == ["gene_id", *GENOMIC]
    assert set(table.dtypes[1:]) == {pl.Float64}
    for got, want in zip(table.to_dicts(), expected, strict=True):
        for name, value in want.items():
            same = value == got[name] or math.isclose(got[name], value, rel_tol=1e-12)
            assert same, (got["gene_id"], name, got[name], value)

    found = annotation.splice_sites()
    rows = found.select("gene_id", "genomic_position", "splice_type").rows()
    assert len(rows) == len(set(rows))
    assert set(rows) == set().union(*(sites(gene) for gene in genes))
    numbers = {gene.name: i for i, gene in enumerate(genes)}
    kinds = {"donor": 0, "acceptor": 1}
    assert rows == sorted(rows, key=lambda r: (numbers[r[0]], r[1], kinds[r[2]]))
    got_introns = annotation.introns().select("transcript_id", "intron_start", "intron_end").rows()
    assert len(got_introns) == len(set(got_introns))
    assert set(got_introns) == set().union(*(introns(gene) for gene in genes))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(genes=some_genes())
def test_what_is_counted_and_measured_fits_together(tmp_path: Path, genes: list[Gene]) -> None:
    annotation = opened(tmp_path, as_gtf(genes))
    table = gene_features(annotation)
    assert (table["total_intron_length"].drop_nulls() >= 0).all()
    assert (table["transcript_length"].drop_nulls() <= table["gene_length"].max()).all()
    places = annotation.splice_sites().join(annotation.genes.drop("chrom", "strand"), on="gene_id")
    assert places.select(
        pl.col("genomic_position").is_between(pl.col("gene_start"), pl.col("gene_end")).all()
    ).item()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(genes=some_genes(least=-1))
def test_coding_sequence_gives_the_same_sites_as_exons(tmp_path: Path, genes: list[Gene]) -> None:
    genes = [gene for gene in genes if gene.transcripts]
    assume(genes)
    annotation = opened(tmp_path, as_coding_gtf(genes))

    found = annotation.splice_sites().select("gene_id", "genomic_position", "splice_type").rows()
    assert set(found) == set().union(*(sites(gene) for gene in genes))
    got = annotation.introns().select("transcript_id", "intron_start", "intron_end").rows()
    assert set(got) == set().union(*(introns(gene) for gene in genes))
    assert set(annotation.changed["reason"]) == {reasons.DERIVED}
    assert annotation.changed.height == sum(len(gene.transcripts) for gene in genes)
    assert annotation.left_out.is_empty()


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(genes=some_genes())
def test_exons_are_numbered_from_5_to_3(tmp_path: Path, genes: list[Gene]) -> None:
    annotation = opened(tmp_path, as_gtf(genes))

    expected = []
    for gene in genes:
        for transcript in gene.transcripts:
            exons = joined(transcript.exons)
            for number, exon in enumerate(exons if gene.strand == "+" else exons[::-1], start=1):
                expected.append(
                    (transcript.name, gene.name, gene.chrom, gene.strand, number, *exon)
                )
    assert annotation.exons.rows() == expected


def of(folder: Path, *genes: Gene) -> dict[str, dict[str, Any]]:
    rows = gene_features(opened(folder, as_gtf(list(genes)))).to_dicts()
    return {row["gene_id"]: row for row in rows}


@pytest.mark.parametrize(
    ("transcripts", "start"),
    [
        ([Transcript("a", [(1, 90)]), Transcript("b", [(5, 6)], mane=True)], 5),
        ([Transcript("a", [(1, 90)]), Transcript("b", [(5, 6)], canonical=True)], 5),
        ([Transcript("a", [(3, 4)], canonical=True), Transcript("b", [(5, 6)], mane=True)], 5),
        ([Transcript("b", [(5, 6)]), Transcript("a", [(3, 5)])], 3),
        # The most bases in exons, not the longest span.
        ([Transcript("a", [(1, 2), (80, 81)]), Transcript("b", [(5, 15)])], 5),
        ([Transcript("b", [(5, 6)]), Transcript("a", [(3, 4)])], 3),
        ([Transcript("a", [(5, 6)]), Transcript("b", [(3, 4)])], 5),
    ],
)
def test_representative_transcript(
    tmp_path: Path, transcripts: list[Transcript], start: int
) -> None:
    rows = of(tmp_path, Gene("g", "1", "+", 1, 100, transcripts))
    assert rows["g"]["tx_start"] == start


def test_a_transcript_without_exons_represents_no_gene(tmp_path: Path) -> None:
    text = as_gtf([Gene("g", "1", "+", 1, 100, [Transcript("t", [(3, 9)])])])
    text += (
        '1\tx\ttranscript\t1\t100\t.\t+\t.\tgene_id "g"; transcript_id "u"; tag "MANE_Select";\n'
    )
    annotation = opened(tmp_path, text)
    assert annotation.transcripts["transcript_id"].to_list() == ["t", "u"]
    assert gene_features(annotation)["tx_start"].to_list() == [3]


def test_what_depends_on_exons_is_null_without_and_zero_is_said_where_it_is_known(
    tmp_path: Path,
) -> None:
    rows = of(
        tmp_path,
        Gene("bare", "1", "+", 5, 9),
        Gene("single", "1", "-", 5, 9, [Transcript("t", [(5, 9)])]),
    )
    known = {"gene_id", "gene_start", "gene_end", "gene_length", "num_overlaps", "chrom"}
    assert {name for name, value in rows["bare"].items() if value is not None} == known
    assert rows["bare"]["num_overlaps"] == 1
    assert rows["single"]["n_splice_sites"] == 0
    assert rows["single"]["total_intron_length"] == 0


def test_overlaps_count_a_shared_base_and_neither_neighbours_nor_other_chromosomes(
    tmp_path: Path,
) -> None:
    rows = of(
        tmp_path,
        Gene("a", "1", "+", 100, 200),
        Gene("shares a base", "1", "-", 200, 300),
        Gene("touches", "1", "+", 301, 400),
        Gene("inside", "1", "+", 120, 130),
        Gene("the same", "1", "+", 120, 130),
        Gene("elsewhere", "2", "+", 100, 200),
        Gene("far", "10", "+", 100, 200),
    )
    assert [row["num_overlaps"] for row in rows.values()] == [3, 1, 0, 2, 2, 0, 0]
