"""The ``splice-meta`` command: its subcommands, its exit status, its error lines."""

from __future__ import annotations

import atexit
import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from splice_meta.cli.commands import app_for
from splice_meta.cli.console import close_streams, error_lines, last_verbosity, lost_output
from splice_meta.cli.old_options import translated
from splice_meta.errors import SpliceMetaError, words_of_options
from splice_meta.runtime.panics import plain_panics
from splice_meta.runtime.process import open_streams, set_environment

INTERRUPTED = 130

_NO_CHOICE = re.compile(
    r"Invalid value for '([^']+)'(?: / '[^']+')*: (?:Value error, )?('.*') is not one of (.+?)\.?"
)
"""What the parser says of a value that is none of those an option takes."""


def program() -> None:
    """:func:`main` in a process of its own, which ends without freeing what it has: 0.2 s of a run.

    What libraries have registered with :mod:`atexit` is done.
    """
    try:
        main()
    except SystemExit as ended:
        atexit._run_exitfuncs()
        close_streams()
        os._exit(int(ended.code or 0))


def main() -> None:
    """Run the command line; errors become one or two lines on stderr and an exit status.

    Exit status: 0 all genes done, 1 some genes failed or an unexpected error, 2 wrong use or bad
    input with nothing written, 130 interrupted.
    """
    open_streams()
    set_environment()
    with _ends_like_an_interrupt(signal.SIGTERM):
        status = run_command(sys.argv[1:])
    close_streams()
    sys.exit(status)


@contextmanager
def _ends_like_an_interrupt(number: signal.Signals) -> Iterator[None]:
    """Let a signal end a command in the way that Ctrl-C does."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(number, interrupt)
    try:
        yield
    finally:
        signal.signal(number, signal.SIG_DFL if before is None else before)


def run_command(arguments: list[str]) -> int:
    """Run one command; returns its exit status, see :func:`main`.

    Args:
        arguments: The command and its options, without the program's name.
    """
    with words_of_options():
        return _run_command(arguments)


def _run_command(arguments: list[str]) -> int:
    try:
        with plain_panics():
            arguments = translated(arguments)
            status = app_for(arguments)(arguments, standalone_mode=False)
    except SpliceMetaError as error:
        error_lines(error.message, error.hint, error)
        return 2
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    except Exception as error:
        if hasattr(error, "format_message"):  # wrong use, as typer's parser words it
            context = getattr(error, "ctx", None)
            where = context.command_path if context else "splice-meta"
            wrong = _NO_CHOICE.fullmatch(error.format_message())
            if wrong:
                option, value, choices = wrong.groups()
                error_lines(f"{option} is {value}; it may be {choices}.", f"Try: {where} --help")
            elif error.format_message():  # empty where typer has shown the help instead
                error_lines(error.format_message(), f"Try: {where} --help")
            return 2
        if _says_full(error):
            error_lines(f"Nothing more can be written: {error}.", "Free space and run it again.")
            return 2
        hint = "" if last_verbosity() >= 2 else "Run again with -vv to see where it happened."
        error_lines(f"Unexpected {type(error).__name__}: {error}", hint, error)
        return 1
    if lost_output():
        error_lines(f"stdout takes no more: {lost_output()}.", "The files were written.")
        status = status or 1
    if status == INTERRUPTED:  # typer turns an interrupt into this status by itself
        error_lines("Interrupted.", f"Finished parts are kept; {_how_to_go_on(arguments)}")
    return int(status or 0)


def _says_full(error: Exception) -> bool:
    """Whether an error that no writer has put into words says that the disk is full."""
    from splice_meta.sink import is_full

    return is_full(error)


def _how_to_go_on(arguments: list[str]) -> str:
    """What to do after an interrupt.

    Args:
        arguments: The command and its options.
    """
    if arguments[:1] not in (["run"], ["score"], ["variants"]):
        return "run the command again."
    if "--overwrite" in arguments:
        return "resume with the same command and --resume instead of --overwrite."
    return "resume with the same command and --resume."
