"""Two runs, or two tables of predictions, side by side."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from splice_meta.errors import InputError, UsageError
from splice_meta.evaluation.agreement import Agreement
from splice_meta.evaluation.source import Rows, open_rows
from splice_meta.evaluation.summary import Evaluation, summarise
from splice_meta.evaluation.tally import CALL, tally
from splice_meta.reference.annotation import Annotation
from splice_meta.reference.reference import open_reference
from splice_meta.runtime.panics import plain_panics
from splice_meta.shown import Shown
from splice_meta.sink import sink_parquet

log = logging.getLogger("splice_meta")

BYTES = 300
"""Bytes per position that a batch is planned with."""

SYSTEMS = {
    name: (f"donor_{name}", f"acceptor_{name}", f"neither_{name}") for name in ("first", "second")
}
_PLACE = ("chrom", "strand", "genomic_position")


@dataclass(frozen=True, kw_only=True, repr=False)
class Comparison(Shown):
    """What two sources have in common and where they differ.

    Attributes:
        calls: One row per class, ``donor`` and ``acceptor``: ``first`` and ``second`` (sites
            called by each), ``both``, ``gained`` (by the second only), ``lost`` (by the first
            only), ``agreement`` (both / called by any), ``gained_annotated`` and
            ``lost_annotated`` (how many of them are annotated; null without truth),
            ``correlation`` (Pearson's, of the probabilities where one is at least 0.001),
            ``largest_difference``.
        changes: One row per call gained or lost: ``gene_id``, ``chrom``, ``strand``,
            ``genomic_position`` (where known), ``position``, ``class``, ``change``, ``first`` and
            ``second`` (the probabilities), ``annotated`` (null without truth).
        evaluation: Figures of both with paired intervals, see :func:`splice_meta.evaluate`; None
            without truth.
        genes: Genes in both.
        positions: Positions in both.
        only_first: Genes that only the first has.
        only_second: Genes that only the second has.
    """

    calls: pl.DataFrame
    changes: pl.DataFrame
    evaluation: Evaluation | None
    genes: int
    positions: int
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]

    def _facts(self) -> list[tuple[str, str]]:
        return [
            ("genes in both", f"{self.genes:,}"),
            ("positions in both", f"{self.positions:,}"),
            *(
                (f"{row['class']}s called", f"{row['first']:,} and {row['second']:,}, "
                 f"{row['gained']:,} gained, {row['lost']:,} lost")
                for row in self.calls.iter_rows(named=True)
            ),
            ("figures", "none, since truth is not known" if self.evaluation is None else
             f"{self.evaluation.table.height} rows in .figures"),
        ]  # fmt: skip

    @property
    def figures(self) -> pl.DataFrame | None:
        """The table of :attr:`evaluation`: ``first``, ``second`` and ``second_change``."""
        return self.evaluation.table if self.evaluation is not None else None


@plain_panics()
def compare(
    first: Any,
    second: Any,
    *,
    genes: str | Sequence[str] | None = None,
    annotation: str | Path | Annotation | None = None,
    threshold: float = CALL,
    resamples: int = 1000,
    seed: int = 0,
    memory: int = 1 << 30,
) -> Comparison:
    """Compare two runs or tables: calls gained and lost, agreement, figures with intervals.

    Of predictions the final probabilities count, of base scores these. Rows are matched by gene
    and position; what only one side has is left out, with a warning. Where truth is known (from the
    annotation, else the first source's ``splice_type``, else the second's), the figures are those
    of :func:`splice_meta.evaluate`, with the first as the reference; candidates are positions to
    which either gives at least 0.001.

    Args:
        first: A run's output, predictions (files or a frame) or base scores.
        second: Another.
        genes: Only these genes, by id or, with an annotation, by name.
        annotation: GTF or GFF3: its splice sites are the truth.
        threshold: Probability from which a site counts as called in ``calls`` and ``changes``.
        resamples: Bootstrap draws of genes for the intervals; 0 for none.
        seed: Random seed of the draws.
        memory: Memory budget in bytes.

    Raises:
        UsageError: If an argument cannot work.
        InputError: If a source cannot be read, or the two have no position in common or number
            them differently.
    """
    if not 0 < threshold <= 1:
        raise UsageError(f"The threshold is {threshold}.", "Give a probability above 0.")
    if resamples < 0 or seed < 0:
        raise UsageError(
            f"There are {resamples} resamples with the seed {seed}; one of them is below 0.",
            "Give numbers of 0 or more; with 0 resamples there are no intervals.",
        )
    reference = open_reference(annotation, None)
    asked = [genes] if isinstance(genes, str) else genes
    one, other = (open_rows(each, asked, reference, truth=True) for each in (first, second))
    ids = [_genes(rows) for rows in (one, other)]
    shared = set(shared_genes(one, other))
    only = [tuple(gene for gene in each if gene not in shared) for each in ids]
    for which, lone in zip(("first", "second"), only, strict=True):
        if lone:
            log.warning("%d genes are only in the %s, such as %s.", len(lone), which, lone[0])
    agreement, paired = Agreement(threshold), 0
    with tempfile.TemporaryDirectory(prefix="splice_meta_compare_") as folder:
        files: list[Path] = []
        for batch in pairs_of(one, other, shared, memory):
            agreement.add(batch)
            paired += batch.height
            files.append(Path(folder) / f"part-{len(files):05d}.parquet")
            sink_parquet(batch.drop(_PLACE, strict=False).lazy(), files[-1])
        found = None
        if agreement.sites:
            sums = tally(lambda: map(pl.read_parquet, files), SYSTEMS, bases=tuple(SYSTEMS))
            found = summarise(sums, resamples=resamples, seed=seed, kind="comparison")
    return Comparison(
        calls=agreement.calls(),
        changes=agreement.changes(),
        evaluation=found,
        genes=len(shared),
        positions=paired,
        only_first=only[0],
        only_second=only[1],
    )


def _genes(rows: Rows) -> list[str]:
    return rows.scores.table.genes["gene_id"].to_list()


def shared_genes(one: Rows, other: Rows) -> list[str]:
    """The genes that both have, in the order of the first.

    Raises:
        InputError: If there is none.
    """
    theirs = set(_genes(other))
    shared = [gene for gene in _genes(one) if gene in theirs]
    if not shared:
        raise InputError(
            f"The two have no gene in common: one has {_genes(one)[0]}, the other "
            f"{_genes(other)[0]}.",
            "Give two of the same genes, with ids of one kind.",
        )
    return shared


def pairs_of(one: Rows, other: Rows, shared: set[str], memory: int) -> Iterator[pl.DataFrame]:
    """Rows of both: place, ``position``, ``truth`` where known, the columns of ``SYSTEMS``.

    Args:
        one: The rows whose order is kept.
        other: The rows to put beside them.
        shared: Genes of both.
        memory: Budget of a batch in bytes.

    Raises:
        InputError: If a gene has no position in common, or the two contradict each other.
    """
    lost = 0
    for first, stop in one.scores.batches(memory, BYTES):
        genes = one.scores.table.genes[first:stop].filter(pl.col("gene_id").is_in(shared))
        if genes.is_empty():
            continue
        theirs = other.scores.table.genes.filter(
            pl.col("gene_id").is_in(genes["gene_id"].implode())
        )
        left, right = _rows(one, genes, "first"), _rows(other, theirs, "second")
        both = left.join(right, on=["gene_id", "position"], maintain_order="left", suffix="_right")
        _refuse_apart(both)
        if both.is_empty():
            raise InputError(
                f"The two have no position of gene {genes['gene_id'][0]} in common.",
                "Give two of the same genes, with positions counted alike.",
            )
        lost += left.height + right.height - 2 * both.height
        if "truth" not in both.columns and "truth_right" in both.columns:
            both = both.rename({"truth_right": "truth"})
        yield both.drop([name for name in both.columns if name.endswith("_right")])
    if lost:
        log.warning("%d positions of genes in both are only in one; they are left out.", lost)


def _rows(rows: Rows, genes: pl.DataFrame, name: str) -> pl.DataFrame:
    columns = list(rows.systems.values())[-1]
    plan = rows.scores.with_truth(genes)
    there = plan.collect_schema().names()
    found = plan.select(
        "gene_id", "position", *(place for place in _PLACE if place in there),
        **({"truth": "splice_type"} if "splice_type" in there else {}),
        **dict(zip(SYSTEMS[name], columns, strict=True)),
    ).collect()  # fmt: skip
    counts = found.group_by("gene_id", maintain_order=True).agg(positions=pl.len())
    rows.scores.verify_genes(counts, genes)
    return found


def _refuse_apart(both: pl.DataFrame) -> None:
    """Refuse two tables that put one position at two places, or know two truths of it."""
    for name, what in (("genomic_position", "place"), ("truth", "truth")):
        if f"{name}_right" not in both.columns:
            continue
        mine, theirs = (pl.col(each).cast(pl.String) for each in (name, f"{name}_right"))
        apart = both.filter(mine != theirs)
        if apart.height:
            gene, position = apart.select("gene_id", "position").row(0)
            raise InputError(
                f"{apart.height:,} positions have another {what} in the second than in the first, "
                f"first {gene}:{position}.",
                "Give two that were made from the same genes, counted alike.",
            )
