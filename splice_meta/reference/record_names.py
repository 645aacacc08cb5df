"""Names of FASTA records that say which slice of a chromosome they are."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass

log = logging.getLogger("splice_meta")

# samtools' names of slices and bedtools', which may have another name in front, and the strand.
_SLICE = re.compile(
    r"(?:(?P<name>.+)::)?(?P<chrom>.+):(?P<start>[\d,]+)-(?P<end>[\d,]+)"
    r"(?P<strand>\([-+.]\)|/rc)?",
    re.ASCII,
)


@dataclass(frozen=True)
class Place:
    """Where a record lies, from its name and length.

    Attributes:
        chrom: The chromosome.
        start: Its first position, 1-based.
        is_reverse: Whether it is the reverse complement.
        is_from_0: Whether the name counts from 0 and without its end.
        is_misfit: Whether the name gives a span that is not of the record's length.
    """

    chrom: str
    start: int
    is_reverse: bool = False
    is_from_0: bool = False
    is_misfit: bool = False


def place_of(name: str, length: int) -> Place:
    """Where a record lies; a whole chromosome where its name gives no span of its length."""
    match = _SLICE.fullmatch(name)
    if not match:
        return Place(name, 1)
    start, end = (int(match[side].replace(",", "") or 0) for side in ("start", "end"))
    is_reverse = match["strand"] in ("(-)", "/rc")
    if start >= 1 and length == end - start + 1:
        return Place(match["chrom"], start, is_reverse)
    if length and length == end - start:
        return Place(match["chrom"], start + 1, is_reverse, is_from_0=True)
    return Place(name, 1, is_misfit=length > 0)


def say_names(source: str, places: Mapping[str, Place]) -> None:
    """Warn of names that count from 0, and of those whose span is not the record's."""
    from_0 = [name for name, place in places.items() if place.is_from_0]
    misfits = [name for name, place in places.items() if place.is_misfit]
    if from_0:
        log.warning(
            "%s: the length of %d records fits their names only if these count from 0 and without "
            "their end, as bedtools does; the first base of %s is taken for position %d.",
            source, len(from_0), from_0[0], places[from_0[0]].start,
        )  # fmt: skip
    if misfits:
        log.warning(
            "%s: %d records are not as long as the span in their names, first %s; each counts as a "
            "chromosome of that very name.", source, len(misfits), misfits[0],
        )  # fmt: skip
