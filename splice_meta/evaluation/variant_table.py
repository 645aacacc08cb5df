"""Variants with a truth: a table, joined with what was computed for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from splice_meta.alleles.deltas import EFFECT
from splice_meta.alleles.layout import SUMMARY
from splice_meta.alleles.reading import read_variants
from splice_meta.alleles.tables import scan_table
from splice_meta.errors import InputError, UsageError
from splice_meta.reference.chrom_names import match_chroms
from splice_meta.runtime.panics import plain_panics
from splice_meta.sources.unreadable import FAULTS, unreadable

GROUPS = ("gene_id", "gene", "gene_name", "symbol")
"""Columns of a table that name the gene of a variant, the first that is there."""

_LAYERS = ("base", "final")
_KEY = ("chrom", "pos", "ref", "alt")
_TRUE, _FALSE = ("1", "1.0", "true", "yes"), ("0", "0.0", "false", "no")

Table = str | Path | pl.DataFrame | pl.LazyFrame


@dataclass(frozen=True, kw_only=True)
class VariantTable:
    """Variants with a truth.

    Attributes:
        rows: One row per variant with a truth: ``truth``, ``group`` (what is drawn together: the
            gene, or a number where that is not known) and a column of Float64 for each system,
            null where it has no value.
        systems: Their names.
        without_truth: How many variants had no truth, and were left out.
        without_gene: How many have a group of their own, because their gene is not known.
    """

    rows: pl.DataFrame
    systems: tuple[str, ...]
    without_truth: int
    without_gene: int


def open_table(
    table: Table, truth: str, *, results: Any, scores: Sequence[str], group: str | None
) -> VariantTable:
    """Read a table of variants with a truth, and join what was computed for them.

    Args:
        table: A table file or frame, one row per variant.
        truth: The column that says whether splicing changes: 1 and 0, true and false.
        results: The output folder of ``splice-meta variants``, its summary, or that as a frame;
            None for none. The table then has the columns ``chrom``, ``pos``, ``ref``, ``alt``.
        scores: Columns of the table that are evaluated, too; higher means likelier to change.
        group: The column that says which variants are drawn together; None for the results'
            genes, or the first of :data:`GROUPS` that is there.

    Raises:
        UsageError: If there is nothing to evaluate.
        InputError: If something cannot be read, or a column is missing or of another kind.
    """
    name, frame = _read(table)
    for column in (truth, *scores, *([group] if group else [])):
        if column not in frame.columns:
            raise InputError(
                f"{name} has no column {column}; it has {', '.join(frame.columns[:40])}.",
                "Name one of its columns.",
            )
    named = group or next((each for each in GROUPS if each in frame.columns), None)
    rows = frame.select(
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("line"),
        _truth(frame, truth, name),
        *(_number(frame, each, name) for each in scores),
        (pl.col(named).cast(pl.String) if named else pl.lit(None, pl.String)).alias("own_group"),
    )
    systems = list(scores)
    if results is not None:
        found = _of_results(results, table if isinstance(table, (str, Path)) else frame)
        rows = rows.join(found, on="line", how="left", maintain_order="left")
        systems = [each for each in found.columns if each not in ("line", "gene")] + systems
    if not systems:
        raise UsageError("There is no score to evaluate.", "Give --results, or --score COLUMN.")
    genes = ["own_group"] if group or "gene" not in rows.columns else ["gene", "own_group"]
    rows = rows.with_columns(gene=pl.coalesce(genes))
    alone = pl.format("variant {}", "line")
    known = rows.filter(pl.col("truth").is_not_null())
    return VariantTable(
        rows=known.select("truth", pl.coalesce("gene", alone).alias("group"), *systems),
        systems=tuple(systems),
        without_truth=rows.height - known.height,
        without_gene=known["gene"].null_count(),
    )


def _read(table: Table) -> tuple[str, pl.DataFrame]:
    """What a table is called, and its rows."""
    if isinstance(table, (pl.DataFrame, pl.LazyFrame)):
        return "The table", _collect(table.lazy(), "The table")
    return str(table), _collect(scan_table(str(table)), str(table))


def _collect(plan: pl.LazyFrame, name: str) -> pl.DataFrame:
    try:
        with plain_panics():
            return plan.collect()
    except FAULTS as error:
        raise unreadable(name, error) from None


def _truth(frame: pl.DataFrame, column: str, name: str) -> pl.Series:
    words = frame[column].cast(pl.String).str.strip_chars().str.to_lowercase()
    words = words.set(words == "", None)
    unknown = frame[column].filter(words.is_not_null() & ~words.is_in([*_TRUE, *_FALSE]))
    if len(unknown):
        raise InputError(
            f"The column {column} of {name} is not a truth column: it holds {str(unknown[0])!r}.",
            "A truth is 1 or 0, or true or false; leave it empty where it is not known.",
        )
    return (
        pl.select(pl.when(words.is_not_null()).then(words.is_in(_TRUE))).to_series().alias("truth")
    )


def _number(frame: pl.DataFrame, column: str, name: str) -> pl.Series:
    given = frame[column].cast(pl.String).str.strip_chars()
    given = given.set(given.is_in(["", ".", "NaN", "nan", "NA"]), None)
    number = given.cast(pl.Float64, strict=False)
    wrong = given.filter(number.is_null() & given.is_not_null())
    if len(wrong):
        raise InputError(
            f"The column {column} of {name} is not a score: it holds {wrong[0]!r}.",
            "Name columns of numbers.",
        )
    return number.alias(column)


def _of_results(results: Any, table: str | Path | pl.DataFrame) -> pl.DataFrame:
    """Of each line of the table: ``gene``, and a column for each system; the largest of its genes.

    ``base`` and ``final`` are the largest of the four changes, ``base_any`` and ``final_any`` are
    1 less the product of (1 - change) over the four: the probability of any change, were they
    independent. ``effect`` is that column, which results of earlier versions lack.
    """
    name, plan = _scan_results(results)
    names = plan.collect_schema().names()
    layers = [each for each in _LAYERS if f"{each}_largest" in names]
    columns = {
        f"{layer}{end}": f"{layer}_{column}"
        for layer in layers
        for end, column in (("", "largest"), ("_any", "any"))
    } | ({EFFECT: EFFECT} if EFFECT in names else {})
    needed = [*_KEY, "gene_id", "base_largest", *columns.values()]
    lacking = [each for each in needed if each not in names]
    if lacking:
        raise InputError(
            f"{name} holds no results of variants: it has no column {lacking[0]}.",
            "Give the output folder of splice-meta variants.",
        )
    values = [pl.col(theirs).cast(pl.Float64).alias(ours) for ours, theirs in columns.items()]
    rows = _collect(plan.select(*_KEY, "gene_id", *values), name)
    systems = rows.columns[len(_KEY) + 1 :]
    by_variant = rows.group_by(_KEY).agg(
        pl.col("gene_id").sort_by("base", descending=True, nulls_last=True).first().alias("gene"),
        pl.col(systems).max(),
    )
    asked = read_variants(table).select("line", *_KEY)
    meant = match_chroms(asked["chrom"].drop_nulls().unique(), rows["chrom"].drop_nulls().unique())
    asked = asked.with_columns(pl.col("chrom").replace(meant))
    if not asked.join(by_variant, on=_KEY, how="semi").height:
        raise InputError(
            f"{name} holds none of the table's variants.",
            "Give the results of this table: splice-meta variants TABLE.",
        )
    found = asked.join(by_variant, on=_KEY, how="left")
    return found.group_by("line").agg(pl.col("gene").first(), pl.col(systems).max()).sort("line")


def _scan_results(results: Any) -> tuple[str, pl.LazyFrame]:
    if isinstance(results, (pl.DataFrame, pl.LazyFrame)):
        return "The frame of results", results.lazy()
    path = Path(results).expanduser()
    if path.is_dir():
        path /= f"{SUMMARY}.parquet"
    if not path.exists():
        raise InputError(f"There are no results {path}.", "Run splice-meta variants first.")
    return str(path), scan_table(str(path))
