"""Which genes are scored, and where they lie in the FASTA."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from splice_meta.errors import InputError
from splice_meta.reference.annotation import WITHOUT_VERSION, Annotation
from splice_meta.reference.chrom_names import match_chroms, no_match_error
from splice_meta.reference.sequence import Genome

log = logging.getLogger("splice_meta")


@dataclass(frozen=True)
class GenesToScore:
    """The genes that a base model is to score.

    Attributes:
        table: ``gene_id`` (as asked for, where an id was), ``annotated`` (the annotation's id),
            ``chrom`` (the annotation's name), ``record`` (the FASTA's name), ``strand``,
            ``start``, ``end`` (1-based, inclusive); in the order asked for.
        failures: Reason by name for those asked for that cannot be scored.
    """

    table: pl.DataFrame
    failures: dict[str, str]

    def with_truth(self, annotation: Annotation, are_named: bool) -> GenesToScore:
        """Those whose splice sites are known.

        Args:
            annotation: Tells the sites.
            are_named: Whether the genes were asked for by name: then the others fail with their
                reasons, else one warning counts them.
        """
        lost = self.table.join(
            annotation.unknown_sites().rename({"gene_id": "annotated"}),
            on="annotated", maintain_order="left",
        ).select("gene_id", pl.format("its splice sites are not known: {}", "reason"))  # fmt: skip
        known = self.table.filter(~pl.col("gene_id").is_in(lost["gene_id"].implode()))
        if are_named or known.is_empty():
            return GenesToScore(known, self.failures | dict(lost.iter_rows()))
        if lost.height:
            log.warning(
                "%d genes are not scored, since the annotation does not give all of their splice "
                "sites, first %s.", lost.height, lost["gene_id"][0],
            )  # fmt: skip
        return GenesToScore(known, self.failures)

    def refuse_none(self) -> None:
        """Refuse to go on without any gene.

        Raises:
            InputError: If there is none; it says why the first cannot be scored.
        """
        if not self.table.is_empty():
            return
        if self.failures:
            name, why = next(iter(self.failures.items()))
            raise InputError(f"None of the genes can be scored; {name}: {why}.", "Check --genes.")
        raise InputError(
            "No gene of the wanted types lies in the FASTA.",
            "Check --gene-types, and that annotation and FASTA are of the same assembly.",
        )


def genes_to_score(
    annotation: Annotation,
    genome: Genome,
    wanted: Sequence[str] | None = None,
    gene_types: Collection[str] = (),
) -> GenesToScore:
    """Find genes in the annotation and in the FASTA.

    Args:
        annotation: Where the genes lie.
        genome: The sequence.
        wanted: Gene ids, with or without version, or gene names; None for every gene of
            ``gene_types`` whose span lies in the FASTA.
        gene_types: Such as ``protein_coding``; every type if empty. Genes without a type count.

    Raises:
        InputError: If annotation and FASTA share no chromosome.
    """
    chroms = annotation.genes["chrom"].unique(maintain_order=True).to_list()
    records = match_chroms(chroms, genome.chroms)
    if not records:
        raise no_match_error(chroms, genome.chroms, "annotation", "FASTA")
    placed = annotation.genes.select(
        "gene_id", "gene_type", "chrom", "strand",
        annotated="gene_id", start="gene_start", end="gene_end",
        record=pl.col("chrom").replace_strict(records, default=None, return_dtype=pl.String),
    )  # fmt: skip
    columns = ["gene_id", "annotated", "chrom", "record", "strand", "start", "end"]
    if wanted is None:
        found = GenesToScore(_covered(placed, genome, gene_types).select(columns), {})
    else:
        asked, failures = _asked(placed, annotation, genome, wanted)
        found = GenesToScore(asked.select(columns), failures)
    return found


def _covered(placed: pl.DataFrame, genome: Genome, gene_types: Collection[str]) -> pl.DataFrame:
    """The genes of some types whose span lies in the FASTA."""
    typed = placed
    if gene_types:
        typed = placed.filter(pl.col("gene_type").is_in(list(gene_types)).fill_null(True))
    inside = [_trouble(genome, gene) == "" for gene in typed.iter_rows(named=True)]
    left_out = len(inside) - sum(inside)
    if left_out:
        log.info("%d genes of the annotation do not lie in the FASTA.", left_out)
    return typed.filter(pl.Series(inside, dtype=pl.Boolean))


def _asked(
    placed: pl.DataFrame, annotation: Annotation, genome: Genome, wanted: Sequence[str]
) -> tuple[pl.DataFrame, dict[str, str]]:
    """The genes asked for, and why others cannot be scored."""
    matched = annotation.match(list(dict.fromkeys(wanted)))
    rows = matched.join(placed, on="gene_id", how="left", maintain_order="left")
    failures = {}
    for row in rows.iter_rows(named=True):
        why = row["reason"] if row["gene_id"] is None else _trouble(genome, row)
        if why:
            failures[row["asked"]] = why
    good = rows.filter(~pl.col("asked").is_in(list(failures)))
    # An id that lacks the annotation's version is kept: it is what the user's other tables have.
    named = pl.when(pl.col("reason") == WITHOUT_VERSION).then("asked").otherwise("gene_id")
    first = good.unique("annotated", keep="first", maintain_order=True)
    return first.with_columns(gene_id=named), failures


def _trouble(genome: Genome, gene: dict[str, Any]) -> str:
    """Why a gene cannot be scored; empty if it can."""
    if gene["record"] is None:
        return f"the FASTA has no chromosome {gene['chrom']}"
    if not genome.covers(gene["record"], gene["start"], gene["end"]):
        span = f"{gene['chrom']}:{gene['start']:,}-{gene['end']:,}"
        return f"its span {span} does not lie in the FASTA"
    return ""
