"""The health check: one gene end to end, every expected file and figure looked at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from splice_meta.bundled import fixtures
from splice_meta.contracts import FINAL, SCORES
from splice_meta.files.digests import ends_of
from splice_meta.model.load import load_model
from splice_meta.runs.tables import scan_table
from splice_meta.sources.base_scores import open_scores
from splice_meta.workflow import RunResult, run


def health_check(
    model: str, scores: Any, folder: Path, trust_pickle: bool = False
) -> Iterator[tuple[str, str]]:
    """Predict the shortest gene in hybrid mode and check what came out.

    Args:
        model: The model to check.
        scores: Base scores; the bundled genes if None.
        folder: An empty folder to write to.
        trust_pickle: Allow pickled models, through an allow-list.

    Yields:
        What was checked, and what is wrong with it (empty where nothing is).

    Raises:
        SpliceMetaError: If model or scores cannot be read at all.
    """
    loaded = load_model(model, trust_pickle=trust_pickle)
    yield f"model loads: {loaded.trees:,} trees, {len(loaded.manifest.names)} features", ""
    source = scores or [str(fixtures() / "scores_openspliceai.parquet")]
    genes = open_scores(source).table.genes
    gene = genes.sort("positions", maintain_order=True)["gene_id"][0]
    yield f"scores pass the contract: {genes.height:,} genes", ""
    result = run(source, loaded, folder, genes=[gene])
    status = result.genes.row(0, named=True)
    yield f"gene {gene} is predicted: {status['positions']:,} positions", status["reason"]
    if status["reason"]:
        return
    yield from _files(result)
    yield from _figures(result, int(status["positions"]))
    skew = result.summary.skew()
    yield "every feature with weight is computed", skew


def _files(result: RunResult) -> Iterator[tuple[str, str]]:
    layout = result.layout
    expected = [
        layout.report_text, layout.report_html, layout.gene_manifest, layout.log,
        layout.metadata, layout.manifest_csv,
        *(layout.table(output, 0, 1) for output in ("complete", "meta", "base")),
    ]  # fmt: skip
    for path in expected:
        there = path.is_file() and ends_of(path)["bytes"] > 0
        name = str(path).removeprefix(f"{layout.root}/")
        yield f"{name} is written", "" if there else "missing or empty"


def _figures(result: RunResult, positions: int) -> Iterator[tuple[str, str]]:
    complete = result.predictions().collect()
    base = scan_table(result.layout, "base").collect()
    rows = f"{complete.height:,} rows for {positions:,} positions"
    yield "one row per nucleotide", "" if complete.height == positions else rows
    same = complete.select(SCORES).equals(base.select(SCORES))
    yield "base scores are unaltered", "" if same else "they differ from the input"
    ran = complete.filter(pl.col("is_adjusted"))
    sums = ran.select(pl.sum_horizontal(pl.col(FINAL).cast(pl.Float64))).to_series()
    off = max(((sums - 1).abs()).to_list(), default=0.0)
    trouble = "" if off <= 1e-5 else f"off by {off:.2g}"
    yield "recalibrated probabilities sum to 1", trouble
    changed = ran.filter(
        pl.any_horizontal(pl.col(f) != pl.col(s) for f, s in zip(FINAL, SCORES, strict=True))
    )
    yield "the meta-model has an effect", "" if changed.height else "no probability changed"
