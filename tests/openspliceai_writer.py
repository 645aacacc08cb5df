"""OpenSpliceAI's own prediction code run with a network whose scores can be told from the bases.

The files in ``openspliceai/`` are made so from its ``genome.fa`` with ``genes.gff`` (``placed``)
and from ``plain.fa`` (``plain``). ``naive_scores`` says what the network gives, without
OpenSpliceAI.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

BLOCK = 5000
CONTEXT = 80
COMPLEMENT = {"A": "T", "C": "G", "G": "C", "T": "A", "N": "N"}
LOW = 1e-8


def naive_scores(bases: str) -> list[tuple[float, float, float]]:
    """Donor, acceptor, neither of each base, as the planted network gives them."""
    scores = []
    for i, base in enumerate(bases):
        extra = 0.05 * "ACGT".find(base) if base in "ACGT" else 0.0
        donor = 0.6 + extra if bases[i + 1 : i + 3] == "GT" else 0.0
        acceptor = 0.55 + extra if i >= 2 and bases[i - 2 : i] == "AG" else 0.0
        if donor and acceptor:
            donor, acceptor = 0.4 * donor, 0.4 * acceptor
        if base == "N" and i >= 4 and bases[i - 4] == "T":
            donor, acceptor = 0.9, 0.0
        scores.append((donor, acceptor, 1.0 - donor - acceptor))
    return scores


def read_fasta(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in path.read_text().splitlines():
        if line.startswith(">"):
            name = line[1:]
            found[name] = ""
        else:
            found[name] += line
    return found


def transcript(bases: str, strand: str) -> str:
    return "".join(COMPLEMENT[b] for b in reversed(bases)) if strand == "-" else bases


def planted_network() -> Any:
    """A network whose scores follow from two neighbouring bases, and which scores padding, too."""
    import torch

    def network(x: Any) -> Any:
        def at(shift: int, letter: int | None = None) -> Any:
            half = CONTEXT // 2
            window = x[:, :, half + shift : half + shift + BLOCK]
            return window.sum(1) == 0 if letter is None else window[:, letter] == 1

        extra = sum(0.05 * code * at(0, code) for code in range(4))
        is_donor, is_acceptor = at(1, 2) & at(2, 3), at(-2, 0) & at(-1, 2)
        donor = torch.where(is_donor, 0.6 + extra, LOW)
        acceptor = torch.where(is_acceptor, 0.55 + extra, LOW)
        both = torch.where(is_donor & is_acceptor, 0.4, 1.0)
        donor, acceptor = donor * both, acceptor * both
        behind_the_end = at(0) & at(-4, 3)
        donor = torch.where(behind_the_end, 0.9, donor)
        acceptor = torch.where(behind_the_end, LOW, acceptor)
        return torch.stack([1 - donor - acceptor, acceptor, donor], 1).to(torch.float32)

    network.eval = lambda: None  # type: ignore[attr-defined]
    return network


def load_package(monkeypatch: Any) -> ModuleType:
    """openspliceai.predict.predict, with stand-ins for what it only draws and logs with."""
    import importlib

    class Bar:
        def __init__(self, items: Any, **_: Any) -> None:
            self.items = items

        def __iter__(self) -> Any:
            return iter(self.items)

        def update(self, *_: Any) -> None: ...

        def close(self) -> None: ...

    for name, attributes in (("tqdm", {"tqdm": Bar}), ("psutil", {"Process": None})):
        if name not in sys.modules:
            stand_in = ModuleType(name)
            vars(stand_in).update(attributes)
            monkeypatch.setitem(sys.modules, name, stand_in)
    return importlib.import_module("openspliceai.predict.predict")


def flush(predictions: Any, path: str) -> None:
    """Append blocks to ``predictions``; the package's own function fails with torch 2.13."""
    import h5py

    with h5py.File(path, "a") as file:
        if "predictions" not in file:
            shape = tuple(predictions.shape[1:])
            file.create_dataset("predictions", (0, *shape), "f4", maxshape=(None, *shape))
        held = file["predictions"]
        held.resize(held.shape[0] + len(predictions), axis=0)
        held[-len(predictions) :] = predictions.numpy()


def run_package(
    package: ModuleType,
    folder: Path,
    fasta: Path,
    gff: Path | None,
    *,
    predict_all: bool = True,
    split: int = 1_500_000,
    flank: int = CONTEXT // 2,
) -> Path:
    """What ``openspliceai predict`` does, step by step, without loading a model's weights."""
    import torch

    vars(package)["flush_predictions"] = flush
    folder.mkdir(parents=True, exist_ok=True)
    base = f"{folder}/SpliceAI_{BLOCK}_{CONTEXT}/"
    Path(base).mkdir()
    source = fasta
    if gff is not None:
        source = package.process_gff(str(fasta), str(gff), base, gene_flank=flank)
    data, names, sequences = package.get_sequences(
        str(source), base, CONTEXT, hdf_threshold_len=0, split_fasta_threshold=split
    )
    dataset, lengths = package.convert_sequences(data, base, BLOCK, CONTEXT, 2, SEQ=sequences)
    device, models = torch.device("cpu"), [planted_network()]
    if predict_all:
        scores = package.get_prediction(models, dataset, device, 2, base)
        package.generate_bed(scores, names, lengths, base, threshold=1e-6)
    else:
        package.predict_and_write(models, dataset, device, 2, names, lengths, base, threshold=1e-6)
    return Path(base)
