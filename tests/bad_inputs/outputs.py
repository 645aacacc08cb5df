from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from conftest import FIXTURES, MODEL

from bad_inputs import LEAN, Case, real, run_of

Make = Callable[[Path], Sequence[str | Path]]
RUNS = "out/selective_inference/predictions"
KEEP = ("--keep-artifacts-dir", "kept")
GTF, FASTA = FIXTURES / "annotation.gtf.gz", FIXTURES / "region.fa.gz"
MANIFEST = '["donor_score", "acceptor_score"]'
LEDGER = '{"record":"run","format":1,"started":"2026-11-01T10:00:00","given":{}}\n'


def features(*more: str | Path, scores: str = "s.parquet") -> list[str | Path]:
    return ["features", "--scores", scores, "--model", MODEL, *more]


def sort(*more: str | Path, scores: str = "s.parquet") -> list[str | Path]:
    return ["sort", scores, *more]


def train(*more: str | Path) -> list[str | Path]:
    return ["train", "--scores", "s.parquet", *more]


def score(*more: str | Path) -> list[str | Path]:
    return ["score", "--annotation", GTF, "--fasta", FASTA, *more]


def evaluate(*more: str | Path) -> list[str | Path]:
    return ["evaluate", "s.parquet", "--resamples", "0", *more]


def convert(*more: str | Path) -> list[str | Path]:
    return ["convert-model", *more]


def beside(
    command: Sequence[str | Path], **files: str | bytes | None
) -> Callable[[Path], Sequence[str | Path]]:
    """Scores as ``s.parquet`` and other files by name; None makes a folder."""

    def make(folder: Path) -> Sequence[str | Path]:
        real(300).write_parquet(folder / "s.parquet")
        for name, content in files.items():
            put(folder / name, content)
        return command

    return make


def put(path: Path, content: str | bytes | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def holding(command: Sequence[str | Path], *names: str, text: str = "mine") -> Make:
    """Files of the user's own where the command is to write."""
    return beside(command, **dict.fromkeys(names, text))


def after(command: Sequence[str | Path], act: Callable[[Path], Any]) -> Make:
    """Scores, and whatever else a function makes."""

    def make(folder: Path) -> Sequence[str | Path]:
        real(300).write_parquet(folder / "s.parquet")
        act(folder)
        return command

    return make


def symlink(name: str, to: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).symlink_to(to)


def in_folder(folder: Path) -> None:
    (folder / "in").mkdir()
    (folder / "s.parquet").rename(folder / "in/s.parquet")


def parts(folder: Path, *more: str) -> None:
    (folder / "o.parquet").mkdir()
    for number in range(2):
        real(50, 50 * number).write_parquet(folder / f"o.parquet/part-{number:05d}.parquet")
    for name in more:
        put(folder / "o.parquet" / name, "mine")


def a_run(folder: Path, *more: str) -> None:
    put(folder / RUNS / "r/ledger.jsonl", LEDGER)
    for name in more:
        put(folder / RUNS / "r" / name, "mine")


def link_to_folder(folder: Path, name: str) -> None:
    put(folder / "theirs/part-00000.parquet", "mine")
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).symlink_to(folder / "theirs")


def pipe(folder: Path) -> None:
    for name in ("p", "p.parquet", "p.tsv", "p.ubj", "p.pkl", "p.json", "b/bundle.json"):
        (folder / name).parent.mkdir(exist_ok=True)
        os.mkfifo(folder / name)


OVER = "--overwrite"
REPORTS = ("report.html", "performance_report.txt", "gene_manifest.json",
           "inference_workflow.log", "metadata/inference_metadata.json",
           "selective_inference/cache/gene_manifests/selective_inference_manifest.csv")  # fmt: skip

