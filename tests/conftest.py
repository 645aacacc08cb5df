from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import numpy as np
import polars as pl
import pytest

import splice_meta as sm
from splice_meta.bundled import fixtures

FIXTURES = fixtures()
MODEL = "bundled:openspliceai-mane"


# How long an example takes says more of the machine's load than of the code.
hypothesis.settings.register_profile("without time", deadline=None)
hypothesis.settings.load_profile("without time")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    # The processes that share the tests must name them alike; packed bytes hold the time.
    return argname if isinstance(val, bytes) and not (val.isascii() and len(val) < 50) else None


@pytest.fixture(scope="session", autouse=True)
def cache_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    # Unpacked sequences and parsed annotations must not go to, or come from, the user's cache.
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session", autouse=True)
def plain_reports() -> Iterator[None]:
    """Runs draw no charts, which takes a second each; the tests of the report draw them."""
    from splice_meta.report import html

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(html, "has_plots", lambda: False)
        yield


_LOG = logging.getLogger("splice_meta")
_UNTOUCHED = (_LOG.handlers, _LOG.level, _LOG.propagate)


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    # A command sends the package's log to the stderr of its own time; so may a module's fixture.
    yield
    _LOG.handlers, _LOG.level, _LOG.propagate = _UNTOUCHED


@pytest.fixture(scope="session")
def demo_path() -> Path:
    return FIXTURES / "scores_openspliceai.parquet"


@pytest.fixture(scope="session")
def demo_scores(demo_path: Path) -> pl.DataFrame:
    return pl.read_parquet(demo_path)


@pytest.fixture(scope="session")
def short_genes(demo_scores: pl.DataFrame) -> pl.DataFrame:
    # The first 1,500 positions of each gene: real scores, quick to run.
    return demo_scores.group_by("gene_id", maintain_order=True).head(1500)


@pytest.fixture(scope="session")
def model() -> sm.MetaModel:
    return sm.load_model(MODEL)


@pytest.fixture(scope="session")
def kmer_model(demo_path: Path) -> sm.MetaModel:
    # The bundled model reads no sequence; this one gives weight to 3-mers.
    quick = sm.TrainSettings(
        rounds=10,
        folds=2,
        repeats=1,
        calibration="none",
        colsample=1.0,
        threads=1,
        parallel_trees=1,
    )
    return sm.train(demo_path, "reference124", settings=quick)


def make_scores(genes: dict[str, list[int]], seed: int = 0) -> pl.DataFrame:
    """Random but valid base scores for the given positions of each gene."""
    rng = np.random.default_rng(seed)
    rows = [(gene, position) for gene, positions in genes.items() for position in positions]
    p = rng.dirichlet([0.3, 0.3, 2.0], len(rows)).astype(np.float32)
    return pl.DataFrame(
        {
            "gene_id": [gene for gene, _ in rows],
            "position": [position for _, position in rows],
            "donor_score": p[:, 0],
            "acceptor_score": p[:, 1],
            "neither_score": p[:, 2],
            "base": rng.choice(list("ACGTN"), len(rows)),
        },
        schema_overrides={"gene_id": pl.String, "position": pl.Int64, "base": pl.String},
    )
