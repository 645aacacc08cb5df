"""From annotation and sequence to a table of base scores: what ``splice-meta score`` does."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from splice_meta.base_models.genes import GenesToScore, genes_to_score
from splice_meta.base_models.load import load_base_model
from splice_meta.base_models.makers import made_by
from splice_meta.base_models.protocol import BaseModel, extras_of, parallel_of, precision_of
from splice_meta.base_models.score_task import PARTS, ScoreTask, make_shards, parts_of_table
from splice_meta.base_models.windows import WINDOW, spread
from splice_meta.errors import ModelError, OutputError, UsageError
from splice_meta.files.digests import digest_of, ends_of
from splice_meta.files.given import Given
from splice_meta.files.stores import Place, place_of
from splice_meta.jobs.executor import Cluster, Executor, check_task, choose_executor, execute
from splice_meta.jobs.ledger import Ledger, create_ledger
from splice_meta.jobs.local import run_local
from splice_meta.jobs.plan import Receipt, Shard, ledger_of
from splice_meta.jobs.resume import digests_of, open_ledger, refuse_both, take_over
from splice_meta.jobs.room import refuse_folder, refuse_table, remove_folder
from splice_meta.reference.annotation import Annotation, open_annotation
from splice_meta.reference.composition import say_unknown_bases
from splice_meta.reference.sequence import Genome
from splice_meta.reference.truth import truth_of
from splice_meta.runtime.panics import plain_panics
from splice_meta.runtime.watching import Progress, Watcher, watcher_of
from splice_meta.sink import sink_parquet

log = logging.getLogger("splice_meta")

PROTEIN_CODING = ("protein_coding",)


@dataclass(frozen=True)
class ScoreResult:
    """A table of base scores.

    Attributes:
        path: The Parquet file.
        genes: ``gene_id``, ``status`` (done or failed), ``reason``, ``positions``.
        resumable: Whether genes failed while they were scored, and ``resume`` would try them again.
    """

    path: Place
    genes: pl.DataFrame
    resumable: bool = False

    @property
    def failed(self) -> int:
        """Number of genes that could not be scored."""
        return self.genes.filter(pl.col("status") == "failed").height

    def scores(self) -> pl.LazyFrame:
        """The table, lazily."""
        # A file may be there from before.
        if self.failed == self.genes.height:
            raise OutputError(
                "No gene could be scored, so there is no table.", "The genes have the reasons."
            )
        return pl.scan_parquet(str(self.path), glob=False)


@plain_panics()
def score(
    annotation: str | Path | Annotation,
    fasta: str | Path | Genome,
    output: str | Path,
    *,
    base_model: str | BaseModel = "openspliceai",
    weights: str | Path | None = None,
    genes: str | Sequence[str] | None = None,
    gene_types: Collection[str] = PROTEIN_CODING,
    truth: bool = False,
    device: str = "auto",
    engine: str = "auto",
    precision: str = "float32",
    tissues: bool = False,
    window: int = WINDOW,
    resume: bool = False,
    overwrite: bool = False,
    workers: int | None = None,
    cluster: Cluster = None,
    progress: Progress = False,
) -> ScoreResult:
    """Score genes with a base model, from their sequence.

    Every nucleotide sees its whole context: the FASTA's own sequence where it has it, N beyond.
    Scores do not depend on how genes are cut into windows, nor on which process scores them.

    Args:
        annotation: GTF or GFF3: where the genes lie.
        fasta: The sequence.
        output: The Parquet file to write, here or in an object store.
        base_model: ``openspliceai``, ``pangolin``, ``spliceai``, the name of an installed entry
            point, or a :class:`splice_meta.BaseModel`.
        weights: Folder of the base model's weights.
        genes: Gene ids, with or without version, or gene names; None for every gene of
            ``gene_types`` that lies in the FASTA.
        gene_types: Which types of genes, where ``genes`` is None; every type if empty.
        truth: Add ``splice_type`` from the annotation: the sites of all transcripts of the gene.
            Genes whose sites it does not give are not scored.
        device: ``auto``, ``cpu``, ``cuda`` ...
        engine: ``openvino`` (CPU), ``torch``, or ``auto``: OpenVINO where there is no GPU.
        precision: ``float32`` or ``bfloat16``.
        tissues: Also write Pangolin's values of the four tissues.
        window: Maximum number of positions in one pass through the network.
        resume: Resume an interrupted scoring into ``output``, or one in which genes failed:
            those that are done are kept. If there is none, one starts.
        overwrite: Replace ``output``.
        workers: Score in this many Dask worker processes on this machine.
        cluster: Score on the workers of a Dask scheduler: its address, its scheduler file or a
            connected ``distributed.Client``.
        progress: Show progress, or a watcher that receives it: positions.

    Returns:
        The table and the fate of each gene. A gene that cannot be scored does not stop the others.

    Raises:
        SpliceMetaError: If annotation, FASTA, base model, output or cluster cannot be used, or no
            gene can be scored.
    """
    if window < 1:
        raise UsageError(f"The window is {window} positions.", "Give at least 1.")
    if genes is not None and not genes:
        raise UsageError("No gene is named.", "Leave genes out to score every one.")
    refuse_both(resume, overwrite)
    place, given = place_of(output), (annotation, fasta, weights)
    _check_room(place, Given((*given, *map(_source_of, given))), resume, overwrite)
    executor = choose_executor(workers, cluster)
    listed = annotation if isinstance(annotation, Annotation) else open_annotation(annotation)
    genome = fasta if isinstance(fasta, Genome) else Genome(fasta)
    asked = [genes] if isinstance(genes, str) else genes
    found = genes_to_score(listed, genome, asked, gene_types)
    found = found.with_truth(listed, asked is not None) if truth else found
    found.refuse_none()
    model = base_model
    if isinstance(model, str):
        model = load_base_model(
            model, weights, device, engine=engine, precision=precision, tissues=tissues
        )
    return score_genes(
        model, listed, genome, found, place, truth=truth, window=window, resume=resume,
        executor=executor, watch=watcher_of(progress),
    )  # fmt: skip


def score_genes(
    model: BaseModel,
    annotation: Annotation,
    genome: Genome,
    found: GenesToScore,
    output: Place,
    *,
    truth: bool = False,
    window: int = WINDOW,
    resume: bool = False,
    executor: Executor = run_local,
    watch: Watcher | None = None,
) -> ScoreResult:
    """Score genes that are found; as :func:`score`, where everything else is decided."""
    _check(model)
    genes, shards = make_shards(found.table, model.context)
    total, watch = sum(shard.size for shard in shards), watch or Watcher()
    sites = truth_of(annotation) if truth else None
    most = spread(total, window, parallel_of(model))
    task = ScoreTask(model, genome, genes, sites, output, most)
    check_task(executor, task)
    given = _given(model, annotation, genome, truth)
    with _begun(task, given, resume) as ledger:
        digests = digests_of(genes["gene_id"].to_list(), shards)
        taken, left = take_over(ledger, f"scoring into {output}", task, shards, digests, {})
        say_unknown_bases(
            genome, found.table.select("gene_id", "record", "start", "end").iter_rows()
        )
        _tell(watch, model, left)
        receipts = [*taken, *_made(executor, task, left, ledger, watch)]
    failures = dict(found.failures)
    for receipt in sorted(receipts, key=lambda receipt: receipt.shard.number):
        failures |= receipt.failures
    done = [gene for gene in found.table["gene_id"] if gene not in failures]
    # A device may have failed: what is done need not be done again.
    keep = 0 < len(done) < found.table.height
    _join(task, done, keep)
    for gene, why in failures.items():
        log.warning("Gene %s failed: %s", gene, why)
    return ScoreResult(output, _fates(found.table, failures), keep)


def _tell(watch: Watcher, model: BaseModel, left: Sequence[Shard]) -> None:
    genes = sum(shard.stop - shard.first for shard in left)
    positions = sum(shard.size for shard in left)
    watch.started(f"scoring {genes:,} genes, {positions:,} nt, with {model.name}", positions)


def is_scored(path: Place) -> bool:
    """Whether a scoring into ``path`` is complete: nothing of it is left to be tried again."""
    return path.exists() and not parts_of_table(path).exists()


def _source_of(given: object) -> object:
    """The file behind an annotation or a sequence that is open already."""
    return given.source if isinstance(given, (Annotation, Genome)) else None


def _check(model: BaseModel) -> None:
    """Refuse a base model that no window fits."""
    if model.context < 0 or model.context % 2 or model.batch < 1:
        raise ModelError(
            f"The base model {model.name} has a context of {model.context} and takes "
            f"{model.batch} windows in one call.",
            "The context must be even, half of it on each side, and the windows at least 1.",
        )


def _check_room(output: Place, inputs: Given, resume: bool, overwrite: bool) -> None:
    """Refuse a place that cannot be written to; nothing is changed.

    Raises:
        OutputError: If something is there and may be neither kept nor replaced.
    """
    folder = parts_of_table(output)
    goes_on = resume and folder.exists()
    refuse_table(output, inputs, overwrite or goes_on)
    refuse_folder(folder, PARTS, inputs)
    if folder.exists() and not (goes_on or overwrite):
        raise OutputError(
            f"{folder} holds genes of a scoring that is not complete.",
            "Give --resume to finish it, or --overwrite to start again.",
        )


def _given(
    model: BaseModel, annotation: Annotation, genome: Genome, truth: bool
) -> dict[str, str]:
    """Digests of everything that scores depend on, by the name that a user knows it by."""
    values = {
        "base model": model.name,
        "weights": model.digest,
        "precision": precision_of(model),
        "columns": extras_of(model),
        "annotation": annotation.digest,
        "FASTA": ends_of(Path(genome.source)),
        "truth": truth,
    }
    return {name: digest_of(value) for name, value in values.items()}


@contextmanager
def _begun(task: ScoreTask, given: Mapping[str, str], resume: bool) -> Iterator[Ledger]:
    """The ledger of a scoring that starts, or of the one to go on with."""
    path = ledger_of(task.folder)
    resumed = resume and path.exists()
    if not resumed:
        remove_folder(task.folder, PARTS)
        if isinstance(task.folder, Path):
            _make(task.folder)
        create_ledger(path, given)
    with open_ledger(path, f"scoring into {task.output}", given, resumed) as ledger:
        yield ledger


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be written: {error.strerror}.", "Check the path and its permissions."
        ) from None


def _made(
    executor: Executor,
    task: ScoreTask,
    shards: Sequence[Shard],
    ledger: Ledger,
    watch: Watcher,
) -> Iterator[Receipt]:
    for done, receipt in execute(executor, task, shards, ledger):
        if done:
            watch.advanced(done)
        if receipt is not None:
            yield receipt


def _join(task: ScoreTask, genes: Sequence[str], keep: bool) -> None:
    """Put the parts together in the order of the genes; then they are removed.

    Args:
        task: What made them.
        genes: The genes that are done; without any, there is no table.
        keep: Keep the parts, for other genes to be tried again.

    Raises:
        OutputError: If the part of a gene is gone.
    """
    # Listed once: in an object store each question is a request.
    there = {path.name for path in task.folder.iterdir()} if task.folder.is_dir() else set()
    gone = next((gene for gene in genes if task.part(gene).name not in there), None)
    if gone is not None:
        raise OutputError(
            f"The scores of gene {gone} are no longer in {task.folder}.",
            "Let only one scoring at a time write this file; resume with --resume.",
        )
    if genes:
        parts = pl.scan_parquet([str(task.part(gene)) for gene in genes], glob=False)
        sink_parquet(parts, task.output, made_by=made_by(task.model))
    if not keep:
        remove_folder(task.folder, PARTS)


def _fates(genes: pl.DataFrame, failures: Mapping[str, str]) -> pl.DataFrame:
    lengths = dict(genes.select("gene_id", pl.col("end") - pl.col("start") + 1).iter_rows())
    listed = list(dict.fromkeys([*lengths, *failures]))
    return pl.DataFrame(
        {
            "gene_id": listed,
            "status": ["failed" if gene in failures else "done" for gene in listed],
            "reason": [failures.get(gene, "") for gene in listed],
            "positions": [0 if gene in failures else lengths[gene] for gene in listed],
        },
        schema={
            "gene_id": pl.String, "status": pl.String, "reason": pl.String, "positions": pl.Int64,
        },
    )  # fmt: skip
