"""The fate of each gene of a run."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import polars as pl

from splice_meta.contracts import without_version
from splice_meta.runs.scorer import NOTHING, Scored
from splice_meta.runs.task import GENES_DONE, Receipt
from splice_meta.sources.opened import BaseScores

log = logging.getLogger("splice_meta")

NO_SCORES = (
    "no base scores for this gene; give a score table that holds it, or --annotation and --fasta"
)


def gene_table(
    opened: BaseScores, receipts: Sequence[Receipt], seen: set[str], scored: Scored = NOTHING
) -> pl.DataFrame:
    """One row per gene asked for, in input order; genes without scores come last.

    Args:
        opened: The base scores.
        receipts: What the shards came to.
        seen: Genes that the model was trained on; versions of Ensembl ids do not matter.
        scored: What was scored in this run.

    Returns:
        ``gene_id``, ``scenario`` (1: trained on; 2A: not; 2B: without base scores at
        first), ``status``,
        ``reason``, ``missing`` (positions between its first and its last that are not there),
        ``positions``, ``uncertain``, ``recalibrated``, ``achieved_rate``,
        ``lowest_criteria``, ``lowest_entropy``, ``seconds`` (the shard's, shared out by
        positions).
    """
    there = opened.table.genes["gene_id"].to_list()
    absent = opened.absent
    reasons = {gene: why for receipt in receipts for gene, why in receipt.failures.items()}
    for gene in absent:
        reasons[gene] = scored.failures.get(gene, NO_SCORES)
        if gene not in scored.failures:  # those were said when they failed
            log.warning("Gene %s failed: %s", gene, reasons[gene])
    bare = {without_version(gene) for gene in seen}
    without = {*absent, *scored.genes}
    genes = [*there, *absent]
    asked = pl.DataFrame(
        {
            "gene_id": genes,
            "scenario": [
                "2B" if gene in without else "1" if without_version(gene) in bare else "2A"
                for gene in genes
            ],
            "status": ["failed" if gene in reasons else "done" for gene in genes],
            "reason": [reasons.get(gene, "") for gene in genes],
        },
        schema_overrides={"reason": pl.String},
    )
    done = pl.concat([r.genes for r in receipts if r.genes.height]) if any(
        r.genes.height for r in receipts
    ) else pl.DataFrame(schema=GENES_DONE)  # fmt: skip
    missing = opened.table.genes.select("gene_id", "missing")
    asked = asked.join(missing, on="gene_id", how="left", maintain_order="left")
    return asked.join(done, on="gene_id", how="left", maintain_order="left").with_columns(
        pl.col("missing", "positions", "uncertain", "recalibrated").fill_null(0)
    )
