"""Benchmark of whole runs on tables of any size, as JSON: real genes, repeated under other ids.

Every ratio compares commands that ran one after the other, in turns; compare ratios between
machines, not seconds. Wall and CPU seconds are those of the process tree (but for the CPU seconds
of Dask's workers, which are not known here), peak memory is the largest sum of its resident sets,
looked at ten times a second.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import polars as pl

import splice_meta as sm
from splice_meta.bundled import fixtures
from splice_meta.model.predict import _inplace, margin_of
from splice_meta.pipeline.batch import plan_predictions
from splice_meta.sources.base_scores import open_scores

COPY = """
import sys, polars as pl
meta = {f"{name}_meta": pl.col(f"{name}_score") for name in ("donor", "acceptor", "neither")}
plan = pl.scan_parquet(sys.argv[1]).with_columns(**meta, is_adjusted=pl.lit(False))
plan.sink_parquet(sys.argv[2])
"""

LIBRARIES = "import splice_meta.workflow, polars, numpy, sklearn, xgboost"

Measured = dict[str, float]


def tile(sources: Sequence[str], positions: int, path: Path) -> int:
    """Write a table of at least so many positions: the genes of some tables again and again.

    Args:
        sources: Score tables.
        positions: How many rows there should be.
        path: Where to write.

    Returns:
        How often they were repeated; each time the gene ids end in another number.
    """
    tables = [pl.scan_parquet(source) for source in sources]
    rows = sum(table.select(pl.len()).collect().item() for table in tables)
    times = -(-positions // rows)
    parts = [
        table.with_columns(gene_id=pl.col("gene_id") + f"_{number:05d}")
        for number in range(times)
        for table in tables
    ]
    pl.concat(parts).sink_parquet(path, maintain_order=True)
    return times


def measure(command: Sequence[str]) -> Measured:
    """Run a command; its wall and CPU seconds and its peak memory in bytes.

    Raises:
        SystemExit: If it fails.
    """
    os.sync()  # what was written before must not be a command's burden
    start, before, peak = time.perf_counter(), os.times(), 0
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=said, stderr=said)
        while process.poll() is None:
            peak = max(peak, _resident(process.pid))
            time.sleep(0.1)
        if process.returncode:
            said.seek(0)
            sys.exit(f"{' '.join(command)} failed:\n{said.read().decode()}")
    after = os.times()
    cpu = sum(after[2:4]) - sum(before[2:4])
    return {"wall": time.perf_counter() - start, "cpu": cpu, "peak": peak}


def _resident(pid: int) -> int:
    """Resident bytes of a process and all below it."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        tasks = Path(f"/proc/{pid}/task").glob("*/children")  # any thread may have started some
        children = [child for task in tasks for child in task.read_text().split()]
    except (OSError, IndexError):  # it has just ended
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(_resident(int(child)) for child in children)


def bare_predict(sources: Sequence[str], model: sm.MetaModel, times: int) -> Measured:
    """XGBoost alone on the matrix of a default run, which stands in memory, row-major."""
    settings = sm.RunSettings()
    booster, work = model.boosters[0], []
    for source in sources:
        opened = open_scores(source)
        plan = plan_predictions(opened.all_rows(), model, settings)
        assert plan.matrix is not None
        frame = plan.matrix.collect()
        matrix = frame.select(model.manifest.names).cast(pl.Float32).to_numpy(order="c")
        work.append((matrix, margin_of(model, frame)))
    start, cpu = time.perf_counter(), time.process_time()
    for _ in range(times):
        for matrix, margin in work:
            _inplace(booster, matrix, margin)
    return {"wall": time.perf_counter() - start, "cpu": time.process_time() - cpu, "peak": 0}


def spread(values: Sequence[float]) -> dict[str, float]:
    """Min, median and max."""
    return {
        "min": round(min(values), 3), "median": round(median(values), 3),
        "max": round(max(values), 3),
    }  # fmt: skip


def main() -> None:
    """Run the benchmark that the command line asks for and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--positions", type=int, default=100_000_000)
    parser.add_argument(
        "--scores", nargs="+", default=[str(fixtures() / "scores_openspliceai.parquet")]
    )
    parser.add_argument("--model", default="bundled:openspliceai-mane")
    parser.add_argument("--other-model", default="", help="of the extended manifest, to compare")
    parser.add_argument("--memory", default="1GiB")
    parser.add_argument("--workers", type=int, default=0, help="compare with so many Dask workers")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="for the tables; a temporary one by default")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        print(json.dumps(benchmark(options, Path(folder)), indent=1))


def benchmark(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Make the table, run everything in turns, and gather figures and ratios."""
    table, output = folder / "scores.parquet", folder / "out"
    times = tile(options.scores, options.positions, table)
    rows = pl.scan_parquet(table).select(pl.len()).collect().item()
    model = sm.load_model(options.model)
    python = sys.executable
    run = [
        python, "-m", "splice_meta", "run", "--scores", str(table), "--memory", options.memory,
        "--columns", "lean", "--outputs", "complete", "--output-dir", str(output), "--quiet",
    ]  # fmt: skip
    given = ["--model", options.model]
    commands = {
        "copy": [python, "-c", COPY, str(table), str(folder / "copy.parquet")],
        "confidence_only": [*run, *given, "--uncertainty-strategy", "confidence_only"],
        "default": [*run, *given],
    }
    if options.other_model:
        commands["other model"] = [*run, "--model", options.other_model]
    if options.workers:
        commands["dask"] = [*run, *given, "--workers", str(options.workers)]
    found: dict[str, list[Measured]] = {name: [] for name in [*commands, "predict"]}
    for _ in range(options.runs):
        for name, command in commands.items():
            found[name].append(measure(command))
            shutil.rmtree(output, ignore_errors=True)
            (folder / "copy.parquet").unlink(missing_ok=True)
        found["predict"].append(bare_predict(options.scores, model, times))
    libraries = measure([python, "-c", LIBRARIES])["peak"]
    return {
        "machine": {"cores": os.cpu_count(), "polars_threads": pl.thread_pool_size()},
        "rows": rows, "runs": options.runs, "memory": options.memory,
        "features": len(model.manifest.names), "trees": model.trees,
        "libraries_bytes": libraries,
        "measured": {
            name: {
                "wall": spread([each["wall"] for each in runs]),
                "cpu": spread([each["cpu"] for each in runs]),
                "peak_bytes": max(each["peak"] for each in runs),
                "rows_per_second": round(rows / median(each["wall"] for each in runs)),
            }
            for name, runs in found.items()
        },
        "ratios": ratios(found),
    }  # fmt: skip


def ratios(found: dict[str, list[Measured]]) -> dict[str, dict[str, float]]:
    """The ratios of wall times that the README quotes, run by run."""
    wall = {name: [each["wall"] for each in runs] for name, runs in found.items()}
    both = [copy + predict for copy, predict in zip(wall["copy"], wall["predict"], strict=True)]
    pairs = {
        "confidence_only / copy": (wall["confidence_only"], wall["copy"]),
        "default / (copy + bare predict)": (wall["default"], both),
    }
    if "other model" in wall:
        pairs["other model / model"] = (wall["other model"], wall["default"])
    if "dask" in wall:
        pairs["throughput, dask / in-process"] = (wall["default"], wall["dask"])
    return {
        name: spread([a / b for a, b in zip(above, below, strict=True)])
        for name, (above, below) in pairs.items()
    }


if __name__ == "__main__":
    main()
