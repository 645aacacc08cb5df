"""Base scores: from files, globs, directories, object stores or frames to checked lazy frames."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl

from splice_meta.contracts import TRUTH_WORD, base_models_in, canonical, column, scores_of
from splice_meta.errors import ContractError, InputError, NoGenesError, UsageError
from splice_meta.panics import plain_panics
from splice_meta.provenance import MadeBy
from splice_meta.reference.annotation import Annotation
from splice_meta.reference.reference import Reference, open_reference
from splice_meta.reference.sequence import Genome
from splice_meta.sources.checks import GeneTable, check
from splice_meta.sources.checks.place import judge_gaps
from splice_meta.sources.checks.truth import settle_truth
from splice_meta.sources.files import files_of, reads_by_gene
from splice_meta.sources.joined import aligned, check_coverage, check_names
from splice_meta.sources.layouts import to_contract_names
from splice_meta.sources.locate import as_in_scores, locate
from splice_meta.sources.located import Located
from splice_meta.sources.made_by import read_made_by
from splice_meta.sources.opened import BaseScores
from splice_meta.sources.openspliceai.from_reference import sequence_of, spans_of
from splice_meta.sources.openspliceai.motif_check import SequenceOf
from splice_meta.sources.passes import is_by_pass, once_per_position, read_columns
from splice_meta.sources.predictions import refuse_predictions
from splice_meta.sources.reading import reading, refuse_cells, refuse_lost_rows
from splice_meta.sources.site_check import judge_located
from splice_meta.sources.tables import Table, open_tables, scan_files
from splice_meta.sources.text import KNOWN_COLUMNS
from splice_meta.sources.unreadable import readable

log = logging.getLogger("splice_meta")

Read: TypeAlias = tuple[pl.LazyFrame, tuple[str, ...] | None, GeneTable]
"""Canonical rows, the genes asked for by the ids of the scores, and what the check found."""

REST = "it is taken as 1 - donor_score - acceptor_score"


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
        opened = _open_one(source, genes, reference, truth, predictions=predictions, also=also)
    if reference is None:
        _say([] if again else opened.remarks)
        return opened
    with readable():
        located = locate(opened.frame, opened.table, reference, truth)
    lost = {*located.unknown, *located.untold} if truth else set()
    if lost:
        _say_without_truth(located, reference)
        known = [gene for gene in located.genes["gene_id"] if gene not in lost]
        asked = [*known, *opened.absent]
        return open_scores(source, asked, reference, truth, predictions=predictions, also=also)
    with readable():
        _say([] if again else [*opened.remarks, *judge_located(opened, located)])
    return replace(opened, located=located)


def _say(remarks: Sequence[str]) -> None:
    """Warn of what is doubtful, when nothing was refused."""
    for remark in remarks:
        log.warning("%s", remark)


def _say_without_truth(located: Located, reference: Reference) -> None:
    """Warn of genes whose truth is not known; refuse to go on where none is left."""
    gene, reason = next(iter(located.untold.items()), ("", ""))
    if len({*located.unknown, *located.untold}) == located.genes.height:
        source = reference.files[0]
        gene, reason = (gene, reason) if gene else (located.unknown[0], "it is not in it")
        raise InputError(
            f"The annotation {source} gives the splice sites of none of the "
            f"{located.genes.height:,} genes, first {gene}: {reason}.",
            "Give an annotation with the exons of these genes.",
        )
    if located.unknown:
        log.warning(
            "%d genes are not in the annotation and are left out, first %s.",
            len(located.unknown), located.unknown[0],
        )  # fmt: skip
    if located.untold:
        log.warning(
            "%d genes are left out, since the annotation does not give all of their splice sites, "
            "first %s: %s.", len(located.untold), gene, reason,
        )  # fmt: skip


def _known_from(
    reference: Reference | None, files: Sequence[str]
) -> tuple[pl.DataFrame | None, SequenceOf | None]:
    """Spans of genes, and bases, for files that lack them; None where not needed or not known."""
    if reference is None or not reads_by_gene(files):
        return None, None
    spans = spans_of(reference.annotation) if reference.annotation is not None else None
    return spans, sequence_of(reference.genome) if reference.genome is not None else None


def _open_one(
    source: Any,
    genes: Sequence[str] | None,
    reference: Reference | None,
    truth: bool = False,
    places: bool = False,
    predictions: bool = False,
    name: str = "",
    also: Collection[str] = (),
) -> BaseScores:
    """Open the scores of one table; its own truth is dropped where the annotation's counts."""
    files = files_of(source)
    tables = [] if not files or reads_by_gene(files) else open_tables(files)
    made_by = read_made_by(files)
    check_label(name, made_by)

    merged = False

    def by_pass(frame: pl.LazyFrame) -> bool:
        nonlocal merged
        merged = is_by_pass(files, frame.collect_schema().names())
        return merged

    def read(files: Sequence[str], tables: Sequence[Table]) -> Read:
        frame = _rows(source, files, tables, reference)
        if not predictions:
            refuse_predictions(frame, files[0] if files else "The frame")
        if truth:
            frame = frame.drop("splice_type", TRUTH_WORD, strict=False)
        wanted = tuple(dict.fromkeys(genes)) if genes is not None else None
        if wanted is not None:
            known = reference.annotation if reference is not None else None
            wanted = as_in_scores(wanted, frame, known)
            frame = frame.filter(pl.col("gene_id").is_in(wanted))
        if by_pass(frame):
            rows = read_columns(frame, also).collect(engine="streaming")
            if wanted is None:
                refuse_lost_rows(tables, rows.height)
            frame = once_per_position(rows, files[0] if files else "The frame").lazy()
        table = check(frame, places, also)
        return settle_truth(frame), wanted, table

    with readable():
        refuse_cells(tables, KNOWN_COLUMNS)
        try:
            columns = {*KNOWN_COLUMNS, *also}
            frame, wanted, table = reading(tables, columns, lambda: read(files, tables))
        except ContractError as error:
            raise _explained(error, tables, read) from None
    if wanted is None and not merged:
        refuse_lost_rows(tables, table.positions)
    if table.genes.is_empty():
        raise _no_genes(files, wanted, reference)
    rests = [f"{t.file} has no column neither_score: {REST}." for t in tables if t.lacks_neither]
    gaps = [] if predictions else judge_gaps(table.genes)  # those may be of some positions only
    table = replace(table, remarks=(*gaps, *table.remarks, *rests))
    names = base_models_in(frame.collect_schema().names())
    return BaseScores(frame, table, files, wanted, names, made_by=made_by)


