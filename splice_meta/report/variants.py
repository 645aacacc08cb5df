"""The report of variants as one page: a list, and a page for each of those that change most."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from splice_meta.alleles.layout import Layout
from splice_meta.alleles.results import open_results
from splice_meta.errors import InputError
from splice_meta.plots.library import HOW_TO, has_plots
from splice_meta.records import read_record
from splice_meta.reference.annotation import Annotation, open_annotation
from splice_meta.report.markup import Charts, document, items
from splice_meta.report.variant import view_variants
from splice_meta.report.variant_page import list_page, variant_page
from splice_meta.sink import write_text

PAGES = 50
"""Pairs of a variant and a gene that get a page: those that change most."""

NAME = "report.html"


def write_variants_report(
    folder: str | Path,
    annotation: str | Path | Annotation | None = None,
    *,
    output: Path | None = None,
    most: int = PAGES,
) -> Path:
    """Make the HTML report of variants.

    Args:
        folder: The output folder of ``splice-meta variants``.
        annotation: Where exons and annotated sites come from; None for none.
        output: Where the page goes; by default ``report.html`` in the folder.
        most: How many pairs of a variant and a gene get a page.

    Returns:
        Where it is.

    Raises:
        InputError: If there are no results, or the annotation cannot be read.
    """
    results = open_results(folder)
    settings = read_record(
        Layout(results.path).record, InputError, "Make them again with --overwrite."
    ).at("settings")
    rows = results.summary().collect()
    layer = "final" if "final_largest" in rows.columns else "base"
    shown = rows.filter(pl.col("reason").is_null()).top_k(most, by=f"{layer}_largest")
    shown = shown.sort(f"{layer}_largest", "variant", descending=[True, False])
    known = open_annotation(annotation) if isinstance(annotation, (str, Path)) else annotation
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
