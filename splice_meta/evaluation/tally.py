"""Sums by gene, one batch at a time, from which every figure follows.

A *system* is a name and three probability columns (donor, acceptor, neither): the base model, the
final table, one inference mode. The first system is the reference that the others are compared
with. What is kept does not grow with the number of negatives.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from splice_meta.contracts import CLASSES, SpliceType, without_version
from splice_meta.errors import InputError
from splice_meta.evaluation.ranking import Floats, Ints, Ranking, RankingTally

Systems = Mapping[str, tuple[str, str, str]]
"""Score columns (donor, acceptor, neither) by the system's name; the first is the reference."""

Batches = Callable[[], Iterable[pl.DataFrame]]
"""Makes the batches afresh: they are gone through twice."""

SITES = ("donor", "acceptor")
BINS = 15
"""Bins of equal width over 0..1 in which calibration is looked at."""

CANDIDATE = 0.001
"""Smallest max(donor, acceptor) of a base model from which a position is a candidate."""

CALL = 0.5
"""Probability from which a position counts as called."""

SMALLEST = 1e-9
"""Probabilities of the true class below it count as it in the log-loss: one confident zero would
make it infinite, and Float32 scores next to 1 leave rests of that size."""

DECISIONS = (
    "true_positives", "false_positives", "false_negatives", "rescued", "lost",
    "false_positives_removed", "false_positives_added",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SystemTally:
    """The sums of one system.

    Attributes:
        log_loss: Sum of -weight x ln p(true class), shape (genes,).
        brier: Sum of weight x squared errors over the three classes, shape (genes,).
        decisions: By class: weights of ``DECISIONS``, shape (genes, 7).
        calibration: By class: over candidates, sums of weight, weight x p and weight x truth,
            shape (genes, 3, ``BINS``).
        scored: The same over the candidates that score, leaving out those that are annotated only.
        ranking: By class: what the ranking is computed from.
    """

    log_loss: Floats
    brier: Floats
    decisions: Mapping[str, Floats]
    calibration: Mapping[str, Floats]
    scored: Mapping[str, Floats]
    ranking: Mapping[str, Ranking]


@dataclass(frozen=True, kw_only=True)
class Tally:
    """The sums of all systems.

    Attributes:
        genes: Gene ids in order of appearance.
        is_seen: Which of them are seen, shape (genes,).
        positions: Weight of the rows, shape (genes,).
        candidates: Weight of the candidates, shape (genes,).
        sites: By class: weight of the annotated sites, shape (genes,).
        systems: By name; the first is the reference.
    """

    genes: tuple[str, ...]
    is_seen: npt.NDArray[np.bool_]
    positions: Floats
    candidates: Floats
    sites: Mapping[str, Floats]
    systems: Mapping[str, SystemTally]


def tally(
    batches: Batches, systems: Systems, seen: Collection[str] = (), bases: Collection[str] = ()
) -> Tally:
    """Go through the batches twice: for the scores of the annotated sites, then for the sums.

    Args:
        batches: Makes frames with ``gene_id``, ``truth`` (Enum neither, donor, acceptor), the
            systems' columns, and ``weight`` where a row stands for several positions. A gene may
            be spread over several batches.
        systems: The systems; the first is the reference.
        seen: Genes to be summed apart, such as those a model was trained on; versions of Ensembl
            ids do not matter.
        bases: The systems whose scores make a position a candidate; the first by default.

    Raises:
        InputError: If there is no annotated site.
    """
    genes, thresholds = _first_pass(batches(), systems)
    bare = {without_version(gene) for gene in seen}
    is_seen = np.array([without_version(gene) in bare for gene in genes], dtype=bool)
    sums = _Sums(genes, is_seen, systems, bases or list(systems)[:1], thresholds)
    for batch in batches():
        sums.add(batch)
    return sums.finish()


def _first_pass(
    batches: Iterable[pl.DataFrame], systems: Systems
) -> tuple[list[str], dict[tuple[str, str], Floats]]:
    """The genes, and each system's scores of the annotated sites by class."""
    genes: dict[str, None] = {}
    found: dict[tuple[str, str], list[Floats]] = {
        (name, site): [] for name in systems for site in SITES
    }
    for batch in batches:
        genes |= dict.fromkeys(batch["gene_id"].unique(maintain_order=True))
        for site in SITES:
            rows = batch.filter(pl.col("truth") == pl.lit(site, SpliceType))
            for name, columns in systems.items():
                found[name, site].append(_probabilities(rows, columns)[site])
    thresholds = {key: np.concatenate(parts or [np.empty(0)]) for key, parts in found.items()}
    if not sum(values.size for values in thresholds.values()):
        raise InputError(
            "There is no annotated splice site among the positions.",
            "Figures need genes with annotated donors or acceptors; check the truth column.",
        )
    return list(genes), thresholds


def _probabilities(rows: pl.DataFrame, columns: tuple[str, str, str]) -> dict[str, Floats]:
    names = (*SITES, "neither")
    return {
        name: rows[column].cast(pl.Float64).to_numpy()
        for name, column in zip(names, columns, strict=True)
    }


class _Sums:
    """The sums while batches come in."""

    def __init__(
        self,
        genes: list[str],
        is_seen: npt.NDArray[np.bool_],
        systems: Systems,
        bases: Collection[str],
        thresholds: Mapping[tuple[str, str], Floats],
    ) -> None:
        self._genes, self._seen, self._systems, self._bases = genes, is_seen, systems, bases
        self._number = pl.Enum(genes)
        size = len(genes)
        self._plain = {n: np.zeros(size) for n in ("positions", "candidates", *SITES)}
        self._loss = {name: np.zeros((2, size)) for name in systems}
        self._decisions = {key: np.zeros((size, len(DECISIONS))) for key in thresholds}
        self._bins = {key: np.zeros((size, 3, BINS)) for key in thresholds}
        self._scored = {key: np.zeros((size, 3, BINS)) for key in thresholds}
        self._ranking = {key: RankingTally(values, is_seen) for key, values in thresholds.items()}

    def add(self, batch: pl.DataFrame) -> None:
        """Add the rows of one batch."""
        gene = batch["gene_id"].cast(self._number).to_physical().cast(pl.Int64).to_numpy()
        truth = batch["truth"].to_physical().to_numpy()
        rows = batch.height
        weight = (
            batch["weight"].cast(pl.Float64).to_numpy()
            if "weight" in batch.columns
            else np.ones(rows)
        )
        found = {n: _probabilities(batch, columns) for n, columns in self._systems.items()}
        reference = next(iter(found.values()))
        highest = np.max([found[name][site] for name in self._bases for site in SITES], axis=0)
        is_scored = highest >= CANDIDATE
        is_candidate = is_scored | (truth > 0)
        self._plain["positions"] += self._by_gene(gene, weight)
        self._plain["candidates"] += self._by_gene(gene, weight * is_candidate)
        for site in SITES:
            is_site = truth == CLASSES.index(site)
            self._plain[site] += self._by_gene(gene, weight * is_site)
            for name, p in found.items():
                key, score = (name, site), p[site]
                self._decisions[key] += self._decide(gene, weight, is_site, reference[site], score)
                for sums, taken in ((self._bins, is_candidate), (self._scored, is_scored)):
                    rows_of = (gene[taken], weight[taken], is_site[taken], score[taken])
                    sums[key] += self._calibrate(*rows_of)
                self._ranking[key].add(gene, score, weight, is_site)
        for name, p in found.items():
            self._loss[name] += self._losses(gene, weight, truth, p)

    def finish(self) -> Tally:
        """The sums so far."""
        systems = {
            name: SystemTally(
                log_loss=self._loss[name][0],
                brier=self._loss[name][1],
                decisions={site: self._decisions[name, site] for site in SITES},
                calibration={site: self._bins[name, site] for site in SITES},
                scored={site: self._scored[name, site] for site in SITES},
                ranking={site: self._ranking[name, site].finish() for site in SITES},
            )
            for name in self._systems
        }
        return Tally(
            genes=tuple(self._genes),
            is_seen=self._seen,
            positions=self._plain["positions"],
            candidates=self._plain["candidates"],
            sites={site: self._plain[site] for site in SITES},
            systems=systems,
        )

    def _by_gene(self, gene: Ints, values: Floats) -> Floats:
        return np.asarray(np.bincount(gene, values, len(self._genes)), np.float64)

    def _losses(
        self, gene: Ints, weight: Floats, truth: npt.NDArray[np.uint8], p: Mapping[str, Floats]
    ) -> Floats:
        """Log-loss and Brier sums by gene, shape (2, genes)."""
        hit, squares = np.empty(gene.size), np.zeros(gene.size)
        for code, name in enumerate(CLASSES):
            is_class = truth == code
            hit[is_class] = p[name][is_class]
            squares += (p[name] - is_class) ** 2
        loss = -np.log(np.clip(hit, SMALLEST, 1.0))
        return np.stack([self._by_gene(gene, weight * loss), self._by_gene(gene, weight * squares)])

    def _decide(
        self,
        gene: Ints,
        weight: Floats,
        is_site: npt.NDArray[np.bool_],
        reference: Floats,
        score: Floats,
    ) -> Floats:
        """``DECISIONS`` by gene, shape (genes, 7)."""
        was, is_called = reference >= CALL, score >= CALL
        kept = is_site | was | is_called
        gene, weight, is_site = gene[kept], weight[kept], is_site[kept]
        was, is_called = was[kept], is_called[kept]
        cases = (
            is_site & is_called,
            ~is_site & is_called,
            is_site & ~is_called,
            is_site & ~was & is_called,
            is_site & was & ~is_called,
            ~is_site & was & ~is_called,
            ~is_site & ~was & is_called,
        )
        return np.stack([self._by_gene(gene, weight * case) for case in cases], axis=1)

    def _calibrate(
        self, gene: Ints, weight: Floats, is_site: npt.NDArray[np.bool_], score: Floats
    ) -> Floats:
        """Sums of weight, weight x p and weight x truth by gene and bin."""
        place = gene * BINS + np.clip((score * BINS).astype(np.int64), 0, BINS - 1)
        sums = [
            np.bincount(place, values, len(self._genes) * BINS).reshape(-1, BINS)
            for values in (weight, weight * score, weight * is_site)
        ]
        return np.stack(sums, axis=1)
