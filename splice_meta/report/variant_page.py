"""The page of one variant in one gene."""

from __future__ import annotations

from typing import Any

import polars as pl

from splice_meta.alleles.deltas import EFFECT
from splice_meta.plots.variant_chart import SIGNS
from splice_meta.report.gene_page import STRANDS
from splice_meta.report.markup import Charts, Column, escape, table
from splice_meta.report.variant import VariantView, place_of, sentence_of

_NUMBERS = {
    EFFECT: "effect", "base_any": "any change, base", "final_any": "any change, recalibrated",
}  # fmt: skip
_MEANING = (
    "Any change: 1 - the product of (1 - change) over the four changes; the list is in its order.",
    "Any change: 1 - the product of (1 - change) over the four changes. Effect: the same of base "
    "losses and recalibrated gains; the list is in its order.",
)
_KINDS = ("acceptor gain", "acceptor loss", "donor gain", "donor loss")


def page_name(view: VariantView) -> str:
    """The name of the page in the address."""
    return f"variant-{view.row['variant']}-{view.row['gene_id']}"


def variant_page(view: VariantView, charts: Charts) -> str:
    """The section of one variant.

    Args:
        view: The variant.
        charts: Takes its chart.
    """
    strand = str(view.row["strand"])
    known = f" ({view.row['id']})" if view.row["id"] else ""
    parts = [
        f'<section class="page gene" id="{escape(page_name(view))}">',
        f"<h1>{escape(view.name)} in {escape(view.gene)}</h1>",
        f"<p>{escape(view.row['gene_id'] + ', ' + STRANDS.get(strand, strand) + known)}</p>",
        f'<p class="lead">{escape(sentence_of(view))}</p>',
        *_drawn(view, charts),
        "<h2>Changed positions</h2>",
        _sites(view),
        "<h2>Largest changes</h2>",
        _deltas(view),
        f'<p class="note">{escape(_numbers(view))}</p>',
        "</section>",
    ]
    return "\n".join(filter(None, parts))


def _drawn(view: VariantView, charts: Charts) -> list[str]:
    if not charts.has_plots:
        return []
    label = f"Donors and acceptors of the reference and of {view.name} in {view.gene}"
    return [charts.place(lambda: _chart(view), label), _legend(view)]


def _chart(view: VariantView) -> dict[str, Any]:
    from splice_meta.plots.variant_chart import variant_chart

    return variant_chart(
        view.drawn, view.exons, view.annotated, changed=view.span, window=view.window,
        axis=f"{view.row['chrom']}, position on the genome",
    )  # fmt: skip


def _legend(view: VariantView) -> str:
    filled = "Hollow: base model; filled: recalibrated; " if view.layer == "final" else ""
    signs = ", ".join(f"{sign} {fate}" for fate, sign in SIGNS.items())
    parts = [f"{filled}{signs}", "grey: the variant"]
    if view.annotated.height:
        parts.append("ticks under a lane: annotated sites")
    if view.exons.height:
        hidden = f" ({view.hidden:,} more: alike here, beyond, or too many)" if view.hidden else ""
        parts.append(f"below: exons of the annotated transcripts{hidden}")
    parts.append(
        f"positions that change by {view.threshold:g} or more; drag to move, scroll to zoom"
    )
    return f'<p class="note">{escape("; ".join(parts))}.</p>'


def _sites(view: VariantView) -> str:
    if not view.sites.height:
        return '<p class="note">None.</p>'
    has_final = view.layer == "final"
    columns = [
        Column("from the variant"), Column("position"), Column("type", True), Column("base"),
        *([Column("recalibrated")] if has_final else []), Column("change"), Column("fate", True),
        Column("annotated", True),
    ]  # fmt: skip
    rows = [_cells(site, has_final) for site in view.sites.iter_rows(named=True)]
    return table(columns, rows, f"sites-{page_name(view)}")


def _cells(site: dict[str, Any], has_final: bool) -> list[str]:
    fate = str(site["fate"])
    told = {True: "yes", False: "no", None: ""}
    return [
        escape(place_of(site)),
        f"{site['genomic_position']:,}",
        escape(site["type"]),
        _change(site["base_ref"], site["base_alt"]),
        *([_change(site["final_ref"], site["final_alt"])] if has_final else []),
        f"{site['change']:+.3f}",
        f'<span class="{escape(fate)}">{escape(fate)}</span>',
        told[site["is_annotated"]],
    ]


def _change(ref: float | None, alt: float | None) -> str:
    was = "inserted" if ref is None else f"{ref:.3f}"
    now = "deleted" if alt is None else f"{alt:.3f}"
    return f"{was} → {now}"


def _deltas(view: VariantView) -> str:
    """The four changes of SpliceAI's convention, by layer."""
    layers = ["base", "final"] if view.layer == "final" else ["base"]
    names = {"base": "base", "final": "recalibrated"}
    columns = [
        Column("change", True),
        *(Column(head) for layer in layers for head in (names[layer], "from the variant")),
    ]
    rows = []
    for kind in _KINDS:
        cells = [kind]
        for layer in layers:
            column = f"{layer}_{kind.replace(' ', '_')}"
            value, place = view.row[column], view.row[f"{column}_position"]
            cells += [
                "" if value is None else f"{value:.3f}",
                "" if place is None else f"{place:+,d}",
            ]
        rows.append(cells)
    return table(columns, rows)


def _numbers(view: VariantView) -> str:
    """The numbers of the list, in a line."""
    told = [f"{head} {view.row[name]:.3f}" for name, head in _NUMBERS.items() if name in view.row]
    text = "; ".join(told) + "."
    return text[0].upper() + text[1:]


def list_page(views: list[VariantView], rows: pl.DataFrame, notes: str) -> str:
    """The first section: every variant that has a page, with what it does.

    Args:
        views: The variants with a page.
        rows: The whole summary, to count what has none.
        notes: What is left out, and further remarks, as HTML.
    """
    scored = rows.filter(pl.col("reason").is_null())
    shown = {name: head for name, head in _NUMBERS.items() if name in rows.columns}
    columns = [
        Column("variant", True), Column("gene", True), *map(Column, shown.values()),
        Column("what changes", True),
    ]  # fmt: skip
    cells = [
        [
            f'<a href="#{escape(page_name(view))}">{escape(view.name)}</a>',
            escape(view.gene),
            *(f"{view.row[name]:.3f}" for name in shown),
            f'<span class="wrap">{escape(sentence_of(view))}</span>',
        ]
        for view in views
    ]
    count = scored["variant"].n_unique()
    return "\n".join(
        [
            '<section class="page" id="variants"><h1>Variants</h1>',
            f'<p class="lead">{count:,} variants were scored, {scored.height:,} pairs of a variant '
            f"and a gene.</p>",
            notes,
            f"<h2>{'The largest changes' if len(views) < scored.height else 'All of them'}</h2>",
            f'<p class="note">{_MEANING[EFFECT in shown]}</p>',
            table(columns, cells, "variants-table"),
            "</section>",
        ]
    )
