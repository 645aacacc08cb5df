"""Alternative genes: the base scores of a gene, and what each change makes of them.

An alternative gene is the reference's table with the stretch around its change replaced, and the
positions behind shifted. Only these stretches are kept, for all changes of a gene in one frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from splice_meta.alleles.alignment import Rows, Span, align
from splice_meta.alleles.reach import CANDIDATE
from splice_meta.base_models.altered import Bases, Edit
from splice_meta.base_models.edits import EditScorer
from splice_meta.contracts import SCORES, scores_of

Scores = npt.NDArray[np.float32]


def score_columns(names: Sequence[str]) -> list[str]:
    """The score columns of some base models, the primary one's first."""
    return [column for name in names for column in scores_of(name)]


@dataclass(frozen=True)
class GeneBases:
    """A gene's sequence with its flanks, as :class:`splice_meta.base_models.altered.Reference`.

    Attributes:
        bases: ASCII codes, 5' to 3' on the transcript strand.
        flank: Bases of each flank.
    """

    bases: Bases
    flank: int

    @property
    def own(self) -> Bases:
        """Those of the gene."""
        return self.bases[self.flank : len(self.bases) - self.flank]


@dataclass(frozen=True)
class GeneAlleles:
    """A gene and the alternative genes that changes make of it.

    Attributes:
        number: Which gene it is.
        scores: Base scores of the reference, shape (length, 3 for each base model); NaN where none
            are wanted.
        bases: ASCII codes of the reference.
        pairs: One row per change: ``pair`` (numbered over all genes), ``gene``, ``from_x`` and
            ``to_x`` (the stretch of the reference that ``rows`` stands for), ``shift`` (from the
            reference's positions behind it to those of the alternative gene, both from 0),
            ``is_left`` (whether anything is left of the gene).
        rows: The stretches: ``pair``, ``position`` (of the alternative gene, from 1), ``x`` and
            ``inserted`` as in :class:`.alignment.Alignment`, ``is_near`` (within the distance of
            the change), the score columns, ``base``.
        gone: ``pair`` and ``x`` of positions that are deleted.
    """

    number: int
    scores: Scores
    bases: Bases
    pairs: pl.DataFrame
    rows: pl.DataFrame
    gone: pl.DataFrame

    @property
    def is_candidate(self) -> npt.NDArray[np.bool_]:
        """Where a base score of the reference, donor or acceptor, is at least 0.001."""
        return candidates(self.scores)

    def some(self, first: int, count: int) -> GeneAlleles:
        """Some of its changes."""
        pairs = self.pairs.slice(first, count)
        mine = pl.col("pair").is_between(pairs["pair"][0], pairs["pair"][-1])
        rows, gone = self.rows.filter(mine), self.gone.filter(mine)
        return GeneAlleles(self.number, self.scores, self.bases, pairs, rows, gone)


def candidates(scores: Scores) -> npt.NDArray[np.bool_]:
    """Which positions have a donor or acceptor score of at least 0.001 by any base model."""
    splice = [i for i in range(scores.shape[1]) if i % 3 < 2]
    return np.asarray((scores[:, splice] >= np.float32(CANDIDATE)).any(axis=1))


def reference_scores(
    scorers: Mapping[str, EditScorer],
    sequence: GeneBases,
    gene_id: str,
    stretches: tuple[Rows, Rows] | None,
    known: Scores | None = None,
) -> Scores:
    """Base scores of the reference.

    Args:
        scorers: By base model, the primary one first.
        sequence: The gene.
        gene_id: Its id, for messages.
        stretches: First positions and those behind the last of what is wanted; the whole gene if
            None.
        known: Those that are made already; NaN where there is none.

    Returns:
        Shape (length, 3 for each base model); NaN where nothing was wanted.
    """
    length = len(sequence.own)
    wanted = [(0, length)] if stretches is None else _merged(stretches, length)
    if known is not None:
        wanted = [run for low, high in wanted for run in _missing(known, low, high)]
        if not wanted:
            return known
    parts = []
    for scorer in scorers.values():
        handle = scorer.reference(sequence.bases, sequence.flank, gene_id)
        parts.append(scorer.reference_scores(handle, wanted)[:, : len(SCORES)])
    found = np.ascontiguousarray(np.concatenate(parts, axis=1))
    return found if known is None else np.where(np.isnan(known), found, known)


def _missing(known: Scores, low: int, high: int) -> list[tuple[int, int]]:
    """The runs of positions that have no score yet."""
    lacks = np.isnan(known[low:high]).any(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], lacks, [False]]).astype(np.int8)))
    return [(low + int(a), low + int(b)) for a, b in edges.reshape(-1, 2)]


