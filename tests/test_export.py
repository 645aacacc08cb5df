"""Tracks read back by other readers, against a row-by-row reference."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from conftest import FIXTURES, MODEL
from naive_tracks import check_ucsc, naive_calls, naive_track
from test_cli import call

import splice_meta as sm
from splice_meta.reference.chrom_names import styled
from splice_meta.tracks.bigwig import BigWig

pyBigWig = pytest.importorskip("pyBigWig")  # noqa: N816
pybigtools = pytest.importorskip("pybigtools")

SLICE = Path(__file__).parents[2] / "shared" / "data" / "chr3_52M_grch38"
GTF = FIXTURES / "annotation.gtf.gz"
COLUMNS = {
    "base_donor": "donor_score",
    "base_acceptor": "acceptor_score",
    "final_donor": "donor_meta",
    "final_acceptor": "acceptor_meta",
}
STRANDS = {"plus": "+", "minus": "-"}


def overlapping() -> pl.DataFrame:
    """Genes on both strands of two chromosomes; some overlap, one has gaps, one lies apart."""
    rng = np.random.default_rng(3)
    parts = []
    for gene, chrom, strand, start, size in (
        ("G1", "2", "+", 101, 300), ("G2", "2", "+", 351, 200), ("G3", "2", "-", 301, 250),
        ("G4", "2", "-", 500, 200), ("G5", "10", "-", 1, 90), ("G6", "10", "+", 40, 9000),
        ("G7", "2", "+", 4501, 300),
    ):  # fmt: skip
        place = np.arange(start, start + size)
        scores = rng.dirichlet([0.2, 0.2, 1.0], size).astype(np.float32)
        final = rng.dirichlet([0.2, 0.2, 1.0], size).astype(np.float32)
        frame = pl.DataFrame({
            "gene_id": gene, "chrom": chrom, "strand": strand,
            "genomic_position": place if strand == "+" else place[::-1],
            "position": np.arange(1, size + 1),
            **{n: scores[:, k] for k, n in enumerate(("donor_score", "acceptor_score",
                                                      "neither_score"))},
            **{n: final[:, k] for k, n in enumerate(("donor_meta", "acceptor_meta",
                                                     "neither_meta"))},
            "predicted_type": "neither",
        })  # fmt: skip
        parts.append(frame if gene != "G6" else frame.filter(pl.col("position") % 7 != 0))
    return pl.concat(parts)


def spans_of(path: Path) -> dict[tuple[str, int], float]:
    """The values of a bedGraph by chromosome and base."""
    lines = path.read_text().splitlines()
    assert lines[0].startswith("track type=bedGraph ")
    found = {}
    for line in lines[1:]:
        chrom, start, end, value = line.split("\t")
        for base in range(int(start), int(end)):
            assert (chrom, base) not in found, "spans overlap"
            found[chrom, base] = float(np.float32(value))
    return found


def bed_of(path: Path) -> list[list[str]]:
    lines = path.read_text().splitlines()
    assert 'itemRgb="On"' in lines[0]
    rows = [line.split("\t") for line in lines[1:]]
    assert [(r[0].encode(), int(r[1])) for r in rows] == sorted(
        (r[0].encode(), int(r[1])) for r in rows
    )
    for row in rows:
        assert len(row) == 9
        assert int(row[2]) == int(row[1]) + 1
        assert row[6:8] == row[1:3]
        assert 0 <= int(row[4]) <= 1000
    return rows


def assert_tracks(rows: pl.DataFrame, folder: Path) -> None:
    """Every bigWig and bedGraph holds what the reference says, by either reader."""
    for name, column in COLUMNS.items():
        for word, strand in STRANDS.items():
            expected = naive_track(rows, column, strand)
            path = folder / f"{name}_{word}.bw"
            sizes = check_ucsc(path)
            assert spans_of(path.with_suffix(".bedgraph")) == expected
            assert_values(path, sizes, expected)


def assert_values(
    path: Path, sizes: dict[str, int], expected: dict[tuple[str, int], float]
) -> None:
    one, other = pyBigWig.open(str(path)), pybigtools.open(str(path))
    assert one.chroms() == other.chroms() == sizes
    assert one.header()["nBasesCovered"] == len(expected)
    for chrom, size in sizes.items():
        here = {place: value for (its, place), value in expected.items() if its == chrom}
        if not here:
            continue
        first = min(here)
        wanted = np.full(size - first, np.nan)
        wanted[np.array(list(here)) - first] = list(here.values())
        np.testing.assert_array_equal(one.values(chrom, first, size, numpy=True), wanted)
        np.testing.assert_array_equal(other.values(chrom, first, size, fillna=float("nan")), wanted)
        mean = one.stats(chrom, first, size, type="mean")[0]  # by the zoom levels
        largest = one.stats(chrom, first, size, type="max")[0]
        assert mean == pytest.approx(np.nanmean(wanted), rel=1e-4)
        assert largest == pytest.approx(np.nanmax(wanted), rel=1e-6)


@pytest.mark.parametrize("memory", [1 << 30, 160 * 300])
def test_overlapping_genes_are_joined_by_the_larger_value(tmp_path: Path, memory: int) -> None:
    rows = overlapping()

    told: list[int] = []
    sm.export(
        rows,
        tmp_path / "t",
        formats=("bigwig", "bedgraph", "bed"),
        memory=memory,
        progress=sm.Watcher(advanced=told.append),
    )

    assert sum(told) == rows.height
    assert len(told) == (4 if memory == 1 << 30 else 5)
    assert_tracks(rows, tmp_path / "t")


def test_sites_are_those_above_the_threshold(tmp_path: Path) -> None:
    rows = overlapping()
    done = sm.export(rows, tmp_path / "t", formats=["bed"])

    def joined(columns: tuple[str, str]) -> set[tuple[str, int, str, str]]:
        return naive_calls(rows, columns)

    called, base = (
        joined(("donor_meta", "acceptor_meta")),
        joined(("donor_score", "acceptor_score")),
    )
    bed = bed_of(tmp_path / "t/called_sites.bed")
    assert {(r[0], int(r[1]), r[5], r[3].split(":")[-1]) for r in bed} == called
    assert len(bed) == len(called) == done.called
    changed = bed_of(tmp_path / "t/changed_sites.bed")
    found = {(r[0], int(r[1]), r[5], r[3].split(":")[1], r[3].split(":")[2]) for r in changed}
    assert found == {(*s, "gained") for s in called - base} | {(*s, "lost") for s in base - called}
    colours = {r[8] for r in changed if r[3].endswith("gained")}
    assert colours == {"0,158,115"}
    both = [r[3] for r in bed if r[0] == "2" and 350 <= int(r[1]) < 400 and r[5] == "+"]
    assert both
    assert all(name.startswith("G1,G2:") for name in both)


def test_least_and_styles(tmp_path: Path) -> None:
    rows = overlapping()
    sm.export(rows, tmp_path / "t", formats=["bigwig"], chrom_style="ucsc", least=0.9)

    path = tmp_path / "t/final_donor_plus.bw"
    expected = {
        (f"chr{chrom}", place): value
        for (chrom, place), value in naive_track(rows, "donor_meta", "+").items()
        if value >= np.float32(0.9)
    }
    assert list(check_ucsc(path)) == ["chr10", "chr2"]
    assert_values(path, check_ucsc(path), expected)


def test_sizes_from_a_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "s").write_text("chr2\t5000\nchr10\t10000\nchr3\t7\n")

    sm.export(overlapping(), tmp_path / "t", formats=["bigwig"], sizes=tmp_path / "s")

    assert check_ucsc(tmp_path / "t/base_donor_plus.bw") == {"10": 10000, "2": 5000}
    assert not caplog.records


def test_many_values_in_any_portions(tmp_path: Path) -> None:
    """Enough blocks for an index of several levels, with gaps, on several chromosomes."""
    rng = np.random.default_rng(0)
    sizes = {"chr1": 3_000_000, "chr10": 400_000, "chrUn_x": 50}
    data = {}
    for chrom, size in sizes.items():
        places = np.union1d(rng.integers(0, size, size // 5), np.arange(size // 9))
        data[chrom] = places, rng.random(places.size, dtype=np.float32)
    with (tmp_path / "a.bw").open("w+b") as file:
        bigwig = BigWig(file, sizes)
        for chrom, (places, values) in data.items():
            for first in range(0, places.size, 70_001):
                part = slice(first, first + 70_001)
                bigwig.add(chrom, places[part], values[part])
        bigwig.close()

    assert check_ucsc(tmp_path / "a.bw") == sizes
    expected = {
        (chrom, place): value
        for chrom, (places, values) in data.items()
        for place, value in zip(places.tolist(), values.tolist(), strict=True)
    }
    assert_values(tmp_path / "a.bw", sizes, expected)


def test_demo_from_the_command_line(tmp_path: Path) -> None:
    done = call("demo", "--output-dir", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr

    done = call(
        "export", "out", "-o", "t", "--annotation", GTF, "--formats", "bigwig,bedgraph,bed",
        cwd=tmp_path,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    [table] = (tmp_path / "out").rglob("complete_coverage_predictions.parquet")
    assert_tracks(pl.read_parquet(table), tmp_path / "t")
    again = call("export", table.parent, "-o", "t2", "--formats", "bed", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "t2/called_sites.bed").exists()


@pytest.mark.skipif(not SLICE.exists(), reason="the slice is not here")
def test_called_donors_of_the_slice_are_followed_by_gt(tmp_path: Path) -> None:
    pred = sm.predict(SLICE / "scores_openspliceai.parquet", MODEL)
    sm.export(pred, tmp_path / "t", annotation=SLICE / "gencode_v35.gtf.gz",
              formats=("bigwig", "bedgraph", "bed"))  # fmt: skip

    assert_tracks(pred, tmp_path / "t")
    head, *lines = gzip.decompress((SLICE / "region.fa.gz").read_bytes()).decode().splitlines()
    offset = int(head.split(":")[1].split("-")[0]) - 1
    text = "".join(lines).upper()
    motifs = {"+": [], "-": []}
    for row in bed_of(tmp_path / "t/called_sites.bed"):
        at, is_donor = int(row[1]) - offset, row[3].endswith(":donor")
        if is_donor:
            motifs[row[5]].append(text[at + 1 : at + 3] if row[5] == "+" else text[at - 2 : at])
    assert motifs["+"].count("GT") > 0.97 * len(motifs["+"]) > 100
    assert motifs["-"].count("AC") > 0.97 * len(motifs["-"]) > 100
    assert any(row[3] == "STAB1:donor" for row in bed_of(tmp_path / "t/called_sites.bed"))


def test_sizes_from_a_fasta_of_whole_chromosomes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "g.fa").write_text(f">chr2 x\n{'A' * 4900}\n>chr10:101-9200\n{'C' * 9100}\n")

    sm.export(overlapping(), tmp_path / "t", formats=["bigwig"], fasta=tmp_path / "g.fa")

    # Of chromosome 10 there is a slice only, which does not tell where it ends.
    assert check_ucsc(tmp_path / "t/base_donor_plus.bw") == {"10": 9039, "2": 4900}
    assert "The sizes of some chromosomes are not known (1, first 10)" in caplog.text


def test_sizes_from_the_ends_of_annotated_genes(tmp_path: Path, demo_path: Path) -> None:
    genes = sm.open_annotation(GTF).genes
    gene, end = genes.sort("gene_end").select("gene_id", "gene_end").row(-1)
    first = genes.sort("gene_end")["gene_id"][0]
    assert first != gene

    sm.export(demo_path, tmp_path / "t", genes=first, annotation=GTF, formats=["bigwig"])

    path = next((tmp_path / "t").iterdir())
    assert list(check_ucsc(path).values()) == [end]


@pytest.mark.parametrize(
    ("name", "ucsc", "ensembl"),
    [
        ("1", "chr1", "1"),
        ("chrX", "chrX", "X"),
        ("MT", "chrM", "MT"),
        ("chrM", "chrM", "MT"),
        ("NC_000001.11", "chr1", "1"),
        ("GL000194.1", "GL000194.1", "GL000194.1"),
        ("chrUn_KI270742v1", "chrUn_KI270742v1", "chrUn_KI270742v1"),
    ],
)
def test_styles_of_chromosomes(name: str, ucsc: str, ensembl: str) -> None:
    assert styled(name, "ucsc") == ucsc
    assert styled(name, "ensembl") == ensembl
    assert styled(name, "as-is") == name
