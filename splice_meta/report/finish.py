"""The end of a run: its gene table, reports and metadata."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import polars as pl

from splice_meta.files.ownership import TABLE, is_plain_file
from splice_meta.files.stores import ObjectPath, Place, remove_objects
from splice_meta.pipeline.comparing import compare_scores, said_comparison, warn_of
from splice_meta.pipeline.matching import said_base_model
from splice_meta.report.finished import FinishedRun
from splice_meta.report.html import finish_report
from splice_meta.report.json_text import json_pieces
from splice_meta.report.metadata import run_metadata
from splice_meta.report.summary import RunSummary
from splice_meta.report.text import text_report
from splice_meta.runs.figures import add_changes
from splice_meta.runs.genes import gene_table
from splice_meta.runs.opening import Opened
from splice_meta.runs.outputs import FEATURES, FILE_OF, KEPT, OutputLayout
from splice_meta.runs.planning import Planned
from splice_meta.runs.site_table import finish_sites
from splice_meta.runs.tables import scan_table
from splice_meta.runs.task import Receipt
from splice_meta.runs.truth_bins import add_bins
from splice_meta.runtime.stages import REPORTS, added
from splice_meta.shown import Shown
from splice_meta.sink import write_csv, write_text, write_tsv

log = logging.getLogger("splice_meta")


@dataclass(frozen=True, repr=False)
class RunResult(Shown):
    """What a run came to.

    Attributes:
        layout: Where its files are.
        genes: One row per gene asked for: scenario, status, reason, positions, recalibrated,
            seconds, achieved rate and thresholds.
        report: The plain report.
        summary: The figures of the report.
    """

    layout: OutputLayout
    genes: pl.DataFrame
    report: str
    summary: RunSummary

    def _facts(self) -> list[tuple[str, str]]:
        return [*self.summary.lines(), ("Tables", str(self.layout.predictions))]

    @property
    def failed(self) -> int:
        """Number of genes that could not be done."""
        return self.genes.filter(pl.col("status") == "failed").height

    def predictions(self) -> pl.LazyFrame:
        """The complete-coverage predictions, lazily; one row per nucleotide in input order."""
        return scan_table(self.layout, "complete")


def finish(
    opened: Opened,
    plan: Planned,
    made: Sequence[Receipt],
    seconds: float,
    warnings: tuple[str, ...],
    spent: Mapping[str, float],
    pages: Sequence[str] | None = None,
) -> RunResult:
    """Write the reports, the gene manifest and the metadata.

    Args:
        opened: The run.
        plan: What it had to do.
        made: The receipts of the shards that it made.
        seconds: What it took.
        warnings: What was said while it was opened.
        spent: Seconds by stage outside its shards.
        pages: The genes that get a page in the HTML report; None for those that changed most.
    """
    begun = time.perf_counter()
    task, scored, fills = plan.task, plan.scored, plan.fills
    layout, settings, model = task.layout, task.settings, task.model
    receipts = sorted([*plan.taken, *made], key=lambda receipt: receipt.shard.number)
    genes = gene_table(task.scores, receipts, opened.seen, scored)
    remove_strays(layout, receipts)
    genes, sites = finish_sites(layout, genes)
    gains = model.gains() if model and fills else {}
    compared = compare_scores(model, (receipt.beside for receipt in receipts))
    summary = RunSummary(
        mode=settings.mode,
        selection=settings.selection,
        model=model.source or "given as an object" if model else "none",
        genes=genes,
        shards=len(receipts),
        taken=len(plan.taken),
        seconds=seconds,
        fills=tuple(fills.messages()) if fills is not None else (),
        filled_gain_share=fills.gain_share(gains) if fills else 0.0,
        predictions=layout.predictions,
        features=len(model.manifest.names) if model else 0,
        filled=len(fills.values) if fills else 0,
        own=fills.own if fills is not None else (),
        base_scores=said_base_model(model, task.scores),
        comparison=said_comparison(compared),
        warnings=(*warnings, *warn_of(compared)),
        stages=added(spent, *(receipt.stages for receipt in receipts)),
        threshold=settings.site_threshold,
        scored=f"{len(scored.genes):,} genes, {scored.positions:,} positions, by "
        f"{' and '.join(scored.by)}"
        if scored.genes
        else "",
    )
    changes = add_changes(receipt.changes for receipt in receipts)
    bins, truth = add_bins((receipt.bins, receipt.truth) for receipt in receipts)
    record = run_metadata(task, summary, opened.reference, scored, changes)
    record |= {"truth": truth, "bins": bins}
    annotation = opened.reference.annotation if opened.reference is not None else None
    with ThreadPoolExecutor(1) as beside:  # the page is made while these files are flushed
        written = beside.submit(_write_tables, layout, genes, sites, record)
        finish_report(FinishedRun(layout, record, genes, sites, bins), pages, annotation, model)
        written.result()
    took = {REPORTS: time.perf_counter() - begun}
    summary = replace(summary, stages=added(summary.stages, took))
    report = text_report(summary)
    write_text(layout.report_text, report)
    log.info("Done in %.1f s; %d genes failed", seconds, summary.failed)
    return RunResult(layout, genes, report, summary)


def _write_tables(
    layout: OutputLayout, genes: pl.DataFrame, sites: pl.DataFrame, record: Mapping[str, Any]
) -> None:
    """Write the sites as text, the gene manifest and the metadata."""
    if (genes["status"] == "done").any():
        write_tsv(layout.sites_text, sites)
    write_text(layout.gene_manifest, json_pieces({"run": layout.run_name, "genes": genes}))
    write_csv(layout.manifest_csv, genes)
    write_text(layout.metadata, json_pieces(record))


def remove_strays(layout: OutputLayout, receipts: Sequence[Receipt]) -> None:
    """Remove files of a table's name that no shard of the finished run has written.

    Who reads the folder of a table takes each of them for a part. Other tables in it are not
    ours, and only named.

    Args:
        layout: Where the run's files lie.
        receipts: What all its shards wrote.
    """
    listed = {f"{layout.home(part.table)}/{part.path}" for each in receipts for part in each.parts}
    if isinstance(layout.predictions, ObjectPath):
        names = {str(each): each for each in layout.predictions.files()}
        remove_objects([each for n, each in names.items() if _is_part(each) and n not in listed])
    tables = [layout.predictions / file for file in FILE_OF.values()]
    tables += [layout.features(0, 1), layout.master(0).parent] if layout.artifacts else []
    for table in tables:
        if isinstance(table, Path):
            for path in sorted(table.iterdir()) if table.is_dir() else [table]:
                _remove_stray(path, listed)


def _remove_stray(path: Path, listed: set[str]) -> None:
    if not is_plain_file(path) or path.suffix != ".parquet" or str(path) in listed:
        return
    if _is_part(path):
        log.warning("%s was not written by this run; it was removed.", path)
        path.unlink()
    else:
        log.warning("%s is not part of this table, but readers of the folder will read it.", path)


def _is_part(path: Place) -> bool:
    """Whether a name is that of a table, or of a part of one."""
    patterns = (*TABLE.files, *KEPT["master"].files, *FILE_OF.values(), FEATURES)
    return any(fnmatchcase(path.name, pattern) for pattern in patterns)
