"""The shards of a run: gene batches with an output part of their own."""

from __future__ import annotations

from splice_meta.jobs.plan import Shard
from splice_meta.model.bundle import MetaModel
from splice_meta.pipeline.memory import bytes_of_gene, bytes_per_position
from splice_meta.settings import RunSettings
from splice_meta.sources.opened import BaseScores

AT_ONCE = 3
"""Shards in flight in one process; together they fit the memory budget. Python computes for one at
a time, and Polars' and XGBoost's stages begin and end on one core."""

BYTES_OF_GENE = 1000
"""What a gene takes beside its positions, from the check of the table to the reports; 950 were
measured with 200,000 genes of one position."""


def make_shards(scores: BaseScores, model: MetaModel | None, settings: RunSettings) -> list[Shard]:
    """Pack the genes of a run into shards, :data:`AT_ONCE` of which fit the memory budget."""
    counts = scores.table.genes["positions"]
    room = settings.memory // AT_ONCE
    batches = list(scores.batches(room, bytes_per_position(model, settings)))
    return [
        Shard(number, len(batches), first, stop, int(counts.slice(first, stop - first).sum()))
        for number, (first, stop) in enumerate(batches)
    ]


def beyond_budget(scores: BaseScores, model: MetaModel | None, settings: RunSettings) -> str:
    """What of a run its memory budget does not hold, in one line; empty where it holds all.

    A gene is computed whole, and a few figures of every gene are kept to the end, whatever the
    budget; the libraries take about 230 MiB beside it.
    """
    genes = scores.table.genes
    longest = genes[int(genes["positions"].arg_max() or 0)]
    gene = bytes_of_gene(int(longest["positions"][0]), model, settings)
    table = genes.height * BYTES_OF_GENE
    if max(gene, table) <= settings.memory:
        return ""
    name, count = longest["gene_id"][0], longest["positions"][0]
    what = f"{genes.height:,} genes"
    if gene > table:
        what = f"the gene {name} with {count:,} positions"
    return (
        f"{shown_memory(settings.memory)} of memory are less than {what} may take, up to about "
        f"{shown_memory(max(gene, table))}; the run will use that much."
    )


def shown_memory(count: int) -> str:
    """An amount of memory in MiB, for people."""
    return f"{count / (1 << 20):,.0f} MiB"
