"""Reading GTF: the dialects of Ensembl, GENCODE, NCBI and UCSC, of AUGUSTUS and BRAKER."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from splice_meta.reference.lines import (
    PARTS,
    RECORDS,
    Kind,
    collect,
    hide_semicolons,
    scan,
    show_semicolons,
    tags_contain,
    values_of,
    with_semicolons_shown,
    without_needless,
)

_TYPES = "gene|transcript|mRNA|exon"
# A semicolon, then a quote that may end a value: the opening ones have a blank before and a letter
# or digit behind them.
_MAYBE_QUOTED = r';[^";]*(?:[^"; \t]"|"(?:[^A-Za-z0-9]|$))'
# Between a name and its value; some programs write an equals sign, or no blank.
_AFTER_NAME = r'(?:\s*=?\s*"|\s*=\s*|\s+)'
_ONE_WORD, _WORD = ("gene", "transcript"), r'^\s*([^\s"=;.][^\s"=;]*)\s*;?\s*$'
_KEYS = ["gene_id", "transcript_id"]


def read_gtf(path: Path) -> pl.DataFrame:
    """Read the gene, transcript and exon lines of a GTF file.

    Types are those of GENCODE (``gene_type``, ``transcript_type``) or Ensembl (``gene_biotype``,
    ``transcript_biotype``). ``exception "trans-splicing"`` marks trans-spliced lines, as NCBI's
    files do. Names and types are read from exon lines only where a transcript has no line. Where
    the attributes are one word, it is the id of the gene or transcript (AUGUSTUS, BRAKER); the
    gene of a transcript is then known from its other lines. A transcript with lines of coding
    sequence but no exon lines gets derived exons, see :data:`~splice_meta.reference.lines.RECORDS`.

    Args:
        path: A plain or gzip-compressed file.

    Returns:
        Rows as in :data:`~splice_meta.reference.lines.RECORDS`.

    Raises:
        InputError: If the file cannot be read or a line is malformed.
    """
    is_exon = pl.col("type").str.to_lowercase() == "exon"
    records = _collect(path, _TYPES, ~is_exon)
    exons, transcripts = (
        records.lazy().filter(kind=kind).select(_KEYS) for kind in ("exon", "transcript")
    )
    if exons.join(transcripts, on=_KEYS, how="anti").head(1).collect().height:
        records = _collect(path, _TYPES, pl.lit(True))
    if not _has_bare_coding_sequence(path, records):
        return _with_gene_ids(records)
    parts = _collect(path, PARTS, pl.lit(True), is_part=True)
    columns = [*RECORDS, "is_coding"]
    both = pl.concat([records.with_columns(is_coding=False).select(columns), parts.select(columns)])
    return without_needless(_with_gene_ids(both), _KEYS).select(list(RECORDS))


def _collect(path: Path, types: str, is_described: pl.Expr, is_part: bool = False) -> pl.DataFrame:
    lines = with_semicolons_shown(collect(path, _plan(path, types, is_described, is_part)), _KEYS)
    if lines.select(pl.any_horizontal(_is_nameless(kind) for kind in _ONE_WORD).any()).item():
        # Few files have any; in the others nothing need be looked for.
        words = scan(path, types).select("line", word=pl.col("attributes").str.extract(_WORD, 1))
        lines = lines.join(
            words.drop_nulls().collect(), on="line", how="left", maintain_order="left"
        ).with_columns(
            pl.when(_is_nameless(kind)).then("word").otherwise(f"{kind}_id").alias(f"{kind}_id")
            for kind in _ONE_WORD
        ).drop("word")  # fmt: skip
    return lines


def _is_nameless(kind: str) -> pl.Expr:
    return (pl.col("kind") == kind) & pl.col(f"{kind}_id").is_null()


def _plan(path: Path, types: str, is_described: pl.Expr, is_part: bool) -> pl.LazyFrame:
    # Attributes that only genes and transcripts need are not looked for in the many exon lines.
    described = pl.when(is_described).then("attributes")
    texts: dict[str, tuple[str, ...]] = {
        "gene_name": ("gene_name",),
        "gene_type": ("gene_type", "gene_biotype"),
        "transcript_type": ("transcript_type", "transcript_biotype"),
    }
    lower = pl.col("type").str.to_lowercase()
    # A chain of when: replace_strict would keep the whole text in memory.
    kind = pl.when(lower == "mrna").then(pl.lit("transcript")).otherwise(lower)
    kind = pl.lit("exon") if is_part else kind
    return (
        scan(path, types)
        .with_columns(attributes=hide_semicolons(pl.col("attributes").str.contains(_MAYBE_QUOTED)))
        .select(
            "is_bad",
            "line",
            kind.cast(Kind, strict=False).alias("kind"),
            *(_value(pl.col("attributes"), name) for name in _KEYS),
            *(
                pl.coalesce(show_semicolons(_value(described, name)) for name in names)
                .alias(column)
                for column, names in texts.items()
            ),
            _tag(described, "MANE[_ ]Select").alias("is_mane_select"),
            _tag(described, "Ensembl_canonical").alias("is_canonical"),
            pl.col("attributes").str.contains(r'(?:^|;)\s*exception\s+"?trans[-_ ]splicing')
            .alias("is_trans_spliced"),
            "chrom", "strand", "start", "end",
            pl.lit(is_part).alias("is_derived"),
            *([(lower == "cds").alias("is_coding")] if is_part else []),
        )
    )  # fmt: skip


def _has_bare_coding_sequence(path: Path, records: pl.DataFrame) -> bool:
    """Whether a transcript has lines of coding sequence, but no exon line."""
    coded = values_of(path, "CDS", _value(pl.col("text"), "transcript_id", after=r"[;\t]"))
    exons = records.lazy().filter(kind="exon").select("transcript_id").unique()
    return coded.lazy().join(exons, on="transcript_id", how="anti").head(1).collect().height > 0


def _with_gene_ids(records: pl.DataFrame) -> pl.DataFrame:
    """Lines that name their transcript alone get the gene that its other lines name."""
    is_alone = pl.col("gene_id").is_null() & pl.col("transcript_id").is_not_null()
    if not records.select(is_alone.any()).item():
        return records
    known = (
        records.drop_nulls(_KEYS)
        .group_by("transcript_id")
        .agg(known=pl.col("gene_id").unique())
        .filter(pl.col("known").list.len() == 1)
        .select("transcript_id", pl.col("known").list.first())
    )
    return records.join(known, on="transcript_id", how="left", maintain_order="left").with_columns(
        gene_id=pl.coalesce("gene_id", "known")
    ).drop("known")  # fmt: skip


def _value(attributes: pl.Expr, name: str, after: str = "^|;") -> pl.Expr:
    """The value of an attribute, quoted or not; null where it is absent or empty."""
    # From its first to its last word, which is quicker than to strip it afterwards.
    words = r'\s*([^\s";=][^\s";]*(?:\s+[^\s";]+)*)'
    return attributes.str.extract(rf"(?:{after})\s*{name}{_AFTER_NAME}{words}", 1).alias(name)


def _tag(attributes: pl.Expr, tag: str) -> pl.Expr:
    return tags_contain(attributes, _AFTER_NAME, tag)
