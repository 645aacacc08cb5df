"""The annotated VCF: against a naive writer in plain Python, and as other programs read it."""

from __future__ import annotations

import gzip
import itertools
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from splice_meta.alleles import vcf as module
from splice_meta.alleles.bgzip import BgzipWriter
from splice_meta.alleles.reading import read_variants
from splice_meta.alleles.vcf import KINDS, write_vcf
from splice_meta.errors import InputError

HEAD = [
    "##fileformat=VCFv4.2",
    "##contig=<ID=chr1,length=248956422>",
    '##INFO=<ID=AC,Number=A,Type=Integer,Description="Count, of alleles">',
    '##INFO=<ID=SpliceMeta,Number=.,Type=String,Description="of an earlier run">',
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\tS2",
]
LINES = [
    "chr1\t100\trs1\tA\tC\t50\tPASS\tAC=1\tGT\t0/1\t1|1",
    "chr1\t200\t.\tG\tGT,T,<DEL>\t.\tq10\t.\tGT\t0/1\t./.",
    "chr2\t300\t.\tAC\tA\t.\t.\tAC=2;SpliceMeta=A|OLD|1;X;SpliceMeta_base=A|B;SpliceMeta_effect=A|B|1\tGT\t0/0\t0/1",
    "chr2\t301\t.\tC\t*\t.\t.\tSpliceMeta=A|OLD|1\tGT\t0/0\t0/1",
]
GENES = (("ENSG1", "BRCA1"), ("ENSG2", "odd; a=b,|%c"), ("ENSG3", None))


def summary_of(variants: pl.DataFrame, layers: tuple[str, ...] = ("base", "final")) -> pl.DataFrame:
    """A summary with made values: variant n lies in n mod 3 genes."""
    draw = random.Random(1)
    rows: list[dict[str, Any]] = []
    for variant in variants.iter_rows(named=True):
        genes = GENES[: variant["variant"] % 4] if variant["reason"] is None else ()
        for gene in genes or [(None, None)]:
            row = {**variant, "gene_id": gene[0], "gene_name": gene[1], "strand": "+"}
            if gene[0] is None and row["reason"] is None:
                row["reason"] = "in no gene"
            for layer, kind in itertools.product(layers, KINDS):
                there = gene[0] is not None
                row[f"{layer}_{kind}"] = draw.choice([0, 1, draw.random()]) if there else None
                row[f"{layer}_{kind}_position"] = draw.randint(-500, 500) if there else None
            if "final" in layers:
                row["effect"] = draw.random() if gene[0] is not None else None
            rows.append(row)
    types = {f"{layer}_{kind}": pl.Float32 for layer in layers for kind in KINDS}
    places = {f"{name}_position": pl.Int32 for name in types}
    return pl.DataFrame(rows, schema_overrides={**types, **places}, infer_schema_length=None)


def naive_info(rows: list[dict[str, Any]], layers: tuple[str, ...]) -> list[str]:
    fields = []
    names = {"final": "SpliceMeta", "base": "SpliceMeta_base", "effect": "SpliceMeta_effect"}
    for layer, name in names.items():
        values = []
        for row in rows if layer in layers or (layer == "effect" and "final" in layers) else []:
            if row["gene_id"] is not None:
                symbol = row["gene_name"] or row["gene_id"]
                for sign, code in (
                    ("%", "25"),
                    (";", "3B"),
                    ("=", "3D"),
                    (",", "2C"),
                    ("|", "7C"),
                    (" ", "20"),
                ):
                    symbol = symbol.replace(sign, f"%{code}")
                if layer == "effect":
                    values.append(f"{row['alt']}|{symbol}|{row['effect']:.4f}")
                    continue
                scores = [f"{row[f'{layer}_{kind}']:.4f}" for kind in KINDS]
                places = [str(row[f"{layer}_{kind}_position"]) for kind in KINDS]
                values.append("|".join([row["alt"], symbol, *scores, *places]))
        if values:
            fields.append(f"{name}={','.join(values)}")
    left = [f"{row['alt']}|{row['reason'].replace(' ', '_')}" for row in rows if row["reason"]]
    return [*fields, *([f"SpliceMeta_left_out={','.join(left)}"] if left else [])]


