"""The feature families, and the one lazy plan that computes them.

The plan has three steps. Over the full position axis of every gene: shifted scores (views), the
user's own families; and, in numpy because they need the full axis but are wanted for few rows, the
counts of sequence windows, the surroundings, place and motif. Then the wanted rows are picked,
once. Then, on those rows only, each family is one set of expressions over these Float64 columns:

* ``donor``, ``acceptor``, ``neither``: the scores of the row,
* ``donor_m2`` ... ``acceptor_p2``: the scores at position - 2 ... + 2, 0 where missing,
* ``has_m2`` ... ``has_p2``: 1 where the position is there, else 0,
* ``splice_m2`` ... ``splice_p2``: the larger of the two, 0 where missing,
* the counts of the row's sequence window: positions, bases, words,
* the columns of the score table that are genomic features.

With several base models the columns of scores are made, used, and made again for the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import polars as pl

from splice_meta.catalogue import GENOMIC, NEVER, SCORE_KINDS, kind_of, split_name
from splice_meta.contracts import AXIS, GENE, all_scores_in, column, scores_of
from splice_meta.errors import FeatureError
from splice_meta.features.context import context_exprs
from splice_meta.features.genomic import genomic_exprs
from splice_meta.features.neighbours import (
    neighbour_exprs,
    shifted_axis_exprs,
    shifted_score_exprs,
)
from splice_meta.features.older import OLDER_FAMILIES, neighbour_signal_exprs
from splice_meta.features.on_axis import around_expr, window_expr
from splice_meta.features.probability import base_exprs, probability_exprs
from splice_meta.features.sequence import kmer_exprs, sequence_exprs
from splice_meta.features.signal import comparative_exprs, signal_exprs
from splice_meta.manifest import OWN, FeatureManifest
from splice_meta.settings import FeatureSettings

SCORE_FAMILIES: tuple[tuple[str, Callable[[], dict[str, pl.Expr]]], ...] = (
    ("base", base_exprs),
    ("probability", probability_exprs),
    ("context", context_exprs),
    ("signal", signal_exprs),
    ("comparative", comparative_exprs),
)
"""The families of one base model's scores that look no further than two positions."""

TRUTH = "splice_type"

_CUSTOM = "_custom_"


def custom_exprs(settings: FeatureSettings) -> dict[str, pl.Expr]:
    """The user's own features, each over its gene's full position axis.

    Raises:
        FeatureError: If one has a name of the catalogue, two families make the same name, or one
            reads the truth.
    """
    features: dict[str, pl.Expr] = {}
    for family, function in settings.custom.items():
        for name, expr in function().items():
            taken = not kind_of(name).startswith("unknown")
            if taken or name in features:
                raise FeatureError(
                    f"The custom family {family!r} makes {name!r}, a name that is already taken"
                    f"{' in the catalogue' if taken else ' by another family'}.",
                    "Give the feature another name: a name always means the same number.",
                )
            if TRUTH in expr.meta.root_names():
                raise FeatureError(
                    f"The feature {name!r} of the custom family {family!r} reads {TRUTH}, the "
                    "truth.",
                    "A feature is made from what is known where the model is used.",
                )
            features[name] = expr.over(GENE)
    return features


def plan_features(
    scores: pl.LazyFrame,
    manifest: FeatureManifest,
    settings: FeatureSettings,
    picked: str | None = None,
    gene_values: pl.DataFrame | None = None,
) -> tuple[pl.LazyFrame, list[str]]:
    """The lazy plan of the features of the picked rows.

    Args:
        scores: Canonical base scores with the position axis, each gene's full axis. A truth
            column is dropped first: it is never a feature.
        manifest: What the model needs.
        settings: Which families are on.
        picked: Name of the Boolean column that marks the wanted rows; every row if None.
        gene_values: ``gene_id`` and genomic features; they win over columns of the scores.

    Returns:
        The plan, with ``gene_id``, ``position``, all scores and the features as Float64 or
        Float32; and the names of the features it makes.

    Raises:
        FeatureError: If the manifest names a base model whose scores are not there.
    """
    scores = scores.drop(TRUTH, strict=False)
    columns = scores.collect_schema().names()
    of_genes = gene_values.columns[1:] if gene_values is not None else []
    base_models = _base_models(manifest)
    _refuse_missing(base_models, columns)
    wanted = set(manifest.names)
    custom = {n: expr for n, expr in custom_exprs(settings).items() if n in wanted}
    counted = _counted_exprs(manifest, settings, columns, picked)
    plain = _plain_exprs(manifest, settings, [*columns, *of_genes])
    plain = {name: expr for name, expr in plain.items() if name in wanted}
    own = own_columns(manifest, settings, scores.collect_schema())
    plain |= {name: column(name) for name in own}
    plain |= {name: pl.col(_CUSTOM + name) for name in custom}
    shifted = [shifted_score_exprs(base_model) for base_model in base_models]
    on_axis = shifted_axis_exprs() | {_CUSTOM + name: expr for name, expr in custom.items()}
    for exprs in shifted:
        on_axis |= exprs
    raw = [column for names in all_scores_in(columns) for column in names]
    carried = (set(plain) & set(columns) & set(GENOMIC)) - set(of_genes)
    genomic = [name for name in GENOMIC if name in carried]
    kept = ["gene_id", "position", AXIS, *raw, *on_axis, *genomic, *own]
    plan = (
        scores.with_columns(**on_axis)
        .select(*(_pick(name, picked) for name in kept), **counted)
        .unnest(*counted)
    )
    if gene_values is not None:
        # Joined to the picked rows only: few of them need it.
        values = gene_values.select("gene_id", *(name for name in of_genes if name in plain))
        plan = plan.join(values.lazy(), on="gene_id", how="left", maintain_order="left")
    made = [*plain, *_counted_names(manifest, settings, columns)]
    for base_model in base_models:
        features = _score_exprs(manifest, settings, base_model)
        made += features
        plan = (
            plan.with_columns(**neighbour_exprs(base_model))
            .with_columns(**neighbour_signal_exprs(manifest.origin))
            .with_columns(**features)
        )
    found = {name: column(name) for name in (*raw, *made)} | plain
    return plan.select("gene_id", "position", **found), made


