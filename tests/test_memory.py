"""What a run takes per gene beside its positions, and what is said of too small a budget."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from conftest import make_scores

import splice_meta as sm
from splice_meta.report.json_text import json_pieces
from splice_meta.runs.shards import BYTES_OF_GENE, beyond_budget
from splice_meta.sources.base_scores import open_scores

GENES = 60_000

GROWTH = """
import resource, sys
import splice_meta as sm

def peak(table, folder):
    settings = sm.RunSettings(mode="base_only", memory=8 << 20)
    sm.run(table, None, folder, settings=settings, run_name="r")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

few = peak("few.parquet", "a")
print(1024 * (peak("many.parquet", "b") - few))
"""


@pytest.mark.long
def test_memory_per_gene(tmp_path: Path) -> None:
    for name, genes in (("few", 2000), ("many", GENES)):
        ids = pl.select(gene_id=pl.format("GENE{}", pl.int_range(genes))).to_series()
        rows = make_scores({"G": list(range(genes))}).drop("base")
        rows.with_columns(ids).write_parquet(tmp_path / f"{name}.parquet")

    done = subprocess.run(
        [sys.executable, "-c", GROWTH], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    # What a process has freed it may keep: twice what was measured with more genes.
    assert int(done.stdout) < 2 * BYTES_OF_GENE * GENES


@pytest.mark.parametrize("rows", [0, 1, 9_999, 10_000, 25_000])
def test_json_in_pieces_is_json_whose_pieces_stay_small(rows: int) -> None:
    table = pl.select(gene_id=pl.format('G"{}\\n', pl.int_range(rows)), rate=pl.lit(0.1))
    data = {"run": "r\n", "genes": table, "settings": {"a": [1, None]}, "path": Path("x")}

    pieces = list(json_pieces(data))

    expected = data | {"genes": table.to_dicts(), "path": "x"}
    assert json.loads("".join(pieces)) == expected
    assert max(map(len, pieces)) < 600_000


def test_a_row_is_the_json_of_its_values() -> None:
    table = pl.DataFrame({
        'a%s"': ["x, y", None, "é\n%d"], "whole": [1, None, -(1 << 60)],
        "real": [1e-7, float("nan"), 1e22], "flag": [True, None, False], "list": [[1, 2], None, []],
        "none": [None, None, None], "day": [date(2020, 1, 2), None, date(1999, 12, 31)],
    })  # fmt: skip

    text = "".join(json_pieces({"rows": table}))

    lines = (json.dumps(row, default=str) for row in table.to_dicts())
    assert text == '{\n "rows": [\n  ' + ",\n  ".join(lines) + "\n ]\n}\n"


@pytest.mark.parametrize(("genes", "memory", "words"), [
    ({"A": 100, "B": 20_000}, 1 << 20, ["the gene B with 20,000 positions", "1 MiB"]),
    ({f"G{n}": 1 for n in range(3000)}, 1 << 20, ["3,000 genes", "1 MiB"]),
    ({"A": 100, "B": 20_000}, 64 << 20, []),
])  # fmt: skip
def test_a_budget_that_is_too_small_is_said_and_not_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, genes: dict[str, int], memory: int,
    words: list[str],
) -> None:  # fmt: skip
    scores = make_scores({name: [*range(count)] for name, count in genes.items()}).drop("base")
    settings = sm.RunSettings(mode="base_only", memory=memory)

    said = beyond_budget(open_scores(scores), None, settings)
    result = sm.run(scores, None, tmp_path, settings=settings)

    assert bool(said) == bool(words)
    assert "\n" not in said
    assert all(word in said for word in words)
    assert (said in caplog.text) or not said
    assert result.failed == 0
