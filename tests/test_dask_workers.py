"""Who can command the local workers, how they end, and which schedulers are refused."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from splice_meta.errors import ClusterError, SpliceMetaError, UsageError
from splice_meta.jobs import dask_cluster, dask_parent, dask_workers

distributed = pytest.importorskip("distributed")

HERE = "127.0.0.1"


def wait_for(state: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not state():
        assert time.monotonic() < end
        time.sleep(0.05)


def is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")")[-1].split()[0]
    except OSError:
        return False
    return state not in "ZX"


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    return folder


async def kind_of(address: str, **security: Any) -> str:
    given = distributed.Security(**security).get_connection_args("client")
    async with distributed.core.rpc(address, timeout=5, connection_args=given) as server:
        return str((await asyncio.wait_for(server.identity(), 5))["type"])


def test_only_who_has_the_runs_key_can_command_its_processes(scratch: Path) -> None:
    with dask_workers.open_workers(1, None) as found:
        (worker,) = found.client.scheduler_info()["workers"].values()
        addresses = (found.client.scheduler.address, worker["nanny"])
        (work,) = found.client.scheduler_info()["workers"]
        for address in (*addresses, work):
            assert address.startswith(f"tls://{HERE}:")
            for other, security in (
                (address.replace("tls", "tcp"), {}),
                (address, distributed.Security.temporary()),
            ):
                given = {} if security == {} else {
                    name: getattr(security, name)
                    for name in ("tls_ca_file", "tls_client_cert", "tls_client_key")
                }  # fmt: skip
                with pytest.raises((OSError, TimeoutError)):
                    asyncio.run(kind_of(other, **given))
        assert found.client.submit(sum, [1, 2]).result() == 3
        (folder,) = scratch.glob("splice_meta_dask_*")
        assert folder.stat().st_mode & 0o077 == 0
        assert (folder / "tls-key").exists()

    assert not list(scratch.iterdir())


PARENT = """
import os, signal, time
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup ignores it, and so would this process
from splice_meta.jobs.dask_workers import open_workers
with open_workers(1, None) as found:
    work = next(iter(found.client.run(os.getpid).values()))
    nanny = next(iter(found.client.run(os.getppid).values()))
    print(work, nanny, flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_workers_end_with_their_parent(scratch: Path, number: int) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    workers = [int(process) for process in parent.stdout.readline().split()]
    assert all(map(is_running, workers))

    parent.send_signal(number)
    parent.wait()

    wait_for(lambda: not any(map(is_running, workers)), seconds=60)  # Dask's own way takes minutes
    wait_for(lambda: not list(scratch.glob("splice_meta_dask_*")))  # the key, too
    parent.stdout.close()


def test_the_process_above_the_workers_ends_when_its_stdin_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends, (read, write) = [], os.pipe()
    ended = threading.Event()
    monkeypatch.setattr(dask_parent, "STDIN", read)
    monkeypatch.setattr(os, "killpg", lambda *given: (ends.append(given), ended.set()))
    monkeypatch.setenv(dask_parent.SCRATCH, str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()

    dask_parent.dask_setup(None)
    os.write(write, b"x")
    assert not ended.wait(0.1)
    os.close(write)

    assert ended.wait(60)
    assert ends == [(0, signal.SIGKILL)]
    assert not (tmp_path / "scratch").exists()
    os.close(read)


@pytest.fixture
def listening() -> Iterator[Callable[[bytes], str]]:
    """A function that starts a server which says something to everybody and then nothing."""
    servers: list[socket.socket] = []
    accepted: list[socket.socket] = []

    def start(said: bytes) -> str:
        server = socket.create_server((HERE, 0))
        servers.append(server)

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                    accepted.append(connection)
                    connection.sendall(said)
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        return f"{HERE}:{server.getsockname()[1]}"

    yield start
    for each in (*servers, *accepted):
        each.close()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"", "it says nothing for 0.5 seconds"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "what listens there is none"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "what listens there is none"),
    ],
    ids=["silent", "ssh", "http"],
)
def test_who_is_no_scheduler_is_not_waited_for(
    listening: Callable[[bytes], str], monkeypatch: pytest.MonkeyPatch, said: bytes, words: str
) -> None:
    monkeypatch.setattr(dask_cluster, "ANSWER_SECONDS", 60 if said else 0.5)

    with pytest.raises(ClusterError, match=words), dask_cluster.connect(listening(said)):
        pass


