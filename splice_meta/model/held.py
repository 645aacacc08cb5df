"""What a file of other people's objects holds, as data: names, arguments, states, arrays."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from splice_meta.errors import ModelError, UntrustedModelError

HINT = (
    "Save the model as .ubj where it was trained (model.save_model), with its "
    "feature_manifest.csv beside it; .ubj files carry no code."
)
"""What to do about a pickle that cannot be used."""

_PLAIN_DTYPE = re.compile(r"[biufSU]\d{1,6}")


@dataclass(frozen=True)
class Named:
    """A class or function that the file names; nothing was imported."""

    module: str
    name: str


@dataclass(eq=False)
class Held:
    """An object of the file as data.

    Attributes:
        what: Its class, or the function that was to make it.
        args: What that was to be called with.
        state: What its state was to be set to, None if the file sets none.
    """

    what: Named
    args: tuple[Any, ...]
    state: Any = None

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute of the object as the file states it."""
        return self.state.get(name, default) if isinstance(self.state, dict) else default


def plain(value: Any, flat: bool = False) -> Any:
    """A held NumPy array of one dimension as a list, a held NumPy number as a number.

    Args:
        value: Anything; what is neither is returned as it is.
        flat: Take arrays of more dimensions, too, value by value.

    Raises:
        UntrustedModelError: If the array's type is not a plain number or text.
        ModelError: If it has more than one dimension.
    """
    if not isinstance(value, Held) or value.what.name not in (
        "_reconstruct", "_frombuffer", "scalar", "NumpyArrayWrapper",
    ):  # fmt: skip
        return value
    kind, args = value.what.name, value.args
    try:
        if kind == "scalar":
            return np.frombuffer(args[1], plain_dtype(args[0])).tolist()[0]
        if kind == "_frombuffer":
            raw, dtype, shape = args[:3]
        elif kind == "_reconstruct":
            _, shape, dtype, _, raw = value.state
        else:
            raw, dtype, shape = args[0], value.get("dtype"), value.get("shape")
        if len(shape) != 1 and not flat:
            raise ModelError(
                f"The file holds an array of the shape {shown_value(shape)} for a list.", HINT
            )
        if is_object(dtype):
            # Only joblib has the values of an object array stand as an array of their own.
            return plain(raw, flat) if kind == "NumpyArrayWrapper" else list(raw)
        return np.frombuffer(raw, plain_dtype(dtype)).tolist()
    except (TypeError, ValueError, IndexError) as error:
        raise ModelError(f"The file holds a damaged array ({error}).", HINT) from None


def shown_value(value: Any) -> str:
    """A value of a file for an error: what holds others is only named, for it may hold itself."""
    if isinstance(value, tuple) and all(type(each) is int for each in value[:9]):
        value = f"({', '.join(str(each)[:20] for each in value[:8])})"
    is_plain = value is None or isinstance(value, str | float | bool)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 1 << 64 else "a large number"
    return str(value)[:60] if is_plain else type(value).__name__


def is_object(dtype: Any) -> bool:
    """Whether a held type is that of arrays of objects."""
    return isinstance(dtype, Held) and dtype.what.name == "dtype" and dtype.args[:1] == ("O8",)


def plain_dtype(held: Any) -> np.dtype[Any]:
    """A plain NumPy type from its held description; never by numpy's own ``__setstate__``."""
    code = held.args[0] if isinstance(held, Held) and held.args else None
    if not isinstance(code, str) or not _PLAIN_DTYPE.fullmatch(code):
        raise untrusted(f"holds an array of the type {shown_value(code)}")
    order = held.state[1] if isinstance(held.state, tuple) and len(held.state) > 1 else "|"
    if order not in ("<", ">", "=", "|"):
        raise untrusted("holds an array of an unknown byte order")
    return np.dtype(f"{order}{code}")


def untrusted(what: str) -> UntrustedModelError:
    """The error for a file that does what no model file needs.

    Args:
        what: What the file does.
    """
    return UntrustedModelError(f"The file {what}; nothing was run.", HINT)
