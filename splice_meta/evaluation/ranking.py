"""Ranking figures, exact and without keeping the negatives.

Average precision, top-k accuracy and the best threshold depend on the rows only through how many
lie at, and between, the scores of the annotated sites. Those scores are few. A first pass collects
them as thresholds; a second counts every row into a bin: equal to a threshold, or between two.

Counts by gene are needed for resampling genes. They are sparse, but sites with tiny scores spread
the negatives of every gene over many bins. Where there are more than ``MOST_PAIRS`` (gene, bin)
pairs, the bins of the lowest scores become one. This touches intervals only: figures of the genes
as they are come from exact counts over all genes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MOST_PAIRS = 1 << 21
"""Most (gene, bin) pairs that are kept for one class of one system."""


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Weighted rows in bins, those with the highest scores first.

    Attributes:
        scores: The score each bin stands for, falling, shape (bins,).
        total: Weight of the rows, shape (..., bins).
        hits: Weight of the annotated sites among them, shape (..., bins).
    """

    scores: Floats
    total: Floats
    hits: Floats


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """What the ranking of one class by one system is computed from.

    Attributes:
        exact: Counts summed over the unseen and over the seen genes, shape (2, bins).
        scores: The score of each bin of the counts by gene, falling.
        gene: Gene of each (gene, bin) pair, shape (pairs,); the pairs are sorted by bin.
        start: First pair of each bin, shape (bins,).
        total: Weight of each pair's rows.
        hits: Weight of each pair's annotated sites.
    """

    exact: Counts
    scores: Floats
    gene: Ints
    start: Ints
    total: Floats
    hits: Floats

    def resampled(self, weights: Floats) -> Counts:
        """Counts with each gene taken as often as its weight says.

        Args:
            weights: Shape (resamples, genes).
        """
        taken = weights[:, self.gene]
        return Counts(
            scores=self.scores,
            total=np.add.reduceat(taken * self.total, self.start, axis=1),
            hits=np.add.reduceat(taken * self.hits, self.start, axis=1),
        )


