"""The catalogue: the name of every feature, its kind, and what fills it where it cannot be made.

What each feature means stands in ``splice_meta.dictionary.features`` and in its family.

With several base models the features of each are named by it: ``spliceai.donor_context_mean``.
"""

from __future__ import annotations

import re
from itertools import product
from typing import Literal

from splice_meta.contracts import SCORES

Kind = Literal[
    "base", "probability", "context", "signal", "comparative", "surroundings", "place", "genomic",
    "sequence", "motif", "kmer", "unknown_probability", "unknown_genomic",
]  # fmt: skip

TYPES = ("donor", "acceptor")
SIDES: tuple[Literal["upstream"], Literal["downstream"]] = ("upstream", "downstream")

PROBABILITY = (
    "relative_donor_probability", "splice_probability", "donor_acceptor_diff",
    "splice_neither_diff", "donor_acceptor_logodds", "splice_neither_logodds",
    "probability_entropy",
)  # fmt: skip
NEIGHBOUR_CONTEXT = (
    "context_score_m2", "context_score_m1", "context_score_p1", "context_score_p2",
    "context_neighbor_mean", "context_asymmetry", "context_max",
)  # fmt: skip
ROLLING_CONTEXT = tuple(f"{t}_context_{what}" for t in TYPES for what in ("mean", "asymmetry"))
SIGNAL = tuple(
    f"{t}_{what}"
    for t in TYPES
    for what in (
        "is_local_peak", "diff_m1", "diff_m2", "diff_p1", "diff_p2", "surge_ratio",
        "weighted_context", "peak_height_ratio", "second_derivative", "signal_strength",
        "context_diff_ratio",
    )
)  # fmt: skip
COMPARATIVE = (
    "donor_acceptor_peak_ratio", "type_signal_difference", "score_difference_ratio",
    "signal_strength_ratio",
)  # fmt: skip
GENOMIC = (
    "gene_start", "gene_end", "gene_length", "tx_start", "tx_end", "transcript_length",
    "num_exons", "avg_exon_length", "median_exon_length", "total_exon_length",
    "total_intron_length", "n_splice_sites", "num_overlaps", "chrom",
)  # fmt: skip
SEQUENCE = ("sequence_length", "gc_content", "sequence_complexity")


def offset_suffix(offset: int) -> str:
    """How an offset is written in a name: m2, m1, p1, p2."""
    return f"{'m' if offset < 0 else 'p'}{abs(offset)}"


LOGODDS_RADIUS = 5
LOGODDS_OFFSETS = tuple(k for k in range(-LOGODDS_RADIUS, LOGODDS_RADIUS + 1) if k)
LOGODDS = tuple(f"{t}_logodds" for t in TYPES) + tuple(
    f"{t}_logodds_{offset_suffix(k)}" for t in TYPES for k in LOGODDS_OFFSETS
)
NEAREST = tuple(
    f"nearest_{t}_{side}_{what}" for t in TYPES for side in SIDES for what in ("distance", "score")
)
RANGES = ((3, 30), (30, 100), (100, 400), (400, 2000), (2000, 10000))
"""First and last distance (exclusive) of the directional maxima, in positions."""
DIRECTIONAL = tuple(
    f"{t}_max_{side}_{near}_{far}" for t in TYPES for side in SIDES for near, far in RANGES
)
REACHES = (500, 5000, 20000)
"""How far the directional sums reach, in positions; those without a number reach to the end."""
SUMS = tuple(
    f"{t}_sum_{side}{reach}" for t in TYPES for side in SIDES
    for reach in ("", *(f"_{reach}" for reach in REACHES))
)  # fmt: skip
GENE = tuple(f"gene_{t}_{what}" for t in TYPES for what in ("max", "count", "density", "strength"))
SURROUNDINGS = LOGODDS + NEAREST + DIRECTIONAL + SUMS + GENE
PLACE = ("positions_from_start", "positions_to_end", "relative_position")
MOTIF = ("donor_consensus", "acceptor_consensus", "polypyrimidine")

CATALOGUE: dict[Kind, tuple[str, ...]] = {
    "base": SCORES,
    "probability": PROBABILITY,
    "context": ROLLING_CONTEXT + NEIGHBOUR_CONTEXT,
    "signal": SIGNAL,
    "comparative": COMPARATIVE,
    "surroundings": SURROUNDINGS,
    "place": PLACE,
    "genomic": GENOMIC,
    "sequence": SEQUENCE,
    "motif": MOTIF,
}
"""The features of the catalogue by kind; k-mers are recognised by their name."""

NEVER = frozenset({
    "splice_type", "true_splice_type", "truth", "label", "pred_type", "error_type",
    "genomic_position", "absolute_position", "true_position", "predicted_position",
    "window_start", "window_end", "donor_prob", "acceptor_prob", "neither_prob",
    "donor_meta", "acceptor_meta", "neither_meta",
})  # fmt: skip
"""Columns of score tables that are never features: the truth, positions, scores under other names
and predictions."""

KMER = re.compile(r"^([1-9])mer_([ACGT]+)$")
_ANY_KMER = re.compile(r"^\d+mer_")
_PROBABILITY_LIKE = re.compile(
    "score|prob|ratio|diff|entropy|signal|peak|surge|context|weighted", re.IGNORECASE
)
_KIND_OF: dict[str, Kind] = {name: kind for kind, names in CATALOGUE.items() for name in names}


SCORE_KINDS: tuple[Kind, ...] = (
    "base", "probability", "context", "signal", "comparative", "surroundings",
)  # fmt: skip
"""Kinds whose features are made from the scores of one base model."""


def split_name(name: str) -> tuple[str, str]:
    """The base model and the feature of a name; the base model is empty where none is named.

    Only features of scores belong to a base model.
    """
    base_model, _, feature = name.rpartition(".")
    is_of_scores = _KIND_OF.get(feature) in SCORE_KINDS
    return (base_model, feature) if is_of_scores else ("", name)


def kind_of(name: str) -> Kind:
    """The kind of a feature by its name, whether or not a base model stands in front of it.

    Names outside the catalogue are sorted by their wording, as in the older system: those that
    sound like a probability must not be filled, the others may.
    """
    known = _KIND_OF.get(split_name(name)[1])
    if known is not None:
        return known
    if _ANY_KMER.match(name):
        return "kmer"
    return "unknown_probability" if _PROBABILITY_LIKE.search(name) else "unknown_genomic"


def kmer_words(k: int) -> list[str]:
    """The 4^k feature names of the k-mers of one length, in alphabetical order of the words."""
    return [f"{k}mer_{''.join(letters)}" for letters in product("ACGT", repeat=k)]


def default_fill(name: str) -> float:
    """What a genomic, sequence or k-mer feature is filled with where it cannot be computed."""
    if _ANY_KMER.match(name):
        return 0.0
    lowered = name.lower()
    if "length" in lowered:
        return 1000.0
    return 0.5 if "complexity" in lowered or "gc_content" in lowered else 0.0
