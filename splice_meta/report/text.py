"""The plain report of a run."""

from __future__ import annotations

import sys
from resource import RUSAGE_SELF, getrusage

import polars as pl

from splice_meta.plain import plain
from splice_meta.report.summary import RunSummary

MOST_GENES = 200


def _speed(summary: RunSummary, done: int) -> list[str]:
    seconds = max(summary.seconds, 1e-9)
    used = getrusage(RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return [
        f"{done / seconds:,.1f} genes per second, {summary.positions / seconds:,.0f} positions per "
        f"second over {summary.seconds:.1f} seconds, waiting for files included",
        f"{used / 2**30:.2f} GiB at the peak of this process; workers have their own",
    ]


def _stages(summary: RunSummary) -> list[str]:
    total = sum(summary.stages.values()) or 1.0
    rows = [
        f"  {name:20} {seconds:>10.2f} s {seconds / total:>6.1%}"
        for name, seconds in summary.stages.items()
    ]
    head = "Time by stage (summed over shards that ran at the same time)"
    return ["", head, *rows] if rows else []


def _monitored(summary: RunSummary, failed: int) -> list[str]:
    """What an operator looks at first."""
    gain = f", which carry {summary.filled_gain_share:.1%} of the model's gain"
    fills = f"{summary.filled:,} of {summary.features:,} features filled for every row"
    return [
        f"Failures: {failed:,} of {summary.genes.height:,} genes",
        f"Drift: {summary.comparison or 'not compared: there is no model, or it has no quantiles'}",
        f"Fills: {fills}{gain if summary.filled_gain_share else ''}"
        if summary.features
        else "Fills: no features were needed",
    ]


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
    lines += ["", "Monitoring", *(f"  {text}" for text in _speed(summary, done.height))]
    lines += [f"  {text}" for text in _monitored(summary, summary.failed)]
    lines += _stages(summary)
    lines += ["", "Genes done (seconds: the shard's time, divided by positions)"]
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
        reasons = failed.group_by("reason", maintain_order=True).len().sort(
            "len", descending=True, maintain_order=True
        )  # fmt: skip
        lines += ["", "Failures by reason"]
        lines += [f"  {count:,}: {why}" for why, count in reasons.head(20).rows()]
        lines += ["", "Genes that failed"]
        lines += [f"  {gene}: {why}" for gene, why in failed.select("gene_id", "reason").rows()]
    return "\n".join(map(plain, lines)) + "\n"
