"""Speed of ``splice-meta score``, as JSON: ratios to PyTorch and to a matrix product.

In turn, several times: the whole command into a file; PyTorch's bare forward passes of the same
networks on the same windows, from tensors that are ready; and a product of two large matrices on
as many threads, which is what the processor can do.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import polars as pl

import splice_meta as sm
from splice_meta.base_models.genes import genes_to_score
from splice_meta.base_models.load import load_base_model
from splice_meta.base_models.windows import (
    STEP,
    WINDOW,
    GeneScores,
    cut,
    one_hot,
    spread,
    window_of,
)  # fmt: skip
from splice_meta.process import usable_cores
from splice_meta.reference.sequence import Genome, transcript_bases

SIDE = 4096
"""Of the matrices."""


def windows(model: Any, annotation: str, fasta: str, genes: list[str]) -> list[Any]:
    """The one-hot windows that the command makes of the genes."""
    genome, half = Genome(fasta), model.context // 2
    rows = genes_to_score(sm.open_annotation(annotation), genome, genes).table.to_dicts()
    lengths = [gene["end"] - gene["start"] + 1 for gene in rows]
    most = spread(sum(lengths), WINDOW, usable_cores())
    made = []
    for gene, length in zip(rows, lengths, strict=True):
        bases = transcript_bases(
            genome, gene["record"], gene["strand"], gene["start"] - half, gene["end"] + half
        )
        listed = cut([GeneScores(gene["gene_id"], bases, model.context)], most)
        made += [(window_of(length, most) // STEP, one_hot([window])) for window in listed]
    return [each for _, each in sorted(made, key=lambda pair: -pair[0])]


def command(options: argparse.Namespace, output: Path) -> list[str]:
    """The command that is timed."""
    weights = ["--weights", options.weights] if options.weights else []
    return [
        sys.executable, "-m", "splice_meta", "score", "--base-model", options.base_model, *weights,
        "--annotation", options.annotation, "--fasta", options.fasta, "--genes", options.genes,
        "--engine", options.engine, "--precision", options.precision, "--overwrite", "-q",
        "-o", str(output),
    ]  # fmt: skip


def main() -> None:
    """Run the benchmark that the command line asks for and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = ("spliceai", "openspliceai", "pangolin")
    parser.add_argument("--base-model", choices=names, required=True)
    parser.add_argument("--weights")
    parser.add_argument("--annotation", required=True)
    parser.add_argument("--fasta", required=True)
    parser.add_argument("--genes", required=True, help="separated by commas")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    import torch

    torch.set_num_threads(usable_cores())
    model: Any = load_base_model(options.base_model, options.weights, "cpu", engine="torch")
    engine = model.engine
    listed = windows(model, options.annotation, options.fasta, options.genes.split(","))
    ready = [engine.tensor(each) for each in listed]
    operations = sum(network.products for network in model.ensemble.networks)
    left, right = torch.rand(SIDE, SIDE), torch.rand(SIDE, SIDE)
    seconds: dict[str, list[float]] = {"command": [], "torch": [], "product": []}

    def timed(name: str, do: Any) -> None:
        start = time.perf_counter()
        do()
        seconds[name].append(time.perf_counter() - start)

    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        table = Path(folder) / "scores.parquet"
        for _ in range(options.runs):
            timed("command", lambda: subprocess.run(command(options, table), check=True))
            timed("torch", lambda: [engine.run(batch) for batch in ready])
            timed("product", lambda: left @ right)
        positions = pl.scan_parquet(table).select(pl.len()).collect().item()
    peak = [2 * SIDE**3 / taken for taken in seconds["product"]]
    reached = [positions * operations / taken for taken in seconds["command"]]
    cores = usable_cores()

    def spread_of(values: list[float]) -> dict[str, float]:
        found = {"min": min(values), "median": median(values), "max": max(values)}
        return {name: round(value, 3) for name, value in found.items()}

    result = {
        "cores": cores,
        "base_model": options.base_model,
        "engine": options.engine,
        "precision": options.precision,
        "networks": len(model.ensemble.networks),
        "windows": len(ready),
        "positions": positions,
        "positions_per_second_and_core": spread_of(
            [positions / taken / cores for taken in seconds["command"]]
        ),
        "gigaflops": {
            "command": spread_of([value / 1e9 for value in reached]),
            "matrix product": spread_of([value / 1e9 for value in peak]),
        },
        "ratios": {
            "command / bare PyTorch, speed": spread_of(
                [bare / whole for bare, whole in zip(seconds["torch"], seconds["command"],
                                                     strict=True)]
            ),
            "command / matrix product, operations per second": spread_of(
                [ours / best for ours, best in zip(reached, peak, strict=True)]
            ),
        },
    }  # fmt: skip
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
