"""SpliceAI and OpenSpliceAI themselves, where they are installed."""

from __future__ import annotations

import pickle
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import splice_meta as sm
from splice_meta.base_models.openspliceai import CHANNELS, DILATIONS, WIDTHS
from splice_meta.base_models.torch_device import CPU_BATCH, GPU_BATCH, batch_of, choose_device
from splice_meta.base_models.windows import GeneScores, batches, cut, score_windows
from splice_meta.contracts import SCORES
from splice_meta.errors import InputError, SpliceMetaError, UsageError

# Data that stand beside a developer's checkout only.
SHARED = Path(__file__).parents[2] / "shared" / "data"
REGION = SHARED / "chr22_20M_grch37"
GENCODE = SHARED / "chr3_52M_grch38"
MANE = SHARED / "openspliceai-mane-10000nt"
SMALLEST = ("ENSG00000274252", "ENSG00000278558")  # one of each strand
TOLERANCE = 1e-4


INSTALLED = {
    name for name in ("torch", "keras", "h5py", "spliceai", "openspliceai") if find_spec(name)
}
# Not by an import: keras chooses its backend at the first one.
has_spliceai = pytest.mark.skipif(
    not {"torch", "keras", "h5py", "spliceai"} <= INSTALLED, reason="without the extra spliceai"
)
has_openspliceai = pytest.mark.skipif(
    not {"torch", "openspliceai"} <= INSTALLED, reason="without the extra openspliceai"
)


def refusal(name: str, weights: Any, device: str = "cpu") -> SpliceMetaError:
    with pytest.raises(SpliceMetaError) as caught:
        sm.load_base_model(name, weights, device)
    for part in (caught.value.message, caught.value.hint):
        assert part
        assert part.endswith(".") or ": pip install '" in part
        assert "\n" not in part
        assert ":." not in part
    return caught.value


# --- Against scores that were made elsewhere ---------------------------------------------------


@pytest.mark.skipif(not REGION.is_dir(), reason="no data beside the checkout")
@pytest.mark.parametrize(
    ("name", "weights"),
    [
        pytest.param("spliceai", None, marks=has_spliceai),
        pytest.param("openspliceai", MANE, marks=has_openspliceai),
    ],
)
def test_scores_are_those_of_the_authors_networks(
    tmp_path: Path, name: str, weights: Path | None
) -> None:
    expected = pl.read_parquet(REGION / f"scores_{name}.parquet").filter(
        pl.col("gene_id").is_in(SMALLEST)
    )
    gtf = tmp_path / "genes.gtf"
    gtf.write_text("".join(map(gene_line, spans(expected).rows())))

    result = sm.score(
        gtf, REGION / "region.fa.gz", tmp_path / "scores.parquet",
        base_model=name, weights=weights, genes=SMALLEST, device="cpu",
    )  # fmt: skip

    assert result.failed == 0
    expected = pl.concat(expected.filter(gene_id=gene) for gene in SMALLEST)
    assert_same(result.scores().collect(), expected.drop("splice_type"))


@pytest.mark.skipif(not GENCODE.is_dir(), reason="no data beside the checkout")
@has_openspliceai
def test_scores_and_truth_by_a_real_annotation(tmp_path: Path) -> None:
    gene = "ENSG00000114854"
    expected = pl.read_parquet(GENCODE / "scores_openspliceai.parquet").filter(gene_id=gene)

    result = sm.score(
        GENCODE / "gencode_v35.gtf.gz", GENCODE / "region.fa.gz", tmp_path / "scores.parquet",
        weights=MANE, genes=gene, truth=True, device="cpu",
    )  # fmt: skip

    # The annotation calls the chromosome chr3.
    assert_same(result.scores().collect().drop("chrom"), expected.drop("chrom"))
    assert expected["splice_type"].sum() > 0


def assert_same(found: pl.DataFrame, expected: pl.DataFrame) -> None:
    """The same table, but for the scores' rounding and wider integers."""
    assert found.columns == expected.columns
    expected = expected.cast(dict(found.schema))
    assert found.drop(SCORES).equals(expected.drop(SCORES))
    furthest = np.abs(found.select(SCORES).to_numpy() - expected.select(SCORES).to_numpy()).max()
    assert furthest <= TOLERANCE


def spans(scores: pl.DataFrame) -> pl.DataFrame:
    return scores.group_by("gene_id", "chrom", "strand").agg(
        start=pl.col("genomic_position").min(), end=pl.col("genomic_position").max()
    )


def gene_line(row: tuple[str, str, str, int, int]) -> str:
    gene, chrom, strand, start, end = row
    return f'{chrom}\ttest\tgene\t{start}\t{end}\t.\t{strand}\t.\tgene_id "{gene}";\n'


# --- OpenSpliceAI's weights --------------------------------------------------------------------


