"""Where the genes of a score table lie, and what annotation and sequence add to its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from splice_meta.reference.bases import base_expr
from splice_meta.reference.sequence import Genome

PLACE = ("chrom", "strand", "genomic_position")


@dataclass(frozen=True)
class Located:
    """The genes of a score table, found in annotation and FASTA.

    Attributes:
        genes: One row per gene of the scores: ``gene_id``, ``annotated`` (the annotation's id,
            null where it lacks the gene), ``chrom``, ``strand``, ``start``, ``end`` (1-based,
            inclusive; the scores' own where they tell, else the annotation's), ``from`` and
            ``to`` (the annotation's span), ``record`` (the FASTA's name of the chromosome),
            ``gene_name`` (the annotation's, null where it has none).
        values: ``gene_id`` and the genomic features of the annotation, null where it lacks the
            gene; None without an annotation.
        adds: The columns that are added to the rows.
        genome: The sequence.
        sites: ``gene_id`` (the scores'), ``genomic_position``, ``splice_type``; None where the
            truth is the scores' own.
        untold: Reason by gene of which the annotation does not tell all splice sites; empty where
            the truth is the scores' own.
        marks: The annotated sites, whatever the truth: ``gene_id`` (the scores'), ``position``,
            ``type``, by gene; one row with nulls for a gene without sites. Genes whose sites the
            annotation does not tell have none. None without an annotation.
    """

    genes: pl.DataFrame
    values: pl.DataFrame | None
    adds: tuple[str, ...]
    genome: Genome | None = None
    sites: pl.DataFrame | None = None
    untold: dict[str, str] = field(default_factory=dict)
    marks: pl.DataFrame | None = None

    @property
    def unknown(self) -> list[str]:
        """Genes that an annotation is given for, but lacks."""
        return [] if self.values is None else self.genes.filter(
            pl.col("annotated").is_null()
        )["gene_id"].to_list()  # fmt: skip

    @property
    def without_truth(self) -> set[str]:
        """The genes whose splice sites the annotation does not tell."""
        return {*self.unknown, *self.untold}

    def attach(self, rows: pl.LazyFrame, genes: Sequence[str]) -> pl.LazyFrame:
        """Add to rows of some genes what they lack of place and base, and the truth if wanted.

        Args:
            rows: Canonical scores; their order is kept.
            genes: The genes they are of.
        """
        rows, here = self.placed(rows, genes), self._of(genes)
        if "base" in self.adds and self.genome is not None:
            rows = rows.with_columns(base=base_expr(self.genome, _with_record(here)))
        if self.sites is None:
            return rows
        sites = self.sites.filter(pl.col("gene_id").is_in(list(genes))).lazy()
        on = ["gene_id", "genomic_position"]
        labelled = rows.drop("splice_type", strict=False).with_columns(
            pl.col("genomic_position").cast(pl.Int64)
        ).join(sites, on=on, how="left", maintain_order="left")  # fmt: skip
        return labelled.with_columns(pl.col("splice_type").fill_null("neither"))

    def _of(self, genes: Sequence[str]) -> pl.DataFrame:
        return self.genes.filter(pl.col("gene_id").is_in(list(genes)))

    def placed(self, rows: pl.LazyFrame, genes: Sequence[str]) -> pl.LazyFrame:
        """Add to rows of some genes what they lack of place."""
        here = self._of(genes)
        names: list[str] = [name for name in ("chrom", "strand") if name in self.adds]
        if "genomic_position" in self.adds:
            names += ["strand"] if "strand" not in names else []
            rows = _with_genomic_position(rows.drop("strand", strict=False), here, names)
        elif names:
            rows = _joined(rows, here.select("gene_id", *names))
        return rows


def _joined(rows: pl.LazyFrame, genes: pl.DataFrame) -> pl.LazyFrame:
    return rows.join(genes.lazy(), on="gene_id", how="left", maintain_order="left")


def _with_genomic_position(
    rows: pl.LazyFrame, genes: pl.DataFrame, names: list[str]
) -> pl.LazyFrame:
    """Positions count from the annotated gene's 5' end, from 1."""
    forward = pl.col("strand") == "+"
    ends = genes.select(
        "gene_id", *names,
        _zero=pl.when(forward).then(pl.col("from") - 1).otherwise(pl.col("to") + 1),
        _step=pl.when(forward).then(1).otherwise(-1),
    )  # fmt: skip
    along = pl.col("_zero") + pl.col("_step") * pl.col("position")
    return _joined(rows, ends).with_columns(genomic_position=along).drop("_zero", "_step")


def _with_record(genes: pl.DataFrame) -> pl.DataFrame:
    return genes.filter(pl.col("record").is_not_null()).select(
        "gene_id", "strand", "start", "end", chrom="record"
    )
