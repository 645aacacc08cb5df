"""Names of chromosomes: which name of one file is meant by which of another.

``chr1``, ``Chr1``, ``1`` and ``NC_000001.11`` are one chromosome, ``chrM``, ``MT`` and
``NC_012920.1`` another. The numbers are those of human chromosomes; any other name (scaffolds,
alternate loci, accessions of other species) is matched by itself, with or without ``chr``.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from splice_meta.errors import InputError

_ACCESSION = re.compile(r"NC_(\d{6})(?:\.\d+)?", re.IGNORECASE)
_HUMAN = {f"{number:06}": str(number) for number in range(1, 23)} | {
    "000023": "X", "000024": "Y", "012920": "M",
}  # fmt: skip
_SHORT = {name: name for name in _HUMAN.values()} | {"MT": "M"}


def match_chroms(wanted: Collection[str], available: Collection[str]) -> dict[str, str]:
    """Find the available name that is meant by each wanted one.

    The same name wins; then the name that differs only in ``chr`` in front; then another name of
    the same human chromosome. Two accessions that differ in their version are two sequences (of
    two assemblies) and do not match.

    Args:
        wanted: Names to look for, for example those of the scores.
        available: Names to choose from, for example those of a FASTA.

    Returns:
        The available name by the wanted one; names without a match are not in it.

    Raises:
        InputError: If two available names fit a wanted one equally well.
    """
    by_rest: dict[str, set[str]] = {}
    by_meaning: dict[str, set[str]] = {}
    for name in available:
        by_rest.setdefault(_without_chr(name), set()).add(name)
        by_meaning.setdefault(_meaning(name), set()).add(name)
    matches = {}
    for name in dict.fromkeys(wanted):
        if name in by_rest.get(_without_chr(name), ()):
            matches[name] = name
            continue
        meant = by_meaning.get(_meaning(name), set())
        fitting = by_rest.get(_without_chr(name)) or {
            other for other in meant if not _differ_in_version(name, other)
        }
        if len(fitting) > 1:
            first, second = sorted(fitting)[:2]
            raise InputError(
                f"The chromosome {name!r} could be {first!r} or {second!r}; both are there.",
                f"Leave one of the two out, or use the name {first!r} on both sides.",
            )
        if fitting:
            matches[name] = next(iter(fitting))
    return matches


def no_match_error(
    wanted: Collection[str], available: Collection[str], wanted_in: str, available_in: str
) -> InputError:
    """The error for two files that have no chromosome in common.

    Args:
        wanted: Names that were looked for.
        available: Names there were to choose from.
        wanted_in: What the wanted names are from: ``annotation``, ``scores``, ``FASTA``.
        available_in: What the available names are from.

    Returns:
        The error, to be raised; it shows an example of either side.
    """
    for names, side in ((available, available_in), (wanted, wanted_in)):
        if not names:
            return InputError(
                f"The {side} names no chromosome.", f"Check that the {side} is complete."
            )
    return InputError(
        f"The {available_in}'s chromosomes are named like {_example(available)!r}, the "
        f"{wanted_in}'s like {_example(wanted)!r}, and none is in both.",
        "Give files of the same genome, or rename one side; chr1, 1 and NC_000001.11 count as one.",
    )


def _example(names: Collection[str]) -> str:
    """A name that shows the style: a human chromosome if there is one, else the first."""
    return next((name for name in names if _meaning(name) in _HUMAN.values()), next(iter(names)))


def _without_chr(name: str) -> str:
    return name[3:] if name[:3].lower() == "chr" else name


def _meaning(name: str) -> str:
    """The human chromosome that is meant, or the name without ``chr`` if it is none."""
    accession = _ACCESSION.fullmatch(name)
    if accession and accession[1] in _HUMAN:
        return _HUMAN[accession[1]]
    rest = _without_chr(name)
    return _SHORT.get(rest.upper(), rest)


def _differ_in_version(name: str, other: str) -> bool:
    both_accessions = _ACCESSION.fullmatch(name) and _ACCESSION.fullmatch(other)
    return bool(both_accessions) and "." in name and "." in other and name.lower() != other.lower()


def styled(name: str, style: str) -> str:
    """A chromosome's name in another style.

    Args:
        name: As a file has it.
        style: ``as-is``; ``ucsc`` (``chr1``, ``chrX``, ``chrM``) or ``ensembl`` (``1``, ``X``,
            ``MT``). Names that are no chromosome's by either style stay as they are.
    """
    meant = _meaning(name)
    is_main = meant in _HUMAN.values() or meant.isdigit() or meant in ("W", "Z")
    if style == "as-is" or not is_main:
        return name
    if style == "ucsc":
        return f"chr{meant}"
    return "MT" if meant == "M" else meant
