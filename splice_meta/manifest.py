"""The feature manifest: which columns a model reads, in which order, of which type and kind."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from splice_meta.catalogue import (
    COMPARATIVE,
    DIRECTIONAL,
    GENOMIC,
    KMER,
    LOGODDS,
    NEAREST,
    NEIGHBOUR_CONTEXT,
    PLACE,
    PROBABILITY,
    SEQUENCE,
    SIGNAL,
    SUMS,
    Kind,
    default_fill,
    kind_of,
    kmer_words,
    split_name,
)
from splice_meta.contracts import SCORES
from splice_meta.errors import ManifestError
from splice_meta.files.records import Entry, read_record, shown
from splice_meta.files.stores import refuse_pipe
from splice_meta.plain import csv_cell, from_csv_cell
from splice_meta.shown import Shown, few

FORMAT_VERSION = 1
DTYPES = (
    "Float32", "Float64", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64",
    "Boolean",
)  # fmt: skip
"""Types that a feature may have, by their Polars names."""

DEFAULT_HALF_WIDTH = 250

OWN, META_SPLICEAI, AGENTIC_SPLICEAI = "splice_meta", "meta-spliceai", "agentic-spliceai"
ORIGINS = (OWN, META_SPLICEAI, AGENTIC_SPLICEAI)
"""Whose definitions a manifest's names have: some names mean other numbers elsewhere."""

LONGEST_NAME = 200
"""Letters of a feature's name."""

MOST = 3.4028234e38
"""The largest number of a Float32, in which models read features."""

_HINT = "Give reference124, extended, or a manifest in JSON or CSV with a column 'feature'."


@dataclass(frozen=True, repr=False)
class FeatureManifest(Shown):
    """The features of a model.

    Args:
        names: Feature names in the model's order.
        half_width: Positions on each side of a row that its sequence window spans.
        fills: Values for features that cannot be computed, by name; only for genomic, sequence,
            k-mer and unknown genomic-like features. :func:`default_fill` for those not named.
        dtypes: Column types by name; Float32 for those not named.
        origin: Whose definitions the names have, see :mod:`splice_meta.features.older`.

    Raises:
        ManifestError: If a name is listed twice, is not a name, or there is none; if a fill or type
            cannot be used.
    """

    names: tuple[str, ...]
    half_width: int = DEFAULT_HALF_WIDTH
    fills: tuple[tuple[str, float], ...] = ()
    dtypes: tuple[tuple[str, str], ...] = ()
    origin: str = OWN

    def __post_init__(self) -> None:
        if not self.names:
            raise ManifestError("The feature manifest lists no feature.", "Give at least one name.")
        for name in self.names:
            _check_name(name)
        _refuse_twice("lists", self.names)
        _refuse_twice("fills", [name for name, _ in self.fills])
        _refuse_twice("gives a type to", [name for name, _ in self.dtypes])
        if type(self.half_width) is not int or not 1 <= self.half_width <= 1_000_000:
            raise ManifestError(
                f"The half-width of the sequence window is {shown(self.half_width)}.",
                "Give a number of positions from 1 to 1,000,000.",
            )
        if self.origin not in ORIGINS:
            raise ManifestError(
                f"The feature manifest has the origin {shown(self.origin)}.",
                f"Use one of: {', '.join(ORIGINS)}.",
            )
        keys = sorted({"gene_id", "position"} & set(self.names))
        if keys:
            raise ManifestError(
                f"The feature manifest lists {', '.join(keys)}.",
                "Keys stand beside the features, they are none.",
            )
        others = [name for name, _ in (*self.fills, *self.dtypes) if name not in set(self.names)]
        if others:
            raise ManifestError(
                f"The feature manifest gives a fill or a type to {shown(others[0])}, which is "
                "none of its features.",
                "Give them for features that it lists.",
            )
        for name, dtype in self.dtypes:
            if dtype not in DTYPES:
                raise ManifestError(
                    f"The feature manifest gives {shown(name)} the unknown type {shown(dtype)}.",
                    f"Use one of: {', '.join(DTYPES)}.",
                )
        for name, value in self.fills:
            _check_fill(name, value, str(self.schema[name]))

    def _facts(self) -> list[tuple[str, str]]:
        kinds = Counter(self.kinds.values())
        return [
            ("features", few(self.names)),
            ("by kind", ", ".join(f"{kind} {count}" for kind, count in kinds.items())),
            ("sequence window", self.window_words),
            *([("definitions", self.definitions)] if self.origin != OWN else []),
            *([("base models", ", ".join(self.base_models))] if self.base_models else []),
        ]

    @property
    def window(self) -> tuple[int, int]:
        """Positions before and behind a row in its sequence window."""
        return self.half_width, self.half_width - (self.origin == META_SPLICEAI)

    @property
    def window_words(self) -> str:
        """The sequence window, for people."""
        return "-{}..+{}".format(*self.window)

    @property
    def definitions(self) -> str:
        """Whose definitions the names have, for people, with what cannot be as it was there."""
        if self.origin != META_SPLICEAI:
            return f"those of {self.origin}"
        return (
            f"those of {self.origin}'s training code; context is that of the class with the larger "
            "score, since the pass that made a training row cannot be known at prediction"
        )

    @cached_property
    def schema(self) -> dict[str, pl.DataType]:
        """Column types by feature name, in the manifest's order."""
        named = dict(self.dtypes)
        return {name: getattr(pl, named.get(name, "Float32"))() for name in self.names}

    @cached_property
    def kinds(self) -> dict[str, Kind]:
        """Kinds by feature name, in the manifest's order."""
        return {name: kind_of(name) for name in self.names}

    def of_kind(self, *kinds: Kind) -> list[str]:
        """The features of some kinds, in the manifest's order."""
        return [name for name, kind in self.kinds.items() if kind in kinds]

    def fill(self, name: str) -> float:
        """What a feature is filled with where it cannot be computed."""
        return dict(self.fills).get(name, default_fill(name))

    @cached_property
    def base_models(self) -> tuple[str, ...]:
        """The base models that features are named by; empty where there is only one, unnamed."""
        names = dict.fromkeys(split_name(name)[0] for name in self.names)
        return tuple(name for name in names if name)

    @cached_property
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
            **({"origin": self.origin} if self.origin != OWN else {}),
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
        writer.writerows((csv_cell(n), str(t), self.kinds[n]) for n, t in self.schema.items())
        return out.getvalue()


