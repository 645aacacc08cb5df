"""Opening a run: everything that can be refused is refused here, and nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from splice_meta.base_models.protocol import BaseModel
from splice_meta.files.stores import local_path, place_of
from splice_meta.jobs.executor import Cluster, Executor, check_task, choose_executor
from splice_meta.jobs.resume import refuse_both
from splice_meta.model.bundle import MetaModel
from splice_meta.pipeline.matching import fitting
from splice_meta.pipeline.predict import require_model
from splice_meta.reference.annotation import Annotation
from splice_meta.reference.reference import Reference, open_reference
from splice_meta.reference.sequence import Genome
from splice_meta.runs.identity import given_digests, refuse_frames
from splice_meta.runs.inputs import Inputs, check_given, open_inputs, sources_of
from splice_meta.runs.outputs import OutputLayout, name_of_run
from splice_meta.runs.room import check_room
from splice_meta.runs.scorer import Weights
from splice_meta.runs.task import RunTask
from splice_meta.settings import RunSettings
from splice_meta.sources.training_dataset import scan_training_dataset, trained_genes
from splice_meta.sources.training_positions import numbered_as


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked of a run; the arguments of :func:`splice_meta.run`."""

    scores: Any
    model: Any
    output_dir: str | Path
    settings: RunSettings
    genes: str | Sequence[str] | None
    training_dataset: str | Path | None
    annotation: str | Path | Annotation | None
    fasta: str | Path | Genome | None
    base_model: str | BaseModel | None
    weights: Weights
    device: str
    run_name: str | None
    keep_artifacts_dir: str | Path | None
    resume: bool
    overwrite: bool
    trust_pickle: bool
    workers: int | None
    cluster: Cluster


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A run that nothing speaks against.

    Attributes:
        asked: What is asked of it.
        layout: Where it writes.
        model: The meta-model; None in ``base_only``.
        reference: Annotation and sequence, or None.
        inputs: Its genes: those with base scores, and those to be scored first.
        dataset: Training genes and positions, or None.
        seen: Genes that the model was trained on.
        execute: Who makes its shards.
        given: Digests of everything it is made from.
        read: Everything that is read, which nothing may be written over.
    """

    asked: Asked
    layout: OutputLayout
    model: MetaModel | None
    reference: Reference | None
    inputs: Inputs
    dataset: pl.LazyFrame | None
    seen: set[str]
    execute: Executor
    given: dict[str, str]
    read: list[object]

    @property
    def named(self) -> bool:
        """Whether its name was asked for; if not, it may start under another one."""
        return self.asked.run_name is not None


def open_run(asked: Asked) -> Opened:
    """Open everything that a run reads, and look at where it writes.

    Raises:
        SpliceMetaError: If settings, scores, model, reference, output or cluster cannot be used.
    """
    root = place_of(asked.output_dir)
    artifacts = asked.keep_artifacts_dir
    refuse_both(asked.resume, asked.overwrite)
    layout = OutputLayout(
        root,
        name_of_run(root, asked.run_name, asked.resume),
        local_path(artifacts) if artifacts is not None else None,
    )
    check_given(asked.scores, asked.annotation, asked.fasta)
    sources = sources_of(asked.annotation, asked.fasta, asked.training_dataset)
    read = [asked.scores, asked.model, *sources, asked.weights]
    goes_on = asked.resume and layout.ledger.exists()
    check_room(layout, read, asked.overwrite, goes_on, asked.run_name is not None)
    if asked.resume:
        refuse_frames(asked.scores)
    execute = choose_executor(asked.workers, asked.cluster)
    whole = require_model(asked.model, asked.settings.mode, asked.trust_pickle)
    model = fitting(whole, asked.scores, asked.base_model)
    folder = asked.training_dataset
    dataset = scan_training_dataset(folder) if folder is not None else None
    trained = set(model.training_genes) if model else set()
    seen = trained_genes(dataset) if dataset is not None else trained
    reference = open_reference(asked.annotation, asked.fasta)
    genes = [asked.genes] if isinstance(asked.genes, str) else asked.genes
    inputs = open_inputs(
        asked.scores, genes, reference, model, asked.base_model, asked.weights, asked.device
    )
    if dataset is not None:
        dataset = numbered_as(dataset, inputs.opened)
    if model is not None:
        inputs.check_features(model, asked.settings.features)
    if inputs.opened is not None:
        check_task(execute, RunTask(inputs.opened, model, asked.settings, layout, dataset))
    return Opened(
        asked=asked,
        layout=layout,
        model=model,
        reference=reference,
        inputs=inputs,
        dataset=dataset,
        seen=seen,
        execute=execute,
        given=given_digests(asked.settings, inputs, model, folder, genes, layout),
        read=[*read, inputs.files],
    )
