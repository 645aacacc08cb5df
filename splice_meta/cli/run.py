"""``splice-meta run``: base scores and a model in, complete-coverage predictions out."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from splice_meta.cli.console import say, say_pairs, set_verbosity
from splice_meta.cli.options import (
    AnnotationFile,
    Cluster,
    Device,
    Fasta,
    Genes,
    GenesFile,
    Memory,
    Mlflow,
    OptionalScores,
    Quiet,
    TrustPickle,
    Verbose,
    Workers,
    comma_list,
    gene_list,
    score_paths,
    weights_by_name,
)  # fmt: skip
from splice_meta.cli.progress import watcher
from splice_meta.files.given import Given
from splice_meta.files.stores import place_of
from splice_meta.runtime.process import import_xgboost
from splice_meta.settings import (
    Columns,
    Mode,
    Output,
    RunSettings,
    Selection,
    Strategy,
    parse_memory,
)  # fmt: skip
from splice_meta.tracking import open_tracker

if TYPE_CHECKING:
    from splice_meta.workflow import RunResult


def run(
    scores: OptionalScores = None,
    model: Annotated[
        str, typer.Option(help="A bundle directory, a model file, or bundled:NAME.")
    ] = "",
    genes: Genes = None,
    genes_file: GenesFile = None,
    annotation: AnnotationFile = None,
    fasta: Fasta = None,
    base_model: Annotated[
        str,
        typer.Option(
            help="Base model for genes without scores, with --annotation and --fasta; by default "
            "that of the meta-model."
        ),
    ] = "",
    weights: Annotated[
        list[str] | None,
        typer.Option(help="Folder of its weights; NAME=DIR for several base models."),
    ] = None,
    device: Device = "auto",
    training_dataset: Annotated[
        Path | None, typer.Option(help="Directory of the model's training dataset.")
    ] = None,
    output_dir: Annotated[
        str,
        typer.Option(
            "--output-dir",
            "-o",
            help="Where to write: a folder, or an s3://, gs:// or az:// address.",
        ),
    ] = "inference_results",
    inference_mode: Annotated[
        Mode, typer.Option(help="Which positions the meta-model sees.")
    ] = "hybrid",
    uncertainty_low: Annotated[
        float, typer.Option(help="Lower bound of the uncertain range of max(donor, acceptor).")
    ] = 0.02,
    uncertainty_high: Annotated[float, typer.Option(help="Upper bound, exclusive.")] = 0.80,
    uncertainty_strategy: Annotated[
        Strategy, typer.Option(help="What counts as uncertain.")
    ] = "hybrid_entropy",
    target_meta_rate: Annotated[
        float, typer.Option(help="Share of each gene's positions to recalibrate (adaptive tuning).")
    ] = 0.10,
    no_adaptive_tuning: Annotated[
        bool,
        typer.Option(
            "--no-adaptive-tuning", help="Recalibrate exactly the positions that meet a criterion."
        ),
    ] = False,
    entropy_threshold: Annotated[
        float, typer.Option(help="Uncertain above this normalised entropy, 0 to 1.")
    ] = 0.6,
    spread_threshold: Annotated[
        float, typer.Option(help="Uncertain if the two largest scores are closer than this.")
    ] = 0.2,
    variance_threshold: Annotated[
        float, typer.Option(help="Uncertain if the variance of the three scores is below this.")
    ] = 0.08,
    keep_artifacts_dir: Annotated[
        Path | None,
        typer.Option(help="Keep new base scores, the features and training-like tables here."),
    ] = None,
    outputs: Annotated[
        str, typer.Option(help="Tables to write: complete, meta, base.")
    ] = "complete,meta,base",
    columns: Annotated[Columns, typer.Option(help="lean omits the uncertainty measures.")] = "full",
    run_name: Annotated[
        str, typer.Option(help="Name of the run's folder; the date and time by default.")
    ] = "",
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Resume an interrupted run: that of --run-name, or the latest one in the "
            "output directory; if there is none, start one.",
        ),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the run of that name.")
    ] = False,
    site_threshold: Annotated[
        float, typer.Option(help="Probability from which a site counts as called.")
    ] = 0.5,
    report_genes: Annotated[
        str | None,
        typer.Option(help="Genes with a page in report.html, by default those that changed most."),
    ] = None,
    memory: Memory = "1GiB",
    workers: Workers = None,
    cluster: Cluster = None,
    mlflow: Mlflow = "",
    trust_pickle: TrustPickle = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    """Recalibrate base scores: one row per nucleotide, the meta-model's where it ran.

    Genes without base scores are scored first, where --annotation and --fasta are given.
    """
    set_verbosity(quiet, verbose)
    settings = RunSettings(
        mode=inference_mode,
        selection=Selection(
            low=uncertainty_low,
            high=uncertainty_high,
            strategy=uncertainty_strategy,
            target_rate=target_meta_rate,
            adaptive=not no_adaptive_tuning,
            entropy=entropy_threshold,
            spread=spread_threshold,
            variance=variance_threshold,
        ),
        outputs=cast("tuple[Output, ...]", comma_list(outputs)),
        columns=columns,
        memory=parse_memory(memory),
        site_threshold=site_threshold,
    )
    wanted = gene_list(genes, genes_file)
    paths = score_paths(scores) if scores else None
    _refuse_reports_over(genes_file, output_dir)
    if settings.mode != "base_only":
        import_xgboost()
    from splice_meta.workflow import run as run_workflow

    tracker = open_tracker(mlflow) if mlflow else None
    with watcher("checking the scores") as progress:
        result = run_workflow(
            paths,
            model or None,
            output_dir,
            settings=settings,
            genes=wanted,
            annotation=annotation,
            fasta=fasta,
            base_model=base_model or None,
            weights=weights_by_name(weights or []),
            device=device,
            training_dataset=training_dataset,
            run_name=run_name or None,
            keep_artifacts_dir=keep_artifacts_dir,
            resume=resume,
            overwrite=overwrite,
            report_genes=gene_list(report_genes, None),
            trust_pickle=trust_pickle,
            progress=progress,
            workers=workers,
            cluster=cluster,
        )
    if tracker is not None:
        tracker.log_run(result)
    return show(result)


def _refuse_reports_over(genes_file: Path | None, output_dir: str) -> None:
    """Refuse a list of genes at a place where a report goes; a run knows but the genes."""
    from splice_meta.runs.outputs import OutputLayout

    for report in OutputLayout(place_of(output_dir), "").latest.values():
        if isinstance(report, Path):
            Given((genes_file,)).refuse(report)


def show(result: RunResult, with_next: bool = True) -> int:
    """Print the summary and where the files are.

    Args:
        result: The run.
        with_next: Say what to type next.

    Returns:
        The exit status: 1 if some genes failed, else 0.
    """
    say_pairs(
        [
            *result.summary.lines(),
            *([("Sites", str(result.layout.sites_text))] if result.summary.positions else []),
            ("Tables", str(result.layout.predictions)),
            ("Reports", _reports(result)),
        ]
    )
    if result.summary.skew():
        say(result.summary.skew())
    if with_next and result.summary.positions:
        done = result.genes.filter(status="done").sort("moved", descending=True)["gene_id"]
        chosen = shlex.quote(",".join(done.head(2)))
        say(f"Next: splice-meta report {shlex.quote(str(result.layout.root))} --genes {chosen}")
    return 1 if result.failed else 0


def _reports(result: RunResult) -> str:
    top = result.layout.latest
    return f"{top['performance_report.txt']}, {top['report.html']}; also with the tables"
