"""What expressions may say: words followed through the code of a package, with … for what varies.

They are followed through variables, conditional expressions, constants, the functions that make
them and the arguments that these are given.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
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
    returned,
)

VARIES = "…"

_PHRASE = 5
"""Words from which on what varies in a message makes kinds of its own."""
_MOST = 12
"""Phrases from which on it varies after all."""

_SHOWS = ("join", "format_message", "shown")
"""What makes text of values; ``format_message`` gives the words of typer's parser."""

_DEEPEST = 24
_PERCENT = re.compile(r"%[-+ #0]*\d*(?:\.\d+)?[sdrifgx]")
_EMPTY = re.compile(r"\s[.,;](?!\.)")
"""A part that would be empty: nothing is said then."""

Trail = tuple[object, ...]
"""What was followed on the way to an expression; nothing is followed twice."""


class NoWordsError(Exception):
    """A message whose words cannot be found."""


class Words:
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
        return sorted(w for w in found if re.search(r"\w{2}", w) and not _EMPTY.search(w))

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
            return self._of_element(path, node, part, trail)
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
        """An f-string: its only part that varies makes kinds where it is one of a few phrases."""
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
        if sum(len(part) > 1 for part in parts) > 1:
            parts = [part if len(part) == 1 else {VARIES} for part in parts]
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
        is_table = all(isinstance(each, ast.Tuple) for each in node.elts)  # rows, gone through
        if part is not None and isinstance(node, ast.Tuple) and not is_table:
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

    def _of_element(
        self, path: Path, node: ast.Subscript, part: int | None, trail: Trail
    ) -> set[str]:
        """An element of what a call returns, or of a dictionary that is written out."""
        place = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if isinstance(node.value, ast.Call) and isinstance(place, int):
            return self._of(path, node.value, place, trail)
        if isinstance(node.value, ast.Name):
            for home, constant in self._package.constants(path, node.value.id):
                if isinstance(constant, ast.Dict):
                    return self._any(home, constant.values, part, trail)
        raise NoWordsError(f"no words in {ast.unparse(node)[:60]}")


def _tidy(words: str) -> str:
    return re.sub(rf"{VARIES}(?:\s*{VARIES})+", VARIES, " ".join(words.split()))
