"""What differs between the alleles: both alleles' probabilities, position beside position."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from splice_meta.alleles.alignment import Span
from splice_meta.alleles.alternatives import GeneAlleles, score_columns
from splice_meta.alleles.recalibrate import FINAL
from splice_meta.contracts import SpliceType
from splice_meta.sites import THRESHOLD, TYPES

FATES = ("lost", "gained", "weakened", "strengthened")
Fate = pl.Enum(FATES)

_PLACE = ["pair", "x", "inserted"]


def compare_alleles(
    gene: GeneAlleles,
    span: Span,
    names: Sequence[str],
    final: tuple[pl.DataFrame, pl.DataFrame] | None = None,
) -> pl.DataFrame:
    """The probabilities of both alleles, at all positions that may differ.

    Args:
        gene: The gene and its alternatives.
        span: Where it lies.
        names: The base models, the primary one first, whose scores are shown.
        final: What :meth:`.recalibrate.Recalibrator.predict` gives of them.

    Returns:
        One row per change and position, by change, then by place on the genome: ``pair``, ``x``,
        ``inserted``, ``genomic_position``, ``is_near`` (within the distance of the change), and for
        each type and layer ``{type}_{layer}_ref``, ``{type}_{layer}_alt`` (layers ``base``, those
        of :func:`further_layers`, and, with ``final``, ``final``). Alternative values are null
        where a position is deleted, reference values where a base is inserted.
    """
    length = len(gene.bases)
    places, listed = _places(names), score_columns(names)
    columns = {name: listed[column] for name, column in places.items()}
    stands = (pl.col("inserted") == 0) & pl.col("x").is_between(0, length - 1)
    near = gene.rows.filter("is_near", stands | (pl.col("inserted") > 0)).select(
        *_PLACE,
        is_near=pl.lit(True),
        **{f"{name}_alt": pl.col(column) for name, column in columns.items()},
    )
    gone = gene.gone.select(
        "pair", "x", inserted=pl.lit(0, pl.Int32), is_near=pl.lit(True),
        **{f"{name}_alt": pl.lit(None, pl.Float32) for name in columns},
    )  # fmt: skip
    rows = pl.concat([near, gone])
    if final is not None:
        rows = pl.concat([rows, _far(gene, final[0], rows, places)])
    rows = rows.with_columns(_reference(gene, rows, places))
    if final is not None:
        rows = _with_final(rows, gene, final)
    place = pl.Series("genomic_position", span.genomic(rows["x"].to_numpy()))
    return rows.with_columns(place).sort("pair", "genomic_position", "inserted")


def further_layers(count: int) -> list[str]:
    """The layers of base models behind the primary one: ``base2``, ``base3`` ..."""
    return [f"base{number}" for number in range(2, count + 1)]


def _places(names: Sequence[str]) -> dict[str, int]:
    """The columns of a gene's scores, by type and layer."""
    layers = enumerate(["base", *further_layers(len(names))])
    return {
        f"{t}_{layer}": 3 * number + column
        for number, layer in layers
        for column, t in enumerate(TYPES)
    }


def _reference(gene: GeneAlleles, rows: pl.DataFrame, places: dict[str, int]) -> list[pl.Series]:
    """The reference's base scores of rows; null where a base is inserted."""
    x = np.clip(rows["x"].to_numpy(), 0, len(gene.bases) - 1)
    stands = rows["inserted"] == 0
    found = []
    for name, column in places.items():
        values = pl.Series(f"{name}_ref", gene.scores[x, column])
        found.append(values.zip_with(stands, pl.Series([None], dtype=pl.Float32)))
    return found


def _far(
    gene: GeneAlleles, alternative: pl.DataFrame, near: pl.DataFrame, places: dict[str, int]
) -> pl.DataFrame:
    """Positions beyond the distance: base scores are alike there, what is recalibrated may not."""
    mine = alternative.filter(pl.col("pair").is_in(gene.pairs["pair"].implode()))
    far = mine.join(near, on=_PLACE, how="anti").filter(
        pl.col("x").is_between(0, len(gene.bases) - 1)
    )
    at = far["x"].to_numpy()
    return far.select(*_PLACE).with_columns(
        is_near=pl.lit(False),
        **{f"{name}_alt": pl.Series(gene.scores[at, i]) for name, i in places.items()},
    )


