"""``splice-meta variants``: variants in, what they do to splicing out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from splice_meta.cli.console import say, say_pairs, say_table, set_verbosity
from splice_meta.cli.options import (
    GENERAL,
    REFERENCE,
    WHICH,
    Cluster,
    Device,
    Genes,
    GenesFile,
    Quiet,
    TrustPickle,
    Verbose,
    Workers,
    comma_list,
    gene_list,
    score_paths,
    weights_by_name,
)
from splice_meta.cli.progress import watcher

BASE, OUTPUT = "Base model and meta-model", "What is computed and written"


def variants(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="A VCF file (also gzip, bgzip), a table with chrom, pos, ref and alt, or variants "
            "such as chr17:43045682:T>A.",
            metavar="VARIANTS",
        ),
    ],
    annotation: Annotated[
        Path,
        typer.Option(
            help="GTF or GFF3 (also gzip): genes, exons and splice sites.",
            rich_help_panel=REFERENCE,
        ),
    ],
    fasta: Annotated[
        Path,
        typer.Option(
            help="The sequence (also gzip): a genome, or slices of one.", rich_help_panel=REFERENCE
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write.")],
    base_model: Annotated[
        str,
        typer.Option(
            help="openspliceai, pangolin, spliceai, or the name of an installed entry point; by "
            "default the meta-model's, or openspliceai. Without a meta-model also several, "
            "separated by commas.",
            rich_help_panel=BASE,
        ),
    ] = "",
    weights: Annotated[
        list[str] | None,
        typer.Option(
            help="Folder of its weights; NAME=DIR for several base models.", rich_help_panel=BASE
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            help="The meta-model: a bundle, a model file, or bundled:NAME. Without it, base scores "
            "alone.",
            rich_help_panel=BASE,
        ),
    ] = "",
    scores: Annotated[
        list[str] | None,
        typer.Option(
            help="Existing base scores, as for run --scores; genes that they lack are scored.",
            rich_help_panel=BASE,
        ),
    ] = None,
    device: Device = "auto",
    distance: Annotated[
        int,
        typer.Option(
            help="How far from a change to look for affected sites, in nucleotides.",
            rich_help_panel=OUTPUT,
        ),
    ] = 500,
    max_allele: Annotated[
        int,
        typer.Option(
            help="Longest allele taken, in bases.",
            rich_help_panel=OUTPUT,
        ),
    ] = 1_000,
    threshold: Annotated[
        float,
        typer.Option(
            help="Change of probability from which the sites table lists a position.",
            rich_help_panel=OUTPUT,
        ),
    ] = 0.1,
    mask: Annotated[
        bool,
        typer.Option(
            "--mask",
            help="Set gains at annotated sites, and losses at others, to 0.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    vcf: Annotated[
        bool | None,
        typer.Option(
            "--vcf/--no-vcf",
            help="Write an annotated VCF; by default if a VCF was read.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    report: Annotated[
        bool,
        typer.Option(
            "--report",
            help="Write report.html, with a page for each of the 50 that change most.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    genes: Genes = None,
    genes_file: GenesFile = None,
    gene_types: Annotated[
        str,
        typer.Option(
            help="Gene types to score if no genes are named, separated by commas; or all.",
            rich_help_panel=WHICH,
        ),
    ] = "protein_coding",
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Resume what was interrupted: finished variants are kept. If there are "
            "none, start.",
            rich_help_panel=GENERAL,
        ),
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace results.", rich_help_panel=GENERAL),
    ] = False,
    workers: Workers = None,
    cluster: Cluster = None,
    trust_pickle: TrustPickle = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    """What variants do to splicing: both alleles' probabilities, base and recalibrated.

    Each variant is scored in each gene that it lies in or near; summary.tsv has a row for each,
    sites.tsv a row for each position that changes.
    """
    set_verbosity(quiet, verbose)
    from splice_meta.alleles.analyse import variants as analyse
    from splice_meta.alleles.settings import VariantSettings
    from splice_meta.alleles.words import SHOWN, changes_in_words

    settings = VariantSettings(
        distance=distance, max_allele=max_allele, threshold=threshold, mask=mask
    )
    named = comma_list(base_model)
    types = () if gene_types.strip() == "all" else comma_list(gene_types)
    with watcher("reading variants, annotation and sequence", starts=True) as progress:
        result = analyse(
            sources,
            annotation,
            fasta,
            output,
            base_model=named[0] if len(named) == 1 else named or None,
            weights=weights_by_name(weights or []),
            model=model or None,
            scores=score_paths(scores) if scores else None,
            settings=settings,
            vcf=vcf,
            genes=gene_list(genes, genes_file),
            gene_types=types,
            device=device,
            resume=resume,
            overwrite=overwrite,
            trust_pickle=trust_pickle,
            workers=workers,
            cluster=cluster,
            progress=progress,
        )
    if report:
        from splice_meta.report.variants import write_variants_report

        write_variants_report(result.path, annotation=annotation)
    heads, rows = changes_in_words(result)
    if rows:
        say_table(heads, rows, left=len(heads))
        if result.pairs > SHOWN:
            say(f"The {SHOWN} of {result.pairs:,} that change most are shown.")
        say()
    left_out = "; ".join(f"{count:,} {why}" for why, count in result.left_out.items())
    say_pairs(
        [
            ("Variants", f"{result.variants:,}, {result.scored:,} of them scored"),
            ("In genes", f"{result.pairs:,} pairs of a variant and a gene"),
            *([("Left out", left_out)] if left_out else []),
            *([("Failed", f"{result.failed:,} pairs; --resume tries them again")]
              if result.failed else []),
            ("Folder", str(result.path)),
            ("Files", ", ".join(result.files)),
        ]
    )  # fmt: skip
    return 1 if result.failed else 0
