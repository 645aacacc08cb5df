"""Score files: which there are behind a path, and scanning each kind of them lazily."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from splice_meta.catalogue import GENOMIC
from splice_meta.contracts import OPTIONAL, canonical
from splice_meta.errors import ContractError, EngineError, InputError
from splice_meta.panics import plain_panics
from splice_meta.patterns import has_pattern
from splice_meta.sources.addresses import matching
from splice_meta.sources.layouts import to_contract_names
from splice_meta.sources.openspliceai.bed import scan_bed
from splice_meta.sources.openspliceai.hdf5 import DATAFILE, scan_h5
from splice_meta.sources.openspliceai.motif_check import SequenceOf
from splice_meta.sources.predictions import check_layouts
from splice_meta.stores import ObjectPath, Place, object_at, refuse_pipe

PARQUET = (".parquet", ".pq")
IPC = (".arrow", ".ipc", ".feather")
TEXT = {".csv": ",", ".tsv": "\t", ".txt": "\t"}
BED = (".bed",)
HDF5 = (".h5", ".hdf5")
COMPRESSED = (".gz", ".zst")

TEXT_TYPES: dict[str, type[pl.DataType]] = {
    "gene_id": pl.String, "gene_name": pl.String, "chrom": pl.String, "strand": pl.String,
    "base": pl.String, "splice_type": pl.String, "position": pl.Int64,
    "genomic_position": pl.Int64, "donor_score": pl.Float32, "acceptor_score": pl.Float32,
    "neither_score": pl.Float32, "donor_prob": pl.Float32, "acceptor_prob": pl.Float32,
    "neither_prob": pl.Float32, **{name: pl.Float64 for name in GENOMIC if name != "chrom"},
}  # fmt: skip
"""Types of the columns of text files; a guess from the first rows would take chrom for a number."""


def files_of(source: Any) -> tuple[str, ...]:
    """The files behind paths, globs, directories and addresses; none for a frame."""
    if isinstance(source, (str, Path)):
        return tuple(_expand(str(source)))
    if isinstance(source, (list, tuple)) and all(isinstance(s, (str, Path)) for s in source):
        return tuple(file for item in source for file in _expand(str(item)))
    return ()


def scan_files(
    files: Sequence[str], spans: pl.DataFrame | None = None, sequence: SequenceOf | None = None
) -> pl.LazyFrame:
    """Canonical scores of all files: one scan where their schemas agree, else one per file.

    Args:
        files: Paths or addresses, from :func:`files_of`.
        spans: Where genes lie, for OpenSpliceAI's own files; see
            :func:`splice_meta.sources.openspliceai.names.place_pieces`.
        sequence: The reference, for OpenSpliceAI's BED files; see
            :func:`splice_meta.sources.openspliceai.bed.scan_bed`.
    """
    if reads_by_gene(files):
        if all(_suffix(file) in BED for file in files):
            return canonical(scan_bed([_absolute(file) for file in files], spans, sequence))
        if all(_suffix(file) in HDF5 for file in files):
            return canonical(scan_h5([_absolute(file) for file in files], spans))
        raise InputError(
            "OpenSpliceAI's files are given together with others.", "Give files of one kind."
        )
    scans = [_scan_kind([file], _kind(file)) for file in files]
    if _agree(files, scans):
        return canonical(to_contract_names(_scan_kind(list(files), _kind(files[0]))))
    check_layouts(scans, files)
    parts = [canonical(to_contract_names(scan)) for scan in scans]
    names = [part.collect_schema().names() for part in parts]
    for name in OPTIONAL:
        with_it = [file for file, listed in zip(files, names, strict=True) if name in listed]
        if 0 < len(with_it) < len(files):
            without = next(file for file in files if file not in with_it)
            raise ContractError(
                f"{without} has no column {name}, {with_it[0]} has one.",
                "Give tables with the same columns.",
            )
    return pl.concat(parts, how="diagonal_relaxed")


def _agree(files: Sequence[str], scans: Sequence[pl.LazyFrame]) -> bool:
    """Whether one scan can read all files: one kind, the same columns and types."""
    first, *others = (scan.collect_schema() for scan in scans)
    return len({_kind(file) for file in files}) == 1 and all(first == other for other in others)


def scan_unchanged(files: Sequence[str]) -> pl.LazyFrame:
    """The rows of all files with all columns as they are; canonical where the files' differ.

    Args:
        files: Paths or addresses, from :func:`files_of`.

    Raises:
        InputError: For OpenSpliceAI's own files, which are read gene by gene in any case.
    """
    if reads_by_gene(files):
        raise InputError(
            "OpenSpliceAI's BED and HDF5 files need no sorting.", "Give them to run as they are."
        )
    if _agree(files, [_scan_kind([file], _kind(file)) for file in files]):
        return _scan_kind(list(files), _kind(files[0]))
    return scan_files(files)


def reads_by_gene(files: Sequence[str]) -> bool:
    """Whether a filter on ``gene_id`` saves more reading than a slice: OpenSpliceAI's files."""
    return any(_suffix(file) in (*BED, *HDF5) for file in files)


