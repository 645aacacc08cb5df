"""How long chromosomes are: from a file, the FASTA, the annotation, or else the genes."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from splice_meta.errors import InputError, SpliceMetaError
from splice_meta.files.packed import blocks
from splice_meta.files.stores import refuse_pipe
from splice_meta.reference.chrom_names import match_chroms
from splice_meta.reference.reference import Reference

log = logging.getLogger("splice_meta")

_LINE = re.compile(r"([^\t ]+)[\t ]+(\d+)(?:[\t ].*)?")
_LARGEST = 2**32 - 1
_HINT = "Give lines of name, tab, bases: UCSC's chrom.sizes or a FASTA index (.fai)."


def chrom_sizes(
    ends: Mapping[str, int], file: str | Path | None, reference: Reference | None
) -> dict[str, int]:
    """The bases of each chromosome that the genes lie on.

    A file counts before the FASTA, the FASTA before the annotation. An annotation tells no sizes
    but the ends of its genes; what is taken from it, or from the genes themselves, is said.

    Args:
        ends: The last position of the genes by chromosome, 1-based.
        file: Names and sizes, or None.
        reference: Annotation and sequence, or None.

    Raises:
        InputError: If the file cannot be used, lacks a chromosome, or a gene ends behind one.
    """
    if file is not None:
        known, said_in = read_sizes(Path(file).expanduser()), str(file)
    elif reference is not None and reference.genome is not None:
        known, said_in = reference.genome.sizes(), reference.genome.source
    else:
        known, said_in = {}, ""
    names = match_chroms(ends, known)
    lacking = [chrom for chrom in ends if chrom not in names]
    if lacking and file is not None:
        raise InputError(
            f"{file} has no chromosome {lacking[0]}, on which genes lie.",
            "Give the sizes of the assembly that was scored; chr1, 1 and NC_000001.11 count as "
            "one.",
        )
    for chrom, name in names.items():
        if ends[chrom] > known[name]:
            raise InputError(
                f"Genes on {chrom} reach to position {ends[chrom]:,}; in {said_in} it has "
                f"{known[name]:,} bases.",
                "Give the sizes of the assembly that was scored.",
            )
    if lacking:
        log.warning(
            "The sizes of some chromosomes are not known (%d, first %s); the end of the last gene "
            "counts as theirs. Give a file of sizes.", len(lacking), lacking[0],
        )  # fmt: skip
    annotated = _annotated_ends(lacking, reference)
    return {
        chrom: known[names[chrom]] if chrom in names else max(end, annotated.get(chrom, 0))
        for chrom, end in ends.items()
    }


def _annotated_ends(chroms: list[str], reference: Reference | None) -> dict[str, int]:
    """The end of each chromosome's last annotated gene."""
    if reference is None or reference.annotation is None or not chroms:
        return {}
    last = reference.annotation.genes.group_by("chrom").agg(pl.col("gene_end").max())
    found = dict(last.iter_rows())
    return {chrom: int(found[name]) for chrom, name in match_chroms(chroms, found).items()}


def read_sizes(path: Path) -> dict[str, int]:
    """Names and sizes of chromosomes from a file: a name and a number in each line.

    Args:
        path: Plain or packed text, such as UCSC's ``hg38.chrom.sizes`` or a FASTA index.

    Raises:
        InputError: If it cannot be read or holds something else.
    """
    refuse_pipe(path)
    if not path.is_file():
        raise InputError(f"There is no file of sizes {path}.", _HINT)
    try:
        lines = b"".join(blocks(path)).decode("utf-8-sig").splitlines()
    except (SpliceMetaError, UnicodeDecodeError):
        raise InputError(f"The file of sizes {path} is not text in UTF-8.", _HINT) from None
    found: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.rstrip())
        size = int(match[2][:12]) if match else 0
        if match is None or not 0 < size <= _LARGEST:
            raise InputError(f"Line {number} of {path} does not hold a name and a size.", _HINT)
        if found.setdefault(match[1], size) != size:
            raise InputError(f"{path} has two sizes of {match[1]}.", _HINT)
    if not found:
        raise InputError(f"The file of sizes {path} names no chromosome.", _HINT)
    return found
