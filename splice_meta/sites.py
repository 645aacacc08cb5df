"""The sites of a run: what base or final probabilities call, and what moved.

A site is a position and a type, donor or acceptor. It is *called* where its probability reaches the
threshold. *Gained* sites are called by the final probabilities alone, *lost* ones by the base
model's alone.
"""

from __future__ import annotations

import polars as pl

from splice_meta.contracts import SpliceType

THRESHOLD = 0.5
"""Probability from which a site counts as called, unless another one is asked for."""

MOVED = 0.1
"""A change of probability from which an uncalled site is listed."""

TYPES = ("donor", "acceptor")

FATES = ("kept", "gained", "lost", "uncalled")
Fate = pl.Enum(FATES)

PLACE = ("chrom", "strand", "genomic_position")

EXON, INTRON = 3, 6
"""Bases that are shown of exon and intron."""

COUNTS = (
    "base_sites", "final_sites", "gained", "lost",
    "base_annotated", "final_annotated", "gained_annotated", "lost_annotated",
)  # fmt: skip
"""What :func:`count_sites` counts."""


def find_sites(
    rows: pl.LazyFrame, annotated: pl.LazyFrame | None = None, threshold: float = THRESHOLD
) -> pl.LazyFrame:
    """The sites of whole genes: called by base or final probabilities, or moved by 0.1.

    Args:
        rows: A complete table, each gene's rows adjacent, positions ascending; ``base`` beside it
            where the sequence is known.
        annotated: The splice sites of the genes whose sites are known: ``gene_id``, ``position``,
            ``type``; a gene without any has one row with nulls. None where nothing is known.
        threshold: Probability from which a site is called, in (0, 1].

    Returns:
        By row, then donor before acceptor: ``gene_id``, the columns of :data:`PLACE` that are
        there, ``position``, ``type``, ``sequence`` (null where it is not known: the last three
        bases of the exon, ``|`` and six of the intron for a donor; six, ``|`` and three for an
        acceptor; N where there is no row), ``base``, ``final``, ``change`` (Float64, final -
        base), ``fate`` (:data:`FATES`), ``is_annotated`` and ``distance`` (to the nearest
        annotated site of the type in the gene, in nucleotides, positive where that lies
        downstream, of two as near the one upstream). The last two are null where the gene's sites
        are not known, the distance too where it has none of the type.
    """
    near = near_sites(rows, threshold).with_row_index("_row")
    found = pl.concat([_of_type(near, kind, threshold) for kind in TYPES])
    ordered = found.sort("_row", "type").drop("_row")
    if annotated is None:
        return ordered.with_columns(
            is_annotated=pl.lit(None, pl.Boolean), distance=pl.lit(None, pl.Int64)
        )
    return _with_distance(ordered, annotated)


def _change(kind: str) -> pl.Expr:
    return pl.col(f"{kind}_meta").cast(pl.Float64) - pl.col(f"{kind}_score").cast(pl.Float64)


def _is_site(kind: str, threshold: float) -> pl.Expr:
    base, final = pl.col(f"{kind}_score"), pl.col(f"{kind}_meta")
    return (base >= threshold) | (final >= threshold) | (_change(kind).abs() >= MOVED)


def near_sites(rows: pl.LazyFrame, threshold: float) -> pl.LazyFrame:
    """The rows of which a site shows the base, and those that are annotated.

    They are few, so that what follows costs nothing: :func:`find_sites` and :func:`truth_sites`
    find the same in them as in all rows. The one pass over all rows is this.
    """
    columns = rows.collect_schema().names()
    used = {"gene_id", *PLACE, "position", "base", "splice_type"}
    used |= {f"{kind}_{of}" for kind in TYPES for of in ("score", "meta")}
    steps = {step for kind in TYPES for step in _steps(kind)}
    is_near = [pl.col("_site").shift(step, fill_value=False) for step in sorted(steps)]
    is_site = pl.any_horizontal(_may_be_site(kind, threshold) for kind in TYPES)
    if "splice_type" in columns:
        is_near.append((pl.col("splice_type") != "neither").fill_null(False))
    few = rows.select(name for name in columns if name in used)
    return few.with_columns(_site=is_site).filter(pl.any_horizontal(is_near)).drop("_site")


def _may_be_site(kind: str, threshold: float) -> pl.Expr:
    """As :func:`_is_site` and for a few more rows, without a pass in Float64."""
    base, final = (pl.col(f"{kind}_{of}").cast(pl.Float32) for of in ("score", "meta"))
    # Rounding to Float32 moves probabilities, and their differences, by less than 1e-7.
    return (pl.max_horizontal(base, final) >= threshold - 1e-6) | (
        (final - base).abs() >= MOVED - 1e-6
    )


