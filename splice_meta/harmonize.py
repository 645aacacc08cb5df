"""Harmonizing: exactly the manifest's columns, in its order, cast to its types.

What cannot be computed is handled by kind. Features of the scores are never filled: a model that
sees a constant where it learned from scores predicts nonsense. Genomic, sequence and k-mer
features are filled with a stated value, and every fill is reported.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from splice_meta.catalogue import Kind
from splice_meta.contracts import column, columns
from splice_meta.errors import FeatureError
from splice_meta.manifest import FeatureManifest
from splice_meta.settings import FeatureSettings

NEVER_FILLED: tuple[Kind, ...] = (
    "base", "probability", "context", "signal", "comparative", "surroundings", "place",
    "unknown_probability",
)  # fmt: skip


@dataclass(frozen=True)
class Fills:
    """The features of a manifest that a run fills with a constant for every row.

    Attributes:
        values: The constants by feature name, in the manifest's order.
        kinds: The kinds by feature name.
        reasons: Why, by kind.
        partly: A sentence on features that are filled for some genes only; empty if none are.
        own: The features that are taken from columns of the score table.
    """

    values: Mapping[str, float]
    kinds: Mapping[str, Kind]
    reasons: Mapping[Kind, str]
    partly: str = ""
    own: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.values)

    def messages(self) -> list[str]:
        """One plain sentence per kind, to be said once per run."""
        said = []
        kmers = [n for n in self.values if self.kinds[n] == "kmer"]
        if kmers:
            values = ", ".join(f"{value:g}" for value in sorted({self.values[n] for n in kmers}))
            said.append(f"{len(kmers)} k-mer features filled with {values}: {self.reasons['kmer']}")
        for kind in ("sequence", "motif", "genomic", "unknown_genomic"):
            names = [n for n in self.values if self.kinds[n] == kind]
            if names:
                listed = ", ".join(f"{n} {self.values[n]:g}" for n in names)
                label = "unknown" if kind == "unknown_genomic" else kind
                said.append(
                    f"{len(names)} {label} features filled ({listed}): {self.reasons[kind]}"
                )
        return [*said, self.partly] if self.partly else said

    def gain_share(self, gains: Mapping[str, float]) -> float:
        """The share (0..1) of a model's total gain that the filled features carry.

        Anything above 0 is a training-serving skew: the model learned from values that this run
        does not have.

        Args:
            gains: Total gain by feature name, as the model reports it.
        """
        total = sum(gains.values())
        return sum(gains.get(name, 0.0) for name in self.values) / total if total else 0.0


def find_fills(
    manifest: FeatureManifest, made: Collection[str], settings: FeatureSettings, has_base: bool
) -> Fills:
    """Decide what is filled, before anything is computed.

    Args:
        manifest: What the model needs.
        made: The features that the plan makes.
        settings: Which families are on.
        has_base: Whether the score table has a ``base`` column.

    Raises:
        FeatureError: If a feature that must not be filled is missing; it names the family that
            would make it.
    """
    kinds = {name: kind for name, kind in manifest.kinds.items() if name not in made}
    _refuse(kinds)
    reasons: dict[Kind, str] = {
        "kmer": "no sequence given" if not has_base
        else "the family is switched off" if not settings.kmer
        else "their names are no words over A, C, G, T of length 1 to 9",
        "sequence": "the family is switched off" if has_base else "no sequence given",
        "motif": "the family is switched off" if has_base else "no sequence given",
        "genomic": "no annotation given" if settings.genomic else "the family is switched off",
        "unknown_genomic": "nothing makes features of these names",
    }  # fmt: skip
    return Fills({name: manifest.fill(name) for name in kinds}, kinds, reasons)


def _refuse(kinds: Mapping[str, Kind]) -> None:
    families: dict[str, list[str]] = {}
    for name, kind in kinds.items():
        if kind in NEVER_FILLED:
            families.setdefault(kind, []).append(name)
    if not families:
        return
    known = {family: names for family, names in families.items() if "unknown" not in family}
    what = "; ".join(
        f"{family}: {', '.join(names[:8])}{' ...' if len(names) > 8 else ''}"
        for family, names in (known or families).items()
    )
    # Place is made with the surroundings, by one switch.
    switches = dict.fromkeys("surroundings" if kind == "place" else kind for kind in known)
    count = sum(len(names) for names in (known or families).values())
    hint = (
        f"Switch on the {' and '.join(switches)} famil{'ies' if len(switches) > 1 else 'y'}, "
        "which would make them."
        if known
        else "No family makes them: pass your own as FeatureSettings(custom={name: function})."
    )
    raise FeatureError(
        f"The model needs {count} features that nothing makes ({what}); they are never filled.",
        hint,
    )


def harmonize(
    plan: pl.LazyFrame, manifest: FeatureManifest, fills: Fills, also: Sequence[str] = ()
) -> pl.LazyFrame:
    """Give a feature plan exactly the manifest's columns, behind its keys.

    Args:
        plan: ``gene_id``, ``position`` and features in any order, with any extras.
        manifest: Names, order and types.
        fills: What the plan does not make.
        also: Columns of the plan to keep behind the features, where the manifest lacks them.

    Returns:
        ``gene_id``, ``position``, then the manifest's features in its order and types.
    """
    extra = [name for name in dict.fromkeys(also) if name not in manifest.names]
    mended = {name: pl.lit(value) for name, value in fills.values.items()}
    for name, kind in manifest.kinds.items():
        # A table may know it for some of its genes, or rows, only.
        if kind == "genomic" and name not in mended:
            mended[name] = pl.col(name).fill_null(manifest.fill(name))
        elif kind == "unknown_genomic" and name not in mended:
            value = column(name).cast(pl.Float64).fill_nan(None)
            mended[name] = value.fill_null(manifest.fill(name))
    features = [column(name).cast(dtype) for name, dtype in manifest.schema.items()]
    return plan.with_columns(**mended).select("gene_id", "position", *features, *columns(extra))