FOREIGN = [
    ("features", features("-o", "o", OVER), "o/notes.txt", "notes.txt"),
    ("features, hidden file", features("-o", "o", OVER), "o/.git", ".git"),
    ("features, a folder inside", features("-o", "o", OVER), "o/part-00000.parquet/x", "part-0"),
    ("features, other tables", features("-o", "o", OVER), "o/scores.parquet", "scores.parquet"),
    ("sort", sort("-o", "o", OVER), "o/notes.txt", "notes.txt"),
    ("train", train("-o", "o", OVER), "o/notes.txt", "notes.txt"),
    ("train, another's bundle.json", train("-o", "o", OVER), "o/bundle.json", "not a model bundle"),
    ("score, output", score("-o", "o", OVER), "o/notes.txt", "is a folder"),
    ("score, parts", score("-o", "o", OVER), "o.parts/notes.txt", "notes.txt"),
    ("score, parts by another", score("-o", "o", OVER), "o.parts/G.parquet", "not genes of"),
    ("score, parts resumed", score("-o", "o", "--resume"), "o.parts/notes.txt", "notes.txt"),
    ("score, a file for parts", score("-o", "o", OVER), "o.parts", "is a file"),
    ("evaluate, table", evaluate("-o", "o.csv", OVER), "o.csv/notes.txt", "is a folder"),
    ("evaluate, json", evaluate("--json", "o", OVER), "o/notes.txt", "is a folder"),
    ("train, held out", train("-o", "b", "--held-out", "o", OVER), "o/notes.txt", "is a folder"),
    ("run", run_of("s.parquet", OVER), f"{RUNS}/r/notes.txt", "notes.txt"),
    ("run, a ledger of accounts", run_of("s.parquet", OVER), f"{RUNS}/r/ledger.jsonl", "not a run"),
    ("run, its name a file", run_of("s.parquet", OVER), f"{RUNS}/r", "is a file"),
    ("run, output a file", run_of("s.parquet", OVER), "out", "is a file"),
    ("run, a file on the way", run_of("s.parquet", OVER), "out/selective_inference", "is a file"),
    *(
        (f"run, kept {name}", run_of("s.parquet", OVER, *KEEP), f"kept/{name}/notes.txt", "notes")
        for name in ("features", "master", "artifacts")
    ),
    ("run, kept, a file", run_of("s.parquet", OVER, *KEEP), "kept/master", "is a file"),
    ("run, kept without overwrite", run_of("s.parquet", *KEEP), "kept/master/x", "already"),
    *((f"run, folder at {name}", run_of(), f"out/{name}/x", "is a folder") for name in REPORTS),
    *((f"run, file at {name}", run_of(), f"out/{name}", "no run wrote it") for name in REPORTS),
]

