"""Throughput of scoring against the bare networks, as JSON.

The bare pass puts each gene through the networks whole, from a tensor that is ready, and drops
what comes out. Scoring does everything: annotation (parsed before), sequence, windows, checks and
the Parquet file. Both are taken in turn, several times; the ratio is what counts.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import splice_meta as sm
from splice_meta.base_models.genes import genes_to_score
from splice_meta.base_models.windows import GeneScores, cut, one_hot
from splice_meta.reference.sequence import Genome, transcript_bases


def tensors(model: Any, annotation: sm.Annotation, genome: Genome, genes: list[str]) -> list[Any]:
    """Each gene with its context as the networks take it."""
    half, ready = model.context // 2, []
    for gene in genes_to_score(annotation, genome, genes).table.to_dicts():
        bases = transcript_bases(
            genome, gene["record"], gene["strand"], gene["start"] - half, gene["end"] + half
        )
        whole = GeneScores(gene["gene_id"], bases, model.context)
        ready.append(model.tensor(one_hot(list(cut([whole], len(whole.scores))))))
    return ready


def forward(model: Any, ready: list[Any]) -> None:
    """The bare forward passes."""
    import torch

    with torch.inference_mode():
        for batch in ready:
            model.forward(batch)
    if model.device.startswith("cuda"):
        torch.cuda.synchronize()


def main() -> None:
    """Run the benchmark that the command line asks for and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base-model", choices=("spliceai", "openspliceai"), required=True)
    parser.add_argument("--weights")
    parser.add_argument("--annotation", required=True)
    parser.add_argument("--fasta", required=True)
    parser.add_argument("--genes", required=True, help="separated by commas")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    model = sm.load_base_model(options.base_model, options.weights, options.device)
    annotation, genome = sm.open_annotation(options.annotation), Genome(options.fasta)
    genes = options.genes.split(",")
    ready = tensors(model, annotation, genome, genes)
    seconds: dict[str, list[float]] = {"bare": [], "score": []}
    positions = 0
    with tempfile.TemporaryDirectory() as folder:
        forward(model, ready[:1])  # warm-up, not counted
        for _ in range(options.runs):
            start = time.perf_counter()
            forward(model, ready)
            middle = time.perf_counter()
            table = Path(folder) / "scores.parquet"
            done = sm.score(
                options.annotation, options.fasta, table, base_model=model, genes=genes,
                overwrite=True,
            )  # fmt: skip
            seconds["score"].append(time.perf_counter() - middle)
            seconds["bare"].append(middle - start)
            positions = int(done.genes["positions"].sum())
    ratios = [bare / whole for bare, whole in zip(seconds["bare"], seconds["score"], strict=True)]
    result = {
        "machine": {"cores": os.cpu_count()},
        "base_model": model.name,
        "genes": len(ready),
        "positions": positions,
        "seconds": {
            name: {"min": min(found), "median": median(found), "max": max(found)}
            for name, found in seconds.items()
        },
        "positions_per_second": round(positions / median(seconds["score"])),
        "ratios": {
            "throughput of score / bare forward pass": {
                "min": round(min(ratios), 3),
                "median": round(median(ratios), 3),
                "max": round(max(ratios), 3),
            }
        },
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
