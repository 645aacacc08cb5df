"""The tables of the run's page: genes and sites."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from splice_meta.report.finished import FinishedRun
from splice_meta.report.markup import Column, escape, table
from splice_meta.report.site_table import NEAREST, sites_table

SITES = 1_000
"""Most sites that the page lists."""

GENES = 2_000
"""Most genes that the page lists."""

_COUNTS = {
    "positions": "positions", "recalibrated": "recalibrated", "meet a criterion": "with_criteria",
    "moved": "moved", "base sites": "base_sites", "final sites": "final_sites",
    "gained": "gained", "lost": "lost", "annotated": "annotated",
}  # fmt: skip
"""Where the numbers of the gene table stand in the run's, by head."""


def genes_table(run: FinishedRun, pages: Mapping[str, str]) -> str:
    """The genes: those that failed, then those with the most gained and lost sites.

    Args:
        run: The run.
        pages: The names of the genes' pages.
    """
    named = dict(run.sites.select("gene_id", "gene_name").drop_nulls().unique().rows())
    order = [pl.col("status") == "failed", pl.col("gained") + pl.col("lost")]
    shown = run.genes.sort(order, descending=True, nulls_last=True, maintain_order=True).head(GENES)
    known = {head: name for head, name in _COUNTS.items() if _is_known(run.genes, name)}
    rows = [
        [_linked(row["gene_id"], named.get(row["gene_id"], ""), pages), *_cells(row, known)]
        for row in shown.iter_rows(named=True)
    ]
    left_out = run.genes.height - shown.height
    told = (
        f" {shown.height:,} of {run.genes.height:,} are listed, those with the most gained and "
        "lost sites; all are in gene_manifest.json."
        if left_out
        else ""
    )
    columns = [Column("gene", True), Column("case", True), *map(Column, known)]
    return (
        '<h2>Genes</h2><p class="note">Case 1: the model was trained on the gene; 2A: it was not; '
        "2B: no base scores at first. Recalibrated: the meta-model ran there; with adaptive tuning "
        "that is the share asked for, whether or not a position meets a criterion of uncertainty. "
        f"Moved: by more than 0.05.{told}</p>" + table(columns, rows, "genes")
    )


def _cells(row: dict[str, Any], known: Mapping[str, str]) -> list[str]:
    if row["status"] == "failed":  # the reason takes the place of all numbers
        return [f'<span class="failed">failed: {escape(row["reason"])}</span>']
    counts = (row[name] for name in known.values())
    return [escape(row["scenario"]), *("" if each is None else f"{each:,}" for each in counts)]


def _is_known(genes: pl.DataFrame, name: str) -> bool:
    return name != "annotated" or genes[name].null_count() < genes.height


def listed_sites(run: FinishedRun, sites: pl.DataFrame, pages: Mapping[str, str]) -> str:
    """The sites.

    Args:
        run: The run.
        sites: All or some of its sites, the most important first.
        pages: The names of the genes' pages.
    """
    shown, total = sites.head(SITES), run.sites.height
    head = "<h2>Sites</h2>"
    if not total:
        return f'{head}<p class="note">No position is called, and none changed by 0.1.</p>'
    genes = [
        _linked(gene, name or "", pages)
        for gene, name in shown.select("gene_id", "gene_name").iter_rows()
    ]
    told = (
        f"{shown.height:,} of {total:,} are listed: gained and lost ones first, then those that "
        "changed most. "
        if total > shown.height
        else ""
    )
    nearest = NEAREST if run.sites["distance"].count() else ""
    return (
        f'{head}<p class="note">{told}{nearest}All are in sites.tsv and '
        "sites.parquet next to the tables. A site is called at a probability of "
        f"{run.threshold:g} or more; others are listed if they changed by at least 0.1.</p>"
        + sites_table(shown, "genomic_position" in shown.columns, "sites", genes)
    )


def _linked(gene: str, name: str, pages: Mapping[str, str]) -> str:
    label = escape(f"{name} ({gene})" if name else gene)
    return f'<a href="#{escape(pages[gene])}">{label}</a>' if gene in pages else label
