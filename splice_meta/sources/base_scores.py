"""Base scores: from files, globs, directories, object stores or frames to checked lazy frames."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from splice_meta.contracts import base_models_in, canonical, scores_of
from splice_meta.errors import ContractError, InputError, NoGenesError
from splice_meta.reference.annotation import Annotation
from splice_meta.reference.reference import Reference, open_reference
from splice_meta.reference.sequence import Genome
from splice_meta.sources.checks import GeneTable, check
from splice_meta.sources.files import files_of, reads_by_gene, scan_files
from splice_meta.sources.joined import check_coverage, check_names, join_scores, name_scores
from splice_meta.sources.layouts import to_contract_names
from splice_meta.sources.locate import locate
from splice_meta.sources.located import Located

log = logging.getLogger("splice_meta")


@dataclass(frozen=True)
class BaseScores:
    """Checked base scores of one base model, or of several joined on gene and position.

    Attributes:
        frame: Canonical, lazy; each gene's rows adjacent, positions as in the input.
        table: The genes in input order.
        files: The files behind it, in order; empty for a frame.
        wanted: The genes asked for; None for every gene.
        names: The base models, the primary one first; empty where the scores were given no name.
        others: The scores of ``names[1:]`` where they lie in tables of their own.
        located: The genes in annotation and FASTA, where one is given.
    """

    frame: pl.LazyFrame
    table: GeneTable
    files: tuple[str, ...] = ()
    wanted: tuple[str, ...] | None = None
    names: tuple[str, ...] = ()
    others: tuple[BaseScores, ...] = ()
    located: Located | None = None

    @property
    def several(self) -> tuple[str, ...]:
        """The names of the base models if there are several; features are named by them then."""
        return self.names if len(self.names) > 1 else ()

    @property
    def gene_values(self) -> pl.DataFrame | None:
        """The annotation's genomic features by ``gene_id``, where one is given."""
        return self.located.values if self.located is not None else None

    @property
    def absent(self) -> list[str]:
        """The genes asked for that have no scores."""
        there = set(self.table.genes["gene_id"])
        return [gene for gene in self.wanted or () if gene not in there]

    def batch(self, first: int, stop: int) -> pl.LazyFrame:
        """The rows of the genes first..stop (0-based, in input order), positions ascending.

        With several base models the columns of each follow, see :mod:`splice_meta.contracts`.
        """
        genes = self.table.genes.slice(first, stop - first)
        rows = self._rows(genes)
        if self.located is not None:
            rows = self.located.attach(rows, genes["gene_id"].to_list())
        if not self.others:
            return rows
        rows = name_scores(rows, self.names[0])
        for name, other in zip(self.names[1:], self.others, strict=True):
            theirs = other.table.genes.filter(pl.col("gene_id").is_in(genes["gene_id"].to_list()))
            rows = join_scores(rows, genes, other._rows(theirs), theirs, name)
        return rows

    def _rows(self, genes: pl.DataFrame) -> pl.LazyFrame:
        """This table's own rows of some of its genes, given in its order; positions ascending."""
        count = int(genes["positions"].sum())
        is_run = count == genes["first_row"][-1] + genes["positions"][-1] - genes["first_row"][0]
        if self.wanted is None and is_run and not reads_by_gene(self.files):
            # A slice reads only the Parquet row groups that it touches.
            rows = self.frame.slice(genes["first_row"][0], count)
        else:
            rows = self.frame.filter(pl.col("gene_id").is_in(genes["gene_id"].to_list()))
        return rows if genes["is_sorted"].all() else by_position(rows)

    def verify(self, found: pl.DataFrame, first: int, stop: int) -> None:
        """Refuse a batch that does not hold the genes and rows that were checked.

        Args:
            found: ``gene_id`` and ``positions`` of the batch, in order.
            first: First gene of the batch.
            stop: Gene after the last.

        Raises:
            InputError: If they differ.
        """
        columns = ["gene_id", "positions"]
        if not found.select(columns).equals(self.table.genes[first:stop].select(columns)):
            raise InputError(
                "The base scores gave other rows than when they were checked.",
                "If they are a lazy frame, collect it first; if a file, let it rest.",
            )

    def extended(self, more: BaseScores, reference: Reference | None) -> BaseScores:
        """These scores with those of further genes behind them.

        Args:
            more: Checked scores of other genes, of the same base models; columns that only they
                have are left out.
            reference: Annotation and sequence, to locate all genes again.
        """
        columns = self.frame.collect_schema().names()
        rows = more.frame.select(n for n in more.frame.collect_schema().names() if n in columns)
        offset = pl.col("first_row") + self.table.positions
        genes = [self.table.genes, more.table.genes.with_columns(first_row=offset)]
        pairs = zip(self.others, more.others, strict=True)
        both = replace(
            self,
            frame=pl.concat([self.frame, rows], how="diagonal_relaxed"),
            table=GeneTable(pl.concat(genes)),
            files=(*self.files, *more.files),
            wanted=tuple(dict.fromkeys([*_ids(self), *_ids(more)])),
            others=tuple(mine.extended(theirs, None) for mine, theirs in pairs),
            located=None,
        )
        return open_scores(both, None, reference)

    def batches(self, memory: int, per_position: int) -> Iterator[tuple[int, int]]:
        """Pack whole genes, in input order, into batches that fit a memory budget.

        Args:
            memory: The budget in bytes. A gene above it is a batch of its own.
            per_position: Bytes per position.

        Yields:
            The first gene and the gene after the last of each batch.
        """
        room = max(memory // per_position, 1)
        first, held = 0, 0
        for gene, count in enumerate(self.table.genes["positions"]):
            if held and held + count > room:
                yield first, gene
                first, held = gene, 0
            held += count
        yield first, self.table.genes.height

    def all_rows(self) -> pl.LazyFrame:
        """All rows, positions ascending in each gene."""
        return self.batch(0, self.table.genes.height)


def _ids(scores: BaseScores) -> list[str]:
    return scores.table.genes["gene_id"].to_list()


def by_position(scores: pl.LazyFrame) -> pl.LazyFrame:
    """Sort each gene by position; the genes stay in input order."""
    return (
        scores.with_columns(_run=pl.col("gene_id").rle_id())
        .sort("_run", "position", maintain_order=True)
        .drop("_run")
    )


def open_scores(
    source: Any,
    genes: Sequence[str] | None = None,
    reference: Reference | None = None,
    truth: bool = False,
) -> BaseScores:
    """Read and check base scores, in one streaming pass and without keeping them.

    Args:
        source: See :func:`scan_scores`; scores that are open already are returned as they are.
        genes: Only these genes; those that are not in the scores are simply not in the result.
        reference: Annotation and sequence, for what the rows lack of place and base, and for
            genomic features.
        truth: Take ``splice_type`` from the annotation; genes it lacks are left out.

    Raises:
        InputError: If a file is missing or of an unknown kind, or the reference is of other genes.
        ContractError: If the scores break the contract, or other base models' scores do not cover
            those of the primary one.
    """
    if isinstance(source, BaseScores) and genes is None:
        opened = source
    elif isinstance(source, Mapping):
        opened = _open_several(source, genes)
    else:
        opened = _open_one(source, genes)
    if reference is None:
        return opened
    located = locate(opened.frame, opened.table.genes["gene_id"].to_list(), reference, truth)
    if truth and located.unknown:
        unknown = set(located.unknown)
        log.warning(
            "%d genes are not in the annotation and are left out, first %s.",
            len(unknown), located.unknown[0],
        )  # fmt: skip
        known = [gene for gene in located.genes["gene_id"] if gene not in unknown]
        return open_scores(source, known, reference, truth)
    return replace(opened, located=located)


def _open_one(source: Any, genes: Sequence[str] | None) -> BaseScores:
    """Open the scores of one table."""
    files = files_of(source)
    wanted = tuple(dict.fromkeys(genes)) if genes is not None else None
    try:
        frame = scan_files(files) if files else canonical(to_contract_names(_frame(source)))
        if wanted is not None:
            frame = frame.filter(pl.col("gene_id").is_in(wanted))
        table = check(frame)
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).strip().splitlines()[0][:300]
        raise InputError(
            f"The base scores cannot be read: {reason}.", "Check that the file is whole."
        ) from None
    if table.genes.is_empty():
        if wanted is None:
            raise ContractError("The base scores have no rows.", "Check the path.")
        listed = f"{', '.join(wanted[:3])}{' ...' if len(wanted) > 3 else ''}"
        raise NoGenesError(
            f"None of the {len(wanted)} genes asked for ({listed}) is in the base scores.",
            "Check the gene ids against the table's gene_id column.",
        )
    return BaseScores(frame, table, files, wanted, base_models_in(frame.collect_schema().names()))


