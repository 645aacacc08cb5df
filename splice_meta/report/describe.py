"""Telling what a file or directory is, as labels and texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from splice_meta.contracts import OPTIONAL
from splice_meta.errors import InputError
from splice_meta.files.stores import object_at, refuse_pipe
from splice_meta.manifest import load_manifest
from splice_meta.model.foreign import PICKLES, model_kind
from splice_meta.model.load import load_model
from splice_meta.model.results_folder import model_in
from splice_meta.report.describe_model import describe_manifest, describe_model
from splice_meta.report.describe_run import describe_run
from splice_meta.runs.found import run_at
from splice_meta.runs.outputs import FILE_OF, REPORTS, SITES_TEXT
from splice_meta.runs.tables import scan_parts
from splice_meta.sources.base_scores import open_scores
from splice_meta.sources.opened import BaseScores
from splice_meta.sources.predictions import OLD_TRUTH, prediction_layout

Pairs = list[tuple[str, str]]


def describe(
    path: str, trust_pickle: bool = False, classes: tuple[str, ...] | None = None
) -> Pairs:
    """What a path holds, in a few lines.

    Args:
        path: Base scores, a bundle, a model file, a manifest, a run's output directory or folder of
            tables, or ``bundled:NAME``.
        trust_pickle: Allow pickled models, through an allow-list.
        classes: Class order of a model file that does not state it.

    Raises:
        InputError: If it is none of these.
    """
    if object_at(path) is not None:
        run = run_at(path)
        return describe_run(run) if run is not None else _scores(path)
    place = Path(path).expanduser()
    refuse_pipe(place)
    if path.startswith("bundled:") or (place / "bundle.json").exists():
        return describe_model(load_model(path))
    is_report = place.is_file() and place.name in (*REPORTS, "ledger.jsonl")
    run = run_at(place.parent if is_report else path)
    if run is not None:
        return describe_run(run)
    in_results = place.is_dir() and model_in(place) is not None
    if in_results or model_kind(place) in (".ubj", *PICKLES, ".skops"):
        return describe_model(load_model(path, trust_pickle=trust_pickle, classes=classes))
    if place.suffix == ".json":
        is_manifest = place.exists() and "sequence_half_width" in place.read_text(errors="replace")
        if is_manifest:
            return describe_manifest(load_manifest(place))
        return describe_model(load_model(path, classes=classes))
    if place.suffix == ".csv" and _is_manifest(place):
        return describe_manifest(load_manifest(place))
    if not place.exists() and "://" not in path and not any(c in path for c in "*?["):
        raise InputError(f"There is no {path}.", "Give scores, a bundle, a manifest or a run.")
    if place.name in (FILE_OF["sites"], SITES_TEXT):
        return _sites(place)
    return _scores(path)


def _sites(path: Path) -> Pairs:
    """What a run's sites table has."""
    is_text = path.suffix == ".tsv"
    rows = pl.read_csv(path, separator="\t") if is_text else scan_parts(path).collect()
    fates = rows["fate"].cast(pl.String).value_counts(sort=True).rows()
    known = rows["is_annotated"].drop_nulls()
    return [
        ("Kind", "sites table of a run"),
        ("Sites", f"{rows.height:,} in {rows['gene_id'].n_unique():,} genes"),
        ("By fate", ", ".join(f"{fate} {count:,}" for fate, count in fates) or "none"),
        ("Annotated", f"{known.sum():,} of {len(known):,}" if len(known) else "not known"),
    ]


def _is_manifest(path: Path) -> bool:
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        return "feature" in file.readline().strip().split(",")


def _scores(path: str) -> Pairs:
    opened = open_scores(path, predictions=True)
    genes, names = opened.table.genes, opened.frame.collect_schema().names()
    also = set(OPTIONAL) - {"splice_type"} if prediction_layout(names) else OPTIONAL
    shown = ", ".join(genes["gene_id"].head(5))
    return [
        *_kind(names),
        ("Genes", f"{genes.height:,} ({shown}{' ...' if genes.height > 5 else ''})"),
        ("Positions", f"{opened.table.positions:,}"),
        ("Longest gene", f"{max(genes['positions'].to_list()):,} positions"),
        ("Base model", _makers(opened)),
        ("Optional columns", ", ".join(n for n in names if n in also) or "none"),
        ("Order", "sorted" if not opened.table.unsorted
         else f"{len(opened.table.unsorted):,} genes need sorting by position"),
        ("Missing inside genes", _share(opened.table.missing, opened.table.missing
                                        + opened.table.positions)),
        *([("Unknown bases", _share(int(genes["unknown_bases"].sum()), opened.table.positions))]
          if "base" in names else []),
        ("Checks", f"passed; warnings: {len(opened.table.remarks)}"
         if opened.table.remarks else "passed"),
    ]  # fmt: skip


def _makers(scores: BaseScores) -> str:
    """What the scores' files say of what made them."""
    made_by = scores.made_by
    return f"{made_by}, {made_by.precision}" if made_by is not None else "the file does not say"


def _kind(columns: Sequence[str]) -> Pairs:
    """What a table of scores holds, and where predictions keep class and truth."""
    layout = prediction_layout(columns)
    if layout is None:
        return [("Kind", "base scores")]
    truth, note = ("splice_type", "") if layout == "current" else (
        OLD_TRUTH, " (layout of version 0.1.0, where splice_type is the predicted class)"
    )  # fmt: skip
    return [
        ("Kind", f"predictions{note}"),
        ("Truth", f"in {truth}" if truth in columns else "none"),
    ]


def _share(count: int, total: int) -> str:
    return f"{count:,} of {total:,} positions ({count / total:.1%})" if count else "none"
