"""The files of a base model's weights."""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

from splice_meta.base_models.network import Ensemble, Network
from splice_meta.errors import InputError
from splice_meta.files.stores import refuse_pipe


def weight_files(weights: str | Path, suffix: str) -> list[Path]:
    """The weight files of a folder in name order, or the one file that is given.

    Args:
        weights: Folder or file.
        suffix: How weight files end, such as ``.pt``.

    Raises:
        InputError: If there is none.
    """
    place = Path(weights).expanduser()
    refuse_pipe(place)
    if place.is_file():
        return [place]
    if not place.is_dir():
        raise InputError(f"There is no folder of weights {weights}.", "Check --weights.")
    files = sorted(file for file in place.iterdir() if file.suffix == suffix)
    for file in files:
        refuse_pipe(file)
    if not files:
        raise InputError(
            f"The folder {weights} holds no weights.", f"Weight files end in {suffix}."
        )
    return files


def read_ensemble(
    files: Sequence[Path],
    read: Callable[[Path], Network],
    label: str,
    hint: str,
    context: int | None = None,
    groups: Sequence[int] | None = None,
) -> Ensemble:
    """Read the networks of a base model.

    Args:
        files: A network each.
        read: Reads one; whatever it raises says why a file holds none.
        label: Whose networks they are.
        hint: What to do where a file holds none.
        context: What they must see; None where they only have to agree.
        groups: Of each the mean it goes into; one for all if None.

    Raises:
        InputError: If a file holds no such network, or networks of several contexts are mixed.
    """
    networks = []
    for file in files:
        try:
            network = read(file)
            if context is not None and network.context != context:
                raise ValueError(f"it sees a context of {network.context:,}, not {context:,}")
        except Exception as error:  # h5py and damaged files have many
            why = reason_of(error)
            raise InputError(f"{file} holds no {label} network: {why}.", hint) from None
        networks.append(network)
    if len({network.context for network in networks}) > 1:
        pairs = zip(files, networks, strict=True)
        listed = ", ".join(f"{file.name}: {network.context:,}" for file, network in pairs)
        raise InputError(
            f"{files[0].parent} holds networks of several contexts ({listed}).",
            "Put the networks of one context into a folder of their own.",
        )
    return Ensemble(tuple(networks), tuple(groups or [0] * len(networks)))


def reason_of(error: Exception) -> str:
    """The first line of what a library says of a file, cut short, without its full stop."""
    said = (str(error).strip() or type(error).__name__).splitlines()[0]
    return textwrap.shorten(said, 160).rstrip(" .:")


def digest_of(files: Sequence[Path]) -> str:
    """SHA-256 over the bytes of all files, in order."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
