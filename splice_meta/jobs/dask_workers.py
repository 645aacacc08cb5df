"""Where Dask's workers come from: processes started here, or a scheduler that runs already."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from splice_meta.errors import ClusterError, UsageError
from splice_meta.jobs.dask_cluster import connect, silenced
from splice_meta.jobs.dask_parent import SCRATCH
from splice_meta.runtime.process import own_environment

if TYPE_CHECKING:
    from distributed import Client
    from distributed.security import Security

START_SECONDS = 120.0
"""How long the first local worker may take; on a loaded machine imports alone take many seconds."""
# Without an address it would take port 8787.
_NO_DASHBOARD = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}


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


def require_dask(workers: int | None) -> None:
    """Refuse to go on without Dask, or with more workers than there are processors.

    Args:
        workers: Processes to start; None to join a cluster.

    Raises:
        UsageError: It says what is missing, or how many workers may be started.
    """
    try:
        import distributed  # noqa: F401
        from dask.system import CPU_COUNT

        if workers is not None:
            import cryptography  # noqa: F401
    except ImportError as error:
        missing = "cryptography" if error.name == "cryptography" else "Dask"
        options = "--workers needs" if missing == "cryptography" else "--workers and --cluster need"
        raise UsageError(
            f"{options} {missing}, which is not installed.",
            "Install it: pip install 'splice_meta[dask]'.",
        ) from None
    if workers is not None and workers > CPU_COUNT:
        raise UsageError(
            f"{workers:,} workers are more than the {CPU_COUNT} processors that there are here.",
            f"Give --workers {CPU_COUNT} or fewer.",
        )


@contextmanager
def open_workers(workers: int | None, cluster: str | Path | Client | None) -> Iterator[Workers]:
    """Start local workers or join a cluster; what was started here is ended in any case.

    Args:
        workers: Processes to start; None to join ``cluster``.
        cluster: Address, scheduler file or connected client.

    Raises:
        ClusterError: If no worker starts, or the scheduler does not answer.
    """
    with silenced():
        if workers is None:
            assert cluster is not None
            with connect(cluster) as client:
                yield Workers(client=client, check=lambda: None, local=False)
        else:
            with _start_local(workers) as found:
                yield found


@contextmanager
def _start_local(workers: int) -> Iterator[Workers]:
    """A scheduler in this process and worker processes with one Dask thread each.

    Whoever reaches a scheduler can have it run any code: this one, and its workers, talk by TLS
    with those alone who have the key, which is made for this run.

    The workers are started from a command, not forked or spawned from here: so their environment
    is their own, a script needs no ``if __name__ == "__main__"``, and a signal that a terminal
    sends to this process does not reach them. They end with this process, however it ends.
    """
    import dask
    from distributed import Client, LocalCluster
    from distributed.security import Security

    with tempfile.TemporaryDirectory(  # nobody else may look into it
        prefix="splice_meta_dask_", ignore_cleanup_errors=True
    ) as scratch:
        output, security = Path(scratch) / "workers.log", Security.temporary()
        with (
            dask.config.set({"temporary-directory": scratch}),
            LocalCluster(
                n_workers=0, silence_logs=False, scheduler_kwargs=_NO_DASHBOARD,
                protocol="tls://", security=security,
            ) as cluster,
            Client(cluster, set_as_default=False) as client,
            output.open("wb") as stream,
            subprocess.Popen(
                _command(cluster.scheduler_address, workers, scratch, security),
                env=own_environment(os.environ) | worker_environment(workers) | {SCRATCH: scratch},
                stdin=subprocess.PIPE,  # its end tells them that this process has ended
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            ) as process,
        ):  # fmt: skip

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
                with suppress(ProcessLookupError):  # they may have ended by themselves
                    os.killpg(process.pid, signal.SIGKILL)


def _command(address: str, workers: int, scratch: str, security: Security) -> list[str]:
    keys = {
        "tls-ca-file": security.tls_ca_file,
        "tls-cert": security.tls_worker_cert,
        "tls-key": security.tls_worker_key,
    }
    for name, text in keys.items():
        (Path(scratch) / name).write_text(text)
    options = {
        "nworkers": str(workers), "nthreads": "1", "host": "127.0.0.1", "memory-limit": "0",
        "local-directory": scratch, "death-timeout": str(int(START_SECONDS)),
        "preload": "splice_meta.jobs.dask_preload",
        "preload-nanny": "splice_meta.jobs.dask_parent",
        **{name: str(Path(scratch) / name) for name in keys},
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
