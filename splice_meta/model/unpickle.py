"""Reading pickle and joblib files as data, without running anything they ask for.

A pickle is a program: it may name any function of any module and have it called. Here it cannot.
Names are compared with a fixed list, and even what the list admits is never imported or called:
objects come out as :class:`Held`, which only remembers class name, arguments and state. The few
things a model is rebuilt from (lists of names, the bytes of an XGBoost booster) are then taken
out of that data by :mod:`splice_meta.model.foreign`.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import re
import zlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from splice_meta.errors import ModelError, UntrustedModelError

ADMITTED = frozenset({
    ("builtins", "bytearray"),
    ("builtins", "frozenset"),
    ("builtins", "set"),
    ("collections", "OrderedDict"),
    ("joblib.numpy_pickle", "NumpyArrayWrapper"),
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy._core.numeric", "_frombuffer"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy.core.numeric", "_frombuffer"),
    ("sklearn.isotonic", "IsotonicRegression"),
    ("sklearn.linear_model._logistic", "LogisticRegression"),
    ("sklearn.preprocessing._label", "LabelEncoder"),
    ("xgboost.compat", "XGBoostLabelEncoder"),
    ("xgboost.core", "Booster"),
    ("xgboost.sklearn", "XGBClassifier"),
})  # fmt: skip
"""What a file may name, as (module, name); both are compared as whole texts."""

ENSEMBLE_PACKAGES = frozenset({"meta_spliceai", "splice_surveyor"})
ENSEMBLES = frozenset({
    "SigmoidEnsemble", "CalibratedSigmoidEnsemble", "PerClassCalibratedSigmoidEnsemble",
    "ConsolidatedMetaModel",
})  # fmt: skip
"""Admitted from any module of these packages, which are never imported."""

_PLAIN_DTYPE = re.compile(r"[biufSU]\d{1,6}")
_DECOMPRESS: dict[bytes, Callable[[bytes], bytes]] = {
    b"\x1f\x8b": gzip.decompress,
    b"BZ": bz2.decompress,
    b"\xfd7zXZ": lzma.decompress,
    b"\x5d\x00": lzma.decompress,
    b"\x78": zlib.decompress,
}
_REFUSED = b"".join((
    pickle.INST, pickle.OBJ, pickle.NEWOBJ_EX, pickle.PERSID, pickle.BINPERSID,
    pickle.EXT1, pickle.EXT2, pickle.EXT4, pickle.NEXT_BUFFER, pickle.READONLY_BUFFER,
))  # fmt: skip
_HINT = (
    "Save the model as .ubj where it was trained (model.save_model), with its "
    "feature_manifest.csv beside it; .ubj files carry no code."
)


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


class DataUnpickler(pickle._Unpickler):
    """Reads pickle and joblib streams, making a :class:`Held` of every object.

    The pure-Python unpickler of the standard library, as joblib's, with every opcode that calls
    something or sets attributes replaced. joblib's own class is not used: it calls what the
    stream names, and numpy's ``__setstate__`` functions trust their arguments. Arrays that
    joblib writes after the object that describes them are read here too.
    """

    stack: list[Any]
    read: Callable[[int], bytes]

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self._bytes = file

    def find_class(self, module: str, name: str) -> Named:
        """The admitted class or function of that name, as a name.

        Raises:
            UntrustedModelError: If the list does not have it.
        """
        ensemble = name in ENSEMBLES and module.split(".")[0] in ENSEMBLE_PACKAGES
        if (module, name) in ADMITTED or ensemble:
            return Named(module, name)
        raise UntrustedModelError(
            f"The file asks for {f'{module}.{name}'[:200]}, which is not on the list of what a "
            "model file may hold; nothing was run.",
            _HINT,
        )

    def load_reduce(self) -> None:
        """REDUCE and NEWOBJ: remember what was to be called instead of calling it."""
        args, what = self.stack.pop(), self.stack.pop()
        if not isinstance(what, Named) or not isinstance(args, tuple):
            raise _untrusted("calls something that is not a class")
        self.stack.append(_made(what, args))

    def load_build(self) -> None:
        """BUILD: remember the state instead of setting it."""
        state, held = self.stack.pop(), self.stack[-1]
        if not isinstance(held, Held):
            raise _untrusted("sets attributes of something that is not an object")
        held.state = state
        if held.what.name == "NumpyArrayWrapper":
            held.args = (self._joblib_array(held),)

    def load_bytearray8(self) -> None:
        """BYTEARRAY8: as in the base class, but never more than the file has."""
        size = int.from_bytes(self.read(8), "little")
        self.stack.append(bytearray(self.read(min(size, self._bytes.getbuffer().nbytes))))

    def refuse(self) -> None:
        """Opcodes that no model file needs."""
        raise _untrusted("uses a kind of reference that model files do not need")

    def _joblib_array(self, held: Held) -> Any:
        """The values of an array whose description has just been read."""
        dtype, shape = held.get("dtype"), held.get("shape")
        if _is_object(dtype):
            # The values are a pickle of their own: same reader, same list.
            return type(self)(self._bytes).load()
        if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
            raise _untrusted(f"describes an array of shape {str(shape)[:60]}")
        if held.get("numpy_array_alignment_bytes") is not None:
            self._bytes.read(int.from_bytes(self._bytes.read(1), "little"))
        size = prod(shape) * _dtype(dtype).itemsize
        raw = self._bytes.read(min(size, self._bytes.getbuffer().nbytes))
        if len(raw) < size:
            raise EOFError("an array is cut short")
        return raw

    dispatch: ClassVar[dict[int, Any]] = {
        **pickle._Unpickler.dispatch,
        **dict.fromkeys((pickle.REDUCE[0], pickle.NEWOBJ[0]), load_reduce),
        pickle.BUILD[0]: load_build,
        pickle.BYTEARRAY8[0]: load_bytearray8,
        **dict.fromkeys(_REFUSED, refuse),
    }


def read_pickle(path: Path) -> Any:
    """Read a pickle or joblib file, compressed or not, as data.

    Raises:
        UntrustedModelError: If it names or does something that is not on the list.
        ModelError: If it is not a pickle or is damaged.
    """
    try:
        data = path.read_bytes()
        for magic, decompress in _DECOMPRESS.items():
            if data.startswith(magic):
                data = decompress(data)
                break
        return DataUnpickler(io.BytesIO(data)).load()
    except ModelError:
        raise
    except Exception as error:  # a damaged stream can fail in any way
        raise ModelError(
            f"{path} cannot be read as a pickle or joblib file "
            f"({type(error).__name__}: {str(error)[:200]}).",
            _HINT,
        ) from None


def plain(value: Any) -> Any:
    """A held NumPy array of one dimension as a list, a held NumPy number as a number.

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
            return np.frombuffer(args[1], _dtype(args[0])).tolist()[0]
        if kind == "_frombuffer":
            raw, dtype, shape = args[:3]
        elif kind == "_reconstruct":
            _, shape, dtype, _, raw = value.state
        else:
            raw, dtype, shape = args[0], value.get("dtype"), value.get("shape")
        if len(shape) != 1:
            raise ModelError(f"The file holds an array of shape {shape} for a list.", _HINT)
        if _is_object(dtype):
            # Only joblib has the values of an object array stand as an array of their own.
            return plain(raw) if kind == "NumpyArrayWrapper" else list(raw)
        return np.frombuffer(raw, _dtype(dtype)).tolist()
    except (TypeError, ValueError, IndexError) as error:
        raise ModelError(f"The file holds a damaged array ({error}).", _HINT) from None


