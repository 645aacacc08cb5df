"""A base model that is made of networks: an ensemble, and how its means become scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splice_meta.base_models.engines import Engine, MakeEngine
from splice_meta.base_models.network import Ensemble

Read = Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.float32]]


class NetworkModel:
    """Networks, run by an engine; see :class:`splice_meta.base_models.protocol.BaseModel`.

    Args:
        name: Short name.
        ensemble: The networks.
        digest: Of their weights.
        make_engine: From :func:`splice_meta.base_models.engines.choose_engine`.
        read: Makes scores, shape (batch, length, 3 + extras), of the ensemble's means, shape
            (batch, groups x outputs, length), and of the sequences.
        extras: Names of further columns that ``read`` gives behind donor, acceptor and neither.
    """

    def __init__(
        self,
        name: str,
        ensemble: Ensemble,
        digest: str,
        make_engine: MakeEngine,
        read: Read,
        extras: tuple[str, ...] = (),
    ) -> None:
        self.name, self.digest, self.extras = name, digest, extras
        self.ensemble, self.read, self._make_engine = ensemble, read, make_engine
        self.engine: Engine = make_engine(ensemble)
        self.context = ensemble.context
        self.batch, self.parallel = self.engine.batch, self.engine.parallel
        self.precision = self.engine.precision

    def __reduce__(self) -> tuple[Any, ...]:
        """The networks, without their engine, which is made again in the other process."""
        given = self.name, self.ensemble, self.digest, self._make_engine, self.read, self.extras
        return NetworkModel, given

    def predict(self, sequences: NDArray[np.float32]) -> NDArray[np.float32]:
        """Score a batch, see :class:`splice_meta.base_models.protocol.BaseModel`."""
        return self.read(self.engine.forward(sequences), sequences)


def backwards(means: NDArray[np.float32], _: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores of networks whose outputs are neither, acceptor, donor, as SpliceAI's are."""
    return np.ascontiguousarray(means[:, ::-1, :].transpose(0, 2, 1))
