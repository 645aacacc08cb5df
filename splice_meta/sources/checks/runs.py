"""The one pass over base scores: what each run of a gene's rows comes to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from splice_meta.catalogue import GENOMIC
from splice_meta.contracts import OPTIONAL, REQUIRED, all_scores_in, column, columns
from splice_meta.sources.checks.faults import fault_exprs, is_sound
from splice_meta.sources.checks.letters import LETTERS, codes_of, letter
from splice_meta.sources.checks.motif import MOTIFS, at_motifs
from splice_meta.sources.checks.truth import truth_counts

BATCH_ROWS = 1 << 19
"""Rows that are looked at at a time, beside those that are being read."""

AT_ONCE = 2
"""Batches that are looked at at a time, while the next is being read; each of about 30 MB."""

BESIDE = 2
"""Rows on each side of a row that a measure of it may look at."""

_LARGEST = np.iinfo(np.int64).max

Rows = NDArray[np.int64]
Exprs = dict[str, pl.Expr]


def gene_runs(
    scores: pl.LazyFrame,
    most: int | None = None,
    places: bool = False,
    also: Collection[str] = (),
) -> pl.DataFrame:
    """One row per run of adjacent rows of a gene, with what the checks need.

    The table streams by in batches, each of which is looked at in memory: most measures need
    whole columns once, or the few rows that score. What is wrong with a score is looked up only
    where something is. Every column that a batch may read is read here, so that one that cannot be
    read is found before anything is written.

    Args:
        scores: Canonical base scores.
        most: No more runs than so many; all if None.
        places: Whether to add up the positions' hashes.
        also: Further columns that will be read where they are there.

    Returns:
        ``gene_id``, ``positions`` (rows), ``first`` and ``last``, ``low`` and ``high`` position,
        ``descents`` (rows whose position is not above that of the row before, which may belong to
        the run before), ``faults`` (whether a row that was looked at with it fails a check); if
        asked for ``places``; what :func:`_lacking` and :func:`_place_of` say; and the counts of
        :mod:`~splice_meta.sources.checks.letters`, :mod:`~splice_meta.sources.checks.motif` and
        :mod:`~splice_meta.sources.checks.truth`.
    """
    names = scores.collect_schema().names()
    counted, first, extremes = _place_of(names)
    counted |= truth_counts(names) | _lacking(names, also)
    read = {*REQUIRED, *OPTIONAL, *GENOMIC, *also, *(n for s in all_scores_in(names) for n in s)}
    plan = scores.select(columns(name for name in names if name in read))
    if "base" in read.intersection(names):
        plan = plan.with_columns(base=letter())
    found: list[Future[pl.DataFrame]] = []

    def look(batch: _Batch) -> bool:
        found.append(pool.submit(_look, batch, counted, extremes, first, places))
        if most is not None:
            return sum(each.result().height for each in found) > most
        if len(found) > AT_ONCE:
            found[-1 - AT_ONCE].result()  # no more than so many batches wait in memory
        return False

    with ThreadPoolExecutor(AT_ONCE) as pool:
        _each_batch(plan, look)
    counts = [*counted, *((*LETTERS, *MOTIFS) if "base" in names else ())]
    merged = (
        pl.concat([each.result() for each in found])
        .lazy()
        .group_by(run=pl.col("gene_id").rle_id(), maintain_order=True)
        .agg(
            pl.col("gene_id", "first", *first).first(),
            pl.col("last").last(),
            pl.col("positions", "descents", *counts).sum(),
            pl.col("low", *(f"{name}_low" for name in extremes)).min(),
            pl.col("high", *(f"{name}_high" for name in extremes)).max(),
            pl.col("faults").any(),
            # A sum of hashes, modulo 2^64: the same for any order of the positions.
            *([pl.col("places").sum()] if places else []),
        )
        .drop("run")
        .collect()
    )
    return merged if most is None else merged.head(most)


@dataclass(frozen=True)
class _Batch:
    """Some rows of the table, and those beside them.

    Attributes:
        rows: With up to :data:`BESIDE` rows in front of those that count, and behind them.
        first: The first row that counts.
        stop: The row after the last.
    """

    rows: pl.DataFrame
    first: int
    stop: int


def _each_batch(plan: pl.LazyFrame, look: Callable[[_Batch], bool]) -> None:
    """Show all rows in order, each in the batch where it counts, until that is enough.

    Args:
        plan: The rows.
        look: Called at least once; says whether it has seen enough.
    """
    held, first, enough = pl.DataFrame(schema=plan.collect_schema()), 0, False

    def take(more: pl.DataFrame) -> bool:
        nonlocal held, first, enough
        together = pl.concat([held, more], rechunk=False)
        # Arrays are needed of all but the texts, which are only gone along.
        rows = pl.DataFrame(
            [each if each.dtype == pl.String else each.rechunk() for each in together]
        )
        stop = rows.height - BESIDE
        if stop > first:
            enough = look(_Batch(rows, first, stop))
            kept = max(stop - BESIDE, 0)
            rows, first = rows[kept:], stop - kept
        held = rows
        return enough

    # Not collect_batches, whose batches just end where Polars panics.
    plan.sink_batches(take, chunk_size=BATCH_ROWS, maintain_order=True)
    if not enough:
        look(_Batch(held, first, held.height))


def _look(
    batch: _Batch, counted: Exprs, extremes: Exprs, first: Collection[str], places: bool
) -> pl.DataFrame:
    """The runs of a batch; one that goes on in the next is in both."""
    rows, own = batch.rows, slice(batch.first, batch.stop)
    gene = rows["gene_id"].rle().struct.unnest()
    ends = np.cumsum(gene["len"].to_numpy(), dtype=np.int64)
    starts = ends - gene["len"].to_numpy()
    here = np.flatnonzero((starts < batch.stop) & (ends > batch.first))
    begins, stops = np.maximum(starts[here], batch.first), np.minimum(ends[here], batch.stop)
    cuts = begins - batch.first

    def count(at: NDArray[np.intp]) -> Rows:
        """How many of some rows count in each run."""
        at = at[(at >= batch.first) & (at < batch.stop)]
        mine = np.searchsorted(begins, at, side="right") - 1
        return np.bincount(mine, minlength=len(begins)).astype(np.int64)

    position = _filled(rows["position"], -1)
    made: dict[str, object] = {
        "gene_id": gene["value"].gather(here),
        "positions": stops - begins,
        "first": position[begins],
        "last": position[stops - 1],
        "descents": count(np.flatnonzero(position[1:] <= position[:-1]) + 1),
        "faults": np.full(len(here), _fails(rows[own])),
    }
    if places:
        made["places"] = _reduced(np.add, rows["position"].hash().to_numpy()[own], cuts)
    spread = {"": pl.Series(position)}
    if counted or extremes:
        seen = rows.select(**counted, **extremes)
        made |= {name: count(np.flatnonzero(_filled(seen[name], 0))) for name in counted}
        spread |= {f"{name}_": seen[name] for name in extremes}
    for name, values in spread.items():
        made |= _extremes(name, values[own], cuts)
    made |= {name: rows[name].gather(begins) for name in first}
    if "base" in rows.columns:
        code = codes_of(rows["base"].to_numpy())
        made |= {name: count(np.flatnonzero(code == n)) for name, n in LETTERS.items()}
        made |= {name: count(at) for name, at in at_motifs(rows, code, starts).items()}
    return pl.DataFrame(made)


def _fails(rows: pl.DataFrame) -> bool:
    """Whether a row fails a check by itself."""
    if is_sound(rows):
        return False
    return bool(rows.select(pl.any_horizontal(fault_exprs(rows.columns).values()).any()).item())


def _extremes(name: str, values: pl.Series, cuts: Rows) -> dict[str, pl.Series]:
    """The least and the largest value of each run; null where a run has none."""
    least = pl.Series(_reduced(np.minimum, _filled(values, _LARGEST), cuts))
    largest = pl.Series(_reduced(np.maximum, _filled(values, -_LARGEST), cuts))
    none = least > largest
    return {f"{name}low": least.set(none, None), f"{name}high": largest.set(none, None)}


def _filled(values: pl.Series, missing: int) -> NDArray[Any]:
    return (values.fill_null(missing) if values.null_count() else values).to_numpy()


def _reduced(how: np.ufunc, values: NDArray[Any], cuts: Rows) -> NDArray[Any]:
    return np.asarray(how.reduceat(values, cuts)) if len(cuts) else values[:0]


def _lacking(names: Sequence[str], also: Collection[str]) -> Exprs:
    """``lacking``: rows without one of the features that the table has as columns of its own."""
    read = {*REQUIRED, *OPTIONAL, *(n for s in all_scores_in(names) for n in s)}
    own = [name for name in names if name in {*GENOMIC, *also} - read]
    return {"lacking": pl.any_horizontal(column(n).is_null() for n in own)} if own else {}


def _place_of(names: Sequence[str]) -> tuple[Exprs, list[str], Exprs]:
    """What tells where a gene lies: what is counted, what is taken first, what has extremes.

    Counted are ``chrom_changes`` and ``strand_changes`` between rows of a run, and ``placed``
    (rows with a genomic position). Extremes are taken of the difference and the sum of genomic
    position and position: one of them is the same on every row of a gene.
    """
    counted: Exprs = {}
    same_gene = pl.col("gene_id").eq_missing(pl.col("gene_id").shift(1))
    first = [name for name in ("chrom", "strand") if name in names]
    for name in first:
        counted[f"{name}_changes"] = same_gene & pl.col(name).ne_missing(pl.col(name).shift(1))
    if "genomic_position" not in names:
        return counted, first, {}
    place, position = pl.col("genomic_position").cast(pl.Int64), pl.col("position")
    counted["placed"] = place.is_not_null()
    return counted, first, {"ahead": place - position, "across": place + position}
