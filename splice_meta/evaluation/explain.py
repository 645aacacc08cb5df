"""Why a position got its probabilities: what each feature contributes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from splice_meta.contracts import SCORES, columns, with_axis
from splice_meta.errors import InputError, UsageError
from splice_meta.evaluation.source import base_scores_of
from splice_meta.model.bundle import MetaModel
from splice_meta.model.contributions import BASE_MODEL, BIAS, contributions
from splice_meta.model.load import load_model
from splice_meta.pipeline.matching import fitting, require_base_models, sources_for
from splice_meta.pipeline.matrix import harmonize_plan
from splice_meta.reference.annotation import Annotation
from splice_meta.reference.chrom_names import match_chroms
from splice_meta.reference.reference import open_reference
from splice_meta.reference.sequence import Genome
from splice_meta.runtime.panics import plain_panics
from splice_meta.settings import FeatureSettings
from splice_meta.sources.base_scores import open_scores
from splice_meta.sources.opened import BaseScores

_CHROM = re.compile(r"^(chr.+|\d{1,2}|X|Y|M|MT|NC_\d+\.\d+)$")
"""What names a chromosome rather than a gene."""


@plain_panics()
def explain(
    scores: Any,
    model: Any,
    positions: str | Sequence[str],
    *,
    features: FeatureSettings | None = None,
    annotation: str | Path | Annotation | None = None,
    fasta: str | Path | Genome | None = None,
    trust_pickle: bool = False,
) -> pl.DataFrame:
    """Split the model's prediction at chosen positions by feature.

    The features are made over the whole gene, as for a prediction. Contributions are SHAP values
    on the scale of log-probabilities (log-odds for three binary models): a class's contributions
    sum to its margin, and the softmax of the three margins (the sigmoids, renormalised) is what
    the trees predict, before calibration. Whether a run uses the meta-model at the position
    depends on its mode.

    Args:
        scores: Base scores, anything :func:`splice_meta.scan_scores` reads, or the output
            directory of a run that wrote its base table.
        model: A model, a bundle directory, a model file or ``bundled:NAME``.
        positions: ``GENE:POSITION``, or ``CHROM:PLACE`` on the genome (1-based), one or several.
            A place counts in every gene that has it.
        features: Which feature families are made.
        annotation: For genomic features, as for :func:`splice_meta.run`.
        fasta: For bases, where the scores have none.
        trust_pickle: Allow pickled models, through an allow-list.

    Returns:
        ``gene_id``, ``position``, ``class``, ``base`` (the base model's probability of the class)
        and ``meta`` (the meta-model's), ``feature``, ``value`` (the feature's), ``contribution``;
        positions in the order given, classes in the model's, features with the largest
        contribution first. Besides the features there are ``base model``, the margin, whose value
        is the base model's probability, and ``bias``, which has no value.

    Raises:
        UsageError: If a position is not worded as ``GENE:POSITION``, or predictions are given.
        InputError: If a position has no scores.
        FeatureError: If the model needs features that cannot be made.
    """
    given = [_parse(item) for item in ([positions] if isinstance(positions, str) else positions)]
    if not given:
        raise UsageError("No position is given.", "Give some as GENE:POSITION.")
    base = base_scores_of(scores)
    whole = load_model(model, trust_pickle=trust_pickle)
    loaded = fitting(whole, base) or whole
    source = sources_for(base, loaded)
    reference = open_reference(annotation, fasta)
    genes = [name for name, _ in given]
    if any(_CHROM.match(name) for name in genes):
        genome = open_scores(source, None, reference)
        wanted = [found for each in given for found in _in_genes(genome, *each)]
        genes = [gene for gene, _ in wanted]
    else:
        wanted = given
    opened = open_scores(source, genes, reference)
    require_base_models(loaded, opened)
    ids = dict(zip(dict.fromkeys(genes), opened.wanted or (), strict=True))
    wanted = [(ids[gene], position) for gene, position in wanted]
    schema = {"gene_id": pl.String, "position": pl.Int64}
    asked = pl.DataFrame(list(dict.fromkeys(wanted)), schema=schema, orient="row")
    marks = asked.with_columns(_explained=pl.lit(True)).lazy()
    marked = (
        with_axis(opened.all_rows())
        .join(marks, on=["gene_id", "position"], how="left", maintain_order="left")
        .with_columns(pl.col("_explained").fill_null(False))
    )
    kept = list(dict.fromkeys([*SCORES, *loaded.columns]))
    matrix = harmonize_plan(
        marked, loaded.manifest, features or FeatureSettings(), "_explained", kept,
        opened.gene_values,
    )  # fmt: skip
    return _split(loaded, asked, matrix.collect())


def _in_genes(scores: BaseScores, name: str, place: int) -> list[tuple[str, int]]:
    """The positions of a place on the genome; of a gene's name the position as it is.

    Raises:
        InputError: If no gene has the place.
    """
    if not _CHROM.match(name) or name in scores.table.genes["gene_id"]:
        return [(name, place)]
    table = scores.table.genes.select("gene_id", "chrom", "start", "end", "direction", "low")
    if scores.located is not None:
        own = table["start"].is_not_null()
        located = scores.located.genes.select("gene_id", "chrom", "start", "end", "strand")
        table = table.select("gene_id", "low").join(located, on="gene_id", maintain_order="left")
        table = table.with_columns(
            low=pl.when(own).then("low").otherwise(1), direction="strand"
        )  # fmt: skip
    chroms = table["chrom"].drop_nulls().unique(maintain_order=True).to_list()
    theirs = match_chroms([name], chroms).get(name) if chroms else None
    here = table.filter(
        pl.col("chrom").is_in([theirs] if theirs else []),
        pl.col("start") <= place,
        pl.col("end") >= place,
    ).with_columns(
        at=pl.when(pl.col("direction") == "-")
        .then(pl.col("end") - place)
        .otherwise(pl.lit(place) - pl.col("start"))
        + pl.col("low")
    )  # fmt: skip
    if here.is_empty():
        raise InputError(
            f"No gene of the base scores has the place {name}:{place}.",
            "Give CHROM:PLACE within a gene, 1-based; scores without chrom and genomic_position "
            "need --annotation.",
        )
    return [(gene, int(at)) for gene, at in here.select("gene_id", "at").iter_rows()]


def _parse(text: str) -> tuple[str, int]:
    gene, sign, place = text.rpartition(":")
    try:
        if not (gene and sign):
            raise ValueError
        return gene, int(place.replace(",", ""))
    except ValueError:
        raise UsageError(
            f"{text!r} is not a position.",
            "Write GENE:POSITION, as ENSG00000164039:1200, or CHROM:PLACE, as chr4:104000912.",
        ) from None


def _split(model: MetaModel, asked: pl.DataFrame, matrix: pl.DataFrame) -> pl.DataFrame:
    """The long table of contributions of the rows asked for."""
    ordered = asked.join(
        matrix.with_row_index("_row"), on=["gene_id", "position"], how="left", maintain_order="left"
    )
    lacking = ordered.filter(pl.col("_row").is_null())
    if lacking.height:
        gene, position = lacking.row(0)[:2]
        raise InputError(
            f"There is no position {gene}:{position} in the base scores.",
            "Positions count along the transcript strand, as in the table's position column.",
        )
    meta = model.predict_proba(ordered).to_numpy()
    split = contributions(model, ordered)
    count, classes, entries = split.shape
    names = [*model.manifest.names, BASE_MODEL, BIAS]
    base = ordered.select(f"{name}_score" for name in model.classes).to_numpy()
    features = ordered.select(columns(model.manifest.names)).cast(pl.Float64).to_numpy()
    values = np.full((count, classes, entries), np.nan)
    values[:, :, :-2] = features[:, None, :]
    values[:, :, -2] = base
    keys = ordered.select("gene_id", "position")[np.repeat(np.arange(count), classes * entries)]
    table = keys.with_columns(
        pl.Series("class", np.tile(np.repeat(model.classes, entries), count), pl.String),
        pl.Series("base", np.repeat(base, entries), pl.Float64),
        pl.Series("meta", np.repeat(meta, entries), pl.Float64),
        pl.Series("feature", np.tile(names, count * classes), pl.String),
        pl.Series("value", values.ravel()).fill_nan(None),
        pl.Series("contribution", split.ravel(), pl.Float64),
        _block=pl.Series(np.repeat(np.arange(count * classes), entries)),
    )
    # Without a margin the base model has no entry of its own.
    kept = table if model.margin else table.filter(pl.col("feature") != BASE_MODEL)
    return kept.sort(
        "_block", pl.col("contribution").abs(), descending=[False, True], maintain_order=True
    ).drop("_block")
