"""Sites as a table of the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from splice_meta.report.markup import Column, escape, table

NEAREST = (
    "Nearest: nucleotides to the nearest annotated site of the type in the gene, positive where "
    "that lies downstream. "
)

_TOLD = {True: "yes", False: "no", None: ""}


def sites_table(
    sites: pl.DataFrame, is_placed: bool, name: str, genes: Sequence[str] | None = None
) -> str:
    """A table that sorts and is searched; columns of which nothing is known are left out.

    Args:
        sites: Rows of the sites table.
        is_placed: Whether places are those on the genome.
        name: Of the table in the page.
        genes: A cell for each row, put in front.
    """
    columns = [(Column("gene", True), genes)] if genes is not None else []
    if genes is not None and "chrom" in sites.columns:
        columns.append((Column("chrom", True), [escape(chrom or "") for chrom in sites["chrom"]]))
    place = sites["genomic_position" if is_placed else "position"]
    columns += [
        (Column("place"), ["" if each is None else f"{each:,}" for each in place]),
        (Column("type", True), sites["type"].cast(pl.String).to_list()),
    ]
    columns += _known("sequence", True, sites["sequence"], lambda each: f"<code>{each}</code>")
    columns += [(Column(each), [f"{p:.3f}" for p in sites[each]]) for each in ("base", "final")]
    columns.append((Column("change"), [f"{change:+.3f}" for change in sites["change"]]))
    fates = sites["fate"].cast(pl.String)
    columns.append((Column("fate", True), [f'<span class="{f}">{f}</span>' for f in fates]))
    columns += _known("annotated", True, sites["is_annotated"], lambda is_: _TOLD[is_])
    columns += _known("nearest", False, sites["distance"], lambda far: f"{far:+,}" if far else "0")
    return table([head for head, _ in columns], zip(*(c for _, c in columns), strict=True), name)


def _known(
    head: str, is_text: bool, values: pl.Series, worded: Any
) -> list[tuple[Column, Sequence[str]]]:
    """A column; none where it has no value."""
    if not values.count():
        return []
    return [(Column(head, is_text), ["" if each is None else worded(each) for each in values])]
