"""Base scores of the reference that are made already, in place of scoring genes again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from splice_meta.alleles.alternatives import Scores, score_columns
from splice_meta.contracts import without_version
from splice_meta.errors import InputError
from splice_meta.reference.bases import letters
from splice_meta.sources.opened import BaseScores


@dataclass(frozen=True)
class GivenScores:
    """A table of base scores.

    Attributes:
        opened: The checked table.
        names: The base models, the primary one first.
        source: What it is called.
    """

    opened: BaseScores
    names: tuple[str, ...]
    source: str

    @cached_property
    def _numbers(self) -> dict[str, int]:
        """The genes' places in the table, by id and by id without version."""
        ids = self.opened.table.genes["gene_id"].to_list()
        return {
            **{without_version(gene): number for number, gene in enumerate(ids)},
            **{gene: number for number, gene in enumerate(ids)},
        }

    def has(self, gene_id: str) -> bool:
        """Whether the table has a gene."""
        return self._number(gene_id) is not None

    def _number(self, gene_id: str) -> int | None:
        by = self._numbers
        return by.get(gene_id, by.get(without_version(gene_id)))

    def of(self, gene: dict[str, Any], bases: np.ndarray) -> Scores | None:
        """The scores of a gene.

        Args:
            gene: ``gene_id``, ``start``, ``end``.
            bases: The sequence's bases of it, 5' to 3' on the transcript strand.

        Returns:
            Shape (length, 3 for each base model); None where the table lacks the gene.

        Raises:
            InputError: If the table has other positions or bases of it.
        """
        number = self._number(gene["gene_id"])
        if number is None:
            return None
        columns = score_columns(self.names)
        rows = self.opened.batch(number, number + 1)
        names = rows.collect_schema().names()
        also = [name for name in ("base", "genomic_position") if name in names]
        table = rows.select(*columns, *also).collect()
        length = gene["end"] - gene["start"] + 1
        if table.height != length:
            raise InputError(
                f"{self.source} has {table.height:,} positions of gene {gene['gene_id']}, the "
                f"annotation {length:,}.",
                "Give scores made with this annotation, or none.",
            )
        self._refuse_other_place(table, gene, bases)
        return np.ascontiguousarray(table.select(columns).to_numpy(), dtype=np.float32)

    def _refuse_other_place(
        self, table: pl.DataFrame, gene: dict[str, Any], bases: np.ndarray
    ) -> None:
        """Refuse rows of another place or another sequence."""
        ends = {gene["start"], gene["end"]}
        is_there = "genomic_position" not in table.columns or table["genomic_position"].has_nulls()
        is_there = is_there or {*table["genomic_position"][[0, -1]]} == ends
        own = "base" not in table.columns or bool(
            (table["base"].cast(pl.String).str.to_uppercase() == letters(bases)).all()
        )
        if not is_there or not own:
            raise InputError(
                f"{self.source} has gene {gene['gene_id']} at another place, or with other bases, "
                "than annotation and FASTA.",
                "Give scores made with this annotation and FASTA, or none.",
            )
