"""Which positions a meta-model learns from, and their features.

Of a gene's positions nearly all are far from any splice site and rightly called so. All
*candidates* go in: positions where a base model gives donor or acceptor at least 0.001 (those
with a background more, see :func:`splice_meta.provenance.candidate_score`), and all annotated
sites. Of the others a share goes in, more of those *near* the candidates' threshold (at
least a tenth of it) than of the *far* ones, with weights such that the rows of a gene stand for
all of its positions: a probability learned from them is one of complete coverage.

Where the scores have a column ``usage`` (0 to 1: how much of a gene's transcripts use an annotated
site, such as the inclusion of its exon in RNA-seq), a site of usage u goes in as two rows: a site
that counts u, and no site that counts 1 - u.

The sample is systematic: of the near (or far) positions of a gene, in order, every k-th. So it
depends on nothing but the gene.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from splice_meta.contracts import (
    AXIS,
    GENE,
    SpliceType,
    all_scores_in,
    base_models_in,
    scores_of,
    with_axis,
)
from splice_meta.errors import InputError
from splice_meta.manifest import FeatureManifest
from splice_meta.model.distribution import Counts, ScoreCounter, ScoreDistribution
from splice_meta.pipeline.matrix import feature_bytes, harmonize_plan
from splice_meta.provenance import candidate_score
from splice_meta.settings import FeatureSettings, TrainSettings
from splice_meta.sources.opened import BaseScores
from splice_meta.training.drift import count_by_chromosome

ROW, WEIGHT, TRUTH = "_is_row", "weight", "truth"
USAGE = "usage"
NEAR = 0.1
"""The near positions score at least this share of the candidates' threshold."""
EDGE = 500
"""The edges of a gene are so many rows at either end."""


@dataclass(frozen=True, kw_only=True)
class TrainingRows:
    """What a meta-model learns from.

    Attributes:
        frame: ``gene_id``, ``position``, the manifest's features, the base scores, ``truth``
            (Enum) and ``weight`` (Float64), one row per training position, by gene and position.
        manifest: The features.
        positions: Positions that the rows stand for.
        distributions: How all scores are distributed, by the base model's name in the columns;
            under the empty name where there is one base model.
        beside: The same base models' counts beside called sites by chromosome, see
            :func:`splice_meta.model.distribution.count_beside`.
    """

    frame: pl.DataFrame
    manifest: FeatureManifest
    positions: int
    distributions: Mapping[str, ScoreDistribution] = field(default_factory=dict)
    beside: Mapping[str, Mapping[str, Counts]] = field(default_factory=dict)


def mark_rows(
    scores: pl.LazyFrame, settings: TrainSettings, base_models: Sequence[str] = ()
) -> pl.LazyFrame:
    """Mark the training positions and give them their weights.

    Args:
        scores: Canonical scores with truth and the position axis, each gene's rows adjacent.
        settings: The candidates' threshold and the shares of the others.
        base_models: The base models by name, the primary one first; empty where not known.

    Returns:
        The scores with ``_is_row`` (Boolean), ``weight`` (Float64: how many positions a row
        stands for) and ``truth``.
    """
    given = base_models_in(scores.collect_schema().names())
    named = {"": (base_models or ("",))[0], **{name: name for name in given}}
    lowest = {key: candidate_score(name, settings.candidate) for key, name in named.items()}

    def reaches(share: float) -> pl.Expr:
        return pl.any_horizontal(
            pl.col(column) >= low * share
            for key, low in lowest.items()
            for column in scores_of(key)[:2]
        )

    is_site = pl.col("splice_type") != "neither"
    stratum = (
        pl.when(reaches(1) | is_site)
        .then(pl.lit(0, pl.UInt8))
        .when(reaches(NEAR))
        .then(pl.lit(1, pl.UInt8))
        .when(_is_edge())
        .then(pl.lit(2, pl.UInt8))
        .otherwise(pl.lit(3, pl.UInt8))
    )
    number = pl.col("_stratum")
    every = (
        pl.when(number == 1)
        .then(round(1 / settings.near_rate))
        .when(number == 2)
        .then(round(1 / settings.edge_rate))
        .when(number == 3)
        .then(round(1 / settings.far_rate))
        .otherwise(1)
    )
    group = [GENE, "_stratum"]
    return (
        scores.with_columns(_stratum=stratum, truth=pl.col("splice_type"))
        .with_columns(_every=every, _number=pl.int_range(pl.len()).over(group))
        .with_columns(
            # From the middle of each stretch, so that short genes are sampled at both ends alike.
            _is_row=pl.col("_number") % pl.col("_every") == (pl.col("_every") - 1) // 2
        )
        .with_columns(weight=pl.len().over(group) / pl.col(ROW).sum().over(group).cast(pl.Float64))
        .drop("_stratum", "_every", "_number")
    )


