"""The page of the run: figures, warnings, charts, genes, sites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from splice_meta.report.finished import FinishedRun
from splice_meta.report.markup import Charts, escape, items, pairs
from splice_meta.report.run_drawn import (
    IS_CHANGED,
    POINTS,
    changes_drawn,
    fates_drawn,
    truth_drawn,
)
from splice_meta.report.run_tables import genes_table, listed_sites


def run_page(
    run: FinishedRun, charts: Charts, pages: Mapping[str, str], notes: Sequence[str]
) -> str:
    """The section of the run.

    Args:
        run: The run.
        charts: Takes its charts.
        pages: The names of the genes' pages.
        notes: Further remarks.
    """
    record = run.record
    sites = _chosen_sites(run)
    warnings = [_failed(run), *record.get("warnings", []), record.get("skew")]
    warnings = list(filter(None, warnings))
    fills = record.get("filled_features", [])
    parts = [
        '<section class="page" id="run"><h1>Splice-site recalibration</h1>',
        f'<p class="note">{escape(_made(run))}</p>',
        _headline(run),
        f'<div class="warnings"><h2>Warnings</h2>{items(warnings)}</div>' if warnings else "",
        items(notes) if notes else "",
        "<h2>The run</h2>",
        pairs(tuple(pair) for pair in record["summary"]),
        f"<details><summary>Filled features</summary>{items(fills)}</details>" if fills else "",
        _details(run),
        changes_drawn(run, charts, sites),
        fates_drawn(run, charts),
        truth_drawn(run, charts),
        genes_table(run, pages),
        listed_sites(run, sites, pages),
        "</section>",
    ]
    return "\n".join(filter(None, parts))


def _failed(run: FinishedRun) -> str:
    count = run.genes.filter(pl.col("status") == "failed").height
    genes = f"{count:,} of {run.genes.height:,} genes"
    return f"{genes} failed; why is in the table of genes, below." if count else ""


def _made(run: FinishedRun) -> str:
    record = run.record
    version = record.get("versions", {}).get("splice_meta", "")
    command = record.get("command", "")
    return f"{run.layout.run_name}, {record.get('finished', '')}, splice_meta {version}" + (
        f": {command}" if command else ""
    )


def _total(run: FinishedRun, name: str) -> int:
    return int(run.genes[name].sum())


def _headline(run: FinishedRun) -> str:
    known = run.genes["annotated"].drop_nulls().len() > 0

    def of(name: str) -> str:
        is_told = known and _total(run, name)
        return f"{name}, {_total(run, f'{name}_annotated'):,} annotated" if is_told else name

    genes = run.genes.filter(pl.col("status") == "done").height
    figures = [
        (_total(run, "base_sites"), "sites called by the base model"),
        (_total(run, "final_sites"), "sites called by final probabilities"),
        (_total(run, "gained"), of("gained")),
        (_total(run, "lost"), of("lost")),
        (_total(run, "moved"), "positions moved by more than 0.05"),
        (_total(run, "positions"), f"positions of {genes:,} gene{'s' if genes != 1 else ''}"),
    ]
    cells = "".join(
        f'<div class="figure"><b>{count:,}</b><span>{escape(label)}</span></div>'
        for count, label in figures
    )
    return f'<div class="figures">{cells}</div>'


def _details(run: FinishedRun) -> str:
    record = run.record
    inputs = [str(each.get("source", "")) for each in record.get("inputs", [])]
    reference = [str(each.get("source", "")) for each in record.get("reference") or []]
    settings = record["settings"]
    chosen = {**settings["selection"], "mode": settings["mode"], "site threshold": run.threshold}
    model = [tuple(pair) for pair in (record.get("model") or {}).get("card", [])]
    rows = [
        ("Scores", ", ".join(inputs[:20]) + (" ..." if len(inputs) > 20 else "")),
        ("Annotation, sequence", ", ".join(reference) or "none"),
        ("Settings", ", ".join(f"{name} {value}" for name, value in chosen.items())),
    ]
    return (
        f"<details><summary>Inputs and settings</summary>{pairs(rows)}</details>"
        + (f"<details><summary>The model</summary>{pairs(model)}</details>" if model else "")
    )  # fmt: skip


def _chosen_sites(run: FinishedRun) -> pl.DataFrame:
    """The sites that are shown: gained and lost first, then by how much they changed."""
    is_changed = run.sites.select(IS_CHANGED).to_series().to_numpy()
    # In numpy, in a third of the time that Polars takes for two keys and all columns.
    order = np.lexsort((-np.abs(run.sites["change"].to_numpy()), ~is_changed))
    return run.sites[order[:POINTS]]
