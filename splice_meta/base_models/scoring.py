"""From annotation and sequence to a table of base scores: what ``splice-meta score`` does."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from splice_meta.base_models.gene_table import gene_table
from splice_meta.base_models.genes import genes_to_score
from splice_meta.base_models.load import load_base_model
from splice_meta.base_models.parts import Parts
from splice_meta.base_models.protocol import BaseModel, extras_of, parallel_of, precision_of
from splice_meta.base_models.windows import (
    WINDOW,
    GeneScores,
    Window,
    batches,
    cut,
    overlapped,
    rounded,
    score_windows,
    spread,
    window_of,
)  # fmt: skip
from splice_meta.contracts import SCORES
from splice_meta.errors import ModelError, OutputError, UsageError
from splice_meta.given import Given
from splice_meta.panics import plain_panics
from splice_meta.provenance import MadeBy
from splice_meta.reference.annotation import Annotation, open_annotation
from splice_meta.reference.composition import say_unknown_bases
from splice_meta.reference.sequence import Genome, transcript_bases
from splice_meta.reference.truth import truth_of

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

    path: Path
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
                "No gene could be scored, so there is no table.", "The genes' reasons say why."
            )
        return pl.scan_parquet(self.path, glob=False)


@dataclass
class ScoreWatcher:
    """What a caller is told while genes are scored; the defaults say nothing.

    Attributes:
        planned: Called once with the number of genes and positions that are to be scored.
        advanced: Called with the number of positions just scored.
    """

    planned: Callable[[int, int], None] = field(default=lambda genes, positions: None)
    advanced: Callable[[int], None] = field(default=lambda positions: None)


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
    watcher: ScoreWatcher | None = None,
) -> ScoreResult:
    """Score genes with a base model, from their sequence.

    Every nucleotide sees its whole context: the FASTA's own sequence where it has it, N beyond.
    Scores do not depend on how genes are cut into windows.

    Args:
        annotation: GTF or GFF3: where the genes lie.
        fasta: The sequence.
        output: The Parquet file to write.
        base_model: ``openspliceai``, ``pangolin``, ``spliceai``, the name of an installed entry
            point, or a :class:`splice_meta.BaseModel`.
        weights: Folder of the base model's weights.
        genes: Gene ids, with or without version, or gene names; None for every gene of
            ``gene_types`` that lies in the FASTA.
        gene_types: Which types of genes, where ``genes`` is None; every type if empty.
        truth: Add ``splice_type`` from the annotation: the sites of all transcripts of the gene.
            Genes whose sites it does not tell are not scored.
        device: ``auto``, ``cpu``, ``cuda`` ...
        engine: ``openvino`` (CPU), ``torch``, or ``auto``: OpenVINO where there is no GPU.
        precision: ``float32`` or ``bfloat16``.
        tissues: Also write Pangolin's values of the four tissues.
        window: Most positions that go through the network at once.
        resume: Keep the genes that an interrupted scoring into ``output``, or one in which genes
            failed, has done.
        overwrite: Replace ``output``.
        watcher: Told about progress.

    Returns:
        The table and the fate of each gene. A gene that cannot be scored does not stop the others.

    Raises:
        SpliceMetaError: If annotation, FASTA, base model or output cannot be used, or no gene
            can be scored.
    """
    if window < 1:
        raise UsageError(f"The window is {window} positions.", "Give at least 1.")
    if genes is not None and not genes:
        raise UsageError("No gene is named.", "Leave genes out to score every one.")
    watch, parts = watcher or ScoreWatcher(), Parts(Path(output))
    given = (annotation, fasta, weights)
    parts.check(Given((*given, *map(_source_of, given))), resume, overwrite)
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
    _check(model)
    parts.begin(_settings(model, listed, genome, truth), resume)
    sites = truth_of(listed) if truth else None
    rows = found.table.to_dicts()
    todo = [gene for gene in rows if not parts.has(gene["gene_id"])]
    places = found.table.select("gene_id", "record", "start", "end").iter_rows()
    say_unknown_bases(genome, places)
    watch.planned(len(todo), sum(map(_length, todo)))
    failures = dict(found.failures)
    _score_genes(model, genome, todo, parts, sites, window, failures, watch)
    done = [gene["gene_id"] for gene in rows if gene["gene_id"] not in failures]
    # A device may have failed: what is done need not be done again.
    parts.finish(done, made_by(model), keep=len(done) < len(rows))
    for gene, why in failures.items():
        log.warning("Gene %s failed: %s", gene, why)
    return ScoreResult(parts.output, _fates(rows, failures), parts.folder.exists())


def is_scored(path: Path) -> bool:
    """Whether a scoring into ``path`` is complete: nothing of it is left to be tried again."""
    return path.exists() and not Parts(path).folder.exists()


def _source_of(given: object) -> object:
    """The file behind an annotation or a sequence that is open already."""
    return given.source if isinstance(given, (Annotation, Genome)) else None


def made_by(model: BaseModel) -> MadeBy:
    """What tables say of scores that a base model made: its name, its weights, its precision."""
    return MadeBy(
        base_model=model.name, weights_sha256=model.digest, precision=precision_of(model)
    )


def _check(model: BaseModel) -> None:
    """Refuse a base model that no window fits."""
    if model.context < 0 or model.context % 2 or model.batch < 1:
        raise ModelError(
            f"The base model {model.name} has a context of {model.context} and takes "
            f"{model.batch} windows in one call.",
            "The context must be even, half of it on each side, and the windows at least 1.",
        )


def _settings(
    model: BaseModel, annotation: Annotation, genome: Genome, truth: bool
) -> dict[str, object]:
    """Everything that scores depend on, for a resumed scoring to compare."""
    file = Path(genome.source).stat()
    return {
        "base model": model.name,
        "weights": model.digest,
        "precision": precision_of(model),
        "columns": list(extras_of(model)),
        "annotation": annotation.digest,
        "FASTA": [str(Path(genome.source).resolve()), file.st_size, file.st_mtime_ns],
        "truth": truth,
    }


def _score_genes(
    model: BaseModel,
    genome: Genome,
    rows: list[dict[str, Any]],
    parts: Parts,
    sites: pl.DataFrame | None,
    window: int,
    failures: dict[str, str],
    watch: ScoreWatcher,
) -> None:
    """Score genes and write a part for each; reasons of those that fail go to ``failures``."""
    places = {gene["gene_id"]: gene for gene in rows}
    parallel, extras = parallel_of(model), extras_of(model)
    most = spread(sum(map(_length, rows)), window, parallel)
    # Genes whose windows are alike come together, the longest first; each has a part of its own.
    rows = sorted(
        rows, key=lambda gene: -rounded(window_of(_length(gene), most) + model.context)
    )
    windows = cut(_sequences(genome, rows, model, failures), most)
    listed = batches(windows, model.batch)
    for batch in overlapped(lambda some: _score_batch(model, some, failures), listed, parallel):
        for part in batch:
            watch.advanced(part.stop - part.first)
            gene = part.gene
            if gene.gene_id in failures:
                continue
            gene.missing -= part.stop - part.first
            if gene.missing == 0:
                place, half = places[gene.gene_id], model.context // 2
                truth = sites.filter(gene_id=place["annotated"]) if sites is not None else None
                bases = gene.bases[half : len(gene.bases) - half]
                table = gene_table(place, gene.scores, bases, truth, extras)
                parts.write(gene.gene_id, table, made_by(model))


def _length(gene: dict[str, Any]) -> int:
    return int(gene["end"] - gene["start"] + 1)


def _sequences(
    genome: Genome, rows: list[dict[str, Any]], model: BaseModel, failures: dict[str, str]
) -> Iterator[GeneScores]:
    """Each gene with half a context of the FASTA's sequence on each side."""
    half, width = model.context // 2, len(SCORES) + len(extras_of(model))
    for gene in rows:
        try:
            with plain_panics():
                bases = transcript_bases(
                    genome, gene["record"], gene["strand"], gene["start"] - half, gene["end"] + half
                )
        except Exception as error:  # it must not stop the other genes
            failures[gene["gene_id"]] = _reason(error)
            continue
        yield GeneScores(gene["gene_id"], bases, model.context, width)


