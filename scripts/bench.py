"""Benchmark of the stages, as JSON: seconds, rows per second, share of the whole, and ratios.

Each stage works on what the stage before left in memory, so that its time is its own. Ratios come
from the same run; compare those between machines, not seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import polars as pl

import splice_meta as sm
from splice_meta.bundled import fixtures
from splice_meta.catalogue import kind_of
from splice_meta.combine import combine
from splice_meta.contracts import with_axis
from splice_meta.manifest import MANIFESTS, FeatureManifest, load_manifest
from splice_meta.model.predict import predict_proba
from splice_meta.outcome import Outcome
from splice_meta.pipeline.batch import predict_batch
from splice_meta.pipeline.matrix import harmonize_plan
from splice_meta.selection import mark_uncertain
from splice_meta.sink import sink_parquet
from splice_meta.sources.base_scores import open_scores


class Stopwatch:
    """Seconds of each stage, one list entry per run."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}
        self.rows: dict[str, int] = {}

    def time(self, stage: str, rows: int, work: Callable[[], Any]) -> Any:
        """Do the work once and keep its time.

        Args:
            stage: What it is called in the result.
            rows: How many rows it handles.
            work: What to do.
        """
        start = time.perf_counter()
        result = work()
        self.seconds.setdefault(stage, []).append(time.perf_counter() - start)
        self.rows[stage] = rows
        return result


def once(watch: Stopwatch, scores: str, model: sm.MetaModel, folder: Path) -> None:
    """One run through all stages.

    Args:
        watch: Keeps the times.
        scores: Base scores.
        model: The meta-model.
        folder: Where the output of the last stage goes.
    """
    settings = sm.RunSettings(outputs=("complete",))
    opened = open_scores(scores)
    rows = opened.table.positions
    watch.time("check", rows, lambda: open_scores(scores))
    everything = opened.batch(0, opened.table.genes.height)
    frame = watch.time("read", rows, everything.collect).lazy()
    axis = with_axis(frame).collect().lazy()
    marked = mark_uncertain(axis, settings.selection)
    watch.time("selection", rows, marked.select("is_uncertain").collect)
    picked = marked.with_columns(is_adjusted="is_uncertain").collect().lazy()
    seen = picked.select(pl.col("is_adjusted").sum()).collect().item()
    for name in MANIFESTS:
        listed = load_manifest(name)
        made = FeatureManifest(tuple(n for n in listed.names if kind_of(n) != "genomic"))
        plan = harmonize_plan(picked, made, settings.features, "is_adjusted")
        watch.time(f"features, {name}", seen, plan.collect)
    whole = harmonize_plan(picked, model.manifest, settings.features, "is_adjusted")
    matrix = watch.time("features", seen, whole.collect)
    found = watch.time("predict", seen, lambda: predict_proba(model, matrix))
    kept = predict_batch(frame, model, settings).marked
    complete = watch.time(
        "combine", rows, lambda: combine(kept, Outcome.of(kept, found)).collect()
    ).lazy()
    watch.time("write", rows, lambda: sink_parquet(complete, folder / "complete.parquet"))


def summarize(watch: Stopwatch) -> dict[str, Any]:
    """Min, median and max seconds per stage, rows per second, shares and ratios of medians."""
    middle = {stage: median(times) for stage, times in watch.seconds.items()}
    chain = ("check", "read", "selection", "features", "predict", "combine", "write")
    total = sum(middle[stage] for stage in chain)
    stages = {
        stage: {
            "rows": watch.rows[stage],
            "seconds": {"min": round(min(times), 4), "median": round(middle[stage], 4),
                        "max": round(max(times), 4)},
            "rows_per_second": round(watch.rows[stage] / middle[stage]),
            "share": round(middle[stage] / total, 3) if stage in chain else None,
        }
        for stage, times in watch.seconds.items()
    }  # fmt: skip
    ratios = {
        "selection / predict": round(middle["selection"] / middle["predict"], 3),
        "features / predict": round(middle["features"] / middle["predict"], 3),
        "features, extended / reference124": round(
            middle["features, extended"] / middle["features, reference124"], 3
        ),
    }
    return {"stages": stages, "ratios": ratios}


def main() -> None:
    """Run the benchmark that the command line asks for and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scores", default=str(fixtures() / "scores_openspliceai.parquet"))
    parser.add_argument("--model", default="bundled:openspliceai-mane")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    model, watch = sm.load_model(options.model), Stopwatch()
    with tempfile.TemporaryDirectory() as folder:
        once(Stopwatch(), options.scores, model, Path(folder))  # warm-up, not counted
        for _ in range(options.runs):
            once(watch, options.scores, model, Path(folder))
    machine = {"cores": os.cpu_count(), "polars_threads": pl.thread_pool_size()}
    result = {"machine": machine, "runs": options.runs, "trees": model.trees} | summarize(watch)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