def own_columns(
    manifest: FeatureManifest, settings: FeatureSettings, schema: pl.Schema
) -> list[str]:
    """The features that nobody makes and that the score table has as columns of its own.

    Args:
        manifest: What the model needs.
        settings: The user's own families, which go first.
        schema: The table's columns.

    Raises:
        FeatureError: If such a column holds no numbers, or is one of those that are never
            features.
    """
    made = custom_exprs(settings)
    unknown = manifest.of_kind("unknown_probability", "unknown_genomic")
    own = [name for name in unknown if name in schema and name not in made]
    for name in own:
        if name in NEVER:
            raise FeatureError(
                f"The manifest lists {name}, which the base scores have: it is the truth, a "
                "position, or scores under another name.",
                "Such a column is never a feature; take it out of the table, or out of the model.",
            )
        if not (schema[name].is_numeric() or schema[name] == pl.Boolean):
            raise FeatureError(
                f"Column {name} of the base scores has the type {schema[name]}; the model reads it "
                "as a feature.",
                "Give numbers in it, or leave the column out.",
            )
    return own


def _base_models(manifest: FeatureManifest) -> tuple[str, ...]:
    """The base models that features are made from; the empty name stands for the primary one."""
    of_scores = manifest.of_kind(*SCORE_KINDS)
    return tuple(dict.fromkeys(split_name(name)[0] for name in of_scores)) or ("",)


def _refuse_missing(base_models: Collection[str], columns: Collection[str]) -> None:
    missing = [b for b in base_models if b and not set(scores_of(b)) <= set(columns)]
    if missing:
        raise FeatureError(
            f"The features need base scores of {', '.join(missing)}, which are not there.",
            "Give the scores of each base model under its name.",
        )


def _pick(name: str, picked: str | None) -> pl.Expr:
    return column(name) if picked is None else column(name).filter(pl.col(picked))


def _score_exprs(
    manifest: FeatureManifest, settings: FeatureSettings, base_model: str
) -> dict[str, pl.Expr]:
    """The features of one base model's scores that look no further than two positions."""
    front = f"{base_model}." if base_model else ""
    made: dict[str, pl.Expr] = {}
    families = SCORE_FAMILIES if manifest.origin == OWN else (SCORE_FAMILIES[0], *OLDER_FAMILIES)
    for family, exprs in families:
        made |= exprs() if settings.has(family) else {}
    wanted = set(manifest.names)
    return {front + name: expr for name, expr in made.items() if front + name in wanted}


def _plain_exprs(
    manifest: FeatureManifest, settings: FeatureSettings, columns: Collection[str]
) -> dict[str, pl.Expr]:
    """The features of the picked rows that do not come from scores."""
    made = genomic_exprs(columns) if settings.genomic else {}
    if "base" in columns:
        made |= sequence_exprs(manifest.origin) if settings.sequence else {}
        made |= kmer_exprs(manifest.kmers) if settings.kmer else {}
    return made


def _counted_exprs(
    manifest: FeatureManifest,
    settings: FeatureSettings,
    columns: Collection[str],
    picked: str | None,
) -> dict[str, pl.Expr]:
    """The struct columns that are computed over the full axis for the picked rows."""
    exprs: dict[str, pl.Expr] = {}
    has_sequence = settings.sequence and manifest.of_kind("sequence")
    if "base" in columns and (has_sequence or (settings.kmer and manifest.of_kind("kmer"))):
        words = manifest.kmers if settings.kmer else {}
        exprs["_window"] = window_expr(manifest.window, words, picked)
    names = _counted_names(manifest, settings, columns)
    place = [name for name in names if kind_of(name) != "surroundings"]
    surrounding: dict[str, list[str]] = {}
    for base_model, name in (split_name(name) for name in names if name not in place):
        surrounding.setdefault(base_model, []).append(name)
    if names:
        exprs["_around"] = around_expr(place, surrounding, picked)
    return exprs


def _counted_names(
    manifest: FeatureManifest, settings: FeatureSettings, columns: Collection[str]
) -> list[str]:
    """The features that :func:`_counted_exprs` finishes, in the manifest's order."""
    names = manifest.of_kind("surroundings", "place") if settings.surroundings else []
    return names + (manifest.of_kind("motif") if settings.motif and "base" in columns else [])
