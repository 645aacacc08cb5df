"""The sites of a run: what base or final probabilities call, and what moved.

A site is a position and a type, donor or acceptor. It is *called* where its probability reaches the
threshold. *Gained* sites are called by the final probabilities alone, *lost* ones by the base
model's alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
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
    near = near_sites(rows, threshold).with_row_index("_row").collect(engine="in-memory")
    bases = _Bases.of(near) if "base" in near.columns else None
    found = pl.concat([_of_type(near, kind, threshold, bases) for kind in TYPES])
    ordered = found.lazy().sort("_row", "type").drop("_row")
    if annotated is None:
        return ordered.with_columns(
            is_annotated=pl.lit(None, pl.Boolean), distance=pl.lit(None, pl.Int64)
        )
    return _with_distance(ordered, annotated)


def is_called(probability: str, threshold: float) -> pl.Expr:
    """Whether the probability in a column calls a site."""
    return pl.col(probability) >= threshold


def fate_of(base: str, final: str, threshold: float) -> pl.Expr:
    """What became of sites, one of :data:`FATES`; the arguments name columns of probabilities."""
    was, now = is_called(base, threshold), is_called(final, threshold)
    fate = (
        pl.when(was & now).then(pl.lit("kept"))
        .when(now).then(pl.lit("gained"))
        .when(was).then(pl.lit("lost"))
        .otherwise(pl.lit("uncalled"))
    )  # fmt: skip
    return fate.cast(Fate)


def _change(kind: str) -> pl.Expr:
    return pl.col(f"{kind}_meta").cast(pl.Float64) - pl.col(f"{kind}_score").cast(pl.Float64)


def _is_site(kind: str, threshold: float) -> pl.Expr:
    base, final = f"{kind}_score", f"{kind}_meta"
    called = is_called(base, threshold) | is_called(final, threshold)
    return called | (_change(kind).abs() >= MOVED)


def near_sites(rows: pl.LazyFrame, threshold: float) -> pl.LazyFrame:
    """The rows of which a site shows the base, and those that are annotated.

    They are few, so that what follows costs nothing: :func:`find_sites` and :func:`truth_sites`
    find the same in them as in all rows. The one pass over all rows is this.
    """
    columns = rows.collect_schema().names()
    kept = [name for name in (*_NEEDED, *PLACE, "base", "splice_type") if name in columns]
    chosen = rows.select(kept)
    is_known = [pl.col("splice_type") != "neither"] if "splice_type" in columns else []
    marks = chosen.select(
        site=pl.any_horizontal(_may_be_site(kind, threshold) for kind in TYPES),
        known=pl.any_horizontal(is_known).fill_null(False) if is_known else pl.lit(False),
    ).collect(engine="in-memory")
    sites = marks["site"].arg_true().to_numpy().astype(np.int64)
    steps = np.arange(-max(INTRON, EXON), max(INTRON, EXON) + 1)
    places = np.add.outer(steps, sites).ravel()
    is_near = np.zeros(marks.height, np.bool_)
    is_near[places[(places >= 0) & (places < marks.height)]] = True
    is_near[marks["known"].arg_true().to_numpy()] = True
    return chosen.filter(pl.Series(is_near))


_NEEDED = (
    "gene_id", "position", *(f"{kind}_{end}" for kind in TYPES for end in ("score", "meta")),
)  # fmt: skip


def _may_be_site(kind: str, threshold: float) -> pl.Expr:
    """As :func:`_is_site` or a little more: the change in single precision, which is faster."""
    base, final = f"{kind}_score", f"{kind}_meta"
    called = is_called(base, threshold) | is_called(final, threshold)
    return called | ((pl.col(final) - pl.col(base)).abs() >= MOVED - 1e-5)


def _of_type(
    near: pl.DataFrame, kind: str, threshold: float, bases: _Bases | None
) -> pl.DataFrame:
    columns = near.columns
    place = [name for name in PLACE if name in columns]
    sites = (
        near.filter(_is_site(kind, threshold))
        .with_columns(
            base=pl.col(f"{kind}_score"), final=pl.col(f"{kind}_meta"), change=_change(kind)
        )
        .with_columns(fate=fate_of("base", "final", threshold), type=pl.lit(kind, SpliceType))
    )
    sequence: pl.Series | pl.Expr = pl.lit(None, pl.String)
    if bases is not None:
        sequence = bases.around(sites["_row"].to_numpy(), kind)
    sites = sites.with_columns(sequence=sequence)
    return sites.select(
        pl.col("gene_id").cast(pl.String),
        *(pl.col(n).cast(pl.Int64 if n == PLACE[2] else pl.String) for n in place),
        pl.col("position").cast(pl.Int64),
        *("type", "sequence", "base", "final", "change", "fate", "_row"),
    )


def _steps(kind: str) -> range:
    """Which bases of a junction are shown, from the site's own; a donor ends its exon."""
    return range(1 - EXON, INTRON + 1) if kind == "donor" else range(-INTRON, EXON)


@dataclass(frozen=True)
class _Bases:
    """The bases of rows of genes, positions ascending.

    Attributes:
        keys: Gene and position as one number, ascending.
        letters: A, C, G, T or N, as ASCII.
    """

    keys: npt.NDArray[np.int64]
    letters: npt.NDArray[np.uint8]

    @classmethod
    def of(cls, near: pl.DataFrame) -> _Bases:
        letter = pl.col("base").cast(pl.String).str.to_uppercase()
        codes = {name: ord(name) for name in "ACGT"} | {"U": ord("T")}
        known = letter.replace_strict(codes, default=ord("N"), return_dtype=pl.UInt8)
        gene = pl.col("gene_id").rle_id().cast(pl.Int64)  # they follow one another
        found = near.select(
            key=gene * (1 << 40) + pl.col("position").cast(pl.Int64),  # positions are below 2^39
            letter=known.fill_null(ord("N")),
        )
        return cls(found["key"].to_numpy(), found["letter"].to_numpy())

    def around(self, rows: npt.NDArray[np.integer], kind: str) -> pl.Series:
        """The bases on both sides of junctions, N where one is no row of the gene.

        Args:
            rows: Which rows are sites.
            kind: Of what type.
        """
        wanted = np.add.outer(self.keys[rows], np.array(_steps(kind)))
        places = np.minimum(np.searchsorted(self.keys, wanted), max(len(self.keys) - 1, 0))
        found = np.where(self.keys[places] == wanted, self.letters[places], ord("N"))
        words = np.insert(found, EXON if kind == "donor" else INTRON, ord("|"), axis=1)
        texts = np.ascontiguousarray(words, np.uint8).view(f"S{words.shape[1]}").ravel()
        return pl.Series(texts.astype(str), dtype=pl.String)


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
