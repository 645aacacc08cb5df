"""The tutorial notebook runs from its first cell to its last, and draws its charts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
NOTEBOOK = ROOT / "docs" / "tutorial.ipynb"

# In a process of its own: the client leaves sockets open until its process ends.
EXECUTE = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[2])
"""


def cells_of(path: Path) -> list[dict[str, Any]]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The code cells, executed."""
    folder = tmp_path_factory.mktemp("notebook")
    (folder / "data").symlink_to(ROOT / "data")
    own = {name: str(folder / name) for name in ("JUPYTER_DATA_DIR", "IPYTHONDIR")}
    done = subprocess.run(
        [sys.executable, "-c", EXECUTE, NOTEBOOK, folder / "done.ipynb"],
        cwd=folder, env=os.environ | own, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return cells_of(folder / "done.ipynb")


def shown(cell: dict[str, Any]) -> str:
    """What a cell shows, as one text."""
    return json.dumps(cell["outputs"])


def test_every_cell_shows_something(cells: list[dict[str, Any]]) -> None:
    assert len(cells) == len(cells_of(NOTEBOOK))
    silent = [cell["source"] for cell in cells if not cell["outputs"]]
    assert not silent


def test_charts_are_drawn(cells: list[dict[str, Any]]) -> None:
    charts = [cell for cell in cells if "sm.plot_" in "".join(cell["source"])]
    assert len(charts) == 3
    assert all("vega" in shown(cell) for cell in charts)


def test_no_cell_warns(cells: list[dict[str, Any]]) -> None:
    assert not [cell["source"] for cell in cells if '"stderr"' in shown(cell)]


def test_the_notebook_is_kept_without_output() -> None:
    kept = cells_of(NOTEBOOK)
    assert all(not cell["outputs"] and not cell["execution_count"] for cell in kept)
