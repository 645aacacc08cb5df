"""meta-spliceai's tables of some positions, as its evaluation writes them: one row per position.

Its writers go over each gene twice, once for donors and once for acceptors, and write a site once
for each transcript. So a gene stands in two places, and a position may stand there several times.
The truth is empty but for sites of the pass.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Sequence

import polars as pl

from splice_meta.catalogue import GENOMIC, kind_of
from splice_meta.contracts import (
    BLANKS,
    OPTIONAL,
    REQUIRED,
    SCORES,
    TRUTH_WORD,
    SpliceType,
    all_scores_in,
    columns,
)  # fmt: skip
from splice_meta.errors import ContractError
from splice_meta.sources.checks.faults import SUM_TOLERANCE

log = logging.getLogger("splice_meta")

_NAME = re.compile(r"(^|[/\\])(full_)?(analysis_sequences|splice_positions_enhanced)[._-][^/\\]*$")
_MARKS = {"pred_type", "predicted_position"}
"""Columns of such tables, whatever their name."""

_SITES = ("donor", "acceptor")

SAME = 1e-6
"""How far two records of one score may lie apart."""


def is_by_pass(files: Sequence[str], names: Collection[str]) -> bool:
    """Whether a table is one of those.

    Args:
        files: Its files; one by such a name will do.
        names: Its columns.
    """
    return set(names) >= _MARKS or any(_NAME.search(file) for file in files)


def once_per_position(
    scores: pl.LazyFrame, also: Collection[str], source: str
) -> tuple[pl.LazyFrame, int]:
    """One row for each position, genes adjacent and in the order of their first rows.

    Of rows of one position with the same scores one is kept: that of a site, if one of them is.
    Where a writer has put the largest score of the five positions around in place of a site's own,
    so that the three sum to more than 1, its own is taken from the other two.

    Args:
        scores: Canonical scores.
        also: Columns that will be read, beside those of the contract.
        source: Where they come from, for messages.

    Returns:
        The rows, and how many others were read.

    Raises:
        ContractError: If scores or the truth of a position contradict each other.
    """
    rows = _read_columns(scores, also).collect(engine="streaming")
    order = rows.select(pl.col("gene_id").unique(maintain_order=True)).with_row_index("_gene")
    has_truth = "splice_type" in rows.columns
    if has_truth:
        rows = _own_scores(_blank_is_neither(rows), source)
    is_site = pl.col("splice_type").is_in(_SITES).fill_null(False) if has_truth else pl.lit(False)
    ordered = (
        rows.join(order, on="gene_id", how="left", maintain_order="left")
        .with_columns(_site=is_site)
        .sort("_gene", "position", pl.col("_site").not_(), maintain_order=True)
    )
    scored = [name for names in all_scores_in(rows.columns) for name in names]
    _refuse(ordered, "score", pl.any_horizontal(_moves(name) for name in scored), source)
    if has_truth:
        truth = pl.col("splice_type")
        _refuse(ordered.filter("_site"), "truth", truth != truth.shift(1), source)
    kept = ordered.unique(["gene_id", "position"], keep="first", maintain_order=True)
    if kept.height < rows.height:
        log.warning(
            "%s: %s rows repeat a position with the same scores, as its writer leaves them; one "
            "row per position is kept.", source, f"{rows.height - kept.height:,}",
        )  # fmt: skip
    return kept.drop("_gene", "_site").lazy(), rows.height - kept.height


def _blank_is_neither(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with the truth that their writer leaves out: most have none."""
    if TRUTH_WORD not in rows.columns:
        return rows
    word = pl.col(TRUTH_WORD)
    blank = word.is_null() | word.is_in(BLANKS)
    return rows.with_columns(
        splice_type=pl.when(blank).then(pl.lit("neither", SpliceType)).otherwise("splice_type"),
        **{TRUTH_WORD: pl.when(blank).then(pl.lit("neither")).otherwise(word)},
    )


def _own_scores(rows: pl.DataFrame, source: str) -> pl.DataFrame:
    """The rows with the sites' own scores, where those of their surroundings stand."""
    total = pl.sum_horizontal(pl.col(name).cast(pl.Float64) for name in SCORES)
    changed = {}
    for site in _SITES:
        score = pl.col(f"{site}_score")
        own = 1 - (total - score)
        is_other = (total > 1 + SUM_TOLERANCE) & own.is_between(0, score)
        changed[site] = (is_other & (pl.col("splice_type") == site)).fill_null(False), own
    mended = rows.with_columns(
        *(
            pl.when(where).then(own.cast(pl.Float32)).otherwise(f"{site}_score")
            .alias(f"{site}_score")
            for site, (where, own) in changed.items()
        )
    )  # fmt: skip
    count = rows.select(pl.any_horizontal(where for where, _ in changed.values()).sum()).item()
    if count:
        log.warning(
            "%s: %s sites have the largest score of the five positions around in place of their "
            "own, which is taken from the other two classes.", source, f"{count:,}",
        )  # fmt: skip
    return mended


def _read_columns(rows: pl.LazyFrame, also: Collection[str]) -> pl.LazyFrame:
    """The columns that may be needed: the derived ones and the sequences take most of the memory.

    Args:
        rows: Canonical scores.
        also: Further columns that will be read.
    """
    schema = rows.collect_schema()
    known = {*REQUIRED, *OPTIONAL, *GENOMIC, *also, TRUTH_WORD}
    known |= {name for names in all_scores_in(schema.names()) for name in names}
    own = {n for n, t in schema.items() if t.is_numeric() and kind_of(n).startswith("unknown")}
    return rows.select(columns(name for name in schema.names() if name in known | own))


def _moves(name: str) -> pl.Expr:
    """Whether a score is another than in the row before."""
    value = pl.col(name)
    return (value.ne_missing(value.shift(1)) & ~((value - value.shift(1)).abs() <= SAME)).fill_null(
        True
    )


def _refuse(ordered: pl.DataFrame, what: str, differs: pl.Expr, source: str) -> None:
    """Refuse rows of one position that contradict each other."""
    same_place = (pl.col("gene_id") == pl.col("gene_id").shift(1)) & (
        pl.col("position") == pl.col("position").shift(1)
    )
    wrong = ordered.filter(same_place & differs)
    if wrong.height:
        gene, position = wrong.select("gene_id", "position").row(0)
        raise ContractError(
            f"{source}: position {position:,} of gene {gene} stands there twice, each time with "
            f"another {what} ({wrong.height:,} such rows).",
            "Keep the right row; scores of every position are in nucleotide_scores.tsv.",
        )
