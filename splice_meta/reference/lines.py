"""The lines of GTF and GFF3 files: what both formats share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl

from splice_meta.errors import EngineError, InputError
from splice_meta.files.packed import unpacked
from splice_meta.runtime.panics import plain_panics

Kind = pl.Enum(["gene", "transcript", "exon"])

RECORDS: dict[str, pl.DataType] = {
    "line": pl.UInt32(), "kind": Kind, "gene_id": pl.String(), "transcript_id": pl.String(),
    "gene_name": pl.String(), "gene_type": pl.String(), "transcript_type": pl.String(),
    "is_mane_select": pl.Boolean(), "is_canonical": pl.Boolean(),
    "is_trans_spliced": pl.Boolean(), "chrom": pl.String(), "strand": pl.String(),
    "start": pl.Int64(), "end": pl.Int64(), "is_derived": pl.Boolean(),
}  # fmt: skip
"""What both parsers make: one row per gene, transcript and exon line, in the file's order.

Exons that are ``is_derived`` come from the lines of coding sequence, untranslated regions, start
and stop codons of a transcript that has no exon lines; they touch, overlap and repeat each other.
"""
PARTS = r"CDS|(?:five|three)_prime_UTR|[53]'?_?UTR|UTR[53]?|start_codon|stop_codon"
"""The types of lines that exons are derived from where a transcript has none."""

_WELL_FORMED = r"^[^\t]+\t[^\t]*\t[^\t]+\t\d{1,12}\t\d{1,12}\t[^\t]*\t[^\t]*\t[^\t]*\t"
# Comments and directives, headers and sequence of a FASTA section, empty lines; what genome
# browsers are told.
NO_DATA = r"^(?:#|>|\s*$|[A-Za-z*-]+\s*$|(?:track|browser) [^\t]*$)"
"""A line that holds no record, as a regular expression."""

# To its semicolon or the end: a search must never begin within quotes.
_ATTRIBUTE = r'((?:[^";]|"[^"]*")*)(?:;|$)'
_SEPARATOR, _WITHIN = "\x1f", "\x1e"
BLANKS = " \t\r\n"
_COLUMNS = ("chrom", "source", "type", "start", "end", "score", "strand", "phase", "attributes")
_SHOWN = 120


def scan(path: Path, wanted: str, but: bool = False) -> pl.LazyFrame:
    """The nine columns of the lines whose type is wanted.

    Args:
        path: A plain, gzip, bgzip or zstd file.
        wanted: The wanted types, as a regular expression; the case of letters does not matter.
        but: Whether all types *but* these are wanted.

    Returns:
        ``line`` (from 1), ``is_bad``, then the columns of the file with ``start`` and ``end`` as
        Int64. Bad are lines of any type that lack columns or whose start or end is not a number,
        and wanted ones with start below 1 or above end.
    """
    text = pl.col("text")
    is_wanted = text.str.contains(rf"^[^\t]*\t[^\t]*\t(?i:{wanted})\t")
    is_data = ~text.str.contains(NO_DATA)
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


def values_of(path: Path, wanted: str, value: pl.Expr) -> pl.DataFrame:
    """The distinct values of an attribute in the lines of a type.

    Args:
        path: A plain, gzip, bgzip or zstd file that was read before.
        wanted: The type, as a regular expression.
        value: The attribute, from the column ``text``, the whole line: that is quicker.
    """
    is_wanted = pl.col("text").str.contains(rf"^[^\t]*\t[^\t]*\t(?i:{wanted})\t")
    lines = pl.scan_lines(path, name="text", glob=False).filter(is_wanted)
    return lines.select(value).unique().collect()


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
            "A line has nine columns separated by tabs; start and end are numbers of 1 or more, "
            "start not above end.",
        )
    return lines.drop("is_bad")


def without_needless(records: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """Leave out derived exons that are not needed or not enough, and sort by line.

    Args:
        records: Lines as in :data:`RECORDS`, with ``is_coding``.
        keys: What names a transcript.

    Returns:
        The lines without derived exons of transcripts that have exon lines, or that have no coding
        sequence (of which untranslated regions or codons alone are not the exons).
    """
    with_exons = records.filter((pl.col("kind") == "exon") & ~pl.col("is_derived")).select(keys)
    coded = records.filter("is_coding").select(keys)
    derived = (
        records.filter("is_derived")
        .join(with_exons, on=keys, how="anti", nulls_equal=True)
        .join(coded, on=keys, how="semi", nulls_equal=True)
    )
    return pl.concat([records.filter(~pl.col("is_derived")), derived]).sort(
        "line", maintain_order=True
    )


def unreadable(path: Path, error: Exception) -> InputError:
    """The error for a file that cannot be opened, unpacked or decoded."""
    if isinstance(error, pl.exceptions.PolarsError) and (wrong := not_utf8(path)):
        return wrong
    reason = str(getattr(error, "strerror", None) or error).strip().splitlines() or ["no reason"]
    return InputError(
        f"The annotation {path} cannot be read: {reason[0][:200]}.",
        "Check the path, and that the file is complete: UTF-8 text, plain, gzip or zstd.",
    )


def not_utf8(path: Path) -> InputError | None:
    """The error for a file that is not UTF-8, which names the first wrong line; None if it is."""
    try:
        with unpacked(path) as text:
            for number, line in enumerate(text, start=1):
                try:
                    line.decode()
                except UnicodeDecodeError as error:
                    before = line[max(error.start - 20, 0) : error.start].decode(errors="replace")
                    return InputError(
                        f"The annotation {path} cannot be read: line {number} is not UTF-8 (the "
                        f"byte 0x{line[error.start]:02X} after {before!r}).",
                        "Write it as UTF-8, for example by 'iconv -f LATIN1 -t UTF-8'.",
                    )
    except (OSError, InputError):
        return None
    return None


def no_genes(path: Path, reasons: str = "", types: Iterable[str] = ()) -> InputError:
    """The error for a file in which there is no gene that can be used.

    Args:
        path: The file.
        reasons: Why what it has was left out.
        types: The types of its lines, where none of them is of genes.
    """
    hint = "Give a GTF or GFF3 file with genes and exons."
    listed = ", ".join(types)
    if reasons:
        message = f"The annotation {path} holds no gene that can be used; left out: {reasons}."
    elif listed:
        message = f"The annotation {path} holds no gene, but lines of the type {listed}."
    else:
        message = f"The annotation {path} holds no gene."
    return InputError(message, hint)


def types_of(path: Path) -> list[str]:
    """The most frequent types of a file's lines, for messages."""
    text = pl.col("text")
    types = text.str.extract(r"^[^\t]*\t[^\t]*\t([^\t]+)\t", 1).alias("type")
    lines = pl.scan_lines(path, name="text", glob=False).filter(~text.str.contains(NO_DATA))
    counted = lines.select(types).drop_nulls().group_by("type").len()
    return counted.sort("len", "type", descending=[True, False]).head(3).collect()["type"].to_list()


