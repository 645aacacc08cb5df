"""Results of variants in the words of a table that people read."""

from __future__ import annotations

import polars as pl

from splice_meta.alleles.deltas import ranking_of
from splice_meta.alleles.results import VariantsResult

SHOWN = 10
"""Variants that are shown."""

SITES_EACH = 6
"""Changed sites of one of them."""

_LAYERS = {"base": "base", "final": "recalibrated"}



def changes_in_words(result: VariantsResult) -> tuple[list[str], list[list[str]]]:
    """The changed sites of some variants, one row each.

    The variants that change most, in the order of the input; a variant without changed sites has
    one row that says how much changes at most.

    Returns:
        The heads of the table, and its rows.
    """
    columns = result.summary().collect_schema().names()
    rank = ranking_of(columns)
    layers = {name: head for name, head in _LAYERS.items() if f"{name}_largest" in columns}
    scored = (
        result.summary()
        .filter(pl.col("reason").is_null())
        .sort(rank, descending=True, maintain_order=True)
        .head(SHOWN)
        .sort("variant", "gene_id", maintain_order=True)
        .collect()
    )
    sites = result.sites().filter(pl.col("variant").is_in(scored["variant"].implode())).collect()
    rows = []
    for pair in scored.iter_rows(named=True):
        mine = sites.filter(variant=pair["variant"], gene_id=pair["gene_id"])
        most = mine.sort(pl.col("change").abs(), descending=True, maintain_order=True)
        head = [_name(pair), pair["gene_name"] or pair["gene_id"], f"{pair[rank]:.2f}"]
        shown = most.head(SITES_EACH)
        for site in shown.iter_rows(named=True):
            rows.append([*head, *_site(site, list(layers))])
            head = ["", "", ""]
        if most.height > shown.height:
            more = f"{most.height - shown.height:,} more"
            rows.append([*head, more, *[""] * (len(layers) + 2)])
        if not most.height:
            least = [f"at most {pair[f'{layer}_largest']:.2f}" for layer in layers]
            rows.append([*head, "none", "", *least, ""])
    return ["variant", "gene", rank, "site", "fate", *layers.values(), "annotated"], rows


def _name(pair: dict[str, object]) -> str:
    alleles = [str(pair[side]) for side in ("ref", "alt")]
    short = [each if len(each) <= 12 else f"{each[:9]}...({len(each)})" for each in alleles]
    return f"{pair['chrom']}:{pair['pos']} {short[0]}>{short[1]}"


def _site(site: dict[str, object], layers: list[str]) -> list[str]:
    """A donor at +127, lost, 0.98 -> 0.03."""
    inserted = f", inserted base {site['inserted']}" if site["inserted"] else ""
    known = {True: "yes", False: "no", None: "?"}[site["is_annotated"]]  # type: ignore[index]
    return [
        f"{site['type']} at {site['offset']:+}{inserted}", str(site["fate"]),
        *(_arrow(site[f"{layer}_ref"], site[f"{layer}_alt"]) for layer in layers),
        known,
    ]  # fmt: skip


def _arrow(ref: object, alt: object) -> str:
    """Both probabilities; a dash where the position is not there."""
    shown = ["-" if value is None else f"{value:.2f}" for value in (ref, alt)]
    return " -> ".join(shown)

