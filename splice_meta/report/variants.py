"""The report of variants as one page: a list, and a page for each of those that change most."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from splice_meta.alleles.deltas import ranking_of
from splice_meta.alleles.layout import Layout
from splice_meta.alleles.results import open_results
from splice_meta.errors import InputError, SpliceMetaError
from splice_meta.files.records import Entry, read_record
from splice_meta.plots.library import HOW_TO, has_plots
from splice_meta.reference.annotation import Annotation, open_annotation
from splice_meta.report.markup import Charts, document, items
from splice_meta.report.variant import view_variants
from splice_meta.report.variant_page import list_page, variant_page
from splice_meta.sink import write_text

log = logging.getLogger("splice_meta")

PAGES = 50
"""Pairs of a variant and a gene that get a page: those that change most."""

NAME = "report.html"


def write_variants_report(
    folder: str | Path,
    genes: Sequence[str] | None = None,
    *,
    annotation: str | Path | Annotation | None = None,
    output: Path | None = None,
    most: int = PAGES,
) -> Path:
    """Make the HTML report of variants.

    Args:
        folder: The output folder of ``splice-meta variants``.
        genes: Ids or names of the genes whose variants get a page; by default any.
        annotation: Where exons and annotated sites come from; by default what the variants were
            scored with, if it is there.
        output: Where the page goes; by default ``report.html`` in the folder.
        most: How many pairs of a variant and a gene get a page: those that change most.

    Returns:
        Where it is.

    Raises:
        InputError: If there are no results, or none of a gene asked for, or the annotation that
            is given cannot be read.
    """
    results = open_results(folder)
    record = read_record(
        Layout(results.path).record, InputError, "Make them again with --overwrite."
    )
    settings = record.at("settings")
    rows = results.summary().collect()
    chosen = _of_genes(rows.filter(pl.col("reason").is_null()), genes, results.path)
    shown = chosen.sort(ranking_of(rows.columns), "variant", descending=[True, False]).head(most)
    known = _annotation(record, annotation)
    numbers = {
        "distance_used": settings.at("distance_used").whole(),
        "threshold": settings.at("threshold").number(),
    }
    views = view_variants(results, shown, known, numbers)
    charts = Charts(has_plots())
    left_out = [f"{count:,} left out: {reason}" for reason, count in results.left_out.items()]
    notes = left_out + ([] if charts.has_plots else [HOW_TO])
    body = [
        '<nav aria-label="Pages"><a href="#variants">Variants</a></nav><main>',
        list_page(views, rows, items(notes) if notes else ""),
        *(variant_page(view, charts) for view in views),
        "</main>",
    ]
    target = output or results.path / NAME
    write_text(target, document("splice_meta: variants", "\n".join(body), charts))
    return target


def _of_genes(rows: pl.DataFrame, genes: Sequence[str] | None, folder: Path) -> pl.DataFrame:
    """The rows of some genes."""
    if genes is None:
        return rows
    for gene in genes:
        if gene not in rows["gene_id"] and gene not in rows["gene_name"]:
            raise InputError(
                f"{folder} has no variant in gene {gene}.", "Leave the gene out, or check its name."
            )
    return rows.filter(pl.col("gene_id").is_in(genes) | pl.col("gene_name").is_in(genes))


def _annotation(record: Entry, given: str | Path | Annotation | None) -> Annotation | None:
    """The annotation that is given, or else what the variants were scored with, if it is there."""
    if isinstance(given, Annotation):
        return given
    if given is not None:
        return open_annotation(given)
    found = record.at("inputs").find("annotation")
    source = found.value.get("source") if found and isinstance(found.value, dict) else None
    if not isinstance(source, str) or not Path(source).is_file():
        return None
    try:
        return open_annotation(source)
    except SpliceMetaError as error:
        log.warning("The annotation of the variants cannot be read: %s", error.message)
        return None
