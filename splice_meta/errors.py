"""The errors of the package.

Each says what is wrong and where (``message``) and what to do about it (``hint``)::

    SpliceMetaError
    |-- UsageError        an option or setting that cannot work; nothing was read
    |-- InputError        a file or frame that is not what it should be
    |   |-- ContractError     base scores that break the contract
    |   |-- NoGenesError      none of the genes asked for is there
    |   `-- ManifestError     a feature manifest that cannot be used
    |-- FeatureError      a feature that nothing makes and that must not be filled
    |-- ModelError        a model that cannot be loaded, or predicts nonsense
    |   `-- UntrustedModelError   loading it would run code from the file
    |-- OutputError       a result that cannot be written
    |-- StoreError        an object store that cannot be used
    |-- ClusterError      Dask workers or a scheduler that cannot be used
    `-- EngineError       a fault inside Polars, as damaged data can cause
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from splice_meta.plain import plain

_FLAGS = ("overwrite", "resume", "trust-pickle")
_PARAMETERS = {
    "annotation": "annotation", "base-model": "base_model", "chrom-sizes": "sizes",
    "cluster": "cluster", "device": "device", "engine": "engine",
    "fasta": "fasta", "gene-types": "gene_types", "genes": "genes",
    "keep-artifacts-dir": "keep_artifacts_dir", "output-dir": "output_dir",
    "precision": "precision", "run-name": "run_name", "scores": "scores", "tissues": "tissues",
    "training-dataset": "training_dataset", "weights": "weights", "workers": "workers",
    **{name: f"{name.replace('-', '_')}=True" for name in _FLAGS},
}  # fmt: skip
_OPTION = re.compile(rf"--({'|'.join(_PARAMETERS)})(?![\w-])")

_in_options = False


@contextmanager
def words_of_options() -> Iterator[None]:
    """Let hints name options of the command line rather than arguments in Python."""
    global _in_options
    before, _in_options = _in_options, True
    try:
        yield
    finally:
        _in_options = before


class SpliceMetaError(Exception):
    """Base of all errors of the package.

    Text from outside in them is made harmless, see :mod:`splice_meta.plain`.

    Args:
        message: What is wrong and where, as one plain sentence.
        hint: What to do about it, as one plain sentence; options in it are named as on the command
            line.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        self.message = plain(message)
        self._hint = plain(hint)
        super().__init__(self.message, self._hint)

    @property
    def hint(self) -> str:
        """What to do about it, in the words of the caller: ``--overwrite``, ``overwrite=True``."""
        return self._hint if _in_options else _OPTION.sub(_as_argument, self._hint)

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


def _as_argument(option: re.Match[str]) -> str:
    return _PARAMETERS[option[1]]


class UsageError(SpliceMetaError):
    """An option or setting that cannot work; nothing was read or written."""


class InputError(SpliceMetaError):
    """A file or frame that is missing, unreadable or not of the expected kind."""


class ContractError(InputError):
    """Base scores that break the contract: column, row count and first gene are named."""


class NoGenesError(InputError):
    """Base scores that hold none of the genes asked for."""


class ManifestError(InputError):
    """A feature manifest that cannot be read or contradicts itself."""


class FeatureError(SpliceMetaError):
    """A feature the model needs, that nothing makes and that must not be filled."""


class ModelError(SpliceMetaError):
    """A model that cannot be loaded, or whose predictions are not probabilities."""


class UntrustedModelError(ModelError):
    """A model file that could run code when loaded, and that the user has not vouched for."""


class OutputError(SpliceMetaError):
    """A result that cannot be written where it was asked for."""


class StoreError(SpliceMetaError):
    """An object store that does not answer, or refuses what is asked of it."""


class ClusterError(SpliceMetaError):
    """Dask workers that do not start or end, or a scheduler that does not answer."""


class EngineError(SpliceMetaError):
    """A fault inside Polars, which damaged data can cause."""