CASES = [
    *(
        Case(name=f"foreign: {name}", make=holding(command, file), words=[word])
        for name, command, file, word in FOREIGN
    ),
    *(
        Case(
            name=f"its own input: {name}",
            make=beside(command, **{"m.json": MANIFEST, "genes.txt": "ENSG00000164038\n"}),
            words=["is an input"],
            never=["--overwrite"],
        )
        for name, command in (
            ("features", features("-o", "s.parquet")),
            ("features over", features("-o", "./s.parquet", OVER)),
            ("features, genes", features("-o", "genes.txt", "--genes-file", "genes.txt", OVER)),
            (
                "features, manifest",
                ["features", "--scores", "s.parquet", "--manifest", "m.json", "-o", "m.json", OVER],
            ),
            ("sort", sort("-o", "s.parquet", OVER)),
            ("train", train("-o", "s.parquet", OVER)),
            ("train, held out", train("-o", "b", "--held-out", "s.parquet", OVER)),
            ("evaluate", evaluate("-o", "s.parquet", OVER)),
            ("evaluate, json", evaluate("--json", "s.parquet", OVER)),
            ("convert-model", convert("m.json", "m.json")),
            ("score, genes", score("--genes-file", "genes.txt", "-o", "genes.txt", OVER)),
        )
    ),
    *(
        Case(name=f"its own input by a link: {name}", make=after(command, act), words=[word])
        for name, command, act, word in (
            (
                "a hard link",
                features("-o", "l.parquet", OVER),
                lambda f: os.link(f / "s.parquet", f / "l.parquet"),
                "is an input",
            ),
            (
                "a link as output",
                features("-o", "l.parquet", OVER),
                symlink("l.parquet", "s.parquet"),
                "is an input",
            ),
            (
                "a link as input",
                features("-o", "s.parquet", OVER, scores="l.parquet"),
                symlink("l.parquet", "s.parquet"),
                "is an input",
            ),
            ("a linked folder", sort("-o", "l/s.parquet", OVER), symlink("l", "."), "is an input"),
            (
                "a pattern",
                sort("-o", "s.parquet", OVER, scores="*.parquet"),
                lambda f: None,
                "is an input",
            ),
        )
    ),
    *(
        Case(name=f"its folder of inputs: {name}", make=after(command, in_folder), words=[word])
        for name, command, word in (
            ("features replaces it", features("-o", "in", OVER, scores="in"), "is an input"),
            ("sort replaces it", sort("-o", "in", OVER, scores="in"), "is an input"),
            ("features joins it", features("-o", "in/f.parquet", scores="in"), "lies in the input"),
            ("sort joins it", sort("-o", "in/f.parquet", scores="in"), "lies in the input"),
            ("joined as text", ["evaluate", "in", "-o", "in/e.csv"], "lies in the input"),
            ("matches a pattern", sort("-o", "in/f.parquet", scores="in/*.parquet"), "it matches"),
            ("matches folders", sort("-o", "in/f.parquet", scores="**/*.parquet"), "it matches"),
            (
                "a run among them",
                ["run", "--scores", "in", "--model", MODEL, *LEAN[:-1], "in"],
                "lies in the input",
            ),
        )
    ),
    *(
        Case(name=f"a folder one is in: {name}", make=after(command, lambda f: None), words=words)
        for name, command, words in (
            ("features here", features("-o", ".", OVER), ["current folder"]),
            ("sort above", sort("-o", "..", OVER), ["current folder"]),
            ("features in the root", features("-o", "/", OVER), ["root"]),
            ("sort in the home", sort("-o", Path.home(), OVER), ["home"]),
            ("train here", train("-o", ".", OVER), ["current folder"]),
            ("score here", score("-o", ".", OVER), ["is a folder"]),
            ("a device", features("-o", "/dev/null", OVER), ["not a place for a result"]),
            ("stdout", evaluate("--json", "/dev/stdout", OVER), ["not a place for a result"]),
        )
    ),
    *(
        Case(name=f"a pipe: {name}", make=after(command, act), words=["pipe"])
        for name, command, act in (
            ("features", features("-o", "p", OVER), lambda f: os.mkfifo(f / "p")),
            ("evaluate", evaluate("--json", "p", OVER), lambda f: os.mkfifo(f / "p")),
            (
                "train, held out",
                train("-o", "b", "--held-out", "p", OVER),
                lambda f: os.mkfifo(f / "p"),
            ),
        )
    ),
    *(
        Case(name=f"a pipe as input: {name}", make=after(command, pipe), words=["is a pipe"])
        for name, command in (
            ("scores", run_of("p")),
            ("scores of a table's name", run_of("p.parquet")),
            ("scores to sort", sort("-o", "o.parquet", scores="p.tsv")),
            ("scores to evaluate", ["evaluate", "p.parquet"]),
            ("scores by name", run_of("a=p.parquet")),
            ("gene list", run_of("s.parquet", "--genes-file", "p")),
            ("model", ["run", "--scores", "s.parquet", "--model", "p.ubj", *LEAN]),
            ("model in a bundle", ["run", "--scores", "s.parquet", "--model", "b", *LEAN]),
            ("model to convert", convert("p.pkl", "o")),
            ("manifest", ["features", "--scores", "s.parquet", "--manifest", "p", "-o", "o"]),
            ("annotation", run_of("s.parquet", "--annotation", "p")),
            ("FASTA", run_of("s.parquet", "--fasta", "p")),
            ("FASTA to score", ["score", "--annotation", GTF, "--fasta", "p", "-o", "o"]),
            ("weights", score("-o", "o", "--weights", "p", "--base-model", "spliceai")),
            ("what is it", ["inspect", "p"]),
            ("what is it, a manifest", ["inspect", "p.json"]),
        )
    ),
    Case(
        name="a link to a folder: features",
        make=after(features("-o", "l", OVER), lambda f: link_to_folder(f, "l")),
        words=["is a link"],
    ),
    Case(
        name="a link to a folder: run",
        make=after(run_of("s.parquet", OVER), lambda f: link_to_folder(f, f"{RUNS}/r")),
        words=["link"],
    ),
    Case(
        name="a link to nothing without overwrite",
        make=after(features("-o", "l.parquet"), symlink("l.parquet", "nowhere")),
        words=["already"],
    ),
    Case(
        name="parts of ours with a file of the user's",
        make=after(features("-o", "o.parquet", OVER), lambda f: parts(f, "notes.txt")),
        words=["notes.txt", "nothing was changed"],
    ),
    Case(
        name="a part is an input",
        make=after(sort("-o", "o.parquet", OVER, scores="o.parquet/part-00000.parquet"), parts),
        words=["input", "o.parquet"],
    ),
    Case(
        name="a run of ours with a file of the user's",
        make=after(run_of("s.parquet", OVER), lambda f: a_run(f, "notes.txt")),
        words=["notes.txt"],
    ),
    Case(
        name="a run of ours with another table",
        make=after(
            run_of("s.parquet", OVER),
            lambda f: a_run(f, "complete_coverage_predictions.parquet/mine.parquet"),
        ),
        words=["mine.parquet"],
    ),
    Case(
        name="outputs in each other's way",
        make=beside(evaluate("--json", "o.csv", "-o", "o.csv")),
        words=["--json", "--output", "in each other's way"],
    ),
    Case(
        name="held-out rows inside the bundle",
        make=beside(train("-o", "b", "--held-out", "b/h.parquet")),
        words=["in each other's way"],
    ),
    Case(
        name="an output below a file",
        make=holding(features("-o", "f/o.parquet"), "f"),
        words=["f is a file"],
    ),
    *(
        Case(name=f"a name too long: {name}", make=beside(command), words=["too long"])
        for name, command in (
            ("features", features("-o", f"{'x' * 300}.parquet")),
            ("sort", sort("-o", "x" * 300)),
            ("evaluate", evaluate("--json", f"{'x' * 300}.json")),
            ("run", run_of("s.parquet", "--run-name", "x" * 300)),
            ("train", train("-o", "x" * 300)),
        )
    ),
    Case(
        name="a text that a folder of parts would replace",
        make=holding(
            sort(
                "-o",
                "o",
                OVER,
                "--memory",
                "1MiB",
                scores=str(FIXTURES / "scores_openspliceai.parquet"),
            ),
            "o",
        ),
        words=["not a table"],
    ),
]
