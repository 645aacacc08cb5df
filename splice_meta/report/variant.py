"""What a variant's page shows, gathered from the results of variants and an annotation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from splice_meta.alleles.results import VariantsResult
from splice_meta.reference.annotation import Annotation
from splice_meta.report.gene import annotated_gene, annotated_sites, exons_of_gene

MARGIN = 30
"""Nucleotides beside the outermost position that is drawn."""

TOLD = 3
"""Most changes that the sentence tells."""

_VERBS = {
    "lost": "is lost", "gained": "is gained", "weakened": "becomes weaker",
    "strengthened": "becomes stronger",
}  # fmt: skip


@dataclass(frozen=True)
class VariantView:
    """One variant in one gene.

    Attributes:
        row: Its row of the summary.
        sites: Its rows of the sites table, by place.
        exons: ``transcript``, ``row``, ``start``, ``end``, and ``low`` and ``high`` of the
            transcript; empty without annotation.
        hidden: Transcripts that are not drawn.
        annotated: ``x`` and ``type`` of annotated sites in the window.
        window: First and last position that are drawn.
        distance: How far from the variant base scores were computed anew.
        threshold: Change from which a position is among the sites.
    """

    row: dict[str, Any]
    sites: pl.DataFrame
    exons: pl.DataFrame
    hidden: int
    annotated: pl.DataFrame
    window: tuple[int, int]
    distance: int
    threshold: float

    @property
    def layer(self) -> str:
        """The layer that decides: ``final`` where there is a meta-model."""
        return "final" if "final_largest" in self.row else "base"

    @property
    def name(self) -> str:
        """The variant as one types it; long alleles are cut."""
        return name_of(self.row)

    @property
    def gene(self) -> str:
        """The gene's name, or its id."""
        return str(self.row["gene_name"] or self.row["gene_id"])

    @property
    def span(self) -> tuple[int, int]:
        """First and last base of the reference allele."""
        return self.row["pos"], self.row["pos"] + len(self.row["ref"]) - 1

    @property
    def drawn(self) -> pl.DataFrame:
        """The sites with ``x``: inserted bases lie between the two that they part."""
        share = pl.col("inserted") / (pl.col("inserted").max() + 1)
        return self.sites.with_columns(x=pl.col("genomic_position") + share)


def name_of(row: dict[str, Any]) -> str:
    """A variant as one types it; long alleles are cut."""
    ref, alt = (
        text if len(text) <= 20 else f"{text[:12]}...({len(text)} bases)"
        for text in (str(row["ref"]), str(row["alt"]))
    )
    return f"{row['chrom']}:{row['pos']}:{ref}>{alt}"


def view_variants(
    results: VariantsResult, rows: pl.DataFrame, annotation: Annotation | None, settings: Any
) -> list[VariantView]:
    """Gather the variants that get a page.

    Args:
        results: The results.
        rows: Their rows of the summary.
        annotation: For exons and annotated sites; None for none.
        settings: ``distance_used`` and ``threshold`` of the results.
    """
    key = ["variant", "gene_id"]
    sites = results.sites().join(rows.lazy().select(key), on=key, how="semi").collect()
    by_pair = sites.partition_by(key, as_dict=True, maintain_order=True)
    genes: dict[str, tuple[pl.DataFrame, int, pl.DataFrame]] = {}
    views = []
    for row in rows.iter_rows(named=True):
        gene = str(row["gene_id"])
        if gene not in genes:
            known = annotated_gene(annotation, gene)
            exons, hidden = exons_of_gene(annotation, known)
            spans = pl.col("start").min().over("transcript"), pl.col("end").max().over("transcript")
            exons = exons.with_columns(low=spans[0], high=spans[1])
            genes[gene] = exons, hidden, annotated_sites(annotation, known)
        own = by_pair.get((row["variant"], row["gene_id"]), sites.clear())
        views.append(_view(row, own, *genes[gene], settings))
    return views


def _view(
    row: dict[str, Any], sites: pl.DataFrame, exons: pl.DataFrame, hidden: int,
    annotated: pl.DataFrame, settings: Any,
) -> VariantView:  # fmt: skip
    distance = int(settings["distance_used"])
    ends = [row["pos"] - distance, row["pos"] + len(row["ref"]) - 1 + distance]
    places = [*ends, *sites["genomic_position"].to_list()]
    window = min(places) - MARGIN, max(places) + MARGIN
    shown = _unlike(exons, window)
    alike = exons["transcript"].n_unique() - shown["transcript"].n_unique()
    return VariantView(
        row=row, sites=sites, exons=shown, hidden=hidden + alike,
        annotated=annotated.filter(pl.col("place").is_between(*window)).rename({"place": "x"}),
        window=window, distance=distance, threshold=float(settings["threshold"]),
    )  # fmt: skip


def _unlike(exons: pl.DataFrame, window: tuple[int, int]) -> pl.DataFrame:
    """The exons of transcripts that reach into a window, one of those that look alike in it."""
    inside = exons.filter(pl.col("high") >= window[0], pl.col("low") <= window[1])
    is_seen = (pl.col("end") >= window[0]) & (pl.col("start") <= window[1])
    seen = pl.format("{}-{}", "start", "end").filter(is_seen).sort().str.join(" ")
    kept = (
        inside.group_by("transcript", maintain_order=True)
        .agg(pl.col("row").first(), seen.alias("seen"))
        .sort("row")
        .unique("seen", keep="first", maintain_order=True)
        .select("transcript", pl.int_range(pl.len(), dtype=pl.Int64).alias("row"))
    )
    return inside.drop("row").join(kept, on="transcript", maintain_order="left")


def sentence_of(view: VariantView) -> str:
    """What a variant does, in a sentence: its largest changes, or that there is none."""
    layer = view.layer
    most = view.sites.sort(pl.col("change").abs(), descending=True, maintain_order=True)
    if not most.height:
        largest = view.row[f"{layer}_largest"]
        near = "" if largest is None else f" The largest change is {largest:.3f}."
        return f"No position changes by {view.threshold:g} or more.{near}"
    told = [_told(site, layer) for site in most.head(TOLD).iter_rows(named=True)]
    more = most.height - len(told)
    rest = f"; {more:,} further position{'s' if more > 1 else ''} change{'' if more > 1 else 's'}"
    text = "; ".join(told) + (rest if more > 0 else "") + "."
    return text[0].upper() + text[1:]


def _told(site: dict[str, Any], layer: str) -> str:
    known = "annotated " if site["is_annotated"] else ""
    kind = f"{known}{site['type']}"
    article = "the" if site["is_annotated"] or site["fate"] in ("lost", "weakened") else "a"
    article = "an" if article == "a" and kind[0] == "a" else article
    was, now = (site[f"{layer}_{side}"] for side in ("ref", "alt"))
    values = f"{was or 0:.2f} to {now or 0:.2f}"
    if now is None:
        values += ", deleted"
    return f"{article} {kind} at {place_of(site)} {_VERBS[str(site['fate'])]} ({values})"


def place_of(site: dict[str, Any]) -> str:
    """Where a site lies, from the variant's position on."""
    inserted = f", inserted base {site['inserted']}" if site["inserted"] else ""
    return f"{site['offset']:+,d}{inserted}" if site["offset"] else f"the variant{inserted}"
