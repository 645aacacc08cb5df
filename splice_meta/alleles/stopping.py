"""Ending shards that are under way, after an interrupt."""

from __future__ import annotations

from threading import Event


class Stopped(BaseException):
    """What ends a shard in another thread; nobody is told."""


class Stopping:
    """Whether the shards of this process are to end."""

    def __init__(self) -> None:
        self._event = Event()

    def clear(self) -> None:
        """Let shards be made."""
        self._event.clear()

    def stop(self) -> None:
        """Let those that are under way end at their next gene."""
        self._event.set()

    def check(self) -> None:
        """End this shard if it is to end.

        Raises:
            Stopped: So that nothing catches it by mistake.
        """
        if self._event.is_set():
            raise Stopped
