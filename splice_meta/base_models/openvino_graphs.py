"""Compiled graphs of OpenVINO, few of them, for several threads."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any


@dataclass
class Graph:
    """A compiled graph, and the ways to run it that no thread uses."""

    compiled: Any = None
    idle: list[Any] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def give_back(self, request: Any) -> None:
        """Let others use a way to run the graph."""
        self.idle.append(request)


class Graphs:
    """The graphs that were used last.

    Args:
        compile_model: Compiles a model.
        most: How many are kept; each has the memory of its layers for every thread.
    """

    def __init__(self, compile_model: Callable[[Any], Any], most: int) -> None:
        self._compile, self._most = compile_model, most
        self._kept: OrderedDict[Hashable, Graph] = OrderedDict()
        self._lock = Lock()

    def take(self, key: Hashable, make: Callable[[], Any]) -> tuple[Graph, Any]:
        """A graph and a way to run it that no other thread uses until it is given back.

        Args:
            key: Which graph.
            make: Makes its model if it is not there.
        """
        with self._lock:
            graph = self._kept.setdefault(key, Graph())
            self._kept.move_to_end(key)
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        with graph.lock:  # other graphs go on while this one is compiled
            graph.compiled = graph.compiled or self._compile(make())
            request = graph.idle.pop() if graph.idle else graph.compiled.create_infer_request()
        return graph, request

    @contextmanager
    def request(self, key: Hashable, make: Callable[[], Any]) -> Iterator[Any]:
        """The same for the time of a ``with``; after an error the request is not used again."""
        graph, request = self.take(key, make)
        yield request
        graph.give_back(request)
