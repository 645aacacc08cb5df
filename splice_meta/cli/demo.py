"""``splice-meta demo``: the main job on the genes and the model that come with the package."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from splice_meta.cli.console import say, say_table, set_verbosity
from splice_meta.cli.options import Quiet, Verbose
from splice_meta.cli.progress import watcher
from splice_meta.cli.run import show
from splice_meta.runtime.process import import_xgboost

if TYPE_CHECKING:
    import polars as pl

    from splice_meta.workflow import RunResult

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

    folder = fixtures()
    scores = folder / "scores_openspliceai.parquet"
    say("Five genes of chr4:103-105 Mb (GRCh37), OpenSpliceAI scores, hybrid mode.")
    with watcher("checking the scores") as progress:
        result = run(
            scores, DEMO_MODEL, output_dir, annotation=folder / "annotation.gtf.gz",
            fasta=folder / "region.fa.gz", progress=progress,
        )  # fmt: skip
    status = show(result, with_next=False)
    changed = _changed(result)
    say()
    say("Sites that are called by one of the two only:")
    cells = [
        [f"  {row['gene_name']}", f"chr{row['chrom']}:{row['genomic_position']}", row["type"],
         row["sequence"], row["fate"], "annotated" if row["is_annotated"] else "not annotated",
         f"{row['base']:.3f}", f"{row['final']:.3f}"]
        for row in changed.iter_rows(named=True)
    ]  # fmt: skip
    heads = ["  gene", "place", "type", "sequence", "fate", "truth", "base", "final"]
    say_table(heads, cells, 6)
    first = changed.row(0, named=True)
    place = f"chr{first['chrom']}:{first['genomic_position']}"
    out = shlex.quote(str(output_dir))
    say()
    say("What to type next:")
    say(f"  {_program()} report {out} --genes {first['gene_name']}")
    say(f"  {_program()} explain {shlex.quote(str(scores))} --model {DEMO_MODEL} --at {place}")
    say(f"  {_program()} evaluate {out}")
    return status


def _changed(result: RunResult) -> pl.DataFrame:
    """The gained and lost sites, those that changed most first."""
    import polars as pl

    from splice_meta.runs.tables import scan_table

    sites = scan_table(result.layout, "sites").with_columns(pl.col("fate").cast(pl.String))
    return (
        sites.filter(pl.col("fate").is_in(["gained", "lost"]))
        .sort(pl.col("change").abs(), descending=True)
        .collect()
    )


def _program() -> str:
    """How this installation's command is typed."""
    script = Path(sys.executable).with_name("splice-meta")
    if script.is_file():
        return shlex.quote(str(script))
    return f"{shlex.quote(sys.executable)} -m splice_meta"
