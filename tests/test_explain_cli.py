"""The command ``explain``: positions of genes, places on the genome."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from conftest import MODEL

import splice_meta as sm
from splice_meta.bundled import fixtures
from splice_meta.cli.app import run_command
from splice_meta.errors import InputError

SCORES = str(fixtures() / "scores_openspliceai.parquet")


def test_a_place_is_its_genes_position(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "why.parquet"
    asked = ["explain", SCORES, "--model", MODEL, "--at", "chr4:104000912", "--at",
             "ENSG00000164038:603", "-o", str(out), "--top", "3"]  # fmt: skip
    assert run_command(asked) == 0

    found = pl.read_parquet(out)
    expected = sm.explain(SCORES, MODEL, ["ENSG00000164039:20116", "ENSG00000164038:603"])
    assert found.equals(expected)
    said = capsys.readouterr().out
    assert "ENSG00000164039:20116" in said
    assert "acceptor: base 0.153798, meta-model 0.566338" in said
    assert "ENSG00000164039:20116 (chr4:104000912)" in said
    # What is shown adds up to the margin.
    lines = said[: said.index("ENSG00000164038")].splitlines()
    [start] = [line for line in lines if "Starts from" in line]
    shown = [float(each.split()[-1]) for each in start.split(",")]
    shown += [float(line.split()[-1]) for line in lines if line.endswith(tuple("0123456789"))
              and line.startswith("    ") and "Starts from" not in line]  # fmt: skip
    of_class = expected.filter(gene_id="ENSG00000164039").filter(pl.col("class") == "acceptor")
    assert len(shown) == 2 + 3 + 1
    assert sum(shown) == pytest.approx(of_class["contribution"].sum(), abs=4e-4)
    assert said.count("|##########") + said.count("##########|") == 2


def test_a_place_on_the_plus_strand_counts_from_the_other_end() -> None:
    row = (
        pl.scan_parquet(SCORES).filter(gene_id="ENSG00000145354", position=1000).collect()
    ).row(0, named=True)
    by_place = sm.explain(SCORES, MODEL, f"4:{row['genomic_position']}")
    assert by_place.equals(sm.explain(SCORES, MODEL, "ENSG00000145354:1000"))


def test_scores_without_places_take_them_from_the_annotation() -> None:
    bare = pl.read_parquet(SCORES).drop("chrom", "strand", "genomic_position")
    annotation = fixtures() / "annotation.gtf.gz"
    found = sm.explain(bare, MODEL, "chr4:104000912", annotation=annotation)
    assert found["position"].unique().to_list() == [20116]
    with pytest.raises(InputError, match="No gene of the base scores has the place chr4:104000912"):
        sm.explain(bare, MODEL, "chr4:104000912")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--at", "chr9:5"], "No gene of the base scores has the place chr9:5"),
        (["--at", "chr4:5"], "No gene of the base scores has the place chr4:5"),
        (["--at", "somewhere"], "'somewhere' is not a position"),
        (["--at", "chr4:104000912", "--class", "exon"], "--class is 'exon'"),
        (["--at", "chr4:104000912", "--top", "0"], "--top is 0"),
        (["--at", "chr4:104000912", "-o", "x.txt"], "--output x.txt is of an unknown kind"),
    ],
)
def test_wrong_use_is_two_plain_lines(
    options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["explain", SCORES, "--model", MODEL, *options]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert words in lines[0]
