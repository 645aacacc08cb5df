"""What a command may replace or remove: what the package wrote itself, and no input.

One rule for all commands, in two places: :func:`refuse_target` decides before anything is computed,
:func:`put` once more when the result takes its place.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from secrets import token_hex

from splice_meta.errors import OutputError
from splice_meta.files.given import Given
from splice_meta.files.stores import refuse_address

TEMPORARY = ".*.tmp"
"""What the names that :func:`temporary_name` gives look like."""

LEFT = "Nothing was changed; give another place, or move what is there."

LONGEST = 255
"""Bytes of a name that file systems take."""

_PARQUET = b"PAR1"


@dataclass(frozen=True, kw_only=True)
class Owned:
    """What a folder of ours holds; one with anything else in it is not ours alone.

    Attributes:
        what: What it is, in a few words.
        files: Patterns of the names of its files.
        folders: Its folders, by the pattern of their names.
        mark: A file that must be there if any is, and what its first KiB must contain.
    """

    what: str
    files: tuple[str, ...] = ()
    folders: Mapping[str, Owned] = field(default_factory=dict)
    mark: tuple[str, bytes] | None = None

    def foreign(self, folder: Path) -> Path | None:
        """The first thing that is not ours: an entry, or the folder where its mark is missing.

        Args:
            folder: A folder that is there.

        Returns:
            None if all of it is ours: what is temporary, or nothing at all, included.
        """
        if folder.is_symlink() or not folder.is_dir():
            return folder
        entries = [each for each in sorted(folder.iterdir()) if not is_temporary(each)]
        found = next(filter(None, map(self._foreign, entries)), None)
        if found is None and entries and self.mark is not None:
            name, words = self.mark
            return None if begins_with(folder / name, words) else folder
        return found

    def _foreign(self, entry: Path) -> Path | None:
        if entry.is_symlink() or not entry.is_dir():
            is_ours = is_plain_file(entry) and _meets(entry.name, self.files)
            return None if is_ours else entry
        inner = next((o for name, o in self.folders.items() if fnmatchcase(entry.name, name)), None)
        return inner.foreign(entry) if inner is not None else entry


TABLE = Owned(what="a table of part files", files=("part-[0-9]*.parquet",))
"""A table that is cut into parts."""


def refuse_target(
    target: Path, inputs: Given, overwrite: bool, folder: Owned | None = None, file: bool = True
) -> None:
    """Refuse an output path at which something lies that must not be replaced.

    Args:
        target: The output.
        inputs: What the command reads.
        overwrite: Whether what is ours, or is a file, may be replaced.
        folder: What kind of folder the output may be; None for a file only.
        file: Whether it may be a file.

    Raises:
        OutputError: It says what lies there. Nothing has been changed.
    """
    refuse_address(target)
    try:
        _refuse_target(target, inputs, overwrite, folder)
    except OSError as error:  # a name that is too long, or a place that may not be looked at
        raise OutputError(
            f"{target} cannot be written: {error.strerror}.", "Give another place."
        ) from None
    refuse_foreign(target, folder, file)


def _refuse_target(target: Path, inputs: Given, overwrite: bool, folder: Owned | None) -> None:
    if folder is None and target.is_dir():
        raise OutputError(f"{target} is a folder.", "Give the name of a file.")
    _refuse_special(target)
    inputs.refuse(target)
    if os.path.lexists(target) and not overwrite:
        raise OutputError(f"{target} already exists.", "Give another name, or --overwrite.")


def refuse_foreign(target: Path, folder: Owned | None = None, file: bool = True) -> None:
    """Refuse to replace what is not ours, see :func:`refuse_target`.

    Args:
        target: The output; it may not be there.
        folder: What kind of folder it may be; None for none.
        file: Whether it may be a file.

    Raises:
        OutputError: If it is something else.
    """
    if target.is_dir():
        if folder is None:
            raise OutputError(f"{target} is a folder.", "Give the name of a file.")
        if target.is_symlink():
            raise OutputError(f"{target} is a link to a folder.", LEFT)
        try:
            found = folder.foreign(target)
        except OSError as error:
            raise OutputError(f"{target} cannot be read: {error.strerror}.", LEFT) from None
        if found == target:
            raise OutputError(f"The folder {target} is not {folder.what} of splice_meta.", LEFT)
        if found is not None:
            raise OutputError(f"{target} holds {found.name}, which is not of {folder.what}.", LEFT)
    elif os.path.lexists(target) and not file:
        raise OutputError(f"{target} is a file, where a folder is to be written.", LEFT)


def refuse_same(targets: Mapping[str, Path]) -> None:
    """Refuse outputs of one command that are one, or of which one holds the other.

    Args:
        targets: The outputs by their options.

    Raises:
        OutputError: It names the options.
    """
    for name, target in targets.items():
        place = target.resolve()
        for other, path in targets.items():
            if other != name and place in (path.resolve(), *path.resolve().parents):
                raise OutputError(
                    f"{name} and {other} are in each other's way: {target}.",
                    "Give each a place of its own.",
                )


def put(temporary: Path, target: Path, folder: Owned | None = None) -> None:
    """Rename what was written to its place; what is there goes only if it is ours.

    Args:
        temporary: The file or folder, beside ``target``.
        target: Its place.
        folder: What kind of folder may be replaced; None for none.

    Raises:
        OutputError: If something foreign is there; it is left as it is.
        OSError: If it cannot be renamed.
    """
    refuse_foreign(target, folder)
    if target.is_dir():
        before = temporary_name(target)
        target.rename(before)
        try:
            temporary.rename(target)
        except OSError:
            before.rename(target)
            raise
        shutil.rmtree(before, ignore_errors=True)
        return
    if temporary.is_dir():
        refuse_file(target)
        target.unlink(missing_ok=True)
    elif target.exists() and not target.is_file():
        raise OutputError(f"{target} is not a file.", "Give the name of a file.")
    temporary.replace(target)


def refuse_file(target: Path) -> None:
    """Refuse to put a folder of parts in place of a file, unless that is a Parquet file or empty.

    Raises:
        OutputError: If it is another file, or a link.
    """
    if not os.path.lexists(target) or target.is_dir():
        return
    is_table = begins_with(target, _PARQUET) or (is_plain_file(target) and not _size(target))
    if target.is_symlink() or not is_table:
        raise OutputError(
            f"{target} is not a table, and a folder of part files would take its place.", LEFT
        )


def remove_owned(folder: Path, owned: Owned) -> None:
    """Remove a folder of ours; what is not ours in it stays, and the folder with it.

    Args:
        folder: The folder; it need not be there.
        owned: What it holds.
    """
    if folder.is_symlink() or not folder.is_dir():
        return
    if owned.foreign(folder) is None:
        shutil.rmtree(folder, ignore_errors=True)
        return
    for entry in folder.iterdir():
        if is_plain_file(entry) and (is_temporary(entry) or owned._foreign(entry) is None):
            entry.unlink(missing_ok=True)


def temporary_name(path: Path) -> Path:
    """A hidden name; that of a part lies beside its table, where no reader of that meets it."""
    is_part = path.parent.suffix == path.suffix == ".parquet"
    name, folder = (path.parent.name, path.parent.parent) if is_part else (path.name, path.parent)
    # Two workers on different machines may have the same process id.
    return folder / f".{name}.{os.getpid()}.{token_hex(4)}.tmp"


def is_temporary(path: Path) -> bool:
    """Whether a name is one that :func:`temporary_name` gives."""
    return path.match(TEMPORARY)


def is_plain_file(path: Path) -> bool:
    """Whether it is a file, and neither a link nor a device nor a pipe."""
    return path.is_file() and not path.is_symlink()


def begins_with(path: Path, words: bytes) -> bool:
    """Whether it is a file whose first KiB contains these bytes."""
    if not is_plain_file(path):
        return False
    with path.open("rb") as file:
        return words in file.read(1024)


def _size(path: Path) -> int:
    return path.stat().st_size


def _meets(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _refuse_special(target: Path) -> None:
    """Refuse what nobody means to replace: devices, pipes, and folders one works or lives in."""
    place = Path(os.path.abspath(target))
    if (
        max(len(os.fsencode(name)) for name in (*place.parts, temporary_name(target).name))
        > LONGEST
    ):
        raise OutputError(f"A name in {target} is too long.", "Give a shorter name.")
    if place.parts[1:2] in (("dev",), ("proc",), ("sys",)) and place.parts[2:3] != ("shm",):
        raise OutputError(f"{target} is not a place for a result.", "Give the name of a file.")
    if target.exists() and not (target.is_file() or target.is_dir()):
        raise OutputError(f"{target} is a pipe or device.", "Give the name of a file.")
    here, home = Path.cwd(), Path(os.path.expanduser("~"))
    for folder, name in ((Path("/"), "the root folder"), (here, "the current folder"),
                         (home, "the home folder")):  # fmt: skip
        if folder.resolve() == target.resolve() or target.resolve() in folder.resolve().parents:
            raise OutputError(f"{target} is or holds {name}.", "Give a name of its own.")
    if target.is_dir() and os.path.ismount(target):
        raise OutputError(f"{target} is the root of a file system.", "Give a name of its own.")
    above = next((each for each in place.parents if os.path.lexists(each)), place)
    if not above.is_dir():
        raise OutputError(f"{target} cannot be written: {above} is a file.", LEFT)