def _with_final(
    rows: pl.DataFrame, gene: GeneAlleles, final: tuple[pl.DataFrame, pl.DataFrame]
) -> pl.DataFrame:
    """Add the recalibrated layer: the base scores where neither allele has a candidate."""
    alternative, reference = final
    mine = reference.filter(pl.col("gene") == gene.number).drop("gene")
    own = pl.Series("_own", gene.is_candidate[np.clip(rows["x"].to_numpy(), 0, None)])
    joined = (
        rows.with_columns(own)
        .join(alternative, on=_PLACE, how="left", maintain_order="left")
        .join(mine, on="x", how="left", suffix="_ref", maintain_order="left")
    )
    is_adjusted = pl.col(FINAL[0]).is_not_null() | (pl.col("_own") & (pl.col("inserted") == 0))
    layer = {}
    for t, name in zip(TYPES, FINAL, strict=True):
        base_alt, base_ref = pl.col(f"{t}_base_alt"), pl.col(f"{t}_base_ref")
        layer[f"{t}_final_alt"] = pl.when(base_alt.is_not_null()).then(pl.coalesce(name, base_alt))
        layer[f"{t}_final_ref"] = pl.when(base_ref.is_not_null()).then(
            pl.when(is_adjusted).then(pl.coalesce(f"{name}_ref", base_ref)).otherwise(base_ref)
        )
    return joined.with_columns(**layer).drop("_own", *FINAL, *(f"{name}_ref" for name in FINAL))


def changed_sites(
    compared: pl.DataFrame, annotated: pl.DataFrame | None, threshold: float
) -> pl.DataFrame:
    """Positions and types whose probability changes by at least a threshold.

    What is deleted, or inserted, counts as changed to, or from, 0.

    Args:
        compared: From :func:`compare_alleles`.
        annotated: ``genomic_position`` and ``type`` of the gene's annotated splice sites; None
            where they are not known.
        threshold: In either layer.

    Returns:
        ``pair``, ``genomic_position``, ``inserted``, ``type``, ``base_ref``, ``base_alt``, with
        recalibrated probabilities ``final_ref``, ``final_alt``, then ``change`` (of the final
        layer, else of the base), ``fate`` and ``is_annotated``; by change and place.
    """
    layers = layers_of(compared)
    found = []
    for t in TYPES:
        values = {f"{k}_{side}": f"{t}_{k}_{side}" for k in layers for side in ("ref", "alt")}
        rows = compared.select(
            "pair", "genomic_position", "inserted", type=pl.lit(t, SpliceType),
            **{name: pl.col(column) for name, column in values.items()},
        )  # fmt: skip
        found.append(rows)
    by = {k: pl.col(f"{k}_alt").fill_null(0) - pl.col(f"{k}_ref").fill_null(0) for k in layers}
    is_changed = pl.any_horizontal(
        change.abs() >= pl.lit(threshold, pl.Float32) for change in by.values()
    )
    sites = (
        pl.concat(found)
        .filter(is_changed)
        .with_columns(change=by[layers[-1]], fate=_fate(layers[-1]))
        .sort("pair", "genomic_position", "inserted", "type")
    )
    return sites.with_columns(is_annotated=_annotated(sites, annotated, "type"))


def _fate(layer: str) -> pl.Expr:
    """Lost or gained where the call at 0.5 changes, else weakened or strengthened."""
    ref, alt = (pl.col(f"{layer}_{side}").fill_null(0) for side in ("ref", "alt"))
    was, now = ref >= THRESHOLD, alt >= THRESHOLD
    return (
        pl.when(was & ~now).then(pl.lit("lost"))
        .when(now & ~was).then(pl.lit("gained"))
        .when(alt < ref).then(pl.lit("weakened"))
        .otherwise(pl.lit("strengthened"))
        .cast(Fate)
    )  # fmt: skip


def layers_of(compared: pl.DataFrame) -> list[str]:
    """The layers of a comparison, the one that decides last."""
    return ["base", "final"] if "donor_final_ref" in compared.columns else ["base"]


def _annotated(rows: pl.DataFrame, annotated: pl.DataFrame | None, kind: str) -> pl.Series:
    """Whether rows are annotated sites of their type; an inserted base is none; null if unknown."""
    if annotated is None:
        return pl.Series([None] * rows.height, dtype=pl.Boolean)
    marks = annotated.select("genomic_position", pl.col("type").alias(kind)).unique()
    return (
        rows.select("genomic_position", kind, "inserted")
        .join(
            marks.with_columns(_is=pl.lit(True)), on=["genomic_position", kind], how="left",
            maintain_order="left",
        )
        .select((pl.col("_is").fill_null(False) & (pl.col("inserted") == 0)).alias("is_annotated"))
        .to_series()
    )  # fmt: skip
