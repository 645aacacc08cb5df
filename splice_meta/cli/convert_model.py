"""``splice-meta convert-model``: someone else's model file in, a bundle out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from splice_meta.cli.console import say, set_verbosity
from splice_meta.cli.options import Classes, Quiet, TrustPickle, Verbose, comma_list


def convert_model(
    path: Annotated[str, typer.Argument(help="An XGBoost .ubj or .json, a .skops, a pickle.")],
    out: Annotated[Path, typer.Argument(help="The bundle directory to write.")],
    classes: Classes = "",
    trust_pickle: TrustPickle = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    """Turn someone else's model file into a bundle."""
    set_verbosity(quiet, verbose)
    from splice_meta.model.bundle import load_model

    order = comma_list(classes)
    model = load_model(path, trust_pickle=trust_pickle, classes=order or None)
    model.save(out)
    say(f"{model.kind}, {model.trees:,} trees, {len(model.manifest.names)} features: {out}")
    return 0