def _merged(stretches: tuple[Rows, Rows], length: int) -> list[tuple[int, int]]:
    """Stretches within a gene; those that touch are one."""
    first, stop = (np.clip(each, 0, length) for each in stretches)
    order = np.argsort(first, kind="stable")
    merged: list[tuple[int, int]] = []
    for low, high in zip(first[order].tolist(), stop[order].tolist(), strict=True):
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        elif low < high:
            merged.append((low, high))
    return merged


def alternative_genes(
    scorers: Mapping[str, EditScorer],
    sequence: GeneBases,
    span: Span,
    changes: pl.DataFrame,
    reference: Scores | None,
    number: int,
    distance: int,
    neighbours: int,
) -> GeneAlleles:
    """Score the changes of a gene and put the stretches together.

    Args:
        scorers: By base model, the primary one first.
        sequence: The gene.
        span: Where it lies.
        changes: ``pair``, ``start``, ``end``, ``put``.
        reference: Base scores of the reference; None to score it around the changes, too.
        number: Which gene it is.
        distance: How far from a change scores are computed anew.
        neighbours: How many positions of the reference to keep beyond, on each side.
    """
    edits = span.edits(changes)
    found = align(span, edits, distance + neighbours)
    own = sequence.own
    is_reference = found.put < 0
    both = reference is None
    made = [_edited(each, sequence, edits, distance, both) for each in scorers.values()]
    if reference is None:
        around = np.ascontiguousarray(np.concatenate([mine for mine, _ in made], axis=1))
        # Where a change leaves nothing of the gene, nothing was scored around it.
        wanted = stretches_of(edits, distance)
        reference = reference_scores(scorers, sequence, "", wanted, around)
    scores = np.zeros((found.t.size, reference.shape[1]), np.float32)
    scores[is_reference] = reference[found.x[is_reference]]
    bases = np.empty(found.t.size, np.uint8)
    bases[is_reference] = own[found.x[is_reference]]
    put = np.concatenate([np.empty(0, np.uint8), *(edit.bases for edit in edits)])
    begun = np.cumsum([0, *(len(edit.bases) for edit in edits)])
    bases[~is_reference] = put[(begun[found.pair] + found.put)[~is_reference]]
    low = np.array([edit.start - distance for edit in edits], np.int64)
    high = np.array([edit.stop + distance for edit in edits], np.int64)
    is_near = (found.t >= low[found.pair]) & (found.t < high[found.pair])
    for column, (_, theirs) in enumerate(made):
        scores[is_near, 3 * column : 3 * column + 3] = theirs
    names = score_columns(tuple(scorers))
    pair = changes["pair"].to_numpy()
    behind = np.array([edit.end + distance + neighbours for edit in edits], np.int64)
    before = np.array([edit.start - distance - neighbours for edit in edits], np.int64)
    return GeneAlleles(
        number=number,
        scores=reference,
        bases=own,
        pairs=pl.DataFrame(
            {
                "pair": changes["pair"], "gene": np.full(pair.size, number, np.uint32),
                "from_x": before, "to_x": behind, "shift": found.shift - found.first,
                "is_left": found.stop > found.first,
            }
        ),
        rows=pl.DataFrame(
            {
                "pair": pair[found.pair],
                "position": found.t - found.first[found.pair] + 1,
                "x": found.x,
                "inserted": found.inserted.astype(np.int32),
                "is_near": is_near,
                **{name: scores[:, i] for i, name in enumerate(names)},
                "base": bases,
            }
        ),
        gone=pl.DataFrame({"pair": pair[found.gone_pair], "x": found.gone_x}),
    )  # fmt: skip


def _edited(
    scorer: EditScorer, sequence: GeneBases, edits: Sequence[Edit], distance: int, both: bool
) -> tuple[Scores, Scores]:
    """The reference's scores, where both are wanted, and those around all edits, end to end."""
    handle = scorer.reference(sequence.bases, sequence.flank)
    if both:
        own, made = scorer.scores_of_both(handle, edits, distance)
    else:
        own, made = np.empty((0, len(SCORES)), np.float32), scorer.scores(handle, edits, distance)
    return own[:, : len(SCORES)], np.concatenate(made)[:, : len(SCORES)]


def stretches_of(edits: Sequence[Edit], distance: int) -> tuple[Rows, Rows]:
    """The stretches of the reference within a distance of edits."""
    first = np.array([edit.start - distance for edit in edits], np.int64)
    return first, np.array([edit.end + distance for edit in edits], np.int64)
