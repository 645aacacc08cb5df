"""Predictions of several inference modes beside the base scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from splice_meta.contracts import FINAL, SCORES
from splice_meta.errors import UsageError
from splice_meta.evaluation.tally import Systems
from splice_meta.model.bundle import MetaModel
from splice_meta.pipeline.batch import predict_genes
from splice_meta.pipeline.memory import bytes_per_position
from splice_meta.settings import MODES, Mode, RunSettings, one_of
from splice_meta.sink import sink_parquet
from splice_meta.sources.opened import BaseScores


def chosen_modes(model: MetaModel | None, modes: Sequence[Mode] | None) -> tuple[Mode, ...]:
    """The modes to predict with: those asked for, else all if there is a model.

    Raises:
        UsageError: If there is no such mode, or it needs a model.
    """
    found = MODES if modes is None and model else tuple(dict.fromkeys(modes or ()))
    for mode in found:
        one_of("The inference mode", mode, MODES)
        if model is None and mode != "base_only":
            raise UsageError(f"The mode {mode} needs a model.", "Give a model, or use base_only.")
    return found


def mode_systems(modes: Sequence[Mode]) -> dict[str, tuple[str, str, str]]:
    """The columns of each mode's probabilities."""
    return {mode: (f"donor_{mode}", f"acceptor_{mode}", f"neither_{mode}") for mode in modes}


def predict_modes(
    scores: BaseScores,
    bases: Systems,
    model: MetaModel | None,
    settings: RunSettings,
    modes: Sequence[Mode],
    folder: Path,
    advanced: Callable[[int], None],
) -> list[Path]:
    """Predict base scores in several modes into part files, gene batch by gene batch.

    ``hybrid`` is ``meta_only`` at the uncertain positions and the base model elsewhere, and no
    row's prediction depends on other rows being predicted; so where both are asked for, the model
    runs once over all positions.

    Args:
        scores: Checked base scores with ``splice_type``.
        bases: The base models' columns.
        model: The meta-model; may be None where ``base_only`` is the only mode.
        settings: Selection, features and memory; its mode is not used.
        modes: Which modes; at least one.
        folder: Where the part files go.
        advanced: Told the positions of each batch done.

    Returns:
        Files with ``gene_id``, ``truth`` and the columns of ``bases`` and :func:`mode_systems`,
        in input order.
    """
    widest: Mode = next((m for m in ("meta_only", "hybrid") if m in modes), "base_only")
    chosen = replace(settings, mode=widest, outputs=("complete",), columns="full")
    others = [name for names in bases.values() for name in names if name not in SCORES]
    files: list[Path] = []
    for first, stop in scores.batches(chosen.memory, bytes_per_position(model, chosen)):
        batch = predict_genes(scores, first, stop, model, chosen)
        plan = batch.complete.select(
            "gene_id", *SCORES, **_columns(modes, widest), truth="splice_type"
        )
        if others:  # the combined table has the primary base model only; rows are the same
            plan = pl.concat([plan, scores.batch(first, stop).select(others)], how="horizontal")
        files.append(folder / f"part-{len(files):05d}.parquet")
        sink_parquet(plan, files[-1])
        advanced(batch.marked.height)
    return files


def _columns(modes: Sequence[Mode], widest: Mode) -> dict[str, pl.Expr]:
    """The probabilities of each mode from a prediction in the widest of them."""
    found: dict[str, pl.Expr] = {}
    for mode, names in mode_systems(modes).items():
        for name, final, score in zip(names, FINAL, SCORES, strict=True):
            if mode == widest:
                found[name] = pl.col(final)
            elif mode == "hybrid":
                found[name] = pl.when("is_uncertain").then(final).otherwise(score)
            else:
                found[name] = pl.col(score)
    return found
