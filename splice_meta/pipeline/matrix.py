"""The feature matrix: what a manifest lists, made and harmonized; and what is filled in it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from splice_meta.catalogue import GENOMIC
from splice_meta.contracts import AXIS, GENE, all_scores_in, column, with_axis
from splice_meta.errors import FeatureError
from splice_meta.features import own_columns
from splice_meta.features import plan_features as plan_feature_columns
from splice_meta.harmonize import Fills, find_fills, harmonize
from splice_meta.manifest import FeatureManifest, load_manifest
from splice_meta.selection import mark_uncertain
from splice_meta.settings import FeatureSettings, Selection
from splice_meta.sources.base_scores import open_scores
from splice_meta.sources.opened import BaseScores
from splice_meta.sources.unreadable import readable


def plan_features(
    scores: Any,
    manifest: str | FeatureManifest = "reference124",
    *,
    features: FeatureSettings | None = None,
    selection: Selection | None = None,
) -> pl.LazyFrame:
    """The lazy plan of a feature matrix.

    Args:
        scores: Base scores, anything :func:`splice_meta.scan_scores` reads. They are checked.
        manifest: ``reference124``, ``extended``, a manifest or a manifest file. With several base
            models a manifest known by name lists the features of scores once for each.
        features: Which families are made; all by default.
        selection: Only the uncertain positions of this selection; every position if None.

    Returns:
        ``gene_id``, ``position``, then exactly the manifest's columns in its order and types.

    Raises:
        FeatureError: If the manifest needs a feature that nothing makes and that is never filled.
        ContractError: If the scores break the contract.
    """
    opened = open_scores(scores)
    rows = opened.all_rows()
    settings = features or FeatureSettings()
    listed = load_manifest(manifest, opened.several)
    _gaps_of_own(opened, listed, settings)
    axis = with_axis(rows)
    marked = axis if selection is None else mark_uncertain(axis, selection)
    picked = None if selection is None else "is_uncertain"
    return harmonize_plan(marked, listed, settings, picked, gene_values=opened.gene_values)


def fills_of(scores: BaseScores, manifest: FeatureManifest, settings: FeatureSettings) -> Fills:
    """What a manifest's features would be filled with for these scores, and why.

    Raises:
        FeatureError: If a feature is missing that is never filled, or a column of the scores that
            is a feature has values that cannot be one.
    """
    fills = fills_of_rows(scores.all_rows(), scores.gene_values, manifest, settings)
    said = [fills.partly, _gaps_of_own(scores, manifest, settings)]
    own = own_columns(manifest, settings, scores.frame.collect_schema())
    return replace(fills, partly="; ".join(each for each in said if each), own=tuple(own))


def _gaps_of_own(
    scores: BaseScores, manifest: FeatureManifest, settings: FeatureSettings
) -> str:  # fmt: skip
    """A sentence on the table's own features that are not known on every row; empty if they are.

    Raises:
        FeatureError: If one is infinite, or one that is never filled is not known.
    """
    own = own_columns(manifest, settings, scores.frame.collect_schema())
    if not own:
        return ""
    values = {name: column(name).cast(pl.Float64) for name in own}
    infinite_in = {f"infinite {name}": each.is_infinite().sum() for name, each in values.items()}
    missing_in = {f"missing {n}": each.fill_nan(None).null_count() for n, each in values.items()}
    with readable():
        counts = scores.frame.select(**infinite_in, **missing_in).collect().row(0, named=True)
    said = []
    for name in own:
        infinite, missing = (counts[f"{what} {name}"] or 0 for what in ("infinite", "missing"))
        never = missing if manifest.kinds[name] == "unknown_probability" else 0
        if infinite or never:
            what = f"infinite in {infinite:,}" if infinite else f"missing in {missing:,}"
            raise FeatureError(
                f"The feature {name}, a column of the base scores, is {what} rows.",
                "Give a number in every row.",
            )
        if missing:
            fill = manifest.fill(name)
            said.append(f"{name}, a column of the base scores, filled with {fill:g} in "
                        f"{missing:,} rows without a value")  # fmt: skip
    return "; ".join(said)


def fills_of_rows(
    rows: pl.LazyFrame,
    values: pl.DataFrame | None,
    manifest: FeatureManifest,
    settings: FeatureSettings,
) -> Fills:
    """As :func:`fills_of`, for canonical scores and the genomic features of their genes."""
    _, made = plan_feature_columns(with_axis(rows), manifest, settings, gene_values=values)
    fills = find_fills(manifest, made, settings, "base" in rows.collect_schema())
    return replace(fills, partly=_partly_filled(values, made))


def _partly_filled(values: pl.DataFrame | None, made: Sequence[str]) -> str:
    """A sentence on genes whose genomic features are not all known; empty if they are."""
    if values is None:
        return ""
    known = values.select("gene_id", *(name for name in values.columns[1:] if name in made))
    lacking = known.filter(pl.any_horizontal(pl.exclude("gene_id").is_null()))
    if lacking.is_empty() or known.width == 1:
        return ""
    return (
        f"genomic features filled for {lacking.height:,} of {known.height:,} genes that the "
        f"annotation lacks or knows no exons of, first {lacking['gene_id'][0]}"
    )


def harmonize_plan(
    marked: pl.LazyFrame,
    manifest: FeatureManifest,
    settings: FeatureSettings,
    picked: str | None,
    also: Sequence[str] = (),
    gene_values: pl.DataFrame | None = None,
) -> pl.LazyFrame:
    """Features of the picked rows, harmonized.

    Args:
        marked: Canonical scores with the position axis.
        manifest: What the model needs.
        settings: Which families are on.
        picked: The Boolean column that marks the wanted rows; every row if None.
        also: Score columns to keep behind the features, where the manifest lacks them.
        gene_values: The annotation's genomic features by ``gene_id``.
    """
    plan, made = plan_feature_columns(marked, manifest, settings, picked, gene_values)
    fills = find_fills(manifest, made, settings, "base" in marked.collect_schema())
    return harmonize(plan, manifest, fills, also)


def input_columns(
    columns: Collection[str], manifest: FeatureManifest, settings: FeatureSettings
) -> set[str]:
    """Of the columns of marked scores those that a plan of features may read.

    Args:
        columns: All of them; families of the user's own may read any.
        manifest: What the model needs.
        settings: Which families are on.
    """
    if settings.custom:
        return {*columns}
    read = {"gene_id", "position", AXIS, GENE, *manifest.names, *GENOMIC}
    read |= {name for names in all_scores_in(columns) for name in names}
    return read | {"base"} if manifest.of_kind("sequence", "kmer", "motif") else read


def feature_bytes(features: int, share: float) -> int:
    """Bytes per position where features are made for a share (0..1) of the positions."""
    return 330 + int(12 * features * share)
