"""Pangolin: P(splice) by tissue, from the state_dicts of its repository.

Zeng and Li, Genome Biology 2022; GPL-3.0; trained on chromosomes 2, 4, 6, 8, 10 to 22, X and Y.
Twelve networks are read, ``final.R.M.3.v2``: replicates R 1, 2, 3 of heart (M 0), liver (2), brain
(4) and testis (6). Each has heads for all tissues; that of its own tissue counts, and the
replicates' mean.

What a network gives lies in 0.05 to 0.95, the values that it was trained on: a tissue's value is
(P - 0.05) / 0.9, no less than 0 and no more than 1, and P(splice) the mean over the tissues.
Whether a site is donor or acceptor Pangolin does not say. Here the neighbouring bases do: P(splice)
is that of a donor where the next two on the strand are GT, GC or AT, that of an acceptor where the
two before are AG or AC, and half of each where both or neither hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from splice_meta.base_models.engines import MakeEngine
from splice_meta.base_models.network import Network, build
from splice_meta.base_models.network_model import NetworkModel
from splice_meta.base_models.protocol import LETTERS
from splice_meta.base_models.state_dict import named_parts, read_state_dict
from splice_meta.base_models.weights import digest_of, read_ensemble
from splice_meta.errors import InputError, UsageError

TISSUES = ("heart", "liver", "brain", "testis")
COLUMNS = tuple(f"pangolin_{tissue}" for tissue in TISSUES)
EPSILON = 1e-5
LOW, HIGH = 0.05, 0.95
DONOR_AFTER = ("GT", "GC", "AT")
ACCEPTOR_BEFORE = ("AG", "AC")
_FILE = re.compile(r"final\.(\d+)\.([0246])\.3\.v2")
_UNIT = {"bn1": "norm1", "bn2": "norm2", "conv1": "first", "conv2": "second"}


def load_pangolin(
    weights: str | Path | None, make_engine: MakeEngine, tissues: bool = False
) -> NetworkModel:
    """Pangolin's networks.

    Args:
        weights: Folder with the files ``final.R.M.3.v2``; of each tissue as many.
        make_engine: What runs them.
        tissues: Also give the tissues' values, as columns ``pangolin_heart`` ...

    Raises:
        UsageError: If no weights are given.
        InputError: If a tissue has no network, or a file holds none.
    """
    if weights is None:
        raise UsageError(
            "Pangolin needs its weights.",
            "Give --weights FOLDER with the files final.1.0.3.v2 ... of its repository.",
        )
    files = _files(Path(weights).expanduser())
    groups = [_tissue(file) for file in files]
    ensemble = read_ensemble(
        files, _read, "Pangolin", "Give the files of Pangolin's repository as they are.",
        groups=groups,
    )  # fmt: skip
    extras = COLUMNS if tissues else ()
    return NetworkModel(
        "pangolin", ensemble, digest_of(files), make_engine, _reader(bool(extras)), extras
    )


def _files(folder: Path) -> list[Path]:
    listed = sorted(folder.iterdir()) if folder.is_dir() else []
    files = [file for file in listed if _FILE.fullmatch(file.name)]
    counts = [sum(_tissue(file) == number for file in files) for number in range(len(TISSUES))]
    if not all(counts) or len(set(counts)) > 1:
        said = ", ".join(f"{name} {n}" for name, n in zip(TISSUES, counts, strict=True))
        raise InputError(
            f"{folder} does not hold the same number of networks of each tissue ({said}).",
            "Give the folder with the files final.1.0.3.v2 ... final.3.6.3.v2.",
        )
    return files


def _tissue(file: Path) -> int:
    found = _FILE.fullmatch(file.name)
    assert found is not None
    return int(found[2]) // 2


def _read(file: Path) -> Network:
    state = read_state_dict(file)
    # The odd heads tell splice sites, in the order of the tissues; the even ones their usage.
    head = f"conv_last{2 * _tissue(file) + 1}"
    kept = {
        name: values
        for name, values in state.items()
        if not name.startswith("conv_last") or name.startswith(f"{head}.")
    }
    names = {"conv1": "entry", "skip": "skip.0", head: "head"}
    names |= {f"convs.{number}": f"skip.{number + 1}" for number in range(4)}
    names |= {
        f"resblocks.{number}.{theirs}": f"{number}.{ours}"
        for number in range(16)
        for theirs, ours in _UNIT.items()
    }
    network = build(named_parts(kept, names), EPSILON, slope=0.0)
    if network.outputs != 2:
        raise ValueError(f"its head {head} has {network.outputs} outputs, not 2")
    return network


def _reader(
    extras: bool,
) -> Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.float32]]:
    def read(means: NDArray[np.float32], sequences: NDArray[np.float32]) -> NDArray[np.float32]:
        # Of a head's two outputs the second is P(splice).
        tissues = np.clip((means[:, 1::2] - LOW) / (HIGH - LOW), 0, 1).transpose(0, 2, 1)
        splice = tissues.mean(axis=2)
        share = donor_share(sequences, splice.shape[1])
        parts = [splice * share, splice * (1 - share), 1 - splice]
        scores = np.stack(parts, axis=2)
        whole = np.concatenate([scores, tissues], axis=2) if extras else scores
        return np.ascontiguousarray(whole, dtype=np.float32)

    return read


def donor_share(sequences: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """The share of P(splice) that is a donor's, by the neighbouring bases: 1, 0.5 or 0.

    Args:
        sequences: Shape (batch, length + context, 4): one-hot A, C, G, T.
        length: Positions, in the middle of the sequences.

    Returns:
        Shape (batch, length).
    """
    half = (sequences.shape[1] - length) // 2
    codes = np.where(sequences.any(axis=2), sequences.argmax(axis=2), len(LETTERS))

    def hold(words: tuple[str, ...], first: int) -> NDArray[np.bool_]:
        start = half + first
        one, two = (codes[:, start + at : start + at + length] for at in (0, 1))
        pairs = [tuple(LETTERS.index(letter) for letter in word.encode()) for word in words]
        found: NDArray[np.bool_] = np.any([(one == a) & (two == b) for a, b in pairs], axis=0)
        return found

    donor, acceptor = hold(DONOR_AFTER, 1), hold(ACCEPTOR_BEFORE, -2)
    return np.where(donor == acceptor, 0.5, donor).astype(np.float32)
