"""The reference of the command line, from the functions that it calls."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from gen_markdown import rows
from typer.models import ArgumentInfo

from splice_meta.cli.commands import app_of
from splice_meta.cli.examples import EXAMPLES


def option_names(name: str, info: Any) -> str:
    """How an option or argument is typed."""
    if isinstance(info, ArgumentInfo):
        return f"`{info.metavar or name.upper()}`"
    # In Annotated the first name that is typed lies where a default would.
    first = (info.default,) if isinstance(info.default, str) else ()
    names = (*first, *(info.param_decls or ())) or (f"--{name.replace('_', '-')}",)
    return ", ".join(f"`{each}`" for each in names)


def value_of(kind: Any, info: Any) -> str:
    """What an option takes, by its type."""
    kinds = [each for each in get_args(kind) if each is not NoneType]
    if get_origin(kind) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(kind))
    if get_origin(kind) is list:
        return f"{value_of(kinds[0], info)}, repeatable"
    if kinds:
        return value_of(kinds[0], info)
    if kind is bool or getattr(info, "count", False):
        return ""
    return {int: "whole number", float: "number", Path: "path"}.get(kind, "text")


def default_of(default: Any, info: Any) -> str:
    """An option's default; empty for none."""
    if default is inspect.Parameter.empty:
        return "required"
    is_none = default is None or default is False or default == ""
    return "" if is_none or getattr(info, "count", False) else f"`{default}`"


def options_of(function: Any) -> list[list[object]]:
    """A row for each option and argument of a command."""
    hints = get_type_hints(function, include_extras=True)
    lines: list[list[object]] = []
    for name, param in inspect.signature(function).parameters.items():
        kind, info = get_args(hints[name])
        lines.append(
            [option_names(name, info), value_of(kind, info), default_of(param.default, info),
             info.help or ""]
        )  # fmt: skip
    return lines


def command_pages() -> str:
    """Every command with its options, from the functions that the command line calls."""
    made = [
        "# Commands and options",
        "",
        "Made from the code; `splice-meta COMMAND --help` says the same. Exit status: 0 all genes "
        "done, 1 some genes failed, 2 wrong use or bad input, 130 interrupted; see "
        "[errors and warnings](../errors.md).",
    ]
    for command in app_of().registered_commands:
        name, function = str(command.name), command.callback
        made += [f"\n## {name}\n", inspect.getdoc(function) or "", ""]
        made.append(rows(["option", "value", "default", "what it does"], options_of(function)))
        if name in EXAMPLES:
            examples = "\n".join(f"splice-meta {line}" for line in EXAMPLES[name])
            made += ["", f"```text\n{examples}\n```"]
    return "\n".join(made) + "\n"
