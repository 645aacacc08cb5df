"""The named schema at each stage boundary.

Coordinates, said once for the whole package:

* ``position`` numbers the nucleotides of a gene along the transcript strand, 5' to 3'; the usual
  tables start at 1. Neighbours are found by ``position``, so any offset works.
* ``genomic_position`` is 1-based on the reference's forward strand; on a gene of the ``-`` strand
  it falls while ``position`` rises.
* ``base`` is the nucleotide on the transcript strand.
* A donor is the last base of an exon, an acceptor the first base of the next.

Base scores are three probabilities per nucleotide: donor, acceptor, neither. Where several base
models' scores go together, ``donor_score`` ... are those of the primary one (which confident
positions keep, and which the selection looks at), and ``NAME.donor_score`` ... those of each,
the primary among them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl
import polars.selectors as cs

from splice_meta.errors import ContractError
from splice_meta.texts import runs_of

SCORES = ("donor_score", "acceptor_score", "neither_score")
FINAL = ("donor_meta", "acceptor_meta", "neither_meta")
CLASSES = ("neither", "donor", "acceptor")
SpliceType = pl.Enum(CLASSES)
PredictionSource = pl.Enum(["base_model", "meta_model"])
ConfidenceCategory = pl.Enum(["non_splice", "uncertain", "splice"])

MEASURES = (
    "max_score", "max_confidence", "score_entropy", "score_spread", "score_variance",
    "is_low_confidence", "is_high_entropy", "is_low_discriminability", "confidence_category",
    "predicted_type_base",
)  # fmt: skip
"""The uncertainty measures of a position, in the order of the output's columns."""

FLOAT_MEASURES = MEASURES[:5]
"""Measures that are computed in Float64 and kept as Float32."""

TEXTS = ("gene_id", "chrom", "strand")
"""Text columns that repeat over whole genes: short codes in memory (Enum), text in files."""

REQUIRED = ("gene_id", "position", "donor_score", "acceptor_score")
OPTIONAL = ("chrom", "strand", "genomic_position", "base", "splice_type")

HIGHEST = (1 << 39) - 1
"""The highest position; up to it the axis tells genes apart, see :func:`with_axis`."""

TRUTH_WORD = "_truth_word"
"""The truth as a table words it, kept until it is checked, where its type is text."""

BLANKS = ("", "NA")
"""Words that stand for nothing in a column of names."""

RANGE_TOLERANCE = 1e-4
"""How far below 0 or above 1 a score may lie (Float32 rounding of the base model's softmax)."""

AXIS = "_axis"
"""Name of the position axis, see :func:`with_axis`."""

GENE = "_gene"
"""Name of the running number of a gene in its batch, see :func:`with_axis`."""

GENE_STRIDE = 1 << 40
"""How far the axes of two genes lie apart."""

_TEXT = (pl.String, pl.Categorical, pl.Enum)

_ENSEMBL = re.compile(r"^(ENS[A-Z]*\d+)\.\d+$")
_CHROM_CODES = {str(n): n for n in range(1, 23)} | {"X": 23, "Y": 24, "M": 25, "MT": 25}
_CHROM_CODES |= {f"NC_{n}": n for n in range(1, 25)} | {"NC_12920": 25}


def scores_of(base_model: str = "") -> tuple[str, str, str]:
    """The score columns of one base model, in the order donor, acceptor, neither.

    Args:
        base_model: The name of one of several base models, whose columns are ``NAME.donor_score``,
            ``NAME.acceptor_score``, ``NAME.neither_score``; empty for the primary one, whose
            columns have no name in front.
    """
    front = f"{base_model}." if base_model else ""
    return (f"{front}{SCORES[0]}", f"{front}{SCORES[1]}", f"{front}{SCORES[2]}")


def base_models_in(columns: Collection[str]) -> tuple[str, ...]:
    """The named base models whose three scores are among some columns, in their order."""
    names = [c.removesuffix(f".{SCORES[0]}") for c in columns if c.endswith(f".{SCORES[0]}")]
    return tuple(name for name in names if name and set(scores_of(name)) <= set(columns))


def all_scores_in(columns: Collection[str]) -> list[tuple[str, str, str]]:
    """The score columns of the primary base model, then of each named one among some columns."""
    return [scores_of(name) for name in ("", *base_models_in(columns))]


def column(name: str) -> pl.Expr:
    """A column by its exact name, where it may come from outside.

    Polars takes the names ``*`` and ``^...$`` for patterns.
    """
    is_pattern = name == "*" or (name.startswith("^") and name.endswith("$"))
    return cs.by_name(name).as_expr() if is_pattern else pl.col(name)


def columns(names: Iterable[str]) -> list[pl.Expr]:
    """Columns by their exact names, see :func:`column`."""
    return [column(name) for name in names]