def reference124(
    half_width: int = DEFAULT_HALF_WIDTH, base_models: Sequence[str] = ()
) -> FeatureManifest:
    """The reference manifest: 60 features of scores and gene, 64 3-mers.

    Args:
        half_width: Positions on each side of a row that its sequence window spans.
        base_models: With several base models, their names: the features of scores come once
            for each.
    """
    scores = (*SCORES, *PROBABILITY, *NEIGHBOUR_CONTEXT, *SIGNAL, *COMPARATIVE)
    rest = (*GENOMIC, *SEQUENCE, *kmer_words(3))
    return FeatureManifest((*_named(scores, base_models), *rest), half_width)


def extended(
    half_width: int = DEFAULT_HALF_WIDTH, base_models: Sequence[str] = ()
) -> FeatureManifest:
    """The manifest for training new models: scores, their surroundings, and place in the gene.

    It reaches 20,000 positions up- and downstream, and to the gene's ends. Left out is what did
    not help held-out genes: peak shapes, 3-mers, log-odds of neighbours, motif, gene-wide figures.

    Args:
        half_width: Positions on each side of a row that its sequence window spans.
        base_models: As for :func:`reference124`.
    """
    surroundings = (*LOGODDS[:2], *NEAREST, *DIRECTIONAL, *SUMS)
    scores = (*SCORES, *PROBABILITY, *surroundings)
    return FeatureManifest((*_named(scores, base_models), *PLACE), half_width)


def _named(features: Sequence[str], base_models: Sequence[str]) -> tuple[str, ...]:
    if len(base_models) < 2:
        return tuple(features)
    return tuple(f"{base_model}.{name}" for base_model in base_models for name in features)


MANIFESTS = {"reference124": reference124, "extended": extended}
"""The manifests that are known by name."""