def random_state(units: int, seed: int = 0) -> dict[str, Any]:
    """The state of a network with random weights, as the package's own class makes it."""
    import torch
    from openspliceai.train_base.openspliceai import SpliceAI

    torch.manual_seed(seed)
    network = SpliceAI(CHANNELS, np.array(WIDTHS[:units]), np.array(DILATIONS[:units]))
    return dict(network.state_dict())


def save_state(path: Path, units: int = 4, seed: int = 0, front: str = "") -> Path:
    import torch

    state = random_state(units, seed)
    torch.save({front + name: value for name, value in state.items()}, path)
    return path


def one_hot(rng: np.random.Generator, count: int, length: int) -> np.ndarray:
    found = np.zeros((count, length, 4), dtype=np.float32)
    codes = rng.integers(0, 5, (count, length))  # 4 is N
    for code in range(4):
        found[codes == code, code] = 1
    return found


@has_openspliceai
@pytest.mark.parametrize(("units", "context"), [(4, 80), (8, 400), (12, 2000), (16, 10_000)])
def test_context_is_that_of_the_weights(tmp_path: Path, units: int, context: int) -> None:
    save_state(tmp_path / "model.pt", units)

    model = sm.load_base_model("openspliceai", tmp_path, "cpu")

    assert isinstance(model, sm.BaseModel)
    assert (model.context, model.batch) == (context, CPU_BATCH)
    found = model.predict(one_hot(np.random.default_rng(1), 2, context + 30))
    assert (found.shape, found.dtype) == ((2, 30, 3), np.float32)
    np.testing.assert_allclose(found.sum(axis=2), 1, atol=1e-5)


@has_openspliceai
def test_score_is_the_mean_and_channels_are_in_our_order(tmp_path: Path) -> None:
    import torch
    from openspliceai.train_base.openspliceai import SpliceAI

    for seed in (1, 2, 3):
        # DataParallel puts "module." in front.
        save_state(tmp_path / f"{seed}.pt", seed=seed, front="module." if seed == 2 else "")
    x = one_hot(np.random.default_rng(2), 3, 100)

    found = sm.load_base_model("openspliceai", tmp_path, "cpu").predict(x)

    outputs = []
    for seed in (1, 2, 3):
        network = SpliceAI(CHANNELS, np.array(WIDTHS[:4]), np.array(DILATIONS[:4]))
        network.load_state_dict(random_state(4, seed))
        with torch.inference_mode():
            outputs.append(network.eval()(torch.from_numpy(x).transpose(1, 2)).numpy())
    neither, acceptor, donor = np.moveaxis(np.mean(outputs, axis=0), 1, 0)
    expected = np.stack([donor, acceptor, neither], axis=2)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@has_openspliceai
def test_no_seams_within_rounding(tmp_path: Path) -> None:
    model = sm.load_base_model("openspliceai", save_state(tmp_path / "m.pt"), "cpu")
    bases = np.random.default_rng(3).choice(list(b"ACGTN"), 700 + 80).astype(np.uint8)

    def scores(size: int, count: int) -> np.ndarray:
        gene = GeneScores("g", bases, 80)
        for windows in batches(cut([gene], size), count):
            score_windows(model, windows)
        assert gene.missing == 0
        return gene.scores

    whole = scores(10_000, 1)
    for size, count in ((1, 8), (97, 1), (97, 4), (350, 2)):
        np.testing.assert_allclose(scores(size, count), whole, atol=1e-6)


@has_openspliceai
def test_digest_changes_with_the_weights(tmp_path: Path) -> None:
    def digest(seed: int) -> str:
        return sm.load_base_model(
            "openspliceai", save_state(tmp_path / "m.pt", seed=seed), "cpu"
        ).digest

    assert digest(1) == digest(1) != digest(2)


class Code:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def truncated(path: Path) -> None:
    raw = save_state(path).read_bytes()
    path.write_bytes(raw[: len(raw) // 2])


def with_other(path: Path, change: Any) -> None:
    import torch

    state = random_state(4)
    change(state)
    torch.save(state, path)


@has_openspliceai
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda path: path.write_bytes(pickle.dumps(Code(path.with_name("ran")))),
            "something else",
        ),
        (
            lambda path: __import__("torch").save(Code(path.with_name("ran")), path),
            "something else",
        ),
        (lambda path: __import__("torch").save({"a": 1}, path), "it has 0 residual units"),
        (lambda path: __import__("torch").save({1: 2}, path), "it has 0 residual units"),
        (lambda path: __import__("torch").save([1, 2], path), "it holds a list"),
        (truncated, ""),
        (lambda path: path.write_bytes(b""), ""),
        (lambda path: path.write_text("not a network"), "something else than weights"),
        (lambda path: with_other(path, lambda s: s.pop("final_conv.bias")), "final_conv.bias"),
        (
            lambda path: with_other(
                path, lambda s: s.update({"final_conv.bias": s["final_conv.weight"]})
            ),
            "size mismatch for final_conv.bias",
        ),
        (lambda path: with_other(path, lambda s: s.update(more=s["final_conv.bias"])), "more"),
        (
            lambda path: with_other(path, lambda s: s.update({"final_conv.bias": 3})),
            "final_conv.bias",
        ),
        (lambda path: save_state(path, units=6), "it has 6 residual units, not 4, 8, 12 or 16"),
    ],
)
def test_files_that_hold_no_network(tmp_path: Path, make: Any, words: str) -> None:
    make(tmp_path / "model.pt")

    error = refusal("openspliceai", tmp_path)

    assert isinstance(error, InputError)
    assert f"{tmp_path / 'model.pt'} holds no OpenSpliceAI network" in error.message
    assert words in error.message
    assert not (tmp_path / "ran").exists()


