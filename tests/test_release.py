"""The checks of a release that need no build."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
VERSIONED = ("pyproject.toml", "CITATION.cff", "CHANGELOG.md", "splice_meta/__init__.py")


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, on a copy of the files that give the version."""
    spec = importlib.util.spec_from_file_location("release", ROOT / "scripts/release.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for file in VERSIONED:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    return module


def test_every_file_gives_the_same_version(release: ModuleType) -> None:
    version = release.check_version()
    assert release.check_changelog(version, dry=True)


@pytest.mark.parametrize("file", ["CITATION.cff", "splice_meta/__init__.py"])
def test_another_version_is_refused(release: ModuleType, file: str, tmp_path: Path) -> None:
    version = release.check_version()
    text = (tmp_path / file).read_text()
    (tmp_path / file).write_text(text.replace(version, "9.9.9"))
    with pytest.raises(SystemExit, match=r"gives 9\.9\.9"):
        release.check_version()


def test_the_changelog_needs_the_version_and_its_date(release: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "CHANGELOG.md").write_text("## 1.0.0 (unreleased)\n## 0.9.0 (2026-01-31)\n")
    with pytest.raises(SystemExit, match="no section 2"):
        release.check_changelog("2.0.0", dry=True)
    with pytest.raises(SystemExit, match="YYYY-MM-DD"):
        release.check_changelog("1.0.0", dry=False)
    assert release.check_changelog("1.0.0", dry=True) == "unreleased"
    assert release.check_changelog("0.9.0", dry=False) == "2026-01-31"
