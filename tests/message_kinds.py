"""The kinds of messages in the code: what errors and warnings say, with … for what varies.

Nothing is run: the syntax trees of the package are walked. A message is the first argument of an
error of ``errors.py``, of ``log.warning`` or of the command line's ``error_lines``. Words are
followed through variables, conditional expressions, constants, the functions that make them and
the arguments that these are given.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from parsed_package import (
    Function,
    Package,
    argument,
    assigned,
    called,
    is_bound,
    parameters,
    parse_package,
    returned,
)

VARIES = "…"
WARNING, COMMAND = "Warnings", "The command line"
ANY = "SpliceMetaError"
"""Also the group of errors whose class is chosen by who calls."""

_PHRASE = 5
"""Words from which on what varies in a message makes kinds of its own."""
_MOST = 12
"""Phrases from which on it varies after all."""

_SHOWS = ("join", "format_message", "shown")
"""What makes text of values; ``format_message`` gives the words of typer's parser."""

_DEEPEST = 24
_PERCENT = re.compile(r"%[-+ #0]*\d*(?:\.\d+)?[sdrifgx]")

Trail = tuple[object, ...]
"""What was followed on the way to an expression; nothing is followed twice."""


class NoWordsError(Exception):
    """A message whose words cannot be found."""


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
    words = _Words(package)
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
                is_known = name in package.functions or hasattr(builtins, name) or name == "Exit"
                if not is_known and not _group(package, classes, path, node.exc):
                    yield f"{path}:{node.lineno}: {ast.unparse(node.exc)[:60]} is no known error"


