"""Which genes a change may matter to: those that it lies in, or within reach of, by strand.

Where an insertion or deletion may lie in several places, as in a repeat, it is put at the 3' end of
the transcript, which is HGVS's rule: on the right for genes on the forward strand, else the left.
"""

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
        genes: ``record``, ``strand``, ``start``, ``end`` (1-based, both included).
        reach: How far from a change a position may be.

    Returns:
        The columns of :data:`PAIRS`, by gene, then by place; ``gene`` is the row of ``genes``.
    """
    good = settled.filter(pl.col("reason").is_null())
    listed = genes.with_row_index("gene")
    found = [pl.DataFrame(schema=PAIRS)]
    for (strand,), here in listed.partition_by("strand", as_dict=True).items():
        changes = _at_the_right(good) if strand == "+" else good
        by_record = here.partition_by("record", as_dict=True)
        for record, rows in changes.partition_by("record", as_dict=True).items():
            if record in by_record:
                found.append(_near(rows, by_record[record], reach))
    return pl.concat(found).sort("gene", "start", "end", "variant")


def _at_the_right(changes: pl.DataFrame) -> pl.DataFrame:
    """Changes moved to the right as far as the sequence allows."""
    turn = pl.col("slack") % pl.max_horizontal(pl.col("put").str.len_chars().cast(pl.Int64), 1)
    return changes.with_columns(
        pl.col("start") + pl.col("slack"),
        pl.col("end") + pl.col("slack"),
        put=pl.col("put").str.slice(turn) + pl.col("put").str.slice(0, turn),
    )


def _near(rows: pl.DataFrame, here: pl.DataFrame, reach: int) -> pl.DataFrame:
    """The pairs of the changes and genes of one record and strand."""
    rows = rows.sort("start", "end", "variant")
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
    numbered: pl.DataFrame = pairs.with_columns(here["gene"].gather(gene[is_in]))
    return numbered.select(*PAIRS)
