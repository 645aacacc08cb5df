"""``splice-meta check``: one gene end to end, every expected file."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from splice_meta.cli.console import say, set_verbosity
from splice_meta.cli.options import Quiet, TrustPickle, Verbose, score_paths
from splice_meta.errors import SpliceMetaError


def check(
    model: Annotated[str, typer.Option(help="The model to check.")],
    scores: Annotated[
        list[str] | None, typer.Option(help="Base scores; the bundled genes if not given.")
    ] = None,
    trust_pickle: TrustPickle = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    """Predict one gene end to end in a temporary folder and check every expected file.

    Exit status 0 if all is well, 1 if something is not.
    """
    set_verbosity(quiet, verbose)
    from splice_meta.health import health_check

    paths = score_paths(scores) if scores else None
    with tempfile.TemporaryDirectory(prefix="splice_meta_check_") as folder:
        try:
            steps = health_check(model, paths, Path(folder), trust_pickle)
            failed = 0
            for label, trouble in steps:
                failed += bool(trouble)
                say(f"{'failed' if trouble else 'ok':7} {label}{': ' + trouble if trouble else ''}")
        except SpliceMetaError as error:
            say(f"failed  {error.message}")
            raise
    return 1 if failed else 0
