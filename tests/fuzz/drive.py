"""Runs one target: ``python -m tests.fuzz.drive NAME [options of libFuzzer] CORPUS``."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import atheris  # type: ignore[import-not-found]


def main() -> None:
    name, *options = sys.argv[1:]
    with atheris.instrument_imports(include=["splice_meta"]):
        target = importlib.import_module(f"tests.fuzz.fuzz_{name}")
    corpus = Path(options[-1])
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.SEEDS):
        (corpus / f"seed-{number}").write_bytes(seed)
    atheris.Setup([sys.argv[0], *options], target.one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
