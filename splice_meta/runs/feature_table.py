"""Writing the feature matrix of a manifest, gene batch by gene batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from splice_meta.contracts import with_axis
from splice_meta.files.ownership import TABLE, refuse_file
from splice_meta.harmonize import Fills
from splice_meta.manifest import FeatureManifest, load_manifest
from splice_meta.model.bundle import MetaModel
from splice_meta.pipeline.matching import fitting, require_base_models, sources_for
from splice_meta.pipeline.matrix import feature_bytes, fills_of, harmonize_plan
from splice_meta.reference.reference import Reference
from splice_meta.runs.outputs import part_of
from splice_meta.runs.tables import scan_parts
from splice_meta.selection import mark_uncertain
from splice_meta.settings import FeatureSettings, Selection
from splice_meta.sink import sink_parquet, whole_file
from splice_meta.sources.base_scores import open_scores


@dataclass(frozen=True)
class WrittenFeatures:
    """What was written.

    Attributes:
        rows: Rows over all parts.
        manifest: The features.
        fills: Features that were filled with a constant.
        absent: Genes asked for that have no scores.
    """

    rows: int
    manifest: FeatureManifest
    fills: Fills
    absent: list[str]


def write_features(
    scores: Any,
    manifest: str | Path | FeatureManifest | MetaModel,
    output: Path,
    genes: Sequence[str] | None = None,
    uncertain_only: bool = False,
    memory: int = 1 << 30,
    reference: Reference | None = None,
) -> WrittenFeatures:
    """Write ``gene_id``, ``position`` and the manifest's columns, in input order.

    Args:
        scores: Base scores, anything :func:`splice_meta.scan_scores` reads.
        manifest: Which features, as for :func:`splice_meta.load_manifest`; or those of a model, of
            whose base models the scores must be.
        output: A Parquet file; a directory of part files if the genes do not fit the memory
            budget at once.
        genes: Only these genes.
        uncertain_only: Only the positions that the default selection picks.
        memory: Budget of one gene batch in bytes.
        reference: Annotation and sequence.

    Raises:
        OutputError: If the output cannot be written, or what is there is no table. What was there
            before is replaced only when everything is written.
    """
    model = None
    if isinstance(manifest, MetaModel):
        model = fitting(manifest, scores) or manifest
        manifest = model.manifest
    opened = open_scores(sources_for(scores, model), genes, reference)
    require_base_models(model, opened)
    listed = load_manifest(manifest, opened.several)
    settings, selection = FeatureSettings(), Selection()
    fills = fills_of(opened, listed, settings)
    share = selection.target_rate if uncertain_only else 1.0
    batches = list(opened.batches(memory, feature_bytes(len(listed.names), share)))
    rows = 0
    if len(batches) > 1:
        refuse_file(output)
    with whole_file(output, TABLE) as target:
        for number, (first, stop) in enumerate(batches):
            axis = with_axis(opened.batch(first, stop))
            marked = mark_uncertain(axis, selection) if uncertain_only else axis
            picked = "is_uncertain" if uncertain_only else None
            part = part_of(target, number, len(batches))
            values = opened.gene_values
            plan = harmonize_plan(marked, listed, settings, picked, gene_values=values)
            sink_parquet(plan, part, made_by=opened.made_by)
            rows += int(scan_parts(part).select(pl.len()).collect().item())
    return WrittenFeatures(rows, listed, fills, opened.absent)
