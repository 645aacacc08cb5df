"""``splice-meta evaluate-variants``: how well scores tell which variants change splicing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from splice_meta.cli.console import say, say_table, set_verbosity
from splice_meta.cli.options import Quiet, Verbose
from splice_meta.errors import UsageError
from splice_meta.files.given import Given
from splice_meta.files.ownership import refuse_target

if TYPE_CHECKING:
    from splice_meta.evaluation.variants import VariantEvaluation


def evaluate_variants(
    table: Annotated[
        str, typer.Argument(help="Variants with a truth: TSV, CSV or Parquet.", metavar="TABLE")
    ],
    truth: Annotated[
        str, typer.Option(help="The column that says whether splicing changes: 1 or 0.")
    ],
    results: Annotated[
        str, typer.Option(help="The output folder of splice-meta variants for these variants.")
    ] = "",
    score: Annotated[
        list[str] | None,
        typer.Option(help="A score column of the table to compare with; repeat for more."),
    ] = None,
    group: Annotated[
        str, typer.Option(help="The table's column of genes, by which intervals are made.")
    ] = "",
    threshold: Annotated[
        list[float] | None,
        typer.Option(help="Score from which a variant counts as called; repeat for more."),
    ] = None,
    missing: Annotated[
        str,
        typer.Option(help="Variants without a value of some score: leave-out, or zero."),
    ] = "leave-out",
    resamples: Annotated[
        int, typer.Option(help="Bootstrap draws of genes for the intervals; 0 for none.")
    ] = 1000,
    seed: Annotated[int, typer.Option(help="Random seed of the draws.")] = 0,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the table: .parquet or .csv.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace this file.")] = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    """Measure how well scores find variants that change splicing, with intervals over genes."""
    set_verbosity(quiet, verbose)
    if output is not None:
        if output.suffix not in (".parquet", ".csv"):
            raise UsageError(f"--output {output} is of an unknown kind.", "Write .parquet or .csv.")
        refuse_target(output, Given((table, results)), overwrite)
    from splice_meta.evaluation.variants import THRESHOLDS, measure

    found = measure(
        table,
        truth,
        results=results or None,
        scores=score or [],
        group=group or None,
        thresholds=tuple(threshold or THRESHOLDS),
        missing=missing,
        resamples=resamples,
        seed=seed,
    )
    show(found)
    if output is not None:
        _write(found, output)
    return 0


def _write(found: VariantEvaluation, output: Path) -> None:
    from splice_meta.sink import sink_parquet, write_csv

    if output.suffix == ".csv":
        write_csv(output, found.table)
    else:
        sink_parquet(found.table.lazy(), output)
    say(f"Table: {output}")


def show(found: VariantEvaluation) -> None:
    """Print the figures, one row per system; then the changes against the first."""
    say(
        f"{found.variants:,} variants of {found.groups:,} genes, "
        f"{found.affecting:,} of which change splicing"
    )
    rows = {(r["metric"], r["threshold"]): r for r in found.table.iter_rows(named=True)}
    first, *others = found.systems
    ranked = [("auroc", None), ("average_precision", None)]
    heads = ["score", "AUROC", "average precision", "no value"]
    say_table(
        heads,
        [
            [name, *(_figure(rows[key], name) for key in ranked), str(found.without_value[name])]
            for name in found.systems
        ],
        1,
    )
    if others:
        say()
        say_table(
            [f"less {first}", *heads[1:3]],
            [[name, *(_figure(rows[k], f"{name}_change", "+") for k in ranked)] for name in others],
            1,
        )
    say()
    say_table(["score", "threshold", "sensitivity", "precision", "specificity"], _calls(found), 1)
    if found.resamples:
        say()
        say(
            f"In brackets: 95% intervals over {found.resamples:,} draws of genes with replacement. "
            "The best threshold (largest F1) is chosen on these variants, so it flatters."
        )


def _calls(found: VariantEvaluation) -> list[list[str]]:
    rows = {(r["metric"], r["threshold"]): r for r in found.table.iter_rows(named=True)}
    names = ("sensitivity", "precision", "specificity")
    thresholds = [each for name, each in rows if name == "sensitivity"]
    cells = []
    for system in found.systems:
        for each in thresholds:
            cells.append([system, f"{each:g}", *(_figure(rows[n, each], system) for n in names)])
        best = rows["best_threshold", None][system]
        shown = "-" if best is None else f"best: {best:.3g}"
        cells.append([system, shown, *(_figure(rows[f"best_{n}", None], system) for n in names)])
    return cells


def _figure(row: dict[str, Any], name: str, sign: str = "") -> str:
    value, low, high = (row[name + end] for end in ("", "_low", "_high"))
    if value is None:
        return "-"
    text = f"{value:{sign}.4f}"
    return text if low is None else f"{text} [{low:{sign}.4f}, {high:{sign}.4f}]"
