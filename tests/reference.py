"""What the specification says, row by row in plain Python: slow, and independent of the package.

Rows are dictionaries as ``DataFrame.to_dicts`` makes them. Scores are taken as the exact numbers
their Float32 values stand for and computed with as fractions; only logarithms round.
"""

import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

Row = Mapping[str, Any]
Gene = Mapping[int, Row]  # the rows of one gene by position

EPS = Fraction(1, 10**8)
SMALL_EPS = Fraction(1, 10**10)
TENTH = Fraction(1, 10)


def genes_of(rows: Sequence[Row]) -> dict[str, dict[int, Row]]:
    genes: dict[str, dict[int, Row]] = {}
    for row in rows:
        genes.setdefault(row["gene_id"], {})[row["position"]] = row
    return genes


# ---------------------------------------------------------------------------- features of scores


def donor(gene: Gene, position: int) -> Fraction | None:
    return Fraction(gene[position]["donor_score"]) if position in gene else None


def acceptor(gene: Gene, position: int) -> Fraction | None:
    return Fraction(gene[position]["acceptor_score"]) if position in gene else None


def splice(gene: Gene, position: int) -> Fraction:
    """c[k]: the larger of donor and acceptor, a missing position counting as 0."""
    if position not in gene:
        return Fraction(0)
    return max(donor(gene, position), acceptor(gene, position))


def ln(x: Fraction) -> float:
    return math.log(float(x))


def probability_features(d: Fraction, a: Fraction, n: Fraction) -> dict[str, Any]:
    entropy = 0.0
    for score in (d, a, n):
        p = score / (d + a + n + EPS)
        entropy -= float(p) * ln(p + EPS)
    return {
        "relative_donor_probability": d / (d + a + EPS),
        "splice_probability": d + a,
        "donor_acceptor_diff": d - a,
        "splice_neither_diff": d + a - n,
        "donor_acceptor_logodds": ln((d + EPS) / (a + EPS)),
        "splice_neither_logodds": ln((d + a + EPS) / (n + EPS)),
        "probability_entropy": entropy,
    }


def rolling_features(name: str, score: Any, gene: Gene, here: int) -> dict[str, Any]:
    present = []
    for k in (-2, -1, 0, 1, 2):
        value = score(gene, here + k)
        if value is not None:
            present.append(value)
    upstream, downstream = score(gene, here - 2), score(gene, here + 2)
    return {
        f"{name}_context_mean": sum(present) / len(present),
        f"{name}_context_asymmetry": (0 if upstream is None else upstream)
        - (0 if downstream is None else downstream),
    }


def context_features(gene: Gene, here: int) -> dict[str, Any]:
    m2, m1 = splice(gene, here - 2), splice(gene, here - 1)
    p1, p2 = splice(gene, here + 1), splice(gene, here + 2)
    return {
        "context_score_m2": m2,
        "context_score_m1": m1,
        "context_score_p1": p1,
        "context_score_p2": p2,
        "context_neighbor_mean": (m2 + m1 + p1 + p2) / 4,
        "context_asymmetry": (m1 + m2) - (p1 + p2),
        "context_max": max(m2, m1, p1, p2),
    }


def signal_features(name: str, score: Any, gene: Gene, here: int) -> dict[str, Any]:
    m2, m1 = splice(gene, here - 2), splice(gene, here - 1)
    p1, p2 = splice(gene, here + 1), splice(gene, here + 2)
    mean = (m2 + m1 + p1 + p2) / 4
    s, before, after = score(gene, here), score(gene, here - 1), score(gene, here + 1)
    both_present = before is not None and after is not None
    return {
        f"{name}_is_local_peak": 1 if both_present and s > before and s > after else 0,
        f"{name}_diff_m1": s - m1,
        f"{name}_diff_m2": s - m2,
        f"{name}_diff_p1": s - p1,
        f"{name}_diff_p2": s - p2,
        f"{name}_surge_ratio": s / (m1 + p1 + SMALL_EPS),
        f"{name}_weighted_context": TENTH * m2
        + 2 * TENTH * m1
        + 4 * TENTH * s
        + 2 * TENTH * p1
        + TENTH * p2,
        f"{name}_peak_height_ratio": s / (mean + SMALL_EPS),
        f"{name}_second_derivative": (s - m1) - (p1 - s),
        f"{name}_signal_strength": s - mean,
        f"{name}_context_diff_ratio": s / (max(m2, m1, p1, p2) + SMALL_EPS),
    }


