"""``splice-meta train``: base scores with truth in, a model bundle out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from splice_meta.cli.console import say, say_table, set_verbosity
from splice_meta.cli.options import (
    REFERENCE,
    Fasta,
    Genes,
    GenesFile,
    Memory,
    Mlflow,
    Quiet,
    Scores,
    Verbose,
    comma_list,
    gene_list,
    score_paths,
)  # fmt: skip
from splice_meta.cli.progress import watcher
from splice_meta.files.given import Given
from splice_meta.files.ownership import refuse_same, refuse_target
from splice_meta.settings import CalibrationChoice, Split, TrainSettings, parse_memory
from splice_meta.tracking import open_tracker

DEFAULTS = TrainSettings()
FINALS = ("meta_model", "hybrid", "meta_only")
"""Systems of a card that are no base model."""


def train(
    scores: Scores,
    output: Annotated[Path, typer.Option("--output", "-o", help="The bundle to write.")],
    manifest: Annotated[
        str, typer.Option(help="extended, reference124, or a manifest file.")
    ] = "extended",
    column: Annotated[
        list[str] | None,
        typer.Option(help="A column of numbers of the scores that is a feature, too; repeat."),
    ] = None,
    genes: Genes = None,
    genes_file: GenesFile = None,
    leave_out: Annotated[str, typer.Option(help="Genes to leave out, separated by commas.")] = "",
    test_chroms: Annotated[
        str, typer.Option(help="Chromosomes to test on, not to train on, separated by commas.")
    ] = "",
    base_trained_chroms: Annotated[
        str | None,
        typer.Option(
            help="Chromosomes the base models were trained on, separated by commas; by default "
            "those of SpliceAI, OpenSpliceAI and Pangolin, if the scores are theirs."
        ),
    ] = None,
    base_trained_weight: Annotated[
        float,
        typer.Option(help="Weight of genes on those chromosomes, if there are genes on others."),
    ] = DEFAULTS.base_trained_weight,
    base_model: Annotated[
        str, typer.Option(help="Name of the base model, if --scores does not give it.")
    ] = "",
    optional_base_models: Annotated[
        bool,
        typer.Option(
            "--optional-base-models",
            help="Also train parts that predict from some of the base models alone.",
        ),
    ] = False,
    annotation: Annotated[
        Path | None,
        typer.Option(
            help="GTF or GFF3: its splice sites are the truth; also for features.",
            rich_help_panel=REFERENCE,
        ),
    ] = None,
    fasta: Fasta = None,
    annotation_features: Annotated[
        bool,
        typer.Option(
            "--annotation-features",
            help="Keep features that count annotated sites.",
        ),
    ] = False,
    objective: Annotated[
        str, typer.Option(help="multiclass, or three_binary models that are renormalised.")
    ] = DEFAULTS.kind,
    multi_strategy: Annotated[
        str, typer.Option(help="multi_output_tree (a tree for all classes) or one_output_per_tree.")
    ] = DEFAULTS.multi_strategy,
    residual: Annotated[
        bool, typer.Option(help="Add to the base model's log-probabilities, or start from zero.")
    ] = True,
    folds: Annotated[int, typer.Option(help="Folds of the cross-validation.")] = DEFAULTS.folds,
    repeats: Annotated[
        int,
        typer.Option(help="Repeats with other folds; 0: three below 100 genes, else one."),
    ] = DEFAULTS.repeats,
    split: Annotated[
        Split, typer.Option(help="Keep each gene, or each chromosome, on one side of a fold.")
    ] = DEFAULTS.split,
    calibration: Annotated[
        CalibrationChoice,
        typer.Option(help="Calibration, fitted to predictions of held-out genes."),
    ] = DEFAULTS.calibration,
    rounds: Annotated[
        int, typer.Option(help="Maximum number of boosting rounds.")
    ] = DEFAULTS.rounds,
    patience: Annotated[
        int, typer.Option(help="Stop after this many rounds without improvement.")
    ] = DEFAULTS.patience,
    learning_rate: Annotated[
        float, typer.Option(help="Learning rate of the boosting.")
    ] = DEFAULTS.learning_rate,
    parallel_trees: Annotated[
        int, typer.Option(help="Trees per round and class, averaged.")
    ] = DEFAULTS.parallel_trees,
    depth: Annotated[int, typer.Option(help="Depth of the trees.")] = DEFAULTS.depth,
    min_child_weight: Annotated[
        float, typer.Option(help="Smallest sum of second derivatives in a leaf.")
    ] = DEFAULTS.min_child_weight,
    reg_lambda: Annotated[float, typer.Option(help="L2 penalty.")] = DEFAULTS.reg_lambda,
    subsample: Annotated[float, typer.Option(help="Share of rows per round.")] = DEFAULTS.subsample,
    colsample: Annotated[float, typer.Option(help="Share of features per tree.")] = (
        DEFAULTS.colsample
    ),
    seed: Annotated[int, typer.Option(help="Random seed.")] = DEFAULTS.seed,
    threads: Annotated[
        int, typer.Option(help="Folds boosted at a time; 0 for as many as there are cores.")
    ] = DEFAULTS.threads,
    control: Annotated[
        bool,
        typer.Option(
            "--control", help="Also train on shuffled labels; the result should be at chance."
        ),
    ] = False,
    held_out: Annotated[
        Path | None, typer.Option(help="Write the predictions of held-out genes here (Parquet).")
    ] = None,
    licence: Annotated[str, typer.Option(help="What the base scores' licence allows.")] = "",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the bundle.")] = False,
    memory: Memory = "1GiB",
    mlflow: Mlflow = "",
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    """Train a meta-model on base scores with truth: splice_type, or an annotation's sites."""
    set_verbosity(quiet, verbose)
    settings = TrainSettings(
        kind=objective,  # type: ignore[arg-type]  # checked by the settings
        multi_strategy=multi_strategy,  # type: ignore[arg-type]  # likewise
        residual=residual, folds=folds, repeats=repeats, split=split, calibration=calibration,
        rounds=rounds, patience=patience, learning_rate=learning_rate,
        parallel_trees=parallel_trees, depth=depth,
        min_child_weight=min_child_weight, reg_lambda=reg_lambda, subsample=subsample,
        colsample=colsample, seed=seed, threads=threads, memory=parse_memory(memory),
        base_trained_weight=base_trained_weight,
    )  # fmt: skip
    wanted, paths = gene_list(genes, genes_file), score_paths(scores)
    from splice_meta.model.bundle import BUNDLE
    from splice_meta.sink import whole_file
    from splice_meta.training.train import train as train_model

    given = Given((paths, manifest, annotation, fasta, genes_file))
    refuse_target(output, given, overwrite, BUNDLE, file=False)
    if held_out is not None:
        refuse_target(held_out, given, overwrite)
        refuse_same({"--output": output, "--held-out": held_out})
    tracker = open_tracker(mlflow) if mlflow else None
    with watcher("reading", starts=True) as progress:
        model = train_model(
            paths, manifest, settings=settings, genes=wanted, leave_out=comma_list(leave_out),
            test_chroms=comma_list(test_chroms), base_model=base_model,
            annotation_features=annotation_features, control=control, licence=licence,
            held_out=held_out, annotation=annotation, fasta=fasta, progress=progress,
            optional_base_models=optional_base_models, columns=column or (),
            base_trained_chroms=None if base_trained_chroms is None
            else comma_list(base_trained_chroms),
        )  # fmt: skip
    with whole_file(output, BUNDLE) as target:
        model.save(target)
    if tracker is not None:
        tracker.log_training(model, settings, output)
    for each in (model, *model.parts):
        if model.parts:
            say(f"With {' and '.join(each.base_models)}:")
        show(each.metadata["card"])
        say(f"{each.trees:,} trees, {len(each.manifest.names)} features: {output}")
    return 0


