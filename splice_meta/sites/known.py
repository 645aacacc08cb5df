"""Which splice sites of a batch are annotated, and how far others are from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from splice_meta.contracts import AXIS, CLASSES, GENE_STRIDE
from splice_meta.sites import TYPES

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Known:
    """The annotated sites among the positions of a batch.

    Attributes:
        genes: Of each gene of the batch, whether its sites are known.
        places: By type, the sites on the position axis, ascending.
    """

    genes: npt.NDArray[np.bool_]
    places: Mapping[str, Ints]

    @classmethod
    def nothing(cls, genes: int) -> Known:
        """Where no gene's sites are known."""
        return cls(np.zeros(genes, np.bool_), {kind: np.empty(0, np.int64) for kind in TYPES})

    @classmethod
    def by_truth(cls, marked: pl.DataFrame, genes: int) -> Known:
        """As ``splice_type`` of all rows says; every gene's sites are known then.

        Args:
            marked: The rows, with the position axis.
            genes: How many genes they are of.
        """
        codes = marked["splice_type"].to_physical().fill_null(0).to_numpy()
        sites = np.flatnonzero(codes)
        axis, codes = marked[AXIS].to_numpy()[sites], codes[sites]
        return cls(
            np.ones(genes, np.bool_), {kind: axis[codes == CLASSES.index(kind)] for kind in TYPES}
        )

    @classmethod
    def by_annotation(cls, marks: pl.DataFrame, marked: pl.DataFrame, genes: pl.DataFrame) -> Known:
        """As an annotation says.

        Args:
            marks: ``gene_id``, ``position``, ``type``; a gene whose sites are known and are none
                has a row with nulls, one whose sites are not known has none.
            marked: All rows of the genes, with the position axis.
            genes: ``gene_id`` and ``positions``, in the order of the rows.
        """
        ids = genes.select("gene_id", _gene=pl.int_range(pl.len(), dtype=pl.Int64))
        here = marks.filter(pl.col("gene_id").is_in(ids["gene_id"].implode()))
        numbered = here.join(ids, on="gene_id", how="inner")
        is_known = np.zeros(genes.height, np.bool_)
        is_known[numbered["_gene"].to_numpy()] = True
        sites = numbered.drop_nulls()
        number, axis = sites["_gene"].to_numpy(), marked[AXIS].to_numpy()
        places = number * GENE_STRIDE + sites["position"].cast(pl.Int64).to_numpy()
        ends = np.cumsum(genes["positions"].to_numpy().astype(np.int64))
        first = np.append(0, ends[:-1])
        is_here = (places >= axis[first[number]]) & (places <= axis[ends[number] - 1])
        kinds = sites["type"].cast(pl.String).to_numpy()
        return cls(is_known, {kind: np.sort(places[is_here & (kinds == kind)]) for kind in TYPES})

    def counts(self) -> pl.Series:
        """The number of annotated sites of each gene; null where they are not known."""
        found = np.zeros(len(self.genes), np.int64)
        for places in self.places.values():
            found += np.bincount(places // GENE_STRIDE, minlength=len(found))
        return pl.Series(found).set(pl.Series(~self.genes), None)

    def near(self, codes: npt.NDArray[np.uint8], axis: Ints) -> tuple[pl.Series, pl.Series]:
        """Whether sites are annotated, and how far the nearest annotated ones are.

        Args:
            codes: The types of the sites, as they are numbered in
                :data:`splice_meta.contracts.CLASSES`.
            axis: The sites on the position axis.

        Returns:
            ``is_annotated``; ``distance`` in nucleotides, positive downstream, of two as near the
            one upstream. Both are null where the gene's sites are not known, the distance, too,
            where it has none of the type.
        """
        gene = axis // GENE_STRIDE
        outside = GENE_STRIDE * (len(self.genes) + 1)
        down, up = np.empty_like(axis), np.empty_like(axis)
        for kind, sites in self.places.items():
            some = codes == CLASSES.index(kind)
            places = np.concatenate([[-1], sites, [outside]])
            after = np.searchsorted(places, axis[some])  # the first at the site or downstream
            ahead, behind = places[after], places[after - 1]
            down[some] = np.where(ahead // GENE_STRIDE == gene[some], ahead - axis[some], _NONE)
            up[some] = np.where(behind // GENE_STRIDE == gene[some], axis[some] - behind, _NONE)
        nearest = np.where(down < up, down, -up)
        is_known = self.genes[gene]
        has_one = is_known & (np.minimum(down, up) < _NONE)
        return (
            pl.Series(nearest == 0).set(pl.Series(~is_known), None),
            pl.Series(nearest).set(pl.Series(~has_one), None),
        )


_NONE = GENE_STRIDE
"""A distance that no two positions of a gene have."""
