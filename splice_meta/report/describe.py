"""Telling what a file or directory is, as labels and texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from splice_meta.contracts import OPTIONAL
from splice_meta.errors import InputError, ModelError
from splice_meta.manifest import OWN, FeatureManifest, load_manifest
from splice_meta.model.bundle import MetaModel
from splice_meta.model.bundle_writer import CARD
from splice_meta.model.foreign import PICKLES, model_kind
from splice_meta.model.load import load_model
from splice_meta.model.results_folder import model_in
from splice_meta.pipeline.matching import weights_of
from splice_meta.records import Entry
from splice_meta.report.describe_run import describe_run
from splice_meta.runs.found import run_at
from splice_meta.runs.outputs import FILE_OF, REPORTS, SITES_TEXT
from splice_meta.runs.tables import scan_parts
from splice_meta.shown import few
from splice_meta.sources.base_scores import open_scores
from splice_meta.sources.opened import BaseScores
from splice_meta.sources.predictions import OLD_TRUTH, prediction_layout
from splice_meta.stores import object_at, refuse_pipe

Pairs = list[tuple[str, str]]

CARD_FIGURES = (
    ("log_loss_per_site", "all"), ("brier_per_site", "all"), ("average_precision", "donor"),
    ("average_precision", "acceptor"), ("top_k_accuracy", "donor"), ("top_k_accuracy", "acceptor"),
    ("ece", "all"),
)  # fmt: skip
"""The figures of an evaluation card that are shown."""


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
            return _manifest(load_manifest(place))
        return describe_model(load_model(path, classes=classes))
    if place.suffix == ".csv" and _is_manifest(place):
        return _manifest(load_manifest(place))
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


def _manifest(manifest: FeatureManifest) -> Pairs:
    kinds = Counter(manifest.kinds.values())
    own = manifest.of_kind("unknown_probability", "unknown_genomic")
    return [
        ("Kind", "feature manifest"),
        ("Features", f"{len(manifest.names)}"),
        ("By kind", ", ".join(f"{kind} {count}" for kind, count in kinds.items())),
        *([("From the table", f"{few(own)} (columns of the base scores)")] if own else []),
        ("Sequence window", manifest.window_words),
        *([("Definitions", manifest.definitions)] if manifest.origin != OWN else []),
    ]


def describe_model(model: MetaModel) -> Pairs:
    """What a model is, and the main figures of its card."""
    margin = "base log-probabilities" if model.margin else "none"
    if model.margin and model.margin.weights:
        margin += f" (weights {', '.join(f'{weight:.2f}' for weight in model.margin.weights)})"
    genes = len(model.training_genes)
    pairs = [
        ("Kind", f"meta-model ({model.kind})"),
        ("Classes", ", ".join(model.classes)),
        ("Base models", _base_models(model)),
        *(("Or from", _base_models(part)) for part in model.parts),
        ("Trees", f"{model.trees:,}"),
        ("Margin", margin),
        ("Calibration", model.calibration.words if model.calibration else "none"),
        *([("Combination", model.combination.words)] if model.combination else []),
        *_converted(model),
        ("Trained on", f"{genes:,} genes" if genes else "not stated"),
        *(pair for pair in _manifest(model.manifest) if pair[0] != "Kind"),
    ]
    if model.has_digests is not None:
        digests = "right" if model.has_digests else "none, saved by an earlier version or changed"
        pairs.append(("Digests of its files", digests))
    gains = sorted(model.gains().items(), key=lambda item: -item[1])
    total = sum(gain for _, gain in gains) or 1.0
    pairs.append(("Most gain", ", ".join(f"{n} {g / total:.0%}" for n, g in gains[:5])))
    hint = "Make the bundle again, or remove the card."
    card = Entry(model.metadata.get("card", {}), CARD, kind=ModelError, hint=hint)
    for label, part in (("Held-out genes", card), ("Test chromosomes", card.find("test"))):
        pairs += _figures(label, part)
    pairs += _distances(card)
    if model.metadata.get("licence"):
        pairs.append(("Licence", str(model.metadata["licence"])))
    return pairs


def _converted(model: MetaModel) -> Pairs:
    """What a model was converted from, and what is not as it was there."""
    given = model.metadata.get("converted_from")
    if not isinstance(given, dict):
        return []
    notes = [str(given["note"])] if given.get("note") else []
    return [
        ("Converted from", f"{given.get('kind', 'a model')}, {given.get('file', 'a file')}"),
        *[("Note", f"{note[:1].upper()}{note[1:]}.") for note in notes],
    ]


def _base_models(model: MetaModel) -> str:
    """The base models that a model was trained on, with their weights where it knows them."""
    weights = weights_of(model)
    named = [
        f"{name} (weights {weights[name][:12]})" if name in weights else name
        for name in model.base_models
    ]
    return ", ".join(named) or "not stated"


def _figures(label: str, card: Entry | None) -> Pairs:
    """An evaluation of a model's card: what it went over, and its main figures, one per line."""
    if card is None or not card.fields():
        return []
    systems = card.at("systems").fields()
    chroms = card.find("chromosomes")
    where = f" ({', '.join(chroms.texts())})" if chroms else ""
    genes, positions, sites = (
        card.at(name).number(0) for name in ("genes", "positions", "sites")
    )  # fmt: skip
    pairs = [
        (label + where, f"{genes:,.0f} genes, {positions:,.0f} positions, {sites:,.0f} annotated "
         f"sites; {' | '.join(systems)}, 95% intervals over genes")
    ]  # fmt: skip
    for metric, name in CARD_FIGURES:
        cells = [_figure(figures.at(name).at(metric)) for figures in systems.values()]
        kind = "" if name == "all" else f", {name}s"
        pairs.append((f"  {metric.replace('_', ' ')}{kind}", " | ".join(cells)))
    return pairs


def _distances(card: Entry) -> Pairs:
    """How far the scores of single chromosomes are from all training scores, by their use."""
    listed = card.find("score_distances")
    found: dict[str, list[float]] = {}
    bounds = {0.0}
    for each in listed.items() if listed else ():
        use, distance = each.at("genes").one_of(("training", "test")), each.find("distance")
        if distance:
            found.setdefault(use, []).append(distance.number(0))
            bounds.add(each.at("bound").number(0))
    told = ", ".join(f"{use} chromosomes {min(d):.2f} to {max(d):.2f}" for use, d in found.items())
    return [("Distance of the scores", f"{told} (bound {max(bounds):.2f})")] if told else []


def _figure(figure: Entry) -> str:
    value, low = figure.find("value"), figure.find("low")
    text = f"{value.number():.4f}" if value else "-"
    return f"{text} [{low.number():.3f}, {figure.at('high').number():.3f}]" if low else text
