"""Reading GFF3: the dialects of RefSeq, Ensembl and GENCODE.

Exons are found by their type; everything else by parentage: a transcript is whatever is the Parent
of an exon, a gene its topmost ancestor. Where that is the transcript itself (an mRNA without
Parent), the gene has no line of its own; where it is a gene with exons directly under it, it is
gene and transcript at once. Features of a gene type that have no exons are genes, too.

Lines of one ID on the same chromosome and strand are one feature with gaps, as the format says.
Specification: https://github.com/The-Sequence-Ontology/Specifications/blob/master/gff3.md
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import polars as pl

from splice_meta.errors import InputError
from splice_meta.reference.lines import RECORDS, collect, scan, tags_contain

_EXONS = ("exon", "pseudogenic_exon")
_GENE_TYPE = r"^(?:\w+_)?(?:gene|pseudogene)$"
# Frequent types that are neither exons nor their ancestors; others fall out by parentage.
_IGNORED = (
    "CDS|(?:five|three)_prime_UTR|UTR|start_codon|stop_codon|stop_codon_redefined_as_\\w+|intron"
    "|region|biological_region|chromosome|scaffold|contig|supercontig|match|cDNA_match"
)
_MOST_LEVELS = 20
_TEXTS = (
    "ID", "gene_id", "gene_name", "Name", "gene", "gene_type", "gene_biotype",
    "transcript_type", "transcript_biotype", "biotype",
)  # fmt: skip


def read_gff3(path: Path) -> pl.DataFrame:
    """Read genes, transcripts and exons of a GFF3 file.

    ``gene_id`` is that attribute, else the ID without ``gene-`` or ``gene:``; ``transcript_id`` is
    the ID without ``rna-`` or ``transcript:`` (the attribute of that name need not be unique in
    RefSeq's files). A transcript's type is its attribute, else the type of its feature.

    Args:
        path: A plain or gzip-compressed file.

    Returns:
        Rows as in :data:`~splice_meta.reference.lines.RECORDS`.

    Raises:
        InputError: If the file cannot be read, a line is malformed, or Parents form a circle.
    """
    exons, features = _read(path, describe_exons=False)
    if not exons["parent"].drop_nulls().is_in(features["ID"].implode()).all():
        exons, features = _read(path, describe_exons=True)
    edges = (
        features.select("ID", parent="parents")
        .explode("parent")
        .filter(pl.col("parent").is_not_null() & (pl.col("parent") != pl.col("ID")))
        .unique(maintain_order=True)
    )
    features = _joined_lines(features)
    roots = _roots(path, exons["parent"].drop_nulls().unique(maintain_order=True), edges)
    is_root = pl.col("ID").is_in(roots["root"].implode())
    is_parent = pl.col("ID").is_in(roots["transcript"].implode())
    is_gene_type = pl.col("type").str.contains(_GENE_TYPE)
    is_top = ~pl.col("ID").is_in(edges["ID"].implode())
    genes = features.filter(is_gene_type & is_top | is_root & ~is_parent)
    named = _named(roots, features, exons)
    records = pl.concat(
        [
            _records(genes.with_columns(transcript_id=None, root="ID"), "gene", named),
            _records(_under(features.filter(is_parent), roots, "ID"), "transcript", named),
            _records(_under(exons, roots, "parent"), "exon", named),
        ]
    )
    return _decoded(records.sort("line", maintain_order=True))


def _read(path: Path, describe_exons: bool) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The exons, one row for each ``parent``, and the other features that have an ID."""
    lines = collect(path, _plan(path, describe_exons))
    is_exon = pl.col("type").is_in(_EXONS)
    exons = lines.filter(is_exon).explode("parents").rename({"parents": "parent"})
    return exons, lines.filter(~is_exon & pl.col("ID").is_not_null())


def _plan(path: Path, describe_exons: bool) -> pl.LazyFrame:
    # Of the many exon lines only parent and gene are looked for, if transcripts have lines.
    is_described = pl.lit(True) if describe_exons else ~pl.col("type").is_in(_EXONS)
    described = pl.when(is_described).then("attributes")
    parents = _value(pl.col("attributes"), "Parent").str.split(",")
    return scan(path, _IGNORED, but=True).select(
        "is_bad", "line", "type", "chrom", "strand", "start", "end",
        parents.alias("parents"),
        *(
            _value(pl.col("attributes") if name == "gene_id" else described, name)
            for name in _TEXTS
        ),
        _tag(described, "MANE(?:[_ ]|%20)Select").alias("is_mane_select"),
        _tag(described, "Ensembl_canonical").alias("is_canonical"),
        pl.col("attributes").str.contains(r"(?:^|;)\s*exception=trans[-_ ]splicing")
        .alias("is_trans_spliced"),
    )  # fmt: skip


def _value(attributes: pl.Expr, name: str) -> pl.Expr:
    """The value of an attribute; null where it is absent or empty."""
    value = attributes.str.extract(rf"(?:^|;)\s*{name}=([^;]*)", 1).str.strip_chars()
    return pl.when(value != "").then(value).alias(name)


def _tag(attributes: pl.Expr, tag: str) -> pl.Expr:
    return tags_contain(attributes, "=", tag)


def _joined_lines(features: pl.DataFrame) -> pl.DataFrame:
    """Features with several lines of one ID on the same chromosome and strand, as one."""
    return features.group_by("ID", "chrom", "strand", maintain_order=True).agg(
        pl.col("start").min(),
        pl.col("end").max(),
        pl.col("is_mane_select", "is_canonical", "is_trans_spliced").any(),
        pl.exclude(
            "start", "end", "is_mane_select", "is_canonical", "is_trans_spliced", "parents"
        ).first(),
    )


def _roots(path: Path, transcripts: pl.Series, edges: pl.DataFrame) -> pl.DataFrame:
    """The topmost ancestors (``root``) of each ``transcript``; itself where it has no Parent."""
    at = pl.DataFrame({"transcript": transcripts, "root": transcripts})
    for _ in range(_MOST_LEVELS):
        up = at.join(edges, left_on="root", right_on="ID", how="left", maintain_order="left")
        if up["parent"].is_null().all():
            return at
        at = up.select("transcript", root=pl.coalesce("parent", "root")).unique(maintain_order=True)
    raise InputError(
        f"The Parent attributes of {path} form a circle or more than {_MOST_LEVELS} levels.",
        "Each feature's Parent must be nearer to the gene.",
    )


def _named(roots: pl.DataFrame, features: pl.DataFrame, exons: pl.DataFrame) -> pl.DataFrame:
    """The ``gene_id`` of each root: its own attribute, or one below it where it has no line."""
    own = features.select("ID", own="gene_id").unique("ID", keep="first", maintain_order=True)
    below = exons.select(ID="parent", below="gene_id").unique("ID", keep="first")
    is_absent = ~pl.col("root").is_in(features["ID"].implode())
    return (
        roots.join(own.rename({"ID": "root"}), on="root", how="left", maintain_order="left")
        .rename({"transcript": "ID"})
        .join(own, on="ID", how="left", suffix="_transcript", maintain_order="left")
        .join(below, on="ID", how="left", maintain_order="left")
        .with_columns(below=pl.when(is_absent).then(pl.coalesce("own_transcript", "below")))
        .group_by("root")
        .agg(pl.coalesce("own", "below").drop_nulls().first().alias("gene_id"))
    )


def _under(rows: pl.DataFrame, roots: pl.DataFrame, on: str) -> pl.DataFrame:
    """The rows of transcripts or exons, once for each gene they are under, null without Parent."""
    return rows.join(
        roots, left_on=on, right_on="transcript", how="left", maintain_order="left"
    ).with_columns(transcript_id=pl.col(on).str.replace(r"^(?:rna|transcript|gene)[-:]", ""))


def _records(rows: pl.DataFrame, kind: str, named: pl.DataFrame) -> pl.DataFrame:
    """Rows with ``root`` and ``transcript_id`` in the columns that both formats share."""
    stripped = pl.col("root").str.replace(r"^(?:gene|rna|transcript)[-:]", "")
    own = pl.col("gene_id") if kind == "gene" else pl.lit(None, pl.String)
    # Name and biotype of a transcript are not those of its gene.
    gene_name = ("gene_name", "Name", "gene") if kind == "gene" else ("gene_name", "gene")
    gene_type = ("gene_type", "gene_biotype", *(["biotype"] if kind == "gene" else []))
    transcript_type = {
        "gene": (),
        "transcript": ("transcript_type", "transcript_biotype", "biotype", "type"),
        "exon": ("transcript_type", "transcript_biotype"),
    }[kind]
    return (
        rows.join(named.rename({"gene_id": "named"}), on="root", how="left", maintain_order="left")
        .with_columns(
            pl.lit(kind).cast(RECORDS["kind"]).alias("kind"),
            gene_id=pl.coalesce(own, "named", stripped),
            gene_name=pl.coalesce(gene_name),
            gene_type=pl.coalesce(gene_type),
            transcript_type=pl.coalesce(*transcript_type, pl.lit(None, pl.String)),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in RECORDS.items())
    )


def _decoded(records: pl.DataFrame) -> pl.DataFrame:
    """Percent-encoded signs decoded; only distinct values that have any are looked at."""
    for name in ("gene_id", "transcript_id", "gene_name", "gene_type", "transcript_type", "chrom"):
        values = records[name].unique().drop_nulls()
        encoded = values.filter(values.str.contains("%", literal=True)).to_list()
        if encoded:
            plain = [unquote(value) for value in encoded]
            records = records.with_columns(pl.col(name).replace(encoded, plain))
    return records
