"""Reading variants: VCF, tables, frames, or as one types them; one row per alternative allele."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from splice_meta.alleles import unfit
from splice_meta.alleles.loci import is_locus, read_loci
from splice_meta.alleles.tables import columns_of, scan_table
from splice_meta.alleles.vcf_text import FIXED, is_vcf, scan_vcf
from splice_meta.errors import InputError
from splice_meta.files.stores import refuse_pipe
from splice_meta.runtime.panics import plain_panics
from splice_meta.sources.unreadable import FAULTS, unreadable

VARIANTS: dict[str, type[pl.DataType]] = {
    "variant": pl.UInt32, "line": pl.UInt32, "id": pl.String, "chrom": pl.String, "pos": pl.Int64,
    "ref": pl.String, "alt": pl.String, "reason": pl.String,
}  # fmt: skip
"""The columns of variants."""

Source = str | Path | pl.DataFrame | pl.LazyFrame | Sequence[str]
"""What variants are read from: a file, a frame, one variant or several as one types them."""

_BLANK = [".", ""]


def read_variants(source: Source) -> pl.DataFrame:
    """Read variants; a record with several alternative alleles becomes several rows.

    Args:
        source: A VCF file (plain, gzip, bgzip or zstd; samples are not read), a table file
            (Parquet, Arrow IPC, CSV, TSV) or frame with the columns ``chrom``, ``pos``, ``ref`` and
            ``alt``, or variants such as ``chr17:43045682:T>A``.

    Returns:
        One row per alternative allele, in the order of the input: ``variant`` (from 0), ``line``
        (the record it is from, from 0; header and blank lines do not count), ``id`` (null for
        ``.``), ``chrom`` as it stands there, ``pos`` (1-based), ``ref`` and ``alt`` in capital
        letters, ``reason`` (why it cannot be scored; null where it can).

    Raises:
        InputError: If the source cannot be read, holds no variants, or a malformed line.
    """
    name = _name_of(source)
    frame = _scan(source, name)
    try:
        with plain_panics():
            records = _with_numbers(frame).with_row_index("line").collect(engine="streaming")
    except FAULTS as error:
        raise unreadable(name, error) from None
    _refuse_malformed(records, name)
    if not records.height:
        raise InputError(f"{name} holds no variants.", "Check what the file is.")
    return (
        records.lazy()
        .with_columns(pl.col("alt").str.split(","))
        .explode("alt", empty_as_null=True, keep_nulls=True)
        .with_columns(pl.col("ref", "alt").str.strip_chars().str.to_uppercase())
        .with_columns(unfit.reason())
        .with_row_index("variant")
        .select(pl.col(column).cast(kind) for column, kind in VARIANTS.items())
        .collect()
    )


def _name_of(source: Source) -> str:
    """What a source is called in messages."""
    if isinstance(source, (pl.DataFrame, pl.LazyFrame)):
        return "The frame"
    texts = [source] if isinstance(source, (str, Path)) else source
    return str(texts[0]) if len(texts) == 1 else "The list"


def _scan(source: Source, name: str) -> pl.LazyFrame:
    """The records: :data:`~splice_meta.alleles.vcf_text.FIXED`; of VCF also ``row``, the line."""
    if isinstance(source, (pl.DataFrame, pl.LazyFrame)):
        return _fixed(source.lazy(), name)
    texts = [source] if isinstance(source, (str, Path)) else source
    if len(texts) != 1:
        return _fixed(read_loci([str(text) for text in texts]).lazy(), name)
    if "://" in name:
        return _fixed(scan_table(name), name)
    path = Path(name).expanduser()
    if not os.path.exists(path):  # of a name too long for a file it says no
        if is_locus(name):
            return _fixed(read_loci([name]).lazy(), name)
        raise InputError(
            f"There is no file {name}, and it is not a variant.",
            "Check the path, or write a variant as chr17:43045682:T>A.",
        )
    refuse_pipe(path)
    try:
        return scan_vcf(path) if is_vcf(path) else _fixed(scan_table(str(path)), name)
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror or error}.",
            "Check the path and the permissions.",
        ) from None


def _fixed(table: pl.LazyFrame, name: str) -> pl.LazyFrame:
    """The columns of a table that tell its variants, by the names that they have here."""
    meant = columns_of(table.collect_schema().names(), name)
    missing = [pl.lit(None, pl.String).alias(column) for column in FIXED if column not in meant]
    return table.select(
        *(pl.col(theirs).alias(ours) for ours, theirs in meant.items()), *missing
    ).select(FIXED)


def _with_numbers(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Positions as whole numbers, and in ``given`` what stands there; blanks are null."""
    text = [name for name in FIXED if name != "pos"]
    given = pl.col("pos").cast(pl.String).str.strip_chars()
    # A table whose positions have gaps may hold them as 43045682.0.
    number = given.str.strip_suffix(".0").cast(pl.Int64, strict=False)
    clean = pl.col(text).cast(pl.String).str.strip_chars()
    return frame.with_columns(given=given, pos=number).with_columns(clean).with_columns(
        pl.when(~pl.col(name).is_in(_BLANK)).then(name).alias(name) for name in ("id", "chrom")
    )  # fmt: skip


def _refuse_malformed(records: pl.DataFrame, name: str) -> None:
    """Refuse positions that are not whole numbers, and lines of VCF without all columns.

    Raises:
        InputError: If there are any.
    """
    is_vcf_line = "row" in records.columns
    no_number = pl.col("pos").is_null() & (pl.col("given") != "")
    lacks = pl.any_horizontal(pl.col("chrom", "pos", "ref", "alt").is_null())
    bad = records.filter(lacks if is_vcf_line else no_number)
    if not bad.height:
        return
    if is_vcf_line:
        row = bad["row"][0]
        text = pl.scan_lines(Path(name).expanduser(), glob=False).slice(row - 1, 1).collect().item()
        raise InputError(
            f"{name} has {bad.height} malformed line(s); the first is line {row}: {text[:80]!r}.",
            "A line of VCF has columns separated by tabs: CHROM, POS (a whole number), ID, REF, "
            "ALT.",
        )
    raise InputError(
        f"{name} has {bad.height} position(s) that are no whole number; the first is "
        f"{bad['given'][0]!r} in row {bad['line'][0] + 1}.",
        "Correct them, or leave these rows out.",
    )
