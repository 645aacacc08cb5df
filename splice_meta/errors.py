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

from splice_meta.plain import plain


class SpliceMetaError(Exception):
    """Base of all errors of the package.

    Text from outside in them is made harmless, see :mod:`splice_meta.plain`.

    Args:
        message: What is wrong and where, as one plain sentence.
        hint: What to do about it, as one plain sentence.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        self.message = plain(message)
        self.hint = plain(hint)
        super().__init__(self.message, self.hint)

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


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
