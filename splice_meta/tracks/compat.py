"""Predictions in the layout of meta-spliceai, for scripts that read its files.

::

    OUT/performance_report.txt, gene_manifest.json         (of a run)
    OUT/genes/GENE/GENE_predictions.parquet
    OUT/selective_inference/predictions/RUN/complete_coverage_predictions.parquet
                                           /meta_model_predictions.parquet
                                           /base_model_predictions.parquet

Its columns and types: probabilities as Float64, ``is_adjusted`` as 0 or 1, ``entropy``,
``confidence_category`` as high, medium or low, ``transcript_id``. One thing is not as there:
``splice_type`` is the truth, and absent where that is not known, for there it was the predicted
class, which its evaluators took for the truth; that is ``predicted_type`` here.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl

from splice_meta.contracts import FINAL, class_expr
from splice_meta.errors import UsageError
from splice_meta.evaluation.source import Rows, open_rows
from splice_meta.files.given import Given
from splice_meta.files.ownership import Owned, refuse_target
from splice_meta.reference.annotation import Annotation
from splice_meta.reference.gene_features import representatives
from splice_meta.reference.reference import Reference, open_reference
from splice_meta.runs.found import run_at
from splice_meta.runs.outputs import HOME, OutputLayout
from splice_meta.runtime.panics import plain_panics
from splice_meta.runtime.watching import Progress, Watcher, watcher_of
from splice_meta.shown import Shown
from splice_meta.sink import sink_parquet, whole_file

log = logging.getLogger("splice_meta")

_TABLES = Owned(what="tables of predictions", files=("*.parquet",))
COMPAT = Owned(
    what="predictions in meta-spliceai's layout",
    files=("performance_report.txt", "gene_manifest.json"),
    folders={
        "genes": Owned(what="genes", folders={"*": _TABLES}),
        HOME: Owned(
            what="runs", folders={"predictions": Owned(what="runs", folders={"*": _TABLES})}
        ),
    },
)
"""What lies in the folder."""

HIGH, MEDIUM = 0.80, 0.30
"""Largest score from which a position's confidence is high, or medium."""

_UNKNOWN = "UNKNOWN"
_SCORES = ("donor_score", "acceptor_score", "neither_score")
_CARRIED = (
    "chrom", "strand", "genomic_position", "is_low_confidence", "is_high_entropy", "is_uncertain",
    "prediction_source",
)  # fmt: skip
_BYTES = 250
"""Bytes per position of what is in work."""


@dataclass(frozen=True, repr=False)
class Converted(Shown):
    """What was written.

    Attributes:
        folder: Where.
        genes: Genes.
        positions: Positions.
    """

    folder: Path
    genes: int
    positions: int

    def _facts(self) -> list[tuple[str, str]]:
        return [("folder", str(self.folder)), ("genes", f"{self.genes:,}"),
                ("positions", f"{self.positions:,}")]  # fmt: skip


@plain_panics()
def export_compat(
    source: Any,
    output: str | Path,
    *,
    genes: str | Sequence[str] | None = None,
    annotation: str | Path | Annotation | None = None,
    memory: int = 1 << 30,
    overwrite: bool = False,
    progress: Progress = False,
) -> Converted:
    """Write predictions in the layout of meta-spliceai.

    Args:
        source: The output of a run, or predictions (files or a frame).
        output: The folder to write; it appears complete or not at all.
        genes: Only these genes, by id or, with an annotation, by name.
        annotation: GTF or GFF3: names the genes' representative transcripts.
        memory: Memory budget in bytes.
        overwrite: Replace a folder of this layout.
        progress: Show progress, or a watcher that receives it: positions.

    Raises:
        UsageError: If the source holds base scores only.
        InputError: If it cannot be read.
        OutputError: If the folder cannot be written.
    """
    folder, layout = Path(output).expanduser(), run_at(source)
    read = layout.predictions if layout is not None else source
    refuse_target(folder, Given((read, annotation)), overwrite, COMPAT, file=False)
    reference = open_reference(annotation, None)
    rows = open_rows(source, [genes] if isinstance(genes, str) else genes, reference)
    if "final" not in rows.systems:
        raise UsageError(
            "The layout of meta-spliceai is one of predictions; these are base scores.",
            "Give the output of a run.",
        )
    if "splice_type" not in rows.scores.frame.collect_schema():
        log.warning(
            "The truth is not known, so the tables have no splice_type; the predicted class is "
            "predicted_type."
        )
    with whole_file(folder, COMPAT) as temporary:
        run = layout.run_name if layout is not None else "predictions"
        _write(rows, reference, temporary, run, memory, watcher_of(progress))
        _copy_reports(layout, temporary)
    table = rows.scores.table
    return Converted(folder, table.genes.height, table.positions)


