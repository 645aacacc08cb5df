"""The plain report of a run."""

from __future__ import annotations

import polars as pl

from splice_meta.plain import plain
from splice_meta.report.summary import RunSummary

MOST_GENES = 200


def text_report(summary: RunSummary) -> str:
    """The figures of a run as plain text.

    Args:
        summary: What the run came to.
    """
    lines = ["splice_meta run report", ""]
    lines += [f"{label + ':':25}{text}" for label, text in summary.lines()]
    lines += ["", f"Tables: {summary.predictions}", f"Shards: {summary.shards}", ""]
    lines += ["Filled features", *(f"  {text}" for text in summary.fills or ("none",))]
    lines += [f"  {summary.skew()}"] if summary.skew() else []
    if summary.warnings:
        lines += ["", "Warnings", *(f"  {text}" for text in summary.warnings)]
    done = summary.genes.filter(pl.col("status") == "done")
    lines += ["", "Genes done (seconds: the shard's, shared out by positions)"]
    head = f"  {'gene':20} {'case':>4} {'positions':>11} {'recalibrated':>13} {'rate':>7}"
    lines += [f"{head} {'seconds':>8}"] if done.height else ["  none"]
    for row in done.head(MOST_GENES).iter_rows(named=True):
        rate = row["recalibrated"] / row["positions"]
        lines.append(
            f"  {row['gene_id']:20} {row['scenario']:>4} {row['positions']:>11,} "
            f"{row['recalibrated']:>13,} {rate:>7.2%} {row['seconds']:>8.3f}"
        )
    if done.height > MOST_GENES:
        lines.append(f"  ... and {done.height - MOST_GENES:,} more, see gene_manifest.json")
    failed = summary.genes.filter(pl.col("status") == "failed")
    if failed.height:
        lines += ["", "Genes that failed"]
        lines += [f"  {gene}: {why}" for gene, why in failed.select("gene_id", "reason").rows()]
    return "\n".join(map(plain, lines)) + "\n"
