"""The page of one gene."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import polars as pl

from splice_meta.report.gene import POINTS, GeneView
from splice_meta.report.gene_words import links, sentence_of
from splice_meta.report.markup import Charts, escape, pairs
from splice_meta.report.site_table import sites_table

STRANDS = {
    "+": "+ strand, 5' to 3' from left to right",
    "-": "- strand, 5' to 3' from right to left",
}

def page_name(gene: str) -> str:
    """The name of a gene's page in the address."""
    return f"gene-{quote(gene, safe='')}"


def gene_page(view: GeneView, charts: Charts, reasons: dict[tuple[str, int, str], str]) -> str:
    """The section of one gene.

    Args:
        view: The gene.
        charts: Takes its chart.
        reasons: Contributions by gene, position and type.
    """
    where = view.place + (f", {STRANDS.get(view.strand, view.strand)}" if view.strand else "")
    anchors = " · ".join(
        f'<a href="{escape(address)}" rel="noopener noreferrer">{escape(name)}</a>'
        for name, address in links(view)
    )
    parts = [
        f'<section class="page gene" id="{escape(page_name(view.gene_id))}">',
        f"<h1>{escape(view.title)}</h1><p>{escape(where)}</p>",
        f'<p class="note">Open the place in {anchors}; take the assembly of the scores.</p>'
        if anchors
        else "",
        f'<p class="lead">{escape(sentence_of(view))}</p>',
        *(_drawn(view, charts) if view.points.height else ()),
        "<h2>Sites</h2>",
        sites_table(view.sites, view.is_placed, f"sites-{page_name(view.gene_id)}")
        if view.sites.height
        else '<p class="note">No position is called, and none changed by 0.1.</p>',
        _reasons(view, reasons),
        "</section>",
    ]
    return "\n".join(parts)


def _drawn(view: GeneView, charts: Charts) -> list[str]:
    if not charts.has_plots:
        return []
    place = charts.place(lambda: _chart(view), f"Donors and acceptors of {view.title}")
    return [place, _legend(view)]


def _chart(view: GeneView) -> dict[str, Any]:
    from splice_meta.plots.gene_chart import gene_chart

    x = "genomic_position" if view.is_placed else "position"
    fates = view.sites.select(
        "position", pl.col("type").cast(pl.String), pl.col("fate").cast(pl.String)
    )
    points = view.points.join(fates, on=["position", "type"], how="left", maintain_order="left")
    title = f"position on chromosome {view.chrom}" if view.is_placed else "position in the gene"
    return gene_chart(
        points.select(pl.col(x).alias("x"), "type", "base", "final", "fate"),
        view.exons,
        view.annotated.select(pl.col("place").alias("x"), "type"),
        title,
    )


def _legend(view: GeneView) -> str:
    parts = ["Hollow: base model; filled: final; ▲ gained, ▼ lost"]
    if view.annotated.height:
        parts.append("ticks under a lane: annotated sites")
    if view.exons.height:
        hidden = f" ({view.hidden:,} more are not drawn)" if view.hidden else ""
        parts.append(f"below: exons of the annotated transcripts{hidden}")
    most = f", at most {POINTS:,} of them" if view.points.height == POINTS else ""
    parts.append(f"positions of at least 0.05{most}; drag to move, scroll to zoom")
    return f'<p class="note">{escape("; ".join(parts))}.</p>'


def _reasons(view: GeneView, reasons: dict[tuple[str, int, str], str]) -> str:
    """The strongest contributions to each changed site, in the order of the table."""
    x = "genomic_position" if view.is_placed else "position"
    told = [
        (f"{site[x]:,}, {site['type']}, {site['base']:.2f} to {site['final']:.2f}", reason)
        for site in view.sites.iter_rows(named=True)
        if (reason := reasons.get((view.gene_id, site["position"], site["type"])))
    ]
    if not told:
        return ""
    note = (
        "Features with the largest SHAP values, as name = value (contribution to the type's "
        "log-probability); what the base model itself says is left out."
    )
    return f'<h2>Why sites changed</h2><p class="note">{note}</p>{pairs(told)}'
