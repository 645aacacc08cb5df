"""What made scores, as tables say it: a base model's name, its weights, its precision."""

from __future__ import annotations

from collections.abc import Iterable

from splice_meta.base_models.protocol import BaseModel, precision_of
from splice_meta.errors import UsageError
from splice_meta.provenance import MadeBy, same_base_model


def made_by(model: BaseModel) -> MadeBy:
    """What tables say of scores that a base model made: its name, its weights, its precision."""
    return MadeBy(
        base_model=model.name, weights_sha256=model.digest, precision=precision_of(model)
    )


def refuse_mixture(makers: Iterable[MadeBy | None], models: Iterable[BaseModel]) -> None:
    """Refuse to put scores of other weights than theirs beside scores that say what made them.

    Args:
        makers: What made the scores there are, by base model; None where that is not known.
        models: What would score the other genes.

    Raises:
        UsageError: If so.
    """
    for known, model in zip(makers, models, strict=False):
        new = made_by(model)
        same = known is None or known.weights_sha256 == new.weights_sha256
        if known is not None and not (same and same_base_model(known.base_model, new.base_model)):
            raise UsageError(
                f"The scores there are were made by {known}, the other genes would be scored by "
                f"{new}.",
                "Score them all alike, or leave the genes without scores out.",
            )