class _Words:
    """Finds what expressions may say.

    Args:
        package: Where.
    """

    def __init__(self, package: Package) -> None:
        self._package = package

    def of_message(self, path: Path, call: ast.Call) -> list[str]:
        """What a message may say, without what only adds to the words of another message."""
        message = argument(call, 0, "message")
        if message is None:
            raise NoWordsError("there is no message")
        if isinstance(message, ast.Constant) and message.value == "%s":
            message = call.args[1]
        if isinstance(message, ast.Starred):
            found = self._of(path, message.value, 0, ())
        else:
            found = self._of(path, message, None, ())
        found = {_tidy(_PERCENT.sub(VARIES, words).replace("%%", "%")) for words in found}
        # Nothing is said where a part would be empty.
        return sorted(w for w in found if re.search(r"\w{2}", w) and not re.search(r"\s[.,;]", w))

    def _of(self, path: Path, node: ast.expr, part: int | None, trail: Trail) -> set[str]:
        """What an expression may say.

        Args:
            path: Its module.
            node: The expression.
            part: Which element counts where it is a tuple.
            trail: What was followed on the way.
        """
        if len(trail) > _DEEPEST:
            raise NoWordsError("it is followed too far")
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return {node.value}
        if isinstance(node, ast.JoinedStr):
            return self._joined(path, node, trail)
        if isinstance(node, ast.IfExp):
            return self._any(path, [node.body, node.orelse], part, trail)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            sides = [self._or_varies(path, side, trail) for side in (node.left, node.right)]
            return {"".join(each) for each in product(*sides)}
        if isinstance(node, ast.List | ast.Tuple | ast.ListComp | ast.GeneratorExp | ast.BoolOp):
            return self._several(path, node, part, trail)
        if isinstance(node, ast.Name):
            return self._of_name(path, node, part, trail)
        if isinstance(node, ast.Attribute):
            return self._of_attribute(node, trail)
        if isinstance(node, ast.Call):
            return self._of_call(path, node, part, trail)
        if isinstance(node, ast.Subscript):
            return self._of_element(path, node, trail)
        raise NoWordsError(f"no words in {ast.unparse(node)[:60]}")

    def _any(
        self, path: Path, nodes: Iterable[ast.expr], part: int | None, trail: Trail
    ) -> set[str]:
        return set().union(*(self._of(path, node, part, trail) for node in nodes))

    def _or_varies(self, path: Path, node: ast.expr, trail: Trail) -> set[str]:
        try:
            return self._of(path, node, None, trail)
        except NoWordsError:
            return {VARIES}

    def _joined(self, path: Path, node: ast.JoinedStr, trail: Trail) -> set[str]:
        """An f-string: what varies makes kinds where it is one of a few phrases."""
        parts: list[set[str]] = []
        for piece in node.values:
            if isinstance(piece, ast.FormattedValue):
                found = {VARIES}
                if piece.format_spec is None and (parts or not self._is_given(piece.value)):
                    found = self._or_varies(path, piece.value, trail)
                is_phrase = any(len(re.findall(r"[^\W\d]{2,}", w)) >= _PHRASE for w in found)
                parts.append(found if is_phrase and len(found) <= _MOST else {VARIES})
            else:
                assert isinstance(piece, ast.Constant)
                parts.append({str(piece.value)})
        return {"".join(each) for each in product(*parts)}

    def _is_given(self, node: ast.expr) -> bool:
        """Whether an expression is a parameter: what a message begins with is a name then."""
        owner = self._package.within[id(node)]
        return isinstance(node, ast.Name) and owner is not None and node.id in parameters(owner)

    def _several(self, path: Path, node: ast.expr, part: int | None, trail: Trail) -> set[str]:
        """The elements of a list, or one of a tuple, or of what is true of several."""
        if isinstance(node, ast.ListComp | ast.GeneratorExp):
            return self._of(path, node.elt, part, trail)
        if isinstance(node, ast.BoolOp):
            return self._any(path, node.values, part, trail)
        assert isinstance(node, ast.List | ast.Tuple)
        if part is not None and isinstance(node, ast.Tuple):
            return self._of(path, node.elts[part], None, trail)
        nodes = [each.value if isinstance(each, ast.Starred) else each for each in node.elts]
        return self._any(path, nodes, part, trail)

    def _of_name(self, path: Path, node: ast.Name, part: int | None, trail: Trail) -> set[str]:
        """What a variable may say: from its assignments, from the callers of its function."""
        owner = self._package.within[id(node)]
        key = (id(owner), node.id)
        if key in trail:
            return set()
        if owner is not None and (values := list(assigned(owner, node.id))):
            return set().union(*(
                self._of(path, value, part if place is None else place, (*trail, key))
                for value, place in values
            ))  # fmt: skip
        if owner is not None and node.id in parameters(owner):
            return self._of_parameter(path, owner, node.id, part, (*trail, key))
        values = self._package.constants(path, node.id)
        if not values:
            raise NoWordsError(f"nothing says what {node.id} is")
        return set().union(*(self._of(home, value, part, (*trail, key)) for home, value in values))

    def _of_parameter(
        self, path: Path, owner: Function, name: str, part: int | None, trail: Trail
    ) -> set[str]:
        number = parameters(owner).index(name) - is_bound(owner)
        found: set[str] = set()
        for place, call in self._package.callers(path, owner):
            value = argument(call, number, name)
            if value is not None and not isinstance(value, ast.Starred):
                found |= self._of(place, value, part, trail)
        if not found:
            raise NoWordsError(f"nobody says what {name} is")
        return found

    def _of_attribute(self, node: ast.Attribute, trail: Trail) -> set[str]:
        """A field: what objects are given for it. Words of another error are found where it is."""
        if node.attr == "message":
            return {VARIES}
        given = self._package.given(node.attr)
        if ("field", node.attr) in trail:
            return set()
        if not given:
            raise NoWordsError(f"nothing says what {ast.unparse(node)} is")
        further = (*trail, ("field", node.attr))
        return set().union(*(self._of(path, value, None, further) for path, value in given))

    def _of_call(self, path: Path, node: ast.Call, part: int | None, trail: Trail) -> set[str]:
        """What a function of the package may return; a text that is changed may say the same."""
        if isinstance(node.func, ast.Attribute) and called(node) in ("replace", "rstrip", "strip"):
            return self._of(path, node.func.value, part, trail)
        if called(node) in ("tuple", "list", "sorted") and node.args:
            return self._of(path, node.args[0], part, trail)
        if called(node).startswith(_SHOWS):
            return {VARIES}
        found: set[str] = set()
        lost = ast.unparse(node)[:60]
        for home, function in self._package.bodies(path, node):
            try:
                for value in returned(function, self._package) if id(function) not in trail else ():
                    found |= self._of(home, value, part, (*trail, id(function)))
            except NoWordsError as error:  # a method of that name in another class
                lost = str(error)
        if not found and not any(isinstance(each, int) for each in trail):
            raise NoWordsError(f"no words in {lost}")
        return found

    def _of_element(self, path: Path, node: ast.Subscript, trail: Trail) -> set[str]:
        """An element of what a call returns, or of a dictionary that is written out."""
        place = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if isinstance(node.value, ast.Call) and isinstance(place, int):
            return self._of(path, node.value, place, trail)
        if isinstance(node.value, ast.Name):
            for home, constant in self._package.constants(path, node.value.id):
                if isinstance(constant, ast.Dict):
                    return self._any(home, constant.values, None, trail)
        raise NoWordsError(f"no words in {ast.unparse(node)[:60]}")


def _tidy(words: str) -> str:
    return re.sub(rf"{VARIES}(?:\s*{VARIES})+", VARIES, " ".join(words.split()))
