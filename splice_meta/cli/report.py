"""``splice-meta report``: the HTML report of a finished run, or of variants, for chosen genes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from splice_meta.cli.console import say, set_verbosity
from splice_meta.cli.options import GenesFile, Quiet, Verbose, gene_list
from splice_meta.errors import UsageError
from splice_meta.files.given import Given
from splice_meta.files.ownership import refuse_target
from splice_meta.runtime.process import import_xgboost


def report(
    run: Annotated[
        str,
        typer.Argument(
            help="A run: its output directory (the latest run in it) or folder of tables, here or "
            "in an object store; or results of variants."
        ),
    ],
    genes: Annotated[
        str | None,
        typer.Option(
            "--genes",
            help="Genes that get a page, separated by commas: ids, with or without version, or "
            "names, in any case.",
        ),
    ] = None,
    genes_file: GenesFile = None,
    most: Annotated[
        int | None,
        typer.Option(
            help="Without --genes: pages for this many genes with the most gained and lost sites "
            "(6), or of variants for this many that change most (50)."
        ),
    ] = None,
    annotation: Annotated[
        Path | None,
        typer.Option(help="GTF or GFF3 with the exons; by default the run's."),
    ] = None,
    model: Annotated[
        str, typer.Option(help="Model for the contributions; by default the run's.")
    ] = "",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where to write; by default the run's report.html."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace this file.")] = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    """Write the HTML report again, with a page for each chosen gene or each variant."""
    set_verbosity(quiet, verbose)
    if most is not None and most < 0:
        raise UsageError(f"--most is {most}.", "Give 0 or more.")
    wanted = gene_list(genes, genes_file)
    if output is not None:
        refuse_target(output, Given((annotation, genes_file)), overwrite)
    from splice_meta.alleles.layout import RECORD

    if "://" not in run and (Path(run).expanduser() / RECORD).is_file():
        from splice_meta.report.variants import PAGES, write_variants_report

        count = PAGES if most is None else most
        page = write_variants_report(run, wanted, annotation=annotation, output=output, most=count)
        say(f"Report: {page}")
        return 0
    import_xgboost()
    from splice_meta.report.html import PAGES as GENES
    from splice_meta.report.html import write_report

    count = GENES if most is None else most
    place = write_report(
        run, wanted, annotation=annotation, model=model or None, output=output, most=count
    )
    say(f"Report: {place}")
    return 0
