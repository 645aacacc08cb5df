"""What a gene's page shows, gathered from a finished run and its annotation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from splice_meta.reference.annotation import Annotation
from splice_meta.report.finished import FinishedRun

SHOWN = 0.05
"""Base or final probability from which a position is drawn."""

POINTS = 2_000
"""Most positions that are drawn: those with the highest probabilities."""

TRANSCRIPTS = 10
"""Most transcripts that are drawn: MANE Select and canonical ones first."""

_POINTS = {
    "position": pl.Int64, "genomic_position": pl.Int64, "type": pl.String, "base": pl.Float64,
    "final": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True)
class GeneView:
    """One gene.

    Attributes:
        gene_id: Its id.
        name: Its name; empty if not known.
        chrom: Empty if not known, like the strand.
        strand: ``+`` or ``-`` as the table words it.
        span: Lowest and highest place that has a prediction, on the genome if that is known.
        counts: Its row of the gene table.
        sites: Its rows of the sites table.
        points: Positions with a probability of at least 0.05: ``position``,
            ``genomic_position``, ``type``, ``base``, ``final``.
        annotated: ``place`` and ``type`` of the annotated sites, on the axis of the chart.
        exons: ``transcript``, ``row``, ``start``, ``end``; empty without annotation.
        hidden: Transcripts that are not drawn.
    """

    gene_id: str
    name: str
    chrom: str
    strand: str
    span: tuple[int, int]
    counts: dict[str, Any]
    sites: pl.DataFrame
    points: pl.DataFrame
    annotated: pl.DataFrame
    exons: pl.DataFrame
    hidden: int = 0
    reasons: dict[tuple[int, str], str] = field(default_factory=dict)

    @property
    def is_placed(self) -> bool:
        """Whether the genome's coordinates are known."""
        return bool(self.chrom) and self.points["genomic_position"].null_count() == 0

    @property
    def place(self) -> str:
        """Chromosome and span, or the span in positions of the gene."""
        low, high = self.span
        where = f"{self.chrom}:" if self.is_placed else "positions "
        return f"{where}{low:,}-{high:,}"

    @property
    def title(self) -> str:
        """Name and id."""
        return f"{self.name} ({self.gene_id})" if self.name else self.gene_id


@dataclass(frozen=True)
class GeneRows:
    """What a page needs of a gene's rows of the complete table.

    Attributes:
        drawn: Those with a probability of at least 0.05, and the annotated ones.
        place: ``chrom``, ``strand`` where they are told; ``low`` and ``high`` position, and
            ``genomic_low``, ``genomic_high`` where places are told.
    """

    drawn: pl.DataFrame
    place: dict[str, Any]


def rows_of_genes(run: FinishedRun, genes: Sequence[str]) -> dict[str, GeneRows]:
    """The rows of some genes, read in one pass; none where the complete table was not written."""
    rows = run.rows_of(genes) if genes else None
    if rows is None:
        return {}
    names = rows.collect_schema().names()
    is_drawn = pl.max_horizontal(_SCORES) >= SHOWN
    if "splice_type" in names:
        is_drawn |= pl.col("splice_type").cast(pl.String) != "neither"
    columns = ["gene_id", *_SCORES, "position", "genomic_position", "splice_type"]
    ends = {"low": "position", "high": "position"}
    if "genomic_position" in names:
        ends |= {"genomic_low": "genomic_position", "genomic_high": "genomic_position"}
    spans = rows.group_by("gene_id").agg(
        *(pl.col(name).first() for name in ("chrom", "strand") if name in names),
        **{
            name: pl.col(of).min() if name.endswith("low") else pl.col(of).max()
            for name, of in ends.items()
        },
    )
    shown = rows.filter(is_drawn).select(name for name in columns if name in names)
    found, places = pl.collect_all([shown, spans])
    none = found.clear()
    by_gene = {str(gene): each for (gene,), each in found.partition_by(
        "gene_id", as_dict=True, maintain_order=True
    ).items()}  # fmt: skip
    return {
        place["gene_id"]: GeneRows(by_gene.get(place["gene_id"], none), place)
        for place in places.iter_rows(named=True)
    }


_SCORES = ("donor_score", "donor_meta", "acceptor_score", "acceptor_meta")


