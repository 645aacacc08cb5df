"""What a run says to its log file."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from splice_meta.errors import OutputError, StoreError
from splice_meta.files.stores import Place
from splice_meta.harmonize import Fills
from splice_meta.jobs.plan import Shard
from splice_meta.pipeline.batch import describe_plan
from splice_meta.pipeline.matching import said_base_model
from splice_meta.runs.shards import beyond_budget
from splice_meta.runs.task import RunTask
from splice_meta.sink import whole_file

log = logging.getLogger("splice_meta")

PLAN = 5
"""Log level of the query plan, below DEBUG."""
logging.addLevelName(PLAN, "PLAN")


class Heard(logging.Handler):
    """Keeps the warnings that are said before a run has a log file.

    Attributes:
        records: What was said.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self.records.append(record)

    @property
    def messages(self) -> tuple[str, ...]:
        """The warnings as text, each once."""
        return tuple(dict.fromkeys(record.getMessage() for record in self.records))


@contextmanager
def hearing() -> Iterator[Heard]:
    """Keep the warnings that are said meanwhile; they are said as ever, too."""
    heard = Heard()
    log.addHandler(heard)
    try:
        yield heard
    finally:
        log.removeHandler(heard)


@contextmanager
def log_file(path: Place, append: bool = False) -> Iterator[logging.Handler]:
    """Send everything to the run's log file, and to a caller's logging no more than before.

    Args:
        path: The file; an object is put in the end, however the run ends.
        append: Keep what stands in it.

    Yields:
        What writes to it.
    """
    if isinstance(path, Path):
        with _logging_to(path, append) as handler:
            yield handler
        return
    with TemporaryDirectory(prefix="splice_meta_log_") as folder:
        local = Path(folder) / path.name
        if append and path.is_file():
            local.write_bytes(path.read_bytes())
        try:
            with _logging_to(local, append) as handler:
                yield handler
        except BaseException:
            with suppress(StoreError):  # what ended the run is what should be told
                path.write_bytes(local.read_bytes())
            raise
        path.write_bytes(local.read_bytes())


@contextmanager
def _logging_to(path: Path, append: bool) -> Iterator[logging.Handler]:
    try:
        _make_own(path, append)
        handler = _LogFile(path, mode="a", encoding="utf-8")
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror}.",
            "Check the permissions of the log's folder, and its free space.",
        ) from None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    handler.setLevel(logging.DEBUG)
    level, propagate = log.level, log.propagate
    added = [handler, *([_ToCaller(log.getEffectiveLevel())] if propagate else [])]
    log.setLevel(min(level or logging.DEBUG, logging.DEBUG))
    log.propagate = False
    for each in added:
        log.addHandler(each)
    try:
        yield handler
    finally:
        for each in added:
            log.removeHandler(each)
        log.setLevel(level)
        log.propagate = propagate
        with suppress(OSError):
            handler.close()


def _make_own(path: Path, append: bool) -> None:
    """Let the log be a file that no other run writes to, and that no link leads to."""
    if append and path.exists():
        if path.is_symlink() or path.stat().st_nlink > 1:
            with whole_file(path) as copy:
                shutil.copyfile(path, copy)
    else:
        path.unlink(missing_ok=True)


class _LogFile(logging.FileHandler):
    """A log that is cut off where the disk is full; that ends no run."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # logging's name
        """Nothing: the run's tables say more about the disk."""


class _ToCaller(logging.Handler):
    """Passes records on to the root logger, as propagation would."""

    def emit(self, record: logging.LogRecord) -> None:
        logging.getLogger().handle(record)


def log_start(task: RunTask, fills: Fills | None, shards: Sequence[Shard]) -> None:
    """Say what a run starts with: genes, selection, model, and what is filled; and its query plan.

    Args:
        task: What is done with its shards.
        fills: What is filled with a constant; None without a model.
        shards: Those to make.
    """
    opened, model, settings = task.scores, task.model, task.settings
    log.info(
        "%d genes, %d positions, mode %s", opened.table.genes.height, opened.table.positions,
        settings.mode,
    )  # fmt: skip
    if said := said_base_model(model, opened):
        log.info("Base scores: %s", said)
    log.info("Selection: %s", settings.selection)
    if model:
        log.info("Model: %s, %d features", model.source or "given", len(model.manifest.names))
    beyond = beyond_budget(opened, model, settings)
    if beyond:
        log.warning("%s", beyond)
    for gene in opened.table.unsorted:
        log.warning("The positions of gene %s do not ascend; they were sorted.", gene)
    for message in fills.messages() if fills is not None else []:
        log.warning("%s", message)
    if shards and any(handler.level <= PLAN for handler in log.handlers):
        plan = describe_plan(opened, shards[0].first, shards[0].stop, model, settings)
        for line in plan.splitlines():
            log.log(PLAN, "%s", line)