def _of_type(near: pl.LazyFrame, kind: str, threshold: float) -> pl.LazyFrame:
    columns = near.collect_schema().names()
    place = [name for name in PLACE if name in columns]
    was, now = pl.col("base") >= threshold, pl.col("final") >= threshold
    fate = (
        pl.when(was & now).then(pl.lit("kept"))
        .when(now).then(pl.lit("gained"))
        .when(was).then(pl.lit("lost"))
        .otherwise(pl.lit("uncalled"))
    )  # fmt: skip
    sites = (
        near.filter(_is_site(kind, threshold))
        .with_columns(
            base=pl.col(f"{kind}_score"), final=pl.col(f"{kind}_meta"), change=_change(kind)
        )
        .with_columns(fate=fate.cast(Fate), type=pl.lit(kind, SpliceType))
    )
    if "base" in columns:
        sites = sites.join(_sequences(sites, near, kind), on="_row", how="left")
    else:
        sites = sites.with_columns(sequence=pl.lit(None, pl.String))
    return sites.select(
        pl.col("gene_id").cast(pl.String),
        *(pl.col(n).cast(pl.Int64 if n == PLACE[2] else pl.String) for n in place),
        pl.col("position").cast(pl.Int64),
        *("type", "sequence", "base", "final", "change", "fate", "_row"),
    )


def _steps(kind: str) -> range:
    """Which bases of a junction are shown, from the site's own; a donor ends its exon."""
    return range(1 - EXON, INTRON + 1) if kind == "donor" else range(-INTRON, EXON)


def _sequences(sites: pl.LazyFrame, near: pl.LazyFrame, kind: str) -> pl.LazyFrame:
    """The bases on both sides of each junction, N where one is no row of the gene."""
    letter = pl.col("base").cast(pl.String).str.to_uppercase().str.replace("U", "T")
    known = near.select(
        "gene_id", "position", _letter=pl.when(letter.str.contains("^[ACGT]$")).then(letter)
    )
    letters = sites.select(
        "_row", "gene_id", position=pl.concat_list(pl.col("position") + n for n in _steps(kind))
    ).explode("position")  # fmt: skip
    word = pl.col("_letter").fill_null("N").str.join("")
    exon = EXON if kind == "donor" else INTRON
    return (
        letters.join(known, on=["gene_id", "position"], how="left", maintain_order="left")
        .group_by("_row", maintain_order=True)
        .agg(word)
        .select("_row", sequence=pl.col("_letter").str.head(exon) + "|"
                + pl.col("_letter").str.tail(EXON + INTRON - exon))
    )  # fmt: skip


def _with_distance(sites: pl.LazyFrame, annotated: pl.LazyFrame) -> pl.LazyFrame:
    known = annotated.select("gene_id").unique().with_columns(_known=pl.lit(True))
    marks = annotated.drop_nulls().select(
        "gene_id", "type", pl.col("position").cast(pl.Int64)
    ).sort("position")  # fmt: skip
    near = sites.with_row_index("_order").sort("position")
    for strategy in ("backward", "forward"):
        near = near.join_asof(
            marks.with_columns(pl.col("position").alias(f"_{strategy}")),
            on="position", by=["gene_id", "type"], strategy=strategy, check_sortedness=False,
        )  # fmt: skip
    up = pl.col("_backward") - pl.col("position")
    down = pl.col("_forward") - pl.col("position")
    nearest = pl.when(down < -up).then(down).otherwise(pl.coalesce(up, down))
    return (
        near.join(known, on="gene_id", how="left")
        .sort("_order")
        .with_columns(
            is_annotated=pl.when("_known").then((nearest == 0).fill_null(False)),
            distance=nearest,
        )
        .drop("_order", "_known", "_backward", "_forward")
    )


def truth_sites(rows: pl.LazyFrame, genes: pl.LazyFrame) -> pl.LazyFrame:
    """The annotated sites of rows that have the truth in ``splice_type``, for :func:`find_sites`.

    Args:
        rows: Rows of whole genes, or at least those that are annotated.
        genes: The ``gene_id`` of each gene.

    Returns:
        ``gene_id``, ``position``, ``type``; one row with nulls for a gene without sites.
    """
    is_site = pl.col("splice_type") != "neither"
    sites = rows.filter(is_site).select(
        pl.col("gene_id").cast(pl.String),
        pl.col("position").cast(pl.Int64),
        type=pl.col("splice_type").cast(SpliceType),
    )
    return genes.select("gene_id").join(sites, on="gene_id", how="left")


def count_sites(sites: pl.LazyFrame) -> pl.LazyFrame:
    """Called, gained and lost sites of each gene, and how many of each are annotated.

    Args:
        sites: A sites table.

    Returns:
        ``gene_id`` and :data:`COUNTS` (Int64), for genes that have sites.
    """
    fate = pl.col("fate").cast(pl.String)
    by = {
        "base": fate.is_in(["kept", "lost"]), "final": fate.is_in(["kept", "gained"]),
        "gained": fate == "gained", "lost": fate == "lost",
    }  # fmt: skip
    names = {"base": "base_sites", "final": "final_sites", "gained": "gained", "lost": "lost"}
    is_known = pl.col("is_annotated").fill_null(False)
    return sites.group_by("gene_id", maintain_order=True).agg(
        *(of.sum().cast(pl.Int64).alias(names[name]) for name, of in by.items()),
        *((of & is_known).sum().cast(pl.Int64).alias(f"{name}_annotated")
          for name, of in by.items()),
    )  # fmt: skip
