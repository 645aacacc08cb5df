"""A whole run: open, plan, execute, report. What ``splice-meta run`` does."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from splice_meta.base_models.protocol import BaseModel
from splice_meta.jobs.executor import Cluster, Executor, execute
from splice_meta.reference.annotation import Annotation
from splice_meta.reference.sequence import Genome
from splice_meta.report.finish import RunResult, finish
from splice_meta.runs.log import hearing
from splice_meta.runs.opening import Asked, open_run
from splice_meta.runs.planning import Planned, planned
from splice_meta.runs.scorer import Weights
from splice_meta.runs.task import Receipt
from splice_meta.runtime.panics import plain_panics
from splice_meta.runtime.stages import CHECK, measured, stage
from splice_meta.runtime.watching import Progress, Watcher, watcher_of
from splice_meta.settings import RunSettings

log = logging.getLogger("splice_meta")

__all__ = ["RunResult", "run"]


@plain_panics()
def run(
    scores: Any = None,
    model: Any = None,
    output_dir: str | Path = "inference_results",
    *,
    settings: RunSettings | None = None,
    genes: str | Sequence[str] | None = None,
    training_dataset: str | Path | None = None,
    annotation: str | Path | Annotation | None = None,
    fasta: str | Path | Genome | None = None,
    base_model: str | BaseModel | None = None,
    weights: Weights = None,
    device: str = "auto",
    run_name: str | None = None,
    keep_artifacts_dir: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    trust_pickle: bool = False,
    report_genes: Sequence[str] | None = None,
    progress: Progress = False,
    workers: int | None = None,
    cluster: Cluster = None,
) -> RunResult:
    """Predict a table of base scores, or genes of an annotation, into an output directory.

    Everything that can be refused is refused before anything is written. A gene that
    fails is listed with its reason and does not stop the others. Genes asked for that have no base
    scores are scored first, where annotation, FASTA and base model allow.

    Args:
        scores: Base scores, anything :func:`splice_meta.scan_scores` reads; None to score genes
            of the annotation.
        model: A model, a bundle directory, a model file or ``bundled:NAME``; None in
            ``base_only``.
        output_dir: Where to write: a folder, or an ``s3://``, ``gs://`` or ``az://`` address.
        settings: Mode, selection, features, outputs, memory.
        genes: Only these genes; every gene in the scores if None (without scores: every
            protein-coding gene in the FASTA).
        training_dataset: Directory of a training dataset, to tell seen genes from unseen ones.
        annotation: GTF or GFF3, for genomic features, and for positions that the scores lack.
        fasta: The sequence, for bases where the scores have none.
        base_model: Base model for genes without scores, or its name; by default the one the
            meta-model was trained on.
        weights: Folder of its weights; with several base models a mapping of names to folders.
        device: Where it runs: ``auto``, ``cpu``, ``cuda`` ...
        run_name: Name of the run's folder; by default the date and time.
        keep_artifacts_dir: Keep base scores made in this run, the feature matrix and
            training-like tables here.
        resume: Resume the run of that name, or the latest one in ``output_dir``: shards
            that are finished are taken over. If there is none, a run starts.
        overwrite: Replace a run of the same name.
        trust_pickle: Allow pickled models, through an allow-list.
        report_genes: Genes, by id or name, with a page in ``report.html``; by default those with
            the most gained and lost sites.
        progress: Show progress, or a watcher that receives it: positions.
        workers: Run in this many Dask worker processes on this machine.
        cluster: Run on the workers of a Dask scheduler: its address, its scheduler file or a
            connected ``distributed.Client``.

    Returns:
        The result; its ``failed`` genes are those that could not be done.

    Raises:
        SpliceMetaError: If settings, scores, model, reference, output or cluster cannot be used.
    """
    started, watch = time.perf_counter(), watcher_of(progress)
    asked = Asked(
        scores=scores,
        model=model,
        output_dir=output_dir,
        settings=settings or RunSettings(),
        genes=genes,
        training_dataset=training_dataset,
        annotation=annotation,
        fasta=fasta,
        base_model=base_model,
        weights=weights,
        device=device,
        run_name=run_name,
        keep_artifacts_dir=keep_artifacts_dir,
        resume=resume,
        overwrite=overwrite,
        trust_pickle=trust_pickle,
        workers=workers,
        cluster=cluster,
    )
    with measured() as spent:
        with hearing() as heard, stage(CHECK):
            opened = open_run(asked)
        with planned(opened, heard, watch) as plan:
            made = list(_made(opened.execute, plan, watch))
            seconds = time.perf_counter() - started
            return finish(opened, plan, made, seconds, heard.messages, spent, report_genes)


def _made(executor: Executor, plan: Planned, watch: Watcher) -> Iterator[Receipt]:
    """Make the shards that are left."""
    left = plan.left
    genes = sum(shard.stop - shard.first for shard in left)
    positions = sum(shard.size for shard in left)
    if left:
        watch.started(f"{genes:,} genes, {positions:,} positions", positions)
    for _, receipt in execute(executor, plan.task, left, plan.ledger):
        if receipt is not None:
            _advance(receipt, watch)
            yield receipt


def _advance(receipt: Receipt, watch: Watcher) -> None:
    for gene, reason in receipt.failures.items():
        log.warning("Gene %s failed: %s", gene, reason)
    for row in receipt.genes.iter_rows(named=True):
        log.info(
            "Gene %s: %d positions, %d uncertain", row["gene_id"], row["positions"],
            row["uncertain"],
        )  # fmt: skip
    log.debug("Shard %d of %d positions done", receipt.shard.number, receipt.shard.size)
    watch.advanced(receipt.shard.size)
