"""What a meta-model is to learn from, opened and checked before anything long is done."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from splice_meta.errors import UsageError
from splice_meta.manifest import FeatureManifest
from splice_meta.pipeline.matrix import fills_of
from splice_meta.provenance import MadeBy, trained_chroms
from splice_meta.reference.reference import Reference
from splice_meta.settings import FeatureSettings
from splice_meta.sources.asked import as_in_scores
from splice_meta.sources.base_scores import open_scores
from splice_meta.sources.one_table import check_label
from splice_meta.sources.opened import BaseScores
from splice_meta.sources.unreadable import readable
from splice_meta.training.features import training_manifest
from splice_meta.training.rows import check_usage
from splice_meta.training.splits import gene_places

log = logging.getLogger("splice_meta")


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is learned from.

    Attributes:
        scores: Checked base scores of the training genes.
        manifest: The features that can be made from them.
        test: Checked base scores of the test genes, or None.
        places: Where the genes lie, see :func:`splice_meta.training.splits.gene_places`.
        base_models: The base models, the primary one first.
        base_trained: Chromosomes they were trained on, without "chr"; None where not known.
    """

    scores: BaseScores
    manifest: FeatureManifest
    test: BaseScores | None
    places: pl.DataFrame
    base_models: tuple[str, ...]
    base_trained: frozenset[str] | None = None

    @property
    def base_trained_genes(self) -> list[str]:
        """The genes on chromosomes that the base models are known to be trained on."""
        bare = pl.col("chrom").str.strip_prefix("chr")
        on_them = bare.is_in(sorted(self.base_trained or ())).fill_null(False)
        return self.places.filter(on_them)["gene_id"].to_list()


def open_training(
    scores: Any,
    *,
    manifest: str | Path | FeatureManifest = "extended",
    genes: str | Sequence[str] | None = None,
    leave_out: Sequence[str] = (),
    test_chroms: Sequence[str] = (),
    base_model: str = "",
    annotation_features: bool = False,
    reference: Reference | None = None,
    base_trained_chroms: Sequence[str] | None = None,
    own: Sequence[str] = (),
) -> Subject:
    """Open and check what a model is to learn from, before anything long is done.

    Args:
        scores: As for :func:`train`, like the other arguments.
        manifest: The features.
        genes: Only these genes.
        leave_out: Not these genes.
        test_chroms: Not the genes on these chromosomes.
        base_model: Name of the base model.
        annotation_features: Keep the features of the annotation.
        reference: Annotation, from which the truth comes then, and sequence.
        base_trained_chroms: Chromosomes the base models were trained on.
        own: Columns of the scores that are features.
    """
    truth = reference is not None and reference.annotation is not None

    def opened_of(names: Sequence[str] | None) -> BaseScores:
        return open_scores(scores, names, reference, truth, also=own)

    opened = opened_of([genes] if isinstance(genes, str) else genes)
    for gene in opened.absent:
        log.warning("Gene %s has no base scores.", gene)
    with readable():
        places = gene_places(opened).sort("gene_id")
    if leave_out and reference is not None and reference.annotation is not None:
        leave_out = as_in_scores(leave_out, opened.frame, reference.annotation)
    for gene in leave_out:
        if gene not in places["gene_id"]:
            log.warning("Gene %s, to be left out, has no base scores.", gene)
    allowed = places.filter(~pl.col("gene_id").is_in(list(leave_out)))
    kept = _without(allowed, test_chroms) if test_chroms else allowed
    left = allowed.join(kept, on="gene_id", how="anti", maintain_order="left")
    test = opened_of(left["gene_id"].to_list()) if left.height else None
    if kept.height < places.height:
        opened = opened_of(kept["gene_id"].to_list())
    check_usage(opened)
    columns = opened.batch(0, 1).collect_schema().names()
    if opened.gene_values is not None:
        columns += opened.gene_values.columns[1:]
    listed = training_manifest(manifest, opened.names, columns, annotation_features, own)
    fills = fills_of(opened, listed, FeatureSettings())
    for message in fills.messages():
        log.warning("Left out of the model: %s", message)
    made = replace(listed, names=tuple(n for n in listed.names if n not in fills.values))
    names = opened.names or _base_model(base_model, opened.made_by)
    return Subject(
        scores=opened, manifest=made, test=test, places=kept, base_models=names,
        base_trained=_base_trained(base_trained_chroms, names, places),
    )  # fmt: skip


def _base_trained(
    said: Sequence[str] | None, base_models: Sequence[str], places: pl.DataFrame
) -> frozenset[str] | None:
    """The chromosomes the base models were trained on: as said, or as known of them.

    Raises:
        UsageError: If one that is said is not among the genes' chromosomes.
    """
    if said is None:
        return trained_chroms(base_models)
    bare = frozenset(chrom.removeprefix("chr") for chrom in said)
    there = set(places["chrom"].drop_nulls().str.strip_prefix("chr"))
    if not there or (bare and not bare & there):
        raise UsageError(
            "No gene lies on a chromosome that the base models are said to be trained on "
            f"({', '.join(sorted(bare))}).",
            "Check the names against the chrom column of the scores.",
        )
    return bare


def _base_model(name: str, made_by: MadeBy | None) -> tuple[str, ...]:
    """What to call the base model of scores that have no name: as asked for, or as they say."""
    if not name:
        return (made_by.base_model,) if made_by is not None else ()
    check_label(name, made_by)
    return (name,)


def _without(places: pl.DataFrame, chroms: Sequence[str]) -> pl.DataFrame:
    """The genes on other chromosomes; names match with or without "chr"."""
    bare = {chrom.removeprefix("chr") for chrom in chroms}
    named = pl.col("chrom").str.strip_prefix("chr")
    unknown = sorted(bare - set(places.select(named).to_series().drop_nulls()))
    if unknown:
        raise UsageError(
            f"No gene lies on the test chromosome {', '.join(unknown)}.",
            "Check the names against the chrom column of the scores.",
        )
    kept = places.filter(~named.is_in(sorted(bare)).fill_null(False))
    if kept.is_empty():
        raise UsageError("All genes lie on test chromosomes.", "Leave some to train on.")
    return kept
