"""From the lines of an annotation to genes, transcripts and exons, and what is left out of them.

The rules, in this order; what a rule takes away or changes is recorded with its reason:

1. An exon or transcript line without the ids of its gene and transcript is left out.
2. A gene is left out as a whole if its own lines are marked as trans-spliced, or lie on both
   strands of a chromosome, or have a strand that is neither + nor -.
3. A gene id with several gene lines elsewhere keeps the first place in the file; the lines of the
   others go (GENCODE's pseudoautosomal genes on chrX and chrY). The same for transcript ids.
4. A transcript is left out if it is marked as trans-spliced, if its lines lie on several
   chromosomes or strands, or have a strand that is neither + nor -, or if two successive exons are
   more than 10 Mb apart.
5. A transcript is left out if it is not on the chromosome and strand of its gene; where the gene
   has no line, of the gene's first transcript.
6. A gene is left out if its transcripts, or its line and its transcripts, have a gap of more than
   1 Mb between them: one id was given to several genes.
7. Transcripts and genes without lines of their own get the span of their exons, of their
   transcripts; lines that end before these are widened to them. A gene without line and
   transcripts is left out.
8. Exons of a transcript that overlap or touch are joined: there is no intron between them. Where
   two share more than two bases and neither lies within the other, the transcript contradicts
   itself (truth that is written as pairs of any donor and any acceptor does): the end of the first
   and the start of the second count as its splice sites all the same.
9. Genes and transcripts without exons keep their places, but are listed as left out, since their
   splice sites are not known.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from splice_meta.reference import reasons
from splice_meta.reference.apart import far_genes, far_transcripts
from splice_meta.reference.reasons import LEFT_OUT
from splice_meta.reference.tables import SCHEMAS, exons_of, genes_of, transcripts_of

_KEYS = ["gene_id", "transcript_id"]
_PLACE = ["chrom", "strand"]


@dataclass
class _Remaining:
    """The lines that are left, and what was taken away so far."""

    lines: pl.DataFrame
    taken: list[pl.DataFrame] = field(default_factory=list)
    mended: list[pl.DataFrame] = field(default_factory=list)

    def take(self, bad: pl.DataFrame, keys: list[str]) -> None:
        """Take away all lines of some genes or transcripts.

        Args:
            bad: The keys, with ``line`` and ``reason``.
            keys: ``gene_id`` or also ``transcript_id``.
        """
        self.record(bad.with_columns(transcript_id=None) if keys == ["gene_id"] else bad)
        if bad.height:
            self.lines = self.lines.join(bad, on=keys, how="anti", maintain_order="left")

    def record(self, rows: pl.DataFrame) -> None:
        self.taken.append(_noted(rows))

    def record_change(self, rows: pl.DataFrame) -> None:
        self.mended.append(_noted(rows))

    def of(self, *kinds: str) -> pl.DataFrame:
        return self.lines.filter(pl.col("kind").is_in(kinds))


def _noted(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with ``line``, ids and ``reason`` in the columns of what is recorded."""
    blank = {name: pl.lit(None, pl.String) for name in LEFT_OUT if name not in rows.columns}
    return rows.with_columns(**blank).select("line", pl.col(list(LEFT_OUT)).cast(pl.String))


