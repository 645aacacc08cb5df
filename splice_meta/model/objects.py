"""Objects of other people's files: what they are called, and the XGBoost model within them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from splice_meta.errors import ModelError
from splice_meta.model.held import Held, plain, shown_value
from splice_meta.model.tree_file import model_within


def kind_of(found: Any) -> str:
    """The class name of something read from a file; batch ensembles are dictionaries."""
    if isinstance(found, dict) and found.get("type") == "AllGenesBatchEnsemble":
        return "AllGenesBatchEnsemble"
    if isinstance(found, dict) and isinstance(found.get("models"), list) and "batch_count" in found:
        return "MultiBatchTrainer's dictionary"
    return found.what.name if isinstance(found, Held) else type(found).__name__


def texts(values: Any) -> list[str] | None:
    """A list or array of texts as a list, None if it is anything else."""
    found = plain(values)
    items = [plain(v) for v in found] if isinstance(found, list | tuple) else []
    return items if items and all(isinstance(t, str) for t in items) else None


def numbers(values: Any) -> list[float] | None:
    """A list or array of numbers as floats, None if it is anything else."""
    found = plain(values)
    items = [plain(v) for v in found] if isinstance(found, list | tuple) else []
    are_numbers = all(isinstance(n, int | float) and not isinstance(n, bool) for n in items)
    return [float(n) for n in items] if items and are_numbers else None


def stated_classes(found: Any) -> tuple[str, ...] | None:
    """The class order of an XGBClassifier that was trained on class names."""
    if not isinstance(found, Held):
        return None
    encoder = found.get("_le")
    named = encoder.get("classes_") if isinstance(encoder, Held) else None
    names = texts(found.get("classes_")) or texts(named)
    return tuple(names) if names else None


def model_of(found: Any, what: str) -> bytes:
    """The XGBoost model of a held XGBClassifier or Booster, without training settings.

    Args:
        found: The object.
        what: What to call it in errors, behind "The ".

    Raises:
        ModelError: If it is something else, is not trained, or has a missing value of its own.
    """
    kind = kind_of(found)
    if isinstance(found, Held) and kind not in ("XGBClassifier", "Booster"):
        raise ModelError(
            f"The {what} is a {kind} ({found.what.module}), which cannot be converted.",
            "Only XGBoost models can: an XGBClassifier or a Booster.",
        )
    held = found.get("_Booster") if isinstance(found, Held) and kind == "XGBClassifier" else found
    is_booster = isinstance(held, Held) and kind_of(held) == "Booster"
    buffer = held.get("handle") if is_booster else None
    if not isinstance(buffer, bytes | bytearray):
        raise ModelError(f"The {what} has no trained XGBoost model in it.", "Save it trained.")
    missing = plain(found.get("missing"))
    if missing is not None and not (isinstance(missing, float) and math.isnan(missing)):
        raise ModelError(
            f"The {what} takes {shown_value(missing)} for a missing value.",
            "Only models whose missing value is NaN can be converted.",
        )
    return model_within(bytes(buffer), f"The {what}")


def in_file(kind: str, path: Path) -> str:
    """What to call a lone object of a file in errors."""
    return f"{kind} in {path}"
