"""How well scores tell which variants change splicing, side by side, with intervals by gene."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from splice_meta.errors import InputError, UsageError
from splice_meta.evaluation.variant_figures import figures_of
from splice_meta.evaluation.variant_table import Table, VariantTable, open_table

log = logging.getLogger("splice_meta")

THRESHOLDS = (0.2, 0.5, 0.8)
"""Usual for SpliceAI's changes: high recall, recommended, high precision."""


@dataclass(frozen=True, kw_only=True)
class VariantEvaluation:
    """Figures, and what they were made from.

    Attributes:
        table: What :func:`splice_meta.evaluate_variants` returns.
        systems: Names of the systems; the first is the reference.
        variants: How many variants the figures are of.
        affecting: How many of them change splicing.
        groups: How many genes they are of.
        left_out: How many had a truth, but no value of some system.
        without_truth: How many had no truth.
        without_value: By system, how many had a truth and no value of it.
        resamples: How often genes were drawn for the intervals.
    """

    table: pl.DataFrame
    systems: tuple[str, ...]
    variants: int
    affecting: int
    groups: int
    left_out: int
    without_truth: int
    without_value: Mapping[str, int]
    resamples: int


def evaluate_variants(
    table: Table,
    truth: str,
    *,
    results: Any = None,
    scores: Sequence[str] = (),
    group: str | None = None,
    thresholds: Sequence[float] = THRESHOLDS,
    missing: str = "leave-out",
    resamples: int = 1000,
    seed: int = 0,
) -> pl.DataFrame:
    """How well scores find the variants that change splicing, side by side.

    Systems are ``base`` and ``final`` (the largest of the four changes), ``base_any`` and
    ``final_any`` (1 less the product of 1 less each change), and ``effect`` (the same of base
    losses and recalibrated gains), as far as the results have them, then the columns named as
    ``scores``. A variant in several genes has the largest value of them. The
    metrics are

    * ``auroc``: the share of pairs of an affecting and another variant in which the affecting one
      has the higher score; a tie counts half;
    * ``average_precision``: as :func:`splice_meta.evaluate` defines it;
    * at each threshold (called at or above it), ``sensitivity`` = TP / (TP + FN),
      ``precision`` = TP / (TP + FP), ``specificity`` = TN / (TN + FP);
    * ``best_threshold`` with the largest F1, and sensitivity, precision and specificity there. It
      is chosen on the variants it is measured on, so it flatters;
    * ``variants``, ``affecting``, and ``without_value``: how many had no value of a system.

    All systems are compared on the same variants. One without a value of some system is left out
    for all, or its value counts as 0 where ``missing`` is ``zero``.

    Args:
        table: A table file or frame, one row per variant.
        truth: The column that says whether splicing changes: 1 and 0, true and false. Variants
            where it is empty are left out.
        results: The output folder of ``splice-meta variants``, its summary, or that as a frame. The
            table then has the columns ``chrom``, ``pos``, ``ref`` and ``alt``.
        scores: Columns of the table to evaluate; higher means likelier to change splicing.
        group: The column that says which variants are drawn together; by default the results'
            gene, or ``gene_id``, ``gene``, ``gene_name`` or ``symbol``.
        thresholds: Scores from which a variant counts as called.
        missing: ``leave-out`` or ``zero``: what becomes of variants without a value.
        resamples: Bootstrap draws of genes for the intervals; 0 for none.
        seed: Random seed of the draws.

    Returns:
        One row per metric and threshold: ``metric``, ``threshold`` (null where it belongs to none),
        then for each system ``NAME``, ``NAME_low``, ``NAME_high``, and for each but the first
        ``NAME_change`` (less the first), ``NAME_change_low``, ``NAME_change_high``: the middle 95%
        of draws of genes with replacement, the same draws for all systems; Float64, null where a
        figure is not defined.

    Raises:
        SpliceMetaError: If the table or the results cannot be read, a column is missing or of
            another kind, or no variant, or none of one kind, is left.
    """
    return measure(
        table, truth, results=results, scores=scores, group=group, thresholds=thresholds,
        missing=missing, resamples=resamples, seed=seed,
    ).table  # fmt: skip


def measure(
    table: Table,
    truth: str,
    *,
    results: Any,
    scores: Sequence[str],
    group: str | None,
    thresholds: Sequence[float],
    missing: str,
    resamples: int,
    seed: int,
) -> VariantEvaluation:
    """As :func:`evaluate_variants`, with what the figures were made from."""
    if missing not in ("leave-out", "zero"):
        raise UsageError(f"missing is {missing!r}.", "Give leave-out or zero.")
    if resamples < 0 or seed < 0:
        raise UsageError(
            f"There are {resamples} resamples with the seed {seed}; one of them is below 0.",
            "Give numbers of 0 or more.",
        )
    opened = open_table(table, truth, results=results, scores=scores, group=group)
    without = {name: opened.rows[name].null_count() for name in opened.systems}
    rows = opened.rows
    rows = rows.drop_nulls(opened.systems) if missing == "leave-out" else rows.fill_null(0.0)
    affecting = int(rows["truth"].sum())
    if not 0 < affecting < rows.height:
        raise InputError(
            f"Of {rows.height} variants with a truth and all scores {affecting} change splicing.",
            "Give a truth with both kinds, and scores for variants of both.",
        )
    _say(opened, without, rows.height, missing)
    return VariantEvaluation(
        table=figures_of(
            rows, opened.systems, without, thresholds=thresholds, resamples=resamples, seed=seed
        ),
        systems=opened.systems, variants=rows.height, affecting=affecting,
        groups=rows["group"].n_unique(), left_out=opened.rows.height - rows.height,
        without_truth=opened.without_truth, without_value=without, resamples=resamples,
    )  # fmt: skip


def _say(opened: VariantTable, without: Mapping[str, int], kept: int, missing: str) -> None:
    """Say what is left out, and what has no gene."""
    if opened.without_truth:
        log.warning("%d variants have no truth; they are left out.", opened.without_truth)
    for name, count in without.items():
        if count:
            log.warning("%d variants have no value of %s.", count, name)
    if any(without.values()):
        log.warning(
            "What has no value counts as 0."
            if missing == "zero"
            else "%d variants without a value are left out for all systems.",
            *([] if missing == "zero" else [opened.rows.height - kept]),
        )
    if opened.without_gene:
        log.warning(
            "The gene of %d variants is not known; intervals take each of them for a gene.",
            opened.without_gene,
        )
