"""Which features a model may learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from splice_meta.catalogue import GENOMIC, NEVER, kind_of
from splice_meta.errors import ManifestError
from splice_meta.manifest import MANIFESTS, FeatureManifest, load_manifest

DERIVED = frozenset(
    {
        "splice_type", "true_splice_type", "truth", "label", "usage", "weight", "fold",
        "in_training", "prediction_source", "is_uncertain", "is_adjusted", "donor_meta",
        "acceptor_meta", "neither_meta", "predicted_type", "predicted_type_base",
    }
)  # fmt: skip
"""Columns that hold the truth, were fitted to it, or come out of a prediction."""


def training_manifest(
    source: str | Path | FeatureManifest,
    base_models: Sequence[str],
    columns: Sequence[str],
    annotation_features: bool,
    own: Sequence[str] = (),
) -> FeatureManifest:
    """The features to train on.

    A manifest known by name comes without the features of the annotation unless they are asked
    for: ``n_splice_sites``, ``num_exons`` and the exon lengths count the very sites to be
    predicted, and coordinates name the gene. A manifest given as a file or object is taken as it
    is.

    Args:
        source: The manifest.
        base_models: The base models of the scores; named features if there are several.
        columns: Columns of the scores.
        annotation_features: Keep those features of the annotation that the scores carry.
        own: Columns of the scores that are features, too, behind those of the manifest.

    Raises:
        ManifestError: If a feature is derived from the labels, or a column is not there or has a
            name of the catalogue.
    """
    several = base_models if len(base_models) > 1 else ()
    manifest = load_manifest(source, several)
    if str(source) in MANIFESTS:
        kept = set(columns) & set(GENOMIC) if annotation_features else set()
        dropped = set(GENOMIC) - kept
        manifest = replace(manifest, names=tuple(n for n in manifest.names if n not in dropped))
    for name in own:
        if name not in columns:
            raise ManifestError(
                f"The base scores have no column {name} to be a feature.",
                "Name a column of numbers of theirs.",
            )
        if not kind_of(name).startswith("unknown"):
            raise ManifestError(
                f"The column {name} has the name of a feature of the catalogue.",
                "List it in the manifest, or give the column another name.",
            )
    further = [name for name in dict.fromkeys(own) if name not in manifest.names]
    manifest = replace(manifest, names=(*manifest.names, *further))
    derived = sorted((DERIVED | NEVER) & {name.rpartition(".")[2] for name in manifest.names})
    if derived:
        raise ManifestError(
            f"The feature manifest lists {', '.join(derived)}, derived from the labels, or a "
            "position or scores under another name.",
            "A feature is made from what is known where the model is used.",
        )
    return manifest
