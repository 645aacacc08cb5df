"""What a command was given to read, which its outputs must not replace or join."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from splice_meta.errors import OutputError
from splice_meta.files.patterns import has_pattern, matches

READABLE = (
    ".parquet", ".pq", ".arrow", ".ipc", ".feather", ".csv", ".tsv", ".txt", ".bed", ".h5", ".hdf5",
    ".ubj", ".pt",
)  # fmt: skip
"""Endings of what is read in folders: tables, models, weights."""

COMPRESSED = (".gz", ".zst")
"""Endings that may follow those of tables."""

OTHER = "Give another place for the output."


@dataclass(frozen=True)
class Given:
    """The inputs of a command, as they were given.

    Args:
        sources: Paths, globs, folders; sequences and mappings of them. What is none is ignored, so
            are addresses and names that are not there.
    """

    sources: tuple[Any, ...]

    @cached_property
    def addresses(self) -> list[str]:
        """What lies in an object store."""
        return [text for text in _texts(self.sources) if "://" in text]

    @cached_property
    def _local(self) -> list[str]:
        return [text for text in _texts(self.sources) if "://" not in text]

    @cached_property
    def paths(self) -> list[Path]:
        """Files and folders that are there, those that patterns mean included."""
        found = []
        for text in self._local:
            path = Path(text).expanduser()
            if os.path.exists(path):  # of a name too long for a file it says no
                found.append(path)
            elif has_pattern(text):
                found += [Path(each) for each in glob.glob(str(path), recursive=True)]
        return found

    @cached_property
    def folders(self) -> list[Path]:
        """Folders, resolved."""
        return [path.resolve() for path in self.paths if path.is_dir()]

    @cached_property
    def files(self) -> dict[tuple[int, int], Path]:
        """Files by what tells them apart whatever their names; those read in folders included."""
        inner = [each for folder in self.folders for each in folder.iterdir() if _is_read(each)]
        return {_identity(path): path for path in (*self.paths, *inner) if path.is_file()}

    def refuse(self, target: Path) -> None:
        """Refuse an output that would replace an input, or be read as one the next time.

        Args:
            target: A file or folder that is to be written or replaced.

        Raises:
            OutputError: If so.
        """
        place = target.resolve()
        if place in self.folders:
            raise OutputError(f"{target} is an input.", OTHER)
        if target.is_file() and _identity(target) in self.files:
            raise OutputError(f"{target} is an input.", OTHER)
        self._refuse_holder(target, place)
        self._refuse_inside(target, place)
        here = Path(os.path.abspath(target))
        for text in self._local:
            wanted = os.path.abspath(os.path.expanduser(text))
            if has_pattern(text) and matches(here.parts, Path(wanted).parts):
                raise OutputError(f"{target} would be an input itself: it matches {text}.", OTHER)

    def _refuse_holder(self, target: Path, place: Path) -> None:
        """Refuse a folder in which an input lies, under this name or another."""
        if not target.is_dir():
            return
        inner = [*self.folders, *(path.resolve() for path in self.files.values())]
        same = (each for each in target.rglob("*") if each.is_file())
        held = next((path for path in inner if place in path.parents), None) or next(
            (each for each in same if _identity(each) in self.files), None
        )
        if held is not None:
            raise OutputError(f"The input {held} lies in {target}, which is to be replaced.", OTHER)

    def _refuse_inside(self, target: Path, place: Path) -> None:
        """Refuse what would be read with a folder the next time."""
        if place.parent in self.folders and _is_read(target):
            raise OutputError(f"{target} lies in the input {place.parent}.", OTHER)


def _identity(path: Path) -> tuple[int, int]:
    facts = path.stat()
    return facts.st_dev, facts.st_ino


def _is_read(path: Path) -> bool:
    """Whether who reads the folder of a file would read it, or replacing it would harm a model."""
    suffixes = [each for each in map(str.lower, path.suffixes) if each not in COMPRESSED]
    last = suffixes[-1] if suffixes else ""
    return last in READABLE or (last == ".json" and (path.parent / "bundle.json").exists())


def _texts(source: Any) -> Iterator[str]:
    """The paths in what may be given as scores and the like."""
    if isinstance(source, (str, Path)):
        if source != "":  # an option that was not given
            yield str(source)
    elif isinstance(source, Mapping):
        yield from _texts(list(source.values()))
    elif isinstance(source, (list, tuple)):
        for each in source:
            yield from _texts(each)
