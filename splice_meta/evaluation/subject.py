"""What is evaluated: predictions, a run's output directory, or base scores with truth."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from splice_meta.contracts import FINAL, base_models_in, scores_of
from splice_meta.errors import InputError, SpliceMetaError, UsageError
from splice_meta.evaluation.tally import Systems
from splice_meta.records import read_record
from splice_meta.reference.reference import Reference
from splice_meta.runs.outputs import OutputLayout, check_run_name, parts_of, scan_parts, scan_table
from splice_meta.settings import MODES
from splice_meta.sources.base_scores import open_scores
from splice_meta.sources.files import files_of, reads_by_gene
from splice_meta.sources.opened import BaseScores
from splice_meta.sources.predictions import prediction_layout, truth_of_predictions
from splice_meta.sources.tables import open_tables, scan_unchanged
from splice_meta.stores import Place, object_at

log = logging.getLogger("splice_meta")

BYTES = 400
"""Bytes per position that a batch is planned with; with two systems the sums took 85 beside the
batch's own 28 in one measurement over two million positions."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is evaluated, opened and checked.

    Attributes:
        kind: ``predictions``, ``run`` or ``base scores``.
        scores: Positions with their probabilities and ``splice_type``, the truth.
        systems: The systems that are there already.
        trained: Genes that the run's model was trained on; None where that is not known.
    """

    kind: str
    scores: BaseScores
    systems: Systems
    trained: frozenset[str] | None = None

    def batches(self, memory: int) -> Iterator[pl.DataFrame]:
        """The positions batch by batch, as :func:`splice_meta.evaluation.tally.tally` wants them.

        Args:
            memory: Budget of a batch in bytes.
        """
        columns = dict.fromkeys(name for names in self.systems.values() for name in names)
        for first, stop in self.scores.batches(memory, BYTES):
            rows = self.scores.batch(first, stop)
            batch = rows.select("gene_id", *columns, truth="splice_type").collect()
            counts = batch.group_by("gene_id", maintain_order=True).agg(positions=pl.len())
            dtype = self.scores.table.genes.schema["positions"]
            self.scores.verify(counts.cast({"positions": dtype}), first, stop)
            yield batch


def open_subject(
    source: Any, genes: Sequence[str] | None, reference: Reference | None = None
) -> Subject:
    """Tell what a source is, open and check it.

    Args:
        source: A frame or path of predictions, a run's output directory, or base scores.
        genes: Only these genes.
        reference: Its annotation's splice sites are the truth.

    Raises:
        InputError: If it is none of these, or has no truth.
        OutputError: If the run has no complete table.
    """
    if _is_run(source):
        return _open_run(_place(source), genes, reference)
    frame = _peek(source)
    if frame is not None and prediction_layout(frame.collect_schema().names()):
        return _predictions(frame, genes, "predictions", None, reference)
    opened = open_scores(source, genes, reference, truth=_has_truth(reference))
    columns = opened.batch(0, 1).collect_schema().names()
    if "splice_type" not in columns:
        raise InputError(
            "The base scores have no column splice_type, which says what is annotated.",
            "Add it (0 or neither, 1 or donor, 2 or acceptor), or give --annotation, which tells "
            "where splice sites are.",
        )
    return Subject(kind="base scores", scores=opened, systems=base_systems(columns))


def _is_run(source: Any) -> bool:
    return isinstance(source, (str, Path)) and (_place(source) / "gene_manifest.json").is_file()


def _place(source: str | Path) -> Place:
    return object_at(source) or Path(source).expanduser()


def _peek(source: Any) -> pl.LazyFrame | None:
    """The table as it stands, to look at its columns; None where only base scores can be meant."""
    if isinstance(source, (pl.DataFrame, pl.LazyFrame)):
        return source.lazy()
    try:
        if isinstance(source, (str, Path)) and (path := _place(source)).is_dir():
            return scan_parts(path) if parts_of(path) else None
        files = files_of(source)
        has_tables = bool(files) and not reads_by_gene(files)
        return scan_unchanged(open_tables(files)) if has_tables else None
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).strip().splitlines()[0][:200]
        raise InputError(f"{source} cannot be read: {reason}.", "Check that it is whole.") from None


def _predictions(
    frame: pl.LazyFrame,
    genes: Sequence[str] | None,
    kind: str,
    trained: frozenset[str] | None,
    reference: Reference | None,
) -> Subject:
    old = prediction_layout(frame.collect_schema().names()) == "0.1.0"
    rows = truth_of_predictions(frame)
    columns = rows.collect_schema().names()
    if "splice_type" not in columns and not _has_truth(reference):
        raise InputError(
            "The predictions, in the layout of version 0.1.0, have no column true_splice_type, "
            "which says what is annotated."
            if old
            else "The predictions have no column splice_type, which says what is annotated.",
            "Give --annotation, or predict base scores that have splice_type: it is carried into "
            "the predictions.",
        )
    missing = [name for name in FINAL if name not in columns]
    if missing:
        raise InputError(
            f"The predictions have no column {', '.join(missing)}.", "Give a complete table."
        )
    if old:
        log.warning(
            "These predictions have the layout of version 0.1.0: their splice_type is the "
            "predicted class and is not read; the truth is their true_splice_type, or the "
            "annotation."
        )
    truth = _has_truth(reference)
    opened = open_scores(rows, genes, reference, truth, predictions=True)
    _check_final(opened.frame)
    bases = base_systems(opened.frame.collect_schema().names())
    return Subject(kind=kind, scores=opened, systems={**bases, "final": FINAL}, trained=trained)


def base_systems(columns: Sequence[str]) -> dict[str, tuple[str, str, str]]:
    """The base model as ``base``, the reference, and further base models by their names.

    Args:
        columns: ``donor_score`` ... are the base model's; with several base models there are also
            ``NAME.donor_score`` ... of each, the first name being ``base`` once more.

    Raises:
        UsageError: If a base model has the name of another system.
    """
    found = {"base": scores_of()}
    for name in base_models_in(columns)[1:]:
        if name in ("base", "final", *MODES):
            raise UsageError(
                f"A base model is called {name}, which means something else here.",
                "Give its scores under another name.",
            )
        found[name] = scores_of(name)
    return found


def _check_final(frame: pl.LazyFrame) -> None:
    """Refuse final probabilities that are none."""
    numbers = frame.collect_schema()
    if not all(numbers[name].is_numeric() for name in FINAL):
        raise InputError(
            "A final probability of the predictions is no number.", f"Check {', '.join(FINAL)}."
        )
    is_bad = [~pl.col(name).is_between(-1e-4, 1 + 1e-4).fill_null(False) for name in FINAL]
    bad = frame.select(pl.any_horizontal(is_bad).sum()).collect().item()
    if bad:
        raise InputError(
            f"{bad:,} rows of the predictions have a final probability that cannot be one.",
            "donor_meta, acceptor_meta and neither_meta lie between 0 and 1.",
        )


def _has_truth(reference: Reference | None) -> bool:
    return reference is not None and reference.annotation is not None


def _open_run(folder: Place, genes: Sequence[str] | None, reference: Reference | None) -> Subject:
    layout, rows = read_run(folder)
    trained = frozenset(row["gene_id"] for row in rows if row["scenario"] == "1")
    return _predictions(scan_table(layout, "complete"), genes, "run", trained, reference)


def read_run(folder: Place) -> tuple[OutputLayout, list[dict[str, Any]]]:
    """Where the latest run of an output directory lies, and its gene manifest.

    Raises:
        InputError: If the gene manifest is damaged.
    """
    hint = "Run it again with --overwrite."
    try:
        data = read_record(folder / "gene_manifest.json", InputError, hint, largest=1 << 30)
        run = check_run_name(data.at("run").text())
        rows = [
            {name: gene.at(name).text(1 << 16) for name in ("gene_id", "scenario")}
            for gene in data.at("genes").items()
        ]
    except SpliceMetaError as error:
        raise InputError(f"{folder} is an incomplete run: {error.message}", hint) from None
    return OutputLayout(folder, run), rows


def base_scores_of(source: Any) -> Any:
    """Base scores with everything features are made from: the source itself, or a run's base table.

    Raises:
        UsageError: If the source is predictions, which lack the sequence.
        OutputError: If the run did not write its base table.
    """
    if _is_run(source):
        return scan_table(read_run(_place(source))[0], "base")
    frame = _peek(source)
    if frame is not None and prediction_layout(frame.collect_schema().names()):
        raise UsageError(
            "Predictions do not hold what features are made from.",
            "Give the base scores, or the output directory of a run.",
        )
    return source
