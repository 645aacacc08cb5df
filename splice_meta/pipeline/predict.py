"""From scores and model to predictions in memory; what a model asks of scores."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from splice_meta.errors import UsageError
from splice_meta.model.bundle import MetaModel
from splice_meta.model.load import load_model
from splice_meta.pipeline.batch import predict_genes
from splice_meta.pipeline.comparing import compare_scores, count_scores, warn_of
from splice_meta.pipeline.matching import fitting, require_base_models, sources_for
from splice_meta.pipeline.matrix import fills_of
from splice_meta.pipeline.memory import bytes_per_position
from splice_meta.reference.annotation import Annotation
from splice_meta.reference.reference import open_reference
from splice_meta.reference.sequence import Genome
from splice_meta.runtime.panics import plain_panics
from splice_meta.settings import Columns, FeatureSettings, Mode, RunSettings, Selection
from splice_meta.sink import as_text
from splice_meta.sources.base_scores import open_scores

log = logging.getLogger("splice_meta")


def require_model(model: Any, mode: Mode, trust_pickle: bool = False) -> MetaModel | None:
    """Load the model where the mode needs one.

    Args:
        model: A model or where it lies.
        mode: ``base_only`` needs none.
        trust_pickle: Allow pickled models, through an allow-list.

    Raises:
        UsageError: If there is none.
    """
    if model is None and mode != "base_only":
        raise UsageError(f"The mode {mode} needs a model.", "Give a model, or use base_only.")
    return (
        None
        if model is None or mode == "base_only"
        else load_model(model, trust_pickle=trust_pickle)
    )


@plain_panics()
def predict(
    scores: Any,
    model: Any = None,
    *,
    mode: Mode | None = None,
    selection: Selection | None = None,
    features: FeatureSettings | None = None,
    columns: Columns | None = None,
    genes: str | Sequence[str] | None = None,
    settings: RunSettings | None = None,
    annotation: str | Path | Annotation | None = None,
    fasta: str | Path | Genome | None = None,
) -> pl.DataFrame:
    """Complete-coverage predictions, one row per nucleotide, in input order.

    Args:
        scores: Base scores, anything :func:`splice_meta.scan_scores` reads. They are checked.
        model: A :class:`MetaModel`, a bundle directory, a model file or ``bundled:NAME``; may be
            None in ``base_only``.
        mode: ``hybrid`` (default), ``meta_only`` or ``base_only``.
        selection: What counts as uncertain.
        features: Which feature families are made.
        columns: ``full`` (default) or ``lean``.
        genes: Only these genes, by id or, with an annotation, by name; those without scores are
            named in a warning.
        settings: All of the above, and the memory budget, at once; the arguments above that are
            given win over it.
        annotation: GTF or GFF3, for genomic features, and for positions that the scores lack.
        fasta: The sequence, for bases where the scores have none.

    Returns:
        The combined prediction, see docs/how-to/outputs.md.

    Raises:
        SpliceMetaError: If settings, scores, model or reference cannot be used.
    """
    given = settings or RunSettings()
    chosen = replace(
        given,
        mode=mode or given.mode,
        columns=columns or given.columns,
        outputs=("complete",),
        selection=selection or given.selection,
        features=features or given.features,
    )
    loaded = fitting(require_model(model, chosen.mode), scores)
    source = sources_for(scores, loaded)
    reference = open_reference(annotation, fasta)
    opened = open_scores(source, [genes] if isinstance(genes, str) else genes, reference)
    require_base_models(loaded, opened)
    if loaded is not None:
        fills_of(opened, loaded.manifest, chosen.features)  # refuses what cannot be a feature
    for gene in opened.absent:
        log.warning("Gene %s has no base scores.", gene)
    tables, counts = [], []
    for first, stop in opened.batches(chosen.memory, bytes_per_position(loaded, chosen)):
        batch = predict_genes(opened, first, stop, loaded, chosen)
        tables.append(as_text(batch.complete).collect())
        counts.append(count_scores(loaded, [batch.marked]))
    warn_of(compare_scores(loaded, counts))
    return pl.concat(tables)