def _score_batch(model: BaseModel, batch: list[Window], failures: dict[str, str]) -> None:
    """Score windows together; where that fails, one by one to find the gene that fails."""
    alive = [window for window in batch if window.gene.gene_id not in failures]
    try:
        if alive:
            with plain_panics():
                score_windows(model, alive)
    except Exception as error:  # whatever it is, it must not stop the other genes
        if len(alive) > 1:
            for window in alive:
                _score_batch(model, [window], failures)
            return
        log.debug("Gene %s", alive[0].gene.gene_id, exc_info=error)
        failures[alive[0].gene.gene_id] = _reason(error)


def _reason(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _fates(rows: list[dict[str, Any]], failures: dict[str, str]) -> pl.DataFrame:
    lengths = {gene["gene_id"]: _length(gene) for gene in rows}
    genes = list(dict.fromkeys([*lengths, *failures]))
    return pl.DataFrame(
        {
            "gene_id": genes,
            "status": ["failed" if gene in failures else "done" for gene in genes],
            "reason": [failures.get(gene, "") for gene in genes],
            "positions": [0 if gene in failures else lengths[gene] for gene in genes],
        },
        schema={
            "gene_id": pl.String, "status": pl.String, "reason": pl.String, "positions": pl.Int64,
        },
    )  # fmt: skip
