"""Where base and final, or two runs, differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from splice_meta.errors import UsageError
from splice_meta.evaluation.compare import BYTES, pairs_of, shared_genes
from splice_meta.evaluation.source import Rows, open_rows
from splice_meta.evaluation.tally import CALL, CANDIDATE, SITES
from splice_meta.plots.style import GREY, KINDS, altair, colour_of, data_of, finished, tips
from splice_meta.reference.annotation import Annotation
from splice_meta.reference.reference import open_reference
from splice_meta.runtime.panics import plain_panics

if TYPE_CHECKING:
    import altair as alt

BINS = 40
MEMORY = 1 << 30


@plain_panics()
def plot_changes(
    first: Any,
    second: Any = None,
    *,
    genes: str | Sequence[str] | None = None,
    annotation: str | Path | Annotation | None = None,
    threshold: float = CALL,
    width: int = 300,
) -> alt.HConcatChart:
    """Draw how probabilities changed, and the calls that were gained and lost.

    The ground is the number of positions in squares of 0.025 on a side, over those to which
    either gives at least 0.001; each call that only one of the two makes is a point, with its gene
    and position in the tip.

    Args:
        first: The output of a run or predictions (files or a frame): its base and final
            probabilities; with ``second`` its final ones, or base scores.
        second: What to compare it with, as in :func:`splice_meta.compare`.
        genes: Only these genes.
        annotation: GTF or GFF3, so that genes may be given by name.
        threshold: Probability from which a site counts as called.
        width: Of each of the two panels in pixels.

    Raises:
        UsageError: If Altair is not installed, or base scores are given alone.
        InputError: If a source cannot be read.
    """
    alt = altair()
    reference = open_reference(annotation, None)
    asked = [genes] if isinstance(genes, str) else genes
    one = open_rows(first, asked, reference)
    if second is None:
        if "final" not in one.systems:
            raise UsageError(
                "Base scores alone do not change.", "Give predictions, or two sources to compare."
            )
        batches, names = _within(one), ("base", "final")
    else:
        other = open_rows(second, asked, reference)
        batches = pairs_of(one, other, set(shared_genes(one, other)), MEMORY)
        names = ("first", "second")
    squares, changes = _counted(batches, threshold)
    panels = [
        _panel(squares.filter(site=site), changes.filter(site=site), site, names, threshold)
        .properties(width=width, height=width)
        for site in SITES
    ]  # fmt: skip
    gained = changes.filter(change="gained").height
    title = f"{gained:,} calls gained, {changes.height - gained:,} lost at {threshold:g}"
    return finished(alt.hconcat(*panels), title)


def _within(rows: Rows) -> Iterator[pl.DataFrame]:
    """Base and final of one table, as :func:`pairs_of` gives two."""
    for first, stop in rows.scores.batches(MEMORY, BYTES):
        yield rows.scores.batch(first, stop).select(
            "gene_id", "position",
            donor_first="donor_score", donor_second="donor_meta",
            acceptor_first="acceptor_score", acceptor_second="acceptor_meta",
        ).collect()  # fmt: skip


def _counted(
    batches: Iterator[pl.DataFrame], threshold: float
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Positions by square, and the calls that differ."""
    squares, changes = [], []
    for batch in batches:
        for site in SITES:
            rows = batch.select(
                "gene_id", "position", site=pl.lit(site),
                first=pl.col(f"{site}_first").cast(pl.Float64),
                second=pl.col(f"{site}_second").cast(pl.Float64),
            ).filter((pl.col("first") >= CANDIDATE) | (pl.col("second") >= CANDIDATE))  # fmt: skip
            bins = [
                ((pl.col(name) * BINS).floor().clip(0, BINS - 1) / BINS).alias(f"{name}_low")
                for name in ("first", "second")
            ]
            squares.append(rows.group_by("site", *bins).agg(positions=pl.len()))
            was, is_called = pl.col("first") >= threshold, pl.col("second") >= threshold
            kind = pl.when(is_called).then(pl.lit("gained")).otherwise(pl.lit("lost"))
            changes.append(rows.filter(was != is_called).with_columns(change=kind))
    counted = pl.concat(squares).group_by("site", "first_low", "second_low").agg(
        pl.col("positions").sum()
    )  # fmt: skip
    return counted.sort("site", "first_low", "second_low"), pl.concat(changes)


def _panel(
    squares: pl.DataFrame,
    changes: pl.DataFrame,
    site: str,
    names: tuple[str, str],
    threshold: float,
) -> alt.LayerChart:
    alt = altair()
    unit = alt.Scale(domain=[0, 1], nice=False)
    x = alt.X("first_low:Q", scale=unit, title=f"{site} probability, {names[0]}")
    y = alt.Y("second_low:Q", scale=unit, title=f"{site} probability, {names[1]}")
    boxes = squares.with_columns(
        first_high=pl.col("first_low") + 1 / BINS, second_high=pl.col("second_low") + 1 / BINS
    )
    ground = alt.Chart(data_of(boxes)).mark_rect().encode(
        x=x, x2=alt.X2("first_high:Q"), y=y, y2=alt.Y2("second_high:Q"),
        color=alt.Color("positions:Q", title="positions",
                        scale=alt.Scale(type="log", scheme="greys"),
                        legend=alt.Legend(format=",d", tickCount=4)),
        tooltip=tips(positions=",d"),
    )  # fmt: skip
    rules: dict[str, Any] = {"color": GREY, "strokeDash": [4, 4]}
    at = data_of(pl.DataFrame({"first_low": [threshold], "second_low": [threshold]}))
    lines = [
        alt.Chart(at).mark_rule(**rules).encode(x=x), alt.Chart(at).mark_rule(**rules).encode(y=y),
    ]  # fmt: skip
    points = alt.Chart(data_of(changes)).mark_point(filled=True, size=45, opacity=0.9).encode(
        x=alt.X("first:Q", scale=unit), y=alt.Y("second:Q", scale=unit),
        color=colour_of("change", KINDS),
        tooltip=tips("gene_id", position=",", first=".3f", second=".3f"),
    )  # fmt: skip
    chart = alt.layer(ground, *lines, points).resolve_scale(color="independent")
    return chart