def _open_several(source: Mapping[str, Any], genes: Sequence[str] | None) -> BaseScores:
    """Open the scores of each base model, the first being the primary one."""
    names = check_names(source)
    primary, *others = (_open_one(scores, genes) for scores in source.values())
    for name, other in zip(names[1:], others, strict=True):
        check_coverage(primary.frame, primary.table, other.frame, other.table, names[0], name)
    files = tuple(file for scores in (primary, *others) for file in scores.files)
    # Scores that stand in the primary table under some name: those given under names count.
    stale = [column for name in primary.names for column in scores_of(name)]
    return replace(
        primary,
        frame=primary.frame.drop(stale),
        files=files,
        names=names,
        others=tuple(others),
    )


def scan_scores(
    source: Any,
    genes: Sequence[str] | None = None,
    *,
    annotation: str | Path | Annotation | None = None,
    fasta: str | Path | Genome | None = None,
) -> pl.LazyFrame:
    """Scan base scores lazily and check them against the contract.

    The check is one streaming aggregation over the table. Genes whose positions do not ascend are
    sorted.

    Args:
        source: A path, glob or directory of Parquet, Arrow IPC, CSV or TSV files (text also gzip
            or zstd compressed), OpenSpliceAI's output directory, its two BED files or its
            ``predict.h5``, an object-store address that Polars can scan, a list of those, a
            Polars frame, or an object with the Arrow PyCapsule interface. Or a mapping of base
            model names to any of these: they are joined on gene and position; the first is the
            primary one, whose rows and further columns are kept.
        genes: Only these genes.
        annotation: GTF or GFF3: adds ``chrom``, ``strand`` and ``genomic_position`` where they are
            missing, and the genomic features.
        fasta: Adds ``base`` where it is missing.

    Returns:
        One row per nucleotide, see :func:`splice_meta.contracts.canonical`; with several base
        models also ``NAME.donor_score``, ``NAME.acceptor_score``, ``NAME.neither_score`` of each.

    Raises:
        InputError: If a file is missing or of an unknown kind.
        ContractError: If the scores break the contract, or other base models' scores do not cover
            those of the primary one.
    """
    opened = open_scores(source, genes, open_reference(annotation, fasta))
    rows, values = opened.all_rows(), opened.gene_values
    if values is None:
        return rows
    stale = [name for name in values.columns if name != "gene_id"]
    return rows.drop(stale, strict=False).join(
        values.lazy(), on="gene_id", how="left", maintain_order="left"
    )


def _frame(source: Any) -> pl.LazyFrame:
    if isinstance(source, (pl.LazyFrame, pl.DataFrame)):
        return source.lazy()
    if hasattr(source, "__arrow_c_stream__"):
        return pl.DataFrame(source).lazy()
    raise InputError(
        f"Base scores cannot be read from {type(source).__name__}.",
        "Give a path, a list of paths, a Polars or Arrow frame, or a mapping of base model names "
        "to those.",
    )