def _expand(item: str) -> list[str]:
    """The files behind one path, glob, directory or address, in name order."""
    place = object_at(item)
    if place is not None:
        return _known_objects(place)
    if "://" in item:  # what else Polars can scan
        return [item]
    path = Path(item).expanduser()
    if path.is_dir():
        theirs = _openspliceai_output(path)
        if theirs:
            return theirs
        files = sorted(str(file) for file in path.iterdir() if _is_known(file))
        if not files:
            raise InputError(
                f"The directory {item} holds no score files.",
                "Score files end in .parquet, .arrow, .csv or .tsv (also .gz or .zst), or are "
                "OpenSpliceAI's predict.h5 or *_predictions.bed.",
            )
        return files
    if path.exists():
        refuse_pipe(path)
        return [str(path)]
    if any(letter in item for letter in "*?["):
        anchor = Path(path.anchor) if path.is_absolute() else Path()
        pattern = str(path.relative_to(anchor)) if path.is_absolute() else str(path)
        files = sorted(str(file) for file in anchor.glob(pattern) if file.is_file())
        if files:
            return files
        raise InputError(f"No file matches {item}.", "Check the pattern; quote it in a shell.")
    raise InputError(f"There is no file {item}.", "Check the path given as scores.")


def _known_objects(place: ObjectPath) -> list[str]:
    """The score files behind an address, in name order."""
    if has_pattern(place.key):
        found = matching(place)
    elif place.is_file():
        found = [place]
    else:
        found = [each for each in place.objects() if _suffix(each.name) in (*PARQUET, *IPC, *TEXT)]
    if not found:
        raise InputError(
            f"There is no object {place} with base scores.",
            "Check the address; in a folder, score files end in .parquet, .arrow, .csv or .tsv.",
        )
    for each in found:
        if _suffix(each.name) in (*BED, *HDF5):
            raise InputError(
                f"{each} can only be read from a local folder.",
                "Copy OpenSpliceAI's output here, or give its scores as Parquet, CSV or TSV.",
            )
    return [str(each) for each in found]


def _openspliceai_output(folder: Path) -> list[str]:
    """The score files in an output directory of OpenSpliceAI, or in its folder ``SpliceAI_...``.

    All scores (``predict.h5``) go before those above the threshold (BED).
    """
    for place in (folder, *sorted(folder.glob("SpliceAI_*_*"))):
        if (place / "predict.h5").is_file() and (place / DATAFILE).is_file():
            return [str(place / "predict.h5")]
        beds = [place / f"{label}_predictions.bed" for label in ("donor", "acceptor")]
        found = [str(bed) for bed in beds if bed.is_file()]
        if found:
            return found
    return []


def _absolute(file: str) -> str:
    """Where a file lies for a process in another folder, too, as a worker of a cluster may be."""
    return file if "://" in file else os.path.abspath(file)


def _suffix(name: str) -> str:
    suffixes = Path(name.split("?")[0]).suffixes
    if len(suffixes) > 1 and suffixes[-1].lower() in COMPRESSED:
        return suffixes[-2].lower()
    return suffixes[-1].lower() if suffixes else ""


def _is_known(file: Place) -> bool:
    return file.is_file() and _suffix(file.name) in (*PARQUET, *IPC, *TEXT)


def _kind(name: str) -> str:
    suffix = _suffix(name)
    if suffix in PARQUET or ("://" in name and suffix == ""):
        return "parquet"
    if suffix in IPC:
        return "ipc"
    if suffix in TEXT:
        return TEXT[suffix]
    raise InputError(
        f"{name} is of an unknown kind.",
        "Score files end in .parquet, .arrow, .csv or .tsv (also .gz or .zst), .bed or .h5.",
    )


def scan_file(path: Place) -> pl.LazyFrame | None:
    """A table file of a kind that scores may have; None for any other file.

    Raises:
        InputError: If it cannot be read.
    """
    return _scan_kind([str(path)], _kind(path.name)) if _is_known(path) else None


def _scan_kind(files: list[str], kind: str) -> pl.LazyFrame:
    places = [_absolute(file) for file in files]
    try:
        if kind == "parquet":
            # Other addresses than an object's may hold patterns or folders that Polars can list.
            unlisted = any("://" in file and object_at(file) is None for file in files)
            frame = pl.scan_parquet(places, glob=unlisted)
        elif kind == "ipc":
            frame = pl.scan_ipc(places, glob=False)
        else:
            frame = pl.scan_csv(
                places,
                separator=kind,
                null_values=["", "NA"],
                schema_overrides=TEXT_TYPES,
                infer_schema_length=10_000,
                glob=False,
            )
        with plain_panics():
            frame.collect_schema()
    except (pl.exceptions.PolarsError, EngineError, OSError) as error:
        reason = str(error).strip().splitlines()[0][:200]
        raise InputError(
            f"{files[0]} cannot be read: {reason}.", "Check the file's kind and that it is whole."
        ) from None
    return frame
