"""``splice-meta features``: base scores in, the feature matrix of a manifest out."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from splice_meta.cli.console import say, set_verbosity
from splice_meta.cli.options import (
    AnnotationFile,
    Fasta,
    Genes,
    GenesFile,
    Memory,
    Quiet,
    Scores,
    TrustPickle,
    Verbose,
    gene_list,
    score_paths,
)  # fmt: skip
from splice_meta.errors import UsageError
from splice_meta.files.given import Given
from splice_meta.files.ownership import TABLE, refuse_target
from splice_meta.settings import parse_memory


def features(
    scores: Scores,
    output: Annotated[Path, typer.Option("--output", "-o", help="The Parquet file to write.")],
    manifest: Annotated[
        str,
        typer.Option(
            help="reference124, extended, or a manifest file (JSON, or CSV with 'feature')."
        ),
    ] = "",
    model: Annotated[str, typer.Option(help="Take the manifest of this model.")] = "",
    genes: Genes = None,
    genes_file: GenesFile = None,
    annotation: AnnotationFile = None,
    fasta: Fasta = None,
    uncertain_only: Annotated[
        bool, typer.Option("--uncertain-only", help="Only the positions the default selects.")
    ] = False,
    memory: Memory = "1GiB",
    trust_pickle: TrustPickle = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    """Write gene_id, position and exactly the manifest's columns, one row per position."""
    set_verbosity(quiet, verbose)
    if bool(manifest) == bool(model):
        what = "both given" if manifest else "both lacking"
        raise UsageError(f"--manifest and --model are {what}.", "Give one of them.")
    wanted, paths, budget = gene_list(genes, genes_file), score_paths(scores), parse_memory(memory)
    given = Given((paths, manifest, model, annotation, fasta, genes_file))
    refuse_target(output, given, overwrite, TABLE)
    from splice_meta.model.load import load_model
    from splice_meta.reference.reference import open_reference
    from splice_meta.runs.feature_table import write_features

    listed = load_model(model, trust_pickle=trust_pickle) if model else manifest
    log = logging.getLogger("splice_meta")
    reference = open_reference(annotation, fasta)
    written = write_features(paths, listed, output, wanted, uncertain_only, budget, reference)
    for message in written.fills.messages():
        log.warning("%s", message)
    for gene in written.absent:
        log.warning("Gene %s has no base scores.", gene)
    say(f"{written.rows:,} rows of {len(written.manifest.names)} features: {output}")
    return 1 if written.absent else 0