@has_openspliceai
def test_networks_of_several_contexts_are_refused(tmp_path: Path) -> None:
    save_state(tmp_path / "a.pt", 4)
    save_state(tmp_path / "b.pt", 8)

    error = refusal("openspliceai", tmp_path)

    assert "several contexts (a.pt: 80, b.pt: 400)" in error.message


@has_openspliceai
def test_a_wrong_file_among_good_ones_is_named(tmp_path: Path) -> None:
    import torch

    save_state(tmp_path / "a.pt")
    torch.save({"optimizer": 1}, tmp_path / "b.pt")

    assert "b.pt holds no OpenSpliceAI network" in refusal("openspliceai", tmp_path).message


def test_openspliceai_needs_weights(tmp_path: Path) -> None:
    assert "needs its weights" in refusal("openspliceai", None).message
    assert "no folder of weights" in refusal("openspliceai", tmp_path / "none").message
    assert "holds no weights" in refusal("openspliceai", tmp_path).message


# --- SpliceAI's weights ------------------------------------------------------------------------


@has_spliceai
@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.write_text("not a network"),
        lambda path: path.write_bytes(b""),
        lambda path: __import__("h5py").File(path, "w").close(),
        lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(500)),
    ],
)
def test_files_that_hold_no_keras_network(tmp_path: Path, make: Any) -> None:
    make(tmp_path / "model.h5")

    error = refusal("spliceai", tmp_path)

    assert isinstance(error, InputError)
    assert f"{tmp_path / 'model.h5'} holds no SpliceAI network" in error.message


def save_layers(path: Path, layer: str) -> None:
    """Save a network of one layer; in a process of its own, as saving warns."""
    code = (
        "import os; os.environ['KERAS_BACKEND'] = 'torch'\n"
        "import keras\n"
        f"keras.Sequential([keras.Input((None, 4)), {layer}]).save({str(path)!r})"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@has_spliceai
def test_code_in_a_keras_file_is_not_run(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    save_layers(
        tmp_path / "model.h5",
        f"keras.layers.Lambda(lambda x: (__import__('pathlib').Path({str(ran)!r}).touch(), x)[1])",
    )
    assert ran.exists()
    ran.unlink()

    error = refusal("spliceai", tmp_path)

    assert "Lambda" in error.message
    assert not ran.exists()


@has_spliceai
@pytest.mark.parametrize("layer", ["keras.layers.Conv1D(3, 11)", "keras.layers.Conv1D(2, 10_001)"])
def test_keras_networks_of_another_shape_are_refused(tmp_path: Path, layer: str) -> None:
    save_layers(tmp_path / "model.h5", layer)

    error = refusal("spliceai", tmp_path)

    assert error.message.endswith("it gives other than 3 scores in a context of 10000.")


# --- What is not installed, and devices --------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "blocked"),
    [
        ("openspliceai", "openspliceai"),
        ("openspliceai", "torch"),
        ("spliceai", "keras"),
        ("spliceai", "torch"),
        ("spliceai", "h5py"),
        ("spliceai", "spliceai"),
    ],
)
def test_a_missing_package_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, blocked: str
) -> None:
    for suffix in (".pt", ".h5"):
        (tmp_path / f"model{suffix}").write_text("")
    for module in [m for m in sys.modules if m.partition(".")[0] == blocked]:
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, blocked, None)

    error = refusal(name, None if blocked == "spliceai" else tmp_path)

    assert isinstance(error, UsageError)
    assert error.hint == f"Install it with: pip install 'splice_meta[{name}]'"


@pytest.mark.skipif("torch" not in INSTALLED, reason="without torch")
def test_devices() -> None:
    assert choose_device("cpu") == "cpu"
    assert choose_device("auto") in ("cpu", "cuda", "mps")
    assert (batch_of("cpu"), batch_of("cuda"), batch_of("mps")) == (CPU_BATCH, GPU_BATCH, GPU_BATCH)
    for device in (
        "abacus",
        "",
        "meta",
        "xpu",
        *([] if choose_device("auto") == "cuda" else ["cuda", "cuda:1"]),
    ):
        with pytest.raises(UsageError, match=f"no device '{device}'") as caught:
            choose_device(device)
        assert caught.value.hint.startswith("Here there is: cpu")