def show(card: dict[str, Any]) -> None:
    """Print what held-out genes and test chromosomes say, base models and meta-model side by side.

    Args:
        card: The evaluation card of the model.
    """
    _show_part(card)
    if "test" in card:
        _show_part(card["test"])
    for name, figures in (card["shuffled_labels"] or {}).items():
        say(
            f"Shuffled labels, {name}: average precision {figures['average_precision']:.4f} among "
            f"candidates, chance {figures['chance']:.4f}."
        )


def _show_part(part: dict[str, Any]) -> None:
    from splice_meta.report.describe_model import CARD_FIGURES

    first, *others = part["systems"]
    finals = [name for name in others if name in FINALS]
    say(f"{part['how'][0].upper()}{part['how'][1:]}:")
    rows = []
    for metric, name in CARD_FIGURES:
        figures = {system: part["systems"][system][name][metric] for system in (first, *others)}
        cells = [_number(figures[system]["value"], "") for system in figures]
        rows.append(
            [metric.replace("_", " "), name, *cells, *(_change(figures[f]) for f in finals)]
        )
    changes = [f"change, {f}" if len(finals) > 1 else "change" for f in finals]
    heads = ["metric", "class", first, *others, *changes]
    say_table([head.replace("_", " ") for head in heads], rows, 2)
    say()


def _change(figure: dict[str, float | None]) -> str:
    text = _number(figure["change"], "+")
    if figure["change_low"] is None:
        return text
    low, high = (_number(figure[f"change_{end}"], "+") for end in ("low", "high"))
    return f"{text} [{low}, {high}]"


def _number(value: float | None, sign: str) -> str:
    """A figure; a dash where there is none, as of a class without sites."""
    return "-" if value is None else f"{value:{sign}.4f}"
