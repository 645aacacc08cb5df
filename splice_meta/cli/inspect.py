"""``splice-meta inspect``: what is this, in a few lines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from splice_meta.cli.console import say_pairs, set_verbosity
from splice_meta.cli.options import Quiet, Verbose


def inspect(
    path: Annotated[
        str, typer.Argument(help="Scores, a bundle, a manifest, a model or a run's output.")
    ],
    trust_pickle: Annotated[
        bool, typer.Option("--trust-pickle", help="Allow pickled models, through an allow-list.")
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    """Say what a file or directory is: scores, bundle, manifest, run."""
    set_verbosity(quiet, verbose)
    from splice_meta.report.describe import describe

    say_pairs(describe(path if path.startswith("bundled:") else str(Path(path)), trust_pickle))
    return 0