def class_expr(donor: str, acceptor: str, neither: str) -> pl.Expr:
    """The class with the largest of three probabilities; ties go to neither, then donor."""
    d, a, n = pl.col(donor), pl.col(acceptor), pl.col(neither)
    return (
        pl.when((n >= d) & (n >= a))
        .then(pl.lit("neither", SpliceType))
        .when(d >= a)
        .then(pl.lit("donor", SpliceType))
        .otherwise(pl.lit("acceptor", SpliceType))
    )


def chrom_code_expr() -> pl.Expr:
    """The chromosome as a number: 1-22, X 23, Y 24, M or MT 25, anything else 0.

    RefSeq's accessions of human chromosomes count as those.
    """
    return pl.col("chrom").map_batches(_chrom_codes, pl.Float64, is_elementwise=True)


def _chrom_codes(chrom: pl.Series) -> pl.Series:
    # Runs of a name are looked at once: it repeats over whole genes.
    runs = chrom.rle().struct.unnest()
    name = runs["value"].cast(pl.String).str.to_uppercase().str.strip_prefix("CHR")
    name = name.str.replace(r"^NC_0*(\d+)(\.\d+)?$", "NC_${1}")
    codes = name.replace_strict(_CHROM_CODES, default=0, return_dtype=pl.Float64)
    return pl.Series(chrom.name, np.repeat(codes.to_numpy(), runs["len"].to_numpy()))


def canonical(scores: pl.LazyFrame, called: str = "The table of base scores") -> pl.LazyFrame:
    """Bring base scores to the contract's columns and dtypes, lazily.

    Args:
        scores: Base scores, one row per nucleotide. ``neither_score`` is 1 - donor - acceptor
            where it is absent. Scores of named base models (``NAME.donor_score`` ...) may stand
            beside them. Columns the contract does not name are carried unchanged.
        called: What errors call the table: its file, where there is one.

    Returns:
        ``gene_id`` String, ``position`` Int64, the three scores Float32, then the optional columns
        that are there; ``splice_type`` (the truth) as Enum(neither, donor, acceptor), with
        :data:`TRUTH_WORD` last where it was text. Scores of named base models are Float32, too.
        Positions that are not whole numbers are -1, which the check refuses.

    Raises:
        ContractError: If a required column is missing or has a type that cannot be meant.
    """
    schema = scores.collect_schema()
    _refuse_missing(schema, called)
    _refuse_types(schema)
    exprs: dict[str, pl.Expr] = {}
    for name in ("gene_id", "base"):
        if schema.get(name, pl.String) != pl.String:
            exprs[name] = pl.col(name).cast(pl.String)
    for name in ("chrom", "strand"):
        if schema.get(name) == pl.Null:
            exprs[name] = pl.col(name).cast(pl.String)
    exprs["position"] = whole_expr("position", schema["position"]).cast(pl.Int64)
    if "genomic_position" in schema:
        exprs["genomic_position"] = whole_expr("genomic_position", schema["genomic_position"])
    scored = [name for names in all_scores_in(schema.names()) for name in names]
    exprs |= {
        n: pl.col(n).cast(pl.Float32) for n in scored if schema.get(n, pl.Float32) != pl.Float32
    }
    if "neither_score" not in schema:
        rest = 1.0 - pl.col("donor_score").cast(pl.Float64) - pl.col("acceptor_score")
        # Rounding may leave a tiny negative rest where donor + acceptor is 1.
        exprs["neither_score"] = (
            pl.when(rest.is_between(-RANGE_TOLERANCE, 0.0)).then(0.0).otherwise(rest)
        ).cast(pl.Float32)
    if "splice_type" in schema:
        exprs["splice_type"] = truth_expr(schema["splice_type"])
        if isinstance(schema["splice_type"], _TEXT) and schema["splice_type"] != SpliceType:
            exprs[TRUTH_WORD] = pl.col("splice_type").cast(pl.String)
    order = [*REQUIRED, "neither_score", *(n for n in OPTIONAL if n in schema)]
    kept = [n for n in {**dict.fromkeys(schema.names()), **exprs} if n not in order]
    return scores.with_columns(**exprs).select(*order, *columns(kept))


def _refuse_missing(schema: pl.Schema, called: str) -> None:
    """Refuse a table that lacks a required column; names that differ in case only are shown."""
    missing = [name for name in REQUIRED if name not in schema]
    if not missing:
        return
    alike = {name.strip().lower(): name for name in schema.names()}
    near = [f"{alike[name]!r} in place of {name}" for name in missing if name in alike]
    has = f"it has {', '.join(near)}" if near else f"it has: {', '.join(schema.names()) or 'none'}"
    raise ContractError(
        f"{called} has no column {', '.join(missing)}; {has}.",
        "Rename the columns to gene_id, position, donor_score, acceptor_score, neither_score.",
    )


