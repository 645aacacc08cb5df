"""Folders of the older systems: which of their files hold the scores, and which hold them again."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from splice_meta.sources.kinds import PARQUET, TEXT, suffix_of
from splice_meta.sources.layouts import AGENTIC
from splice_meta.sources.text import words_of

log = logging.getLogger("splice_meta")

_FAMILIES = (
    r"nucleotide_scores",
    r"predictions",
    r"predictions_chunk_\d+.*",
    r"analysis_sequences_.*",
    r"(full_)?splice_positions_enhanced.*",
)
"""Names (without ending) of files that hold the same positions again: every position first."""

_SCORED = {"donor_score", "acceptor_score", *AGENTIC}


def scores_among(files: Sequence[Path]) -> list[Path]:
    """The files of a folder that hold scores, each position once.

    Tables without any column of scores, as other files of the older systems, are left out where
    others have one; so are the parts of a table that is there as a whole. Either is said.

    Args:
        files: Tables of a folder.
    """
    found = _without_other_tables(files)
    present = [name for name in _FAMILIES if any(_is_of(path, name) for path in found)]
    for family in present[1:]:
        again = [path for path in found if _is_of(path, family)]
        first = next(path for path in found if _is_of(path, present[0]))
        found = [path for path in found if path not in again]
        log.warning(
            "%s holds the positions of %s again, and is not read (%d such files).",
            again[0],
            first.name,
            len(again),
        )
    return found


def _is_of(path: Path, family: str) -> bool:
    return re.fullmatch(family, path.name.partition(".")[0]) is not None


def _without_other_tables(files: Sequence[Path]) -> list[Path]:
    scored = [path for path in files if _may_have_scores(path)]
    if not scored:
        return [*files]
    for path in files:
        if path not in scored:
            log.warning("%s is not a score table, and is not read.", path)
    return scored


def _may_have_scores(path: Path) -> bool:
    """Whether a table has a column of scores; what cannot be read may have one."""
    try:
        if suffix_of(path.name) in TEXT:
            names = words_of(path)
        elif suffix_of(path.name) in PARQUET:
            names = set(pl.read_parquet_schema(path))
        else:
            return True
    except Exception:  # told with its reason where it is read
        return True
    return not names or any(n in _SCORED or n.endswith((".donor_score", "_prob")) for n in names)