def load_manifest(
    source: str | Path | FeatureManifest, base_models: Sequence[str] = ()
) -> FeatureManifest:
    """Read a feature manifest.

    Args:
        source: ``reference124``, ``extended``, a JSON file written by this package, a CSV file
            with a ``feature`` column, or a manifest (returned as it is).
        base_models: With several base models, their names: a manifest known by name lists the
            features of scores once for each.

    Raises:
        ManifestError: If there is no such file or it is not a manifest.
    """
    if isinstance(source, FeatureManifest):
        return source
    if str(source) in MANIFESTS:
        return MANIFESTS[str(source)](base_models=base_models)
    path = Path(source)
    refuse_pipe(path)
    if path.suffix == ".json":
        hint = "A manifest in JSON is written by this package; one in CSV has a column 'feature'."
        return _from_json(read_record(path, ManifestError, hint, name=f"Feature manifest {path}"))
    try:
        if path.exists() and not path.is_file():
            raise ManifestError(f"The feature manifest {path} is not a file.", _HINT)
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = f"The feature manifest {path} cannot be read: {error}."
        raise ManifestError(reason, _HINT) from None
    return _from_csv(text, path)


def _from_json(data: Entry) -> FeatureManifest:
    version = data.at("format_version").whole(1)
    if version > FORMAT_VERSION:
        raise ManifestError(
            f"The feature manifest has format {version}; this version reads {FORMAT_VERSION}.",
            "Update splice_meta.",
        )
    features = data.at("features").items()
    names = tuple(feature.at("name").text() for feature in features)
    listed = [feature.find("dtype") for feature in features]
    dtypes = [dtype.one_of(DTYPES) if dtype else DTYPES[0] for dtype in listed]
    half_width, given = data.find("sequence_half_width"), data.find("fills")
    origin = data.find("origin")
    fills = given.fields() if given else {}
    return FeatureManifest(
        names=names,
        half_width=half_width.whole(1, 1_000_000) if half_width else DEFAULT_HALF_WIDTH,
        fills=tuple((name, each.number()) for name, each in fills.items()),
        dtypes=tuple(pair for pair in zip(names, dtypes, strict=True) if pair[1] != DTYPES[0]),
        origin=origin.one_of(ORIGINS) if origin else OWN,
    )


def _from_csv(text: str, path: Path) -> FeatureManifest:
    try:
        rows = list(csv.DictReader(io.StringIO(text), strict=True))
    except csv.Error as error:
        raise ManifestError(f"The feature manifest {path} is not CSV: {error}.", _HINT) from None
    if not rows or "feature" not in rows[0]:
        raise ManifestError(
            f"The feature manifest {path} has no column 'feature', or nothing in it.", _HINT
        )
    names = tuple(from_csv_cell((row["feature"] or "").strip()) for row in rows)
    dtypes = tuple(
        (name, row["dtype"])
        for name, row in zip(names, rows, strict=True)
        if row.get("dtype") in DTYPES[1:]
    )
    return FeatureManifest(names, dtypes=dtypes)


def _check_name(name: str) -> None:
    """Refuse what cannot be the name of a column, or is none in all likelihood."""
    is_text = isinstance(name, str) and name.strip() and len(name) <= LONGEST_NAME
    if not is_text or not name.isprintable():
        raise ManifestError(
            f"The feature manifest lists the name {shown(name)}.",
            f"A name has 1 to {LONGEST_NAME} letters, none of them a control character.",
        )


def _check_fill(name: str, value: float, dtype: str) -> None:
    """Refuse a fill that the feature's type, or the model's Float32, cannot hold."""
    low, high = -MOST, MOST
    if dtype == "Boolean":
        low, high = 0.0, 1.0
    elif "Int" in dtype:
        half = 2.0 ** (int(dtype.rpartition("t")[2]) - 1)
        low, high = (0.0, 2 * half - 1) if dtype[0] == "U" else (-half, half - 1)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not low <= value <= high or ("Float" not in dtype and value % 1):
        raise ManifestError(
            f"The feature manifest fills {shown(name)} with {shown(value)}, which is not {dtype}.",
            "A fill is a finite number that the type of the feature, and Float32, can hold.",
        )


def _refuse_twice(what: str, names: Sequence[str]) -> None:
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise ManifestError(
            f"The feature manifest {what} {', '.join(map(shown, twice[:5]))} more than once.",
            "Each feature may stand there once.",
        )