def naive(lines: list[str], summary: pl.DataFrame, layers: tuple[str, ...]) -> list[str]:
    rows = summary.to_dicts()
    annotated = []
    for number, line in enumerate(lines):
        columns = line.split("\t")
        columns += ["."] * (8 - len(columns))
        old = [f for f in columns[7].split(";") if not f.startswith("SpliceMeta") and f != "."]
        added = naive_info([row for row in rows if row["line"] == number], layers)
        columns[7] = ";".join([*old, *added]) or "."
        annotated.append("\t".join(columns))
    return annotated


def put(path: Path, lines: list[str], end: str = "\n") -> Path:
    path.write_text("".join(line + end for line in lines), newline="")
    return path


def records(path: Path) -> list[str]:
    data = path.read_bytes()
    text = gzip.decompress(data) if path.suffix == ".gz" else data
    return [line for line in text.decode().splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("layers", [("base", "final"), ("base",)])
@pytest.mark.parametrize("name", ["out.vcf", "out.vcf.gz"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_are_kept_and_fields_added(
    tmp_path: Path, layers: tuple[str, ...], name: str, end: str
) -> None:
    source = put(tmp_path / "in.vcf", HEAD + LINES, end)
    summary = summary_of(read_variants(source), layers)

    write_vcf(summary.lazy(), tmp_path / name, source=source, version="1")

    assert records(tmp_path / name) == naive(LINES, summary, layers)


@pytest.mark.parametrize("batch", [1, 200, 1 << 24])
def test_many_lines_in_batches(tmp_path: Path, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BATCH_BYTES", batch)
    monkeypatch.setattr("splice_meta.files.packed.BLOCK_BYTES", 64)
    lines = [f"chr1\t{n}\t.\tA\t{'C,G' if n % 5 else 'T'}\t.\t.\tX={'y' * (n % 60)}"
             for n in range(1, 400)]  # fmt: skip
    source = put(tmp_path / "in.vcf", [*HEAD[:-1], *lines[:200], "", *lines[200:]])
    summary = summary_of(read_variants(source))
    summary.write_parquet(tmp_path / "s.parquet", row_group_size=50)

    write_vcf(
        pl.scan_parquet(tmp_path / "s.parquet"), tmp_path / "o.vcf", source=source, version="1"
    )

    assert records(tmp_path / "o.vcf") == naive(lines, summary, ("base", "final"))


def test_header_is_completed(tmp_path: Path) -> None:
    source = put(tmp_path / "in.vcf", HEAD + LINES)
    summary = summary_of(read_variants(source)).lazy()
    write_vcf(summary, tmp_path / "o.vcf", source=source, version="1.2",
              lengths={"chr2": 242193529}, base_model='the "best"')  # fmt: skip

    header = [line for line in (tmp_path / "o.vcf").read_text().splitlines() if line[0] == "#"]

    assert header[:3] == HEAD[:3]
    assert header[3] == HEAD[4]
    assert header[4] == "##contig=<ID=chr2,length=242193529>"
    assert [line.split(",")[0] for line in header[5:9]] == [
        "##INFO=<ID=SpliceMeta", "##INFO=<ID=SpliceMeta_base", "##INFO=<ID=SpliceMeta_effect",
        "##INFO=<ID=SpliceMeta_left_out",
    ]  # fmt: skip
    assert 'of the \\"best\\". ' in header[6]
    assert "ALLELE|SYMBOL|DS_AG|DS_AL|DS_DG|DS_DL|DP_AG|DP_AL|DP_DG|DP_DL" in header[5]
    assert header[9:] == HEAD[5:]


@pytest.mark.parametrize("head", [[], HEAD[:-1], HEAD[1:], ["#CHROM\tPOS\tID\tREF\tALT"]])
@pytest.mark.parametrize("columns", [5, 8, 11])
def test_headers_that_lack_lines(tmp_path: Path, head: list[str], columns: int) -> None:
    lines = ["\t".join(line.split("\t")[:columns]) for line in LINES]
    if head and head[-1].startswith("#CHROM") and columns < 11:
        head = [*head[:-1], "\t".join(head[-1].split("\t")[:columns])]
    source = put(tmp_path / "in.vcf", head + lines)
    summary = summary_of(read_variants(source))

    write_vcf(summary.lazy(), tmp_path / "o.vcf", source=source, version="1")

    text = (tmp_path / "o.vcf").read_text().splitlines()
    names = next(line for line in text if line.startswith("#CHROM"))
    assert text[0] == "##fileformat=VCFv4.2"
    assert records(tmp_path / "o.vcf") == naive(lines, summary, ("base", "final"))
    if not (head and head[-1].startswith("#CHROM") and columns == 11 and len(head) == 1):
        assert all(line.count("\t") == names.count("\t") for line in records(tmp_path / "o.vcf"))


def test_of_a_table(tmp_path: Path) -> None:
    table = pl.DataFrame(
        {"chrom": ["1", "X", None, "2"], "pos": [5, 9, 3, None], "ref": ["A", "g", "A", "A"],
         "alt": ["C,T", "GA", "C", "C"]}
    )  # fmt: skip
    summary = summary_of(read_variants(table))

    write_vcf(summary.lazy(), tmp_path / "o.vcf", version="1")

    rows = ["1\t5\t.\tA\tC,T\t.\t.\t.", "X\t9\t.\tG\tGA\t.\t.\t."]
    assert records(tmp_path / "o.vcf") == naive(rows, summary, ("base", "final"))


def test_other_records_than_were_read(tmp_path: Path) -> None:
    source = put(tmp_path / "in.vcf", HEAD + LINES)
    summary = summary_of(read_variants(source))
    put(source, HEAD + LINES[:2])

    with pytest.raises(InputError, match="has other records than when it was read"):
        write_vcf(summary.lazy(), tmp_path / "o.vcf", source=source, version="1")

    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.parametrize("size", [0, 1, 0xFF00 - 1, 0xFF00, 0xFF00 + 1, 300_000])
def test_bgzip(tmp_path: Path, size: int) -> None:
    data = random.Random(size).randbytes(size)
    with (tmp_path / "x.gz").open("wb") as file:
        writer = BgzipWriter(file)
        for first in range(0, size, 7001):
            writer.write(data[first : first + 7001])
        writer.close()

    assert gzip.decompress((tmp_path / "x.gz").read_bytes()) == data
    from splice_meta.files.packed import packing_of, unpacked

    assert packing_of(tmp_path / "x.gz") == "bgzip"
    with unpacked(tmp_path / "x.gz") as again:
        assert again.read() == data


def annotated(tmp_path: Path) -> tuple[Path, pl.DataFrame]:
    source = put(tmp_path / "in.vcf", HEAD + LINES)
    summary = summary_of(read_variants(source))
    write_vcf(summary.lazy(), tmp_path / "o.vcf.gz", source=source, version="1")
    return tmp_path / "o.vcf.gz", summary


def test_htslib_reads_it(tmp_path: Path) -> None:
    pysam = pytest.importorskip("pysam")
    path, _ = annotated(tmp_path)

    with pysam.VariantFile(str(path)) as file:
        read = [(r.chrom, r.pos, r.alts, r.info.get("SpliceMeta")) for r in file]

    assert [row[:3] for row in read] == [
        ("chr1", 100, ("C",)), ("chr1", 200, ("GT", "T", "<DEL>")), ("chr2", 300, ("A",)),
        ("chr2", 301, ("*",)),
    ]  # fmt: skip
    fields = [value for line in records(path) for value in line.split("\t")[7].split(";")]
    values = [field[11:] for field in fields if field.startswith("SpliceMeta=")]
    assert [",".join(row[3]) for row in read if row[3]] == values
    assert len(values) == 1


def test_bcftools_reads_it(tmp_path: Path) -> None:
    pysam = pytest.importorskip("pysam")
    bcftools = pytest.importorskip("pysam.bcftools")
    path, summary = annotated(tmp_path)

    pysam.tabix_index(str(path), preset="vcf", csi=True)
    shown = bcftools.view("-H", str(path), "chr2")
    asked = bcftools.query("-f", "%POS %INFO/SpliceMeta_left_out\n", str(path))

    assert shown.splitlines() == records(path)[2:]
    assert asked.splitlines()[-1] == "301 *|no_alternative_allele_of_its_own_(*_or_<*>)"
    assert summary.height


def test_cyvcf2_reads_it(tmp_path: Path) -> None:
    cyvcf2 = pytest.importorskip("cyvcf2")
    path, _ = annotated(tmp_path)

    read = [(v.POS, v.INFO.get("AC"), v.INFO.get("SpliceMeta_base")) for v in cyvcf2.VCF(str(path))]

    assert [row[:2] for row in read] == [(100, 1), (200, None), (300, 2), (301, None)]
    assert read[1][2].startswith("GT|BRCA1|")