def _is_edge() -> pl.Expr:
    place = pl.int_range(pl.len()).over(GENE)
    return (place < EDGE) | (place >= pl.len().over(GENE) - EDGE)


def collect_rows(
    scores: BaseScores,
    manifest: FeatureManifest,
    settings: TrainSettings,
    advanced: Callable[[int], None],
    base_models: Sequence[str] = (),
) -> TrainingRows:
    """Go through the scores gene batch by gene batch and keep the training rows.

    The features come from the plan of prediction. Memory is bounded by one batch and the rows.

    Args:
        scores: Checked base scores with ``splice_type``.
        manifest: The features to make.
        settings: Which rows.
        advanced: Told the positions of each batch done.
        base_models: The base models by name, the primary one first; empty where not known.

    Raises:
        InputError: If the scores have no truth, or there is no annotated site.
    """
    names = scores.batch(0, 1).collect_schema().names()
    if "splice_type" not in names:
        raise InputError(
            "The base scores have no column splice_type, which says what is annotated.",
            "Add it (0 or neither, 1 or donor, 2 or acceptor), or give --annotation.",
        )
    columns = [column for scored in all_scores_in(names) for column in scored]
    share = settings.near_rate * 0.05 + settings.far_rate
    counters = {name: ScoreCounter(name) for name in base_models_in(names) or ("",)}
    beside: dict[str, dict[str, Counts]] = {}
    counted = {AXIS, *(column for each in counters.values() for column in each.columns)}
    counted |= {"chrom"} & set(names)
    parts = []
    for first, stop in scores.batches(settings.memory, feature_bytes(len(manifest.names), share)):
        marked = mark_rows(with_axis(scores.batch(first, stop)), settings, base_models)
        features = harmonize_plan(
            marked, manifest, FeatureSettings(), ROW, columns, scores.gene_values
        )
        usage = pl.col(USAGE).cast(pl.Float64) if USAGE in names else pl.lit(1.0)
        labels = marked.filter(ROW).select(TRUTH, WEIGHT, usage.alias(USAGE))
        plans = [features, labels, _gene_counts(marked), marked.select(sorted(counted))]
        found, extra, counts, rows = pl.collect_all(plans)
        scores.verify(counts, first, stop)
        for name, counter in counters.items():
            counter.add(rows)
            count_by_chromosome(beside.setdefault(name, {}), rows, counter.columns)
        del rows
        parts.append(_graded(found.hstack(extra)))
        advanced(int(counts["positions"].sum()))
    # The same rows in the same order, whatever the order of the input.
    frame = pl.concat(parts).sort("gene_id", "position", TRUTH, descending=[False, False, True])
    if not frame.select((pl.col(TRUTH) != "neither").any()).item():
        raise InputError(
            "There is no annotated splice site among the positions.",
            "Training needs genes with annotated donors and acceptors; check splice_type.",
        )
    return TrainingRows(
        frame=frame,
        manifest=manifest,
        positions=scores.table.positions,
        distributions={name: each.distribution() for name, each in counters.items()},
        beside=beside,
    )


def check_usage(scores: BaseScores) -> None:
    """Refuse a column of usages that are no shares.

    Raises:
        InputError: It says where.
    """
    schema = scores.frame.collect_schema()
    if USAGE not in schema:
        return
    hint = "Give shares from 0 to 1, and nothing where the usage is not known."
    if not (schema[USAGE].is_numeric() or schema[USAGE] == pl.Null):
        what = f"The column usage of the base scores has the type {schema[USAGE]}."
        raise InputError(what, hint)
    value = pl.col(USAGE).cast(pl.Float64)
    wrong = value.is_not_null() & ~(value.is_between(0, 1) & value.is_not_nan())
    first = scores.frame.filter(wrong).select("gene_id", "position").head(1).collect()
    if first.height:
        gene, position = first.row(0)
        raise InputError(f"The usage is not from 0 to 1 at {gene}:{position}.", hint)


def _graded(rows: pl.DataFrame) -> pl.DataFrame:
    """Split sites of a usage below 1 into a site and no site; each with its share of the weight."""
    share = pl.when(pl.col(TRUTH) != "neither").then(pl.col(USAGE).fill_null(1.0)).otherwise(1.0)
    shared = rows.with_columns(share.alias(USAGE))
    rest = shared.filter(pl.col(USAGE) < 1).with_columns(
        pl.lit("neither", SpliceType).alias(TRUTH), (1 - pl.col(USAGE)).alias(USAGE)
    )
    both = pl.concat([shared.filter(pl.col(USAGE) > 0), rest])
    return both.with_columns(pl.col(WEIGHT) * pl.col(USAGE)).drop(USAGE)


def _gene_counts(marked: pl.LazyFrame) -> pl.LazyFrame:
    return (
        marked.group_by(GENE)
        .agg(pl.col("gene_id").first(), positions=pl.len().cast(pl.Int64))
        .sort(GENE)
    )
