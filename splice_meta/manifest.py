"""The feature manifest: which columns a model reads, in which order, of which type and kind."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

import polars as pl

from splice_meta.contracts import SCORES
from splice_meta.errors import ManifestError

Kind = Literal[
    "base", "probability", "context", "signal", "comparative", "genomic", "sequence", "kmer",
    "unknown_probability", "unknown_genomic",
]  # fmt: skip

FORMAT_VERSION = 1
DTYPES = (
    "Float32", "Float64", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64",
    "Boolean",
)  # fmt: skip
"""Types that a feature may have, by their Polars names."""

DEFAULT_HALF_WIDTH = 250

PROBABILITY = (
    "relative_donor_probability", "splice_probability", "donor_acceptor_diff",
    "splice_neither_diff", "donor_acceptor_logodds", "splice_neither_logodds",
    "probability_entropy",
)  # fmt: skip
NEIGHBOUR_CONTEXT = (
    "context_score_m2", "context_score_m1", "context_score_p1", "context_score_p2",
    "context_neighbor_mean", "context_asymmetry", "context_max",
)  # fmt: skip
ROLLING_CONTEXT = tuple(
    f"{t}_context_{what}" for t in ("donor", "acceptor") for what in ("mean", "asymmetry")
)
SIGNAL = tuple(
    f"{t}_{what}"
    for t in ("donor", "acceptor")
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

CATALOGUE: dict[Kind, tuple[str, ...]] = {
    "base": SCORES,
    "probability": PROBABILITY,
    "context": ROLLING_CONTEXT + NEIGHBOUR_CONTEXT,
    "signal": SIGNAL,
    "comparative": COMPARATIVE,
    "genomic": GENOMIC,
    "sequence": SEQUENCE,
}
"""The features of the catalogue by kind; k-mers are recognised by their name."""

KMER = re.compile(r"^([1-9])mer_([ACGT]+)$")
_ANY_KMER = re.compile(r"^\d+mer_")
_PROBABILITY_LIKE = re.compile(
    "score|prob|ratio|diff|entropy|signal|peak|surge|context|weighted", re.IGNORECASE
)
_KIND_OF: dict[str, Kind] = {name: kind for kind, names in CATALOGUE.items() for name in names}


def kind_of(name: str) -> Kind:
    """The kind of a feature by its name.

    Names outside the catalogue are sorted by their wording, as in the older system: those that
    sound like a probability must not be filled, the others may.
    """
    if name in _KIND_OF:
        return _KIND_OF[name]
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


@dataclass(frozen=True)
class FeatureManifest:
    """The features of a model.

    Args:
        names: Feature names in the model's order.
        half_width: Positions on each side of a row that its sequence window spans.
        fills: Values for features that cannot be computed, by name; only for genomic, sequence,
            k-mer and unknown genomic-like features. :func:`default_fill` for those not named.
        dtypes: Column types by name; Float32 for those not named.

    Raises:
        ManifestError: If a name is listed twice or there is none.
    """

    names: tuple[str, ...]
    half_width: int = DEFAULT_HALF_WIDTH
    fills: tuple[tuple[str, float], ...] = ()
    dtypes: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if not self.names:
            raise ManifestError("The feature manifest lists no feature.", "Give at least one name.")
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice:
            raise ManifestError(
                f"The feature manifest lists {', '.join(twice[:5])} more than once.",
                "Each feature may stand there once.",
            )
        if not 1 <= self.half_width <= 1_000_000:
            raise ManifestError(
                f"The half-width of the sequence window is {self.half_width}.",
                "Give a number of positions from 1 to 1,000,000.",
            )
        keys = sorted({"gene_id", "position"} & set(self.names))
        if keys:
            raise ManifestError(
                f"The feature manifest lists {', '.join(keys)}.",
                "Keys stand beside the features, they are none.",
            )
        for name, dtype in self.dtypes:
            if dtype not in DTYPES:
                raise ManifestError(
                    f"The feature manifest gives {name} the unknown type {dtype}.",
                    f"Use one of: {', '.join(DTYPES)}.",
                )

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Column types by feature name, in the manifest's order."""
        named = dict(self.dtypes)
        return {name: getattr(pl, named.get(name, "Float32"))() for name in self.names}

    @property
    def kinds(self) -> dict[str, Kind]:
        """Kinds by feature name, in the manifest's order."""
        return {name: kind_of(name) for name in self.names}

    def of_kind(self, *kinds: Kind) -> list[str]:
        """The features of some kinds, in the manifest's order."""
        return [name for name, kind in self.kinds.items() if kind in kinds]

    def fill(self, name: str) -> float:
        """What a feature is filled with where it cannot be computed."""
        return dict(self.fills).get(name, default_fill(name))

    @property
    def kmers(self) -> dict[int, list[str]]:
        """The words the model counts, by word length; names that are no DNA word are left out."""
        words: dict[int, list[str]] = {}
        for name in self.names:
            match = KMER.match(name)
            if match and len(match[2]) == int(match[1]):
                words.setdefault(int(match[1]), []).append(match[2])
        return words

    def to_json(self) -> str:
        """The manifest as JSON text."""
        data = {
            "format_version": FORMAT_VERSION,
            "sequence_half_width": self.half_width,
            "features": [
                {"name": name, "dtype": str(dtype), "kind": self.kinds[name]}
                for name, dtype in self.schema.items()
            ],
            "fills": dict(self.fills),
        }
        return json.dumps(data, indent=1) + "\n"

    def to_csv(self) -> str:
        """The manifest as CSV text with the columns feature, dtype and kind."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(("feature", "dtype", "kind"))
        writer.writerows((n, str(t), self.kinds[n]) for n, t in self.schema.items())
        return out.getvalue()


def reference124(half_width: int = DEFAULT_HALF_WIDTH) -> FeatureManifest:
    """The reference manifest: 60 features of scores and gene, 64 3-mers."""
    names = (
        *SCORES, *PROBABILITY, *NEIGHBOUR_CONTEXT, *SIGNAL, *COMPARATIVE, *GENOMIC, *SEQUENCE,
        *kmer_words(3),
    )  # fmt: skip
    return FeatureManifest(names, half_width)


def load_manifest(source: str | Path | FeatureManifest) -> FeatureManifest:
    """Read a feature manifest.

    Args:
        source: ``reference124``, a JSON file written by this package, a CSV file with a
            ``feature`` column, or a manifest (returned as it is).

    Raises:
        ManifestError: If there is no such file or it is not a manifest.
    """
    if isinstance(source, FeatureManifest):
        return source
    if str(source) == "reference124":
        return reference124()
    path = Path(source)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(
            f"The feature manifest {path} cannot be read: {error}.",
            "Give reference124, or a manifest in JSON or CSV.",
        ) from None
    try:
        return _from_json(json.loads(text)) if path.suffix == ".json" else _from_csv(text)
    except (KeyError, TypeError, ValueError) as error:
        raise ManifestError(
            f"{path} is not a feature manifest ({type(error).__name__}: {error}).",
            "A CSV manifest has a column 'feature'; a JSON one is written by this package.",
        ) from None


def _from_json(data: dict[str, Any]) -> FeatureManifest:
    if data["format_version"] > FORMAT_VERSION:
        raise ManifestError(
            f"The feature manifest has format {data['format_version']}; this version reads "
            f"{FORMAT_VERSION}.",
            "Update splice_meta.",
        )
    features = data["features"]
    return FeatureManifest(
        names=tuple(str(f["name"]) for f in features),
        half_width=int(data.get("sequence_half_width", DEFAULT_HALF_WIDTH)),
        fills=tuple((str(k), float(v)) for k, v in data.get("fills", {}).items()),
        dtypes=tuple((f["name"], f["dtype"]) for f in features if f["dtype"] != "Float32"),
    )


def _from_csv(text: str) -> FeatureManifest:
    rows = list(csv.DictReader(io.StringIO(text)))
    names = tuple(row["feature"].strip() for row in rows if row["feature"])
    dtypes = tuple(
        (row["feature"].strip(), row["dtype"]) for row in rows if row.get("dtype") in DTYPES[1:]
    )
    return FeatureManifest(names, dtypes=dtypes)