def their_columns(rows: pl.LazyFrame, transcripts: pl.DataFrame | None) -> pl.LazyFrame:
    """Predictions with meta-spliceai's columns, types and order.

    Args:
        rows: Predictions.
        transcripts: ``gene_id`` and ``transcript_id``; None where they are not known.
    """
    names = rows.collect_schema().names()
    if transcripts is not None:
        rows = rows.join(transcripts.lazy(), on="gene_id", how="left", maintain_order="left")
    known = pl.col("transcript_id").fill_null(_UNKNOWN)
    scores = [pl.col(name).cast(pl.Float64) for name in _SCORES]
    largest = pl.max_horizontal(scores)
    spread = largest - pl.concat_list(scores).list.sort(descending=True).list.get(1)
    total = pl.sum_horizontal(scores)
    shares = [(score / total).clip(lower_bound=1e-10) for score in scores]
    entropy = -pl.sum_horizontal(p * p.log() for p in shares) / pl.lit(3.0).log()
    truth = [pl.col("splice_type").cast(pl.String)] if "splice_type" in names else []
    return rows.select(
        "gene_id",
        pl.col("position").cast(pl.Int64),
        *scores,
        *(pl.col(name).cast(pl.Float64) for name in FINAL),
        *truth,
        class_expr(*FINAL).cast(pl.String).alias("predicted_type"),
        pl.col("is_adjusted").cast(pl.Int32),
        pl.when(total > 0).then(entropy).otherwise(0.0).alias("entropy"),
        (known if transcripts is not None else pl.lit(_UNKNOWN)).alias("transcript_id"),
        largest.alias("max_confidence"),
        spread.alias("score_spread"),
        pl.when(largest >= HIGH).then(pl.lit("high")).when(largest >= MEDIUM)
        .then(pl.lit("medium")).otherwise(pl.lit("low")).alias("confidence_category"),
        *(_plain(name) for name in _CARRIED if name in names),
    )  # fmt: skip


def _plain(name: str) -> pl.Expr:
    """A further column; categories as text."""
    return pl.col(name).cast(pl.String) if name == "prediction_source" else pl.col(name)


def _write(
    rows: Rows,
    reference: Reference | None,
    folder: Path,
    run: str,
    memory: int,
    watch: Watcher,
) -> None:
    scores = rows.scores
    transcripts = _transcripts(rows, reference)
    tables = folder / HOME / "predictions" / run
    tables.mkdir(parents=True)
    whole = their_columns(scores.all_rows(), transcripts)
    sink_parquet(whole, tables / "complete_coverage_predictions.parquet")
    adjusted = whole.filter(pl.col("is_adjusted") == 1)
    sink_parquet(adjusted, tables / "meta_model_predictions.parquet")
    base = whole.drop(FINAL, "predicted_type", "is_adjusted")
    sink_parquet(base, tables / "base_model_predictions.parquet")
    watch.started("exporting", scores.table.positions)
    for first, stop in scores.batches(memory, _BYTES):
        found = their_columns(scores.batch(first, stop), transcripts).collect()
        for part in found.partition_by("gene_id", maintain_order=True):
            name = quote(part["gene_id"][0], safe="")
            place = folder / "genes" / name
            place.mkdir(parents=True)
            sink_parquet(part.lazy(), place / f"{name}_predictions.parquet")
        watch.advanced(found.height)


def _transcripts(rows: Rows, reference: Reference | None) -> pl.DataFrame | None:
    """The representative transcript of each gene, by the table's ids."""
    located = rows.scores.located
    if reference is None or reference.annotation is None or located is None:
        return None
    chosen = representatives(reference.annotation)
    ids = located.genes.select("gene_id", "annotated").drop_nulls()
    named = chosen.select(annotated="gene_id", transcript_id="transcript_id")
    return ids.join(named, on="annotated").select("gene_id", "transcript_id")


def _copy_reports(layout: OutputLayout | None, folder: Path) -> None:
    """Copy a run's text report and gene manifest, where they are of this run."""
    if layout is None or run_at(str(layout.root)) != layout:
        return
    for file in (layout.report_text, layout.gene_manifest):
        if file.is_file():
            (folder / file.name).write_bytes(file.read_bytes())
