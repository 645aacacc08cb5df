"""Reading pickle and joblib files as data, without running anything they ask for.

A pickle is a program: it may name any function of any module and have it called. Here it cannot.
Names are compared with a fixed list, and even what the list admits is never imported or called:
objects come out as :class:`Held`, which only remembers class name, arguments and state. The few
things a model is rebuilt from (lists of names, the bytes of an XGBoost booster) are then taken
out of that data by :mod:`splice_meta.model.foreign`.
"""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, ClassVar

from splice_meta.errors import ModelError, UntrustedModelError
from splice_meta.model.booster import read_model_file
from splice_meta.model.held import (
    HINT,
    Held,
    Named,
    is_object,
    plain_dtype,
    shown_value,
    untrusted,
)
from splice_meta.model.unpack import UNPACKERS, unpacked

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

_MOST_STEPS = 300_000
"""Opcodes of a file. One of them, of one byte, can take 200 bytes of memory."""

_MOST_DIMENSIONS = 64
_LARGEST_KEY = 1 << 60
"""Larger integers as keys can all have one hash."""

_REFUSED = b"".join((
    pickle.INST, pickle.OBJ, pickle.NEWOBJ_EX, pickle.PERSID, pickle.BINPERSID,
    pickle.EXT1, pickle.EXT2, pickle.EXT4, pickle.NEXT_BUFFER, pickle.READONLY_BUFFER,
))  # fmt: skip


@dataclass
class _Budget:
    """What a file may still take.

    Attributes:
        steps: Opcodes.
        copied: Bytes and items that are copied: a file has each of them at least once.
    """

    steps: int
    copied: int

    def take(self, copied: int) -> None:
        """Count what is copied."""
        self.copied -= copied
        if self.copied < 0:
            raise untrusted("copies the same thing many times")


def _counted(function: Any) -> Callable[[DataUnpickler], None]:
    """The function of an opcode, counted."""

    def step(reader: DataUnpickler) -> None:
        reader.budget.steps -= 1
        if reader.budget.steps < 0:
            raise untrusted(f"has more than {_MOST_STEPS:,} steps")
        function(reader)

    return step


class DataUnpickler(pickle._Unpickler):
    """Reads pickle and joblib streams, making a :class:`Held` of every object.

    The pure-Python unpickler of the standard library, as joblib's, with every opcode that calls
    something or sets attributes replaced. joblib's own class is not used: it calls what the
    stream names, and numpy's ``__setstate__`` functions trust their arguments. Arrays that
    joblib writes after the object that describes them are read here too.
    """

    stack: list[Any]
    pop_mark: Callable[[], list[Any]]
    read: Callable[[int], bytes]

    def __init__(self, file: io.BytesIO, budget: _Budget | None = None) -> None:
        super().__init__(file)
        self._bytes = file
        self.budget = budget or _Budget(_MOST_STEPS, file.getbuffer().nbytes)

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
            HINT,
        )

    def load_reduce(self) -> None:
        """REDUCE and NEWOBJ: remember what was to be called instead of calling it."""
        args, what = self.stack.pop(), self.stack.pop()
        if not isinstance(what, Named) or not isinstance(args, tuple):
            raise untrusted("calls something that is not a class")
        self.stack.append(_made(what, args, self.budget))

    def load_build(self) -> None:
        """BUILD: remember the state instead of setting it."""
        state, held = self.stack.pop(), self.stack[-1]
        if not isinstance(held, Held):
            raise untrusted("sets attributes of something that is not an object")
        held.state = state
        if held.what.name == "NumpyArrayWrapper":
            held.args = (self._joblib_array(held),)

    def load_bytearray8(self) -> None:
        """BYTEARRAY8: as in the base class, but never more than the file has."""
        size = int.from_bytes(self.read(8), "little")
        self.stack.append(bytearray(self.read(min(size, self._bytes.getbuffer().nbytes))))

    def load_dict(self) -> None:
        """DICT: as in the base class, with keys that may be hashed."""
        items = self.pop_mark()
        self.stack.append(dict(_pairs(items)))

    def load_setitem(self) -> None:
        """SETITEM: as in the base class, with a key that may be hashed."""
        value, key = self.stack.pop(), self.stack.pop()
        self.stack[-1][_key(key)] = value

    def load_setitems(self) -> None:
        """SETITEMS: as in the base class, with keys that may be hashed."""
        items = self.pop_mark()
        for key, value in _pairs(items):
            self.stack[-1][key] = value

    def load_additems(self) -> None:
        """ADDITEMS: as in the base class, with items that may be hashed."""
        items = self.pop_mark()
        self.stack[-1].update([_key(item) for item in items])

    def load_frozenset(self) -> None:
        """FROZENSET: as in the base class, with items that may be hashed."""
        items = self.pop_mark()
        self.stack.append(frozenset(_key(item) for item in items))

    def refuse(self) -> None:
        """Opcodes that no model file needs."""
        raise untrusted("uses a kind of reference that model files do not need")

    def _joblib_array(self, held: Held) -> Any:
        """The values of an array whose description has just been read."""
        dtype, shape = held.get("dtype"), held.get("shape")
        if is_object(dtype):
            # The values are a pickle of their own: same reader, same list.
            return type(self)(self._bytes, self.budget).load()
        is_shape = isinstance(shape, tuple) and len(shape) <= _MOST_DIMENSIONS
        if not is_shape or not all(type(n) is int and 0 <= n < _LARGEST_KEY for n in shape):
            raise untrusted(f"describes an array of the shape {shown_value(shape)}")
        if held.get("numpy_array_alignment_bytes") is not None:
            self._bytes.read(int.from_bytes(self._bytes.read(1), "little"))
        size = prod(shape) * plain_dtype(dtype).itemsize
        raw = self._bytes.read(min(size, self._bytes.getbuffer().nbytes))
        if len(raw) < size:
            raise EOFError("an array is cut short")
        return raw

    dispatch: ClassVar[dict[int, Any]] = {
        code: _counted(function)
        for code, function in {
            **pickle._Unpickler.dispatch,
            **dict.fromkeys((pickle.REDUCE[0], pickle.NEWOBJ[0]), load_reduce),
            pickle.BUILD[0]: load_build,
            pickle.BYTEARRAY8[0]: load_bytearray8,
            pickle.DICT[0]: load_dict,
            pickle.SETITEM[0]: load_setitem,
            pickle.SETITEMS[0]: load_setitems,
            pickle.ADDITEMS[0]: load_additems,
            pickle.FROZENSET[0]: load_frozenset,
            **dict.fromkeys(_REFUSED, refuse),
        }.items()
        if code != pickle.STOP[0]
    } | {pickle.STOP[0]: pickle._Unpickler.dispatch[pickle.STOP[0]]}


