"""``splice-meta sort``: score tables in any order in, one sorted table out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from splice_meta.cli.console import say, set_verbosity
from splice_meta.cli.options import Quiet, Verbose
from splice_meta.cli.progress import watcher
from splice_meta.settings import parse_memory


def sort(
    scores: Annotated[
        list[str],
        typer.Argument(
            help="Score tables: files, globs, directories (Parquet, Arrow IPC, CSV, TSV)."
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="The Parquet file; a directory of parts if above the budget."
        ),
    ],
    memory: Annotated[
        str, typer.Option("--memory", help="Memory budget of the rows sorted at once.")
    ] = "1GiB",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the table.")] = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    """Sort score tables by gene, then position; they need not fit into memory.

    Genes come in the order of their first rows. All columns are kept as they are.
    """
    set_verbosity(quiet, verbose)
    budget = parse_memory(memory)
    from splice_meta.runs.sort import sort_scores

    with watcher("reading the schema") as progress:
        done = sort_scores(scores, output, memory=budget, overwrite=overwrite, progress=progress)
    parts = f" in {done.parts:,} parts" if done.parts > 1 else ""
    say(f"{done.genes:,} genes, {done.rows:,} rows{parts}: {done.path}")
    return 0
