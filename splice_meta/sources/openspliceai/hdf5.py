"""OpenSpliceAI's ``predict.h5`` with the ``datafile.h5`` beside it as base scores.

``predictions`` has the shape (blocks, 3, 5000), its channels are neither, acceptor, donor. The
sequences of ``datafile.h5`` follow each other in it, each in as many blocks as it needs; what lies
behind its end in its last block is padding and not read. Only the blocks of the genes that are
read are in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from splice_meta.errors import InputError
from splice_meta.reference.bases import letters
from splice_meta.sources.openspliceai.by_gene import Piece, scan_pieces
from splice_meta.sources.openspliceai.names import parse_names, place_pieces

if TYPE_CHECKING:
    import h5py

CHANNELS = ("neither_score", "acceptor_score", "donor_score")
DATAFILE = "datafile.h5"


def scan_h5(files: Sequence[str], spans: pl.DataFrame | None = None) -> pl.LazyFrame:
    """Base scores, with bases, from OpenSpliceAI's HDF5 files.

    Args:
        files: One or more ``predict.h5``; each has its ``datafile.h5`` in its folder, which may be
            among the files, too.
        spans: Where genes lie, see :func:`splice_meta.sources.openspliceai.names.place_pieces`.

    Returns:
        See :func:`splice_meta.sources.openspliceai.by_gene.scan_pieces`; one row per nucleotide.

    Raises:
        InputError: If h5py is not installed, or a file is missing, no HDF5 file, cut off, or not
            that of the other.
    """
    predictions = [file for file in files if not _is_datafile(file)]
    if not predictions:
        raise InputError(
            f"{files[0]} holds sequences and no scores.",
            "Give the predict.h5 that openspliceai predict --predict-all writes next to it.",
        )
    pieces = [place_pieces(_sequences(file), spans, file) for file in predictions]
    return scan_pieces(pl.concat(pieces), _read, has_base=True)


def _open(file: str | Path) -> h5py.File:
    try:
        import h5py
    except ImportError:
        raise InputError(
            f"h5py is needed to read {file} and is not installed.",
            "Install it with: pip install 'splice_meta[openspliceai-files]'",
        ) from None
    try:
        return h5py.File(file, "r")
    except OSError as error:
        reason = str(error).strip().splitlines()[0][:200]
        raise InputError(
            f"{file} cannot be read: {reason}.", "Check that it is a whole HDF5 file."
        ) from None


def _is_datafile(file: str) -> bool:
    """Whether a file holds the sequences; refuses files that hold neither them nor scores."""
    with _open(file) as opened:
        if "predictions" not in opened and {"NAME", "SEQ"} <= set(opened):
            return True
        scores = _dataset(opened, "predictions", "f")
        shape: tuple[int, ...] = () if scores is None else scores.shape
        if len(shape) == 3 and shape[1] == len(CHANNELS) and shape[2] > 0:
            return False
    raise InputError(
        f"{file} has no dataset predictions of numbers, of the shape (blocks, 3, 5000).",
        "Give the predict.h5 of openspliceai predict --predict-all.",
    )


def _dataset(opened: h5py.File, name: str, kinds: str) -> h5py.Dataset | None:
    """A dataset of a file; None if there is none, or its type is of another kind."""
    import h5py

    try:
        found = opened[name]
    except (KeyError, OSError):  # nothing there, or a link to nothing
        return None
    is_right = isinstance(found, h5py.Dataset) and found.dtype.kind in kinds
    return found if is_right else None


def _texts(opened: h5py.File, name: str, file: Path) -> list[bytes]:
    """The texts of a dataset.

    Raises:
        InputError: If there is no such dataset, or it is not a list of texts, or cannot be read.
    """
    found = _dataset(opened, name, "SO")
    try:
        listed = list(found) if found is not None and found.ndim == 1 else [None]
    except OSError as error:
        reason = str(error).strip().splitlines()[0][:200]
        raise InputError(
            f"{name} of {file} cannot be read: {reason}.", "Check that the file is complete."
        ) from None
    encoded = [text.encode() if isinstance(text, str) else text for text in listed]
    texts = [text for text in encoded if isinstance(text, bytes)]
    if len(texts) < len(listed):
        raise InputError(
            f"{file} has no dataset {name} that is a list of texts.",
            "Give the files that openspliceai predict writes.",
        )
    return texts


def _sequences(file: str) -> pl.DataFrame:
    """The sequences of a file of scores: names, lengths, and where their blocks begin."""
    data = Path(file).parent / DATAFILE
    if not data.exists():
        raise InputError(
            f"There is no {DATAFILE} next to {file}.", "Keep both files of a run in one folder."
        )
    with _open(data) as opened:
        listed, sequences = (_texts(opened, name, data) for name in ("NAME", "SEQ"))
        if len(listed) != len(sequences) or not listed:
            raise InputError(
                f"{data} has no datasets NAME and SEQ of the same length.",
                "Give the files that openspliceai predict writes.",
            )
        try:
            names = [name.decode() for name in listed]
        except UnicodeDecodeError:
            raise InputError(
                f"A name of a sequence in {data} is not text in UTF-8.",
                "Give the files that openspliceai predict writes.",
            ) from None
        lengths = [len(sequence) for sequence in sequences]
    with _open(file) as opened:
        held, _, block = opened["predictions"].shape
    table = pl.DataFrame({"name": names, "bases": lengths}, schema_overrides={"bases": pl.Int64})
    blocks = (pl.col("bases") + block - 1) // block
    table = table.with_columns(
        blocks=blocks, row=pl.int_range(pl.len()), block=blocks.cum_sum() - blocks
    )
    needed = int(table["blocks"].sum())
    if needed != held:
        raise InputError(
            f"{file} has {held:,} blocks of scores, the sequences of {data} need {needed:,}.",
            "Give the files of one run of openspliceai predict, which must have ended.",
        )
    parsed = parse_names(table.with_columns(file=pl.lit(file)))
    other = parsed.filter(pl.col("length") != pl.col("bases"))
    if other.height:
        raise InputError(
            f"Sequence {other['name'][0]} of {data} has {other['bases'][0]:,} bases, its name says "
            f"{other['length'][0]:,} ({other.height:,} such sequences).",
            "Starts and ends in the names of sequences are 1-based and inclusive.",
        )
    return parsed.with_columns(length="bases").drop("bases")


def _read(piece: Piece) -> dict[str, Any]:
    """Scores and bases of a piece, from its own blocks."""
    first, stop = piece["first"], piece["stop"]
    with _open(piece["file"]) as opened:
        start = piece["block"]
        blocks = opened["predictions"][start : start + piece["blocks"]]
    with _open(Path(piece["file"]).parent / DATAFILE) as opened:
        bases = opened["SEQ"][piece["row"]][first:stop]
    # (blocks, 3, 5000) to (3, bases): the channels of a sequence one after the other.
    along = blocks.transpose(1, 0, 2).reshape(len(CHANNELS), -1)[:, first:stop]
    scores = {name: np.ascontiguousarray(along[i], np.float32) for i, name in enumerate(CHANNELS)}
    return {**scores, "base": letters(np.frombuffer(bases, np.uint8))}
