"""Checks a release, each step in a line; with --dry-run nothing is changed but build/release."""

from __future__ import annotations

import argparse
import email
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build" / "release"
NEEDED = ("splice_meta/py.typed", "splice_meta/bundled/fixtures/scores_openspliceai.parquet")
"""What a wheel must hold beside the code."""


def refuse(what: str, todo: str) -> None:
    """End with what is wrong and what to do."""
    sys.exit(f"{what}\n{todo}")


def said(*command: str | Path, where: Path = ROOT) -> str:
    """What a command prints; its failure ends the check."""
    done = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False)
    if done.returncode:
        refuse(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}", "Mend it.")
    return done.stdout


def check_version() -> str:
    """The version, which every file must give alike."""
    version = str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])
    places = {
        "splice_meta/__init__.py": r'^__version__ = "(.+)"$',
        "CITATION.cff": r"^version: (.+)$",
    }
    for file, pattern in places.items():
        found = re.search(pattern, (ROOT / file).read_text(), re.MULTILINE)
        if found is None or found[1] != version:
            refuse(f"{file} gives {found[1] if found else 'no version'}, pyproject.toml {version}.",
                   "Make them equal.")  # fmt: skip
    return version


def check_changelog(version: str, dry: bool) -> str:
    """The heading of the version in the changelog, with a date unless it is a dry run."""
    found = re.search(rf"^## {re.escape(version)} \((.+)\)$", (ROOT / "CHANGELOG.md").read_text(),
                      re.MULTILINE)  # fmt: skip
    if found is None:
        refuse(f"CHANGELOG.md has no section {version}.", "Write what changes for users.")
    date = found[1] if found else ""
    if not dry and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", date):
        refuse(f"CHANGELOG.md says {date!r} of {version}.", "Give the date as YYYY-MM-DD.")
    return date


def check_tree(version: str, dry: bool) -> str:
    """Nothing uncommitted, and no tag of the version."""
    changed = said("git", "status", "--porcelain").splitlines()
    if changed and not dry:
        refuse(f"{len(changed)} files are not committed.", "Commit them.")
    if said("git", "tag", "--list", f"v{version}").strip():
        refuse(f"The tag v{version} exists.", "Raise the version.")
    return f"{len(changed)} files not committed" if changed else "all committed"


def build() -> tuple[Path, Path]:
    """The source archive and the wheel that is made from it."""
    shutil.rmtree(BUILD, ignore_errors=True)
    said(sys.executable, "-m", "build", "--outdir", BUILD)
    (source,), (wheel,) = BUILD.glob("*.tar.gz"), BUILD.glob("*.whl")
    return source, wheel


def check_files(source: Path, wheel: Path) -> str:
    """What the archives hold."""
    inside = zipfile.ZipFile(wheel).namelist()
    with tarfile.open(source) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    missing = [name for name in NEEDED if name not in inside]
    missing += [name for name in ("pyproject.toml", "docs/index.md", "mkdocs.yml", "LICENSE")
                if name not in packed]  # fmt: skip
    if missing:
        refuse(f"The archives lack {', '.join(missing)}.", "See [tool.hatch] in pyproject.toml.")
    foreign = [name for name in inside if not name.startswith("splice_meta")]
    if foreign:
        refuse(f"The wheel holds {foreign[0]}.", "See [tool.hatch] in pyproject.toml.")
    return f"{wheel.name}, {len(inside)} files, {wheel.stat().st_size / 1e6:.1f} MB"


def check_metadata(wheel: Path, version: str) -> str:
    """What an index would show."""
    archive = zipfile.ZipFile(wheel)
    name = next(each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
    found = email.message_from_bytes(archive.read(name))
    lacking = [key for key in ("Name", "Summary", "License-Expression", "Requires-Python",
                               "Description-Content-Type") if not found[key]]  # fmt: skip
    if lacking or found["Version"] != version:
        refuse(f"The metadata lacks {', '.join(lacking) or version}.", "See pyproject.toml.")
    if not any(each.endswith("licenses/LICENSE") for each in archive.namelist()):
        refuse("The wheel has no licence file.", "See license-files in pyproject.toml.")
    return f"{found['License-Expression']}, Python {found['Requires-Python']}"


def check_wheel(wheel: Path, version: str) -> str:
    """The wheel in an environment that has nothing else, away from the source."""
    clean = BUILD / "clean"
    venv.create(clean, with_pip=True)
    bin_folder = clean / "bin"
    said(bin_folder / "python", "-m", "pip", "install", "--quiet",
         "--disable-pip-version-check", wheel.resolve(), where=clean)  # fmt: skip
    shown = said(bin_folder / "splice-meta", "--version", where=clean).strip()
    if shown != f"splice-meta {version}":
        refuse(f"The wheel's command says {shown!r}.", "Look at __version__.")
    said(bin_folder / "splice-meta", "demo", "--output-dir", "demo", where=clean)
    if not (clean / "demo" / "gene_manifest.json").is_file():
        refuse("The demo of the wheel wrote no gene manifest.", "Run it by hand.")
    said(bin_folder / "python", "-m", "pip", "check", where=clean)
    shutil.rmtree(clean)
    return "version, demo, dependencies"


def main() -> None:
    """Check, and set the tag unless it is a dry run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dry-run", action="store_true", help="change nothing")
    dry = parser.parse_args().dry_run
    version = check_version()
    print(f"Version:   {version}")
    print(f"Changelog: {check_changelog(version, dry)}")
    print(f"Tree:      {check_tree(version, dry)}")
    source, wheel = build()
    print(f"Wheel:     {check_files(source, wheel)}")
    print(f"Metadata:  {check_metadata(wheel, version)}")
    print(f"Works:     {check_wheel(wheel, version)}")
    if dry:
        print(f"Left to do: scripts/release, git push --tags, publish {BUILD.relative_to(ROOT)}/*")
        return
    said("git", "tag", "--annotate", f"v{version}", "--message", f"Version {version}")
    print(f"Tagged v{version}. Next: git push --tags, publish {BUILD.relative_to(ROOT)}/*")


if __name__ == "__main__":
    main()
