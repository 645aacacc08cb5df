"""Why the sites of a finished run changed: the strongest contributions to each."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import polars as pl

from splice_meta.errors import SpliceMetaError
from splice_meta.evaluation.explain import explain
from splice_meta.reference.annotation import Annotation
from splice_meta.report.finished import FinishedRun
from splice_meta.report.gene import GeneView
from splice_meta.runs.tables import scan_genes

log = logging.getLogger("splice_meta")

EXPLAINED = 40
"""Most sites of a gene whose contributions are computed."""

STRONGEST = 4
"""Contributions that are shown of each."""


def explain_sites(
    run: FinishedRun, views: Sequence[GeneView], model: Any, annotation: Annotation | None
) -> tuple[dict[tuple[str, int, str], str], str]:
    """The strongest contributions to each changed site of some genes.

    Args:
        run: The run; it must have its base table.
        views: The genes.
        model: The meta-model, or where it lies.
        annotation: For genomic features.

    Returns:
        Sentences by gene, position and type; and why there are none, empty where there are.
    """
    changed = [
        (view.gene_id, site["position"], site["type"])
        for view in views
        for site in view.sites.filter(pl.col("fate") != "kept")
        .sort(pl.col("change").abs(), descending=True)
        .head(EXPLAINED)
        .iter_rows(named=True)
    ]
    if not changed:
        return {}, ""
    if model is None:
        return {}, "The run had no meta-model."
    try:
        genes = [view.gene_id for view in views]
        rows = scan_genes(run.layout, "base", genes).collect()
        places = list(dict.fromkeys(f"{gene}:{place}" for gene, place, _ in changed))
        found = explain(rows, model, places, annotation=annotation)
    except SpliceMetaError as error:
        log.debug("Sites are not explained: %s", error)
        return {}, f"Contributions are not shown: {error.message}"
    return {key: _sentence(found, *key) for key in changed}, ""


def _sentence(found: pl.DataFrame, gene: str, position: int, kind: str) -> str:
    rows = found.filter(
        pl.col("gene_id") == gene, pl.col("position") == position, pl.col("class") == kind,
        ~pl.col("feature").is_in(["bias", "base model"]),
    )  # fmt: skip
    strongest = rows.head(STRONGEST).select("feature", "value", "contribution")
    return ", ".join(
        f"{name}{'' if value is None else f' = {_short(value)}'} ({given:+.2f})"
        for name, value, given in strongest.iter_rows()
    )


def _short(value: float) -> str:
    """Three digits; whole thousands are not rounded to powers of ten."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
