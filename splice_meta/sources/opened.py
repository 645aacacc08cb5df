"""Base scores that are open: checked, located, read gene batch by gene batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from splice_meta.errors import InputError
from splice_meta.provenance import MadeBy
from splice_meta.sources.checks import GeneTable
from splice_meta.sources.files import reads_by_gene
from splice_meta.sources.joined import join_scores, name_scores
from splice_meta.sources.located import Located


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
        made_by: What made this table's own scores, as its files say; None where they do not.
    """

    frame: pl.LazyFrame
    table: GeneTable
    files: tuple[str, ...] = ()
    wanted: tuple[str, ...] | None = None
    names: tuple[str, ...] = ()
    others: tuple[BaseScores, ...] = ()
    located: Located | None = None
    made_by: MadeBy | None = None

    @property
    def makers(self) -> tuple[MadeBy | None, ...]:
        """What made the scores of each table: the primary one's, then the others'."""
        return (self.made_by, *(other.made_by for other in self.others))

    @property
    def several(self) -> tuple[str, ...]:
        """The names of the base models if there are several; features are named by them then."""
        return self.names if len(self.names) > 1 else ()

    @property
    def gene_values(self) -> pl.DataFrame | None:
        """The annotation's genomic features by ``gene_id``, where one is given."""
        return self.located.values if self.located is not None else None

    @property
    def remarks(self) -> list[str]:
        """What is doubtful in the tables, each sentence once."""
        tables = [self.table, *(other.table for other in self.others)]
        return list(dict.fromkeys(remark for table in tables for remark in table.remarks))

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

    def rows_of(self, genes: pl.DataFrame) -> pl.LazyFrame:
        """The rows of some genes with their places, of the primary base model.

        Args:
            genes: Rows of the gene table, in its order.
        """
        rows = self._rows(genes)
        if self.located is not None:
            rows = self.located.placed(rows, genes["gene_id"].to_list())
        return rows

    def with_truth(self, genes: pl.DataFrame) -> pl.LazyFrame:
        """As :meth:`rows_of`, with the annotation's truth where that was asked for."""
        rows = self._rows(genes)
        if self.located is not None:
            rows = self.located.attach(rows, genes["gene_id"].to_list())
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
        self.verify_genes(found, self.table.genes[first:stop])

    def verify_genes(self, found: pl.DataFrame, genes: pl.DataFrame) -> None:
        """Refuse rows that are not those of some genes of the table, see :meth:`verify`."""
        columns = ["gene_id", pl.col("positions").cast(pl.Int64)]
        if not found.select(columns).equals(genes.select(columns)):
            raise InputError(
                "The base scores gave other rows than when they were checked.",
                "If they are a lazy frame, collect it first; if a file, let it rest.",
            )

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


def by_position(scores: pl.LazyFrame) -> pl.LazyFrame:
    """Sort each gene by position; the genes stay in input order."""
    return (
        scores.with_columns(_run=pl.col("gene_id").rle_id())
        .sort("_run", "position", maintain_order=True)
        .drop("_run")
    )
