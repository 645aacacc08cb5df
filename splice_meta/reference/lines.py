"""The lines of GTF and GFF3 files: what both formats share, and which of the two a file is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import polars as pl

from splice_meta.errors import EngineError, InputError
from splice_meta.packed import unpacked
from splice_meta.panics import plain_panics

Kind = pl.Enum(["gene", "transcript", "exon"])

RECORDS: dict[str, pl.DataType] = {
    "line": pl.UInt32(), "kind": Kind, "gene_id": pl.String(), "transcript_id": pl.String(),
    "gene_name": pl.String(), "gene_type": pl.String(), "transcript_type": pl.String(),
    "is_mane_select": pl.Boolean(), "is_canonical": pl.Boolean(),
    "is_trans_spliced": pl.Boolean(), "chrom": pl.String(), "strand": pl.String(),
    "start": pl.Int64(), "end": pl.Int64(),
}  # fmt: skip
"""What both parsers make: one row per gene, transcript and exon line, in the file's order."""

_WELL_FORMED = r"^[^\t]+\t[^\t]*\t[^\t]+\t\d{1,12}\t\d{1,12}\t[^\t]*\t[^\t]*\t[^\t]*\t"
# Comments and directives, headers and sequence of a FASTA section, empty lines.
_NO_DATA = r"^(?:#|>|\s*$|[A-Za-z*-]+\s*$)"
_COLUMNS = ("chrom", "source", "type", "start", "end", "score", "strand", "phase", "attributes")
_SHOWN = 120


def recognise(path: Path) -> Literal["gtf", "gff3"]:
    """Tell GTF from GFF3 by the first line of data (or the GFF3 directive), not by the name.

    Args:
        path: A plain, gzip, bgzip or zstd file.

    Raises:
        InputError: If it cannot be read or is neither.
    """
    neither = InputError(
        f"{path} is neither GTF nor GFF3.",
        'Give a tab-separated annotation with attributes such as gene_id "G1"; or ID=gene-G1;.',
    )
    try:
        with unpacked(path) as text:
            for raw in text:
                line = raw.removeprefix(b"\xef\xbb\xbf")
                if line.startswith(b"##gff-version") and line.split()[1:2] == [b"3"]:
                    return "gff3"
                if not line.startswith(b"#") and line.strip():
                    break
            else:
                raise no_genes(path)
    except OSError as error:
        raise unreadable(path, error) from None
    columns = line.decode("utf-8", "replace").rstrip("\r\n").split("\t", 8)
    if len(columns) != len(_COLUMNS):
        raise neither
    if re.match(r'\s*[^\s=;"]+\s+("|[^\s=;]+\s*(;|$))', columns[-1]):
        return "gtf"
    if re.match(r"\s*[^\s=;]+=", columns[-1]):
        return "gff3"
    raise neither


def scan(path: Path, wanted: str, but: bool = False) -> pl.LazyFrame:
    """The nine columns of the lines whose type is wanted.

    Args:
        path: A plain, gzip, bgzip or zstd file.
        wanted: The wanted types, as a regular expression.
        but: Whether all types *but* these are wanted.

    Returns:
        ``line`` (from 1), ``is_bad``, then the columns of the file with ``start`` and ``end`` as
        Int64. Bad are lines of any type that lack columns or whose start or end is no number,
        and wanted ones with start below 1 or above end.
    """
    text = pl.col("text")
    is_wanted = text.str.contains(rf"^[^\t]*\t[^\t]*\t(?:{wanted})\t")
    is_data = ~text.str.contains(_NO_DATA)
    well_formed = text.str.contains(_WELL_FORMED)
    start, end = pl.col("start"), pl.col("end")
    return (
        pl.scan_lines(path, name="text", row_index_name="line", row_index_offset=1, glob=False)
        .with_columns(text.str.strip_prefix("\ufeff"))
        .filter(is_data & ((~is_wanted if but else is_wanted) | ~well_formed))
        .with_columns(columns=text.str.splitn("\t", 9).struct.rename_fields(_COLUMNS))
        .unnest("columns")
        .with_columns(pl.col("start", "end").cast(pl.Int64, strict=False))
        .with_columns(is_bad=~well_formed | (start < 1) | (start > end))
        .drop("text", "source", "score", "phase")
    )


def collect(path: Path, plan: pl.LazyFrame) -> pl.DataFrame:
    """Run a plan over :func:`scan`, and refuse a file with malformed lines.

    Args:
        path: The file, for messages.
        plan: Lines with ``line`` and ``is_bad``.

    Returns:
        The lines in the file's order, without ``is_bad``.

    Raises:
        InputError: If a line is malformed, or the file cannot be read to its end.
    """
    try:
        with plain_panics():
            lines = plan.collect()
    except (pl.exceptions.PolarsError, EngineError, OSError) as error:
        raise unreadable(path, error) from None
    bad = lines.filter("is_bad")["line"]
    if len(bad):
        # Looked up only now: a column of lines would keep the whole text in memory.
        text = pl.scan_lines(path, glob=False).slice(bad[0] - 1, 1).collect().item()
        raise InputError(
            f"{path} has {len(bad)} malformed line(s); the first is line {bad[0]}: "
            f"{text[:_SHOWN]!r}.",
            "A line has nine columns separated by tabs; start and end are numbers from 1 on, "
            "start not above end.",
        )
    return lines.drop("is_bad")


def unreadable(path: Path, error: Exception) -> InputError:
    """The error for a file that cannot be opened, unpacked or decoded."""
    reason = str(getattr(error, "strerror", None) or error).strip().splitlines() or ["no reason"]
    return InputError(
        f"The annotation {path} cannot be read: {reason[0][:200]}.",
        "Check the path, and that the file is whole and UTF-8 text, plain, gzip or zstd.",
    )


def no_genes(path: Path) -> InputError:
    """The error for a file in which there is no gene."""
    return InputError(
        f"The annotation {path} holds no gene.", "Give a GTF or GFF3 file with genes and exons."
    )


def tags_contain(attributes: pl.Expr, separator: str, tag: str) -> pl.Expr:
    """Whether the attribute ``tag`` names a tag, alone or in a list with commas.

    Args:
        attributes: The ninth column.
        separator: Between name and value, as a regular expression.
        tag: The tag, as a regular expression.
    """
    listed = rf'(?:[^";]*,)?\s*{tag}"?\s*(?:[,;]|$)'
    return attributes.str.contains(rf'(?:^|;)\s*tag{separator}"?{listed}')
