"""What a run does with each shard: compute it, write its parts, return a small receipt."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from splice_meta.combine import PLACE
from splice_meta.contracts import SCORES
from splice_meta.errors import InputError
from splice_meta.files.digests import ends_of
from splice_meta.files.records import Entry
from splice_meta.files.stores import Place
from splice_meta.jobs import plan
from splice_meta.jobs.plan import Part, Shard
from splice_meta.model.bundle import MetaModel
from splice_meta.model.distribution import NONE
from splice_meta.pipeline.batch import BatchPrediction, predict_genes
from splice_meta.pipeline.comparing import BesideCounts, count_scores
from splice_meta.runs.figures import count_figures
from splice_meta.runs.outputs import OutputLayout
from splice_meta.runs.shards import AT_ONCE
from splice_meta.runs.site_table import sites_of
from splice_meta.runs.truth_bins import BINS, KINDS, count_truth
from splice_meta.runtime.panics import plain_panics
from splice_meta.runtime.stages import COMPARE, COUNT, FLUSH, SITES, WRITE, measured, stage
from splice_meta.settings import RunSettings
from splice_meta.sink import as_text, sink_parquet, write_parquet
from splice_meta.sources.opened import BaseScores

log = logging.getLogger("splice_meta")

GENES_DONE: dict[str, type[pl.DataType]] = {
    "gene_id": pl.String, "positions": pl.Int64, "uncertain": pl.Int64, "recalibrated": pl.Int64,
    "with_criteria": pl.Int64, "lowest_criteria": pl.UInt8, "lowest_entropy": pl.Float64,
    "achieved_rate": pl.Float64, "seconds": pl.Float64, "moved": pl.Int64, "annotated": pl.Int64,
}  # fmt: skip
"""The columns of a receipt's genes."""


@dataclass(frozen=True)
class Receipt(plan.Receipt):
    """What one shard of a run came to.

    Attributes:
        genes: One row per gene done, see :data:`GENES_DONE`.
        changes: Positions by change of probability, see :mod:`splice_meta.runs.figures`.
        beside: Base scores beside called sites, counted by base model, see
            :mod:`splice_meta.pipeline.comparing`.
        bins: Positions by probability and truth, see :mod:`splice_meta.runs.truth_bins`.
        truth: Annotated sites by type; empty without truth, like ``bins``.
        stages: Seconds by stage, see :mod:`splice_meta.runtime.stages`.
    """

    genes: pl.DataFrame = field(default_factory=pl.DataFrame)
    changes: dict[int, int] = field(default_factory=dict)
    beside: BesideCounts = field(default_factory=dict)
    bins: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=BINS))
    truth: dict[str, int] = field(default_factory=dict)
    stages: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class RunTask:
    """What the shards of a run share; see :class:`splice_meta.jobs.plan.Task`.

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

    what = "run"
    at_once = AT_ONCE
    tells = False
    retries = False

    @property
    def folder(self) -> Place:
        """The run's folder."""
        return self.layout.predictions

    def absolute(self) -> RunTask:
        """The same, with absolute paths."""
        return replace(self, layout=self.layout.absolute())

    def open(self, sent: bool) -> None:
        """Let a model that was sent use the threads of this process, not those of its training."""
        if not sent or self.model is None or self.model.kind == "estimator":
            return
        for booster in self.model.boosters:
            booster.set_param({"nthread": 0})  # OMP_NUM_THREADS

    def run(
        self, shard: Shard, room: AbstractContextManager[object], told: Callable[[int], None]
    ) -> Receipt:
        """Compute one shard and write its parts.

        A gene that fails is left out and reported; the others of its shard go on.
        """
        with measured() as spent:
            with ExitStack() as files, room:
                started = time.perf_counter()
                receipt, rows = _compute(self, shard, files)
                computed = time.perf_counter()
            ended = time.perf_counter()
        seconds, spent[FLUSH] = ended - started, ended - computed
        receipt = replace(receipt, seconds=seconds, stages=spent)
        if receipt.genes.is_empty():
            return receipt
        share = pl.col("positions") / pl.col("positions").sum()
        genes = receipt.genes.with_columns(seconds=share * seconds)
        return replace(receipt, genes=genes, parts=_parts(self.layout, shard, rows))

    def close(self) -> None:
        """Nothing was made."""

    def lost(self, shard: Shard, reason: str) -> Receipt:
        """The receipt of a shard all of whose genes failed."""
        genes = self.scores.table.genes["gene_id"][shard.first : shard.stop]
        return Receipt(shard, dict.fromkeys(genes, reason))

    def files(self, shard: Shard) -> dict[str, Place]:
        """Every file that a shard may write, by the name of its table."""
        return self.layout.parts(shard.number, shard.of)

    def folders(self) -> list[Place]:
        """The run's folder, and those of the artifacts that are kept."""
        return [self.layout.predictions, *self.layout.kept]

    def note(self, receipt: Receipt) -> dict[str, Any]:
        """Genes and figures, for the ledger."""
        return {
            "genes": receipt.genes.to_dict(as_series=False),
            "changes": list(receipt.changes.items()),
            "beside": {**receipt.beside},
            "bins": receipt.bins.to_dict(as_series=False),
            "truth": {**receipt.truth},
            "stages": {name: round(seconds, 6) for name, seconds in receipt.stages.items()},
        }

    def noted(self, line: Entry, shard: Shard) -> Receipt:
        """The receipt that a line of the ledger was written from."""
        return noted(line, shard)