def hide_semicolons(where: pl.Expr) -> pl.Expr:
    """The attributes with another sign for semicolons within quotes.

    Args:
        where: Which lines have such semicolons; few do.
    """
    attributes = pl.col("attributes")
    hidden = (
        pl.when(where)
        .then(attributes)
        .str.replace_all(_ATTRIBUTE, f"${{1}}{_SEPARATOR}")
        .str.replace_all(";", _WITHIN, literal=True)
        .str.replace_all(_SEPARATOR, ";", literal=True)
    )
    return pl.coalesce(hidden, attributes)


def show_semicolons(value: pl.Expr) -> pl.Expr:
    """A value with the semicolons that were hidden."""
    return value.str.replace_all(_WITHIN, ";", literal=True)


def with_semicolons_shown(lines: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """The same for columns of many lines, few of which have any: looking is quicker."""
    has_any = [lines[name].str.contains(_WITHIN, literal=True).any() for name in names]
    if not any(has_any):
        return lines
    return lines.with_columns(show_semicolons(pl.col(name)) for name in names)


def tags_contain(attributes: pl.Expr, separator: str, tag: str) -> pl.Expr:
    """Whether the attribute ``tag`` names a tag, alone or in a list with commas.

    Args:
        attributes: The ninth column.
        separator: Between name and value, as a regular expression.
        tag: The tag, as a regular expression.
    """
    listed = rf'(?:[^";]*,)?\s*{tag}"?\s*(?:[,;]|$)'
    return attributes.str.contains(rf'(?:^|;)\s*tag{separator}"?{listed}')
