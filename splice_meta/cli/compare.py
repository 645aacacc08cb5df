"""``splice-meta compare``: two runs or tables, side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from splice_meta.cli.console import say, say_pairs, say_table, set_verbosity
from splice_meta.cli.evaluate import show
from splice_meta.cli.options import REFERENCE, Genes, GenesFile, Memory, Quiet, Verbose, gene_list
from splice_meta.errors import UsageError
from splice_meta.files.given import Given
from splice_meta.files.ownership import refuse_same, refuse_target
from splice_meta.settings import parse_memory

if TYPE_CHECKING:
    from splice_meta.evaluation.compare import Comparison


def compare(
    first: Annotated[
        str, typer.Argument(help="A run's output, predictions, or base scores.", metavar="RUN1")
    ],
    second: Annotated[str, typer.Argument(help="Another.", metavar="RUN2")],
    genes: Genes = None,
    genes_file: GenesFile = None,
    annotation: Annotated[
        Path | None,
        typer.Option(
            help="GTF or GFF3: its splice sites are the truth.", rich_help_panel=REFERENCE
        ),
    ] = None,
    threshold: Annotated[
        float, typer.Option(help="Probability from which a site counts as called.")
    ] = 0.5,
    resamples: Annotated[
        int, typer.Option(help="Bootstrap draws of genes for the intervals; 0 for none.")
    ] = 1000,
    seed: Annotated[int, typer.Option(help="Random seed of the draws.")] = 0,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write the calls gained and lost: .parquet or .csv."),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write counts and figures to this JSON file.")
    ] = None,
    memory: Memory = "1GiB",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace these files.")] = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    """Calls gained and lost between two runs or models, agreement, and figures side by side."""
    set_verbosity(quiet, verbose)
    if output is not None and output.suffix not in (".parquet", ".csv"):
        raise UsageError(f"--output {output} is of an unknown kind.", "Write .parquet or .csv.")
    from splice_meta.evaluation.compare import compare as compare_two
    from splice_meta.runs.found import run_at

    layouts = [(each, run_at(each)) for each in (first, second)]
    given = Given(
        (*(layout.predictions if layout else each for each, layout in layouts), annotation)
    )
    targets = {"--output": output, "--json": json_file}
    wanted = {name: file for name, file in targets.items() if file is not None}
    for file in wanted.values():
        refuse_target(file, given, overwrite)
    refuse_same(wanted)
    found = compare_two(
        first,
        second,
        genes=gene_list(genes, genes_file),
        annotation=annotation,
        threshold=threshold,
        resamples=resamples,
        seed=seed,
        memory=parse_memory(memory),
    )
    say_pairs([("First", first), ("Second", second)])
    say(f"{found.genes:,} genes and {found.positions:,} positions are in both.")
    say()
    _show_calls(found)
    if found.evaluation is not None:
        say()
        show(found.evaluation)
    _write(found, first, second, output, json_file)
    return 0


def _show_calls(found: Comparison) -> None:
    """The counts of calls by class."""
    heads = ["calls", *(name.replace("_", " ") for name in found.calls.columns[1:])]
    rows = []
    for row in found.calls.iter_rows(named=True):
        rows.append([row.pop("class"), *map(_cell, row.values())])
    kept = [number for number in range(len(heads)) if any(row[number] != "-" for row in rows)]
    say_table([heads[n] for n in kept], [[row[n] for n in kept] for row in rows], 1)


def _cell(value: float | int | None) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else f"{value:,}"


def _write(
    found: Comparison, first: str, second: str, output: Path | None, json_file: Path | None
) -> None:
    """Write the files that were asked for, each complete or not at all."""
    from splice_meta.evaluation.record import record
    from splice_meta.sink import sink_parquet, write_csv, write_text

    if output is not None:
        if output.suffix == ".parquet":
            sink_parquet(found.changes.lazy(), output)
        else:
            write_csv(output, found.changes)
        say(f"Calls gained and lost: {output}")
    if json_file is not None:
        data = {
            "first": first,
            "second": second,
            "genes": found.genes,
            "positions": found.positions,
            "calls": found.calls.to_dicts(),
        }
        if found.evaluation is not None:
            data["evaluation"] = record(found.evaluation, f"{first} {second}", None)
        write_text(json_file, json.dumps(data, indent=1, allow_nan=False) + "\n")
        say(f"Figures: {json_file}")
