"""``splice-meta check``: one gene end to end, every expected file; and a text for an issue."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from splice_meta.cli.console import say, set_verbosity
from splice_meta.cli.options import Quiet, TrustPickle, Verbose, score_paths
from splice_meta.errors import SpliceMetaError, UsageError


def check(
    model: Annotated[
        str, typer.Option(help="The model to check: a bundle, a model file or bundled:NAME.")
    ] = "bundled:openspliceai-mane",
    scores: Annotated[
        list[str] | None, typer.Option(help="Base scores; the bundled genes if not given.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            help="Write a text for an issue here: versions, settings, and columns and counts of "
            "the scores, without their values."
        ),
    ] = None,
    run: Annotated[
        str | None, typer.Option(help="A run's output, whose settings go into --report.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace this file.")] = False,
    trust_pickle: TrustPickle = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    """Predict one gene end to end in a temporary folder and check every expected file.

    Exit status 0 if all is well, 1 if something is not.
    """
    set_verbosity(quiet, verbose)
    if run is not None and report is None:
        raise UsageError("--run is for --report.", "Give --report FILE, or leave --run out.")
    from splice_meta.files.given import Given
    from splice_meta.files.ownership import refuse_target

    if report is not None:
        refuse_target(report, Given((scores, model, run)), overwrite)
    seen: list[tuple[str, str]] = []
    try:
        for label, trouble in _steps(model, scores, trust_pickle):
            seen.append((label, trouble))
            say(f"{'failed' if trouble else 'ok':7} {label}{': ' + trouble if trouble else ''}")
    except SpliceMetaError as error:
        say(f"failed  {error.message}")
        if report is None:
            raise
        seen.append((type(error).__name__, error.message))
    if report is not None:
        from splice_meta.diagnosis import diagnose
        from splice_meta.sink import write_text

        write_text(report, diagnose(scores, model, run, seen, trust_pickle))
        say(f"{report}: paste it into an issue. It holds no data; read it first.")
    return 1 if any(trouble for _, trouble in seen) else 0


def _steps(model: str, scores: list[str] | None, trust_pickle: bool) -> Iterator[tuple[str, str]]:
    from splice_meta.health import health_check

    paths = score_paths(scores) if scores else None
    with tempfile.TemporaryDirectory(prefix="splice_meta_check_") as folder:
        yield from health_check(model, paths, Path(folder), trust_pickle)