def _made(what: Named, args: tuple[Any, ...]) -> Any:
    """What REDUCE or NEWOBJ puts on the stack: a plain container, or the call as data."""
    if what.module == "collections":
        return OrderedDict(*(list(a) for a in args))
    if what.module != "builtins":
        return Held(what, args)
    if len(args) > 1 or not all(isinstance(a, bytes | list | tuple) for a in args):
        raise _untrusted(f"calls {what.name} with unusual arguments")
    return {"bytearray": bytearray, "set": set, "frozenset": frozenset}[what.name](*args)


def _is_object(dtype: Any) -> bool:
    return isinstance(dtype, Held) and dtype.what.name == "dtype" and dtype.args[:1] == ("O8",)


def _dtype(held: Any) -> np.dtype[Any]:
    """A plain NumPy type from its held description; never by numpy's own ``__setstate__``."""
    code = held.args[0] if isinstance(held, Held) and held.args else None
    if not isinstance(code, str) or not _PLAIN_DTYPE.fullmatch(code):
        raise _untrusted(f"holds an array of the type {str(code)[:60]}")
    order = held.state[1] if isinstance(held.state, tuple) and len(held.state) > 1 else "|"
    if order not in ("<", ">", "=", "|"):
        raise _untrusted("holds an array of an unknown byte order")
    return np.dtype(f"{order}{code}")


def _untrusted(what: str) -> UntrustedModelError:
    return UntrustedModelError(f"The file {what}; nothing was run.", _HINT)
