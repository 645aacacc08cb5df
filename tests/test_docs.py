"""Every block of README and docs runs, and prints what the page shows; the reference is whole."""

from __future__ import annotations

import contextlib
import gzip
import importlib
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from conftest import FIXTURES
from markdown_blocks import Block, blocks, indented, is_printed
from naive_network import random_parts
from weight_writers import openspliceai_state, save_torch

import splice_meta as sm
from splice_meta.catalogue import CATALOGUE
from splice_meta.cli.commands import app_of
from splice_meta.dictionary import TABLES
from splice_meta.dictionary.features import feature_meanings

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = [README, *sorted(DOCS.rglob("*.md"))]
OUTSIDE = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "FEATURES.md", "SECURITY.md")
RUN = ("bash", "python")
NOT_RUN = 15
"""Blocks that are marked as not run, so that nobody marks them all. Raise it with a reason."""

REASONS = ("installs", "cluster", "object store", "takes minutes", "files of the older systems")


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


class Session:
    """A folder in which the blocks of a page run in turn, and the names of its Python blocks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: dict[str, object] = {"__name__": "__main__"}

    def run(self, block: Block) -> str:
        return self.bash(block.code) if block.kind == "bash" else self.python(block.code)

    def bash(self, code: str) -> str:
        here = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", code], cwd=self.folder, text=True,
            env=os.environ | {"PATH": here}, capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def python(self, code: str) -> str:
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(code, "block", "exec"), self.names)
        return printed.getvalue()


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the pages count on: the demo data, and a folder of weights.

    The weights are random and of a short context: they show that the commands run, not scores.
    """
    folder = tmp_path_factory.mktemp("clone")
    shutil.copytree(FIXTURES, folder / "data/fixtures")
    (folder / "weights").mkdir()
    save_torch(folder / "weights/model_random.pt", openspliceai_state(random_parts()))
    shutil.copy(FIXTURES / "annotation.gtf.gz", folder / "genes.gtf.gz")
    (folder / "genome.fa").write_bytes(gzip.decompress((FIXTURES / "region.fa.gz").read_bytes()))
    return folder


@pytest.fixture
def session(clone: Path, tmp_path: Path) -> Session:
    shutil.copytree(clone, tmp_path / "clone")
    return Session(tmp_path / "clone")


@pytest.mark.parametrize(
    "page", [p for p in PAGES if any(b.kind in RUN and not b.reason for b in blocks(p))], ids=named
)
def test_blocks_run(page: Path, session: Session) -> None:
    printed = ""
    for block in blocks(page):
        where = f"{named(page)}, line {block.line}"
        if block.kind in RUN and not block.reason:
            try:
                printed = session.run(block)
            except (Exception, SystemExit) as error:
                pytest.fail(f"{where}: {error!r}\n{block.code}")
        elif block.is_output:
            assert is_printed(block.code, printed), f"{where} shows other than:\n{printed}"


def test_blocks_that_do_not_run_are_few() -> None:
    found = [(named(p), b.line, b.reason) for p in PAGES for b in blocks(p) if b.reason]
    assert all(reason.startswith(REASONS) for _, _, reason in found), found
    assert len(found) == NOT_RUN, found


def test_code_is_fenced() -> None:
    assert {named(p): indented(p) for p in PAGES if indented(p)} == {}


@pytest.mark.parametrize("page", OUTSIDE)
def test_links_outside_the_site_lead_somewhere(page: str) -> None:
    # Those inside are checked when the site is built.
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", (ROOT / page).read_text(encoding="utf-8"))
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_shown_output() -> None:
    assert is_printed("a\n...\nd\n", "a\nb\nc\nd\n")
    assert is_printed("a\n...\n", "a\n")
    assert is_printed("a\nb\n", "\na  \nb\n\n")
    assert not is_printed("a\n...\nd\n", "a\nb\nc\n")
    assert not is_printed("a\n", "a\nb\n")


# --- The reference ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reference() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(DOCS)
        yield importlib.import_module("gen_reference")


def test_every_command_is_in_the_reference(reference: ModuleType) -> None:
    text = reference.command_pages()
    for command in app_of().registered_commands:
        assert f"\n## {command.name}\n" in text
    assert "| `--output-dir`, `-o` | text | `inference_results` |" in text
    assert "`hybrid`, `base_only`, `meta_only`" in text


@pytest.mark.usefixtures("reference")
def test_every_option_has_a_help() -> None:
    options_of = importlib.import_module("gen_commands").options_of
    silent = [
        (command.name, line[0])
        for command in app_of().registered_commands
        for line in options_of(command.callback)
        if not line[3]
    ]
    assert not silent


def test_every_feature_is_in_the_reference(reference: ModuleType) -> None:
    text, meanings = reference.feature_pages(), feature_meanings()
    names = [name for listed in CATALOGUE.values() for name in listed]
    assert list(meanings) == names, "splice_meta/dictionary/features.py lacks some"
    assert all(f"| `{name}` | " in text for name in names)
    assert set(reference.OF_KIND) == set(CATALOGUE)


def test_every_table_is_in_the_reference(reference: ModuleType) -> None:
    text = reference.table_pages()
    assert all(f"\n## {table.name}\n" in text for table in TABLES)
    assert len({table.name for table in TABLES}) == len(TABLES)


def test_every_public_name_is_in_the_reference(reference: ModuleType) -> None:
    text = reference.api_pages()
    for name in sm.__all__:
        assert name.startswith("_") or f"::: splice_meta.{sm._HOME[name]}.{name}\n" in text


# --- The files that pages for developers name -------------------------------------------------


DEVELOPERS = (ROOT / "CONTRIBUTING.md", DOCS / "developer" / "extend.md")


@pytest.mark.parametrize("page", DEVELOPERS, ids=named)
def test_named_files_exist(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    names = set(re.findall(r"`([\w./-]+\.(?:py|md|toml)|[\w/.-]+/)`", text))
    known = [*ROOT.glob("*"), *(ROOT / "splice_meta").rglob("*"), *DOCS.rglob("*")]
    known += [path for place in ("tests", "scripts", "data") for path in (ROOT / place).rglob("*")]
    paths = [f"/{path.relative_to(ROOT)}{'/' if path.is_dir() else ''}" for path in known]
    lost = [name for name in sorted(names) if "NAME" not in name
            and not any(path.endswith(f"/{name}") for path in paths)]  # fmt: skip
    assert len(names) > 10
    assert lost == []
