"""One gene: exons, and base and final probabilities of donors and acceptors."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from splice_meta.errors import InputError, UsageError
from splice_meta.evaluation.source import Rows, open_rows
from splice_meta.evaluation.tally import SITES
from splice_meta.plots.style import COLOURS, GREY, altair, data_of, finished, tips
from splice_meta.reference.annotation import Annotation
from splice_meta.reference.reference import Reference, open_reference
from splice_meta.runtime.panics import plain_panics

if TYPE_CHECKING:
    import altair as alt

MOST_TRANSCRIPTS = 12


@plain_panics()
def plot_gene(
    source: Any,
    gene: str,
    *,
    annotation: str | Path | Annotation | None = None,
    start: int | None = None,
    end: int | None = None,
    least: float = 0.01,
    width: int = 760,
) -> alt.VConcatChart:
    """Draw a gene: exons, and the probabilities of donors and acceptors along the genome.

    A hollow point is the base model's probability, a filled one the final one, a line what lies
    between them; a tick below marks an annotated site. The x axis zooms and pans. Genes of the
    ``-`` strand are drawn along the genome, too: they run from right to left.

    Args:
        source: The output of a run, predictions (files or a frame), or base scores.
        gene: Its id or, with an annotation, its name.
        annotation: GTF or GFF3: exons of up to 12 transcripts (MANE and canonical ones first, then
            the longest), and annotated sites where the source has none.
        start: First position shown: on the genome where that is known, else in the gene.
        end: Last position shown.
        least: Positions are drawn where a probability is at least this.
        width: Of the chart in pixels.

    Raises:
        UsageError: If Altair is not installed, or nothing lies from start to end.
        InputError: If the source has no such gene or cannot be read.
    """
    alt = altair()
    reference = open_reference(annotation, None)
    rows = open_rows(source, [gene], reference)
    table, place = _positions(rows)
    low, high = int(table["x"][0]), int(table["x"][-1])
    first, last = low if start is None else start, high if end is None else end
    shown = table.filter(pl.col("x").is_between(first, last))
    if shown.is_empty():
        raise UsageError(
            f"{gene} has no position from {first} to {last}.", f"It lies from {low} to {high}."
        )
    scale = alt.Scale(domain=[first, last], nice=False, zero=False)
    x = alt.X("x:Q", scale=scale, title=None, axis=alt.Axis(format=",d", tickCount=6, grid=False))
    zoom = alt.selection_interval(bind="scales", encodings=["x"])
    exons, sites = _annotated(rows, reference)
    if "truth" in shown.columns:
        known = shown.filter(pl.col("truth").is_in(SITES))
        sites = known.select("x", site=pl.col("truth").cast(pl.String))
    lanes = [
        _lane(shown, sites.filter(pl.col("x").is_between(first, last)), site, x, zoom, least)
        for site in SITES
    ]
    if exons.height:
        lanes.append(_exons(exons, x, first, last))
    sized = [lane.properties(width=width) for lane in lanes]
    name = rows.scores.table.genes["gene_id"][0]
    title = gene if gene == name else f"{gene} ({name})"
    with warnings.catch_warnings():  # that one zoom for all lanes is one zoom
        warnings.filterwarnings("ignore", "Automatically deduplicated selection parameter")
        chart = alt.vconcat(*sized, spacing=8).resolve_scale(x="shared")
    both = "hollow: base, filled: final" if "final" in rows.systems else "base"
    return finished(chart, title, f"{both}; ticks: annotated sites; {place}")


def _positions(rows: Rows) -> tuple[pl.DataFrame, str]:
    """The positions of the gene: x, ``base_donor`` ..., the truth if there; what x is."""
    genes = rows.scores.table.genes
    plan = rows.scores.rows_of(genes)
    there = plan.collect_schema().names()
    is_placed = "genomic_position" in there
    columns = {
        f"{system}_{site}": name
        for system, names in rows.systems.items()
        for site, name in zip(SITES, names, strict=False)
    }
    table = plan.select(
        x="genomic_position" if is_placed else "position",
        **columns,
        **({"truth": "splice_type"} if "splice_type" in there else {}),
    ).collect()  # fmt: skip
    if table["x"].has_nulls():
        raise InputError(
            f"Some positions of {genes['gene_id'][0]} have no genomic_position.",
            "Fill the column, or take it out.",
        )
    if not is_placed:
        return table.sort("x"), "position in the gene, 5' to 3'"
    where = rows.scores.located.genes if rows.scores.located is not None else genes
    chrom, strand = where.select("chrom", "strand").row(0)
    way = {"+": "strand +, left to right", "-": "strand -, right to left"}.get(strand, "")
    return table.sort("x"), f"position on chromosome {chrom}{f', {way}' if way else ''}"


def _annotated(rows: Rows, reference: Reference | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Exons with the row of their transcript, and annotated sites, where they are known."""
    none = (
        pl.DataFrame(schema={"transcript": pl.String, "row": pl.Int64}),
        pl.DataFrame(schema={"x": pl.Int64, "site": pl.String}),
    )
    located = rows.scores.located
    if reference is None or reference.annotation is None or located is None:
        return none
    [gene] = located.genes["annotated"].to_list()
    if gene is None:
        return none
    known = reference.annotation.exons_of([gene])
    longest = pl.col("tx_end") - pl.col("tx_start")
    chosen = (
        known.transcripts.sort("is_mane_select", "is_canonical", longest, descending=True)
        .head(MOST_TRANSCRIPTS)
        .select("transcript_id")
        .with_row_index("row")
    )
    exons = known.exons.join(chosen, on="transcript_id", maintain_order="left").select(
        "row", transcript="transcript_id", start=pl.col("exon_start") - 0.5,
        end=pl.col("exon_end") + 0.5,
    )  # fmt: skip
    sites = known.splice_sites().filter(pl.col("gene_id") == gene)
    return exons, sites.select(
        x=pl.col("genomic_position").cast(pl.Int64), site=pl.col("splice_type").cast(pl.String)
    )


