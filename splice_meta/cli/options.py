"""Options that several commands share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from splice_meta.errors import InputError, UsageError
from splice_meta.files.packed import blocks
from splice_meta.files.stores import refuse_pipe
from splice_meta.sources.content import kind_of_content

_NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_-]*$")

WHICH, REFERENCE, GENERAL = "Which genes", "Annotation and sequence", "General"
"""Panels of options in a help text."""

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Errors only.", rich_help_panel=GENERAL)]
Verbose = Annotated[
    int,
    typer.Option(
        "--verbose",
        "-v",
        count=True,
        help="More detail; repeat for more.",
        rich_help_panel=GENERAL,
    ),
]
Scores = Annotated[
    list[str],
    typer.Option(
        "--scores",
        help="Base scores: a file, glob, directory or address (Parquet, Arrow IPC, CSV, TSV, "
        "OpenSpliceAI's two BED files or predict.h5). "
        "Repeat for more files; NAME=PATH for several base models, the primary one first.",
    ),
]
OptionalScores = Annotated[
    list[str] | None,
    typer.Option(
        "--scores",
        help="Base scores: a file, glob, directory or address (Parquet, Arrow IPC, CSV, TSV). "
        "Repeat for more files; NAME=PATH for several base models, the primary one first. "
        "Without it, genes are scored first: give --annotation and --fasta.",
    ),
]
Genes = Annotated[
    str | None,
    typer.Option(
        "--genes",
        help="Only these genes, separated by commas: ids, with or without version, in any case; "
        "with --annotation also names.",
        rich_help_panel=WHICH,
    ),
]
GenesFile = Annotated[
    Path | None,
    typer.Option(
        "--genes-file",
        help="Only the genes in this file, one per line, # comments.",
        rich_help_panel=WHICH,
    ),
]
TrustPickle = Annotated[
    bool,
    typer.Option(
        "--trust-pickle",
        help="Allow pickled models, through an allow-list.",
        rich_help_panel=GENERAL,
    ),
]
AnnotationFile = Annotated[
    Path | None,
    typer.Option(
        "--annotation",
        help="GTF or GFF3 (also gzip): gene names, positions and genomic features.",
        rich_help_panel=REFERENCE,
    ),
]
Fasta = Annotated[
    Path | None,
    typer.Option(
        "--fasta",
        help="The sequence (also gzip), for bases where the scores have none.",
        rich_help_panel=REFERENCE,
    ),
]
BaseModelName = Annotated[
    str,
    typer.Option(
        "--base-model",
        help="openspliceai, pangolin, spliceai, or the name of an installed entry point.",
    ),
]
Device = Annotated[
    str, typer.Option("--device", help="Where the base model runs: auto, cpu, cuda, mps.")
]
Classes = Annotated[
    str, typer.Option(help="Class order of the model's outputs, such as neither,donor,acceptor.")
]
Workers = Annotated[
    int | None, typer.Option(help="Use this many Dask worker processes on this machine.")
]
Cluster = Annotated[
    str | None, typer.Option(help="Use a Dask cluster: its scheduler's address or file.")
]
Mlflow = Annotated[
    str,
    typer.Option(
        "--mlflow",
        help="Log settings, figures and reports to this MLflow store: an address, or a folder.",
        rich_help_panel=GENERAL,
    ),
]
Memory = Annotated[
    str,
    typer.Option(
        "--memory",
        help="Memory budget, such as 1GiB.",
        rich_help_panel=GENERAL,
    ),
]


def gene_list(genes: str | None, genes_file: Path | None) -> list[str] | None:
    """The genes asked for, or None for every gene in the scores.

    Raises:
        UsageError: If both options are given or no gene is named.
        InputError: If the file cannot be read.
    """
    if genes is not None and genes_file is not None:
        raise UsageError("--genes and --genes-file are both given.", "Give one of them.")
    if genes is None and genes_file is None:
        return None
    if genes_file is not None:
        lines = _lines_of(genes_file)
        listed = [line.split("#")[0].strip() for line in lines]
    else:
        listed = [gene.strip() for gene in (genes or "").split(",")]
    found = [gene for gene in listed if gene]
    if not found:
        raise UsageError("The gene list names no gene.", "Leave it out to take every gene.")
    return found


def _lines_of(path: Path) -> list[str]:
    """The lines of a gene list, plain or compressed."""
    hint = "Give a text file in UTF-8 with one gene id per line."
    refuse_pipe(path)
    if not path.is_file():
        raise InputError(f"There is no gene list {path}.", hint)
    data = b"".join(blocks(path))
    found = kind_of_content(data) if data.strip() else ""
    if found:
        raise InputError(f"The gene list {path} is {found}.", hint)
    try:
        return data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"Line {line} of the gene list {path} is not UTF-8.", hint) from None


def score_paths(scores: Sequence[str], runs: bool = True) -> list[str] | dict[str, list[str]]:
    """The score paths, by base model where they are given as ``NAME=PATH``.

    Args:
        scores: As they were given.
        runs: Take a run's output, or its folder of tables, for its table of base scores.

    Raises:
        UsageError: If only some of them name a base model.
    """
    named: dict[str, list[str]] = {}
    for item in filter(_is_named, scores):
        name, _, path = item.partition("=")
        named.setdefault(name, []).extend(_tables_of(path) if runs else [path])
    lone = [item for item in scores if not _is_named(item)]
    if named and lone:
        raise UsageError(
            "Some of the scores are given as NAME=PATH, others without a name.",
            "Name the base model of all of them, or of none.",
        )
    return named or [each for item in lone for each in (_tables_of(item) if runs else [item])]


def _is_named(item: str) -> bool:
    name, sign, _ = item.partition("=")
    return bool(sign and _NAME.match(name)) and not Path(item).exists()


def _tables_of(path: str) -> list[str]:
    """The table of base scores of a run, where a path is of one; else the path itself."""
    if "://" in path or not Path(path).expanduser().is_dir():
        return [path]
    from splice_meta.evaluation.source import base_tables

    return base_tables(path) or [path]


def weights_by_name(weights: Sequence[str]) -> str | dict[str, str | Path] | None:
    """The folder of weights, or folders by base model where they are given as ``NAME=DIR``.

    Raises:
        UsageError: If there are several folders and not all have a name.
    """
    if len(weights) == 1 and ("=" not in weights[0] or Path(weights[0]).exists()):
        return weights[0]
    pairs = [item.partition("=") for item in weights]
    if not all(sign and _NAME.match(name) for name, sign, _ in pairs):
        raise UsageError(
            "Several --weights are given without names.", "Write NAME=DIR for each base model."
        )
    return {name: folder for name, _, folder in pairs} or None


def comma_list(text: str) -> tuple[str, ...]:
    """The items of a comma-separated option."""
    return tuple(item.strip() for item in text.split(",") if item.strip())
