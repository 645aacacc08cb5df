"""Reading GTF: the dialects of Ensembl, GENCODE, NCBI and UCSC."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from splice_meta.reference.lines import Kind, collect, scan, tags_contain

_TYPES = "gene|transcript|mRNA|exon"
# Quotes are balanced and no quoted value holds a semicolon, so that each separates attributes.
_PLAIN = r'^(?:[^"]*"[^";]*")*[^"]*$'
# To its semicolon or the end: a search must never begin within quotes.
_ATTRIBUTE = r'((?:[^";]|"[^"]*")*)(?:;|$)'
_SEPARATOR, _WITHIN = "\x1f", "\x1e"


def read_gtf(path: Path) -> pl.DataFrame:
    """Read the gene, transcript and exon lines of a GTF file.

    Types are those of GENCODE (``gene_type``, ``transcript_type``) or Ensembl (``gene_biotype``,
    ``transcript_biotype``). ``exception "trans-splicing"`` marks trans-spliced lines, as NCBI's
    files do. Names and types are read from exon lines only where a transcript has no line.

    Args:
        path: A plain or gzip-compressed file.

    Returns:
        Rows as in :data:`~splice_meta.reference.lines.RECORDS`.

    Raises:
        InputError: If the file cannot be read or a line is malformed.
    """
    records = collect(path, _plan(path, describe_exons=False))
    keys = ["gene_id", "transcript_id"]
    exons, transcripts = (
        records.lazy().filter(kind=kind).select(keys) for kind in ("exon", "transcript")
    )
    if exons.join(transcripts, on=keys, how="anti").head(1).collect().height:
        records = collect(path, _plan(path, describe_exons=True))
    return records


def _plan(path: Path, describe_exons: bool) -> pl.LazyFrame:
    # Attributes that only genes and transcripts need are not looked for in the many exon lines.
    is_described = pl.lit(True) if describe_exons else pl.col("type") != "exon"
    described = pl.when(is_described).then("attributes")
    texts: dict[str, tuple[str, ...]] = {
        "gene_name": ("gene_name",),
        "gene_type": ("gene_type", "gene_biotype"),
        "transcript_type": ("transcript_type", "transcript_biotype"),
    }
    return (
        scan(path, _TYPES)
        .with_columns(attributes=_hide_quoted_semicolons())
        .select(
            "is_bad",
            "line",
            # A chain of when: replace_strict would keep the whole text in memory.
            pl.when(type="mRNA").then(pl.lit("transcript")).otherwise("type")
            .cast(Kind, strict=False).alias("kind"),
            *(_value(pl.col("attributes"), name) for name in ("gene_id", "transcript_id")),
            *(
                pl.coalesce(_value(described, name) for name in names).alias(column)
                for column, names in texts.items()
            ),
            _tag(described, "MANE[_ ]Select").alias("is_mane_select"),
            _tag(described, "Ensembl_canonical").alias("is_canonical"),
            pl.col("attributes").str.contains(r'(?:^|;)\s*exception\s+"?trans[-_ ]splicing')
            .alias("is_trans_spliced"),
            "chrom", "strand", "start", "end",
        )
    )  # fmt: skip


def _hide_quoted_semicolons() -> pl.Expr:
    """The attributes with another sign for semicolons within quotes; few lines have any."""
    attributes = pl.col("attributes")
    hidden = (
        pl.when(~attributes.str.contains(_PLAIN))
        .then(attributes)
        .str.replace_all(_ATTRIBUTE, f"${{1}}{_SEPARATOR}")
        .str.replace_all(";", _WITHIN, literal=True)
        .str.replace_all(_SEPARATOR, ";", literal=True)
    )
    return pl.coalesce(hidden, attributes)


def _value(attributes: pl.Expr, name: str) -> pl.Expr:
    """The value of an attribute, quoted or not; null where it is absent or empty."""
    value = (
        attributes.str.extract(rf'(?:^|;)\s*{name}\s+"?([^";]*)', 1)
        .str.replace_all(_WITHIN, ";", literal=True)
        .str.strip_chars()
    )
    return pl.when(value != "").then(value).alias(name)


def _tag(attributes: pl.Expr, tag: str) -> pl.Expr:
    return tags_contain(attributes, r"\s+", tag)
