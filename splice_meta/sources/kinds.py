"""What kind a file with scores is, by its name."""

from __future__ import annotations

from pathlib import Path

PARQUET = (".parquet", ".pq")
IPC = (".arrow", ".ipc", ".feather")
TEXT = {".csv": ",", ".tsv": "\t", ".txt": "\t"}
BED = (".bed",)
HDF5 = (".h5", ".hdf5")
COMPRESSED = (".gz", ".zst", ".bgz")

KNOWN_SUFFIXES = (*PARQUET, *IPC, *TEXT)
"""Suffixes of score tables."""

NOT_OURS = (".", "~$")
"""How names begin of files that other programs leave in folders: hidden ones, among them those of
macOS (``._x.parquet``), and locks of Excel (``~$x.csv``)."""


def suffix_of(name: str) -> str:
    """The suffix that tells a file's kind, in small letters; a compressed file's is the one before.

    Args:
        name: Path, address or name.
    """
    suffixes = Path(name.split("?")[0]).suffixes
    if len(suffixes) > 1 and suffixes[-1].lower() in COMPRESSED:
        return suffixes[-2].lower()
    return suffixes[-1].lower() if suffixes else ""
