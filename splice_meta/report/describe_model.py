"""Telling what a model is, as labels and texts."""

from __future__ import annotations

from collections import Counter

from splice_meta.errors import ModelError
from splice_meta.files.records import Entry
from splice_meta.manifest import OWN, FeatureManifest
from splice_meta.model.bundle import MetaModel
from splice_meta.model.bundle_writer import CARD
from splice_meta.pipeline.matching import weights_of
from splice_meta.shown import few

Pairs = list[tuple[str, str]]

CARD_FIGURES = (
    ("log_loss_per_site", "all"), ("brier_per_site", "all"), ("average_precision", "donor"),
    ("average_precision", "acceptor"), ("top_k_accuracy", "donor"), ("top_k_accuracy", "acceptor"),
    ("ece", "all"),
)  # fmt: skip
"""The figures of an evaluation card that are shown."""


def describe_manifest(manifest: FeatureManifest) -> Pairs:
    """What a manifest lists."""
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
        *(pair for pair in describe_manifest(model.manifest) if pair[0] != "Kind"),
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