def _rows(
    source: Any, files: Sequence[str], tables: Sequence[Table], reference: Reference | None
) -> pl.LazyFrame:
    """The canonical rows of files, or of a frame."""
    if files:
        return scan_files(files, *_known_from(reference, files), tables=tables)
    return canonical(to_contract_names(_frame(source)))


def _no_genes(
    files: Sequence[str], wanted: Sequence[str] | None, reference: Reference | None
) -> InputError:
    """The error for scores without any rows, or without any of the genes asked for."""
    if wanted is None:
        where = files[0] if len(files) == 1 else "The table of base scores"
        return ContractError(f"{where} has no rows.", "Check the path.")
    listed = f"{', '.join(wanted[:3])}{' ...' if len(wanted) > 3 else ''}"
    return NoGenesError(
        f"None of the {len(wanted)} genes asked for ({listed}) is in the base scores.",
        "Check the gene ids against the table's gene_id column."
        if reference is not None and reference.annotation is not None
        else "Check them against the table's gene_id column; to name genes, give --annotation.",
    )


def _explained(
    error: ContractError,
    tables: Sequence[Table],
    read: Callable[[Sequence[str], Sequence[Table]], Read],
) -> ContractError:
    """The error of a check, with the file it is in, and what its columns were taken for."""
    message, hint = error.message, error.hint
    for table in tables if len(tables) > 1 else ():
        try:
            read([table.file], [table])
        except ContractError as found:
            message, hint, tables = found.message, found.hint, [table]
            message = message if table.file in message else f"{table.file}: {message}"
            break
    if "neither_score" in message and any(table.lacks_neither for table in tables):
        hint = f"The table has no column neither_score: {REST}."
    return ContractError(message, hint)


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
        _open_one(scores, genes, reference, truth, places=True, name=name, also=also)
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


@plain_panics()
def check_label(name: str, made_by: MadeBy | None) -> None:
    """Refuse a name for scores that, as their files say, another base model made.

    Args:
        name: The name; empty where there is none.
        made_by: What their files say.

    Raises:
        UsageError: If so.
    """
    if name and made_by is not None and not made_by.bears(name):
        raise UsageError(
            f"The scores given as {name} were made by {made_by}, as their file says.",
            f"Give scores that {name} made, or give these their own name, {made_by.base_model}.",
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
