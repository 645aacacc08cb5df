"""Surroundings, place and motif, position by position in plain Python: slow, and on its own.

A gene is a mapping of its positions to rows. Scores are taken as the exact numbers their Float32
values stand for; thresholds too, so that a score written 0.1 is at least 0.1.
"""

import math
import struct
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

Gene = Mapping[int, Mapping[str, Any]]

TYPES = ("donor", "acceptor")
SIDES = ("upstream", "downstream")
RANGES = ((3, 30), (30, 100), (100, 400), (400, 2000), (2000, 10000))
DONOR_MOTIF = {-2: "AC", -1: "A", 0: "G", 1: "G", 2: "T", 3: "AG", 4: "A", 5: "G", 6: "T"}
ACCEPTOR_MOTIF = {-3: "CT", -2: "A", -1: "G", 0: "G"}


def single(number: float) -> float:
    """The Float32 nearest to a number."""
    return struct.unpack("f", struct.pack("f", number))[0]


def sites(gene: Gene, t: str, lowest: float) -> dict[int, Fraction]:
    found = {}
    for position, row in gene.items():
        if row[f"{t}_score"] >= single(lowest):
            found[position] = Fraction(row[f"{t}_score"])
    return found


def distances(here: int, side: str, strong: Mapping[int, Fraction]) -> Iterator[tuple[int, int]]:
    """Distance and position of each site on one side of a row; never the row itself."""
    for position in strong:
        distance = here - position if side == "upstream" else position - here
        if distance > 0:
            yield distance, position


def logodds(gene: Gene, here: int, t: str) -> float:
    if here not in gene:
        return math.log(1e-6 / (1 + 1e-6))
    s, n = max(gene[here][f"{t}_score"], 0.0), max(gene[here]["neither_score"], 0.0)
    return math.log((s + 1e-6) / (n + 1e-6))


def logodds_features(gene: Gene, here: int, t: str) -> dict[str, float]:
    found = {f"{t}_logodds": logodds(gene, here, t)}
    for k in range(1, 6):
        found[f"{t}_logodds_m{k}"] = logodds(gene, here - k, t)
        found[f"{t}_logodds_p{k}"] = logodds(gene, here + k, t)
    return found


def nearest_features(gene: Gene, here: int, t: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    strong = sites(gene, t, 0.1)
    for side in SIDES:
        distance, position = min(distances(here, side, strong), default=(1_000_000, None))
        found[f"nearest_{t}_{side}_distance"] = distance
        found[f"nearest_{t}_{side}_score"] = 0 if position is None else strong[position]
    return found


def directional_features(gene: Gene, here: int, t: str) -> dict[str, Any]:
    found = {}
    scored = sites(gene, t, 0.001)
    for side in SIDES:
        for near, far in RANGES:
            within = [scored[p] for d, p in distances(here, side, scored) if near <= d < far]
            found[f"{t}_max_{side}_{near}_{far}"] = max(within, default=0)
    return found


def sum_features(gene: Gene, here: int, t: str) -> dict[str, Any]:
    found = {}
    counted = sites(gene, t, 0.01)
    for side in SIDES:
        every = list(distances(here, side, counted))
        found[f"{t}_sum_{side}"] = sum(counted[p] for _, p in every)
        for reach in (500, 5000, 20000):
            found[f"{t}_sum_{side}_{reach}"] = sum(counted[p] for d, p in every if d <= reach)
    return found


def gene_features(gene: Gene, t: str) -> dict[str, Any]:
    strong = sites(gene, t, 0.1)
    span = max(gene) - min(gene) + 1
    return {
        f"gene_{t}_max": max(sites(gene, t, 0.001).values(), default=0),
        f"gene_{t}_count": len(strong),
        f"gene_{t}_density": Fraction(len(strong) * 10_000, span),
        f"gene_{t}_strength": sum(strong.values()) / Fraction(max(len(strong), 1)),
    }


def place_features(gene: Gene, here: int) -> dict[str, Any]:
    before, after = here - min(gene), max(gene) - here
    return {
        "positions_from_start": before,
        "positions_to_end": after,
        "relative_position": Fraction(before, before + after) if len(gene) > 1 else 0,
    }


def letter(gene: Gene, position: int) -> str:
    """The base in upper case; ``-`` where there is none."""
    base = gene[position]["base"] if position in gene else None
    return "-" if base is None else base.upper()


def motif_features(gene: Gene, here: int) -> dict[str, Any]:
    present = [p for p in range(here - 20, here - 4) if p in gene]
    pyrimidines = [p for p in present if letter(gene, p) in ("C", "T")]
    return {
        "donor_consensus": sum(letter(gene, here + k) in m for k, m in DONOR_MOTIF.items()),
        "acceptor_consensus": sum(letter(gene, here + k) in m for k, m in ACCEPTOR_MOTIF.items()),
        "polypyrimidine": Fraction(len(pyrimidines), len(present)) if present else 0,
    }


def features(gene: Gene, here: int) -> dict[str, float]:
    """Every feature of a row."""
    found: dict[str, Any] = place_features(gene, here) | motif_features(gene, here)
    for t in TYPES:
        found |= logodds_features(gene, here, t)
        found |= nearest_features(gene, here, t)
        found |= directional_features(gene, here, t)
        found |= sum_features(gene, here, t)
        found |= gene_features(gene, t)
    return {name: single(float(value)) for name, value in found.items()}
