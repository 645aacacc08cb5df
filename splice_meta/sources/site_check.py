"""Confident sites of located genes held against the FASTA and against the annotated sites."""

from __future__ import annotations

import numpy as np
import polars as pl

from splice_meta.reference.sequence import Genome, transcript_bases
from splice_meta.sources.checks.letters import codes_of
from splice_meta.sources.checks.sites import (
    CONFIDENT,
    FEWEST,
    MOST_SITES,
    REACH,
    SHIFTS,
    Codes,
    Sites,
    judge_sites,
)
from splice_meta.sources.files import reads_by_gene
from splice_meta.sources.located import Located
from splice_meta.sources.opened import BaseScores

MOST_READ = 2_000_000
"""Positions of OpenSpliceAI's own files that are read to look at sites."""

AGREEING = 0.1
"""Share of annotated, or of confident, sites that must be the other, too."""


def judge_located(scores: BaseScores, located: Located) -> list[str]:
    """What is to be said of sites that do not lie where FASTA or annotation let one expect.

    Args:
        scores: Base scores; one pass over them, kept to the confident sites.
        located: Their genes.

    Returns:
        Sentences; empty if nothing is wrong, or too little is known.
    """
    genome = located.genome if "base" in located.adds else None
    if genome is None and located.sites is None:
        return []
    is_donor = pl.col("donor_score") >= CONFIDENT
    confident = (
        _some(scores).filter(is_donor | (pl.col("acceptor_score") >= CONFIDENT)).head(MOST_SITES)
    )
    genes = located.genes["gene_id"].to_list()
    rows = located.placed(confident.with_columns(is_donor=is_donor), genes)
    names = ("gene_id", "strand", "record", "start", "end")
    found = (
        rows.select("gene_id", "is_donor", pl.col("genomic_position").cast(pl.Int64))
        .join(located.genes.lazy().select(names), on="gene_id", maintain_order="left")
        .filter(pl.col("strand").is_in(["+", "-"]), pl.col("genomic_position").is_not_null())
        .collect()
    )
    said = [] if genome is None else judge_sites(_with_bases(found, genome))
    return said if said or located.sites is None else _judge_truth(found, located.sites)


def _some(scores: BaseScores) -> pl.LazyFrame:
    """The rows of enough genes to look at their sites, where all would take long to read."""
    if not reads_by_gene(scores.files):
        return scores.frame
    genes = scores.table.genes.filter(pl.col("positions").cum_sum() <= MOST_READ)["gene_id"]
    return scores.frame.filter(pl.col("gene_id").is_in(genes.to_list()))


def _with_bases(found: pl.DataFrame, genome: Genome) -> Sites:
    known = found.filter(pl.col("record").is_not_null())
    bases = [_around(genome, gene) for gene in known.partition_by("gene_id", maintain_order=True)]
    width = 2 * REACH + 1
    around = np.concatenate(bases) if bases else np.zeros((0, width), np.uint8)
    return Sites(known.select("gene_id", "strand", "is_donor"), around)


def _around(genome: Genome, sites: pl.DataFrame) -> Codes:
    """The bases around the sites of one gene, on its strand; shape (sites, 2 * REACH + 1)."""
    places = sites["genomic_position"].to_numpy()
    low, high = int(places.min()) - REACH, int(places.max()) + REACH
    record, strand = sites["record"][0], sites["strand"][0]
    bases = codes_of(transcript_bases(genome, record, strand, low, high))
    along = high - places if strand == "-" else places - low
    around: Codes = bases[along[:, None] + np.arange(-REACH, REACH + 1)]
    return around


def _judge_truth(found: pl.DataFrame, sites: pl.DataFrame) -> list[str]:
    """Whether the annotated sites are those that score."""
    annotated = sites.filter(pl.col("gene_id").is_in(found["gene_id"].unique().to_list()))
    step = pl.when(pl.col("strand") == "-").then(-1).otherwise(1)
    kind = pl.when(pl.col("is_donor")).then(pl.lit("donor")).otherwise(pl.lit("acceptor"))
    scored = found.with_columns(step=step, splice_type=kind)
    truth = annotated.with_columns(pl.col("splice_type").cast(pl.String))
    keys = ["gene_id", "genomic_position", "splice_type"]

    def hits(shift: int) -> int:
        moved = pl.col("genomic_position") + shift * pl.col("step")
        return scored.with_columns(moved).join(truth, on=keys, how="semi").height

    fewer = min(found.height, annotated.height)
    if fewer < FEWEST or hits(0) >= AGREEING * fewer:
        return []
    best = max(SHIFTS, key=hits)
    said = (
        f"Only {hits(0):,} of {found.height:,} confident sites are annotated ones, of which these "
        f"genes have {annotated.height:,}."
    )
    if hits(best) < AGREEING * fewer:
        return [f"{said} The annotation may be of another assembly, or the scores of other genes."]
    way = "behind" if best > 0 else "before"
    return [
        f"{said} {hits(best):,} would be if they lay {abs(best)} {way} where they are: positions "
        f"and annotation are off by {abs(best)}."
    ]
