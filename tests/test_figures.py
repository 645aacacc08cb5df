"""What the reports count, against a count row by row."""

from __future__ import annotations

from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from conftest import MODEL, make_scores

import splice_meta as sm
from splice_meta.report.summary import what_is_drawn
from splice_meta.runs.figures import BINS, SITE_COUNTS, add_changes
from splice_meta.runs.task import Receipt
from splice_meta.workflow import Watcher

SCORES = make_scores({f"G{n}": list(range(1, 2501 + 10 * n)) for n in range(6)})


@pytest.mark.parametrize("memory", [2 << 20, 1 << 30])
def test_sites_and_changes_are_those_of_the_table(tmp_path: Path, memory: int) -> None:
    receipts: list[Receipt] = []
    result = sm.run(
        SCORES, MODEL, tmp_path, settings=sm.RunSettings(memory=memory),
        watcher=Watcher(advanced=receipts.append),
    )  # fmt: skip

    counts: Counter[tuple[str, str]] = Counter()
    changes: Counter[int] = Counter()
    for row in result.predictions().collect().iter_rows(named=True):
        for name in SITE_COUNTS:
            stage, kind = name.removesuffix("s").split("_")
            column = f"{kind}_{'score' if stage == 'base' else 'meta'}"
            counts[row["gene_id"], name] += row[column] >= 0.5
        if row["is_adjusted"]:
            final = np.float32(row["donor_meta"]) + np.float32(row["acceptor_meta"])
            base = np.float32(row["donor_score"]) + np.float32(row["acceptor_score"])
            units = Decimal(float(final - base) * BINS).copy_abs()
            whole = int(units.quantize(Decimal(1), ROUND_HALF_UP))
            changes[whole if final >= base else -whole] += 1
    assert counts.total() > 0
    for gene in result.genes.iter_rows(named=True):
        assert all(gene[name] == counts[gene["gene_id"], name] for name in SITE_COUNTS)
    found = add_changes(receipt.changes for receipt in receipts)
    assert len(changes) > 2
    assert found.rows() == [(units / BINS, n) for units, n in sorted(changes.items())]


def test_only_parts_with_drawn_genes_are_read(tmp_path: Path) -> None:
    receipts: list[Receipt] = []
    settings = sm.RunSettings(memory=2 << 20, outputs=("complete",))
    result = sm.run(
        SCORES, MODEL, tmp_path, settings=settings, watcher=Watcher(advanced=receipts.append)
    )
    assert len(receipts) == 6
    genes = result.genes.with_columns(
        status=pl.when(pl.col("gene_id") == "G3").then(pl.lit("done")).otherwise(pl.lit("failed"))
    )
    for receipt in receipts:  # whoever reads another part finds nothing in it
        if "G3" not in receipt.genes["gene_id"]:
            result.layout.table("complete", receipt.shard.number, 6).write_bytes(b"")

    drawn = what_is_drawn(result.layout, receipts, genes)

    table = pl.read_parquet(result.layout.table("complete", 3, 6))
    scores = ("donor_score", "acceptor_score", "donor_meta", "acceptor_meta")
    expected = table.filter(pl.max_horizontal(scores) >= 0.1)
    assert expected.height > 0
    assert drawn.sites is not None
    assert drawn.sites.equals(expected.select(drawn.sites.columns))
