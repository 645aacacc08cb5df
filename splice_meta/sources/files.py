"""Score files: which there are behind a path, and what kind each is by its name."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from splice_meta.contracts import REQUIRED, SCORES
from splice_meta.errors import InputError
from splice_meta.files.stores import object_at, refuse_pipe
from splice_meta.sources.addresses import known_objects
from splice_meta.sources.kinds import BED, HDF5, KNOWN_SUFFIXES, NOT_OURS, suffix_of
from splice_meta.sources.known_files import scores_among
from splice_meta.sources.layouts import AGENTIC
from splice_meta.sources.openspliceai.hdf5 import DATAFILE
from splice_meta.sources.text import words_of

log = logging.getLogger("splice_meta")

def files_of(source: Any) -> tuple[str, ...]:
    """The files behind paths, globs, directories and addresses; none for a frame."""
    if isinstance(source, (str, Path)):
        return tuple(_expand(str(source)))
    if isinstance(source, (list, tuple)) and all(isinstance(s, (str, Path)) for s in source):
        return tuple(file for item in source for file in _expand(str(item)))
    return ()


def reads_by_gene(files: Sequence[str]) -> bool:
    """Whether a filter on ``gene_id`` saves more reading than a slice: OpenSpliceAI's files."""
    return any(suffix_of(file) in (*BED, *HDF5) for file in files)


def _expand(item: str) -> list[str]:
    """The files behind one path, glob, directory or address, in name order."""
    place = object_at(item)
    if place is not None:
        return known_objects(place)
    if "://" in item:  # what else Polars can scan
        return [item]
    path = Path(item).expanduser()
    if path.is_dir():
        theirs = _openspliceai_output(path)
        if theirs:
            return theirs
        files = _in_folder(path)
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
        files = _matching(anchor, pattern)
        if files:
            return files
        raise InputError(f"No file matches {item}.", "Check the pattern; quote it in a shell.")
    raise InputError(f"There is no file {item}.", "Check the path given as scores.")


def _matching(anchor: Path, pattern: str) -> list[str]:
    """The files that a pattern means; hidden ones only where it says so, as in a shell."""
    files, last = [], Path(pattern).name
    for path in sorted(anchor.glob(pattern)):
        if path.is_file():
            if not path.name.startswith(NOT_OURS) or last.startswith(NOT_OURS):
                files.append(str(path))
        elif suffix_of(path.name) in KNOWN_SUFFIXES:
            log.warning("%s is not a plain file; it is not read.", path)
    return files


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


def _in_folder(folder: Path) -> list[str]:
    """The score tables that lie directly in a folder, in name order."""
    found: list[Path] = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(NOT_OURS):
            continue
        if suffix_of(path.name) not in KNOWN_SUFFIXES:
            if any(suffix.lower() in KNOWN_SUFFIXES for suffix in path.suffixes):
                log.warning("%s is of an unknown kind, and is not read.", path)
        elif not path.is_file():
            log.warning("%s is not a plain file; it is not read.", path)
        elif suffix_of(path.name) == ".txt" and not _is_text_table(path):
            log.warning("%s is not a score table, and is not read.", path)
        else:
            found.append(path)
    return [str(path) for path in scores_among(found)]


def _is_text_table(path: Path) -> bool:
    """Whether a ``.txt`` file seems to be a table: its first line names two columns of scores."""
    names = {*REQUIRED, *SCORES, *AGENTIC}
    return len(names & words_of(path)) > 1
