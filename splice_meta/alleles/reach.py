"""How far features look: what of a gene must be there for the features of some positions."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from splice_meta.catalogue import KMER, LOGODDS_RADIUS, Kind, split_name
from splice_meta.features.motif import ACCEPTOR_CONSENSUS, DONOR_CONSENSUS, PYRIMIDINE_OFFSETS
from splice_meta.features.neighbours import RADIUS
from splice_meta.features.surroundings import SITE
from splice_meta.manifest import FeatureManifest
from splice_meta.settings import FeatureSettings

CANDIDATE = SITE
"""A position is recalibrated where a base score of either allele, donor or acceptor, is at least
this: meta-models are trained on these positions. It is also the lowest score that windows of
features look at, so that all other positions matter to their neighbours only."""

_SCORES: tuple[Kind, ...] = ("probability", "context", "signal", "comparative", "base")


def neighbours_needed(manifest: FeatureManifest, settings: FeatureSettings) -> int | None:
    """How many positions to each side features look at, other than at scores of at least 0.001.

    The surroundings of a position look at the whole gene, but only at scores of at least 0.001
    and at where the gene begins and ends. Everything else looks at neighbours.

    Returns:
        The number; None where the user's own features may look at anything.
    """
    if settings.custom:
        return None
    radius = 0
    if manifest.of_kind(*_SCORES):
        radius = RADIUS
    if any("logodds" in split_name(name)[1] for name in manifest.of_kind("surroundings")):
        radius = max(radius, LOGODDS_RADIUS)
    if manifest.of_kind("motif"):
        radius = max(radius, *map(abs, _offsets()))
    if manifest.of_kind("sequence", "kmer"):
        words = [int(match[1]) for name in manifest.names if (match := KMER.match(name))]
        radius = max(radius, manifest.half_width + max(words, default=0))
    return radius


def _offsets() -> Iterable[int]:
    yield from PYRIMIDINE_OFFSETS
    for offset, _ in (*DONOR_CONSENSUS, *ACCEPTOR_CONSENSUS):
        yield offset


def widened(flags: npt.NDArray[np.bool_], radius: int) -> npt.NDArray[np.bool_]:
    """Which positions lie within a radius of one that is flagged."""
    at = np.flatnonzero(flags)
    change = np.zeros(flags.size + 1, np.int32)
    np.add.at(change, np.maximum(at - radius, 0), 1)
    np.add.at(change, np.minimum(at + radius + 1, flags.size), -1)
    return np.asarray(np.cumsum(change[:-1]) > 0)
