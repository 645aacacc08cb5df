"""What commands set up for their own process, and what the library leaves alone."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from splice_meta.runtime import process


def said_by(code: str, environment: dict[str, str] | None = None) -> str:
    """What a fresh process prints."""
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment
    ).stdout.strip()


def modules_after(code: str, environment: dict[str, str] | None = None) -> set[str]:
    """The modules that a fresh process has loaded after some code."""
    return set(said_by(f"{code}\nimport sys; print(*sorted(sys.modules))", environment).split())


def test_commands_import_xgboost_alone_and_scikit_learn_can_still_follow() -> None:
    start = "from splice_meta.runtime.process import import_xgboost; import_xgboost()"

    assert "xgboost" in modules_after(start)
    assert not {"sklearn", "xgboost.sklearn"} & modules_after(start)
    assert "sklearn.linear_model" in modules_after(f"{start}; import sklearn.linear_model")


def test_what_is_imported_already_is_left_alone() -> None:
    code = (
        "import xgboost; from splice_meta.runtime.process import import_xgboost; import_xgboost()"
    )

    assert "sklearn" in modules_after(f"{code}; xgboost.XGBClassifier()")


def test_the_library_leaves_scikit_learn_and_the_environment_to_its_user() -> None:
    code = """
import os
import splice_meta as sm
sm.load_model("bundled:openspliceai-mane")
import xgboost
xgboost.XGBClassifier()
assert "OPENBLAS_NUM_THREADS" not in os.environ
assert "oversize" not in os.environ["_RJEM_MALLOC_CONF"]  # Polars sets it itself
"""
    clean = {name: value for name, value in os.environ.items() if name not in process.ENVIRONMENT}

    assert "sklearn" in modules_after(code, clean)


def test_what_the_user_has_set_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = {"OPENBLAS_NUM_THREADS": "7", process.ALLOCATOR: "narenas:4"}
    monkeypatch.setattr(os, "environ", dict(theirs))

    process.set_environment()

    settings = f"{process.ENVIRONMENT[process.ALLOCATOR]},narenas:4"
    assert os.environ == process.ENVIRONMENT | theirs | {process.ALLOCATOR: settings}


@pytest.mark.parametrize("theirs", ["", "narenas:4"])
def test_what_polars_sets_for_itself_is_not_the_users(theirs: str) -> None:
    """A command that is started by a process which has imported Polars inherits its settings."""
    clean = {name: value for name, value in os.environ.items() if name not in process.ENVIRONMENT}
    start = clean | ({process.ALLOCATOR: theirs} if theirs else {})
    show = (
        "import os, polars; from splice_meta.runtime import process; "
        "print(os.environ[process.ALLOCATOR])"
    )

    inherited = said_by(show, start)
    ours = process.own_environment({process.ALLOCATOR: inherited})[process.ALLOCATOR]

    expected = process.ENVIRONMENT[process.ALLOCATOR] + (f",{theirs}" if theirs else "")
    assert ours == expected
    # As a worker inherits it from a command.
    again = said_by(show, start | {process.ALLOCATOR: ours})
    assert process.own_environment({process.ALLOCATOR: again})[process.ALLOCATOR] == expected
