from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from damaged_pages import damage, write_scores

from bad_inputs import Case, real, run_of


def on_dask(*options: str) -> Callable[[Path], list[str | Path]]:
    """A ``make`` of a run of good scores with options that it cannot be run with."""

    def make(folder: Path) -> list[str | Path]:
        real().write_parquet(folder / "s.parquet")
        return run_of("s.parquet", *options)

    return make


def with_file(content: str | bytes) -> Callable[[Path], list[str | Path]]:
    """A ``make`` of a run on a cluster whose scheduler's file has this content."""

    def make(folder: Path) -> list[str | Path]:
        text = content.encode() if isinstance(content, str) else content
        (folder / "scheduler.json").write_bytes(text)
        return on_dask("--cluster", "scheduler.json")(folder)

    return make


def with_folder(folder: Path) -> list[str | Path]:
    (folder / "place").mkdir()
    return on_dask("--cluster", "place")(folder)


def with_pipe(folder: Path) -> list[str | Path]:
    real().write_parquet(folder / "s.parquet")
    place = folder.parent / f"{folder.name}.pipe"  # what lies in the folder is read afterwards
    os.mkfifo(place)
    return run_of("s.parquet", "--cluster", place)


def damaged(*arguments: str) -> Callable[[Path], list[str | Path]]:
    """A ``make`` of a command on a table that makes Polars panic."""

    def make(folder: Path) -> list[str | Path]:
        write_scores(folder / "s.parquet")
        damage(folder / "s.parquet")
        return list(arguments) or run_of()

    return make


HOW = "tcp://host:8786, or its scheduler file"
PANIC = ["cannot be read: its data is damaged"]
ADDRESSES = {
    "empty": "",
    "a word": "scheduler",
    "a file that is not there": "nothing/scheduler.json",
    "no port": "tcp://127.0.0.1",
    "no port after the colon": "127.0.0.1:",
    "no host": ":8786",
    "no host after the scheme": "tcp://:8786",
    "nothing after the scheme": "tcp://",
    "a port of letters": "tcp://127.0.0.1:abc",
    "port 0": "127.0.0.1:0",
    "a port below 0": "127.0.0.1:-1",
    "a port that is too large": "tcp://127.0.0.1:65536",
    "a port of many digits": "tcp://127.0.0.1:" + "9" * 30,
    "a blank in the host": "tcp://my host:8786",
    "two ports": "tcp://127.0.0.1:8786:8787",
    "a path behind the port": "tcp://127.0.0.1:8786/status",
    "a name and password": "tcp://me:secret@host:8786",
    "brackets that do not close": "tcp://[::1:8786",
    "a line break": "tcp://127.0.0.1:8786\nx",
    "very long": "x" * 5000 + ":1:1",
}
SCHEMES = ("http", "https", "ssh", "file", "s3", "", "TCP")
FILES: dict[str, str | bytes] = {
    "empty": "",
    "no JSON": "tcp://127.0.0.1:8786",
    "a list": "[1, 2]",
    "a text": '"tcp://127.0.0.1:8786"',
    "null": "null",
    "no address": '{"type": "Scheduler", "id": "x"}',
    "an address that is a number": '{"address": 8786}',
    "an address that is null": '{"address": null}',
    "not UTF-8": b'{"address": "\xff\xfe"}',
    "binary": bytes(range(256)) * 40,
    "cut off": json.dumps({"type": "Scheduler", "address": "tcp://127.0.0.1:8786"})[:-4],
    "nested beyond reason": "[" * 100_000,
}

CASES = [
    *(
        Case(name=f"--workers {count}", make=on_dask("--workers", count), words=words)
        for count, words in {
            "0": ["0 workers cannot run anything", "--workers 1 or more"],
            "-1": ["-1 workers cannot run anything"],
            "-99999999999": ["workers cannot run anything"],
            "10000": ["10,000 workers are more than the", "processors", "or fewer"],
            "99999999999999999999": ["workers are more than the", "processors"],
            "1.5": ["--workers"],
            "two": ["--workers"],
            "": ["--workers"],
            "nan": ["--workers"],
        }.items()
    ),
    Case(
        name="--workers and --cluster",
        make=on_dask("--workers", "1", "--cluster", "tcp://127.0.0.1:8786"),
        words=["both workers and a cluster"],
    ),
    *(
        Case(name=f"the cluster's address: {name}", make=on_dask("--cluster", address), words=[HOW])
        for name, address in ADDRESSES.items()
    ),
    *(
        Case(
            name=f"the cluster's address begins with {scheme}://",
            make=on_dask("--cluster", f"{scheme}://127.0.0.1:8786"),
            words=["of an unknown kind", "tcp://", "tls://"],
        )
        for scheme in SCHEMES
    ),
    Case(
        name="the cluster's address is one of TLS, without certificates",
        make=on_dask("--cluster", "tls://127.0.0.1:8786"),
        words=["no certificates", "distributed.comm.tls"],
    ),
    *(
        Case(
            name=f"the scheduler's file: {name}",
            make=with_file(content),
            words=["scheduler.json is not the file of a dask scheduler", HOW],
        )
        for name, content in FILES.items()
    ),
    Case(
        name="the scheduler's file holds an address that is none",
        make=with_file('{"address": "tcp://127.0.0.1"}'),
        words=["tcp://127.0.0.1, is not of the kind host:port"],
    ),
    Case(name="the scheduler's file is a folder", make=with_folder, words=["place is not"]),
    Case(name="the scheduler's file is a pipe", make=with_pipe, words=["is not the file"]),
    Case(name="a page makes Polars panic", make=damaged(), words=PANIC),
    Case(
        name="a page makes Polars panic, in features",
        make=damaged("features", "--scores", "s.parquet", "--manifest", "reference124", "-o", "f"),
        words=PANIC,
    ),
    Case(
        name="a page makes Polars panic, in sort",
        make=damaged("sort", "s.parquet", "-o", "t.parquet"),
        words=PANIC,
    ),
    Case(
        name="a page makes Polars panic, in inspect",
        make=damaged("inspect", "s.parquet"),
        words=PANIC,
    ),
]  # fmt: skip
