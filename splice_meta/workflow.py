"""A whole run: check, plan shards, execute, report. What ``splice-meta run`` does."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from splice_meta.base_models.protocol import BaseModel
from splice_meta.base_models.scoring import ScoreWatcher
from splice_meta.harmonize import Fills
from splice_meta.model.bundle import MetaModel
from splice_meta.panics import plain_panics
from splice_meta.pipeline.comparing import compare_scores, said_comparison, warn_of
from splice_meta.pipeline.matching import require_base_models, said_base_model
from splice_meta.pipeline.matrix import fills_of
from splice_meta.pipeline.predict import require_model
from splice_meta.reference.annotation import Annotation
from splice_meta.reference.reference import open_reference
from splice_meta.reference.sequence import Genome
from splice_meta.report.html import html_report
from splice_meta.report.json_text import json_pieces
from splice_meta.report.metadata import run_metadata
from splice_meta.report.summary import RunSummary, what_is_drawn
from splice_meta.report.text import text_report
from splice_meta.runs.executor import Executor, check_job, choose_executor
from splice_meta.runs.genes import gene_table
from splice_meta.runs.identity import given_digests, refuse_frames
from splice_meta.runs.inputs import check_given, open_inputs, scores_folder, sources_of
from splice_meta.runs.ledger import Ledger
from splice_meta.runs.leftovers import remove_strays, remove_temporaries
from splice_meta.runs.log import hearing, log_file, log_start
from splice_meta.runs.outputs import OutputLayout, scan_table
from splice_meta.runs.resume import (
    name_of_run,
    open_ledger,
    refuse_both,
    scored_before,
    take_over,
)  # fmt: skip
from splice_meta.runs.room import check_room
from splice_meta.runs.scorer import Scored, Weights
from splice_meta.runs.shards import Shard, make_shards
from splice_meta.runs.task import Job, Receipt
from splice_meta.settings import RunSettings
from splice_meta.sink import write_csv, write_text
from splice_meta.sources.training_dataset import scan_training_dataset, trained_genes
from splice_meta.sources.training_positions import numbered_as
from splice_meta.stores import local_path, place_of

if TYPE_CHECKING:
    from distributed import Client

log = logging.getLogger("splice_meta")


@dataclass(frozen=True)
class RunResult:
    """What a run came to.

    Attributes:
        layout: Where its files are.
        genes: One row per gene asked for: scenario, status, reason, positions, recalibrated,
            seconds, achieved rate and thresholds.
        report: The plain report.
        summary: The figures of the report.
    """

    layout: OutputLayout
    genes: pl.DataFrame
    report: str
    summary: RunSummary

    @property
    def failed(self) -> int:
        """Number of genes that could not be done."""
        return self.genes.filter(pl.col("status") == "failed").height

    def predictions(self) -> pl.LazyFrame:
        """The complete-coverage predictions, lazily; one row per nucleotide in input order."""
        return scan_table(self.layout, "complete")


@dataclass
class Watcher:
    """What a caller is told while a run goes on; the defaults say nothing.

    Attributes:
        planned: Called once with the number of genes and positions.
        advanced: Called with each finished shard's receipt.
        scoring: Told while genes without base scores are scored.
    """

    planned: Callable[[int, int], None] = field(default=lambda genes, positions: None)
    advanced: Callable[[Receipt], None] = field(default=lambda receipt: None)
    scoring: ScoreWatcher = field(default_factory=ScoreWatcher)


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
    watcher: Watcher | None = None,
    workers: int | None = None,
    cluster: str | Path | Client | None = None,
) -> RunResult:
    """Predict a table of base scores, or genes of an annotation, into an output directory.

    Everything that can be refused is refused before anything is written. A gene that cannot be
    done is listed with its reason and does not stop the others. Genes asked for that have no base
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
        annotation: GTF or GFF3, for genomic features, and for what the scores lack of place.
        fasta: The sequence, for bases where the scores have none.
        base_model: What scores genes without scores: a name or a base model; by default the one
            the meta-model was trained on.
        weights: Folder of its weights; with several base models a mapping of names to folders.
        device: Where it runs: ``auto``, ``cpu``, ``cuda`` ...
        run_name: Name of the run's folder; by default the date and time.
        keep_artifacts_dir: Keep base scores made in this run, the feature matrix and
            training-like tables here.
        resume: Go on with the run of that name, or with the latest one in ``output_dir``: shards
            that are finished are taken over. If there is none, a run starts.
        overwrite: Replace a run of the same name.
        trust_pickle: Allow pickled models, through an allow-list.
        watcher: Told about progress.
        workers: Run in this many Dask worker processes on this machine.
        cluster: Run on the workers of a Dask scheduler: its address, its scheduler file or a
            connected ``distributed.Client``.

    Returns:
        The result; its ``failed`` genes are those that could not be done.

    Raises:
        SpliceMetaError: If settings, scores, model, reference, output or cluster cannot be used.
    """
    started = time.perf_counter()
    chosen, watch = settings or RunSettings(), watcher or Watcher()
    root = place_of(output_dir)
    artifacts = local_path(keep_artifacts_dir) if keep_artifacts_dir is not None else None
    refuse_both(resume, overwrite)
    layout = OutputLayout(root, name_of_run(root, run_name, resume), artifacts)
    check_given(scores, annotation, fasta)
    read = (scores, model, *sources_of(annotation, fasta, training_dataset), weights)
    goes_on = resume and layout.ledger.exists()
    check_room(layout, read, overwrite, goes_on, run_name is not None)
    if resume:
        refuse_frames(scores)
    execute = choose_executor(workers, cluster)
    loaded = require_model(model, chosen.mode, trust_pickle)
    with hearing() as heard:
        dataset = scan_training_dataset(training_dataset) if training_dataset is not None else None
        seen = trained_genes(dataset) if dataset is not None else _genes_of(loaded)
        reference = open_reference(annotation, fasta)
        asked = [genes] if isinstance(genes, str) else genes
        inputs = open_inputs(scores, asked, reference, loaded, base_model, weights, device)
        if dataset is not None:
            dataset = numbered_as(dataset, inputs.opened)
    if loaded is not None:
        inputs.check_features(loaded, chosen.features)
    if inputs.opened is not None:
        check_job(execute, Job(inputs.opened, loaded, chosen, layout, dataset))
    given = given_digests(chosen, inputs, loaded, training_dataset, asked, layout)
    with (
        open_ledger(
            layout, given, [read, inputs.files], resume, overwrite, run_name is not None
        ) as (ledger, layout),
        log_file(layout.log, append=ledger.resumed) as written,
        scores_folder(layout) as folder,
    ):
        before = scored_before(ledger, folder)
        opened, scored = inputs.complete(folder, watch.scoring, before)
        require_base_models(loaded, opened)
        fills = fills_of(opened, loaded.manifest, chosen.features) if loaded else None
        job = Job(opened, loaded, chosen, layout, dataset)
        shards = make_shards(opened, loaded, chosen)
        taken, left = take_over(ledger, layout, opened, shards, scored)
        for record in heard.records:
            written.handle(record)
        log_start(opened, loaded, chosen, fills)
        receipts = [*taken, *_execute(execute, job, left, ledger, watch)]
        receipts.sort(key=lambda receipt: receipt.shard.number)
        table = gene_table(opened, receipts, seen, scored)
        files = reference.files if reference is not None else ()
        seconds = time.perf_counter() - started
        return _finish(
            job, receipts, len(taken), table, fills, seconds, scored, files, heard.messages
        )


def _genes_of(model: MetaModel | None) -> set[str]:
    return set(model.training_genes) if model else set()


def _execute(
    execute: Executor, job: Job, shards: Sequence[Shard], ledger: Ledger, watch: Watcher
) -> list[Receipt]:
    """Run shards; each is in the ledger as soon as its parts are written."""
    watch.planned(sum(s.stop - s.first for s in shards), sum(s.positions for s in shards))
    receipts = []
    try:
        with closing(execute(job, shards)) as coming:  # workers end before an interrupt is told
            for receipt in coming:
                ledger.write_shard(receipt)
                _advance(receipt, watch)
                receipts.append(receipt)
    finally:
        remove_temporaries(job.layout)
    return receipts


def _advance(receipt: Receipt, watch: Watcher) -> None:
    for gene, reason in receipt.failures.items():
        log.warning("Gene %s failed: %s", gene, reason)
    for row in receipt.genes.iter_rows(named=True):
        log.info(
            "Gene %s: %d positions, %d uncertain", row["gene_id"], row["positions"],
            row["uncertain"],
        )  # fmt: skip
    log.debug("Shard %d of %d positions done", receipt.shard.number, receipt.shard.positions)
    watch.advanced(receipt)


def _finish(
    job: Job, receipts: Sequence[Receipt], taken: int, genes: pl.DataFrame, fills: Fills | None,
    seconds: float, scored: Scored, reference: Sequence[str], warnings: tuple[str, ...],
) -> RunResult:  # fmt: skip
    """Write the reports, the gene manifest and the metadata."""
    layout, settings = job.layout, job.settings
    remove_strays(layout, receipts)
    gains = job.model.gains() if job.model and fills else {}
    compared = compare_scores(job.model, (receipt.beside for receipt in receipts))
    summary = RunSummary(
        mode=settings.mode,
        selection=settings.selection,
        model=job.model.source or "given as an object" if job.model else "none",
        genes=genes,
        shards=len(receipts),
        taken=taken,
        seconds=seconds,
        fills=tuple(fills.messages()) if fills is not None else (),
        filled_gain_share=fills.gain_share(gains) if fills else 0.0,
        predictions=layout.predictions,
        features=len(job.model.manifest.names) if job.model else 0,
        filled=len(fills.values) if fills else 0,
        base_scores=said_base_model(job.model, job.scores),
        comparison=said_comparison(compared),
        warnings=(*warnings, *warn_of(compared)),
        scored=f"{len(scored.genes):,} genes, {scored.positions:,} positions, by "
        f"{' and '.join(scored.by)}"
        if scored.genes
        else "",
    )
    report = text_report(summary)
    write_text(layout.report_text, report)
    drawn = what_is_drawn(layout, receipts, genes)
    write_text(layout.report_html, html_report(summary, drawn))
    write_text(layout.gene_manifest, json_pieces({"run": layout.run_name, "genes": genes}))
    write_csv(layout.manifest_csv, genes)
    write_text(layout.metadata, json_pieces(run_metadata(job, summary, reference, scored)))
    log.info("Done in %.1f s; %d genes failed", seconds, summary.failed)
    return RunResult(layout, genes, report, summary)
