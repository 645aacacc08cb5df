"""How much of the genes' sequence is known: the share of N and of letters that are not bases."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from splice_meta.errors import InputError
from splice_meta.reference.sequence import Genome

log = logging.getLogger("splice_meta")

_OF_ALL = 0.01
"""The share of all genes' letters from which on it is a warning."""
_OF_ONE = 0.2
"""The share of one gene's letters from which on it is a warning."""


def say_unknown_bases(genome: Genome, genes: Iterable[tuple[str, str, int, int]]) -> None:
    """Say how many letters of some genes are not bases; as a warning where it is notable.

    What lies beyond the FASTA does not count.

    Args:
        genome: The sequence.
        genes: Id, the FASTA's name of the chromosome, first and last position of each.
    """
    total, unknown, others, bad = 0, 0, 0, []
    for gene, chrom, start, end in genes:
        try:
            there, of_n, of_others = genome.letters(chrom, start, end)
        except InputError:  # said where the gene is read in earnest: it must not stop the others
            continue
        total, unknown, others = total + there, unknown + of_n, others + of_others
        if of_n + of_others > _OF_ONE * there:
            bad.append(gene)
    if not unknown + others:
        return
    share = (unknown + others) / total
    told = (
        f"{genome.source}: {unknown:,} of the genes' {total:,} letters are N "
        f"({_percent(unknown / total)})"
    )
    told += f" and {others:,} are other letters that count as N" * bool(others)
    if not bad and share < _OF_ALL:
        log.info("%s.", told)
        return
    if bad:
        told += f"; more than {_OF_ONE:.0%} in {len(bad):,} genes, first {bad[0]}"
    log.warning(
        "%s. Scores and features there mean little; if the sequence is masked, give the unmasked "
        "one.", told,
    )  # fmt: skip


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%" if share >= 0.001 else "below 0.1%"