def _lane(
    rows: pl.DataFrame, sites: pl.DataFrame, site: str, x: alt.X, zoom: alt.Parameter, least: float
) -> alt.LayerChart:
    """Probabilities of one kind of site, with ticks where it is annotated."""
    alt = altair()
    systems = [name for name in ("base", "final") if f"{name}_{site}" in rows.columns]
    table = rows.select(
        "x", **{name: pl.col(f"{name}_{site}").cast(pl.Float64) for name in systems}
    )
    table = table.filter(pl.any_horizontal(pl.col(systems) >= least))
    colour = COLOURS[site]
    unit = alt.Scale(domain=[-0.12, 1.05], nice=False)
    axis = alt.Axis(values=[0, 0.5, 1], title=f"{site} probability")
    told = [alt.Tooltip("x:Q", format=",d", title="position")]
    told += [alt.Tooltip(f"{name}:Q", format=".3f") for name in systems]
    whole = alt.Chart(data_of(table)).encode(x=x, tooltip=told)
    last = systems[-1]
    stems = whole.mark_rule(color=colour, opacity=0.5).encode(
        y=alt.Y("base:Q", scale=unit, axis=axis),
        **({"y2": alt.Y2(f"{last}:Q")} if last != "base" else {"y2": alt.datum(0)}),
    )
    layers = [stems.add_params(zoom)]
    for name in systems:
        is_last = name == last
        point = whole.mark_point(
            color=colour, filled=is_last, size=34, fill=colour if is_last else "white", opacity=1
        )
        layers.append(point.encode(y=alt.Y(f"{name}:Q", scale=unit, axis=axis)))
    here = sites.filter(pl.col("site") == site).select("x").with_columns(low=-0.04, high=-0.11)
    ticks = alt.Chart(data_of(here)).mark_rule(color="black", strokeWidth=1.5, clip=True)
    layers.append(
        ticks.encode(x=x, y=alt.Y("low:Q", scale=unit, axis=axis), y2=alt.Y2("high:Q"),
                     tooltip=[alt.Tooltip("x:Q", format=",d", title="annotated")])
    )  # fmt: skip
    return alt.layer(*layers).properties(height=130)


def _exons(exons: pl.DataFrame, x: alt.X, first: int, last: int) -> alt.LayerChart:
    """Transcripts below each other."""
    alt = altair()
    kept = exons.filter((pl.col("end") >= first) & (pl.col("start") <= last))
    kept = kept.with_columns(pl.col("start").clip(first, last), pl.col("end").clip(first, last))
    names = exons.sort("row")["transcript"].unique(maintain_order=True).to_list()
    spans = exons.group_by("transcript").agg(
        start=pl.col("start").min().clip(first, last), end=pl.col("end").max().clip(first, last)
    )
    y = alt.Y("transcript:N", sort=names, title=None,
              axis=alt.Axis(labelLimit=150, ticks=False, domain=False))  # fmt: skip
    along = x.copy()
    along.shorthand = "start:Q"
    shown = tips("transcript")
    lines = alt.Chart(data_of(spans)).mark_rule(color=GREY, clip=True)
    boxes = alt.Chart(data_of(kept)).mark_bar(
        color="#333333", height=9, clip=True, stroke="#333333", strokeWidth=0.5
    )
    return alt.layer(
        lines.encode(x=along, x2=alt.X2("end:Q"), y=y, tooltip=shown),
        boxes.encode(x=along, x2=alt.X2("end:Q"), y=y, tooltip=shown),
    ).properties(height=16 * len(names))
