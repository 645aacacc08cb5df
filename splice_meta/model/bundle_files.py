"""The model bundle: a directory that holds a meta-model and everything needed to use it.

``bundle.json`` says what it is, ``model.ubj`` (or ``neither.ubj``, ``donor.ubj``,
``acceptor.ubj``) is XGBoost's own format, ``feature_manifest.json`` names the features; the same
list is in ``feature_manifest.csv`` for other tools.

``bundle.json`` holds the SHA-256 of each file, and of what it says itself: a bundle that is read is
the one that was saved. Bundles without digests, as version 0.1 saved them, are read too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from splice_meta.contracts import CLASSES
from splice_meta.errors import ModelError
from splice_meta.files.digests import digest_of
from splice_meta.files.records import Entry, read_record
from splice_meta.manifest import load_manifest
from splice_meta.model.booster import load_boosters, name_features, read_model_file
from splice_meta.model.bundle import MetaModel, ModelKind
from splice_meta.model.bundle_writer import (
    CARD,
    DIGESTS,
    FORMAT_VERSION,
    MANIFEST,
    PART,
    PARTS,
    RECORD,
    WHAT,
    booster_files,
)  # fmt: skip
from splice_meta.model.calibration import read_calibration
from splice_meta.model.margin import LEAST_FLOOR, MOST_FLOOR, Margin
from splice_meta.model.members import KINDS, Member, MemberKind, read_member
from splice_meta.model.structure import check_outputs

if TYPE_CHECKING:
    from splice_meta.model.structure import Soundness

_OWN = (
    "format_version", "kind", "classes", "base_models", "margin", "calibration", "training_genes",
    "combination", PARTS, DIGESTS,
)  # fmt: skip


def read_bundle(folder: Path, source: str) -> MetaModel:
    """Read a bundle.

    Args:
        folder: Its directory.
        source: What the user calls it.

    Raises:
        ModelError: If it is none, or something in it is not as it was saved or cannot be used.
        ManifestError: If its feature manifest cannot be used.
    """
    if not (folder / RECORD).exists():
        raise ModelError(f"{folder} is not a model bundle: it has no {RECORD}.", WHAT)
    data = read_record(folder / RECORD, ModelError, "Make the bundle again, or get it again.")
    version = data.at("format_version").whole(1)
    if version > FORMAT_VERSION:
        raise ModelError(
            f"The bundle {folder} has format {version}, this version reads {FORMAT_VERSION}.",
            "Update splice_meta.",
        )
    digests = data.find(DIGESTS)
    if digests is not None:
        _check_record(folder, data, digests)
    elif any(isinstance(e.value, dict) and RECORD in e.value for e in data.fields().values()):
        raise _changed(folder, RECORD)  # digests under another name
    kind = cast(MemberKind, data.at("kind").one_of(KINDS))
    classes = data.at("classes").texts()
    if sorted(classes) != sorted(CLASSES):
        data.at("classes").refuse(f"{', '.join(CLASSES)} in the order of the model's outputs")
    listed = data.at("combination") if kind == "combination" else None
    combination = read_member(listed) if listed else None
    names = booster_files(kind, classes, combination)
    files = {name: read_model_file(folder / name) for name in names}
    if digests is not None:
        _check_files(folder, digests, files, [*names, MANIFEST])
    manifest = load_manifest(folder / MANIFEST)
    boosters, sound = load_boosters(
        {str(folder / name): held for name, held in files.items()}, trial=digests is None
    )
    _check_kinds(folder, combination or Member(kind=kind), sound)
    return MetaModel(
        manifest=manifest,
        boosters=tuple(name_features(b, manifest, folder, kind == "combination") for b in boosters),
        classes=classes,
        combination=combination,
        source=source,
        has_digests=digests is not None,
        metadata=_metadata(folder, data),
        parts=_read_parts(folder, source, data.find(PARTS)),
        **_stated(data, kind),
    )


def _read_parts(folder: Path, source: str, listed: Entry | None) -> tuple[MetaModel, ...]:
    """The models for some of the base models only."""
    parts = []
    for number, digest in enumerate(listed.items() if listed else (), start=1):
        part = f"{PART}{number}"
        model = read_bundle(folder / part, f"{source}/{part}")
        if model.digest() != digest.text():
            raise _changed(folder / part, RECORD)
        parts.append(model)
    return tuple(parts)


def _stated(data: Entry, kind: ModelKind) -> dict[str, Any]:
    """What ``bundle.json`` says of a model beside its trees."""
    margin = data.find("margin")
    base_models, genes = data.find("base_models"), data.find("training_genes")
    return {
        "kind": kind,
        "margin": _read_margin(margin) if margin else None,
        "calibration": read_calibration(data.find("calibration")),
        "base_models": base_models.texts() if base_models else (),
        "training_genes": genes.texts() if genes else (),
    }


def _read_margin(data: Entry) -> Margin:
    weights = data.find("weights")
    return Margin(
        floor=data.at("floor").number(LEAST_FLOOR, MOST_FLOOR),
        weights=weights.numbers(0, 1) if weights else (),
    )


def _metadata(folder: Path, data: Entry) -> dict[str, Any]:
    found = {name: each.value for name, each in data.fields().items() if name not in _OWN}
    if not (folder / CARD).exists():
        return found
    card = read_record(folder / CARD, ModelError, "Make the bundle again, or remove the card.")
    card.fields()
    return {**found, "card": card.value}


def _check_kinds(folder: Path, member: Member, sound: list[Soundness]) -> None:
    left = iter(sound)
    for leaf in member.leaves():
        if leaf.kind == "multiclass":
            check_outputs(next(left), str(folder), ("multi:softprob",), 3)
        else:
            for _ in CLASSES:
                check_outputs(next(left), str(folder), ("binary:logistic",), 1)


def _check_record(folder: Path, data: Entry, digests: Entry) -> None:
    """Refuse a ``bundle.json`` that says something else than when it was saved."""
    said = {name: entry.value for name, entry in data.fields().items() if name != DIGESTS}
    if digests.at(RECORD).text() != digest_of(said):
        raise _changed(folder, RECORD)


def _check_files(
    folder: Path, digests: Entry, read: Mapping[str, bytes], needed: list[str]
) -> None:
    """Refuse files that are not as they were saved.

    Args:
        folder: The bundle.
        digests: Digests by file name.
        read: What was read already.
        needed: The files that must be among them.
    """
    for name in needed:
        digests.at(name)
    for name, digest in digests.fields().items():
        if name == RECORD:
            continue
        if Path(name).name != name:
            digest.refuse("the digest of a file in the bundle")
        data = read[name] if name in read else read_model_file(folder / name)
        if hashlib.sha256(data).hexdigest() != digest.text():
            raise _changed(folder, name)


def _changed(folder: Path, name: str) -> ModelError:
    return ModelError(
        f"{folder / name} is not what it was when the bundle was saved: its SHA-256 differs.",
        f"Get the bundle again. If you changed it on purpose, remove {DIGESTS} from {RECORD}.",
    )
