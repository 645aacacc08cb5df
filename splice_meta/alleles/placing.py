"""Which genes a change may matter to: those that it lies in, or within reach of, by strand."""

from __future__ import annotations

import numpy as np
import polars as pl

PAIRS: dict[str, type[pl.DataType]] = {
    "variant": pl.UInt32, "gene": pl.UInt32, "start": pl.Int64, "end": pl.Int64, "put": pl.String,
}  # fmt: skip
"""The columns of :func:`place_in_genes`."""


def place_in_genes(settled: pl.DataFrame, genes: pl.DataFrame, reach: int) -> pl.DataFrame:
    """Pair changes with the genes of which they may alter a position.

    Args:
        settled: The columns of :data:`.settling.SETTLED`; rows with a reason are in no gene.
        genes: ``record``, ``start``, ``end`` (1-based, both included).
        reach: How far from a change a position may be.

    Returns:
        The columns of :data:`PAIRS`, by gene, then by place; ``gene`` is the row of ``genes``.
    """
    good = settled.filter(pl.col("reason").is_null()).sort("record", "start", "end", "variant")
    listed = genes.with_row_index("gene")
    found = [pl.DataFrame(schema=PAIRS)]
    for (record,), rows in good.partition_by("record", as_dict=True).items():
        here = listed.filter(pl.col("record") == record)
        begin, end = rows["start"].to_numpy(), rows["end"].to_numpy()
        longest = int((end - begin).max()) + 1 if len(begin) else 0
        low = here["start"].to_numpy() - reach
        high = here["end"].to_numpy() + reach
        first = np.searchsorted(begin, low - longest, side="left")
        stop = np.maximum(np.searchsorted(begin, high, side="right"), first)
        counts = stop - first
        near = np.repeat(first - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
        gene = np.repeat(np.arange(here.height), counts)
        is_in = end[near] >= low[gene]
        pairs = rows[near[is_in]].select("variant", "start", "end", "put")
        found.append(pairs.with_columns(gene=here["gene"].gather(gene[is_in])).select(*PAIRS))
    return pl.concat(found).sort("gene", "start", "end", "variant")
