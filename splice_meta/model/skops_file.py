"""Reading skops files as data, without running anything they ask for.

A skops file is a zip archive: ``schema.json`` describes objects by nodes, whose arrays and bytes
are files of their own. It is read here rather than by skops, whose reader makes the objects: an
XGBoost booster that has not been checked must not reach XGBoost.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from splice_meta.errors import ModelError, UntrustedModelError
from splice_meta.files.records import Entry, parse_record
from splice_meta.model.booster import read_model_file
from splice_meta.model.held import Held, Named, shown_value
from splice_meta.model.unpack import most_unpacked
from splice_meta.model.unpickle import ADMITTED

_OBJECTS = frozenset(
    pair for pair in ADMITTED if pair[0].startswith(("xgboost.", "sklearn."))
)  # fmt: skip
_PLAIN = frozenset({
    "builtins.NoneType", "builtins.bool", "builtins.bytearray", "builtins.bytes",
    "builtins.dict", "builtins.float", "builtins.int", "builtins.list", "builtins.set",
    "builtins.str", "builtins.tuple", "collections.OrderedDict", "numpy.float32",
    "numpy.float64", "numpy.int64", "numpy.ndarray",
})  # fmt: skip
_HINT = "Save the model with skops.io.dump again, or as .ubj."
_MOST_FILES = 10_000
_MOST_NODES = 200_000


def read_skops(path: Path) -> Any:
    """Read a skops file as data.

    Returns:
        What it holds; objects as :class:`splice_meta.model.unpickle.Held`.

    Raises:
        UntrustedModelError: If it holds a type or node that is not on the list.
        ModelError: If it is no skops file or is damaged.
    """
    data = read_model_file(path)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = archive.infolist()
            limit = most_unpacked(len(data))
            if len(files) > _MOST_FILES or sum(file.file_size for file in files) > limit:
                raise ModelError(
                    f"{path} unpacks to more than {limit >> 20:,} MiB or {_MOST_FILES:,} files.",
                    _HINT,
                )
            read = {file.filename: archive.read(file) for file in files}
        schema = parse_record(read["schema.json"], f"schema.json of {path}", ModelError, _HINT)
        return _Reader(read).read(schema)
    except ModelError:
        raise
    except Exception as error:  # a damaged file can fail in any way
        raise ModelError(
            f"{path} cannot be read as a skops file ({type(error).__name__}: {str(error)[:200]}).",
            _HINT,
        ) from None


class _Reader:
    """Makes data of nodes.

    Args:
        files: What the archive holds, by name.
    """

    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = files
        self._seen: dict[int, Any] = {}
        self._count = 0

    def read(self, node: Entry) -> Any:
        """The data of a node, after checking its type and way of loading."""
        self._count += 1
        if self._count > _MOST_NODES:
            raise ModelError(f"The skops file holds more than {_MOST_NODES:,} nodes.", _HINT)
        loader = node.at("__loader__").text()
        if loader == "CachedNode":
            return self._seen[node.at("__id__").whole()]
        what = Named(node.at("__module__").text(), node.at("__class__").text())
        make = self._makers().get(loader)
        kind = f"{what.module}.{what.name}"
        if make is None or ((what.module, what.name) not in _OBJECTS and kind not in _PLAIN):
            raise UntrustedModelError(
                f"The skops file holds {kind[:200]} (by {loader[:60]}), which is not on the list "
                "of what a model file may hold; nothing was run.",
                "Save the XGBClassifier itself, or its booster as .ubj.",
            )
        found = make(node, what)
        own = node.find("__id__")
        if own is not None:
            self._seen[own.whole()] = found
        return found

    def _makers(self) -> dict[str, Callable[[Entry, Named], Any]]:
        return {
            "BytearrayNode": lambda node, what: self._file(node),
            "BytesNode": lambda node, what: self._file(node),
            "DictNode": lambda node, what: self._fields(node),
            "JsonNode": lambda node, what: _json(node),
            "ListNode": lambda node, what: self._items(node),
            "NdArrayNode": lambda node, what: self._array(node),
            "ObjectNode": self._object,
            "SetNode": lambda node, what: self._items(node),
            "TupleNode": lambda node, what: tuple(self._items(node)),
            "TypeNode": lambda node, what: what,
        }

    def _object(self, node: Entry, what: Named) -> Held:
        content = node.find("content")
        return Held(what, (), None if content is None else self.read(content))

    def _fields(self, node: Entry) -> dict[str, Any]:
        return {name: self.read(each) for name, each in node.at("content").fields().items()}

    def _items(self, node: Entry) -> list[Any]:
        return [self.read(each) for each in node.at("content").items()]

    def _file(self, node: Entry) -> bytes:
        return self._files[node.at("file").text()]

    def _array(self, node: Entry) -> Any:
        """An array of one dimension as a list, a number as a number."""
        content = node.find("content")
        if content is not None:
            return self._items(node)
        found = _npy(self._file(node))
        if found.ndim > 1:
            raise ModelError(
                f"The skops file holds an array of shape {found.shape} for a list.", _HINT
            )
        return found.tolist()


def _json(node: Entry) -> Any:
    # The missing value of an XGBClassifier is NaN, which JSON does not have.
    value = json.loads(node.at("content").text(1 << 20))
    if isinstance(value, dict | list):
        node.at("content").refuse("a plain value")
    return value


def _npy(data: bytes) -> np.ndarray[Any, Any]:
    """An array of a ``.npy``, whose sizes are compared with the file's before any memory is taken.

    Raises:
        UntrustedModelError: If its type is not a plain number or text.
    """
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else (
        np.lib.format.read_array_header_2_0
    )  # fmt: skip
    shape, _, dtype = header(stream)
    if dtype.kind not in "biufSU" or dtype.itemsize == 0:
        raise UntrustedModelError(
            f"The skops file holds an array of the type {shown_value(str(dtype))}; nothing "
            "was run.",
            _HINT,
        )
    count = 1
    for length in shape:
        count *= length
    if not 0 <= count * dtype.itemsize == len(data) - stream.tell():
        raise ValueError("an array is cut short, or damaged")
    return np.frombuffer(data, dtype, count, stream.tell()).reshape(shape)
