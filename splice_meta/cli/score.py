"""``splice-meta score``: annotation and FASTA in, base scores out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from splice_meta.cli.console import say, set_verbosity
from splice_meta.cli.options import (
    BaseModelName,
    Cluster,
    Device,
    Genes,
    GenesFile,
    Quiet,
    Verbose,
    Workers,
    comma_list,
    gene_list,
)  # fmt: skip
from splice_meta.cli.progress import watcher
from splice_meta.errors import UsageError
from splice_meta.files.given import Given
from splice_meta.files.stores import place_of
from splice_meta.settings import EngineName, Precision


def score(
    annotation: Annotated[
        Path, typer.Option(help="GTF or GFF3 (also gzip): the genes and their positions.")
    ],
    fasta: Annotated[
        Path, typer.Option(help="The sequence (also gzip): a genome, or slices of one.")
    ],
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            help="The Parquet file to write, here or at an s3://, gs:// or az:// address.",
        ),
    ],
    base_model: BaseModelName = "openspliceai",
    weights: Annotated[
        Path | None, typer.Option(help="Folder of the base model's weights.")
    ] = None,
    genes: Genes = None,
    genes_file: GenesFile = None,
    gene_types: Annotated[
        str,
        typer.Option(
            help="Gene types to score if no genes are named, separated by commas; or all."
        ),
    ] = "protein_coding",
    truth: Annotated[
        bool, typer.Option("--truth", help="Add splice_type, from the annotation's transcripts.")
    ] = False,
    device: Device = "auto",
    engine: Annotated[
        EngineName, typer.Option(help="What runs the networks; auto: OpenVINO if there is no GPU.")
    ] = "auto",
    precision: Annotated[
        Precision,
        typer.Option(help="Precision of the network; bfloat16 is faster and less exact."),
    ] = "float32",
    tissues: Annotated[
        bool, typer.Option("--tissues", help="Also write Pangolin's values of the four tissues.")
    ] = False,
    window: Annotated[
        int, typer.Option(help="Maximum number of positions in one pass through the network.")
    ] = 100_000,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Resume an interrupted scoring into this file: finished genes are kept. If "
            "there is none, start one.",
        ),
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
    workers: Workers = None,
    cluster: Cluster = None,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    """Score genes with a base model: one row per nucleotide, 5' to 3' on the transcript strand."""
    set_verbosity(quiet, verbose)
    if window < 1:
        raise UsageError(f"--window is {window}.", "Give at least 1 position.")
    wanted = gene_list(genes, genes_file)
    place = place_of(output)
    if isinstance(place, Path):
        Given((genes_file,)).refuse(place)
    types = () if gene_types.strip() == "all" else comma_list(gene_types)
    from splice_meta.base_models.scoring import score as score_genes

    with watcher("reading annotation and sequence", starts=True) as progress:
        result = score_genes(
            annotation,
            fasta,
            output,
            base_model=base_model,
            weights=weights,
            genes=wanted,
            gene_types=types,
            truth=truth,
            device=device,
            engine=engine,
            precision=precision,
            tissues=tissues,
            window=window,
            resume=resume,
            overwrite=overwrite,
            workers=workers,
            cluster=cluster,
            progress=progress,
        )
    done = result.genes.filter(status="done")
    fate = f" ({result.failed:,} failed)" if result.failed else ""
    where = f": {result.path}" if done.height else "; nothing was written"
    say(f"{done.height:,} genes{fate}, {done['positions'].sum():,} positions{where}")
    if result.resumable:
        say("Run again with --resume to try the genes that failed once more.")
    return 1 if result.failed else 0
