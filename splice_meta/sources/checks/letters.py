"""The letters of the column ``base``: bases, N, other letters, and what is not a letter."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from splice_meta.errors import ContractError
from splice_meta.texts import letters_of

BASES, N_CODE, OTHER = b"ACGT", 4, 5
_CODES = np.full(256, OTHER, np.uint8)
for _letters in (b"ACGTN", b"acgtn"):
    _CODES[np.frombuffer(_letters, np.uint8)] = range(5)
_CODES[[ord("U"), ord("u")]] = BASES.index(b"T")


def codes_of(letters: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """ASCII letters as 0 to 3 for A, C, G, T (or U), 4 for N, 5 for anything else."""
    # Translated as a text, in a tenth of the time of looking numbers up.
    return np.frombuffer(letters.tobytes().translate(_CODES.tobytes()), np.uint8)


def base_code() -> pl.Expr:
    """The same codes of the column ``base``."""
    return pl.col("base").map_batches(_codes, pl.UInt8, is_elementwise=True)


def _codes(bases: pl.Series) -> pl.Series:
    return pl.Series(bases.name, codes_of(letters_of(bases)))


AMBIGUOUS = "RYSWKMBDHVX"
"""IUPAC's letters for one of several bases; X masks one."""

NOTABLE = 0.01
"""Share of positions from which unknown bases are worth a warning."""


LETTERS = {"n_bases": N_CODE, "other_bases": OTHER}
"""What is counted of the bases, by its code: N, and what is neither that nor A, C, G, T or U."""


def judge_letters(runs: pl.DataFrame, scores: pl.LazyFrame) -> list[str]:
    """What is to be said of the bases.

    Args:
        runs: From :func:`splice_meta.sources.checks.runs.gene_runs`.
        scores: Canonical base scores; looked at again where there are other letters.

    Returns:
        A sentence, if the bases of a notable share of the positions are not known.

    Raises:
        ContractError: If values are not letters of nucleotides, or more than one letter.
    """
    if "other_bases" not in runs.columns:
        return []
    others = int(runs["other_bases"].sum())
    ambiguous = _ambiguous(scores) if others else 0
    unknown, total = int(runs["n_bases"].sum()) + others, int(runs["positions"].sum())
    if not unknown or unknown < NOTABLE * total:
        return []
    said = f" ({ambiguous:,} of them other letters than N)" if ambiguous else ""
    return [
        f"The bases of {unknown:,} of {total:,} positions ({unknown / total:.1%}) are not "
        f"known{said}; they count as no base in every feature of the sequence."
    ]


def _ambiguous(scores: pl.LazyFrame) -> int:
    """The rows whose base is an ambiguous letter; refuses what is not a letter of nucleotides."""
    base = pl.col("base")
    # Missing, as where the sequence ends, is as good as N.
    known = base.is_null() | base.str.contains(f"^(?i)[ACGTUN{AMBIGUOUS}]$")
    wrong = scores.filter(~known).select("gene_id", "base")
    first = wrong.head(1).collect()
    if first.height:
        count = wrong.select(pl.len()).collect().item()
        gene, value = first.row(0)
        raise ContractError(
            f"Column base of the base scores holds no letter of a nucleotide in {count:,} rows, "
            f"first {value!r} in gene {gene}.",
            "It holds one of A, C, G, T (or U) and N on each row; leave the column out if the "
            "bases are not known.",
        )
    is_ambiguous = base.str.contains(f"^(?i)[{AMBIGUOUS}]$")
    return int(scores.select(is_ambiguous.sum()).collect().item())
