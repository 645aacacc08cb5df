"""Base scores of the reference that are made already, in place of scoring genes again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from splice_meta.alleles.alignment import Rows
from splice_meta.alleles.alternatives import Scores, score_columns
from splice_meta.contracts import without_version
from splice_meta.errors import InputError
from splice_meta.reference.bases import letters
from splice_meta.reference.sequence import Bases
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

    def of(self, gene: dict[str, Any], bases: Bases) -> Scores | None:
        """The scores of a gene.

        They do not depend on where a gene ends: where the table has it longer or shorter than the
        annotation, what both have is taken.

        Args:
            gene: ``gene_id``, ``strand``, ``start``, ``end``.
            bases: The sequence's bases of it, 5' to 3' on the transcript strand.

        Returns:
            Shape (length, 3 for each base model), NaN where the table lacks a position; None where
            it lacks the gene.

        Raises:
            InputError: If the table has other bases, or does not tell where its positions lie.
        """
        number = self._number(gene["gene_id"])
        if number is None:
            return None
        columns = score_columns(self.names)
        rows = self.opened.batch(number, number + 1)
        names = rows.collect_schema().names()
        also = [name for name in ("base", "genomic_position") if name in names]
        table = rows.select(*columns, *also).collect()
        at = self._places(table, gene)
        inside = (at >= 0) & (at < len(bases))
        self._refuse_other_bases(table, at, inside, gene, bases)
        found = np.full((len(bases), len(columns)), np.nan, np.float32)
        found[at[inside]] = table.select(columns).to_numpy()[inside]
        return found

    def _places(self, table: pl.DataFrame, gene: dict[str, Any]) -> Rows:
        """Where rows lie on the gene's axis."""
        length = gene["end"] - gene["start"] + 1
        place = table["genomic_position"] if "genomic_position" in table.columns else None
        if place is None or place.has_nulls():
            if table.height != length:
                raise InputError(
                    f"{self.source} has {table.height:,} positions of gene {gene['gene_id']}, the "
                    f"annotation {length:,}, with no genomic_position to say which.",
                    "Give scores with genomic positions, or none.",
                )
            return np.arange(length)
        on_genome = place.to_numpy().astype(np.int64)
        is_forward = gene["strand"] == "+"
        return np.asarray(on_genome - gene["start"] if is_forward else gene["end"] - on_genome)

    def _refuse_other_bases(
        self,
        table: pl.DataFrame,
        at: Rows,
        inside: npt.NDArray[np.bool_],
        gene: dict[str, Any],
        bases: Bases,
    ) -> None:
        """Refuse rows of another sequence, as those of another assembly or strand are."""
        if "base" not in table.columns or not inside.any():
            return
        theirs = table["base"].cast(pl.String).str.to_uppercase().filter(pl.Series(inside))
        if not (theirs == letters(bases[at[inside]])).all():
            raise InputError(
                f"{self.source} has other bases of gene {gene['gene_id']} than the FASTA.",
                "Give scores made from this FASTA, or none.",
            )
