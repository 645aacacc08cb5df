"""The feature families, and the one lazy plan that computes them.

The plan has three steps. Over the full position axis of every gene: shifted scores (views), base
codes, the user's own families. Then the wanted rows are picked, once. Then, on those rows only,
each family is one ``with_columns``-style set of expressions over these Float64 columns:

* ``donor``, ``acceptor``, ``neither``: the scores of the row,
* ``donor_m2`` ... ``acceptor_p2``: the scores at position - 2 ... + 2, 0 where missing,
* ``has_m2`` ... ``has_p2``: 1 where the position is there, else 0,
* ``splice_m2`` ... ``splice_p2``: the larger of the two, 0 where missing,
* the counts of the row's sequence window: positions, bases, words,
* the columns of the score table that are genomic features.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import polars as pl

from splice_meta.contracts import AXIS, GENE, SCORES
from splice_meta.errors import FeatureError
from splice_meta.features.context import context_exprs
from splice_meta.features.genomic import genomic_exprs
from splice_meta.features.neighbours import neighbour_exprs, shifted_exprs, splice_exprs
from splice_meta.features.probability import base_exprs, probability_exprs
from splice_meta.features.sequence import kmer_exprs, sequence_exprs
from splice_meta.features.signal import comparative_exprs, signal_exprs
from splice_meta.features.windows import base_code_expr, window_counts, window_fields
from splice_meta.manifest import GENOMIC, FeatureManifest, kind_of
from splice_meta.settings import FeatureSettings

SCORE_FAMILIES = (
    ("base", base_exprs),
    ("probability", probability_exprs),
    ("context", context_exprs),
    ("signal", signal_exprs),
    ("comparative", comparative_exprs),
)
"""The families that need nothing but scores; genomic, sequence and kmer depend on the table."""

_CUSTOM = "_custom_"


def feature_exprs(
    manifest: FeatureManifest,
    settings: FeatureSettings,
    columns: Collection[str],
    custom: Collection[str] = (),
) -> dict[str, pl.Expr]:
    """The manifest's features that can be made, as expressions over the picked rows.

    Args:
        manifest: What the model needs.
        settings: Which families are on.
        columns: Column names of the score table.
        custom: Names of the user's own features.
    """
    made: dict[str, pl.Expr] = {}
    for family, exprs in SCORE_FAMILIES:
        made |= exprs() if settings.has(family) else {}
    made |= genomic_exprs(columns) if settings.genomic else {}
    if "base" in columns:
        made |= sequence_exprs() if settings.sequence else {}
        made |= kmer_exprs(manifest.kmers) if settings.kmer else {}
    made |= {name: pl.col(_CUSTOM + name) for name in custom}
    wanted = set(manifest.names)
    return {name: expr for name, expr in made.items() if name in wanted}


def custom_exprs(settings: FeatureSettings) -> dict[str, pl.Expr]:
    """The user's own features, each over its gene's full position axis.

    Raises:
        FeatureError: If one has a name of the catalogue, or two families make the same name.
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
            features[name] = expr.over(GENE)
    return features


def plan_features(
    scores: pl.LazyFrame,
    manifest: FeatureManifest,
    settings: FeatureSettings,
    picked: str | None = None,
) -> tuple[pl.LazyFrame, list[str]]:
    """The lazy plan of the features of the picked rows.

    Args:
        scores: Canonical base scores with the position axis, each gene's full axis.
        manifest: What the model needs.
        settings: Which families are on.
        picked: Name of the Boolean column that marks the wanted rows; every row if None.

    Returns:
        The plan, with ``gene_id``, ``position``, the three scores and the features as Float64 or
        Float32; and the names of the features it makes.
    """
    columns = scores.collect_schema().names()
    custom = custom_exprs(settings)
    features = feature_exprs(manifest, settings, columns, custom)
    on_axis = shifted_exprs() | {
        _CUSTOM + name: expr for name, expr in custom.items() if name in features
    }
    genomic = [name for name in GENOMIC if name in features and name in columns]
    kept = ["gene_id", "position", AXIS, *SCORES, *on_axis, *genomic]
    window = _window(features, manifest, picked)
    plan = (
        scores.with_columns(**on_axis)
        .select(*(_pick(name, picked) for name in kept), **window)
        .unnest(*window)
        .with_columns(
            donor=pl.col("donor_score").cast(pl.Float64),
            acceptor=pl.col("acceptor_score").cast(pl.Float64),
            neither=pl.col("neither_score").cast(pl.Float64),
            **neighbour_exprs(),
        )
        .with_columns(**splice_exprs())
        .select("gene_id", "position", **({name: pl.col(name) for name in SCORES} | features))
    )
    return plan, list(features)


def _pick(name: str, picked: str | None) -> pl.Expr:
    return pl.col(name) if picked is None else pl.col(name).filter(pl.col(picked))


def _window(
    features: Mapping[str, pl.Expr], manifest: FeatureManifest, picked: str | None
) -> dict[str, pl.Expr]:
    if not any(kind_of(name) in ("sequence", "kmer") for name in features):
        return {}
    has_words = any(kind_of(name) == "kmer" for name in features)
    words = manifest.kmers if has_words else {}

    def count(series: Sequence[pl.Series]) -> pl.Series:
        axis, codes, *mask = series
        return window_counts(axis, codes, mask[0] if mask else None, manifest.half_width, words)

    inputs = [pl.col(AXIS), base_code_expr(), *([pl.col(picked)] if picked else [])]
    dtype = pl.Struct({name: pl.Float32 for name in window_fields(words)})
    return {"_window": pl.map_batches(inputs, count, return_dtype=dtype)}
