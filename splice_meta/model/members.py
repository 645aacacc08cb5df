"""Models made of models: several members, each with boosters and a calibration, combined.

In ``bundle.json`` such a model is a tree of plain numbers. Its boosters lie in the bundle in the
order in which the tree is read, from its first leaf to its last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np

from splice_meta.contracts import CLASSES
from splice_meta.errors import ModelError
from splice_meta.files.records import Entry
from splice_meta.model.curves import Curves, Floats, Single, normalised, read_curves

MemberKind = Literal["multiclass", "three_binary", "combination"]
Method = Literal["mean", "maximum"]
KINDS: tuple[MemberKind, ...] = ("multiclass", "three_binary", "combination")
METHODS: tuple[Method, ...] = ("mean", "maximum")

DEEPEST = 4
"""How deep combinations may lie in each other."""

_HINT = "Convert the model again, or make the bundle again."


@dataclass(frozen=True, kw_only=True)
class Member:
    """A model, or several combined; rows are in the order neither, donor, acceptor.

    ``multiclass``: one booster with three outputs. ``three_binary``: three boosters, one class
    against the rest each, and their curves; without curves rows are not normalised.
    ``combination``: the weighted mean of its members' rows, or their weighted maximum.

    Args:
        kind: Which of the three.
        curves: Of ``three_binary``.
        members: Of a combination.
        method: Of a combination.
        weights: Of its members; empty for 1 each.
        is_normalised: Whether its rows are divided by their sums.

    Raises:
        ModelError: If there are other things than the kind has.
    """

    kind: MemberKind
    curves: Curves | None = None
    members: tuple[Member, ...] = ()
    method: Method = "mean"
    weights: tuple[float, ...] = ()
    is_normalised: bool = False

    def __post_init__(self) -> None:
        is_leaf = self.kind != "combination"
        are_weights = all(0 <= w < float("inf") for w in self.weights) and (
            not self.weights or (len(self.weights) == len(self.members) and sum(self.weights) > 0)
        )
        if is_leaf == bool(self.members) or not are_weights or self.depth > DEEPEST:
            raise ModelError(
                "The combination of models is damaged: it needs members, at most "
                f"{DEEPEST} deep in each other, and a weight of 0 or more for each.",
                _HINT,
            )

    @property
    def depth(self) -> int:
        """How many combinations lie in each other."""
        return 1 + max(m.depth for m in self.members) if self.members else 0

    def leaves(self) -> Iterator[Member]:
        """The members that have boosters, in their order."""
        if not self.members:
            yield self
        for member in self.members:
            yield from member.leaves()

    def rows(self, outputs: Iterator[Single]) -> Floats:
        """Its rows, shape (rows, 3).

        Args:
            outputs: What its boosters give, in their order: (rows, 3) of a multiclass one, else
                (rows,). As many are taken as it has boosters.
        """
        if self.kind == "multiclass":
            return next(outputs).astype(np.float64)
        if self.kind == "three_binary":
            raw = np.stack([next(outputs) for _ in CLASSES], axis=1)
            return self.curves.apply(raw) if self.curves else raw.astype(np.float64)
        parts = [member.rows(outputs) for member in self.members]
        weights = self.weights or (1.0,) * len(parts)
        weighted = [weight * part for weight, part in zip(weights, parts, strict=True)]
        if self.method == "maximum":
            found = np.max(weighted, axis=0)
        else:
            found = np.sum(weighted, axis=0) / sum(weights)
        return normalised(found) if self.is_normalised else np.asarray(found, np.float64)

    def files(self, number: Iterator[int]) -> list[str]:
        """The names of the files of its boosters.

        Args:
            number: Counts the leaves.
        """
        if self.members:
            return [name for member in self.members for name in member.files(number)]
        front = f"member_{next(number):03}"
        if self.kind == "multiclass":
            return [f"{front}.ubj"]
        return [f"{front}_{name}.ubj" for name in CLASSES]

    @property
    def words(self) -> str:
        """What it is, for people."""
        if not self.members:
            curves = f" with {self.curves.words} calibration" if self.curves else ""
            return f"{self.kind}{curves}"
        weights = f", weights {', '.join(f'{w:.3g}' for w in self.weights)}" if self.weights else ""
        kinds = dict.fromkeys(member.words for member in self.members)
        return f"{self.method} of {len(self.members)} members{weights}: {'; '.join(kinds)}"

    def to_dict(self) -> dict[str, Any]:
        """The member as plain values, for JSON."""
        if self.kind != "combination":
            return {"kind": self.kind, "curves": self.curves.to_dict() if self.curves else None}
        return {
            "kind": self.kind, "method": self.method, "weights": list(self.weights),
            "is_normalised": self.is_normalised,
            "members": [member.to_dict() for member in self.members],
        }  # fmt: skip


def read_member(data: Entry, deepest: int = DEEPEST) -> Member:
    """The member that :meth:`Member.to_dict` wrote.

    Raises:
        ModelError: If something in it does not fit.
    """
    kind = cast(MemberKind, data.at("kind").one_of(KINDS))
    if kind != "combination":
        curves = data.find("curves") if kind == "three_binary" else None
        return Member(kind=kind, curves=read_curves(curves) if curves else None)
    if deepest < 1:
        data.refuse(f"a model with combinations at most {DEEPEST} deep in each other")
    normal = data.at("is_normalised")
    if not isinstance(normal.value, bool):
        normal.refuse("true or false")
    return Member(
        kind=kind,
        method=cast(Method, data.at("method").one_of(METHODS)),
        weights=data.at("weights").numbers(0),
        is_normalised=bool(normal.value),
        members=tuple(read_member(each, deepest - 1) for each in data.at("members").items()),
    )
