"""What the reports count, against a count row by row."""

from __future__ import annotations

from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import numpy as np
import pytest
from conftest import MODEL, make_scores

import splice_meta as sm
from splice_meta import workflow
from splice_meta.runs.figures import BINS, MOVED, add_changes
from splice_meta.runs.task import Receipt

SCORES = make_scores({f"G{n}": list(range(1, 2501 + 10 * n)) for n in range(6)})


@pytest.mark.parametrize("memory", [2 << 20, 1 << 30])
def test_changes_are_those_of_the_table(
    tmp_path: Path, memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipts: list[Receipt] = []
    monkeypatch.setattr(workflow, "_advance", lambda receipt, _: receipts.append(receipt))
    result = sm.run(SCORES, MODEL, tmp_path, settings=sm.RunSettings(memory=memory))

    moved: Counter[str] = Counter()
    changes: Counter[int] = Counter()
    for row in result.predictions().collect().iter_rows(named=True):
        if row["is_adjusted"]:
            final = np.float32(row["donor_meta"]) + np.float32(row["acceptor_meta"])
            base = np.float32(row["donor_score"]) + np.float32(row["acceptor_score"])
            moved[row["gene_id"]] += bool(abs(final - base) > MOVED)
            units = Decimal(float(final - base) * BINS).copy_abs()
            whole = int(units.quantize(Decimal(1), ROUND_HALF_UP))
            changes[whole if final >= base else -whole] += 1
    assert moved.total() > 0
    assert dict(result.genes.select("gene_id", "moved").rows()) == moved
    found = add_changes(receipt.changes for receipt in receipts)
    assert len(changes) > 2
    assert found.rows() == [(units / BINS, n) for units, n in sorted(changes.items())]
