"""A Dask scheduler that runs already: its address, whether it answers, and a client of it."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from splice_meta.errors import ClusterError, UsageError

if TYPE_CHECKING:
    from distributed import Client

ANSWER_SECONDS = 10.0
LARGEST_FILE = 1 << 20
"""Bytes of a scheduler file; Dask's hold some thousand, and more with many workers."""
_HOW = "Give its address, such as tcp://HOST:8786, or its scheduler file."
_CHATTER = ("distributed", "distributed.client", "distributed.gc", "tornado", "tornado.application")
_HOST_AND_PORT = re.compile(r"(?:\w+://)?(?:\[[^\s\[\]]+\]|[^\s:/\[\]]+):(?P<port>\d{1,5})/?")


@contextmanager
def connect(cluster: str | Path | Client) -> Iterator[Client]:
    """A client of a running scheduler; one that was given is left open.

    Certificates for TLS come from Dask's own configuration.

    Raises:
        UsageError: If it is neither a scheduler's file nor an address.
        ClusterError: If no scheduler answers there.
    """
    from distributed import Client

    if isinstance(cluster, Client):
        yield cluster
        return
    address = address_of(cluster)
    with silenced():
        _refuse_others(address)
        try:
            client = Client(address, timeout=ANSWER_SECONDS, set_as_default=False)
        except Exception as error:  # it has answered before
            raise _no_answer(address, error) from None
    with client:
        yield client


def address_of(cluster: str | Path) -> str:
    """The address of a scheduler, where that of its file is given from the file.

    Raises:
        UsageError: If it is not an address that Dask knows.
        ClusterError: If the file is none that a scheduler has written.
    """
    text = str(cluster)
    if text and "://" not in text and os.path.exists(text):
        address = _read_address(Path(text))
    elif ":" not in text:
        raise UsageError(f"The Dask scheduler {text!r} is neither a file nor an address.", _HOW)
    else:
        address = text
    _refuse_address(address)
    return address


def _read_address(path: Path) -> str:
    try:
        if not path.is_file():
            raise ValueError("it is not a file")
        with path.open("rb") as file:
            address = json.loads(file.read(LARGEST_FILE))["address"]
        if not isinstance(address, str):
            raise ValueError("its address is not text")
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        raise ClusterError(f"{path} is not the file of a Dask scheduler.", _HOW) from None
    return address


def _refuse_address(address: str) -> None:
    """Refuse what Dask would take for an address and try in vain, or for ever."""
    from distributed.comm.registry import backends

    found = _HOST_AND_PORT.fullmatch(address)
    scheme = address.partition("://")[0] if "://" in address else "tcp"
    if scheme not in backends:
        raise UsageError(
            f"The address of the Dask scheduler, {address}, is of an unknown kind.",
            f"Dask knows {', '.join(f'{each}://' for each in sorted(backends))}.",
        )
    if scheme in ("tcp", "tls") and not (found and 0 < int(found["port"]) < 1 << 16):
        raise UsageError(
            f"The address of the Dask scheduler, {address}, is not of the kind HOST:PORT.", _HOW
        )


def _refuse_others(address: str) -> None:
    """Refuse a place where no scheduler answers; a client would wait for it without an end."""
    try:
        with ThreadPoolExecutor(1) as pool:  # here a loop may be running, as in a notebook
            kind = pool.submit(asyncio.run, _kind_of(address)).result()
    except Exception as error:  # whoever listens there may send anything
        raise _no_answer(address, error) from None
    if kind != "Scheduler":
        raise ClusterError(f"At {address} there is no Dask scheduler but a {kind}.", _HOW)


async def _kind_of(address: str) -> str:
    from distributed.core import rpc
    from distributed.security import Security

    security = Security().get_connection_args("client")
    async with rpc(address, timeout=ANSWER_SECONDS, connection_args=security) as server:
        told = await asyncio.wait_for(server.identity(), ANSWER_SECONDS)
    return str(told["type"])


def _no_answer(address: str, error: Exception) -> ClusterError:
    if "ssl_context" in str(error):
        return ClusterError(
            f"The Dask scheduler {address} is reached by TLS, for which there are no certificates.",
            "Name them in Dask's configuration, under distributed.comm.tls.",
        )
    return ClusterError(f"The Dask scheduler {address} does not answer ({_cause(error)}).", _HOW)


def _cause(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"it says nothing for {ANSWER_SECONDS:g} seconds"
    return "what listens there is none" if isinstance(error, MemoryError) else type(error).__name__


@contextmanager
def silenced() -> Iterator[None]:
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