class RankingTally:
    """Counts rows into the bins of one class of one system, batch by batch.

    Args:
        thresholds: Scores of the annotated sites, in any order, with repeats.
        is_seen: Which genes are seen, shape (genes,).
        most_pairs: Most (gene, bin) pairs that are kept.
    """

    def __init__(
        self, thresholds: Floats, is_seen: npt.NDArray[np.bool_], most_pairs: int = MOST_PAIRS
    ) -> None:
        self._thresholds = np.unique(thresholds)
        self._bins = 2 * self._thresholds.size + 1
        self._is_seen = is_seen
        self._most = max(most_pairs, 4 * is_seen.size)
        self._cut = self._bins - 1
        self._exact = np.zeros((2, 2 * self._bins))
        self._parts: list[tuple[Ints, Floats]] = []
        self._held = 0

    def add(
        self, gene: Ints, score: Floats, weight: Floats, is_site: npt.NDArray[np.bool_]
    ) -> None:
        """Count the rows of one batch.

        Args:
            gene: Number of each row's gene, shape (rows,).
            score: The probability of the class.
            weight: How many positions the row stands for.
            is_site: Whether the row is annotated as the class.
        """
        # Equal to threshold i: 2i + 1; between thresholds i - 1 and i: 2i. Then highest first.
        above = np.searchsorted(self._thresholds, score)
        is_equal = np.append(self._thresholds, np.inf)[above] == score
        place = (self._bins - 1 - 2 * above - is_equal).astype(np.int64)
        part = self._is_seen[gene] * self._bins + place
        hits = np.where(is_site, weight, 0.0)
        for row, values in enumerate((weight, hits)):
            self._exact[row] += np.bincount(part, values, 2 * self._bins)
        found = _merged(gene * self._bins + np.minimum(place, self._cut), np.stack((weight, hits)))
        self._parts.append(found)
        self._held += found[0].size
        if self._held > 2 * self._most:  # rarely, so that merging costs little
            self._compress()

    def _compress(self) -> None:
        """Make one part of all; lower the cut until there are few enough pairs."""
        key = np.concatenate([np.empty(0, np.int64), *(key for key, _ in self._parts)])
        pairs = np.concatenate([np.empty((2, 0)), *(values for _, values in self._parts)], axis=1)
        key, pairs = _merged(key, pairs)
        while key.size > self._most and self._cut > 0:
            gene, place = np.divmod(key, self._bins)
            # Half of the pairs lie at or behind the median; of these each gene keeps one.
            self._cut = min(int(np.median(place)), self._cut - 1)
            key, pairs = _merged(gene * self._bins + np.minimum(place, self._cut), pairs)
        self._parts, self._held = [(key, pairs)], key.size

    def finish(self) -> Ranking:
        """The counts, without bins that hold no row."""
        self._compress()
        [(key, pairs)] = self._parts
        gene, place = np.divmod(key, self._bins)
        order = np.argsort(place, kind="stable")
        used, start = np.unique(place[order], return_index=True)
        total, hits = self._exact.reshape(2, 2, self._bins)
        held = np.flatnonzero(total.sum(axis=0))
        return Ranking(
            exact=Counts(scores=self._score(held), total=total[:, held], hits=hits[:, held]),
            scores=self._score(used),
            gene=gene[order],
            start=start.astype(np.int64),
            total=pairs[0][order],
            hits=pairs[1][order],
        )

    def _score(self, place: Ints) -> Floats:
        """The threshold at or below a bin; 0 below all of them."""
        return np.concatenate(([0.0], self._thresholds))[(self._bins - place) // 2]


def _merged(key: Ints, values: Floats) -> tuple[Ints, Floats]:
    """Sum values, shape (2, rows), over equal keys; the keys ascend."""
    if not key.size:
        return key, values
    low, high = int(key.min()), int(key.max())
    if high - low < 4 * key.size:  # dense enough to count without sorting
        used = np.flatnonzero(np.bincount(key - low))
        summed = [np.bincount(key - low, row)[used] for row in values]
        return (used + low).astype(np.int64), np.asarray(summed, np.float64)
    keys, which = np.unique(key, return_inverse=True)
    return keys, np.asarray([np.bincount(which, row, keys.size) for row in values], np.float64)


def ranking_figures(counts: Counts) -> dict[str, Floats]:
    """Figures of a ranking; not a number where there is no site.

    * ``average_precision``: the sum over falling thresholds of (gain in recall) x (precision),
      as :func:`sklearn.metrics.average_precision_score` defines it.
    * ``top_k_accuracy``: with k the number of sites, the share of sites among the k rows with the
      highest scores. Where the k-th row is tied, the tied rows count by expectation.
    * ``best_f1``: the largest 2 TP / (2 TP + FP + FN) over all thresholds, a row being called from
      the threshold on; ``best_threshold`` is the highest that reaches it, ``best_precision`` and
      ``best_recall`` are those there.

    Args:
        counts: Shape (n, bins).

    Returns:
        Arrays of shape (n,).
    """
    total, hits = np.cumsum(counts.total, axis=1), np.cumsum(counts.hits, axis=1)
    sites = hits[:, -1:]
    precision, recall = ratio(hits, total), ratio(hits, sites)
    f1 = ratio(2 * hits, total + sites)
    best = np.argmax(np.nan_to_num(f1), axis=1)[:, None]
    gain = np.nan_to_num(precision) * counts.hits
    # The bin in which the k-th row lies; the margin is for sums of fractional weights.
    last = np.argmax(total >= sites * (1 - 1e-12), axis=1)[:, None]
    in_bin, tied = _at(counts.hits, last), _at(counts.total, last)
    room = sites[:, 0] - (_at(total, last) - tied)
    top = _at(hits, last) - in_bin + np.nan_to_num(room * ratio(in_bin, tied))
    there = sites[:, 0] > 0
    found = {
        "average_precision": ratio(gain.sum(axis=1), sites[:, 0]),
        "top_k_accuracy": ratio(top, sites[:, 0]),
        "best_f1": _at(f1, best),
        "best_threshold": counts.scores[best[:, 0]],
        "best_precision": _at(precision, best),
        "best_recall": _at(recall, best),
    }
    return {name: np.where(there, values, np.nan) for name, values in found.items()}


def separation(counts: Counts) -> dict[str, Floats]:
    """Figures of a ranking that tell rows apart which are no sites; not a number without any.

    * ``auroc``: the share of pairs of a site and another row in which the site has the higher
      score; a tie counts half.
    * ``best_specificity``: TN / (TN + FP) at the threshold with the largest F1, see
      :func:`ranking_figures`.

    Args:
        counts: Shape (n, bins).

    Returns:
        Arrays of shape (n,).
    """
    others = counts.total - counts.hits
    above, all_others = np.cumsum(others, axis=1), others.sum(axis=1, keepdims=True)
    total, hits = np.cumsum(counts.total, axis=1), np.cumsum(counts.hits, axis=1)
    pairs = counts.hits * (all_others - above + others / 2)
    best = np.argmax(np.nan_to_num(ratio(2 * hits, total + hits[:, -1:])), axis=1)[:, None]
    return {
        "auroc": ratio(pairs.sum(axis=1), hits[:, -1] * all_others[:, 0]),
        "best_specificity": 1.0 - ratio(_at(above, best), all_others[:, 0]),
    }


def _at(values: Floats, place: Ints) -> Floats:
    return np.asarray(np.take_along_axis(values, place, axis=1)[:, 0])


def ratio(top: Floats, bottom: Floats) -> Floats:
    """Quotient; not a number where the divisor is 0."""
    top, bottom = np.broadcast_arrays(top, bottom)
    found = np.full(top.shape, np.nan)
    np.divide(top, bottom, out=found, where=bottom != 0)
    return found
