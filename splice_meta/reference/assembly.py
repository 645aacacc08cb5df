"""From the lines of an annotation to genes, transcripts and exons, and what is left out of them.

The rules, in this order; what a rule takes away is recorded with its reason:

1. An exon or transcript line without the ids of its gene and transcript is left out.
2. A gene is left out as a whole if its own lines are marked as trans-spliced, or lie on both
   strands of a chromosome, or have a strand that is neither + nor -.
3. A gene id with several gene lines elsewhere keeps the first place in the file; the lines of the
   others go (GENCODE's pseudoautosomal genes on chrX and chrY). The same for transcript ids.
4. A transcript is left out if it is marked as trans-spliced, if its lines lie on several
   chromosomes or strands, or have a strand that is neither + nor -.
5. A transcript is left out if it is not on the chromosome and strand of its gene; where the gene
   has no line, of the gene's first transcript.
6. Transcripts and genes without lines of their own get the span of their exons, of their
   transcripts. A gene without line and transcripts is left out.
7. Exons of a transcript that overlap or touch are joined: there is no intron between them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from splice_meta.reference.tables import LEFT_OUT, SCHEMAS, exons_of, genes_of, transcripts_of

_KEYS = ["gene_id", "transcript_id"]
_PLACE = ["chrom", "strand"]


@dataclass
class _Remaining:
    """The lines that are left, and what was taken away so far."""

    lines: pl.DataFrame
    taken: list[pl.DataFrame] = field(default_factory=list)

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
        self.taken.append(rows.select("line", pl.col(list(LEFT_OUT)).cast(pl.String)))

    def of(self, *kinds: str) -> pl.DataFrame:
        return self.lines.filter(pl.col("kind").is_in(kinds))

    def left_out(self) -> pl.DataFrame:
        """What was taken away, in the order of the file."""
        return pl.concat(self.taken).sort("line", maintain_order=True).drop("line")


def assemble(records: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Make the tables of an annotation from its lines.

    Args:
        records: Lines as in :data:`~splice_meta.reference.lines.RECORDS`, in the file's order.

    Returns:
        The tables ``genes``, ``transcripts``, ``exons`` and ``left_out``, as
        :class:`~splice_meta.reference.annotation.Annotation` describes them.
    """
    remaining = _Remaining(records)
    _take_incomplete(remaining)
    _take_genes(remaining)
    _keep_first_place(remaining, "gene", ["gene_id"])
    _keep_first_place(remaining, "transcript", _KEYS)
    _take_transcripts(remaining)
    transcripts = transcripts_of(remaining.lines)
    genes = genes_of(remaining.lines, transcripts)
    _record_lost(remaining, genes)
    tables = {
        "genes": genes,
        "transcripts": transcripts,
        "exons": exons_of(remaining.lines, transcripts),
        "left_out": remaining.left_out(),
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
        .with_columns(
            reason=pl.format("{} {} line(s) without the ids of gene and transcript", "n", kind)
        )
    )
    remaining.lines = remaining.lines.filter(has_ids)


def _take_genes(remaining: _Remaining) -> None:
    strands = pl.col("strand").n_unique().over("gene_id", "chrom")
    marked = remaining.of("gene").with_columns(
        reason=pl.when("is_trans_spliced")
        .then(pl.lit("marked as trans-spliced"))
        .when(~pl.col("strand").is_in(["+", "-"]))
        .then(pl.lit("its strand is neither + nor -"))
        .when(strands > 1)
        .then(pl.lit("its lines lie on both strands of a chromosome"))
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
    reason = pl.format(
        f"at {{}}:{{}}-{{}} ({{}}), where its {kind} id is used again; the first place is kept",
        "chrom", "start", "end", "strand",
    )  # fmt: skip
    rows = placed.filter(is_elsewhere & (pl.col("kind") != "exon")).with_columns(reason=reason)
    described = rows.select(_KEYS)
    alone = placed.filter(is_elsewhere & (pl.col("kind") == "exon")).join(
        described, on=_KEYS, how="anti", maintain_order="left"
    )
    remaining.record(rows)
    remaining.record(
        alone.unique(_KEYS, keep="first", maintain_order=True).with_columns(reason=reason)
    )
    # Further lines at the first place say nothing new.
    again = (pl.col("kind") == kind) & (pl.int_range(pl.len()).over(*keys, "kind") > 0)
    remaining.lines = placed.filter(~is_elsewhere).filter(~again).select(remaining.lines.columns)


def _by_transcript(remaining: _Remaining) -> pl.DataFrame:
    """One row per transcript from its line and its exons, in the file's order.

    Returns:
        The keys, ``line``, ``chrom`` and ``strand`` of the first line; ``marked`` as trans-spliced,
        ``strandless``, at ``several`` places.
    """
    rows = remaining.of("transcript", "exon").select(
        "line", *_KEYS, *_PLACE,
        marked="is_trans_spliced",
        strandless=~pl.col("strand").is_in(["+", "-"]),
        several=pl.lit(False),
    )  # fmt: skip
    moves = pl.any_horizontal(pl.col(name) != pl.col(name).first() for name in _PLACE)
    summary = [
        pl.col("line", *_PLACE).first(),
        pl.col("marked", "strandless").any(),
        (pl.col("several") | moves).any().alias("several"),
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


def _take_transcripts(remaining: _Remaining) -> None:
    transcripts = _by_transcript(remaining).with_columns(
        reason=pl.when("marked")
        .then(pl.lit("marked as trans-spliced"))
        .when("strandless")
        .then(pl.lit("its strand is neither + nor -"))
        .when("several")
        .then(pl.lit("trans-spliced: its exons lie on several chromosomes or strands"))
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
    elsewhere = pl.when(is_elsewhere).then(pl.lit("not on the chromosome and strand of its gene"))
    reasoned = placed.with_columns(reason=pl.coalesce("reason", elsewhere))
    remaining.take(reasoned.filter(pl.col("reason").is_not_null()), _KEYS)


def _record_lost(remaining: _Remaining, genes: pl.DataFrame) -> None:
    """Record the genes without line of which no transcript is left."""
    lost = (
        pl.concat(remaining.taken)
        .filter(pl.col("gene_id").is_not_null())
        .group_by("gene_id")
        .agg(pl.col("line").max(), whole=pl.col("transcript_id").is_null().any())
        .filter(~pl.col("whole"))
        .join(genes, on="gene_id", how="anti")
        .with_columns(transcript_id=None, reason=pl.lit("it has no line and no transcript is left"))
    )
    remaining.record(lost)
