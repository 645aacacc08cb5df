"""``splice-meta variants`` as people use it: what it prints, and what lies in the folder."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from variant_world import SparseNetwork, World, make_model, make_world

import splice_meta as sm
from splice_meta.alleles import words
from splice_meta.cli.app import run_command
from splice_meta.manifest import extended
from splice_meta.runs import scorer


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(autouse=True)
def network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scorer, "load_base_model", lambda *_: SparseNetwork())


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "bundle"
    make_model(extended().names).save(folder)
    return folder


def command(world: World, output: Path, *more: str | Path) -> int:
    places = ("--annotation", world.gtf, "--fasta", world.fasta, "-o", output)
    return run_command(["variants", *map(str, (*more, *places, "--base-model", "tiny"))])


def snv(world: World, at: int) -> str:
    base = world.sequence[at - 1]
    return f"c1:{at}:{base}>{'ACGT'[('ACGT'.index(base) + 1) % 4]}"


def test_a_few_variants_become_a_table(
    world: World, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    delins = f"c1:610:{world.sequence[609:613]}>G"
    given = [snv(world, 250), snv(world, 380), delins, snv(world, 40)]

    status = command(world, tmp_path / "out", *given, "--model", bundle, "--threshold", "0.001")

    said = capsys.readouterr()
    assert status == 0, said.err
    lines = said.out.splitlines()
    heads = ["variant", "gene", "effect", "site", "fate", "base", "recalibrated", "annotated"]
    assert lines[0].split() == heads
    result = sm.variants  # the function, not the room
    assert callable(result)
    sites = pl.read_parquet(tmp_path / "out" / "sites.parquet")
    assert set(sites["variant"]) >= {0, 1}
    for variant in (0, 1):
        site = sites.filter(variant=variant).sort(pl.col("change").abs())[-1].to_dicts()[0]
        shown = f"{site['type']} at {site['offset']:+}"
        row = next(line for line in lines if shown in line)
        assert f"{site['final_ref']:.2f} -> {site['final_alt']:.2f}" in row
        assert str(site["fate"]) in row
    assert "Variants: 4, 3 of them scored" in said.out
    assert "Left out:" in said.out
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "left_out.tsv", "sites.parquet", "sites.tsv", "summary.parquet", "summary.tsv",
        "variants.json",
    ]  # fmt: skip
    record = json.loads((tmp_path / "out" / "variants.json").read_text())
    assert record["state"] == "complete"
    assert record["counts"]["scored"] == 3


def test_base_scores_alone(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(world, tmp_path / "out", snv(world, 250)) == 0

    summary = pl.read_parquet(tmp_path / "out" / "summary.parquet")
    assert not [name for name in summary.columns if name.startswith("final")]
    assert "c1:250" in capsys.readouterr().out


def test_a_vcf_becomes_a_vcf(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, at, change = snv(world, 250).split(":")
    ref, alt = change.split(">")
    text = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    text += f"c1\t{at}\trs1\t{ref}\t{alt},<DEL>\t.\tPASS\tAF=0.1\n"
    (tmp_path / "v.vcf").write_text(text)

    assert command(world, tmp_path / "out", tmp_path / "v.vcf") == 0
    assert command(world, tmp_path / "none", tmp_path / "v.vcf", "--no-vcf") == 0
    assert command(world, tmp_path / "typed", snv(world, 250), "--vcf") == 0

    lines = (tmp_path / "out" / "variants.vcf").read_text().splitlines()
    kept = f"c1\t250\trs1\t{ref}\t{alt},<DEL>\t.\tPASS\tAF=0.1;"
    assert lines[-1].startswith(f"{kept}SpliceMeta_base=")
    assert "##contig=<ID=c1,length=1400>" in lines
    assert not (tmp_path / "none" / "variants.vcf").exists()
    assert (tmp_path / "typed" / "variants.vcf.gz").exists()


def test_more_variants_than_are_shown(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [snv(world, at) for at in range(410, 610, 9)]

    assert command(world, tmp_path / "out", *given) == 0

    said = capsys.readouterr().out
    pairs = pl.read_parquet(tmp_path / "out" / "summary.parquet").height
    assert pairs > len(given)  # two genes overlap
    assert f"The {words.SHOWN} of {pairs} that change most are shown." in said


def test_variants_in_no_gene_alone(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(world, tmp_path / "out", snv(world, 40)) == 0

    summary = pl.read_parquet(tmp_path / "out" / "summary.parquet")
    assert summary["reason"].to_list() == ["in no gene, and within the distance of none"]
    assert pl.read_parquet(tmp_path / "out" / "sites.parquet").height == 0
    assert "Variants: 1, 0 of them scored" in capsys.readouterr().out


def test_notation_makes_no_difference(world: World, bundle: Path, tmp_path: Path) -> None:
    sequence = world.sequence
    assert sequence[700:712] == "CACACACACACA"
    # The same deletion of one CA, the same insertion of one, each in three ways.
    ways = {
        "deletion": [(700, sequence[699:702], sequence[699]), (705, sequence[704:707], "C"),
                     (690, sequence[689:712], sequence[689:710])],
        "insertion": [(700, sequence[699], sequence[699] + "CA"), (712, "A", "ACA"),
                      (701, "CACA", "CACACA")],
    }  # fmt: skip
    rows = [("c1", *each) for listed in ways.values() for each in listed]
    table = pl.DataFrame(rows, schema=["chrom", "pos", "ref", "alt"], orient="row")

    result = sm.variants(
        table, world.gtf, world.fasta, tmp_path / "out", base_model=SparseNetwork(), model=bundle,
        settings=sm.VariantSettings(threshold=1e-6),
    )  # fmt: skip

    summary = result.summary().collect()
    offsets = [name for name in summary.columns if name.endswith("_position")]
    moved = summary.with_columns(pl.col(name) + pl.col("pos") for name in offsets)
    values = [name for name in summary.columns if name.startswith(("base_", "final_"))]
    sites = result.sites().collect()
    assert summary.height == 6
    for first in (0, 3):
        assert moved[first : first + 3].select(values).unique().height == 1
        for other in (1, 2):
            mine, theirs = (
                sites.filter(variant=n).drop("variant", "pos", "ref", "alt", "offset")
                for n in (first, first + other)
            )
            assert mine.equals(theirs)
            assert mine.height > 0


def test_masking_and_settings_reach_the_tables(world: World, tmp_path: Path) -> None:
    given = [snv(world, at) for at in range(150, 330, 7)]

    assert command(world, tmp_path / "a", *given) == 0
    assert command(world, tmp_path / "b", *given, "--mask", "--distance", "3") == 0

    plain = pl.read_parquet(tmp_path / "a" / "summary.parquet")
    masked = pl.read_parquet(tmp_path / "b" / "summary.parquet")
    known = pl.col("base_donor_loss_annotated")
    assert plain.filter(~known)["base_donor_loss"].max() > 0.01
    assert masked.filter(~known)["base_donor_loss"].max() == 0
    assert plain["base_donor_loss_position"].abs().max() > 3
    assert masked["base_donor_loss_position"].abs().max() <= 3
