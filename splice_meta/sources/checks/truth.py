"""The truth of a table: its words, and whether it and the scores mean the same sites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations

import polars as pl

from splice_meta.contracts import BLANKS, CLASSES, TRUTH_WORD, SpliceType
from splice_meta.errors import ContractError
from splice_meta.sources.checks.sites import CONFIDENT, SHIFTS

FEWEST = 5
"""Sites below which nothing is concluded."""

CROWDED = 20
"""One position in so many is a site at the most; in real genes it is one in a hundred."""

LARGE = 100
"""Positions from which a table may be called crowded."""

AGREEING = 0.1
"""Share of annotated, or of confident, sites that must be the other, too."""

_TRUE = ("donor", "acceptor")


def truth_counts(columns: Sequence[str]) -> dict[str, pl.Expr]:
    """What is counted of the truth, and of confident sites by their truth.

    Args:
        columns: The table's columns.

    Returns:
        ``true_blank`` (rows without truth), ``true_donor``, ``true_acceptor``, ``sure_donor``,
        ``sure_acceptor``, and ``A_is_B`` (annotated as A, confident as B); none without a truth.
    """
    if "splice_type" not in columns:
        return {}
    truth = pl.col("splice_type")
    true = {label: truth == label for label in _TRUE}
    sure = {label: pl.col(f"{label}_score") >= CONFIDENT for label in _TRUE}
    return {
        "true_blank": truth.is_null(),
        **{f"true_{label}": true[label] for label in _TRUE},
        **{f"sure_{label}": sure[label] for label in _TRUE},
        **{f"{a}_is_{b}": true[a] & sure[b] for a in _TRUE for b in _TRUE},
    }


def settle_truth(scores: pl.LazyFrame) -> pl.LazyFrame:
    """A checked table without the words of its truth; no word means neither."""
    if TRUTH_WORD not in scores.collect_schema():
        return scores
    return scores.drop(TRUTH_WORD).with_columns(
        pl.col("splice_type").fill_null(pl.lit("neither", SpliceType))
    )


def _refuse_words(runs: pl.DataFrame, scores: pl.LazyFrame) -> None:
    """Refuse a truth that holds other words than its own, or none where the rest are codes.

    Args:
        runs: From :func:`splice_meta.sources.checks.runs.gene_runs`.
        scores: Canonical base scores; looked at again where a row has no truth.

    Raises:
        ContractError: Words, rows and first gene are named.
    """
    if not runs["true_blank"].sum():
        return
    count = int(runs["true_blank"].sum())
    gene = runs.filter(pl.col("true_blank") > 0)["gene_id"][0]
    if TRUTH_WORD not in scores.collect_schema():
        raise _no_truth(f"none of its values in {count:,} rows, first in gene {gene}")
    word = pl.col(TRUTH_WORD)
    is_blank = word.is_null() | word.is_in(BLANKS)
    other = scores.filter(pl.col("splice_type").is_null() & ~is_blank)
    first = other.select("gene_id", TRUTH_WORD).head(1000).collect()
    if first.height:
        words = ", ".join(repr(each) for each in first[TRUTH_WORD].unique(maintain_order=True)[:5])
        others = other.select(pl.len()).collect().item()
        raise _no_truth(
            f"none of its values in {others:,} rows, first in gene {first['gene_id'][0]}: {words}"
        )
    named, coded = scores.select(
        named=word.is_in(CLASSES).any(), coded=(~is_blank & ~word.is_in(CLASSES)).any()
    ).collect().row(0)  # fmt: skip
    if coded or not named:
        rest = "the rest are codes" if coded else "no row has one"
        raise _no_truth(f"no value in {count:,} rows, first in gene {gene}, where {rest}")


def _no_truth(what: str) -> ContractError:
    return ContractError(
        f"Column splice_type of the base scores has {what}.",
        "It must be 0 or neither, 1 or donor, 2 or acceptor (empty for neither beside names); "
        "leave the column out if unknown.",
    )


def judge_truth(runs: pl.DataFrame, scores: pl.LazyFrame) -> list[str]:
    """What is to be said of a truth that contradicts the scores.

    Args:
        runs: From :func:`splice_meta.sources.checks.runs.gene_runs`.
        scores: Canonical base scores; looked at again where something is wrong.

    Returns:
        A sentence that names the likely mistake; none if nothing is wrong, or too little is known.

    Raises:
        ContractError: If it holds other words than its own, or none where the rest are codes.
    """
    if "true_blank" not in runs.columns:
        return []
    _refuse_words(runs, scores)
    count = {name: int(runs[name].sum()) for name in truth_counts(["splice_type"])}
    rows = int(runs["positions"].sum())
    sites, sure = (count[f"{what}_donor"] + count[f"{what}_acceptor"] for what in ("true", "sure"))
    agreeing = count["donor_is_donor"] + count["acceptor_is_acceptor"]
    swap = _likely_swap(count, rows)
    if swap:
        return [
            f"The truth contradicts the scores: of {sites:,} annotated sites {agreeing:,} score "
            f"{CONFIDENT} or more for what they are. Likely {swap}; here 0 is neither, 1 donor, 2 "
            "acceptor."
        ]
    few = 2 * agreeing < sites
    if rows >= LARGE and sites * CROWDED > rows and few:
        return [
            f"{sites:,} of {rows:,} positions are annotated as splice sites, more than one in "
            f"{CROWDED}, and few of them score as such; check the codes of splice_type (0 neither, "
            "1 donor, 2 acceptor)."
        ]
    if min(sites, sure) < FEWEST or agreeing >= max(1, AGREEING * min(sites, sure)):
        return []
    return [
        f"The annotated sites score below their surroundings: {agreeing:,} of {sites:,} are among "
        f"the {sure:,} positions that score {CONFIDENT} or more. {_likely_shift(scores, sure)}"
    ]


def _likely_swap(count: Mapping[str, int], rows: int) -> str:
    """What the classes look like from the scores, if clearly not what they are called."""
    scored = {a: {b: count[f"{a}_is_{b}"] for b in _TRUE} for a in _TRUE}
    scored["neither"] = {b: count[f"sure_{b}"] - sum(scored[a][b] for a in _TRUE) for b in _TRUE}
    sizes = {a: count[f"true_{a}"] for a in _TRUE}
    sizes["neither"] = rows - sum(sizes.values())
    for name, row in scored.items():
        row["neither"] = sizes[name] - sum(row.values())

    def agreement(meant: Sequence[str]) -> int:
        return sum(scored[name][other] for name, other in zip(CLASSES, meant, strict=True))

    best = max(permutations(CLASSES), key=agreement)  # the first is as they are called
    if agreement(best) - agreement(CLASSES) < FEWEST:
        return ""
    hits = sum(
        scored[name][other]
        for name, other in zip(CLASSES, best, strict=True)
        if other != "neither"
    )  # fmt: skip
    if 2 * hits < count["sure_donor"] + count["sure_acceptor"]:
        return ""
    if best[0] == "neither":
        return "donor and acceptor have changed places"
    order = ", ".join(f"{code} is {name}" for code, name in enumerate(best))
    whose = ", the order of agentic-spliceai" if best == ("donor", "acceptor", "neither") else ""
    return f"another order of the codes ({order}{whose})"


def _likely_shift(scores: pl.LazyFrame, sure: int) -> str:
    position, truth = pl.col("position"), pl.col("splice_type")
    same_gene = pl.col("gene_id").rle_id()
    hits = {}
    for k in SHIFTS:
        beside = (position.shift(-k) - position == k) & (same_gene.shift(-k) == same_gene)
        hits[str(k)] = pl.sum_horizontal(
            (beside & (pl.col(f"{label}_score") >= CONFIDENT) & (truth.shift(-k) == label)).sum()
            for label in _TRUE
        )
    found = scores.select(**hits).collect().row(0)
    best = max(range(len(SHIFTS)), key=lambda n: found[n])
    if found[best] < max(FEWEST, AGREEING * sure):
        return "The truth may be of other genes or of another assembly."
    way = "behind" if SHIFTS[best] > 0 else "before"
    return (
        f"{found[best]:,} lie {abs(SHIFTS[best])} {way} such a position: truth and scores are off "
        f"by {abs(SHIFTS[best])}."
    )
