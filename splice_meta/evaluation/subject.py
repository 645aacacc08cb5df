"""What is evaluated: predictions, a run's output directory, or base scores with truth."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from splice_meta.contracts import FINAL, base_models_in, scores_of
from splice_meta.errors import InputError, UsageError
from splice_meta.evaluation.source import check_final, peek, read_run, trained_genes
from splice_meta.evaluation.tally import Systems
from splice_meta.reference.reference import Reference
from splice_meta.runs.outputs import OutputLayout
from splice_meta.runs.tables import scan_table
from splice_meta.settings import MODES
from splice_meta.sources.base_scores import open_scores
from splice_meta.sources.opened import BaseScores
from splice_meta.sources.predictions import prediction_layout, truth_of_predictions

log = logging.getLogger("splice_meta")

BYTES = 400
"""Bytes per position that a batch is planned with; with two systems the sums took 85 beside the
batch's own 28 in one measurement over two million positions."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is evaluated, opened and checked.

    Attributes:
        kind: ``predictions``, ``run`` or ``base scores``.
        scores: Positions with their probabilities and ``splice_type``, the truth.
        systems: The systems that already exist.
        trained: Genes that the run's model was trained on; None where that is not known.
    """

    kind: str
    scores: BaseScores
    systems: Systems
    trained: frozenset[str] | None = None

    def batches(self, memory: int) -> Iterator[pl.DataFrame]:
        """The positions batch by batch, as :func:`splice_meta.evaluation.tally.tally` wants them.

        Args:
            memory: Budget of a batch in bytes.
        """
        columns = dict.fromkeys(name for names in self.systems.values() for name in names)
        for first, stop in self.scores.batches(memory, BYTES):
            rows = self.scores.batch(first, stop)
            batch = rows.select("gene_id", *columns, truth="splice_type").collect()
            counts = batch.group_by("gene_id", maintain_order=True).agg(positions=pl.len())
            dtype = self.scores.table.genes.schema["positions"]
            self.scores.verify(counts.cast({"positions": dtype}), first, stop)
            yield batch


def open_subject(
    source: Any, genes: Sequence[str] | None, reference: Reference | None = None
) -> Subject:
    """Tell what a source is, open and check it.

    Args:
        source: A frame or path of predictions, a run's output directory, or base scores.
        genes: Only these genes.
        reference: Its annotation's splice sites are the truth.

    Raises:
        InputError: If it is none of these, or has no truth.
        OutputError: If the run has no complete table.
    """
    layout = read_run(source)
    if layout is not None:
        return _open_run(layout, genes, reference)
    frame = peek(source)
    if frame is not None and prediction_layout(frame.collect_schema().names()):
        return _predictions(frame, genes, "predictions", None, reference)
    opened = open_scores(source, genes, reference, truth=_has_truth(reference))
    columns = opened.batch(0, 1).collect_schema().names()
    if "splice_type" not in columns:
        raise InputError(
            "The base scores have no column splice_type, which says what is annotated.",
            "Add it (0 or neither, 1 or donor, 2 or acceptor), or give --annotation, which gives "
            "where splice sites are.",
        )
    return Subject(kind="base scores", scores=opened, systems=base_systems(columns))


def _predictions(
    frame: pl.LazyFrame,
    genes: Sequence[str] | None,
    kind: str,
    trained: frozenset[str] | None,
    reference: Reference | None,
) -> Subject:
    old = prediction_layout(frame.collect_schema().names()) == "0.1.0"
    rows = truth_of_predictions(frame)
    columns = rows.collect_schema().names()
    if "splice_type" not in columns and not _has_truth(reference):
        raise InputError(
            "The predictions, in the layout of version 0.1.0, have no column true_splice_type, "
            "which says what is annotated."
            if old
            else "The predictions have no column splice_type, which says what is annotated.",
            "Give --annotation, or predict base scores that have splice_type: it is carried into "
            "the predictions.",
        )
    missing = [name for name in FINAL if name not in columns]
    if missing:
        raise InputError(
            f"The predictions have no column {', '.join(missing)}.", "Give a complete table."
        )
    if old:
        log.warning(
            "These predictions have the layout of version 0.1.0: their splice_type is the "
            "predicted class and is not read; the truth is their true_splice_type, or the "
            "annotation."
        )
    truth = _has_truth(reference)
    opened = open_scores(rows, genes, reference, truth, predictions=True)
    check_final(opened.frame)
    bases = base_systems(opened.frame.collect_schema().names())
    return Subject(kind=kind, scores=opened, systems={**bases, "final": FINAL}, trained=trained)


def base_systems(columns: Sequence[str]) -> dict[str, tuple[str, str, str]]:
    """The base model as ``base``, the reference, and further base models by their names.

    Args:
        columns: ``donor_score`` ... are the base model's; with several base models there are also
            ``NAME.donor_score`` ... of each, the first name being ``base`` once more.

    Raises:
        UsageError: If a base model has the name of another system.
    """
    found = {"base": scores_of()}
    for name in base_models_in(columns)[1:]:
        if name in ("base", "final", *MODES):
            raise UsageError(
                f"A base model is called {name}, which means something else here.",
                "Give its scores under another name.",
            )
        found[name] = scores_of(name)
    return found


def _has_truth(reference: Reference | None) -> bool:
    return reference is not None and reference.annotation is not None


def _open_run(
    layout: OutputLayout, genes: Sequence[str] | None, reference: Reference | None
) -> Subject:
    rows = scan_table(layout, "complete")
    return _predictions(rows, genes, "run", trained_genes(layout), reference)
