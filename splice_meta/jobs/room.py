"""What lies where a job writes, here or in an object store, and whether it may be replaced."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

from splice_meta.errors import OutputError
from splice_meta.files.given import Given
from splice_meta.files.ownership import LEFT, Owned, refuse_foreign, refuse_target, remove_owned
from splice_meta.files.stores import ObjectPath, Place, remove_tree

OTHER_FOLDER = "Give another output, or move it away."


def refuse_table(target: Place, inputs: Given, overwrite: bool) -> None:
    """Refuse a table that must not be written there, see :func:`.ownership.refuse_target`."""
    if isinstance(target, Path):
        refuse_target(target, inputs, overwrite)
        return
    if str(target) in inputs.addresses:
        raise OutputError(f"{target} is an input.", "Give another place for the output.")
    if target.is_file() and not overwrite:
        raise OutputError(f"{target} already exists.", "Give another name, or --overwrite.")


def refuse_folder(target: Place, owned: Owned, inputs: Given) -> None:
    """Refuse to write to a folder that holds what is not ours, or an input.

    Args:
        target: The job's folder; it need not be there.
        owned: What it may hold.
        inputs: What the command reads.

    Raises:
        OutputError: It says what lies there. Nothing has been changed.
    """
    if isinstance(target, Path):
        inputs.refuse(target)
        refuse_foreign(target, owned, file=False)
        return
    if any(text.startswith(f"{target}/") for text in inputs.addresses):
        raise OutputError(f"An input lies in {target}, where the result goes.", OTHER_FOLDER)
    files = target.files()
    names = [str(each).removeprefix(f"{target}/") for each in files]
    foreign = [name for name in names if not _is_of(name, owned)]
    if foreign:
        raise OutputError(f"{target} holds {foreign[0]}, which is not of {owned.what}.", LEFT)
    if files and owned.mark is not None:
        first = target / owned.mark[0] / "000000.json"
        if first not in files or owned.mark[1] not in first.read_bytes():
            raise OutputError(f"{target} is not {owned.what} of splice_meta.", LEFT)


def remove_folder(target: Place, owned: Owned) -> None:
    """Remove a job's folder of before; here, what is not ours in it stays."""
    if isinstance(target, ObjectPath):
        remove_tree(target)
    else:
        remove_owned(target, owned)


def _is_of(name: str, owned: Owned) -> bool:
    """Whether an object lies in a folder of ours; where files are lines, a ledger is a folder."""
    folder, slash, rest = name.partition("/")
    if not slash:
        return any(fnmatchcase(name, pattern) for pattern in owned.files)
    if owned.mark is not None and folder == owned.mark[0]:
        return fnmatchcase(rest, "*.json")
    inner = next((o for n, o in owned.folders.items() if fnmatchcase(folder, n)), None)
    return inner is not None and _is_of(rest, inner)