def noted(line: Entry, shard: Shard) -> Receipt:
    """The genes and figures that a line of the ledger tells of a shard, its shape checked.

    Raises:
        InputError: If the line is damaged.
    """
    changes = {}
    for change in line.at("changes").items():
        pair = [each.whole(-(1 << 62)) for each in change.items()]
        if len(pair) != 2:
            change.refuse("a list of two numbers")
        changes[pair[0]] = pair[1]
    beside = line.at("beside")
    for counted in beside.fields().values():
        classes = [each.items() for each in counted.items()]
        if [len(each) for each in classes] != list(NONE.shape[1:]) * len(NONE):
            counted.refuse("the counts of two classes of scores")
        for each in (bin_ for bins in classes for bin_ in bins):
            each.whole()
    stages, truth = line.find("stages"), line.at("truth").fields()
    if truth and set(truth) != {*KINDS}:
        line.at("truth").refuse("the numbers of donors and acceptors")
    return Receipt(
        shard,
        genes=_table(line, "genes", GENES_DONE),
        changes=changes,
        beside=dict(beside.value),
        bins=_table(line, "bins", BINS),
        truth={kind: each.whole() for kind, each in truth.items()},
        stages={n: each.number(0) for n, each in stages.fields().items()} if stages else {},
    )


def _table(line: Entry, name: str, known: Mapping[str, type[pl.DataType]]) -> pl.DataFrame:
    """A table that a line of the ledger holds by columns, its types checked."""
    columns = {column: each.items() for column, each in line.at(name).fields().items()}
    values = {column: [each.value for each in cells] for column, cells in columns.items()}
    try:
        types = {column: known[column] for column in values}
        return pl.DataFrame(values, schema_overrides=types)
    except (KeyError, TypeError, ValueError, OverflowError, pl.exceptions.PolarsError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"The {name} of shard {line.at('number').value} in the ledger are damaged ({reason}).",
            "Start again with --overwrite instead of --resume.",
        ) from None


def _compute(job: RunTask, shard: Shard, files: ExitStack) -> tuple[Receipt, dict[str, int]]:
    """Compute one shard and write its parts, which appear on leaving ``files``.

    Returns:
        Its receipt, without parts yet; and the rows of each part by the name of its table.
    """
    done, failures = _predict_genes(job, shard.first, shard.stop)
    if not done:
        return Receipt(shard, failures), {}
    with stage(WRITE):
        rows = _write(job, shard, done, files)
    with stage(COMPARE):
        counts = count_scores(job.model, (part.marked for part in done))
    with stage(SITES):
        annotated, rows["sites"] = _write_sites(job, shard, done, files)
    with stage(COUNT):
        counted = [count_figures(part.outcome, part.genes["positions"].to_numpy()) for part in done]
        changes = dict(sum((Counter(each) for _, each in counted), Counter()))
        bins, truth = count_truth(done, job.settings.site_threshold)
    genes = pl.concat(
        part.genes.with_columns(moved, of.alias("annotated"))
        for part, of, (moved, _) in zip(done, annotated, counted, strict=True)
    )
    receipt = Receipt(
        shard, failures, genes=genes, changes=changes, beside=counts, bins=bins, truth=truth
    )
    return receipt, rows


