"""``splice-meta inspect``: what is this, in a few lines."""

from __future__ import annotations

from typing import Annotated

import typer

from splice_meta.cli.console import say_pairs, set_verbosity
from splice_meta.cli.options import Classes, Quiet, TrustPickle, Verbose, comma_list


def inspect(
    path: Annotated[
        str,
        typer.Argument(
            help="Scores, a bundle, a manifest, a model, a run's output or folder of tables."
        ),
    ],
    classes: Classes = "",
    trust_pickle: TrustPickle = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    """Describe a file or directory: scores, bundle, manifest, run."""
    set_verbosity(quiet, verbose)
    from splice_meta.report.describe import describe

    say_pairs(describe(path, trust_pickle, comma_list(classes) or None))
    return 0
