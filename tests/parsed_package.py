"""The syntax trees of a package: its functions, who calls them, what variables are given."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

Function = ast.FunctionDef | ast.AsyncFunctionDef
Place = tuple[Path, ast.expr]
"""An expression with the module that it stands in."""


@dataclass
class Package:
    """The parsed modules of a package.

    Attributes:
        folder: Where they lie.
        trees: By path.
        functions: By name, with their modules.
        calls: By the called name, with their modules.
        within: The innermost function of each node, by the node's identity.
        imports: What each module imports: names, and the modules they come from.
        fields: The fields of each class, in order.
    """

    folder: Path
    trees: dict[Path, ast.Module] = field(default_factory=dict)
    functions: dict[str, list[tuple[Path, Function]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    calls: dict[str, list[tuple[Path, ast.Call]]] = field(default_factory=lambda: defaultdict(list))
    within: dict[int, Function | None] = field(default_factory=dict)
    imports: dict[Path, dict[str, Path]] = field(default_factory=lambda: defaultdict(dict))
    fields: dict[str, list[str]] = field(default_factory=dict)

    def note(self, path: Path, node: ast.AST, owner: Function | None = None) -> None:
        """Note functions, calls, classes and imports in a node and below it."""
        self.within[id(node)] = owner
        if isinstance(node, ast.Call):
            self.calls[called(node)].append((path, node))
        elif isinstance(node, ast.ImportFrom) and node.module:
            place = self.folder.parent / node.module.replace(".", "/")
            module = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
            self.imports[path] |= {alias.asname or alias.name: module for alias in node.names}
        elif isinstance(node, ast.ClassDef):
            self.fields[node.name] = [
                each.target.id
                for each in node.body
                if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
            ]
        elif isinstance(node, Function):
            self.functions[node.name].append((path, node))
            owner = node
        for child in ast.iter_child_nodes(node):
            self.note(path, child, owner)

    def callers(self, path: Path, function: Function) -> Iterator[tuple[Path, ast.Call]]:
        """The calls of a function; of a method, those where its module is known."""
        is_method = is_bound(function)
        for place, call in self.calls[function.name]:
            imported = self.imports[place]
            if isinstance(call.func, ast.Attribute):
                is_known = is_method and (place == path or path in imported.values())
            else:
                is_known = not is_method and (place == path or imported.get(function.name) == path)
            if is_known:
                yield place, call

    def bodies(self, path: Path, call: ast.Call) -> list[tuple[Path, Function]]:
        """The functions that a call may mean."""
        there = self.functions.get(called(call), [])
        if isinstance(call.func, ast.Name):
            home = self.imports[path].get(called(call), path)
            return [each for each in there if each[0] == home]
        if isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "self":
            return [each for each in there if each[0] == path] or there
        return there

    def constants(self, path: Path, name: str) -> list[Place]:
        """What a module's own constant is, or one that it imports."""
        home = self.imports[path].get(name, path)
        found: list[Place] = []
        for node in self.trees[home].body if home in self.trees else ():
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
                if isinstance(target, ast.Name) and target.id == name:
                    found.append((home, node.value))
        return found

    def given(self, name: str) -> list[Place]:
        """What is given for a field of that name wherever an object is made or changed."""
        found: list[Place] = []
        for called_name, calls in self.calls.items():
            fields = self.fields.get(called_name, [])
            number = fields.index(name) if name in fields else None
            if number is None and called_name != "replace":
                continue
            for path, call in calls:
                value = argument(call, number if number is not None else -1, name)
                if value is not None:
                    found.append((path, value))
        return found


def parse_package(folder: Path) -> Package:
    """Parse the modules of a package.

    Args:
        folder: Where it lies.
    """
    package = Package(folder)
    for path in sorted(folder.rglob("*.py")):
        package.trees[path] = ast.parse(path.read_text(encoding="utf-8"))
        package.note(path, package.trees[path])
    return package


def called(call: ast.Call) -> str:
    """The name that is called, without what stands before its last dot."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def argument(call: ast.Call, number: int, name: str) -> ast.expr | None:
    """An argument by place or name; a starred one stands for all that follow."""
    for place, each in enumerate(call.args):
        if place == number or (isinstance(each, ast.Starred) and number >= 0):
            return each
    return next((word.value for word in call.keywords if word.arg == name), None)


def parameters(function: Function) -> list[str]:
    """The names of a function's parameters."""
    arguments = function.args
    return [each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def is_bound(function: Function) -> bool:
    """Whether a function is a method."""
    return parameters(function)[:1] in (["self"], ["cls"])


def returned(function: Function, package: Package) -> Iterator[ast.expr]:
    """What a function returns or yields, but None."""
    for node in ast.walk(function):
        if isinstance(node, ast.Return | ast.Yield) and package.within[id(node)] is function:
            is_none = isinstance(node.value, ast.Constant) and node.value.value is None
            if node.value is not None and not is_none:
                yield node.value


def assigned(owner: Function, name: str) -> Iterator[tuple[ast.expr, int | None]]:
    """What a function gives a variable; with the place where it is one of several.

    What is appended to a list, or goes through a loop's variable, counts as well.
    """
    for node in ast.walk(owner):
        if isinstance(node, ast.AnnAssign | ast.NamedExpr):
            if isinstance(node.target, ast.Name) and node.target.id == name and node.value:
                yield node.value, None
        elif isinstance(node, ast.AugAssign):
            is_list = not isinstance(node.value, ast.JoinedStr | ast.Constant | ast.BinOp)
            if isinstance(node.target, ast.Name) and node.target.id == name and is_list:
                yield node.value, None
        elif isinstance(node, ast.Assign):
            yield from _to_target(node.targets[0], node.value, name)
        elif isinstance(node, ast.For):
            yield from _to_target(node.target, node.iter, name)
        elif isinstance(node, ast.Call) and called(node) == "append":
            assert isinstance(node.func, ast.Attribute)
            if isinstance(node.func.value, ast.Name) and node.func.value.id == name:
                yield node.args[0], None


def _to_target(
    target: ast.expr, value: ast.expr, name: str
) -> Iterator[tuple[ast.expr, int | None]]:  # fmt: skip
    if isinstance(target, ast.Name) and target.id == name:
        yield value, None
    elif isinstance(target, ast.Tuple):
        for place, each in enumerate(target.elts):
            if isinstance(each, ast.Name) and each.id == name:
                is_written = isinstance(value, ast.Tuple)
                yield (value.elts[place], None) if is_written else (value, place)
