"""Reading GFF3: the dialects of RefSeq, Ensembl and GENCODE, of gffread and MAKER.

Exons are found by their type; everything else by parentage: a transcript is whatever is the Parent
of an exon, a gene its topmost ancestor. Where that is the transcript itself (an mRNA without
Parent), the gene has no line of its own; where it is a gene with exons directly under it, it is
gene and transcript at once. Features of a gene type that have no exons are genes, too. A transcript
without Parent that names its gene (``gene_id``, gffread's ``geneID``) is below that gene. Parents
of coding sequence that have no exons are transcripts whose exons are derived.

Lines of one ID on the same chromosome and strand are one feature with gaps, as the format says.
Specification: https://github.com/The-Sequence-Ontology/Specifications/blob/master/gff3.md
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import polars as pl

from splice_meta.errors import InputError
from splice_meta.reference.lines import (
    BLANKS,
    PARTS,
    RECORDS,
    collect,
    hide_semicolons,
    scan,
    show_semicolons,
    tags_contain,
    without_needless,
)

_EXONS = ("exon", "pseudogenic_exon")
_GENE_TYPE = r"(?i)^(?:\w+_)?(?:gene|pseudogene)$"
_TRANSCRIPT_TYPE = r"(?i)^(?:\w+_)?(?:transcript|[a-z]*RNA)$"
# Frequent types that are neither exons nor their ancestors; others fall out by parentage.
_IGNORED = (
    f"{PARTS}|stop_codon_redefined_as_\\w+|intron"
    "|region|biological_region|chromosome|scaffold|contig|supercontig|match|cDNA_match"
)
_QUOTED_SEMICOLON = r'="[^";]*;[^"]*"'
_MOST_LEVELS = 20
_TEXTS = (
    "ID", "gene_id", "geneID", "gene_name", "Name", "gene", "gene_type", "gene_biotype",
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
    edges = _edges(features)
    exons = _with_derived(path, exons, edges)
    nameless = features.filter(pl.col("ID").is_null())
    features = _joined_lines(features.drop_nulls("ID"))
    parents = pl.concat([exons["parent"].drop_nulls(), _childless(features, edges)])
    roots = _roots(path, parents.unique(maintain_order=True), edges)
    is_root = pl.col("ID").is_in(roots["root"].implode())
    is_parent = pl.col("ID").is_in(roots["transcript"].implode())
    is_gene_type = pl.col("type").str.contains(_GENE_TYPE)
    is_top = ~pl.col("ID").is_in(edges["ID"].implode())
    genes = features.filter(is_gene_type & is_top | is_root & ~is_parent)
    genes = pl.concat([genes, nameless.filter(is_gene_type).select(genes.columns)])
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
    """The exons, one row for each ``parent``, and the other features."""
    # Of the many exon lines only parent and gene are looked for, if transcripts have lines.
    is_described = pl.lit(True) if describe_exons else ~_is_exon()
    lines = collect(path, _plan(scan(path, _IGNORED, but=True), is_described))
    exons = lines.filter(_is_exon()).explode("parents").rename({"parents": "parent"})
    return exons, lines.filter(~_is_exon())


def _is_exon() -> pl.Expr:
    return pl.col("type").str.to_lowercase().is_in(_EXONS)


def _plan(lines: pl.LazyFrame, is_described: pl.Expr, is_part: bool = False) -> pl.LazyFrame:
    has_hidden = pl.col("attributes").str.contains(_QUOTED_SEMICOLON)
    lines = lines.with_columns(attributes=hide_semicolons(has_hidden))
    described = pl.when(is_described).then("attributes")
    named = ("gene_id", "geneID")
    texts = [_value(pl.col("attributes") if name in named else described, name) for name in _TEXTS]
    return lines.select(
        "is_bad", "line", "type", "chrom", "strand", "start", "end", _parents(), *texts,
        _tag(described, "MANE(?:[_ ]|%20)Select").alias("is_mane_select"),
        _tag(described, "Ensembl_canonical").alias("is_canonical"),
        pl.col("attributes").str.contains(r"(?:^|;)\s*exception=trans[-_ ]splicing")
        .alias("is_trans_spliced"),
        pl.lit(is_part).alias("is_derived"),
    ).with_columns(
        gene_id=pl.coalesce(
            "gene_id", pl.when(~pl.col("type").str.contains(_GENE_TYPE)).then("geneID")
        )
    ).drop("geneID")  # fmt: skip


def _parents() -> pl.Expr:
    """The list of Parents, without blanks and quotes; null where there is none."""
    listed = pl.col("attributes").str.extract(r"(?:^|;)\s*Parent\s*=([^;]*)", 1)
    each = pl.element().str.strip_chars(BLANKS + '"')
    parents = listed.str.split(",").list.eval(show_semicolons(each.filter(each != "")))
    return pl.when(parents.list.len() > 0).then(parents).alias("parents")


def _edges(features: pl.DataFrame) -> pl.DataFrame:
    """``parent`` by ``ID``, as the file has it, or a transcript's gene where it has no Parent."""
    above = features["parents"].explode().drop_nulls().unique()
    is_orphan = pl.col("parents").is_null() & ~pl.col("type").str.contains(_GENE_TYPE)
    is_orphan &= ~pl.col("ID").is_in(above.implode())
    gene = pl.when(is_orphan & pl.col("gene_id").is_not_null()).then(pl.concat_list("gene_id"))
    return (
        features.drop_nulls("ID")
        .select("ID", parent=pl.coalesce("parents", gene))
        .explode("parent")
        .filter(pl.col("parent").is_not_null() & (pl.col("parent") != pl.col("ID")))
        .unique(maintain_order=True)
    )


