"""Variants in tables: the columns that tell them, by whatever name they have."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from splice_meta.errors import InputError
from splice_meta.sources.kinds import KNOWN_SUFFIXES, suffix_of
from splice_meta.sources.tables import open_tables

_NAMES = {
    "chrom": ("chrom", "chr", "chromosome", "contig"),
    "pos": ("pos", "position", "genomic_position"),
    "id": ("id",),
    "ref": ("ref", "reference", "ref_allele", "reference_allele"),
    "alt": ("alt", "alternate", "alternative", "alt_allele", "alternate_allele"),
}
_NEEDED = ("chrom", "pos", "ref", "alt")


def columns_of(names: Sequence[str], table: str) -> dict[str, str]:
    """Which columns of a table tell its variants.

    Args:
        names: Its columns; letters may be of any case, and ``#`` may stand in front.
        table: What it is called, for messages.

    Returns:
        The table's name of ``chrom``, ``pos``, ``ref``, ``alt`` and, where it has one, ``id``.

    Raises:
        InputError: If a column is missing, or two may be meant.
    """
    found = {}
    for column, known in _NAMES.items():
        meant = [name for name in names if name.strip().lstrip("#").lower() in known]
        # Of several names for one thing the first of the list is meant: "pos" before "position".
        exact = [name for name in meant if name.strip().lstrip("#").lower() == column]
        meant = exact or meant
        if len(meant) > 1:
            raise InputError(
                f"{table} has the columns {meant[0]} and {meant[1]}, which may both be {column}.",
                f"Call the one that is meant {column}, and the other something else.",
            )
        if meant:
            found[column] = meant[0]
    lacking = [name for name in _NEEDED if name not in found]
    if lacking:
        raise InputError(
            f"{table} has no column {' or '.join(lacking)}; it has {', '.join(names[:12])}.",
            "Variants need the columns chrom, pos, ref and alt.",
        )
    return found


def scan_table(file: str) -> pl.LazyFrame:
    """The rows and columns of a table file with variants; what tells them is read as text.

    Args:
        file: Parquet, Arrow IPC, CSV or TSV, also compressed.

    Raises:
        InputError: If it cannot be read, or has no variants.
    """
    if "://" not in file and suffix_of(file) not in KNOWN_SUFFIXES:
        raise InputError(
            f"{file} is of an unknown kind.",
            "Give VCF, or a table that ends in .parquet, .arrow, .csv or .tsv.",
        )
    [table] = open_tables([file], has_sign=True)
    if table.text is not None:
        meant = columns_of(table.text.header.names, file)
        table.types = dict.fromkeys(meant.values(), pl.String)
    return table.scan()
