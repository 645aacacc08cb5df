from __future__ import annotations

import hashlib
import importlib
import pkgutil
from pathlib import Path

import bad_inputs
import pytest
from bad_inputs import Case, Said

from splice_meta.cli.app import run_command

AREAS = [module.name for module in pkgutil.iter_modules(bad_inputs.__path__)]
CASES = {
    f"{area}: {case.name}": case
    for area in AREAS
    for case in importlib.import_module(f"bad_inputs.{area}").CASES
}


def state_of(folder: Path) -> dict[str, str]:
    """What lies in a folder: the digest of each file, folders by name."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else ""
        for path in sorted(folder.rglob("*"))
    }


def said_of(case: Case, folder: Path, capsys: pytest.CaptureFixture[str]) -> Said:
    arguments = [str(each) for each in case.make(folder)]
    capsys.readouterr()
    status = run_command(arguments)
    out, err = capsys.readouterr()
    return Said(folder, status, out, err)


@pytest.mark.parametrize("name", CASES)
def test_bad_input(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES[name]
    monkeypatch.chdir(tmp_path)
    made: dict[str, str] = {}

    def make(folder: Path) -> list[str | Path]:
        arguments = list(case.make(folder))
        made.update(state_of(folder))
        return arguments

    said = said_of(Case(name=name, make=make), tmp_path, capsys)

    assert said.status == case.status, said.err
    for word in case.words:
        assert word.lower() in said.err.lower(), said.err
    for word in (*case.never, "Traceback", "Unexpected", "panicked", "\x1b", "\x07"):
        assert word not in said.err + said.out, said.err
    now = state_of(tmp_path)
    assert {path: now.get(path) for path in made} == made, "an input was changed or removed"
    if case.status == 2:
        assert 1 <= len(said.err.splitlines()) - case.warnings <= 2, said.err
        assert now.keys() == made.keys(), "something was written"
    assert not [path for path in now if path.endswith(".tmp")]
    if case.then is not None:
        case.then(said)


def test_names_of_cases_are_unique() -> None:
    listed = [
        f"{area}: {case.name}"
        for area in AREAS
        for case in importlib.import_module(f"bad_inputs.{area}").CASES
    ]
    assert len(listed) == len(set(listed))
