"""Reading an annotation of realistic size, as JSON: first time, from the cache, derived tables.

The GTF is made by repetition of a real one, with ids of their own for each copy and each copy
further along the chromosome, until it has as many lines as asked for (GENCODE has about 3.4
million).
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import resource
import tempfile
import time
from pathlib import Path

import splice_meta as sm
from splice_meta.bundled import fixtures
from splice_meta.reference.gene_features import gene_features


def repeat(source: Path, target: Path, lines: int) -> int:
    """Write the lines of a GTF again and again; returns how many."""
    opened = gzip.open if source.suffix == ".gz" else open
    with opened(source, "rt", encoding="utf-8") as text:
        real = [line for line in text if not line.startswith("#")]
    fields = [line.split("\t", 5) for line in real]
    span = max(int(row[4]) for row in fields) - min(int(row[3]) for row in fields) + 1
    ids = re.compile(r'((?:gene|transcript)_id ")([^"]*)"')
    written = 0
    with gzip.open(target, "wt", compresslevel=1, encoding="utf-8") as out:
        while written < lines:
            copy = written // len(real)
            for row in fields:
                start, end = int(row[3]) + copy * span, int(row[4]) + copy * span
                rest = ids.sub(rf'\g<1>\g<2>c{copy}"', row[5])
                out.write("\t".join([*row[:3], str(start), str(end), rest]))
            written += len(real)
    return written


def main() -> None:
    """Run the benchmark that the command line asks for and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--annotation", type=Path, default=fixtures() / "annotation.gtf.gz")
    parser.add_argument("--lines", type=int, default=3_400_000)
    options = parser.parse_args()
    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        path = Path(folder) / "repeated.gtf.gz"
        lines = repeat(options.annotation, path, options.lines)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for name in ("first read", "from the cache"):
            start = time.perf_counter()
            annotation = sm.open_annotation(path)
            seconds[name] = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for name, work in (
            ("splice sites", annotation.splice_sites),
            ("features of all genes", lambda: gene_features(annotation)),
        ):
            start = time.perf_counter()
            work()
            seconds[name] = time.perf_counter() - start
    result = {
        "machine": {"cores": os.cpu_count()},
        "lines": lines,
        "genes": annotation.genes.height,
        "exons": annotation.exons.height,
        "seconds": {name: round(value, 2) for name, value in seconds.items()},
        "peak_mib_of_reading": (peak - before) // 1024,
        "ratios": {
            "cache / first read": round(seconds["from the cache"] / seconds["first read"], 4)
        },
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
