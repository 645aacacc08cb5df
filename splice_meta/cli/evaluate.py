"""``splice-meta evaluate``: how good base and final probabilities are, side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from splice_meta.cli.console import say, say_table, set_verbosity
from splice_meta.cli.options import (
    REFERENCE,
    Fasta,
    Genes,
    GenesFile,
    Memory,
    Quiet,
    TrustPickle,
    Verbose,
    comma_list,
    gene_list,
    score_paths,
)  # fmt: skip
from splice_meta.cli.progress import watcher
from splice_meta.errors import UsageError
from splice_meta.files.given import Given
from splice_meta.files.ownership import refuse_same, refuse_target
from splice_meta.settings import Mode, RunSettings, Selection, Strategy, parse_memory

if TYPE_CHECKING:
    import polars as pl

    from splice_meta.evaluation.summary import Evaluation, Group
    from splice_meta.model.bundle import MetaModel

FEW_GENES = 10
LEFT_OUT = ("sites", "positions", "candidates")
COMPARED = ("rescued", "lost", "false_positives_removed", "false_positives_added")
"""Counts against the first system: it has none itself, and they are changes already."""
COUNTS = ("true_positives", "false_positives", "false_negatives", *COMPARED)


def evaluate(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="Predictions, a run's output directory, or base scores with truth (NAME=PATH for "
            "several base models, the primary one first).",
        ),
    ],
    model: Annotated[
        str,
        typer.Option(help="Predict base scores with it: a bundle, a model file or bundled:NAME."),
    ] = "",
    modes: Annotated[
        str, typer.Option(help="Modes to compare: base_only, hybrid, meta_only.")
    ] = "",
    genes: Genes = None,
    genes_file: GenesFile = None,
    annotation: Annotated[
        Path | None,
        typer.Option(
            help="GTF or GFF3: its splice sites are the truth; also for features.",
            rich_help_panel=REFERENCE,
        ),
    ] = None,
    fasta: Fasta = None,
    resamples: Annotated[
        int, typer.Option(help="Bootstrap draws of genes for the intervals; 0 for none.")
    ] = 1000,
    seed: Annotated[int, typer.Option(help="Random seed of the draws.")] = 0,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write everything to this JSON file.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the table: .parquet or .csv.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace these files.")] = False,
    explain: Annotated[
        list[str] | None,
        typer.Option(help="GENE:POSITION to split by feature, with --model. Repeat for more."),
    ] = None,
    top: Annotated[int, typer.Option(help="How many features --explain shows.")] = 12,
    uncertainty_low: Annotated[float, typer.Option(help="As for run.")] = 0.02,
    uncertainty_high: Annotated[float, typer.Option(help="As for run.")] = 0.80,
    uncertainty_strategy: Annotated[Strategy, typer.Option(help="As for run.")] = "hybrid_entropy",
    target_meta_rate: Annotated[float, typer.Option(help="As for run.")] = 0.10,
    no_adaptive_tuning: Annotated[
        bool, typer.Option("--no-adaptive-tuning", help="As for run.")
    ] = False,
    memory: Memory = "1GiB",
    trust_pickle: TrustPickle = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    """Compare base and final probabilities over every position, with intervals over genes."""
    set_verbosity(quiet, verbose)
    if explain and not model:
        raise UsageError("--explain needs a model.", "Give --model.")
    if top < 1:
        raise UsageError(f"--top is {top}.", "Give at least 1.")
    settings = RunSettings(
        selection=Selection(
            low=uncertainty_low,
            high=uncertainty_high,
            strategy=uncertainty_strategy,
            target_rate=target_meta_rate,
            adaptive=not no_adaptive_tuning,
        ),
        memory=parse_memory(memory),
    )
    found_paths = score_paths(paths, runs=False)
    given = (*_read_with(found_paths), model, annotation, fasta, genes_file)
    _check_targets(json_file, output, Given(given), overwrite)
    # One path may be anything, several are files of base scores.
    source = paths[0] if found_paths == [paths[0]] else found_paths
    wanted = gene_list(genes, genes_file)
    from splice_meta.evaluation.evaluate import measure
    from splice_meta.evaluation.explain import explain as split
    from splice_meta.model.load import load_model
    from splice_meta.pipeline.matching import fitting

    whole = load_model(model, trust_pickle=trust_pickle) if model else None
    loaded = fitting(whole, source)
    # First, because a wrong position should be known before the long part.
    explained = (
        split(source, loaded, explain, annotation=annotation, fasta=fasta) if explain else None
    )
    with watcher("evaluating") as progress:
        found = measure(
            source,
            loaded,
            modes=cast("list[Mode]", comma_list(modes)) if modes else None,
            genes=wanted,
            resamples=resamples,
            seed=seed,
            settings=settings,
            annotation=annotation,
            fasta=fasta,
            progress=progress,
        )
    show(found)
    if explained is not None and loaded is not None:
        show_explanations(explained, loaded, top)
    _write(found, " ".join(paths), explained, json_file, output)
    return 0


def _check_targets(
    json_file: Path | None, output: Path | None, given: Given, overwrite: bool
) -> None:
    """Refuse files that must not be replaced or whose kind is not known."""
    if output is not None and output.suffix not in (".parquet", ".csv"):
        raise UsageError(f"--output {output} is of an unknown kind.", "Write .parquet or .csv.")
    for file in (json_file, output):
        if file is not None:
            refuse_target(file, given, overwrite)
    if json_file is not None and output is not None:
        refuse_same({"--json": json_file, "--output": output})


def _read_with(paths: Any) -> list[Any]:
    """What is read of paths: of a run its files, beside which others may be written."""
    from splice_meta.runs.found import run_at
    from splice_meta.runs.outputs import HOME, OutputLayout

    if not isinstance(paths, list):
        return [paths]
    runs = {path: run_at(path) for path in paths}
    roots = {layout.root for layout in runs.values() if layout is not None}
    theirs = [
        [*OutputLayout(root, "").latest.values(), *root.glob(f"{HOME}/**/*")]
        for root in roots if isinstance(root, Path)
    ]  # fmt: skip
    return [*theirs, [path for path, layout in runs.items() if layout is None]]


def _write(
    found: Evaluation,
    path: str,
    explained: pl.DataFrame | None,
    json_file: Path | None,
    output: Path | None,
) -> None:
    """Write the files that were asked for, each complete or not at all."""
    from splice_meta.evaluation.record import record
    from splice_meta.sink import sink_parquet, write_csv, write_text

    if json_file is not None:
        data = record(found, path, explained)
        write_text(json_file, json.dumps(data, indent=1, allow_nan=False) + "\n")
        say(f"Figures: {json_file}")
    if output is not None:
        if output.suffix == ".csv":
            write_csv(output, found.table)
        else:
            sink_parquet(found.table.lazy(), output)
        say(f"Table: {output}")


def show(found: Evaluation) -> None:
    """Print one table per group of genes."""
    for group in found.groups:
        say(_heading(group))
        hidden = LEFT_OUT if len(found.systems) > 1 else (*LEFT_OUT, *COMPARED)
        rows = found.table.filter(group=group.name).iter_rows(named=True)
        say_table(_heads(found), [_cells(found, r) for r in rows if r["metric"] not in hidden], 2)
        say()
    if found.resamples:
        say(
            f"In brackets: 95% intervals over {found.resamples:,} draws of genes with replacement; "
            f"changes against {found.systems[0]} are paired."
        )
        if any(group.genes < FEW_GENES for group in found.groups):
            say(f"Intervals over fewer than {FEW_GENES} genes are rough; over one there are none.")


def _heading(group: Group) -> str:
    name = {"all": "All genes", "seen": "Genes the model was trained on", "unseen": "Other genes"}
    return (
        f"{name[group.name]}: {group.genes:,} genes, {group.positions:,.0f} positions, "
        f"{group.sites:,.0f} annotated sites"
    )


def _heads(found: Evaluation) -> list[str]:
    first, *others = found.systems
    return ["metric", "class", first, *(h for name in others for h in (name, "change"))]


def _cells(found: Evaluation, row: dict[str, Any]) -> list[str]:
    """A row of the table; with several systems only the changes have room for intervals."""
    first, *others = found.systems
    is_count, few = row["metric"] in COUNTS, len(others) < 2
    names = [row["metric"].replace("_", " "), row["class"]]
    if row["metric"] in COMPARED:
        return [*names, "", *(c for n in others for c in (_figure(row, n, True, True), ""))]
    cells = [*names, _figure(row, first, is_count, few)]
    for name in others:
        cells.append(_figure(row, name, is_count, few))
        cells.append(_figure(row, f"{name}_change", is_count, True, "+"))
    return cells


def _figure(
    row: dict[str, Any], name: str, is_count: bool, with_interval: bool, sign: str = ""
) -> str:
    """A figure, and its interval in brackets where there is one."""
    value, low, high = (row[name + end] for end in ("", "_low", "_high"))
    if value is None:
        return "-"
    form = f"{sign},.0f" if is_count else f"{sign}.4f"
    text = format(value + 0.0, form)
    if not with_interval or low is None:
        return text
    return f"{text} [{format(low, form)}, {format(high, form)}]"


def show_explanations(explained: pl.DataFrame, model: MetaModel, top: int) -> None:
    """Print the largest contributions at each position, and the model's features by gain."""
    say()
    say(
        "By feature, on the scale on which trees add up; a hybrid run keeps the base model's "
        "probabilities where it is certain."
    )
    for (gene, position), rows in explained.group_by("gene_id", "position", maintain_order=True):
        say()
        say(f"{gene}:{position}")
        for (name,), part in rows.group_by("class", maintain_order=True):
            base, meta = part.select("base", "meta").row(0)
            say(f"  {name}: base {base:.6f}, meta-model {meta:.6f}")
            cells = [
                [f"    {feature}", "" if value is None else f"{value:.6g}", f"{given:+.4f}"]
                for feature, value, given in part.select("feature", "value", "contribution")
                .head(top)
                .iter_rows()
            ]
            say_table(["    feature", "value", "contribution"], cells, 1)
    gains = sorted(model.gains().items(), key=lambda item: -item[1])
    total = sum(gain for _, gain in gains) or 1.0
    say()
    say("The model's features by share of its total gain")
    say_table(["  feature", "gain"], [[f"  {n}", f"{g / total:.1%}"] for n, g in gains[:top]], 1)
