"""The four deltas of SpliceAI's convention, of each change and layer.

Gain is the largest increase of a probability within the distance of a change, loss the largest
decrease; a deleted position counts as changed to 0, and inserted bases with the base before them on
the genome, as the largest of both. Of equal changes the one that is first on the genome counts, as
in SpliceAI. With masking, a gain at an annotated site and a loss at any other are 0, which SpliceAI
decides, too, after the largest is found (its annotated sites are ends of exons of either kind; here
they are of the type).

Of several base models the four deltas shown are the primary one's; ``base_any`` is made of the
means over all of them.

``effect`` is the same as ``any``, of base losses and recalibrated gains. A meta-model says whether
a position is a splice site of any transcript. Of a gain that is the question. Of a loss it is not:
most positions that score 0.6 are sites, so a site that falls from 0.8 to 0.6 remains one, although
it is used less.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import polars as pl

from splice_meta.alleles.changes import layers_of
from splice_meta.contracts import SpliceType

KINDS = ("acceptor_gain", "acceptor_loss", "donor_gain", "donor_loss")
GAINS, LOSSES = KINDS[::2], KINDS[1::2]
EFFECT = "effect"
FACTS = ("", "_position", "_ref", "_alt", "_annotated")


def find_deltas(
    compared: pl.DataFrame, annotated: pl.DataFrame | None, mask: bool = False
) -> pl.DataFrame:
    """The deltas of each change of a gene.

    Args:
        compared: From :func:`.changes.compare_alleles`.
        annotated: ``genomic_position`` and ``type`` of the gene's annotated splice sites; None
            where they are not known: nothing is masked then.
        mask: Whether to mask.

    Returns:
        ``pair``; for each layer and kind ``{layer}_{kind}`` (Float32, 0 to 1) with ``_position``
        (on the genome), ``_ref``, ``_alt`` and ``_annotated`` behind; ``{layer}_largest``, and
        ``{layer}_any``, 1 less the product of 1 less each of the four; with a recalibrated layer
        ``effect``.
    """
    shown, layers = layers_of(compared), _all_layers(compared)
    near = _with_insertions(compared.filter("is_near"), layers)
    facts: dict[str, pl.Expr] = {}
    for layer in layers:
        for kind in KINDS:
            facts |= _facts(layer, kind)
    found = near.group_by("pair", maintain_order=True).agg(**facts)
    for layer in layers:
        for kind in KINDS:
            found = found.with_columns(_annotated(found, f"{layer}_{kind}", kind, annotated))
        if mask:
            found = found.with_columns(_masked(f"{layer}_{kind}", kind) for kind in KINDS)
    bases = [layer for layer in layers if layer != "final"]
    for layer in shown:
        largest = pl.max_horizontal(f"{layer}_{kind}" for kind in KINDS)
        deltas = _means(bases if layer == "base" else [layer], KINDS)
        found = found.with_columns(
            largest.alias(f"{layer}_largest"), _any(deltas).alias(f"{layer}_any")
        )
    if "final" in shown:
        deltas = [*_means(bases, LOSSES), *_means(["final"], GAINS)]
        found = found.with_columns(_any(deltas).alias(EFFECT))
    return found.select("pair", *delta_columns(shown))


def delta_columns(layers: list[str]) -> list[str]:
    """The columns of :func:`find_deltas`, without the first."""
    made = []
    for layer in layers:
        made += [f"{layer}_{kind}{fact}" for kind in KINDS for fact in FACTS]
        made += [f"{layer}_largest", f"{layer}_any"]
    return [*made, EFFECT] if "final" in layers else made


def ranking_of(columns: Collection[str]) -> str:
    """The column of a summary to rank variants by."""
    return EFFECT if EFFECT in columns else "base_any"


def _all_layers(compared: pl.DataFrame) -> list[str]:
    """The layers of a comparison, those of further base models with them."""
    names = [name.removesuffix("_ref") for name in compared.columns if name.endswith("_ref")]
    return [name.removeprefix("donor_") for name in names if name.startswith("donor_")]


def _means(layers: Sequence[str], kinds: Sequence[str]) -> list[pl.Expr]:
    """The mean of each delta over some layers."""
    return [
        pl.sum_horizontal(pl.col(f"{layer}_{kind}").cast(pl.Float64) for layer in layers)
        / len(layers)
        for kind in kinds
    ]


def _with_insertions(near: pl.DataFrame, layers: list[str]) -> pl.DataFrame:
    """The positions of the reference; inserted bases count with the one before them."""
    values = [f"{t}_{k}_alt" for t in ("donor", "acceptor") for k in layers]
    largest = (
        near.filter(pl.col("inserted") > 0)
        .group_by("pair", "genomic_position")
        .agg(pl.col(name).max().name.suffix("_put") for name in values)
    )
    return (
        near.filter(pl.col("inserted") == 0)
        .join(largest, on=["pair", "genomic_position"], how="left", maintain_order="left")
        .with_columns(pl.max_horizontal(name, f"{name}_put").alias(name) for name in values)
    )


def _facts(layer: str, kind: str) -> dict[str, pl.Expr]:
    """The largest change of one kind, where it is, and both values there."""
    t, _, what = kind.partition("_")
    ref, alt = pl.col(f"{t}_{layer}_ref"), pl.col(f"{t}_{layer}_alt")
    change = alt.fill_null(0) - ref if what == "gain" else ref - alt.fill_null(0)
    first = (change == change.max()).arg_true().first()
    name = f"{layer}_{kind}"
    return {
        name: change.max().clip(lower_bound=0),
        f"{name}_position": pl.col("genomic_position").get(first, null_on_oob=True),
        f"{name}_ref": ref.get(first, null_on_oob=True),
        f"{name}_alt": alt.get(first, null_on_oob=True),
    }


def _any(deltas: Sequence[pl.Expr]) -> pl.Expr:
    """The probability that any of some changes happens, were they independent."""
    rest = pl.lit(1.0, pl.Float64)
    for delta in deltas:
        rest = rest * (1.0 - delta)
    return (1.0 - rest).cast(pl.Float32)


def _annotated(
    found: pl.DataFrame, name: str, kind: str, annotated: pl.DataFrame | None
) -> pl.Series:
    """Whether the position of a delta is an annotated site of its type."""
    column = f"{name}_annotated"
    if annotated is None:
        return pl.Series(column, [None] * found.height, dtype=pl.Boolean)
    of_type = pl.lit(kind.partition("_")[0], SpliceType)
    sites = annotated.filter(pl.col("type") == of_type)["genomic_position"]
    return found[f"{name}_position"].is_in(sites.implode()).alias(column)


def _masked(name: str, kind: str) -> pl.Expr:
    is_annotated = pl.col(f"{name}_annotated")
    harmless = is_annotated if kind.endswith("gain") else ~is_annotated
    return pl.when(harmless.fill_null(False)).then(0.0).otherwise(name).cast(pl.Float32).alias(name)