def test_a_worker_is_no_scheduler_and_a_file_may_name_one(tmp_path: Path) -> None:
    with distributed.LocalCluster(
        n_workers=1, processes=False, protocol="tcp", memory_limit=0,
        scheduler_kwargs={"dashboard": False, "dashboard_address": f"{HERE}:0"},
    ) as cluster:  # fmt: skip
        worker = next(iter(cluster.workers.values())).address
        words = "no Dask scheduler but a Worker"
        with pytest.raises(ClusterError, match=words), dask_cluster.connect(worker):
            pass
        path = tmp_path / "scheduler.json"
        path.write_text(f'{{"address": "{cluster.scheduler_address}"}}')
        with dask_cluster.connect(path) as client:
            assert client.submit(sum, [1, 2]).result() == 3


def test_certificates_of_a_cluster_come_from_dasks_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dask

    monkeypatch.setattr(dask_cluster, "ANSWER_SECONDS", 60)
    security = distributed.Security.temporary()
    names = {"ca-file": security.tls_ca_file, "client.cert": security.tls_client_cert,
             "client.key": security.tls_client_key}  # fmt: skip
    for name, text in names.items():
        (tmp_path / name).write_text(text)
    given = {f"distributed.comm.tls.{name}": str(tmp_path / name) for name in names}
    with distributed.LocalCluster(
        n_workers=1, processes=False, protocol="tls://", security=security, memory_limit=0,
        scheduler_kwargs={"dashboard": False, "dashboard_address": f"{HERE}:0"},
    ) as cluster:  # fmt: skip
        address = cluster.scheduler_address
        with dask.config.set(given), dask_cluster.connect(address) as client:
            assert client.submit(sum, [1, 2]).result() == 3
        for other, words in ((address, "no certificates"), (address[6:], "does not answer")):
            with pytest.raises(ClusterError, match=words), dask_cluster.connect(other):
                pass


@pytest.mark.parametrize(
    "address", ["tcp://host:8786", "host:8786", "tls://[::1]:8786/", "ws://host/path", "inproc://a/1/2"]
)
def test_addresses_that_dask_may_know_are_taken(address: str) -> None:
    assert dask_cluster.address_of(address) == address


@pytest.mark.parametrize("missing", ["cryptography", "distributed"])
def test_what_is_missing_is_named(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)

    with pytest.raises(UsageError, match="which is not installed") as caught:
        dask_workers.require_dask(1)

    assert (missing if missing == "cryptography" else "Dask") in caught.value.message
    if missing == "cryptography":
        dask_workers.require_dask(None)


def test_as_many_workers_as_processors_are_taken() -> None:
    from dask.system import CPU_COUNT

    dask_workers.require_dask(CPU_COUNT)
    with pytest.raises(SpliceMetaError, match=f"Give workers {CPU_COUNT} or fewer"):
        dask_workers.require_dask(CPU_COUNT + 1)


def test_workers_that_do_not_start_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_workers, "START_SECONDS", 0.1)
    sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
    monkeypatch.setattr(dask_workers, "_command", lambda *_: sleep)

    with (
        pytest.raises(ClusterError, match="No local Dask worker has started"),
        dask_workers.open_workers(1, None),
    ):
        pass


def test_what_workers_said_before_they_ended_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = [sys.executable, "-c", "import sys; print('no luck\\n'); sys.exit(3)"]
    monkeypatch.setattr(dask_workers, "_command", lambda *_: ends)

    with (
        pytest.raises(ClusterError, match=r"have ended \(status 3\)") as caught,
        dask_workers.open_workers(1, None),
    ):
        pass

    assert caught.value.hint == "The last they said: no luck"


def test_workers_import_what_shards_need_before_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "splice_meta.jobs.dask_preload", raising=False)

    from splice_meta.jobs import dask_preload

    dask_preload.dask_setup(None)

    assert {"xgboost", "splice_meta.runs.task"} <= sys.modules.keys()


def test_without_shards_no_worker_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    from splice_meta.jobs import dask as on_dask

    monkeypatch.setattr(on_dask, "open_workers", None)

    assert list(on_dask.run_dask(None, [], 1, None)) == []  # type: ignore[arg-type]