def assemble(records: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Make the tables of an annotation from its lines.

    Args:
        records: Lines as in :data:`~splice_meta.reference.lines.RECORDS`, in the file's order.

    Returns:
        The tables ``genes``, ``transcripts``, ``exons``, ``crossings``, ``left_out`` and
        ``changed``, as :class:`~splice_meta.reference.annotation.Annotation` describes them.
    """
    remaining = _Remaining(records)
    _take_incomplete(remaining)
    _take_genes(remaining)
    _keep_first_place(remaining, "gene", ["gene_id"])
    _keep_first_place(remaining, "transcript", _KEYS)
    spans = _take_transcripts(remaining)
    far = far_genes(remaining.of("gene"), spans)
    remaining.take(far.with_columns(reason=pl.lit(reasons.FAR_TRANSCRIPTS)), ["gene_id"])
    spans = spans.join(far, on="gene_id", how="anti", maintain_order="left")
    transcripts = transcripts_of(remaining.lines, spans)
    genes = genes_of(remaining.lines, transcripts)
    exons = exons_of(remaining.lines, transcripts)
    for rows, reason in (
        (genes.filter("widened"), reasons.WIDENED),
        (transcripts.filter("widened"), reasons.WIDENED),
        (spans.filter("derived"), reasons.DERIVED),
        (exons.overlapping, reasons.OVERLAP),
        (exons.crossing, reasons.CROSSING),
    ):
        remaining.record_change(rows.with_columns(reason=pl.lit(reason)))
    _record_without_exons(remaining, genes, spans)
    _record_lost(remaining, genes)
    tables = {
        "genes": genes,
        "transcripts": transcripts,
        "exons": exons.joined,
        "crossings": exons.crossings,
        "left_out": pl.concat(remaining.taken).sort("line", maintain_order=True),
        "changed": pl.concat(remaining.mended).sort("line", maintain_order=True),
    }
    return {
        name: tables[name].select(pl.col(column).cast(dtype) for column, dtype in schema.items())
        for name, schema in SCHEMAS.items()
    }


def _take_incomplete(remaining: _Remaining) -> None:
    needs_transcript = pl.col("kind") != "gene"
    has_ids = pl.col("gene_id").is_not_null() & (
        ~needs_transcript | pl.col("transcript_id").is_not_null()
    )
    bad = remaining.lines.filter(~has_ids)
    kind = pl.col("kind").cast(pl.String)
    remaining.record(
        bad.group_by("kind", *_KEYS, maintain_order=True)
        .agg(pl.col("line").first(), n=pl.len())
        .with_columns(reason=pl.lit(reasons.NO_IDS), detail=pl.format("{} {} line(s)", "n", kind))
    )
    remaining.lines = remaining.lines.filter(has_ids)


def _take_genes(remaining: _Remaining) -> None:
    strands = pl.col("strand").n_unique().over("gene_id", "chrom")
    marked = remaining.of("gene").with_columns(
        reason=pl.when("is_trans_spliced")
        .then(pl.lit(reasons.TRANS_SPLICED))
        .when(~pl.col("strand").is_in(["+", "-"]))
        .then(pl.lit(reasons.NO_STRAND))
        .when(strands > 1)
        .then(pl.lit(reasons.BOTH_STRANDS))
    )
    bad = marked.filter(pl.col("reason").is_not_null())
    remaining.take(bad.unique("gene_id", keep="first", maintain_order=True), ["gene_id"])


def _keep_first_place(remaining: _Remaining, kind: str, keys: list[str]) -> None:
    """Of ids with several lines of a kind, keep what lies at the first of them."""
    own = remaining.of(kind)
    several = own.filter(pl.len().over(keys) > 1)
    if several.is_empty():
        return
    first = several.unique(keys, keep="first", maintain_order=True).select(
        *keys, pl.col("chrom", "strand", "start", "end").name.prefix("first_")
    )
    at_first = (
        (pl.col("chrom") == pl.col("first_chrom"))
        & (pl.col("strand") == pl.col("first_strand"))
        & (pl.col("start") <= pl.col("first_end"))
        & (pl.col("end") >= pl.col("first_start"))
    )
    placed = remaining.lines.join(first, on=keys, how="left", maintain_order="left")
    is_elsewhere = ~at_first.fill_null(True)
    noted = {
        "reason": pl.lit(reasons.SECOND_PLACE),
        "detail": pl.format("{}:{}-{} ({})", "chrom", "start", "end", "strand"),
    }
    rows = placed.filter(is_elsewhere & (pl.col("kind") != "exon")).with_columns(**noted)
    described = rows.select(_KEYS)
    alone = placed.filter(is_elsewhere & (pl.col("kind") == "exon")).join(
        described, on=_KEYS, how="anti", maintain_order="left"
    )
    remaining.record(rows)
    remaining.record(alone.unique(_KEYS, keep="first", maintain_order=True).with_columns(**noted))
    # Further lines at the first place say nothing new.
    again = (pl.col("kind") == kind) & (pl.int_range(pl.len()).over(*keys, "kind") > 0)
    remaining.lines = placed.filter(~is_elsewhere).filter(~again).select(remaining.lines.columns)


def _by_transcript(remaining: _Remaining) -> pl.DataFrame:
    """One row per transcript from its line and its exons, in the file's order.

    Returns:
        The keys, ``line``, ``chrom`` and ``strand`` of the first line; ``marked`` as trans-spliced,
        ``strandless``, at ``several`` places; ``derived`` exons; ``low`` and ``high`` of all lines,
        ``first`` and ``last`` of the exons (null without).
    """
    is_exon = pl.col("kind") == "exon"
    rows = remaining.of("transcript", "exon").select(
        "line", *_KEYS, *_PLACE,
        marked="is_trans_spliced",
        strandless=~pl.col("strand").is_in(["+", "-"]),
        several=pl.lit(False), derived="is_derived", low="start", high="end",
        first=pl.when(is_exon).then("start"), last=pl.when(is_exon).then("end"),
    )  # fmt: skip
    moves = pl.any_horizontal(pl.col(name) != pl.col(name).first() for name in _PLACE)
    summary = [
        pl.col("line", *_PLACE).first(),
        pl.col("marked", "strandless", "derived").any(),
        (pl.col("several") | moves).any().alias("several"),
        pl.col("low", "first").min(),
        pl.col("high", "last").max(),
    ]
    # Runs of adjacent lines first: that takes a fraction of the memory of the many exons' ids.
    starts = pl.any_horizontal(pl.col(name) != pl.col(name).shift(1) for name in _KEYS)
    runs = rows.with_columns(run=starts.fill_null(True).cum_sum())
    return (
        runs.group_by("run", maintain_order=True)
        .agg(pl.col(_KEYS).first(), *summary)
        .group_by(_KEYS, maintain_order=True)
        .agg(summary)
    )


def _take_transcripts(remaining: _Remaining) -> pl.DataFrame:
    """Take away what cannot be used; returns those that are left, see :func:`_by_transcript`."""
    found = _by_transcript(remaining)
    far = far_transcripts(remaining.of("exon"), found).with_columns(far=True)
    transcripts = found.join(far, on=_KEYS, how="left", maintain_order="left").with_columns(
        reason=pl.when("marked")
        .then(pl.lit(reasons.TRANS_SPLICED))
        .when("strandless")
        .then(pl.lit(reasons.NO_STRAND))
        .when("several")
        .then(pl.lit(reasons.SCATTERED))
        .when("far")
        .then(pl.lit(reasons.FAR_EXONS))
    )
    # A gene is where its line is, else where the first of its transcripts is.
    fitting = transcripts.filter(pl.col("reason").is_null())
    place = pl.concat(
        [remaining.of("gene").select("gene_id", *_PLACE), fitting.select("gene_id", *_PLACE)]
    ).unique("gene_id", keep="first", maintain_order=True)
    placed = transcripts.join(
        place, on="gene_id", how="left", suffix="_gene", maintain_order="left"
    )
    is_elsewhere = pl.any_horizontal(pl.col(name) != pl.col(f"{name}_gene") for name in _PLACE)
    elsewhere = pl.when(is_elsewhere).then(pl.lit(reasons.ELSEWHERE))
    reasoned = placed.with_columns(reason=pl.coalesce("reason", elsewhere))
    remaining.take(reasoned.filter(pl.col("reason").is_not_null()), _KEYS)
    return reasoned.filter(pl.col("reason").is_null()).select(found.columns)


def _record_without_exons(remaining: _Remaining, genes: pl.DataFrame, spans: pl.DataFrame) -> None:
    """Record the genes without exons, and transcripts without exons of the others."""
    has_exons = pl.col("first").is_not_null()
    bare = genes.join(spans.filter(has_exons), on="gene_id", how="anti", maintain_order="left")
    rest = spans.filter(~has_exons).join(bare, on="gene_id", how="anti", maintain_order="left")
    said = reasons.unknown_sites(pl.concat(remaining.taken))
    for rows in (bare.join(said, on="gene_id", how="anti", maintain_order="left"), rest):
        remaining.record(rows.with_columns(reason=pl.lit(reasons.NO_EXONS)))


def _record_lost(remaining: _Remaining, genes: pl.DataFrame) -> None:
    """Record the genes without line of which no transcript is left."""
    lost = (
        pl.concat(remaining.taken)
        .filter(pl.col("gene_id").is_not_null())
        .group_by("gene_id")
        .agg(pl.col("line").max(), whole=pl.col("transcript_id").is_null().any())
        .filter(~pl.col("whole"))
        .join(genes, on="gene_id", how="anti")
        .with_columns(reason=pl.lit(reasons.NOTHING_LEFT))
    )
    remaining.record(lost)