def _refuse_types(schema: pl.Schema) -> None:
    """Refuse columns of the contract whose type cannot be meant."""
    scored = {name for names in all_scores_in(schema.names()) for name in names}
    for name, dtype in schema.items():
        if name in scored:
            good, must = dtype.is_numeric(), "a number"
        elif name in ("position", "genomic_position"):
            good, must = dtype.is_numeric(), "an integer"
        elif name in ("gene_id", "chrom", "strand"):
            good, must = isinstance(dtype, _TEXT) or dtype.is_integer(), "text or an integer"
        elif name == "base":
            good, must = isinstance(dtype, _TEXT), "text"
        elif name == "splice_type":
            good, must = isinstance(dtype, _TEXT) or dtype.is_numeric(), "text or a number"
        else:
            continue
        good |= dtype == pl.Null and name in ("chrom", "strand", "genomic_position", "base")
        if not good:
            raise ContractError(
                f"Column {name} of the base scores has the type {dtype}.", f"It must be {must}."
            )


def whole_expr(name: str, dtype: pl.DataType) -> pl.Expr:
    """A column of positions as integers; -1, which is none, where a value is not a whole number.

    Args:
        name: The column.
        dtype: Its type: integers stay as they are, missing values null.
    """
    value = pl.col(name)
    if dtype == pl.Null:
        return value.cast(pl.Int64)
    if dtype.is_integer() and dtype not in (pl.UInt64, pl.Int128, pl.UInt128):
        return value
    if not dtype.is_integer():
        value = value.cast(pl.Float64).fill_nan(None)
        value = pl.when(value == value.floor()).then(value).when(value.is_not_null()).then(-1.0)
        missing = pl.col(name).cast(pl.Float64).fill_nan(None).is_null()
    else:
        missing = value.is_null()
    whole = value.cast(pl.Int64, strict=False)
    return pl.when(missing).then(None).otherwise(whole.fill_null(-1))


def truth_expr(dtype: pl.DataType) -> pl.Expr:
    """The truth column ``splice_type`` as Enum(neither, donor, acceptor), null where it is none.

    Args:
        dtype: The column's type: numbers 0, 1, 2 or text ``0``/``neither``, ``1``/``donor``,
            ``2``/``acceptor``.
    """
    truth = pl.col("splice_type")
    if dtype == SpliceType:
        return truth
    if dtype.is_numeric():
        known = pl.when(truth.is_between(0, len(CLASSES) - 1)).then(truth)
        if not dtype.is_integer():  # 0.5 is no code
            known = pl.when(known.cast(pl.Float64) == known.cast(pl.Float64).floor()).then(known)
        return known.cast(pl.UInt8).cat.to(SpliceType)
    codes = {f"{code}{end}": name for code, name in enumerate(CLASSES) for end in ("", ".0")}
    return truth.cast(pl.String).replace(codes).cast(SpliceType, strict=False)


def without_version(gene: str) -> str:
    """An Ensembl gene id without its version: ENSG00000012048 for ENSG00000012048.23."""
    return _ENSEMBL.sub(r"\1", gene)


def with_axis(scores: pl.LazyFrame) -> pl.LazyFrame:
    """Add the running number of the gene and the position axis.

    The axis is one integer per row that orders genes and positions at once: two rows are k
    positions apart in the same gene exactly if their axes differ by k, for any k below 2^39.
    Neighbours are found by comparing one number, gaps and gene ends alike.

    Args:
        scores: Canonical base scores, each gene's rows adjacent, positions ascending.
    """
    gene = pl.col("gene_id").map_batches(_gene_numbers, pl.Int64)
    axis = pl.map_batches([pl.col(GENE), pl.col("position")], _places, pl.Int64)
    return scores.with_columns(gene.alias(GENE)).with_columns(axis.alias(AXIS))


def gene_ends(genes: pl.Series) -> npt.NDArray[np.int64]:
    """Where each gene begins and the next one ends: 0 and the row after the last of each gene.

    Args:
        genes: The running number of each row's gene, see :func:`with_axis`.
    """
    numbers = genes.to_numpy()
    if not numbers.size:
        return np.zeros(1, np.int64)
    return np.searchsorted(numbers, np.arange(numbers[0], numbers[-1] + 2))


def rows_at(frame: pl.DataFrame, rows: npt.NDArray[np.int64]) -> pl.DataFrame:
    """Some rows of columns of numbers without nulls; in numpy, in a tenth of the time."""
    return pl.DataFrame({each.name: each.to_numpy()[rows] for each in frame})


def _gene_numbers(ids: pl.Series) -> pl.Series:
    """As ``rle_id``, by whole runs in a fraction of the time."""
    starts, stops = runs_of(ids)
    # They ascend; saying so lets aggregations by gene work on slices.
    return pl.Series(GENE, np.repeat(np.arange(starts.size), stops - starts)).set_sorted()


def _places(series: Sequence[pl.Series]) -> pl.Series:
    gene, position = (each.to_numpy() for each in series)
    return pl.Series(AXIS, gene * GENE_STRIDE + position)
