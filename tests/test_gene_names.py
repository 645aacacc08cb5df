"""Genes by the names that people have for them, and hints in the words of the caller."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from conftest import FIXTURES, MODEL

import splice_meta as sm
from splice_meta.cli.app import run_command

GENE = "ENSG00000164039"
GTF, FASTA = FIXTURES / "annotation.gtf.gz", FIXTURES / "region.fa.gz"


@pytest.mark.parametrize("name", [GENE, f"{GENE}.14", GENE.lower(), f"{GENE.lower()}.2"])
def test_ids_need_no_annotation(demo_path: Path, name: str) -> None:
    found = sm.scan_scores(demo_path, [name]).select("gene_id").unique().collect()
    assert found["gene_id"].to_list() == [GENE]


def test_versions_of_the_scores_do_not_matter(demo_scores: pl.DataFrame) -> None:
    versioned = demo_scores.with_columns(pl.col("gene_id") + ".7")
    found = sm.scan_scores(versioned, [GENE]).select("gene_id").unique().collect()
    assert found["gene_id"].to_list() == [f"{GENE}.7"]


def test_what_fits_two_genes_is_none(demo_scores: pl.DataFrame) -> None:
    first, second = demo_scores["gene_id"].unique(maintain_order=True)[:2]
    both = demo_scores.filter(pl.col("gene_id").is_in([first, second])).with_columns(
        pl.col("gene_id").replace({first: f"{GENE}.1", second: f"{GENE}.2"})
    )
    with pytest.raises(sm.SpliceMetaError, match="None of the 1 genes"):
        sm.scan_scores(both, [GENE])
    found = sm.scan_scores(both, [f"{GENE}.2"]).select("gene_id").unique().collect()
    assert found["gene_id"].to_list() == [f"{GENE}.2"]


def test_names_in_any_case_with_an_annotation(demo_path: Path) -> None:
    genes = sm.open_annotation(GTF).genes
    gene, name = genes.filter(pl.col("gene_id").str.starts_with(GENE)).row(0)[:2]
    for asked in (name, name.lower(), gene, GENE):
        found = sm.predict(demo_path, MODEL, genes=asked, annotation=GTF, columns="lean")
        assert found["gene_id"].unique().to_list() == [GENE]
        assert sm.evaluate(demo_path, genes=asked, annotation=GTF, resamples=0).height


def test_names_without_an_annotation_say_how_to_go_on(
    demo_path: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(sm.SpliceMetaError) as caught:
        sm.predict(demo_path, MODEL, genes="BDH2")
    assert "to name genes, give annotation." in caught.value.hint

    status = run_command([
        "features", "--scores", str(demo_path), "--model", MODEL, "--genes", "BDH2",
        "-o", str(tmp_path / "f.parquet"),
    ])  # fmt: skip
    assert status == 2
    assert "to name genes, give --annotation." in capsys.readouterr().err


def test_predict_takes_annotation_and_fasta(demo_scores: pl.DataFrame, kmer_model) -> None:
    bare = demo_scores.drop("chrom", "strand", "genomic_position", "base", strict=False)
    rows = bare.filter(gene_id=GENE)

    found = sm.predict(rows, kmer_model, annotation=GTF, fasta=FASTA)
    located = sm.scan_scores(rows, annotation=GTF, fasta=FASTA)
    expected = sm.predict(located, kmer_model, annotation=GTF)

    assert found.equals(expected.select(found.columns))
    assert found["genomic_position"].null_count() == 0


def test_hints_are_in_the_words_of_the_caller(
    tmp_path: Path, demo_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "o.parquet").write_text("mine")
    with pytest.raises(sm.SpliceMetaError) as caught:
        sm.sort_scores(demo_path, tmp_path / "o.parquet")
    assert caught.value.hint == "Give another name, or overwrite=True."
    assert str(caught.value).endswith("or overwrite=True.")

    assert run_command(["sort", str(demo_path), "-o", str(tmp_path / "o.parquet")]) == 2
    assert "Give another name, or --overwrite." in capsys.readouterr().err
    assert caught.value.hint == "Give another name, or overwrite=True."


def test_only_our_options_are_reworded() -> None:
    hint = "pip install --no-deps x; openspliceai predict --predict-all; --genes-file F; --device."
    error = sm.SpliceMetaError("Wrong.", hint)
    assert error.hint == hint.replace("--device", "device")
