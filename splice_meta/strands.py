"""The words for a strand, said once for every layout.

``+`` and ``-`` are also written 1 and -1, plus and minus, forward and reverse. No word, ``.`` and
``?`` mean that the strand is not known. Any other word is refused where the strand decides.
"""

from __future__ import annotations

import polars as pl

from splice_meta.errors import ContractError

_PLUS = ("+", "1", "+1", "plus", "forward", "fwd")
# The hyphen, and the minus sign that text processors put in its place.
_MINUS = ("-", "-1", "\N{MINUS SIGN}", "\N{MINUS SIGN}1", "minus", "reverse", "rev")
_UNKNOWN = ("", ".", "?", "*", "na", "nan", "none", "null")
_MEANING = {
    **dict.fromkeys(_PLUS, "+"), **dict.fromkeys(_MINUS, "-"), **dict.fromkeys(_UNKNOWN, None)
}  # fmt: skip


def strand_of(strand: pl.Expr) -> pl.Expr:
    """A strand as ``+`` or ``-``, null where it is not known; any other word as it stands.

    Args:
        strand: Text or integers.
    """
    return strand.cast(pl.String).map_batches(_meanings, pl.String, is_elementwise=True)


def _meanings(words: pl.Series) -> pl.Series:
    # Runs of a word are looked at once: it repeats over whole genes.
    runs = words.rle().struct.unnest()
    word = runs["value"]
    meant = word.str.strip_chars().str.to_lowercase().replace_strict(
        _MEANING, default=word, return_dtype=pl.String
    )  # fmt: skip
    of_row = pl.int_range(len(runs), eager=True).repeat_by(runs["len"]).explode(empty_as_null=False)
    return meant.gather(of_row).alias(words.name)


def is_known(strand: pl.Expr) -> pl.Expr:
    """Whether what :func:`strand_of` gives is a strand."""
    return strand.is_in(["+", "-"]).fill_null(False)


def no_strand_error(gene: str, word: str | None, why: str) -> ContractError:
    """The error on a strand that is needed and cannot be told.

    Args:
        gene: The gene.
        word: What stands in its place; None where nothing does.
        why: What the strand decides, as ``which end ... lies at``.
    """
    said = "not known" if word is None else f"given as {word!r}, which is none"
    return ContractError(
        f"The strand of gene {gene} is {said}; it decides {why}.",
        "Write + or - (also read: 1 and -1, plus and minus, forward and reverse).",
    )
