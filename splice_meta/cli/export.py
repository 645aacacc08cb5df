"""``splice-meta export``: predictions in, genome tracks out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from splice_meta.cli.console import say, say_pairs, set_verbosity
from splice_meta.cli.options import (
    REFERENCE,
    Genes,
    GenesFile,
    Memory,
    Quiet,
    Verbose,
    comma_list,
    gene_list,
)
from splice_meta.cli.progress import watcher
from splice_meta.settings import parse_memory


def export(
    source: Annotated[
        str, typer.Argument(help="A run's output, predictions, or base scores.", metavar="RUN")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder of tracks to write.")],
    formats: Annotated[
        str, typer.Option(help="Which of bigwig, bedgraph, bed, separated by commas.")
    ] = "bigwig,bed",
    genes: Genes = None,
    genes_file: GenesFile = None,
    annotation: Annotated[
        Path | None,
        typer.Option(help="GTF or GFF3: gene names and positions.", rich_help_panel=REFERENCE),
    ] = None,
    fasta: Annotated[
        Path | None,
        typer.Option(help="Sequence, for the lengths of chromosomes.", rich_help_panel=REFERENCE),
    ] = None,
    chrom_sizes: Annotated[
        Path | None,
        typer.Option(help="File of names and sizes: UCSC's chrom.sizes, or a FASTA index."),
    ] = None,
    chrom_style: Annotated[
        str, typer.Option(help="Names of chromosomes: as-is, ucsc (chr1, chrM), ensembl (1, MT).")
    ] = "as-is",
    threshold: Annotated[
        float, typer.Option(help="Probability from which a site counts as called.")
    ] = 0.5,
    least: Annotated[
        float, typer.Option(help="Omit values below this from bigWig and bedGraph.")
    ] = 0.0,
    compat: Annotated[
        Literal["meta-spliceai"] | None,
        typer.Option(
            help="Instead of tracks, write the tables in the layout of meta-spliceai.",
        ),
    ] = None,
    memory: Memory = "1GiB",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the folder, if export wrote it.")
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    """Write bigWig, bedGraph and BED for IGV and UCSC."""
    set_verbosity(quiet, verbose)
    wanted = gene_list(genes, genes_file)
    if compat is not None:
        return _compat(source, output, wanted, annotation, memory, overwrite)
    from splice_meta.tracks.export import ChromStyle
    from splice_meta.tracks.export import export as write
    from splice_meta.tracks.files import Format

    with watcher("reading") as progress:
        done = write(
            source,
            output,
            formats=cast("tuple[Format, ...]", comma_list(formats)),
            genes=wanted,
            annotation=annotation,
            fasta=fasta,
            sizes=chrom_sizes,
            chrom_style=cast("ChromStyle", chrom_style),
            threshold=threshold,
            least=least,
            memory=parse_memory(memory),
            overwrite=overwrite,
            progress=progress,
        )
    pairs = [("Genes", f"{done.genes:,}"), ("Files", ", ".join(done.files))]
    if "called_sites.bed" in done.files:
        pairs.insert(1, ("Called sites", f"{done.called:,}"))
    if "changed_sites.bed" in done.files:
        pairs.insert(2, ("Changed calls", f"{done.changed:,}"))
    say_pairs(pairs)
    say(f"Tracks: {done.folder}")
    return 0


def _compat(
    source: str,
    output: Path,
    genes: list[str] | None,
    annotation: Path | None,
    memory: str,
    overwrite: bool,
) -> int:
    """Write the layout of meta-spliceai."""
    from splice_meta.tracks.compat import export_compat

    with watcher("reading") as progress:
        done = export_compat(
            source,
            output,
            genes=genes,
            annotation=annotation,
            memory=parse_memory(memory),
            overwrite=overwrite,
            progress=progress,
        )
    say_pairs([("Genes", f"{done.genes:,}"), ("Positions", f"{done.positions:,}")])
    say(f"Tables in the layout of meta-spliceai: {done.folder}")
    return 0
