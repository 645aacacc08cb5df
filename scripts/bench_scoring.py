"""Speed of ``splice-meta score``, as JSON: ratios to PyTorch and to a matrix product.

In turn, several times: the whole command into a file; PyTorch's bare forward passes of the same
networks on the same windows, from tensors that are ready, as their authors describe them (layers
padded, batch norms on their own, the context cropped in the end) and as our engine has them (none
of that); and a product of two large matrices on as many threads, which is what the processor can
do.
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
from splice_meta.base_models.load import BUILT_IN, load_base_model
from splice_meta.base_models.network import UNITS_PER_SKIP, Convolution, Network
from splice_meta.base_models.windows import (
    WINDOW,
    GeneScores,
    cut,
    one_hot,
    spread,
)  # fmt: skip
from splice_meta.reference.sequence import Genome, transcript_bases
from splice_meta.runtime.process import usable_cores

SIDE = 4096
"""Of the matrices."""


def windows(model: Any, annotation: str, fasta: str, genes: list[str]) -> list[Any]:
    """The one-hot windows that the command makes of the genes."""
    genome, half = Genome(fasta), model.context // 2
    rows = genes_to_score(sm.open_annotation(annotation), genome, genes).table.to_dicts()
    lengths = [gene["end"] - gene["start"] + 1 for gene in rows]
    most = spread(sum(lengths), WINDOW, usable_cores())
    made = []
    for gene in rows:
        bases = transcript_bases(
            genome, gene["record"], gene["strand"], gene["start"] - half, gene["end"] + half
        )
        listed = cut([GeneScores(gene["gene_id"], bases, model.context)], most)
        made += [one_hot([window]) for window in listed]
    return made


def as_described(network: Network) -> Any:
    """A network as a torch module of padded layers, as its authors describe it."""
    import torch
    from torch import nn

    def convolution(layer: Convolution) -> Any:
        out, into, width = layer.weights.shape
        made = nn.Conv1d(into, out, width, dilation=layer.dilation, padding=layer.reach)
        made.weight.data = torch.from_numpy(layer.weights.copy())
        made.bias.data = torch.from_numpy(layer.bias.copy())
        return made

    def norm(scale: Any = None, shift: Any = None) -> Any:
        made = nn.BatchNorm1d(len(network.entry.bias))
        if scale is not None:
            made.weight.data, made.bias.data = map(torch.from_numpy, (scale.copy(), shift.copy()))
        return made  # the second of a unit is in its convolution, but takes its time all the same

    entry, head = convolution(network.entry), convolution(network.head)
    skips = [convolution(layer) for layer in network.skips]
    units = [
        nn.Sequential(
            norm(unit.scale, unit.shift), nn.LeakyReLU(network.slope), convolution(unit.first),
            norm(), nn.LeakyReLU(network.slope), convolution(unit.second),
        ).eval()
        for unit in network.units
    ]  # fmt: skip

    def run(batch: Any) -> Any:
        values = entry(batch)
        line = skips[0](values)
        for number, unit in enumerate(units, start=1):
            values = values + unit(values)
            if number % UNITS_PER_SKIP == 0:
                line = line + skips[number // UNITS_PER_SKIP](values)
        half = network.context // 2
        return head(line[:, :, half : line.shape[2] - half]).softmax(1)

    return run


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
    parser.add_argument("--base-model", choices=BUILT_IN, required=True)
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
    described = [as_described(network) for network in model.ensemble.networks]
    names = ("command", "torch as described", "torch as our engine", "product")
    seconds: dict[str, list[float]] = {name: [] for name in names}

    def timed(name: str, do: Any) -> None:
        start = time.perf_counter()
        do()
        seconds[name].append(time.perf_counter() - start)

    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        table = Path(folder) / "scores.parquet"
        for _ in range(options.runs):
            timed("command", lambda: subprocess.run(command(options, table), check=True))
            timed("torch as described", lambda: [run(x) for x in ready for run in described])
            timed("torch as our engine", lambda: [engine.run(batch) for batch in ready])
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
            **{
                f"command / {name}, speed": spread_of(
                    [bare / ours for bare, ours in zip(seconds[name], seconds["command"],
                                                       strict=True)]
                )
                for name in names[1:3]
            },
            "command / matrix product, operations per second": spread_of(
                [ours / best for ours, best in zip(reached, peak, strict=True)]
            ),
        },
    }  # fmt: skip
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