def view_gene(
    run: FinishedRun, gene: str, rows: GeneRows | None, annotation: Annotation | None
) -> GeneView:
    """Gather one gene.

    Args:
        run: The run.
        gene: The gene.
        rows: Its rows, of :func:`rows_of_genes`.
        annotation: For its exons, and its splice sites where the rows do not tell.
    """
    sites = run.sites.filter(pl.col("gene_id") == gene)
    names = [name for name in sites["gene_name"].drop_nulls().head(1)]
    points, place, truth = _points(rows, sites)
    chrom, strand = (str(place.get(name) or "") for name in ("chrom", "strand"))
    is_placed = bool(chrom) and points["genomic_position"].null_count() == 0
    low, high = (place.get(f"{'genomic_' if is_placed else ''}{end}") for end in ("low", "high"))
    known = annotated_gene(annotation, gene) if is_placed else None
    exons, hidden = exons_of_gene(annotation, known)
    if truth is None:
        truth = annotated_sites(annotation, known)
    else:
        at = "genomic_position" if is_placed else "position"
        truth = truth.select(place=at, type="type")
    if not names and annotation is not None and known is not None:
        named = annotation.genes.filter(pl.col("gene_id") == known)["gene_name"]
        names = named.drop_nulls().to_list()
    return GeneView(
        gene_id=gene, name=names[0] if names else "", chrom=chrom, strand=strand,
        span=(int(low or 0), int(high or 0)),
        counts=run.genes.filter(pl.col("gene_id") == gene).row(0, named=True),
        sites=sites, points=points, annotated=truth, exons=exons, hidden=hidden,
    )  # fmt: skip


def _points(
    rows: GeneRows | None, sites: pl.DataFrame
) -> tuple[pl.DataFrame, dict[str, Any], pl.DataFrame | None]:
    """The positions that are drawn, where the gene lies, and its annotated sites where told."""
    if rows is None:
        columns = [pl.col(n).cast(t) for n, t in _POINTS.items() if n in sites.columns]
        found = sites.select(columns)
        place = sites.row(0, named=True) if sites.height else {}
        span: dict[str, Any] = {"low": found["position"].min(), "high": found["position"].max()}
        if "genomic_position" in found.columns:
            genomic = found["genomic_position"]
            span |= {"genomic_low": genomic.min(), "genomic_high": genomic.max()}
        return _with_place(found), place | span, None
    few = rows.drawn.lazy()
    here = [name for name in ("position", "genomic_position") if name in rows.drawn.columns]
    drawn = [
        few.filter(pl.max_horizontal(f"{kind}_score", f"{kind}_meta") >= SHOWN).select(
            *(pl.col(name).cast(pl.Int64) for name in here),
            type=pl.lit(kind),
            base=pl.col(f"{kind}_score").cast(pl.Float64),
            final=pl.col(f"{kind}_meta").cast(pl.Float64),
        )
        for kind in ("donor", "acceptor")
    ]
    truth = []
    if "splice_type" in rows.drawn.columns:
        kind = pl.col("splice_type").cast(pl.String)
        truth = [few.filter(kind != "neither").select(*here, type=kind)]
    donors, acceptors, *told = pl.collect_all([*drawn, *truth])
    return (
        _with_place(pl.concat([donors, acceptors]))
        .top_k(POINTS, by=pl.max_horizontal("base", "final"))
        .sort("position", "type"),
        rows.place,
        told[0] if told else None,
    )


def _with_place(points: pl.DataFrame) -> pl.DataFrame:
    if "genomic_position" in points.columns:
        return points
    return points.with_columns(genomic_position=pl.lit(None, pl.Int64))


def annotated_gene(annotation: Annotation | None, gene: str) -> str | None:
    """The annotation's id of a gene; None if it has none."""
    if annotation is None:
        return None
    found = annotation.match([gene])["gene_id"].drop_nulls()
    return str(found[0]) if len(found) else None


def annotated_sites(annotation: Annotation | None, gene: str | None) -> pl.DataFrame:
    """The splice sites of a gene: ``place`` on the genome, ``type``."""
    if annotation is None or gene is None:
        return pl.DataFrame(schema={"place": pl.Int64, "type": pl.String})
    sites = annotation.exons_of([gene]).splice_sites()
    return sites.filter(pl.col("gene_id") == gene).select(
        pl.col("genomic_position").cast(pl.Int64).alias("place"),
        pl.col("splice_type").cast(pl.String).alias("type"),
    )


def exons_of_gene(annotation: Annotation | None, gene: str | None) -> tuple[pl.DataFrame, int]:
    """The exons of the transcripts that are drawn, and how many transcripts are not."""
    if annotation is None or gene is None:
        return pl.DataFrame(schema={"transcript": pl.String, "row": pl.Int64,
                                    "start": pl.Int64, "end": pl.Int64}), 0  # fmt: skip
    order = ["is_mane_select", "is_canonical", "_length"]
    transcripts = (
        annotation.transcripts.filter(pl.col("gene_id") == gene)
        .with_columns(_length=pl.col("tx_end") - pl.col("tx_start"))
        .sort(order, descending=True, nulls_last=True, maintain_order=True)
    )
    shown = transcripts.head(TRANSCRIPTS).select("transcript_id").with_row_index("row")
    exons = annotation.exons.filter(pl.col("gene_id") == gene).join(
        shown, on="transcript_id", maintain_order="left"
    )
    return exons.select(
        transcript="transcript_id", row=pl.col("row").cast(pl.Int64),
        start=pl.col("exon_start").cast(pl.Int64), end=pl.col("exon_end").cast(pl.Int64),
    ), max(transcripts.height - TRANSCRIPTS, 0)  # fmt: skip
