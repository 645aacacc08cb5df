"""Telling what was given: the output of a run, predictions, or base scores."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from splice_meta.contracts import FINAL
from splice_meta.errors import InputError, UsageError
from splice_meta.reference.reference import Reference
from splice_meta.runs.found import has_ended, incomplete, place_at, record_of, run_at, state_of
from splice_meta.runs.outputs import FILE_OF, MANIFEST, OutputLayout
from splice_meta.runs.tables import parts_of, scan_parts, scan_table
from splice_meta.sources.base_scores import open_scores
from splice_meta.sources.files import files_of, reads_by_gene
from splice_meta.sources.opened import BaseScores
from splice_meta.sources.predictions import prediction_layout, truth_of_predictions
from splice_meta.sources.tables import open_tables, scan_unchanged

log = logging.getLogger("splice_meta")


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Positions with their probabilities, checked; the truth need not be there.

    Attributes:
        scores: The positions.
        systems: The probability columns (donor, acceptor, neither) by system: ``base`` and, of
            predictions, ``final``.
    """

    scores: BaseScores
    systems: dict[str, tuple[str, str, str]]


def open_rows(
    source: Any,
    genes: Sequence[str] | None,
    reference: Reference | None,
    truth: bool = False,
) -> Rows:
    """Open and check a run's output, predictions or base scores.

    Args:
        source: A run's output directory or its folder of tables, a frame or files of predictions,
            or base scores.
        genes: Only these genes.
        reference: For what the rows lack of place.
        truth: Take the truth from its annotation, where there is one; genes it lacks are left out.

    Raises:
        InputError: If it is none of these, or its probabilities are none.
        OutputError: If the run has no complete table.
    """
    has_truth = truth and reference is not None and reference.annotation is not None
    layout = read_run(source)
    frame = scan_table(layout, "complete") if layout is not None else peek(source)
    base = {"base": ("donor_score", "acceptor_score", "neither_score")}
    if frame is None or not prediction_layout(frame.collect_schema().names()):
        return Rows(scores=open_scores(source, genes, reference, has_truth), systems=base)
    rows = truth_of_predictions(frame)
    missing = [name for name in FINAL if name not in rows.collect_schema().names()]
    if missing:
        raise InputError(
            f"The predictions have no column {', '.join(missing)}.", "Give a complete table."
        )
    opened = open_scores(rows, genes, reference, has_truth, predictions=True)
    check_final(opened.frame)
    return Rows(scores=opened, systems={**base, "final": FINAL})


def read_run(source: Any) -> OutputLayout | None:
    """The run that a path is of, to be read; of one that has not ended that is warned of.

    Raises:
        InputError: If its gene manifest or its ledger is damaged.
    """
    layout = run_at(source)
    state = state_of(layout) if layout is not None and not has_ended(layout) else None
    if layout is not None and state is not None and not state.is_whole:
        log.warning(
            "The run %s has not ended: %s. Only these are read.", layout.run_name, state.so_far()
        )
    return layout


def peek(source: Any) -> pl.LazyFrame | None:
    """The table as it stands, to look at its columns; None where only base scores can be meant."""
    if isinstance(source, (pl.DataFrame, pl.LazyFrame)):
        return source.lazy()
    try:
        if isinstance(source, (str, Path)) and (path := place_at(source)).is_dir():
            return scan_parts(path) if parts_of(path) else None
        files = files_of(source)
        has_tables = bool(files) and not reads_by_gene(files)
        return scan_unchanged(open_tables(files)) if has_tables else None
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).strip().splitlines()[0][:200]
        hint = "Check that it is complete."
        raise InputError(f"{source} cannot be read: {reason}.", hint) from None


def check_final(frame: pl.LazyFrame) -> None:
    """Refuse final probabilities that are none."""
    numbers = frame.collect_schema()
    if not all(numbers[name].is_numeric() for name in FINAL):
        raise InputError(
            "A final probability of the predictions is not a number.", f"Check {', '.join(FINAL)}."
        )
    is_bad = [~pl.col(name).is_between(-1e-4, 1 + 1e-4).fill_null(False) for name in FINAL]
    bad = frame.select(pl.any_horizontal(is_bad).sum()).collect().item()
    if bad:
        raise InputError(
            f"{bad:,} rows of the predictions have a final probability that cannot be one.",
            "donor_meta, acceptor_meta and neither_meta lie between 0 and 1.",
        )


def trained_genes(layout: OutputLayout) -> frozenset[str] | None:
    """The genes that a run's model was trained on; None where it has no reports yet.

    Raises:
        InputError: If its gene manifest is damaged.
    """
    if not has_ended(layout):
        return None
    with incomplete(layout.root):
        rows = [{n: gene.at(n).text(1 << 16) for n in ("gene_id", "scenario")}
                for gene in record_of(layout, MANIFEST).at("genes").items()]  # fmt: skip
    return frozenset(row["gene_id"] for row in rows if row["scenario"] == "1")


def base_tables(path: str) -> list[str] | None:
    """The files of a run's table of base scores; None where a path is of no run.

    Raises:
        OutputError: If the run did not write that table.
    """
    layout = read_run(path)
    if layout is None:
        return None
    scan_table(layout, "base")  # refuses what is not there
    return [str(part) for part in parts_of(layout.predictions / FILE_OF["base"])]


def base_scores_of(source: Any) -> Any:
    """Base scores with everything features are made from: the source itself, or a run's base table.

    Raises:
        UsageError: If the source is predictions, which lack the sequence.
        OutputError: If the run did not write its base table.
    """
    layout = read_run(source)
    if layout is not None:
        return scan_table(layout, "base")
    frame = peek(source)
    if frame is not None and prediction_layout(frame.collect_schema().names()):
        raise UsageError(
            "Predictions do not hold what features are made from.",
            "Give the base scores, or the output directory of a run.",
        )
    return source
