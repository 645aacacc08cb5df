"""The commands: what each does in a line, and where its function is found when it is called."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Annotated

import typer

from splice_meta import __version__
from splice_meta.cli.examples import EXAMPLES, examples_of

COMMANDS = {
    "demo": "Run the main job on five real genes of chromosome 4 with the bundled model.",
    "run": "Recalibrate base scores: one row per nucleotide, the meta-model's where it ran.",
    "train": "Train a meta-model on base scores with truth: splice_type, or an annotation's sites.",
    "evaluate": "Compare base and final probabilities over every position, with intervals over "
    "genes.",
    "variants": "What variants do to splicing: both alleles' probabilities, base and recalibrated.",
    "evaluate-variants": "Measure how well scores find variants that change splicing, with "
    "intervals over genes.",
    "explain": "Split the model's prediction at some positions by feature; no truth is needed.",
    "report": "Write the HTML report again, with a page for each chosen gene or each variant.",
    "compare": "Calls gained and lost between two runs or models, agreement, and figures side by "
    "side.",
    "export": "Write bigWig, bedGraph and BED for IGV and UCSC.",
    "score": "Score genes with a base model: one row per nucleotide, 5' to 3' on the transcript "
    "strand.",
    "sort": "Sort score tables by gene, then position; they need not fit into memory.",
    "features": "Write gene_id, position and exactly the manifest's columns, one row per position.",
    "inspect": "Describe a file or directory: scores, bundle, manifest, run.",
    "convert-model": "Turn someone else's model file into a bundle.",
    "check": "Predict one gene end to end in a temporary folder and check every expected file.",
}
"""As the functions' own help begins, which the tests compare: the list of commands imports none."""


def app_of(commands: Iterable[str] = tuple(COMMANDS), are_listed: bool = False) -> typer.Typer:
    """The command line.

    Args:
        commands: Its commands; to import them all and to read their options takes as long as a
            third of ``--help``.
        are_listed: They are only listed, and cannot be called.
    """
    app = typer.Typer(
        name="splice-meta",
        help="Recalibrate the splice-site probabilities of deep networks with a meta-model.",
        no_args_is_help=True,
        add_completion=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_splice_meta)
    for name in commands:
        if are_listed:
            app.command(name, help=COMMANDS[name])(_listed)
        else:
            epilog = examples_of(name) if name in EXAMPLES else None  # its help ends with them
            app.command(name, epilog=epilog)(_function(name))
    return app


def app_for(arguments: Sequence[str]) -> typer.Typer:
    """The command line, with no more commands than some arguments need."""
    if any(name.endswith("_COMPLETE") for name in os.environ):  # a shell asks what there is
        return app_of()
    if set(arguments) <= {"-h", "--help", "--version"}:
        return app_of(are_listed=True)
    return app_of([arguments[0]] if arguments[0] in COMMANDS else COMMANDS)


def _function(name: str) -> Callable[..., int]:
    own = name.replace("-", "_")
    function: Callable[..., int] = getattr(import_module(f"splice_meta.cli.{own}"), own)
    return function


def _listed() -> None:
    """Stands for a command in the list."""


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"splice-meta {__version__}")
        raise typer.Exit


def _splice_meta(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", is_eager=True, callback=_show_version),
    ] = False,
) -> None:
    """Recalibrate the splice-site probabilities of deep networks with a meta-model."""