def _parts(layout: OutputLayout, shard: Shard, rows: Mapping[str, int]) -> tuple[Part, ...]:
    """The files that a shard has just written, with so many rows each."""
    return tuple(
        Part(
            table=table,
            path=str(path).removeprefix(f"{layout.home(table)}/"),
            rows=rows[table],
            **ends_of(path),
        )
        for table, path in layout.parts(shard.number, shard.of).items()
        if table in rows
    )


def _predict_genes(
    job: RunTask, first: int, stop: int
) -> tuple[list[BatchPrediction], dict[str, str]]:
    """Predict a range of genes; where that fails, halve it until the failing gene is alone."""
    try:
        with plain_panics():
            keep = job.layout.artifacts is not None
            batch = predict_genes(
                job.scores, first, stop, job.model, job.settings, job.dataset, keep
            )
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


def _write(
    job: RunTask, shard: Shard, done: list[BatchPrediction], files: ExitStack
) -> dict[str, int]:
    """Write what a shard came to; returns the rows of each part by the name of its table."""
    rows = {}
    complete = _joined([part.complete for part in done])
    outputs, layout, maker = job.settings.outputs, job.layout, job.scores.made_by
    if "complete" in outputs:
        sink_parquet(complete, layout.table("complete", shard.number, shard.of), files, maker)
        rows["complete"] = sum(part.marked.height for part in done)
    if "meta" in outputs and job.model is not None:
        meta = complete.filter(pl.col("is_adjusted"))
        sink_parquet(meta, layout.table("meta", shard.number, shard.of), files, maker)
        rows["meta"] = sum(part.outcome.rows.size for part in done)
    marked = _joined([part.marked.lazy() for part in done])
    columns = marked.collect_schema().names()
    if "base" in outputs:
        kept = ["gene_id", *PLACE, "position", *SCORES, "base", "splice_type"]
        base = marked.select(name for name in kept if name in columns)
        sink_parquet(base, layout.table("base", shard.number, shard.of), files, maker)
        rows["base"] = sum(part.marked.height for part in done)
    matrices = [part.matrix for part in done if part.matrix is not None]
    if layout.artifacts is not None and matrices:
        matrix = pl.concat(matrices)
        sink_parquet(matrix.lazy(), layout.features(shard.number, shard.of), files, maker)
        place = [name for name in (*PLACE, "splice_type") if name in columns]
        extra = [name for name in place if name not in matrix.columns]
        seen = marked.filter(pl.col("is_adjusted")).select(extra).collect()
        sink_parquet(matrix.hstack(seen).lazy(), layout.master(shard.number), files, maker)
        rows |= {"features": matrix.height, "master": matrix.height}
    return rows


def _write_sites(
    job: RunTask, shard: Shard, done: list[BatchPrediction], files: ExitStack
) -> tuple[list[pl.Series], int]:
    """Write the sites; returns the number of annotated ones of each gene by batch, and the rows."""
    found = [sites_of(job.scores, part, job.settings.site_threshold) for part in done]
    path = job.layout.table("sites", shard.number, shard.of)
    sites = pl.concat(each for each, _ in found)
    write_parquet(sites, path, files, job.scores.made_by)
    return [annotated for _, annotated in found], sites.height


def _joined(plans: list[pl.LazyFrame]) -> pl.LazyFrame:
    """The rows of one batch, or of the parts that are left of it where a gene failed."""
    return plans[0] if len(plans) == 1 else pl.concat([as_text(plan) for plan in plans])
