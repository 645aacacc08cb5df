"""The report of a run as one page: the run, and a page for each chosen gene.

It is a file of its own: charts are Vega specifications with their data, Vega's library stands in
the page, and its policy forbids to load anything.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from splice_meta.errors import InputError, SpliceMetaError
from splice_meta.files.stores import Place
from splice_meta.plots.library import HOW_TO, has_plots
from splice_meta.reference.annotation import Annotation, open_annotation
from splice_meta.report.finished import FinishedRun, chosen_genes, open_finished
from splice_meta.report.gene import rows_of_genes, view_gene
from splice_meta.report.gene_page import gene_page, page_name
from splice_meta.report.markup import Charts, document, escape
from splice_meta.report.reasons import explain_sites
from splice_meta.report.run_page import run_page
from splice_meta.runs.found import latest_ended
from splice_meta.runs.latest import publish
from splice_meta.sink import write_text

log = logging.getLogger("splice_meta")

PAGES = 6
"""Genes that get a page where none are asked for."""


def write_report(
    source: str | Path,
    genes: Sequence[str] | None = None,
    *,
    annotation: str | Path | Annotation | None = None,
    model: Any = None,
    output: Path | None = None,
    most: int = PAGES,
) -> Place:
    """Make the HTML report of a finished run.

    Args:
        source: The output directory of the run or the folder of its tables, here or in an object
            store.
        genes: Ids or names of the genes that get a page; by default those with the most gained
            and lost sites.
        annotation: Where exons come from; by default what the run was given, if it is there.
        model: For contributions; by default the run's, if it is there.
        output: Where the page goes; by default the run's ``report.html``, which is
            copied to the top of the output directory where the run is the latest.
        most: How many genes get a page where none are asked for.

    Returns:
        Where it is.

    Raises:
        InputError: If there is no finished run, or it has not done a gene asked for.
    """
    run = open_finished(source)
    target = output if output is not None else run.layout.report_html
    write_text(target, page_of(run, chosen_genes(run, genes, most), annotation, model))
    if output is None and latest_ended(run.layout.root) == run.layout.run_name:
        publish(run.layout, ["report.html"])
    return target


def finish_report(
    run: FinishedRun, genes: Sequence[str] | None, annotation: Annotation | None, model: Any
) -> None:
    """Make the HTML report of a run that is ending, from what is in memory.

    Args:
        run: The run.
        genes: As for :func:`write_report`; warned of rather than refused where the run has not
            done one.
        annotation: The run's.
        model: The run's.
    """
    try:
        chosen = chosen_genes(run, genes, PAGES)
    except InputError as error:
        log.warning("%s The report has the genes that changed most.", error.message)
        chosen = chosen_genes(run, None, PAGES)
    write_text(run.layout.report_html, page_of(run, chosen, annotation, model))


def page_of(
    run: FinishedRun,
    chosen: Sequence[str],
    annotation: str | Path | Annotation | None,
    model: Any,
) -> Sequence[str]:
    """The page, in pieces.

    Args:
        run: The run.
        chosen: The genes that get a page.
        annotation: As for :func:`write_report`.
        model: As for :func:`write_report`.
    """
    exons = _annotation(run, annotation) if chosen else None
    rows = rows_of_genes(run, chosen)
    views = [view_gene(run, gene, rows.get(gene), exons) for gene in chosen]
    record = run.record.get("model") or {}
    reasons, lacking = explain_sites(run, views, model or record.get("source"), exons)
    charts = Charts(has_plots())
    notes = [] if charts.has_plots else [HOW_TO]
    notes += [lacking] if lacking else []
    links = [("The run", "run"), *((v.name or v.gene_id, page_name(v.gene_id)) for v in views)]
    nav = "".join(f'<a href="#{escape(name)}">{escape(label)}</a>' for label, name in links)
    body = [
        f'<nav aria-label="Pages">{nav}</nav><main>',
        run_page(run, charts, {v.gene_id: page_name(v.gene_id) for v in views}, notes),
        *(gene_page(view, charts, reasons) for view in views),
        "</main>",
    ]
    return list(document(f"splice_meta: {run.layout.run_name}", "\n".join(body), charts))


def _annotation(run: FinishedRun, given: str | Path | Annotation | None) -> Annotation | None:
    """The annotation that is given, or else the run's own where it is still there."""
    if isinstance(given, Annotation):
        return given
    if given is not None:
        return open_annotation(given)
    source = run.record.get("annotation")
    if not isinstance(source, str) or not Path(source).is_file():
        return None
    try:
        return open_annotation(source)
    except SpliceMetaError as error:
        log.warning("The run's annotation cannot be read: %s", error.message)
        return None
