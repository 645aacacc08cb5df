"""Which base model made a table of scores: its names, and the note in a Parquet file's metadata."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass

NOTE = "splice_meta.base_scores"
"""The key of the note in the metadata of a Parquet file."""

ALIASES = {"openspliceai-mane": "openspliceai"}
"""Names that mean the base model of another name."""


TRAINED_ON = frozenset({*(str(n) for n in (2, 4, 6, 8, *range(10, 23))), "X", "Y"})
"""Human chromosomes that SpliceAI, OpenSpliceAI and Pangolin were trained on: all but 1, 3, 5, 7,
and 9 (Jaganathan et al., 2019; Chao et al., 2025; Zeng and Li, 2022)."""

_HUMAN = ("spliceai", "openspliceai", "pangolin")


BACKGROUND = {"pangolin": 0.02}
"""Lowest score of a candidate, of base models that give many positions far from any site more than
0.001. Of 1.7 million positions Pangolin gives 5.5% at least 0.001, 0.2% at least 0.02; SpliceAI
0.5% and 0.2%, OpenSpliceAI 0.1% and 0.06%."""


def candidate_score(base_model: str, score: float) -> float:
    """The lowest donor or acceptor score from which a base model makes a position a candidate.

    Args:
        base_model: Its name, of whatever version; empty where it is not known.
        score: That of base models without a background.
    """
    known = (low for name, low in BACKGROUND.items() if f"{base_model}-".startswith(f"{name}-"))
    return max((score, *known))


def trained_chroms(base_models: Collection[str]) -> frozenset[str] | None:
    """Chromosomes that some of the base models were trained on, without "chr".

    None where one of them, or whether a name means the one trained on human genes, is not known.

    Args:
        base_models: By their names.
    """
    known = [any(same_base_model(name, each) for each in _HUMAN) for name in base_models]
    return TRAINED_ON if known and all(known) else None


def same_base_model(one: str, other: str) -> bool:
    """Whether two names mean one base model."""
    return ALIASES.get(one, one) == ALIASES.get(other, other)


@dataclass(frozen=True, kw_only=True)
class MadeBy:
    """What made a table of base scores.

    Attributes:
        base_model: The base model's own name.
        weights_sha256: Digest of its weights; empty where it is not known.
        precision: What it computed in.
    """

    base_model: str
    weights_sha256: str = ""
    precision: str = "float32"

    def __str__(self) -> str:
        weights = f" (weights {self.weights_sha256[:12]})" if self.weights_sha256 else ""
        return f"{self.base_model}{weights}"

    def bears(self, name: str) -> bool:
        """Whether it may be called so: by its name, another one of it, or one of its versions.

        ``openspliceai-mouse`` may be scores that ``openspliceai`` made, with other weights.
        """
        return same_base_model(self.base_model, name) or name.startswith(f"{self.base_model}-")

    def note(self) -> dict[str, str]:
        """The note for a Parquet file's metadata."""
        return {NOTE: json.dumps(asdict(self))}


def made_by_of(metadata: Mapping[str, str]) -> MadeBy | None:
    """What the metadata of a Parquet file say; None where they have no note.

    Raises:
        ValueError: If the note is damaged.
    """
    if NOTE not in metadata:
        return None
    try:
        data = json.loads(metadata[NOTE])
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    wanted = ("base_model", "weights_sha256", "precision")
    if not isinstance(data, dict) or not all(isinstance(data.get(n), str) for n in wanted):
        raise ValueError("it lacks base_model, weights_sha256 or precision")
    if not data["base_model"]:
        raise ValueError("its base_model is empty")
    return MadeBy(**{name: data[name] for name in wanted})
