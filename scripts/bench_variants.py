"""Speed of the scores of altered sequences, as JSON: ratios within one run.

SNVs of a table, gene by gene, through a base model's networks, in turn several times: each in a
window of its own by the ordinary scoring (``plain``); each in the smallest window (``alone``); as
:class:`splice_meta.base_models.edits.EditScorer` chooses (``chosen``); the same with the scores of
the gene itself around them (``both``), and one after the other (``both, plain``); and ``dense``:
every base of a stretch of the first gene replaced by the three others. The largest difference of
any score from ``plain`` is told, too. Where other programs run, processor time says more than time.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

import splice_meta as sm
from splice_meta.base_models import edits_on_openvino
from splice_meta.base_models.altered import Edit, Reference
from splice_meta.base_models.edits import EditScorer
from splice_meta.base_models.genes import genes_to_score
from splice_meta.base_models.load import BUILT_IN, load_base_model
from splice_meta.reference.sequence import Genome, transcript_bases
from splice_meta.runtime.process import usable_cores

COMPLEMENT = bytes.maketrans(b"ACGT", b"TGCA")

Job = tuple[Reference, list[Edit]]
Scores = NDArray[np.float32]


class Plain:
    """A base model of which nothing is known but how to call it."""

    def __init__(self, model: Any) -> None:
        self.name, self.context, self.batch, self.digest = model.name, model.context, 1, ""
        self.parallel, self.predict = model.parallel, model.predict


def jobs(options: argparse.Namespace, half: int) -> list[Job]:
    """The SNVs of the table by gene, those in several genes in each."""
    genome = Genome(options.fasta)
    rows = pl.read_csv(options.variants, separator="\t", infer_schema_length=None)
    rows = rows.filter((pl.col("ref").str.len_bytes() == 1) & (pl.col("alt").str.len_bytes() == 1))
    genes = genes_to_score(sm.open_annotation(options.annotation), genome, None).table
    found: list[Job] = []
    left = options.count
    for gene in genes.to_dicts():
        inside = rows.filter(
            pl.col("chrom") == gene["chrom"], pl.col("pos").is_between(gene["start"], gene["end"])
        ).head(left)
        if inside.height:
            start, end, minus = gene["start"], gene["end"], gene["strand"] == "-"
            bases = transcript_bases(
                genome, gene["record"], gene["strand"], start - half, end + half
            )
            edits = []
            for pos, alt in inside.select("pos", "alt").iter_rows():
                at = end - pos if minus else pos - start
                letter = alt.encode().translate(COMPLEMENT) if minus else alt.encode()
                edits.append(Edit(at, at + 1, np.frombuffer(letter, np.uint8)))
            found.append((Reference(bases, half, gene["gene_id"]), edits))
            left -= len(edits)
    return found


def stretch(reference: Reference, count: int) -> Job:
    """As many bases in the middle of a gene, each replaced by the three others in turn."""
    first, made = reference.length // 2, []
    for at in range(count):
        place = first + at // 3
        old = b"ACGT".find(bytes(reference.between(place, place + 1)))
        made.append(Edit(place, place + 1, np.array([b"ACGT"[(old + 1 + at % 3) % 4]], np.uint8)))
    return reference, made


@contextmanager
def no_tiles() -> Iterator[None]:
    """Scorers score every edit alone."""
    kept, edits_on_openvino.SPANS = edits_on_openvino.SPANS, ()
    try:
        yield
    finally:
        edits_on_openvino.SPANS = kept


def ways_of(model: Any, reach: int) -> dict[str, Callable[[Job], list[Scores]]]:
    """What is timed, by name: from a gene and its edits to arrays of scores."""
    plain, fast, alone = EditScorer(Plain(model)), EditScorer(model), EditScorer(model)

    def both(job: Job) -> list[Scores]:
        own, found = fast.scores_of_both(*job, reach)
        return [*found, *around(own, job)]

    def one_by_one(job: Job) -> list[Scores]:
        reference, edits = job
        stretches = [
            (max(0, edit.start - reach), min(reference.length, edit.end + reach)) for edit in edits
        ]
        own = plain.reference_scores(reference, stretches)
        return [*plain.scores(*job, reach), *around(own, job)]

    def around(own: Scores, job: Job) -> list[Scores]:
        return [own[max(0, edit.start - reach) : edit.end + reach] for edit in job[1]]

    def in_windows(job: Job) -> list[Scores]:
        with no_tiles():
            return alone.scores(*job, reach)

    return {
        "plain": lambda job: plain.scores(*job, reach),
        "alone": in_windows,
        "chosen": lambda job: fast.scores(*job, reach),
        "both, plain": one_by_one,
        "both": both,
        "dense, plain": lambda job: plain.scores(*job, reach),
        "dense": lambda job: fast.scores(*job, reach),
    }


AGAINST = {
    "alone": "plain", "chosen": "plain", "both": "both, plain", "dense": "dense, plain",
}  # fmt: skip
"""What each way is compared with."""


def main() -> None:
    """Run the benchmark that the command line asks for and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base-model", choices=BUILT_IN, required=True)
    parser.add_argument("--weights")
    parser.add_argument("--annotation", required=True)
    parser.add_argument("--fasta", required=True)
    parser.add_argument("--variants", required=True, help="TSV with chrom, pos, ref, alt")
    parser.add_argument("--count", type=int, default=100, help="SNVs of each way (100)")
    parser.add_argument("--reach", type=int, default=500)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    model: Any = load_base_model(options.base_model, options.weights, engine="openvino")
    sparse = jobs(options, model.context // 2)
    dense = [stretch(sparse[0][0], options.count)]
    ways = ways_of(model, options.reach)
    listed = {name: dense if name.startswith("dense") else sparse for name in ways}
    scores: dict[str, list[Scores]] = {}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    processor: dict[str, list[float]] = {name: [] for name in ways}
    peak: dict[str, int] = {}

    def run(name: str, genes: int | None = None) -> None:
        start, busy = time.perf_counter(), time.process_time()
        scores[name] = [each for job in listed[name][:genes] for each in ways[name](job)]
        seconds[name].append(time.perf_counter() - start)
        processor[name].append(time.process_time() - busy)
        peak[name] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    for name in ways:  # most graphs are compiled; not counted
        run(name, 1)
        seconds[name].clear()
        processor[name].clear()
    for _ in range(options.runs):
        for name in ways:
            run(name)
        print({name: round(times[-1], 2) for name, times in seconds.items()}, file=sys.stderr)

    def spread(values: list[float]) -> dict[str, float]:
        named = {"min": min(values), "median": median(values), "max": max(values)}
        return {name: round(value, 3) for name, value in named.items()}

    def ratios(times: dict[str, list[float]]) -> dict[str, dict[str, float]]:
        return {
            f"{base} / {name}": spread(
                [a / b for a, b in zip(times[base], times[name], strict=True)]
            )
            for name, base in AGAINST.items()
        }

    def difference(name: str) -> float:
        pairs = zip(scores[name], scores[AGAINST[name]], strict=True)
        return float(max(np.abs(one - other).max() for one, other in pairs))

    count = {name: sum(len(edits) for _, edits in some) for name, some in listed.items()}
    result = {
        "cores": usable_cores(),
        "base_model": options.base_model,
        "networks": len(model.ensemble.networks),
        "reach": options.reach,
        "SNVs": count["plain"],
        "genes": len(sparse),
        "ratios of time": ratios(seconds),
        "ratios of processor time": ratios(processor),
        "SNVs per second": {
            name: spread([count[name] / taken for taken in times])
            for name, times in seconds.items()
        },
        "processor seconds per SNV": {
            name: spread([taken / count[name] for taken in times])
            for name, times in processor.items()
        },
        "largest difference": {name: difference(name) for name in AGAINST},
        "peak memory, MB": {name: round(value / 1e6) for name, value in peak.items()},
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
