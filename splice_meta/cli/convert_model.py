"""``splice-meta convert-model``: someone else's model file in, a bundle out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from splice_meta.cli.console import say, set_verbosity
from splice_meta.cli.options import Classes, Quiet, TrustPickle, Verbose, comma_list
from splice_meta.errors import OutputError
from splice_meta.files.given import Given
from splice_meta.files.ownership import refuse_target

Origin = Literal["meta-spliceai", "agentic-spliceai", "splice_meta"]


def convert_model(
    path: Annotated[str, typer.Argument(help="An XGBoost .ubj or .json, a .skops, a pickle.")],
    out: Annotated[Path, typer.Argument(help="The bundle directory to write.")],
    classes: Classes = "",
    origin: Annotated[
        Origin | None,
        typer.Option(
            help="Whose definitions the names of its features have; by default meta-spliceai's "
            "where its classes are in the file.",
        ),
    ] = None,
    trust_pickle: TrustPickle = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    """Turn someone else's model file into a bundle."""
    set_verbosity(quiet, verbose)
    from splice_meta.manifest import OWN
    from splice_meta.model.bundle import BUNDLE
    from splice_meta.model.load import load_model
    from splice_meta.sink import whole_file

    order = comma_list(classes)
    given = Given((path,))
    given.refuse(out)
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise OutputError(f"{out} already exists.", "Give a new directory.")
    refuse_target(out, given, True, BUNDLE, file=False)
    model = load_model(path, trust_pickle=trust_pickle, classes=order or None, origin=origin)
    with whole_file(out, BUNDLE) as target:
        model.save(target)
    say(f"{model.kind}, {model.trees:,} trees, {len(model.manifest.names)} features: {out}")
    if model.manifest.origin != OWN:
        say(f"Features: {model.manifest.definitions}")
    note = model.metadata["converted_from"].get("note")
    if note:
        say(f"Note: {note}")
    return 0
