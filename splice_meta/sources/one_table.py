"""One table of base scores: its files or frame found, read, checked, and named where it fails."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import polars as pl

from splice_meta.contracts import TRUTH_WORD, base_models_in
from splice_meta.errors import ContractError, InputError, NoGenesError, UsageError
from splice_meta.provenance import MadeBy
from splice_meta.reference.reference import Reference
from splice_meta.runtime.panics import plain_panics
from splice_meta.sources.asked import as_in_scores
from splice_meta.sources.checks import GeneTable, check
from splice_meta.sources.checks.truth import settle_truth
from splice_meta.sources.files import files_of, reads_by_gene
from splice_meta.sources.made_by import read_made_by
from splice_meta.sources.opened import BaseScores
from splice_meta.sources.openspliceai.from_reference import sequence_of, spans_of
from splice_meta.sources.openspliceai.motif_check import SequenceOf
from splice_meta.sources.passes import is_by_pass, once_per_position
from splice_meta.sources.predictions import refuse_predictions
from splice_meta.sources.reading import reading, refuse_cells, refuse_lost_rows
from splice_meta.sources.tables import Table, open_tables, scan_files, scan_frame
from splice_meta.sources.text import KNOWN_COLUMNS
from splice_meta.sources.unreadable import readable

Read: TypeAlias = tuple[pl.LazyFrame, tuple[str, ...] | None, GeneTable, int]
"""Canonical rows, the genes asked for by the ids of the scores, what the check found, and how many
rows were read."""

REST = "it is taken as 1 - donor_score - acceptor_score"


def open_table(
    source: Any,
    genes: Sequence[str] | None = None,
    reference: Reference | None = None,
    truth: bool = False,
    *,
    places: bool = False,
    predictions: bool = False,
    name: str = "",
    also: Collection[str] = (),
) -> BaseScores:
    """Open the scores of one table, see :func:`splice_meta.sources.base_scores.open_scores`.

    Its own truth is dropped where the annotation's counts.

    Args:
        source: Its files, or a frame.
        genes: Only these genes.
        reference: Annotation and sequence.
        truth: Whether the annotation's truth counts.
        places: Whether its genes are to be compared with those of another table.
        predictions: Whether it may hold predictions.
        name: The base model that it is given for; empty where none is named.
        also: Further columns that will be read where they are there.

    Raises:
        InputError: If it cannot be read, or holds none of the genes.
        ContractError: If it breaks the contract.
    """
    files = files_of(source)
    tables = [] if not files or reads_by_gene(files) else open_tables(files)
    made_by = read_made_by(files)
    check_label(name, made_by)

    def read(files: Sequence[str], tables: Sequence[Table]) -> Read:
        if files:
            frame = scan_files(files, *_known_from(reference, files), tables=tables)
        else:
            frame = scan_frame(source)
        if not predictions:
            refuse_predictions(frame, files[0] if files else "The frame")
        if truth:
            frame = frame.drop("splice_type", TRUTH_WORD, strict=False)
        wanted = tuple(dict.fromkeys(genes)) if genes is not None else None
        if wanted is not None:
            known = reference.annotation if reference is not None else None
            wanted = as_in_scores(wanted, frame, known)
            frame = frame.filter(pl.col("gene_id").is_in(wanted))
        repeated = 0
        if is_by_pass(files, frame.collect_schema().names()):
            frame, repeated = once_per_position(frame, also, files[0] if files else "The frame")
        # Predictions may be of some positions only.
        table = check(frame, places, also, gaps=not predictions)
        return settle_truth(frame), wanted, table, table.positions + repeated

    with readable():
        refuse_cells(tables, KNOWN_COLUMNS)
        try:
            columns = {*KNOWN_COLUMNS, *also}
            frame, wanted, table, count = reading(tables, columns, lambda: read(files, tables))
        except ContractError as error:
            raise _explained(error, tables, read) from None
    if wanted is None:
        refuse_lost_rows(tables, count)
    if table.genes.is_empty():
        raise _no_genes(files, wanted, reference)
    rests = [f"{t.file} has no column neither_score: {REST}." for t in tables if t.lacks_neither]
    table = replace(table, remarks=(*table.remarks, *rests))
    names = base_models_in(frame.collect_schema().names())
    return BaseScores(frame, table, files, wanted, names, made_by=made_by)


def _known_from(
    reference: Reference | None, files: Sequence[str]
) -> tuple[pl.DataFrame | None, SequenceOf | None]:
    """Spans of genes, and bases, for files that lack them; None where not needed or not known."""
    if reference is None or not reads_by_gene(files):
        return None, None
    spans = spans_of(reference.annotation) if reference.annotation is not None else None
    return spans, sequence_of(reference.genome) if reference.genome is not None else None


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