def comparative_features(d: Fraction, a: Fraction, signal: Mapping[str, Any]) -> dict[str, Any]:
    donor_strength = signal["donor_signal_strength"]
    acceptor_strength = signal["acceptor_signal_strength"]
    return {
        "donor_acceptor_peak_ratio": signal["donor_peak_height_ratio"]
        / (signal["acceptor_peak_height_ratio"] + SMALL_EPS),
        "type_signal_difference": donor_strength - acceptor_strength,
        "score_difference_ratio": (d - a) / (d + a + SMALL_EPS),
        "signal_strength_ratio": donor_strength / (abs(acceptor_strength) + SMALL_EPS),
    }


def score_features(gene: Gene, here: int) -> dict[str, float]:
    """All features of the scores at one position: 3 + 7 + 4 + 7 + 22 + 4."""
    d, a = donor(gene, here), acceptor(gene, here)
    n = Fraction(gene[here]["neither_score"])
    features: dict[str, Any] = {"donor_score": d, "acceptor_score": a, "neither_score": n}
    features |= probability_features(d, a, n)
    features |= rolling_features("donor", donor, gene, here)
    features |= rolling_features("acceptor", acceptor, gene, here)
    features |= context_features(gene, here)
    features |= signal_features("donor", donor, gene, here)
    features |= signal_features("acceptor", acceptor, gene, here)
    features |= comparative_features(d, a, features)
    return {name: float(value) for name, value in features.items()}


SCORE_FEATURES = tuple(
    score_features({0: {"donor_score": 0.0, "acceptor_score": 0.0, "neither_score": 1.0}}, 0)
)


# -------------------------------------------------------------------------- features of sequence


def letter(gene: Gene, position: int) -> str:
    """A, C, G or T (soft-masked letters are the same bases; U is T), else an empty text."""
    base = gene[position]["base"] if position in gene else None
    base = "" if base is None else base.upper().replace("U", "T")
    return base if base in {"A", "C", "G", "T"} else ""


def window(gene: Gene, here: int, half_width: int) -> list[int]:
    """The positions of the gene that lie in the window, ascending."""
    return sorted(p for p in gene if here - half_width <= p <= here + half_width)


def sequence_features(gene: Gene, here: int, half_width: int) -> dict[str, float]:
    positions = window(gene, here, half_width)
    counts = {"A": 0, "C": 0, "G": 0, "T": 0}
    for position in positions:
        if letter(gene, position):
            counts[letter(gene, position)] += 1
    known = sum(counts.values())
    entropy = 0.0
    for count in counts.values():
        if count:
            entropy -= count / known * math.log2(count / known)
    return {
        "sequence_length": float(len(positions)),
        "gc_content": (counts["G"] + counts["C"]) / len(positions),
        "sequence_complexity": entropy / 2,
    }


def kmer_counts(gene: Gene, here: int, half_width: int, k: int) -> dict[str, int]:
    """How often each word of length k occurs in the window; words that do not occur are absent."""
    counts: dict[str, int] = {}
    for start in window(gene, here, half_width):
        word = ""
        for position in range(start, start + k):
            if position <= here + half_width:
                word += letter(gene, position)
        if len(word) == k:
            counts[word] = counts.get(word, 0) + 1
    return counts


