"""From the parts of shards to the tables that people read."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from importlib import import_module
from importlib.metadata import version
from typing import Any

import polars as pl

from splice_meta.alleles.deltas import delta_columns
from splice_meta.alleles.layout import LEFT_OUT, MARK, PARTS, SITES, SUMMARY
from splice_meta.alleles.opening import Opened
from splice_meta.alleles.reading import VARIANTS
from splice_meta.alleles.vcf import write_vcf
from splice_meta.files.ownership import remove_owned
from splice_meta.jobs.plan import Receipt
from splice_meta.sink import sink_parquet, sink_tsv, write_text
from splice_meta.sites import TYPES

SORTED = 1 << 18
"""Variants whose rows are sorted together: memory does not grow with more."""

_GENE = ["gene_id", "gene_name", "strand"]
_ALLELE = ["chrom", "pos", "ref", "alt"]


def write_results(opened: Opened, receipts: Sequence[Receipt], seconds: float) -> dict[str, Any]:
    """Put the parts together and write the record.

    Args:
        opened: What was asked for.
        receipts: Of all shards, in any order.
        seconds: How long it took.

    Returns:
        The record.
    """
    ordered = sorted(receipts, key=lambda receipt: receipt.shard.number)
    layout = opened.task.layout
    failed = _failed(opened, ordered)
    tables = {
        SUMMARY: _summary(opened, _parts(opened, ordered, SUMMARY), failed),
        SITES: _sites(opened, _parts(opened, ordered, SITES)),
    }
    tables = {name: _by_range(opened, table, name) for name, table in tables.items()}
    for name, table in tables.items():
        sink_parquet(table, layout.table(name))
        written = pl.scan_parquet(layout.table(name), glob=False)
        sink_tsv(written.with_columns(_readable(written)), layout.table(name, "tsv"))
    summary = pl.scan_parquet(layout.table(SUMMARY), glob=False)
    left_out = summary.filter(pl.col("reason").is_not_null()).select(*VARIANTS, *_GENE[:1])
    count = left_out.select(pl.len()).collect().item()
    if count:
        sink_tsv(left_out, layout.folder / LEFT_OUT)
    if opened.writes_vcf:
        _write_vcf(opened, summary)
    record = _record(opened, summary, failed.height, seconds)
    text = json.dumps(record, indent=1)
    write_text(layout.record, "{\n " + MARK + "," + text[1:] + "\n")
    if not failed.height:
        remove_owned(layout.parts, PARTS)
    return record


def _write_vcf(opened: Opened, summary: pl.LazyFrame) -> None:
    """Write the annotated VCF: packed, unless a plain one was read."""
    task = opened.task
    sizes = task.genome.sizes()
    is_plain = opened.vcf is not None and opened.vcf.suffix.lower() == ".vcf"
    write_vcf(
        summary,
        task.layout.folder / ("variants.vcf" if is_plain else "variants.vcf.gz"),
        source=opened.vcf,
        lengths={name: sizes[rec] for name, rec in opened.records.items() if rec in sizes},
        base_model=next(iter(task.models.values())).name,  # whose changes are shown
        version=import_module("splice_meta").__version__,
    )


def _parts(opened: Opened, receipts: Sequence[Receipt], name: str) -> pl.LazyFrame:
    files = [
        opened.task.layout.part(name, receipt.shard.number)
        for receipt in receipts
        if any(part.table == name and part.rows for part in receipt.parts)
    ]
    if files:
        return pl.scan_parquet([str(path) for path in files], glob=False)
    return opened.task.empty(name).lazy()


def _by_range(opened: Opened, table: pl.LazyFrame, name: str) -> pl.LazyFrame:
    """A table whose rows are sorted by variants, some at a time where there are many."""
    count = opened.variants.height
    if count <= SORTED:
        return table
    files = []
    for number, low in enumerate(range(0, count, SORTED)):
        files.append(opened.task.layout.parts / f"{name}-sorted-{number:06}.parquet")
        of_range = pl.col("variant").is_between(low, low + SORTED - 1)
        sink_parquet(table.filter(of_range), files[-1])
    return pl.scan_parquet([str(path) for path in files], glob=False)


def _failed(opened: Opened, receipts: Sequence[Receipt]) -> pl.DataFrame:
    """The pairs of genes that failed: ``variant``, ``gene``, ``reason``."""
    ids = opened.genes.select("gene_id").with_row_index("gene")
    found = [pl.DataFrame(schema={"variant": pl.UInt32, "gene": pl.UInt32, "reason": pl.String})]
    for receipt in receipts:
        if receipt.failures:
            shard = receipt.shard
            pairs = opened.task.pairs[shard.first : shard.stop].join(ids, on="gene")
            reasons = pl.DataFrame(
                {"gene_id": [*receipt.failures], "reason": [*receipt.failures.values()]}
            )
            found.append(pairs.join(reasons, on="gene_id").select("variant", "gene", "reason"))
    return pl.concat(found)


def _genes(opened: Opened) -> pl.LazyFrame:
    return opened.genes.with_row_index("gene").select("gene", *_GENE).lazy()


def _summary(opened: Opened, parts: pl.LazyFrame, failed: pl.DataFrame) -> pl.LazyFrame:
    """One row for each variant and gene, in the order of variants; left out ones with a reason."""
    layers = opened.task.layers
    columns = delta_columns(layers)
    variants = opened.variants.lazy()
    scored = pl.concat([parts, failed.lazy()], how="diagonal").join(
        variants.drop("reason"), on="variant", how="left"
    )
    alone = variants.filter(pl.col("reason").is_not_null()).with_columns(
        gene=pl.lit(None, pl.UInt32)
    )
    offsets = [
        (pl.col(name) - pl.col("pos")).cast(pl.Int32).alias(name)
        for name in columns
        if name.endswith("_position")
    ]
    return (
        pl.concat([scored, alone], how="diagonal")
        .sort("variant", "gene")
        .join(_genes(opened), on="gene", how="left", maintain_order="left")
        .with_columns(offsets)
        .select(*(name for name in VARIANTS if name != "reason"), *_GENE, *columns, "reason")
    )


def _sites(opened: Opened, parts: pl.LazyFrame) -> pl.LazyFrame:
    """Every position that changes by the threshold, by variant, gene and place."""
    values = [f"{layer}_{side}" for layer in opened.task.layers for side in ("ref", "alt")]
    return (
        parts.sort("variant", "gene", "genomic_position", "inserted", "type")
        .join(
            opened.variants.lazy().select("variant", *_ALLELE), on="variant", how="left",
            maintain_order="left",
        )
        .join(_genes(opened), on="gene", how="left", maintain_order="left")
        .with_columns(
            offset=(pl.col("genomic_position") - pl.col("pos")).cast(pl.Int32),
            type=pl.col("type").cast(pl.String).cast(pl.Enum(TYPES)),
        )
        .select(
            "variant", *_ALLELE, *_GENE, "genomic_position", "inserted", "offset", "type", *values,
            "change", "fate", "is_annotated",
        )
    )  # fmt: skip


def _readable(table: pl.LazyFrame) -> list[pl.Expr]:
    """Enums as text, so that the guard of text files sees them."""
    schema = table.collect_schema()
    return [
        pl.col(name).cast(pl.String) for name, kind in schema.items() if isinstance(kind, pl.Enum)
    ]


def _record(opened: Opened, summary: pl.LazyFrame, failed: int, seconds: float) -> dict[str, Any]:
    """What the results were made from, and what they came to."""
    task, asked = opened.task, opened.asked
    is_scored = pl.col("reason").is_null()
    reasons = (
        opened.variants.filter(pl.col("reason").is_not_null())
        .group_by(pl.col("reason").str.replace(r", which has .*|chromosome .*", ""))
        .len()
        .sort("len", "reason", descending=[True, False])
    )
    counts = summary.select(
        scored=pl.col("variant").filter(is_scored).n_unique(), pairs=is_scored.sum()
    ).collect().row(0, named=True)  # fmt: skip
    model = task.recalibrator.model if task.recalibrator else None
    return {
        "state": "complete" if not failed else "some failed",
        "format_version": 1,
        "finished": datetime.now().astimezone().isoformat(" ", "seconds"),
        "seconds": round(seconds, 1),
        "versions": {
            "splice_meta": import_module("splice_meta").__version__,
            **{name: version(name) for name in ("polars", "numpy", "xgboost")},
            "python": platform.python_version(),
        },
        "settings": {**asdict(asked.settings), "distance_used": task.distance},
        "inputs": opened.sources,
        "base_models": [
            {"name": name or each.name, "base_model": each.name, "weights_sha256": each.digest}
            for name, each in task.models.items()
        ],
        "model": {"source": model.source, "sha256": model.digest()} if model else None,
        "filled_features": opened.fills.messages() if opened.fills is not None else [],
        "counts": {
            "variants": opened.variants.height, **counts, "failed_pairs": failed,
            "left_out": {row[0]: row[1] for row in reasons.iter_rows()},
        },
        "given": opened.given,
    }  # fmt: skip
