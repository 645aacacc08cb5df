"""Variants as one types them: ``chr17:43045682:T>A``."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from splice_meta.errors import InputError

_LOCUS = re.compile(
    r"(?P<chrom>[^\s/]+?)(?P<between>[:-])(?:g\.)?(?P<pos>\d{1,12}|\d{1,3}(?:,\d{3})+)(?P=between)?"
    r"(?P<ref>[A-Za-z]+)[>:/-](?P<alt>[A-Za-z*]+)"
)


def is_locus(text: str) -> bool:
    """Whether a text is a variant: ``chr17:43045682:T>A``, ``17-43045682-T-A``, ``17:g.1T>A``."""
    return _LOCUS.fullmatch(text.strip()) is not None


def read_loci(texts: Sequence[str]) -> pl.DataFrame:
    """Variants as they were typed.

    Args:
        texts: One variant each.

    Returns:
        ``chrom``, ``pos``, ``ref`` and ``alt``.

    Raises:
        InputError: If one is not a variant.
    """
    rows = []
    for text in texts:
        found = _LOCUS.fullmatch(text.strip())
        if found is None:
            raise InputError(
                f"{text!r} is not a variant.",
                "Write it as chr17:43045682:T>A; an insertion or deletion with the base before it.",
            )
        rows.append(
            (found["chrom"], int(found["pos"].replace(",", "")), found["ref"], found["alt"])
        )
    schema = {"chrom": pl.String, "pos": pl.Int64, "ref": pl.String, "alt": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")
