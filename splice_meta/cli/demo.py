"""``splice-meta demo``: the main job on the genes and the model that come with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from splice_meta.cli.console import say, set_verbosity
from splice_meta.cli.options import Quiet, Verbose
from splice_meta.cli.progress import run_watcher
from splice_meta.cli.run import show
from splice_meta.process import import_xgboost

DEMO_MODEL = "bundled:openspliceai-mane"


def demo(
    output_dir: Annotated[Path, typer.Option(help="Where to write.")] = Path("demo_results"),
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    """Run the main job on five real genes of chromosome 4 with the bundled model."""
    set_verbosity(quiet, verbose)
    import_xgboost()
    from splice_meta.bundled import fixtures
    from splice_meta.workflow import run

    scores = fixtures() / "scores_openspliceai.parquet"
    say("Five genes of chr4:103-105 Mb (GRCh37), OpenSpliceAI scores, hybrid mode.")
    with run_watcher() as watcher:
        result = run(scores, DEMO_MODEL, output_dir, watcher=watcher)
    return show(result)
