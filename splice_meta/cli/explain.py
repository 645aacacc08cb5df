"""``splice-meta explain``: what each feature contributes to a prediction."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from splice_meta.cli.console import say, say_table, set_verbosity
from splice_meta.cli.options import AnnotationFile, Fasta, Quiet, TrustPickle, Verbose, score_paths
from splice_meta.errors import UsageError
from splice_meta.files.given import Given
from splice_meta.files.ownership import refuse_target
from splice_meta.runtime.process import import_xgboost

if TYPE_CHECKING:
    import polars as pl

WIDTH = 20
"""Letters of the longest bar, to either side."""


def explain(
    scores: Annotated[
        list[str],
        typer.Argument(help="Base scores (NAME=PATH for several base models), or a run's output."),
    ],
    model: Annotated[str, typer.Option(help="A bundle, a model file or bundled:NAME.")],
    at: Annotated[
        list[str],
        typer.Option(help="GENE:POSITION, or CHROM:PLACE on the genome. Repeat for more."),
    ],
    top: Annotated[int, typer.Option(help="How many features are shown.")] = 12,
    classes: Annotated[
        str, typer.Option("--class", help="donor, acceptor, neither, all, or the likeliest site.")
    ] = "site",
    annotation: AnnotationFile = None,
    fasta: Fasta = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the table: .parquet or .csv.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace this file.")] = False,
    trust_pickle: TrustPickle = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    """Split the model's prediction at some positions by feature; no truth is needed."""
    set_verbosity(quiet, verbose)
    if top < 1:
        raise UsageError(f"--top is {top}.", "Give at least 1.")
    if classes not in (*_CLASSES, "all", "site"):
        raise UsageError(
            f"--class is {classes!r}.", f"Give one of: {', '.join(_CLASSES)}, all, site."
        )
    if output is not None:
        if output.suffix not in (".parquet", ".csv"):
            raise UsageError(f"--output {output} is of an unknown kind.", "Write .parquet or .csv.")
        refuse_target(output, Given((*scores, model, annotation, fasta)), overwrite)
    import_xgboost()
    from splice_meta.evaluation.explain import explain as split
    from splice_meta.sink import sink_parquet, write_csv

    paths = score_paths(scores)
    source = paths[0] if isinstance(paths, list) and len(paths) == 1 else paths
    found = split(
        source, model, at, annotation=annotation, fasta=fasta, trust_pickle=trust_pickle
    )
    show(found, classes, top, at)
    if output is not None:
        if output.suffix == ".csv":
            write_csv(output, found)
        else:
            sink_parquet(found.lazy(), output)
        say(f"Table: {output}")
    return 0


_CLASSES = ("neither", "donor", "acceptor")


_APART = ("base model", "bias")
"""What a prediction starts from: larger than all features, so that bars would hide these."""


def show(found: pl.DataFrame, classes: str, top: int, asked: Sequence[str] = ()) -> None:
    """Print the strongest contributions at each position, with bars.

    Args:
        found: From :func:`splice_meta.explain`.
        classes: ``site`` for the likelier of donor and acceptor, ``all``, or one.
        top: How many features are shown.
        asked: The positions as they were typed.
    """
    say("What features add to the logarithm of a class's probability, as SHAP values.")
    places = list(found.group_by("gene_id", "position", maintain_order=True))
    if len(places) != len(asked):  # a place lies in several genes
        asked = [""] * len(places)
    for ((gene, position), rows), typed in zip(places, asked, strict=True):
        say()
        name = f"{gene}:{position}"
        say(name if typed in ("", name) else f"{name} ({typed})")
        chosen = {"all": _CLASSES, "site": (_likeliest(rows),)}.get(classes, (classes,))
        for (kind,), part in rows.group_by("class", maintain_order=True):
            if kind in chosen:
                _show_class(str(kind), part, top)


def _show_class(kind: str, rows: pl.DataFrame, top: int) -> None:
    base, meta = rows.select("base", "meta").row(0)
    say(f"  {kind}: base {base:.6f}, meta-model {meta:.6f}")
    every = rows.select("feature", "value", "contribution").rows()
    starts = [f"{name} {given:+.4f}" for name, _, given in every if name in _APART]
    features = [row for row in every if row[0] not in _APART]
    most = max((abs(given) for _, _, given in features), default=0.0) or 1.0
    cells = [
        [f"    {feature}", _bar(given / most), _worded(value), f"{given:+.4f}"]
        for feature, value, given in features[:top]
    ]
    rest = features[top:]
    if rest:
        cells.append([f"    {len(rest)} more", "", "", f"{sum(row[2] for row in rest):+.4f}"])
    say(f"    Starts from: {', '.join(starts)}")
    say_table(["    feature", "less | more", "value", "adds"], cells, 2)


def _worded(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _likeliest(rows: pl.DataFrame) -> str:
    """Donor or acceptor, whichever is likelier after the meta-model."""
    sites = rows.filter(rows["class"] != "neither").sort("meta", descending=True)
    return str(sites["class"][0])


def _bar(share: float) -> str:
    """A bar to the left (less) or to the right (more) of the middle."""
    half = WIDTH // 2
    length = min(max(round(abs(share) * half), 1 if share else 0), half)
    left = "#" * length if share < 0 else ""
    right = "#" * length if share > 0 else ""
    return f"{left:>{half}}|{right:<{half}}"
