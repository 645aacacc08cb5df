"""One shard: compute it, write its parts, return a small receipt."""

from __future__ import annotations

import logging
import time
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field, replace

import polars as pl

from splice_meta.combine import PLACE
from splice_meta.contracts import SCORES
from splice_meta.digests import ends_of
from splice_meta.model.bundle import MetaModel
from splice_meta.panics import plain_panics
from splice_meta.pipeline.batch import BatchPrediction, predict_genes
from splice_meta.pipeline.comparing import BesideCounts, count_scores
from splice_meta.runs.figures import SITE_COUNTS, count_figures
from splice_meta.runs.outputs import OutputLayout
from splice_meta.runs.shards import Shard
from splice_meta.settings import RunSettings
from splice_meta.sink import as_text, sink_parquet
from splice_meta.sources.opened import BaseScores

log = logging.getLogger("splice_meta")


@dataclass(frozen=True)
class Job:
    """What every shard of a run shares.

    Attributes:
        scores: Checked base scores.
        model: The meta-model; None in ``base_only``.
        settings: How to predict and what to write.
        layout: Where to write.
        dataset: Training genes and positions, or None.
    """

    scores: BaseScores
    model: MetaModel | None
    settings: RunSettings
    layout: OutputLayout
    dataset: pl.LazyFrame | None = None


GENES_DONE: dict[str, type[pl.DataType]] = {
    "gene_id": pl.String, "positions": pl.Int64, "uncertain": pl.Int64, "recalibrated": pl.Int64,
    "lowest_criteria": pl.UInt8, "lowest_entropy": pl.Float64, "achieved_rate": pl.Float64,
    "seconds": pl.Float64, **dict.fromkeys(SITE_COUNTS, pl.Int64),
}  # fmt: skip
"""The columns of a receipt's genes."""


@dataclass(frozen=True)
class Part:
    """A file that a shard wrote.

    Attributes:
        table: Which table it is of or a part of, as :meth:`OutputLayout.parts` names it.
        path: Where it lies, from the run's folder or that of the kept artifacts.
        rows: Its rows.
        bytes: Its size.
        sha256_of_ends: Digest of its first and last MiB; empty for an object.
        etag: The ETag of an object; empty for a file.
    """

    table: str
    path: str
    rows: int
    bytes: int
    sha256_of_ends: str = ""
    etag: str = ""


@dataclass(frozen=True)
class Receipt:
    """What one shard came to; small, since it may come from another process.

    Attributes:
        shard: The shard.
        genes: One row per gene done, see :data:`GENES_DONE`.
        failures: Reason by gene that could not be done.
        parts: The files it wrote.
        seconds: Wall time.
        changes: Positions by change of probability, see :mod:`splice_meta.runs.figures`.
        beside: Base scores beside called sites, counted by base model, see
            :mod:`splice_meta.pipeline.comparing`.
    """

    shard: Shard
    genes: pl.DataFrame
    failures: dict[str, str]
    parts: tuple[Part, ...] = ()
    seconds: float = 0.0
    changes: dict[int, int] = field(default_factory=dict)
    beside: BesideCounts = field(default_factory=dict)


def run_shard(
    job: Job, shard: Shard, room: AbstractContextManager[object] | None = None
) -> Receipt:
    """Compute one shard and write its parts.

    A gene that fails is left out and reported; the others of its shard go on.

    Args:
        job: What the run's shards share.
        shard: Which one.
        room: Held while the shard needs memory and processors, not while its parts are flushed.
    """
    with ExitStack() as files, room or nullcontext():
        started = time.perf_counter()
        receipt = _compute(job, shard, files)
    seconds = time.perf_counter() - started
    if receipt.genes.is_empty():
        return replace(receipt, seconds=seconds)
    share = pl.col("positions") / pl.col("positions").sum()
    genes = receipt.genes.with_columns(seconds=share * seconds)
    return replace(receipt, genes=genes, parts=_parts(job.layout, shard), seconds=seconds)


def _compute(job: Job, shard: Shard, files: ExitStack) -> Receipt:
    """Compute one shard and write its parts, which appear on leaving ``files``."""
    done, failures = _predict_genes(job, shard.first, shard.stop)
    if not done:
        return Receipt(shard, pl.DataFrame(), failures)
    _write(job, shard, done, files)
    sites, changes = count_figures(_joined([part.complete for part in done]))
    genes = (
        pl.concat(part.genes for part in done)
        .join(sites, on="gene_id", how="left", maintain_order="left")
        .with_columns(pl.col(SITE_COUNTS).fill_null(0))
    )
    counts = count_scores(job.model, (part.marked for part in done))
    return Receipt(shard, genes, failures, changes=changes, beside=counts)


def _parts(layout: OutputLayout, shard: Shard) -> tuple[Part, ...]:
    """The files that a shard has just written."""
    return tuple(
        Part(
            table=table,
            path=str(path).removeprefix(f"{layout.home(table)}/"),
            rows=int(pl.scan_parquet(str(path), glob=False).select(pl.len()).collect().item()),
            **ends_of(path),
        )
        for table, path in layout.parts(shard.number, shard.of).items()
        if path.exists()
    )


def _predict_genes(job: Job, first: int, stop: int) -> tuple[list[BatchPrediction], dict[str, str]]:
    """Predict a range of genes; where that fails, halve it until the failing gene is alone."""
    try:
        with plain_panics():
            batch = predict_genes(job.scores, first, stop, job.model, job.settings, job.dataset)
        return [batch], {}
    except Exception as error:  # whatever it is, it must not stop the other genes
        if stop - first == 1:
            gene = job.scores.table.genes["gene_id"][first]
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            log.debug("Gene %s", gene, exc_info=error)
            return [], {gene: reason}
    middle = (first + stop) // 2
    left, left_failures = _predict_genes(job, first, middle)
    right, right_failures = _predict_genes(job, middle, stop)
    return left + right, left_failures | right_failures


def _write(job: Job, shard: Shard, done: list[BatchPrediction], files: ExitStack) -> None:
    complete = _joined([part.complete for part in done])
    outputs, layout, maker = job.settings.outputs, job.layout, job.scores.made_by
    if "complete" in outputs:
        sink_parquet(complete, layout.table("complete", shard.number, shard.of), files, maker)
    if "meta" in outputs and job.model is not None:
        meta = complete.filter(pl.col("is_adjusted"))
        sink_parquet(meta, layout.table("meta", shard.number, shard.of), files, maker)
    marked = _joined([part.marked.lazy() for part in done])
    columns = marked.collect_schema().names()
    if "base" in outputs:
        kept = ["gene_id", *PLACE, "position", *SCORES, "base", "splice_type"]
        base = marked.select(name for name in kept if name in columns)
        sink_parquet(base, layout.table("base", shard.number, shard.of), files, maker)
    matrices = [part.matrix for part in done if part.matrix is not None]
    if layout.artifacts is not None and matrices:
        matrix = pl.concat(matrices)
        sink_parquet(matrix.lazy(), layout.features(shard.number, shard.of), files, maker)
        place = [name for name in (*PLACE, "splice_type") if name in columns]
        extra = [name for name in place if name not in matrix.columns]
        seen = marked.filter(pl.col("is_adjusted")).select(extra).collect()
        sink_parquet(matrix.hstack(seen).lazy(), layout.master(shard.number), files, maker)


def _joined(plans: list[pl.LazyFrame]) -> pl.LazyFrame:
    """The rows of one batch, or of the parts that are left of it where a gene failed."""
    return plans[0] if len(plans) == 1 else pl.concat([as_text(plan) for plan in plans])
