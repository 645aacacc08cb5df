"""Base scores: tables of one or several base models, put together and located."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from splice_meta.contracts import column, scores_of
from splice_meta.reference.annotation import Annotation
from splice_meta.reference.reference import Reference, open_reference
from splice_meta.reference.sequence import Genome
from splice_meta.sources.checks import GeneTable
from splice_meta.sources.joined import aligned, check_coverage, check_names
from splice_meta.sources.locate import locate, refuse_no_truth
from splice_meta.sources.one_table import open_table
from splice_meta.sources.opened import BaseScores
from splice_meta.sources.site_check import judge_located
from splice_meta.sources.unreadable import readable

log = logging.getLogger("splice_meta")

def open_scores(
    source: Any,
    genes: Sequence[str] | None = None,
    reference: Reference | None = None,
    truth: bool = False,
    *,
    predictions: bool = False,
    also: Collection[str] = (),
) -> BaseScores:
    """Read and check base scores, in one streaming pass and without keeping them.

    Args:
        source: See :func:`scan_scores`; scores that are open already are returned as they are.
        genes: Only these genes, by the scores' ids or, with an annotation, any name it knows;
            those that are not in the scores are simply not in the result.
        reference: Annotation and sequence, for what the rows lack of place and base, and for
            genomic features.
        truth: Take ``splice_type`` from the annotation; genes it lacks are left out.
        predictions: Take the base scores of predictions, with their other columns; such a table is
            refused otherwise.
        also: Further columns that will be read where the table has them, such as a model's
            features: whether they can be is checked, too.

    Raises:
        InputError: If a file is missing or of an unknown kind or holds predictions, or the
            reference is of other genes.
        ContractError: If the scores break the contract, or other base models' scores do not cover
            those of the primary one.
    """
    again = isinstance(source, BaseScores) and genes is None  # what is doubtful was said
    if isinstance(source, BaseScores) and genes is None:
        opened = source
    elif isinstance(source, Mapping):
        opened = _open_several(source, genes, reference, truth, also)
    else:
        opened = open_table(source, genes, reference, truth, predictions=predictions, also=also)
    remarks = opened.remarks
    if reference is not None:
        with readable():
            located = locate(opened.frame, opened.table, reference, truth)
        if truth and located.without_truth:
            refuse_no_truth(located, reference)
            known = located.genes.filter(~pl.col("gene_id").is_in(located.without_truth))
            asked = [*known["gene_id"], *opened.absent]
            return open_scores(source, asked, reference, truth, predictions=predictions, also=also)
        with readable():
            remarks += judge_located(opened, located)
        opened = replace(opened, located=located)
    for remark in [] if again else remarks:
        log.warning("%s", remark)
    return opened


def _open_several(
    source: Mapping[str, Any],
    genes: Sequence[str] | None,
    reference: Reference | None,
    truth: bool,
    also: Collection[str],
) -> BaseScores:
    """Open the scores of each base model, the first being the primary one."""
    names = check_names(source)
    primary, *others = (
        open_table(scores, genes, reference, truth, places=True, name=name, also=also)
        for name, scores in source.items()
    )
    others = [
        replace(other, table=aligned(primary.table, other.table, names[0], name))
        for name, other in zip(names[1:], others, strict=True)
    ]
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
            ``predict.h5``, an ``s3://``, ``gs://`` or ``az://`` address of such a table, folder or
            pattern, another address that Polars can scan, a list of those, a Polars frame, or an
            object with the Arrow PyCapsule interface. Or a mapping of base model names to any of
            these: they are joined on gene and position (by genomic position where both have it);
            the first is the primary one, whose rows and further columns are kept.
        genes: Only these genes.
        annotation: GTF or GFF3: adds ``chrom``, ``strand`` and ``genomic_position`` where they are
            missing, and the genomic features.
        fasta: Adds ``base`` where it is missing.

    Returns:
        One row per nucleotide, see :func:`splice_meta.contracts.canonical`; with several base
        models also ``NAME.donor_score``, ``NAME.acceptor_score``, ``NAME.neither_score`` of each.

    Raises:
        InputError: If a file is missing or of an unknown kind, or holds predictions.
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


def extend(first: BaseScores, more: BaseScores, reference: Reference | None) -> BaseScores:
    """Scores with those of further genes behind them.

    Args:
        first: Checked scores.
        more: Checked scores of other genes, of the same base models; columns that only they have
            are left out. Of genes that are in both, theirs count: where base models have tables of
            their own, one of them may hold a gene that the primary one lacks.
        reference: Annotation and sequence, to locate all genes again.
    """
    if len(more.others) != len(first.others):  # one table has the scores of several base models
        more = open_scores(more.all_rows())
    first = _without(first, more.table.genes["gene_id"].to_list())
    columns = first.frame.collect_schema().names()
    names = [n for n in more.frame.collect_schema().names() if n in columns]
    rows = more.frame.select(map(column, names))
    offset = pl.col("first_row") + first.table.positions
    genes = [first.table.genes, more.table.genes.with_columns(first_row=offset)]
    pairs = zip(first.others, more.others, strict=True)
    ids = [gene for scores in (first, more) for gene in scores.table.genes["gene_id"]]
    both = replace(
        first,
        frame=pl.concat([first.frame, rows], how="diagonal_relaxed"),
        table=GeneTable(pl.concat(genes, how="diagonal"), first.table.remarks),
        files=(*first.files, *more.files),
        wanted=tuple(ids),
        others=tuple(extend(mine, theirs, None) for mine, theirs in pairs),
        located=None,
        made_by=first.made_by if first.made_by == more.made_by else None,
    )
    return open_scores(both, None, reference)


def _without(scores: BaseScores, genes: Sequence[str]) -> BaseScores:
    """Scores without some genes; rows are found by gene then, not by number."""
    kept = ~pl.col("gene_id").is_in(list(genes))
    return replace(
        scores, frame=scores.frame.filter(kept), table=GeneTable(scores.table.genes.filter(kept))
    )
