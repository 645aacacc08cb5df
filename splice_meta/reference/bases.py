"""The column ``base`` of score tables that lack it, from the reference sequence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from splice_meta.errors import InputError
from splice_meta.reference.sequence import Bases, Genome, N, check_strand, complement

_LETTERS = pl.Series(list("ACGTN"))
_CODES = np.full(256, 4, np.uint8)
_CODES[np.frombuffer(b"ACGT", np.uint8)] = range(4)

_Places = Mapping[str, tuple[str, str, int, int]]
"""Chromosome, strand, lowest and highest position by ``gene_id``."""


def letters(bases: Bases) -> pl.Series:
    """ASCII codes as a String series of A, C, G, T and N; anything else is N."""
    return _LETTERS.gather(_CODES[bases])


def base_expr(genome: Genome, genes: pl.DataFrame) -> pl.Expr:
    """The base on the transcript strand at each row's ``gene_id`` and ``genomic_position``.

    A row's base depends on that row alone, so any piece of a table gives the same bases as the
    whole; rows may be in any order, quickest with each gene's rows adjacent.

    Args:
        genome: Where the bases come from.
        genes: One row per gene: ``gene_id``, ``chrom`` (the FASTA's name), ``strand``, ``start``,
            ``end`` (1-based on the forward strand, both included).

    Returns:
        An expression of String A, C, G, T or N named ``base``. N outside the gene or the FASTA,
        for a gene that is not in ``genes``, and for a row without position.

    Raises:
        InputError: If a gene is there twice or has no strand, or the FASTA lacks its chromosome.
    """
    places = _places(genome, genes)

    def of_rows(rows: pl.Series) -> pl.Series:
        return _bases_of_rows(genome, places, rows)

    columns = pl.struct(pl.col("gene_id").cast(pl.String), "genomic_position")
    made = columns.map_batches(of_rows, return_dtype=pl.String, is_elementwise=True)
    return made.alias("base")


def _places(genome: Genome, genes: pl.DataFrame) -> _Places:
    """The genes' places, checked here because an error within a plan loses its words."""
    places: dict[str, tuple[str, str, int, int]] = {}
    columns = genes.select(pl.col("gene_id").cast(pl.String), "chrom", "strand", "start", "end")
    for gene, chrom, strand, start, end in columns.iter_rows():
        if gene in places:
            raise InputError(
                f"The gene {gene} has two places in the annotation.", "Leave one of them out."
            )
        check_strand(strand, f"the gene {gene}")
        places[gene] = chrom, strand, start, end
    for chrom in {place[0] for place in places.values()}:
        genome.spans(chrom)
    return places


def _bases_of_rows(genome: Genome, places: _Places, rows: pl.Series) -> pl.Series:
    """String bases of a struct series of ``gene_id`` and ``genomic_position``, row by row."""
    # 0 is not a position of any gene.
    positions = rows.struct.field("genomic_position").fill_null(0).to_numpy()
    runs = rows.struct.field("gene_id").rle().struct.unnest()
    bases = np.full(len(rows), N, np.uint8)
    begin = 0
    for length, gene in runs.iter_rows():
        here = slice(begin, begin + length)
        if gene in places:
            bases[here] = _bases_at(genome, places[gene], positions[here])
        begin += length
    return letters(bases)


def _bases_at(
    genome: Genome, place: tuple[str, str, int, int], positions: npt.NDArray[np.integer[Any]]
) -> Bases:
    """The bases at some positions of one gene; one read from the lowest to the highest."""
    chrom, strand, start, end = place
    within = (positions >= start) & (positions <= end)
    bases = np.full(positions.size, N, np.uint8)
    if within.any():
        inside = positions[within]
        low = int(inside.min())
        fetched = genome.fetch(chrom, low, int(inside.max()))[inside - low]
        bases[within] = complement(fetched) if strand == "-" else fetched
    return bases