def read_pickle(path: Path) -> Any:
    """Read a pickle or joblib file, compressed or not, as data.

    Raises:
        UntrustedModelError: If it names or does something that is not on the list.
        ModelError: If it is not a pickle or is damaged.
    """
    data = read_model_file(path)
    try:
        for magic, unpacker in UNPACKERS.items():
            if data.startswith(magic):
                data = unpacked(data, unpacker, path)
                break
        return DataUnpickler(io.BytesIO(data)).load()
    except ModelError:
        raise
    except Exception as error:  # a damaged stream can fail in any way
        raise ModelError(
            f"{path} cannot be read as a pickle or joblib file "
            f"({type(error).__name__}: {str(error)[:200]}).",
            HINT,
        ) from None


def _made(what: Named, args: tuple[Any, ...], budget: _Budget) -> Any:
    """What REDUCE or NEWOBJ puts on the stack: a plain container, or the call as data."""
    is_ordered = what.module == "collections"
    if what.module != "builtins" and not is_ordered:
        return Held(what, args)
    if len(args) > 1 or not all(isinstance(a, bytes | list | tuple) for a in args):
        raise untrusted(f"calls {what.name} with unusual arguments")
    given = args[0] if args else ()
    budget.take(len(given))
    if is_ordered:
        pairs = [pair for pair in given if isinstance(pair, list | tuple) and len(pair) == 2]
        return OrderedDict((_key(key), value) for key, value in pairs)
    if what.name == "bytearray":
        return bytearray(given)
    items = [_key(item) for item in given]
    return set(items) if what.name == "set" else frozenset(items)


def _key(value: Any) -> Any:
    """A key or an item of a set, if it may be hashed.

    The hash of a tuple is that of all it holds, which is endless work, or ends the process, where
    tuples hold each other.
    """
    parts = value if isinstance(value, tuple) else (value,)
    for part in parts:
        is_plain = part is None or isinstance(part, str | bytes | bool | float | int | Named)
        if not is_plain or (isinstance(part, int) and abs(part) >= _LARGEST_KEY):
            raise untrusted("has keys that are neither texts nor numbers")
    return value


def _pairs(items: list[Any]) -> list[tuple[Any, Any]]:
    return [(_key(items[i]), items[i + 1]) for i in range(0, len(items), 2)]
