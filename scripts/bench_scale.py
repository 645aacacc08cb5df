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
from splice_meta.pipeline.batch import predict_batch
from splice_meta.sources.base_scores import open_scores

QUERY = """
import sys, polars as pl

donor, acceptor, neither = scores = [pl.col(f"{n}_score") for n in ("donor", "acceptor", "neither")]
uncertain = pl.max_horizontal(donor, acceptor).is_between(0.02, 0.8, closed="left")
kind = (
    pl.when((neither >= donor) & (neither >= acceptor)).then(pl.lit("neither"))
    .when(donor >= acceptor).then(pl.lit("donor")).otherwise(pl.lit("acceptor"))
)
source = pl.when(uncertain).then(pl.lit("meta_model")).otherwise(pl.lit("base_model"))
pl.scan_parquet(sys.argv[1]).select(
    "gene_id", pl.col("position").cast(pl.Int64), *scores,
    **{f"{n}_meta": pl.col(f"{n}_score") for n in ("donor", "acceptor", "neither")},
    predicted_type=kind.cast(pl.Enum(["neither", "donor", "acceptor"])),
    prediction_source=source.cast(pl.Enum(["base_model", "meta_model"])),
    is_uncertain=uncertain, is_adjusted=uncertain,
).sink_parquet(sys.argv[2])
"""
"""A plain query that reads the same files and writes the same twelve columns, of the same types."""

COLUMNS = ("gene_id", "position", "donor_score", "acceptor_score", "neither_score", "base")
"""The columns of the table that is made."""

FILE_ROWS = 1_700_000

BARE = """
from splice_meta.runtime.process import set_environment

set_environment()  # before Polars is imported, as the command line does it

import sys

import polars as pl

import splice_meta.report.finish as finish
import splice_meta.runs.task as task
from splice_meta.cli.app import program
from splice_meta.sites import COUNTS

if sys.argv.pop(1) == "without":
    nothing = lambda part: pl.repeat(None, part.genes.height, dtype=pl.Int64, eager=True)
    parts, task._parts = task._parts, lambda layout, shard, rows: parts(
        layout, shard, {name: count for name, count in rows.items() if name != "sites"}
    )
    task._write_sites = lambda job, shard, done, files: ([*map(nothing, done)], 0)
    task.count_figures = lambda outcome, sizes: (
        pl.repeat(0, len(sizes), dtype=pl.Int64, eager=True).alias("moved"), {}
    )
    task.count_truth = lambda done, threshold: (pl.DataFrame(schema=task.BINS), {})
    finish.finish_sites = lambda layout, genes: (
        genes.with_columns(pl.lit(None, pl.Int64).alias(name) for name in COUNTS), pl.DataFrame()
    )
    finish.finish_report = finish.write_tsv = lambda *given: None
program()
"""
"""``splice-meta`` with or without what makes the sites table, the figures and the report."""

LIBRARIES = "import splice_meta.workflow, polars, numpy, sklearn, xgboost"

ENVIRONMENT = {n: v for n, v in os.environ.items() if n != "PYTHONDONTWRITEBYTECODE"}
"""Of the commands: an installed package is compiled once, not at each start."""

Measured = dict[str, float]


def tile(sources: Sequence[str], positions: int, folder: Path) -> tuple[int, int]:
    """Write a table of at least so many positions: the genes of some tables again and again.

    Args:
        sources: Score tables.
        positions: How many rows there should be.
        folder: Where to write its files, each with all genes of the sources as often as gives
            :data:`FILE_ROWS` rows or more.

    Returns:
        The rows, and how often the sources were repeated; each time the gene ids end in another
        number.
    """
    folder.mkdir()
    table = pl.concat([pl.scan_parquet(source).select(COLUMNS) for source in sources]).collect()
    times, each = -(-positions // table.height), -(-FILE_ROWS // table.height)
    for first in range(0, times, each):
        numbers = range(first, min(first + each, times))
        copies = [table.with_columns(gene_id=pl.col("gene_id") + f"_{n:05d}") for n in numbers]
        pl.concat(copies).write_parquet(folder / f"part-{first:05d}.parquet")
    return times * table.height, times


def measure(command: Sequence[str]) -> Measured:
    """Run a command; its wall and CPU seconds and its peak memory in bytes.

    Raises:
        SystemExit: If it fails.
    """
    os.sync()  # what was written before must not be a command's burden
    start, before, peak = time.perf_counter(), os.times(), 0
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, env=ENVIRONMENT)
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
        batch = predict_batch(opened.all_rows(), model, settings, keep_matrix=True)
        assert batch.matrix is not None
        frame = batch.matrix
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
    parser.add_argument("--positions", type=int, default=43_000_000)
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
    table, output, plain = folder / "scores", folder / "out", folder / "plain.parquet"
    rows, times = tile(options.scores, options.positions, table)
    model = sm.load_model(options.model)
    python = sys.executable
    run = [
        python, "-m", "splice_meta", "run", "--scores", str(table), "--memory", options.memory,
        "--columns", "lean", "--outputs", "complete", "--output-dir", str(output), "--quiet",
    ]  # fmt: skip
    given = ["--model", options.model]
    commands = {
        "query": [python, "-c", QUERY, str(table / "*.parquet"), str(plain)],
        "confidence_only": [*run, *given, "--uncertainty-strategy", "confidence_only"],
        "base_only": [*run, "--inference-mode", "base_only"],
        "default": [*run, *given],
        "reported": [python, "-c", BARE, "with", *run[3:], *given],
        "bare": [python, "-c", BARE, "without", *run[3:], *given],
    }
    if options.other_model:
        commands["other model"] = [*run, "--model", options.other_model]
    if options.workers:
        commands["dask"] = [*run, *given, "--workers", str(options.workers)]
    libraries = measure([python, "-c", LIBRARIES])["peak"]
    found: dict[str, list[Measured]] = {name: [] for name in [*commands, "predict"]}
    for _ in range(options.runs):
        for name, command in commands.items():
            found[name].append(measure(command))
            shutil.rmtree(output, ignore_errors=True)
            plain.unlink(missing_ok=True)
        found["predict"].append(bare_predict(options.scores, model, times))
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
        "ratios": ratios(found, "wall"),
        "cpu_ratios": ratios(found, "cpu"),
    }  # fmt: skip


def ratios(found: dict[str, list[Measured]], of: str) -> dict[str, dict[str, float]]:
    """The ratios in docs/developer/scale.md, run by run, of ``wall`` or of ``cpu`` seconds."""
    time = {name: [each[of] for each in runs] for name, runs in found.items()}
    both = [query + predict for query, predict in zip(time["query"], time["predict"], strict=True)]
    pairs = {
        "confidence_only / query": (time["confidence_only"], time["query"]),
        "base_only / query": (time["base_only"], time["query"]),
        "default / (query + bare predict)": (time["default"], both),
        "default / without sites table and reports": (time["reported"], time["bare"]),
    }
    if "other model" in time:
        pairs["other model / model"] = (time["other model"], time["default"])
    if "dask" in time:
        pairs["throughput, dask / in-process"] = (time["default"], time["dask"])
    return {
        name: spread([a / b for a, b in zip(above, below, strict=True)])
        for name, (above, below) in pairs.items()
    }


if __name__ == "__main__":
    main()
