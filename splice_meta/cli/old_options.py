"""Options of meta-spliceai's main inference script, as ``run`` understands them.

What has the same meaning here is passed on under the name it has here, what needs no option here
is passed over with a word, and what would mean something else is refused with what to use.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from splice_meta.errors import UsageError


@dataclass(frozen=True)
class Old:
    """What becomes of an option.

    Attributes:
        new: The option it is called here; empty where it is passed over or refused.
        values: Values behind it: 0, 1, or -1 for any number.
        said: What is said where it is passed over.
        refused: What to use in its place, where it is refused.
    """

    new: str = ""
    values: int = 0
    said: str = ""
    refused: str = ""


_MLFLOW = "Write --mlflow URI; MLFLOW_EXPERIMENT_NAME in the environment names the experiment."
OLD_OPTIONS: dict[str, Old] = {
    "--model-path": Old("--model", 1),
    "--training-dataset-path": Old("--training-dataset", 1),
    "--disable-adaptive-tuning": Old("--no-adaptive-tuning"),
    "--force-recompute": Old("--overwrite"),
    "--complete-coverage": Old(said="every position is predicted in any case"),
    "--enable-chunked-processing": Old(said="genes are always done in batches, see --memory"),
    "--chunk-size": Old(values=1, said="batches are made to fit --memory"),
    "--max-positions": Old(values=1, said="every position of a gene is predicted"),
    "--no-cleanup": Old(said="what to keep is said by --keep-artifacts-dir"),
    "--no-performance-report": Old(said="the reports are written in any case"),
    "--preserve-artifacts": Old(said="artifacts are kept where --keep-artifacts-dir is given"),
    "--parallel-workers": Old(
        values=1,
        refused="All cores are used in any case; for several processes write --workers N.",
    ),
    "--model-keywords": Old(
        values=-1,
        refused="Give the model file by --model FILE; a folder's model is found by its name.",
    ),
    "--strategy": Old(
        values=1,
        refused="Write --inference-mode meta_only for COMPLETE, hybrid (the default) for "
        "UNCERTAINTY_FOCUSED; TRAINING_GAPS has no counterpart.",
    ),
    "--mlflow-enable": Old(refused=_MLFLOW),
    "--mlflow-experiment": Old(values=1, refused=_MLFLOW),
    "--mlflow-tracking-uri": Old(values=1, refused=_MLFLOW),
    "--mlflow-tags": Old(values=-1, refused=_MLFLOW),
}
"""By their names. The script's other options have the same name and meaning here."""

_SAME = {"--strategy": "SELECTIVE", "--parallel-workers": "1"}
"""Values that are the default there, and mean what is done here."""


def translated(arguments: Sequence[str]) -> list[str]:
    """A command with the older script's options as those of ``run``.

    Args:
        arguments: The command and its options; those of other commands are returned as they are.

    Raises:
        UsageError: If one means something that is not done here; it names what to use.
    """
    if arguments[:1] != ["run"]:
        return list(arguments)
    found, left = [arguments[0]], list(arguments[1:])
    quiet = "-q" in left or "--quiet" in left
    while left:
        word = left.pop(0)
        name, sign, value = word.partition("=")
        old = OLD_OPTIONS.get(name)
        if old is None:
            found.append(word)
            continue
        values = [value] if sign else _values(left, old.values)
        if old.new:
            found += [old.new, *values]
        elif old.refused and values[:1] != [_SAME.get(name)]:
            raise UsageError(f"{name} is an option of meta-spliceai, not of this run.", old.refused)
        elif not quiet:
            said = old.said or f"{values[0]} is what is done"
            print(f"{name} is not needed: {said}.", file=sys.stderr)
    return found


def _values(left: list[str], count: int) -> list[str]:
    """The values behind an option, taken off what is left."""
    taken: list[str] = []
    while left and len(taken) != count and (count > 0 or not left[0].startswith("-")):
        taken.append(left.pop(0))
    return taken
