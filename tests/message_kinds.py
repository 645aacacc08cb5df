"""The kinds of messages in the code: what errors and warnings say, with … for what varies.

Nothing is run: the syntax trees of the package are walked. A message is the first argument of an
error of ``errors.py``, of ``log.warning`` or of the command line's ``error_lines``.
"""

from __future__ import annotations

import ast
import builtins
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from message_words import NoWordsError, Words
from parsed_package import Package, called, parse_package

WARNING, COMMAND = "Warnings", "The command line"
ANY = "SpliceMetaError"
"""Also the group of errors whose class is chosen by who calls."""


@dataclass(frozen=True, order=True)
class Kind:
    """A kind of message.

    Attributes:
        group: The class of errors, :data:`WARNING` or :data:`COMMAND`.
        words: What it says.
    """

    group: str
    words: str


@dataclass(frozen=True)
class Messages:
    """What a package says.

    Attributes:
        classes: Its errors.
        kinds: The places of each kind of message.
        faults: Places where the words of a message cannot be found.
    """

    classes: tuple[str, ...]
    kinds: dict[Kind, list[str]]
    faults: tuple[str, ...]


def read_messages(folder: Path) -> Messages:
    """Collect what a package says.

    Args:
        folder: The package; its ``errors.py`` defines the classes of errors.
    """
    package = parse_package(folder)
    errors = package.trees[folder / "errors.py"].body
    classes = tuple(node.name for node in errors if isinstance(node, ast.ClassDef))
    words = Words(package)
    kinds: dict[Kind, list[str]] = defaultdict(list)
    faults = [*_unknown_raises(package, classes)]
    for path, call, group in _calls(package, classes):
        place = f"{path.relative_to(folder.parent)}:{call.lineno}"
        try:
            for text in words.of_message(path, call):
                kinds[Kind(group, text)].append(place)
        except NoWordsError as error:
            faults.append(f"{place}: {error}")
    return Messages(classes, {kind: kinds[kind] for kind in sorted(kinds)}, tuple(faults))


def _calls(package: Package, classes: tuple[str, ...]) -> Iterator[tuple[Path, ast.Call, str]]:
    """The calls that say something, with the group of what they say."""
    for calls in [*package.calls.values()]:
        for path, call in calls:
            group = _group(package, classes, path, call)
            if group:
                yield path, call, group


def _group(package: Package, classes: tuple[str, ...], path: Path, call: ast.Call) -> str:
    name = called(call)
    if name in classes:
        return name
    if name == "warning" and isinstance(call.func, ast.Attribute):
        return WARNING
    if name == "error_lines":
        return COMMAND
    owner = package.within[id(call)]
    signature = ast.unparse(owner.args) if owner is not None else ""
    by_argument = isinstance(call.func, ast.Name) and f"{name}: type[{ANY}]" in signature
    if by_argument or (isinstance(call.func, ast.Attribute) and name == "kind"):
        return ANY
    for node in package.trees[path].body:  # a class of the module's own, derived from an error
        if isinstance(node, ast.ClassDef) and node.name == name:
            bases = [base.id for base in node.bases if isinstance(base, ast.Name)]
            return next((base for base in bases if base in classes), "")
    return ""


def _unknown_raises(package: Package, classes: tuple[str, ...]) -> Iterator[str]:
    """What is raised by calling something that is not known to make an error."""
    for path, tree in package.trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                name = called(node.exc)
                is_known = name in (*package.functions, *package.fields, "Exit")
                is_known |= bool(_group(package, classes, path, node.exc))
                if not is_known and not hasattr(builtins, name):
                    yield f"{path}:{node.lineno}: {ast.unparse(node.exc)[:60]} is no known error"