def features(
    gene: Gene, here: int, names: Sequence[str], half_width: int = 250
) -> dict[str, float]:
    """The named features at one position of a gene."""
    known: dict[str, float] = {}
    if any(name in SCORE_FEATURES for name in names):
        known |= score_features(gene, here)
    if any("sequence" in name or "gc" in name for name in names):
        known |= sequence_features(gene, here, half_width)
    counts: dict[int, dict[str, int]] = {}
    for name in names:
        match = re.fullmatch(r"(\d)mer_([ACGT]+)", name)
        if match:
            k = int(match[1])
            if k not in counts:
                counts[k] = kmer_counts(gene, here, half_width, k)
            known[name] = float(counts[k].get(match[2], 0))
    return {name: known[name] for name in names}


# ------------------------------------------------------------------------------------- selection

DEFAULTS = {"low": 0.02, "high": 0.80, "entropy": 0.6, "spread": 0.2, "variance": 0.08}


def entropy_of(d: float, a: float, n: float) -> float:
    entropy = 0.0
    for score in (d, a, n):
        p = score / (d + a + n)
        if p > 0:
            entropy -= p * math.log(p)
    return entropy / math.log(3)


def type_of(d: float, a: float, n: float) -> str:
    if n == max(d, a, n):
        return "neither"
    return "donor" if d == max(d, a, n) else "acceptor"


def measures(row: Row, **thresholds: float) -> dict[str, Any]:
    t = DEFAULTS | thresholds
    d, a, n = row["donor_score"], row["acceptor_score"], row["neither_score"]
    ascending = sorted((d, a, n))
    mean = (d + a + n) / 3
    max_score = max(d, a)
    entropy = entropy_of(d, a, n)
    spread = ascending[2] - ascending[1]
    if max_score < t["low"]:
        category = "non_splice"
    elif max_score < t["high"]:
        category = "uncertain"
    else:
        category = "splice"
    return {
        "max_score": max_score,
        "max_confidence": max(d, a, n),
        "score_entropy": entropy,
        "score_spread": spread,
        "score_variance": ((d - mean) ** 2 + (a - mean) ** 2 + (n - mean) ** 2) / 3,
        "is_low_confidence": t["low"] <= max_score < t["high"],
        "is_high_entropy": entropy > t["entropy"],
        "is_low_discriminability": spread < t["spread"],
        "confidence_category": category,
        "predicted_type_base": type_of(d, a, n),
    }


def criteria_met(row: Row, strategy: str, **thresholds: float) -> int:
    m = measures(row, **thresholds)
    if strategy == "confidence_only":
        return int(m["is_low_confidence"])
    if strategy == "entropy_only":
        return int(m["is_high_entropy"])
    met = 0
    for criterion in ("is_low_confidence", "is_high_entropy", "is_low_discriminability"):
        met += int(m[criterion])
    return met + int(m["score_variance"] < (DEFAULTS | thresholds)["variance"])


def target(rate: float, positions: int) -> int:
    """Ceil of rate x positions, the rate being the decimal number that it is written as."""
    return math.ceil(Decimal(repr(rate)) * positions)


def uncertain(
    rows: Sequence[Row],
    strategy: str = "hybrid_entropy",
    adaptive: bool = True,
    target_rate: float = 0.10,
    **thresholds: float,
) -> set[tuple[str, int]]:
    """The uncertain positions, as pairs of gene and position."""
    found = set()
    for name, gene in genes_of(rows).items():
        keys = []
        for position, row in gene.items():
            met = criteria_met(row, strategy, **thresholds)
            entropy = measures(row, **thresholds)["score_entropy"]
            keys.append((-met, -entropy, position))
        if adaptive and strategy != "confidence_only":
            taken = sorted(keys)[: target(target_rate, len(gene))]
        else:
            taken = [key for key in keys if key[0] < 0]
        for *_, position in taken:
            found.add((name, position))
    return found
