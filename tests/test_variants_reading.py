"""Variants as they are given: VCF, tables, frames, typed; and what is left out, with why."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from splice_meta.alleles.loci import is_locus, read_loci
from splice_meta.alleles.reading import VARIANTS, read_variants
from splice_meta.errors import InputError

HEAD = "##fileformat=VCFv4.2\n##contig=<ID=chr1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
LINES = (
    "chr1\t100\trs1\tA\tC\t.\tPASS\tX=1",
    "chr1\t101\t.\tac\tG,T,*\t.\t.\t.",
    "2\t7\tx;y\tG\tGTT\t9\tq10\tDP=3\tGT:AD\t0|1:3\t1/1:.",
)
ROWS = [
    (0, 0, "rs1", "chr1", 100, "A", "C", None),
    (1, 1, None, "chr1", 101, "AC", "G", None),
    (2, 1, None, "chr1", 101, "AC", "T", None),
    (3, 1, None, "chr1", 101, "AC", "*", "no alternative allele of its own (* or <*>)"),
    (4, 2, "x;y", "2", 7, "G", "GTT", None),
]


def vcf(lines: Any = LINES, head: str = HEAD, end: str = "\n") -> bytes:
    return "".join(f"{line}{end}" for line in [*head.split("\n"), *lines] if line).encode()


def as_blocks(data: bytes) -> bytes:
    """What bgzip makes: members with a field that tells their length, and an empty one."""
    packed = b""
    for first in range(0, len(data), 40):
        member = gzip.compress(data[first : first + 40])
        field = b"\x06\x00BC\x02\x00" + (len(member) + 7).to_bytes(2, "little")
        packed += member[:3] + b"\x04" + member[4:10] + field + member[10:]
    return packed + END


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("head", [HEAD, "", "\ufeff" + HEAD, "CHROM\tPOS\tID\tREF\tALT", "#\n##x"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, as_blocks])
def test_vcf(tmp_path: Path, pack: Any, head: str, end: str) -> None:
    path = tmp_path / ("v.vcf" if pack is bytes else "v.vcf.gz")
    path.write_bytes(pack(vcf(head=head, end=end)))

    read = read_variants(path)

    assert read.schema == VARIANTS
    assert read.rows() == ROWS


def test_vcf_by_its_first_line(tmp_path: Path) -> None:
    (tmp_path / "variants").write_bytes(gzip.compress(vcf()))

    assert read_variants(tmp_path / "variants").rows() == ROWS


def test_blank_lines_and_a_last_line_without_its_end(tmp_path: Path) -> None:
    path = tmp_path / "v.vcf"
    path.write_bytes(b"\n" + vcf(LINES[:1]) + b"\n  \n" + LINES[2].encode())

    read = read_variants(path)

    assert read["line"].to_list() == [0, 1]
    assert read["chrom"].to_list() == ["chr1", "2"]


@pytest.mark.parametrize(
    ("chrom", "pos", "ref", "alt", "why"),
    [
        ("1", 5, "A", "*", "no alternative allele of its own"),
        ("1", 5, "A", "<*>", "no alternative allele of its own"),
        ("1", 5, "A", "<NON_REF>", "no alternative allele of its own"),
        ("1", 5, "A", "<DEL>", "symbolic allele"),
        ("1", 5, "A", "<INS:ME:ALU>", "symbolic allele"),
        ("1", 5, "A", "G]17:198982]", "breakend"),
        ("1", 5, "A", "]13:123456]AGTC", "breakend"),
        ("1", 5, "A", "G.", "breakend"),
        ("1", 5, "A", ".TGC", "breakend"),
        ("1", 5, "A", ".", "no alternative allele"),
        ("1", 5, "A", "", "no alternative allele"),
        ("1", 5, "A", "-", "no alternative allele"),
        ("1", 5, ".", "A", "no reference allele"),
        ("1", 5, "-", "A", "no reference allele"),
        ("1", 5, "AN", "A", "ref has other letters"),
        ("1", 5, "A", "R", "alt has other letters"),
        ("1", 5, "A", "AéC", "alt has other letters"),
        ("1", 0, "A", "C", "the position is below 1"),
        ("1", -3, "A", "C", "the position is below 1"),
        ("1", None, "A", "C", "no position"),
        (None, 5, "A", "C", "no chromosome"),
        ("1", 5, "acg", "ACG", "ref and alt are the same"),
        ("1", 5, "A", "c", None),
        ("1", 5, "ACGT", "TT", None),
        ("chrUn_x:1", 1, "A", "C" * 3000, None),
    ],
)
def test_reasons(chrom: Any, pos: Any, ref: str, alt: str, why: str | None) -> None:
    frame = pl.DataFrame(
        {"chrom": [chrom], "pos": [pos], "ref": [ref], "alt": [alt]},
        schema={"chrom": pl.String, "pos": pl.Int64, "ref": pl.String, "alt": pl.String},
    )

    [said] = read_variants(frame)["reason"]

    assert said is None if why is None else said.startswith(why)


TABLE = pl.DataFrame(
    {
        "chrom": [1, 22], "pos": [100, 2_000_000_000], "ref": ["A", "T"], "alt": ["C", "TA,G"],
        "score": [0.5, None],
    }
)  # fmt: skip
NAMES = (
    {},
    {"chrom": "#CHROM", "pos": "POS", "ref": "REF", "alt": "ALT"},
    {"chrom": "Chromosome", "pos": "Position", "ref": "Ref_Allele", "alt": "Alternate"},
)


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("kind", ["csv", "tsv", "parquet", "arrow", "frame", "lazy", "tsv.gz"])
def test_tables(tmp_path: Path, kind: str, names: dict[str, str]) -> None:
    table, path = TABLE.rename(names), tmp_path / f"v.{kind}"
    if kind in ("csv", "tsv"):
        table.write_csv(path, separator="," if kind == "csv" else "\t", quote_style="non_numeric")
    elif kind == "tsv.gz":
        path.write_bytes(gzip.compress(table.write_csv(separator="\t").encode()))
    elif kind == "parquet":
        table.with_columns(pl.col(names.get("pos", "pos")).cast(pl.Float64)).write_parquet(path)
    elif kind == "arrow":
        table.write_ipc(path)
    source = {"frame": table, "lazy": table.lazy()}.get(kind, path)

    assert read_variants(source).rows() == [
        (0, 0, None, "1", 100, "A", "C", None),
        (1, 1, None, "22", 2_000_000_000, "T", "TA", None),
        (2, 1, None, "22", 2_000_000_000, "T", "G", None),
    ]


def test_a_column_of_t_is_no_truth_value(tmp_path: Path) -> None:
    path = tmp_path / "v.tsv"
    path.write_text("chrom\tpos\tref\talt\nX\t10\tT\tA\n01\t11\tT\tA\n")

    assert read_variants(path).select("chrom", "ref").rows() == [("X", "T"), ("01", "T")]


def test_the_column_of_the_exact_name_is_meant() -> None:
    frame = TABLE.with_columns(position=pl.lit(3), reference=pl.lit("G"))

    assert read_variants(frame)["pos"][0] == 100


@pytest.mark.parametrize(
    "text",
    ["chr17:43045682:T>A", "chr17-43045682-T-A", "chr17:43,045,682:t>a", "chr17:43045682T>A",
     "chr17:g.43045682T>A", "chr17:43045682:T:A", " chr17:43045682:T/A "],
)  # fmt: skip
def test_typed(text: str) -> None:
    assert is_locus(text)
    assert read_variants(text).rows() == [(0, 0, None, "chr17", 43045682, "T", "A", None)]


def test_several_are_typed() -> None:
    read = read_variants(["1:5:A>T", "HLA-A*01:7:A>*", "X-9-AC-A"])

    assert read["chrom"].to_list() == ["1", "HLA-A*01", "X"]
    assert read["reason"].is_null().to_list() == [True, False, True]


@given(
    chrom=st.from_regex(r"[A-Za-z0-9_.]{1,8}", fullmatch=True),
    pos=st.integers(1, 10**11),
    ref=st.text("ACGT", min_size=1, max_size=30),
    alt=st.text("ACGT", min_size=1, max_size=30),
    sign=st.sampled_from([":{}:{}>{}", "-{}-{}-{}", ":{}:{}:{}"]),
)
def test_what_is_typed_is_read(chrom: str, pos: int, ref: str, alt: str, sign: str) -> None:
    typed = chrom + sign.format(pos, ref, alt)

    assert read_loci([typed]).rows() == [(chrom, pos, ref, alt)]


@pytest.mark.parametrize("text", ["chr1:5", "chr1:5:A", "chr1:5:>A", "nofile.vcf", "chr1:x:A>C"])
def test_neither_file_nor_variant(text: str) -> None:
    with pytest.raises(InputError, match=f"There is no file {text}, and it is not a variant"):
        read_variants(text)
    with pytest.raises(InputError, match="is not a variant"):
        read_variants([text, "chr1:5:A>C"])


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["chr1\t5\t.\tA"], "1 malformed line(s); the first is line 4"),
        ([LINES[0], "chr1 5 . A C"], "1 malformed line(s); the first is line 5"),
        (["chr1\tx\t.\tA\tC", "chr1\t\t.\tA\tC"], "2 malformed line(s); the first is line 4"),
        (["chr1\t99999999999999999999\t.\tA\tC"], "1 malformed line(s); the first is line 4"),
        ([], "holds no variants"),
    ],
)
def test_malformed_vcf(tmp_path: Path, lines: list[str], words: str) -> None:
    (tmp_path / "v.vcf").write_bytes(vcf(lines))

    with pytest.raises(InputError) as refused:
        read_variants(tmp_path / "v.vcf")

    assert words in refused.value.message
    assert str(tmp_path) in refused.value.message


@pytest.mark.parametrize("lost", [1, 30, 200, 28])
@pytest.mark.parametrize("pack", [gzip.compress, as_blocks])
def test_cut_off(tmp_path: Path, pack: Any, lost: int) -> None:
    path = tmp_path / "v.vcf.gz"
    path.write_bytes(pack(vcf([f"chr1\t{n}\t.\tA\tC" for n in range(1, 3000)]))[:-lost])

    with pytest.raises(InputError):
        read_variants(path)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"BCF\x02\x02", "is BCF, not VCF"),
        (b"\x89PNG\r\n", "is a PNG image, not VCF"),
        (b"", "is an empty file, not VCF"),
        (b"PAR1", "is a Parquet file, not VCF"),
        (HEAD.encode() + b"\nchr1\t5\t\xff\xfe\tA\tC\n", "cannot be read"),
    ],
)
def test_other_files(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "v.vcf").write_bytes(data)

    with pytest.raises(InputError, match=words):
        read_variants(tmp_path / "v.vcf")


def test_malformed_tables(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no column ref or alt; it has chrom, pos, score"):
        read_variants(TABLE.drop("ref", "alt"))
    with pytest.raises(InputError, match="columns Chr and chromosome, which may both be chrom"):
        read_variants(TABLE.rename({"chrom": "Chr"}).with_columns(chromosome=1))
    with pytest.raises(InputError, match=r"1 position\(s\) .* the first is '1e5x' in row 2"):
        read_variants(TABLE.with_columns(pos=pl.Series(["7", "1e5x"])))
    (tmp_path / "v.xyz").write_text("chrom\tpos\n")
    with pytest.raises(InputError, match=r"is of an unknown kind.\nGive VCF, or a table"):
        read_variants(tmp_path / "v.xyz")