def _with_derived(path: Path, exons: pl.DataFrame, edges: pl.DataFrame) -> pl.DataFrame:
    """Add exons from coding sequence for parents that have no exons, nor ancestors of such."""
    whole = pl.concat([exons["parent"], _ancestors(exons["parent"].unique(), edges)]).unique()

    def lines(types: str, is_part: bool) -> pl.LazyFrame:
        plan = _plan(scan(path, types), pl.lit(True), is_part)
        # Coding sequence without Parent is a transcript of its own, all lines of one ID.
        return plan.with_columns(parents=pl.coalesce("parents", pl.concat_list("ID")))

    coded = lines("CDS", True).select(pl.col("parents").explode()).unique()
    if coded.collect()["parents"].is_in(whole.implode()).all():
        return exons
    parts = collect(path, lines(PARTS, True)).explode("parents").rename({"parents": "parent"})
    parts = parts.filter(~pl.col("parent").is_in(whole.implode()).fill_null(False))
    is_coding = pl.col("type").str.to_lowercase() == "cds"
    both = pl.concat([exons.with_columns(is_coding=False), parts.with_columns(is_coding=is_coding)])
    return without_needless(both.with_columns(kind=pl.lit("exon")), ["parent"]).select(
        exons.columns
    )


def _ancestors(names: pl.Series, edges: pl.DataFrame) -> pl.Series:
    """All features above some; as far up as any file needs."""
    at, found = pl.DataFrame({"ID": names}), []
    for _ in range(_MOST_LEVELS):
        at = at.join(edges, on="ID").select(ID="parent").unique()
        if at.is_empty():
            break
        found.append(at["ID"])
    return pl.concat(found) if found else names.clear()


def _childless(features: pl.DataFrame, edges: pl.DataFrame) -> pl.Series:
    """Transcripts of a gene that have nothing below them: their exons are not known."""
    is_child = pl.col("ID").is_in(edges["ID"].implode())
    is_parent = pl.col("ID").is_in(edges["parent"].implode())
    is_transcript = pl.col("type").str.contains(_TRANSCRIPT_TYPE)
    return features.filter(is_transcript & is_child & ~is_parent)["ID"]


def _value(attributes: pl.Expr, name: str) -> pl.Expr:
    """The value of an attribute; null where it is absent or empty."""
    value = attributes.str.extract(rf"(?:^|;)\s*{name}\s*=([^;]*)", 1).str.strip_chars(BLANKS + '"')
    return pl.when(value != "").then(show_semicolons(value)).alias(name)


def _tag(attributes: pl.Expr, tag: str) -> pl.Expr:
    return tags_contain(attributes, r"\s*=", tag)


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
