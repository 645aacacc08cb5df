"""The fixed columns of a VCF file, scanned as text.

Samples are not looked at, so nothing more is needed than the first five columns of each line. A
header is not needed either: a line that begins with ``#`` is none of a variant.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from splice_meta.errors import InputError
from splice_meta.files.packed import BLOCK_BYTES, unpacked
from splice_meta.sources.content import kind_of_content, wrong_content

FIXED = ("chrom", "pos", "id", "ref", "alt")
"""The columns that are read."""

ENDINGS = (".vcf", ".vcf.gz", ".vcf.bgz", ".vcf.zst")
"""How names of VCF files end."""

NO_VARIANT = r"^\u{feff}?(?:#|\s*$|(?i:chrom\tpos\t))"
"""A line that holds no variant, as a regular expression: header, blank, or a header without #."""

_BCF = b"BCF\x02"


def is_vcf(path: Path) -> bool:
    """Whether a file is VCF, by its name or by its first line.

    Raises:
        InputError: If it is BCF, or not text.
        OSError: If it cannot be read.
    """
    with unpacked(path) as file:
        head = file.read(BLOCK_BYTES)
    if head.startswith(_BCF):
        raise InputError(f"{path} is BCF, not VCF.", "Convert it by: bcftools view -O z.")
    is_named = path.name.lower().endswith(ENDINGS)
    if is_named and (found := kind_of_content(head)):
        raise wrong_content(str(path), "VCF", found)
    return is_named or head.removeprefix(b"\xef\xbb\xbf").startswith(b"##fileformat=VCF")


def scan_vcf(path: Path) -> pl.LazyFrame:
    """The variants of a VCF file, one row per line, in its order.

    Args:
        path: A plain, gzip, bgzip or zstd file.

    Returns:
        ``row`` (the number of the line, from 1), and as text :data:`FIXED`; what a short line lacks
        is null.
    """
    text = pl.col("text")
    return (
        pl.scan_lines(path, name="text", row_index_name="row", row_index_offset=1, glob=False)
        .filter(~text.str.contains(NO_VARIANT))
        .select(
            "row",
            text.str.strip_chars_end("\r")
            .str.splitn("\t", len(FIXED) + 1)
            .struct.rename_fields([*FIXED, "rest"])
            .alias("columns"),
        )
        .unnest("columns")
        .drop("rest")
    )
