"""Where Dask's workers come from: processes started here, or a scheduler that runs already."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from splice_meta.errors import ClusterError, UsageError
from splice_meta.process import own_environment

if TYPE_CHECKING:
    from distributed import Client

START_SECONDS = 120.0
"""How long the first local worker may take; on a loaded machine imports alone take many seconds."""
ANSWER_SECONDS = 10
# Without an address it would take port 8787.
_NO_DASHBOARD = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
_CHATTER = ("distributed", "distributed.client", "distributed.gc", "tornado", "tornado.application")


@dataclass(frozen=True, kw_only=True)
class Workers:
    """Workers that can be used.

    Attributes:
        client: Connected to their scheduler.
        check: Raises a ClusterError if they have ended for good.
        local: Whether they were started here.
    """

    client: Client
    check: Callable[[], None]
    local: bool


def require_dask() -> None:
    """Refuse to go on without Dask.

    Raises:
        UsageError: If ``distributed`` is not installed.
    """
    try:
        import distributed  # noqa: F401
    except ImportError:
        raise UsageError(
            "--workers and --cluster need Dask, which is not installed.",
            "Install it: pip install 'splice_meta[dask]'.",
        ) from None


@contextmanager
def open_workers(workers: int | None, cluster: str | Path | Client | None) -> Iterator[Workers]:
    """Start local workers or join a cluster; what was started here is ended in any case.

    Args:
        workers: Processes to start; None to join ``cluster``.
        cluster: Address, scheduler file or connected client.

    Raises:
        ClusterError: If no worker starts, or the scheduler does not answer.
    """
    with _silenced():
        if workers is None:
            assert cluster is not None
            with connect(cluster) as client:
                yield Workers(client=client, check=lambda: None, local=False)
        else:
            with _start_local(workers) as found:
                yield found


@contextmanager
def connect(cluster: str | Path | Client) -> Iterator[Client]:
    """A client of a running scheduler; one that was given is left open.

    Raises:
        ClusterError: If the scheduler does not answer.
    """
    from distributed import Client

    if isinstance(cluster, Client):
        yield cluster
        return
    is_file = "://" not in str(cluster) and Path(cluster).is_file()
    where = {"scheduler_file": str(cluster)} if is_file else {"address": str(cluster)}
    try:
        with _silenced():
            client = Client(**where, timeout=ANSWER_SECONDS, set_as_default=False)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ClusterError(
            f"The Dask scheduler {cluster} does not answer ({type(error).__name__}).",
            "Give its address, such as tcp://HOST:8786, or its scheduler file.",
        ) from None
    with client:
        yield client


@contextmanager
def _start_local(workers: int) -> Iterator[Workers]:
    """A scheduler in this process and worker processes with one Dask thread each.

    The workers are started from a command, not forked or spawned from here: so their environment
    is their own, a script needs no ``if __name__ == "__main__"``, and a signal that a terminal
    sends to this process does not reach them.
    """
    import dask
    from distributed import Client, LocalCluster

    with tempfile.TemporaryDirectory(
        prefix="splice_meta_dask_", ignore_cleanup_errors=True
    ) as scratch:
        output = Path(scratch) / "workers.log"
        with (
            dask.config.set({"temporary-directory": scratch}),
            LocalCluster(
                n_workers=0, silence_logs=False, scheduler_kwargs=_NO_DASHBOARD
            ) as cluster,
            Client(cluster, set_as_default=False) as client,
            output.open("wb") as stream,
        ):
            process = subprocess.Popen(
                _command(cluster.scheduler_address, workers, scratch),
                env=own_environment(os.environ) | worker_environment(workers),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

            def check() -> None:
                if process.poll() is not None:
                    raise ClusterError(
                        f"The local Dask workers have ended (status {process.returncode}).",
                        f"The last they said: {_last_line(output)}",
                    )

            try:
                _await_first(client, check)
                yield Workers(client=client, check=check, local=True)
            finally:
                # They hold nothing that is wanted: parts are written, receipts have come.
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _command(address: str, workers: int, scratch: str) -> list[str]:
    options = {
        "nworkers": str(workers), "nthreads": "1", "host": "127.0.0.1", "memory-limit": "0",
        "local-directory": scratch, "death-timeout": str(int(START_SECONDS)),
        "preload": "splice_meta.runs.dask_preload",
    }  # fmt: skip
    # -P: the folder it is called in goes onto the path only where it is on this process's.
    start = [sys.executable, "-P", "-m", "distributed.cli.dask_worker", address, "--no-dashboard"]
    return [*start, *(part for name, value in options.items() for part in (f"--{name}", value))]


def worker_environment(workers: int) -> dict[str, str]:
    """What is set for worker processes, before they import anything.

    The threads that Polars would use here are shared out, at least one each. Modules are found
    where this process finds them.
    """
    threads = str(max(pl.thread_pool_size() // workers, 1))
    return {
        "POLARS_MAX_THREADS": threads,
        "OMP_NUM_THREADS": threads,
        "PYTHONPATH": os.pathsep.join(folder or os.getcwd() for folder in sys.path),
    }


def _await_first(client: Client, check: Callable[[], None]) -> None:
    end = time.monotonic() + START_SECONDS
    while not client.nthreads():
        check()
        if time.monotonic() > end:
            raise ClusterError(
                f"No local Dask worker has started within {START_SECONDS:.0f} seconds.",
                "Try fewer --workers, or leave the option out.",
            )
        time.sleep(0.05)


def _last_line(output: Path) -> str:
    lines = output.read_text(errors="replace").split("\n")
    return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "nothing")


@contextmanager
def _silenced() -> Iterator[None]:
    """Keep what distributed logs off the terminal; what matters of it is said in our words."""
    import distributed  # noqa: F401  # sets levels of its own when it is first imported

    loggers = [logging.getLogger(name) for name in _CHATTER]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
