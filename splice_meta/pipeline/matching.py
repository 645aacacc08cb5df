"""Whether scores are of the base models that a meta-model was trained on."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from splice_meta.errors import UsageError
from splice_meta.model.bundle import MetaModel
from splice_meta.provenance import MadeBy, same_base_model
from splice_meta.sources.opened import BaseScores

log = logging.getLogger("splice_meta")

WEIGHTS = "weights_sha256"
"""The entry of a bundle that holds the digest of each base model's weights, where it is known."""


def needed_base_models(model: MetaModel) -> tuple[str, ...]:
    """The base models whose scores a model reads; empty where it states none.

    Where no feature names one, it reads those of the first that it states.
    """
    return model.manifest.base_models or model.base_models[:1]


def weights_of(model: MetaModel) -> dict[str, str]:
    """The digest of each base model's weights, as far as a model knows them."""
    stated = model.metadata.get(WEIGHTS)
    return {str(k): str(v) for k, v in stated.items()} if isinstance(stated, Mapping) else {}


def fitting(model: MetaModel | None, source: Any, base_model: Any = None) -> MetaModel | None:
    """A model, or that part of it which needs no other base models than those that are there.

    Args:
        model: The meta-model.
        source: Anything that base scores are read from; only a mapping of names tells which base
            models are there.
        base_model: The base model that is to make the scores where there are none.

    Returns:
        The model itself where all it needs is there, or no part of it fits.
    """
    names = list(source) if isinstance(source, Mapping) else []
    if source is None and isinstance(base_model, str):
        names = [base_model]
    if model is None or not model.parts or not names:
        return model

    def lacks(each: MetaModel) -> list[str]:
        needed = needed_base_models(each)
        return [n for n in needed if not any(same_base_model(n, str(given)) for given in names)]

    missing = lacks(model)
    parts = [each for each in model.parts if missing and not lacks(each)]
    if not parts:
        return model
    part = max(parts, key=lambda each: len(needed_base_models(each)))
    log.warning(
        "There are no scores of %s: the model's part for %s predicts.",
        " and ".join(missing), " and ".join(needed_base_models(part)),
    )  # fmt: skip
    return part


def sources_for(source: Any, model: MetaModel | None, keep_others: bool = False) -> Any:
    """Of scores by base model those that a meta-model needs, by the names that it has for them.

    Args:
        source: Anything that base scores are read from; only a mapping of names is changed.
        model: The meta-model.
        keep_others: Put further base models behind those, rather than leave them out and say so.

    Returns:
        The source; where it lacks a base model, as it was, for :func:`require_base_models` to say.

    Raises:
        UsageError: If two of its names mean one base model.
    """
    if model is None or not isinstance(source, Mapping):
        return source
    needed = needed_base_models(model)
    found: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for name, scores in source.items():
        known = next((each for each in needed if same_base_model(each, str(name))), None)
        if known in found:
            raise UsageError(
                f"Scores of {known} are given twice, once as {name}.",
                "Give the scores of each base model under one name.",
            )
        (others if known is None else found)[known or name] = scores
    if not needed or len(found) < len(needed):
        return source
    if keep_others:
        return {**found, **others}
    if others:
        log.warning(
            "The scores of %s are not read: the model was trained on those of %s.",
            " and ".join(map(str, others)), " and ".join(needed),
        )  # fmt: skip
    return found


def require_base_models(model: MetaModel | None, scores: BaseScores) -> None:
    """Refuse scores that lack a base model the meta-model needs, or that another one made.

    A model whose features name none takes unnamed scores as they are; under names, its (first)
    base model must be the first, because that is the one whose predictions are kept and
    recalibrated.

    Raises:
        UsageError: It says which base models are needed and which are there.
    """
    if model is None:
        return
    needed, given = model.manifest.base_models, scores.names
    primary = model.base_models[:1]
    missing = [name for name in needed if name not in given]
    if not needed and given:
        missing = [name for name in primary if not same_base_model(name, given[0])]
    if missing:
        choices = [needed or primary, *map(needed_base_models, model.parts)]
        wanted = ", or of ".join(" and ".join(each) for each in choices)
        listed = ", ".join(given) or "scores without a name"
        first = "" if needed else " first"
        raise UsageError(
            f"The model needs base scores of {wanted}{first}; given are {listed}.",
            "Say which table each of them made, as NAME=PATH."
            if needed and not given
            else _advice(missing[0]),
        )
    names = given if needed else primary
    for name, made_by in zip(names, scores.makers, strict=False):
        if made_by is not None:
            _check_maker(model, name, made_by)


def _check_maker(model: MetaModel, name: str, made_by: MadeBy) -> None:
    """Refuse scores that their file says another base model made than the one of this name."""
    weights = weights_of(model).get(name, "")
    if weights and weights == made_by.weights_sha256:
        return
    if not made_by.bears(name):
        raise UsageError(
            f"The scores were made by {made_by}, as their file says; the model was trained on "
            f"scores of {name}.",
            _advice(name),
        )
    if weights and made_by.weights_sha256:
        log.warning(
            "The scores were made by %s; the model was trained on scores of %s with other weights "
            "(%s). If they differ in more than their files, its probabilities are off.",
            made_by, name, weights[:12],
        )  # fmt: skip


def _advice(name: str) -> str:
    return f"Score the genes with {name} (splice-meta score), or train a model on these scores."


def said_base_model(model: MetaModel | None, scores: BaseScores) -> str:
    """Which base model the scores are taken for, and by what.

    Args:
        model: The meta-model, or None.
        scores: Scores that :func:`require_base_models` lets pass.

    Returns:
        A few words; none where there is no model and no file says anything.
    """
    needed = needed_base_models(model) if model is not None else ()
    names = scores.names or needed
    makers = scores.makers
    if model is None and not any(makers):
        return ""
    told = []
    for number in range(max(len(makers), len(names) if scores.names else 1)):
        made_by = makers[number] if number < len(makers) else None
        name = names[number] if number < len(names) else ""
        if made_by is not None:
            told.append(f"{made_by}, as the file says")
        elif name and scores.names:
            told.append(f"assumed to be {name}, as they are named; the file does not say")
        elif name:
            told.append(f"assumed to be {name}, the model's base model; the file does not say")
        else:
            told.append("of a base model that neither file nor model names")
    return "; ".join(told)
