"""Writing a bundle: its files, and last the record with their digests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from splice_meta.errors import ModelError, OutputError
from splice_meta.files.digests import digest_of
from splice_meta.files.records import read_record
from splice_meta.model.members import Member

FORMAT_VERSION = 1
RECORD = "bundle.json"
MANIFEST, LIST = "feature_manifest.json", "feature_manifest.csv"
CARD = "evaluation_card.json"
"""The file of a bundle that says how good the model is; ``metadata["card"]`` in memory."""
PART, PARTS = "part-", "parts"
"""The folders of bundles for some of the base models only, numbered from 1; and where the record
has the digest of each one's model."""
DIGESTS = "sha256"
"""Where the record has the digests."""
WHAT = "A bundle is a directory with bundle.json, a model file and a feature manifest."


def booster_files(
    kind: str, classes: Sequence[str], combination: Member | None = None
) -> list[str]:
    """The names of the files of a model's boosters."""
    if combination is not None:
        return combination.files(count())
    return ["model.ubj"] if kind == "multiclass" else [f"{name}.ubj" for name in classes]


def write_bundle(folder: Path, files: Mapping[str, bytes], record: Mapping[str, Any]) -> Path:
    """Write a bundle.

    Args:
        folder: A directory that does not exist yet, or an empty one.
        files: Its files by name.
        record: What ``bundle.json`` says beside the version of the format and the digests.

    Raises:
        OutputError: If something already exists.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{folder} already exists.", "Give a new directory.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be made: {error.strerror}.", "Check the path and the permissions."
        ) from None
    try:
        for name, data in files.items():
            (folder / name).write_bytes(data)
        # Last: a directory without bundle.json is not a bundle.
        _write_record(folder, {"format_version": FORMAT_VERSION, **record})
    except OSError as error:
        for each in folder.iterdir():  # it was empty
            each.unlink()
        raise OutputError(
            f"{folder} cannot be written: {error.strerror}.", "Check the free space."
        ) from error
    return folder


def write_digests(folder: Path) -> None:
    """Give a bundle the digests of its files as they are now.

    For whoever changes a bundle on purpose: after that it is what was saved.

    Args:
        folder: The bundle.

    Raises:
        ModelError: If it has no ``bundle.json`` that can be read.
    """
    found = read_record(folder / RECORD, ModelError, WHAT).fields()
    _write_record(folder, {name: entry.value for name, entry in found.items()})


def _write_record(folder: Path, data: Mapping[str, Any]) -> None:
    said = {name: value for name, value in data.items() if name != DIGESTS}
    # What JSON makes of it (lists of tuples, say) is what the reader takes the digest of.
    digests = {RECORD: digest_of(json.loads(json.dumps(said)))}
    for path in sorted(folder.iterdir()):
        if path.name != RECORD and path.is_file():
            digests[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / RECORD).write_text(json.dumps({**said, DIGESTS: digests}, indent=1) + "\n")
