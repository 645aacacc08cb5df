"""The one pass over base scores: what each run of a gene's rows comes to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from splice_meta.catalogue import GENOMIC
from splice_meta.contracts import HIGHEST, OPTIONAL, REQUIRED, all_scores_in, column, columns
from splice_meta.sources.checks.batches import Batch, each_batch, filled
from splice_meta.sources.checks.faults import fault_exprs, is_sound
from splice_meta.sources.checks.letters import LETTERS, N_CODE, codes_of
from splice_meta.sources.checks.motif import KINDS, MOTIFS, at_motifs
from splice_meta.sources.checks.sites import CONFIDENT
from splice_meta.sources.checks.truth import truth_counts
from splice_meta.texts import letters_of, runs_of

_LARGEST = np.iinfo(np.int64).max

Rows = NDArray[np.int64]
Exprs = dict[str, pl.Expr]
Part = dict[str, Any]  # by column, a Series of texts or an array


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
    first, extremes = _place_of(names)
    counted = truth_counts(names) | _lacking(names, also)
    read = {*REQUIRED, *OPTIONAL, *GENOMIC, *also, *(n for s in all_scores_in(names) for n in s)}
    plan = scores.select(columns(name for name in names if name in read))
    found: list[Part] = []
    runs = 0

    def look(batch: Batch) -> bool:
        nonlocal runs
        found.append(_look(batch, counted, extremes, first, places))
        runs += len(found[-1]["positions"])
        return most is not None and runs > most

    each_batch(plan, look)
    counts = [*counted, *(f"{name}_changes" for name in first)]
    counts += ["placed"] if extremes else []
    counts += [*LETTERS, *MOTIFS] if "base" in names else []
    merged = (
        pl.LazyFrame({name: _joined([part[name] for part in found]) for name in found[0]})
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
        .with_columns(_known(name, end) for name in extremes for end in ("low", "high"))
        .collect()
    )
    return merged if most is None else merged.head(most)


def _look(
    batch: Batch, counted: Exprs, extremes: Exprs, first: Collection[str], places: bool
) -> Part:
    """The runs of a batch; one that goes on in the next is in both."""
    rows, own = batch.rows, slice(batch.first, batch.stop)
    starts, ends = runs_of(rows["gene_id"])
    here = (starts < batch.stop) & (ends > batch.first)
    begins, stops = np.maximum(starts[here], batch.first), np.minimum(ends[here], batch.stop)
    cuts = begins - batch.first

    def count(at: NDArray[np.intp]) -> Rows:
        """How many of some rows count in each run."""
        if not at.size:
            return np.zeros(len(begins), np.int64)
        at = at[(at >= batch.first) & (at < batch.stop)]
        mine = np.searchsorted(begins, at, side="right") - 1
        return np.bincount(mine, minlength=len(begins)).astype(np.int64)

    low, high = batch.positions(begins, stops - 1)
    sound, at = _read(batch)
    made: Part = {
        "gene_id": rows["gene_id"][begins],
        "positions": stops - begins,
        "first": low,
        "last": high,
        "descents": count(at["descents"]),
    }
    if np.setdiff1d(at["descents"], begins).size:  # else the first is the lowest
        position = filled(rows["position"], -1)[own]
        low, high = (_reduced(how, position, cuts) for how in (np.minimum, np.maximum))
    made |= {"low": low, "high": high}
    made["faults"] = np.full(len(begins), _fails(rows, sound, low, high))
    if places:
        made["places"] = _reduced(np.add, rows["position"].hash().to_numpy()[own], cuts)
    if counted or extremes:
        seen = rows.select(**counted, **extremes)
        made |= {name: count(np.flatnonzero(filled(seen[name], 0))) for name in counted}
        for name in extremes:
            made |= _extremes(f"{name}_", seen[name][own], cuts)
    if extremes:
        made["placed"] = stops - begins - count(_missing(rows["genomic_position"]))
    for name in first:
        made[name] = rows[name][begins]
        made[f"{name}_changes"] = count(np.setdiff1d(runs_of(rows[name])[0], starts))
    if "base" in rows.columns:
        code = codes_of(letters_of(rows["base"]))
        unknown = np.flatnonzero(code >= N_CODE)
        made |= {name: count(unknown[code[unknown] == n]) for name, n in LETTERS.items()}
        sites = at_motifs(batch, code, starts, at)
        made |= {name: count(rows) for name, rows in sites.items()}
    return made


def _read(batch: Batch) -> tuple[bool, dict[str, Rows]]:
    """What whole columns are read for, chunk by chunk, while the caches hold it.

    Returns:
        Whether all rows are sound, see :func:`is_sound`; and ``descents``, the rows whose position
        is not above that of the row before, and the confident sites of each kind.
    """
    kinds = KINDS if "base" in batch.rows.columns else ()
    found = {name: [np.zeros(0, np.int64)] for name in ("descents", *kinds)}
    sound = True
    for start, chunk in zip(batch.starts, batch.chunks, strict=True):
        sound = sound and is_sound(chunk)
        for kind in kinds:
            score = chunk[f"{kind}_score"].to_numpy()
            found[kind].append(np.flatnonzero(score >= CONFIDENT) + start)
        position = filled(chunk["position"], -1)
        found["descents"].append(np.flatnonzero(position[1:] <= position[:-1]) + start + 1)
    seams = batch.starts[1:]
    here, before = batch.positions(seams, seams - 1)
    found["descents"].append(seams[here <= before])
    return sound, {name: np.concatenate(each) for name, each in found.items()}


def _fails(rows: pl.DataFrame, sound: bool, low: Rows, high: Rows) -> bool:
    """Whether a row fails a check by itself; ``low`` and ``high`` are positions."""
    if sound and low.min(initial=0) >= 0 and high.max(initial=0) <= HIGHEST:
        return False
    return bool(rows.select(pl.any_horizontal(fault_exprs(rows.columns).values()).any()).item())


def _extremes(name: str, values: pl.Series, cuts: Rows) -> Part:
    """The least and the largest value of each run; the least is larger where a run has none."""
    return {
        f"{name}low": _reduced(np.minimum, filled(values, _LARGEST), cuts),
        f"{name}high": _reduced(np.maximum, filled(values, -_LARGEST), cuts),
    }


def _known(name: str, end: str) -> pl.Expr:
    """An extreme; null where a run has none, see :func:`_extremes`."""
    low, high = pl.col(f"{name}_low"), pl.col(f"{name}_high")
    return pl.when(low <= high).then(f"{name}_{end}")


def _joined(values: Sequence[Any]) -> pl.Series:
    texts = isinstance(values[0], pl.Series)
    return pl.concat(values) if texts else pl.Series(np.concatenate(values))


def _reduced(how: np.ufunc, values: NDArray[Any], cuts: Rows) -> NDArray[Any]:
    return np.asarray(how.reduceat(values, cuts)) if len(cuts) else values[:0]


def _lacking(names: Sequence[str], also: Collection[str]) -> Exprs:
    """``lacking``: rows without one of the features that the table has as columns of its own."""
    read = {*REQUIRED, *OPTIONAL, *(n for s in all_scores_in(names) for n in s)}
    own = [name for name in names if name in {*GENOMIC, *also} - read]
    return {"lacking": pl.any_horizontal(column(n).is_null() for n in own)} if own else {}


def _missing(values: pl.Series) -> NDArray[np.intp]:
    """The rows without a value."""
    nulls = values.null_count()
    return np.flatnonzero(values.is_null().to_numpy()) if nulls else np.zeros(0, np.intp)


def _place_of(names: Sequence[str]) -> tuple[list[str], Exprs]:
    """What tells where a gene lies: what is taken first, and what has extremes.

    Of the former its changes between rows of a run are counted. The latter, where there are genomic
    positions, are of the difference and the sum of genomic position and position: one of them is
    the same on every row of a gene; ``placed`` are the rows that have one.
    """
    first = [name for name in ("chrom", "strand") if name in names]
    if "genomic_position" not in names:
        return first, {}
    place, position = pl.col("genomic_position").cast(pl.Int64), pl.col("position")
    return first, {"ahead": place - position, "across": place + position}
