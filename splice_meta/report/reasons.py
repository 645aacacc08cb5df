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
    return _sentences(found, changed), ""


def _sentences(
    found: pl.DataFrame, changed: Sequence[tuple[str, int, str]]
) -> dict[tuple[str, int, str], str]:
    """The strongest contributions to each changed site, in words."""
    keys = ["gene_id", "position", "class"]
    sites = pl.DataFrame(changed, dict(zip(keys, found.select(keys).dtypes, strict=True)),
                         orient="row")  # fmt: skip
    strongest = (
        found.lazy()
        .filter(~pl.col("feature").is_in(["bias", "base model"]))
        .join(sites.lazy(), on=keys, how="semi", maintain_order="left")
        .group_by(keys, maintain_order=True)
        .head(STRONGEST)
        .select(*keys, "feature", "value", "contribution")
        .collect()
    )
    told: dict[tuple[str, int, str], list[str]] = {}
    for gene, position, kind, name, value, given in strongest.iter_rows():
        shown = "" if value is None else f" = {_short(value)}"
        told.setdefault((gene, position, kind), []).append(f"{name}{shown} ({given:+.2f})")
    return {key: ", ".join(words) for key, words in told.items()}


def _short(value: float) -> str:
    """Three digits; whole thousands are not rounded to powers of ten."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
