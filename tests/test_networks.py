"""Networks as data, the engines that run them, and the files they come from."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from naive_network import naive_probabilities, random_parts
from numpy.typing import NDArray
from weight_writers import (
    Name,
    openspliceai_state,
    pangolin_state,
    save_keras,
    save_torch,
)  # fmt: skip

import splice_meta as sm
from splice_meta.base_models import spliceai
from splice_meta.base_models.engines import choose_engine
from splice_meta.base_models.load import load_base_model
from splice_meta.base_models.network import Ensemble, build
from splice_meta.base_models.network_model import NetworkModel, backwards
from splice_meta.base_models.on_openvino import OnOpenVino
from splice_meta.base_models.openspliceai import EPSILON, SLOPE
from splice_meta.base_models.pangolin import TISSUES, donor_share
from splice_meta.base_models.windows import (
    STEP,
    WINDOW,
    GeneScores,
    cut,
    overlapped,
    score_windows,
    spread,
)
from splice_meta.errors import InputError, UsageError
from splice_meta.runtime.process import usable_cores

has_torch = pytest.mark.skipif(find_spec("torch") is None, reason="without torch")
ENGINES = ["openvino", pytest.param("torch", marks=has_torch)]


def one_hot(length: int, count: int = 1, seed: int = 0) -> NDArray[np.float32]:
    found = np.zeros((count, length, 4), dtype=np.float32)
    codes = np.random.default_rng(seed).integers(0, 5, (count, length))  # 4 is N
    for code in range(4):
        found[codes == code, code] = 1
    return found


def run(ensemble: Ensemble, engine: str, letters: NDArray[np.float32], precision: str = "float32"):
    return choose_engine(engine, "cpu", precision)(ensemble).forward(letters)


# --- Values ------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("units", "slope"), [(4, 0.0), (4, 0.1), (8, 0.1), (12, 0.0)])
def test_engines_give_what_the_authors_describe(engine: str, units: int, slope: float) -> None:
    parts = random_parts(units, seed=units)
    network = build(parts, EPSILON, slope)
    letters = one_hot(network.context + 61, seed=units)

    found = run(Ensemble((network,), (0,)), engine, letters)

    expected = naive_probabilities(parts, letters[0], EPSILON, slope)
    assert found.shape == (1, 3, 61)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0], expected, atol=2e-6)
    assert np.ptp(expected, axis=1).min() > 0.05  # the sequence matters


@pytest.mark.parametrize("engine", ENGINES)
def test_networks_of_a_group_are_averaged(engine: str) -> None:
    listed = [random_parts(outputs=2, seed=seed) for seed in range(5)]
    networks = tuple(build(parts, 1e-3, 0.0) for parts in listed)
    letters = one_hot(80 + 30)

    found = run(Ensemble(networks, (0, 1, 0, 1, 0)), engine, letters)[0]

    each = [naive_probabilities(parts, letters[0], 1e-3, 0.0) for parts in listed]
    expected = [np.mean(each[0::2], axis=0), np.mean(each[1::2], axis=0)]
    np.testing.assert_allclose(found, np.concatenate(expected), atol=2e-6)


@has_torch
def test_engines_agree_on_a_batch() -> None:
    ensemble = Ensemble((build(random_parts(8), EPSILON, SLOPE),), (0,))
    letters = one_hot(400 + 500, count=3)

    one, other = (run(ensemble, engine, letters) for engine in ("openvino", "torch"))

    np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("engine", ENGINES)
def test_shorter_products_are_near(engine: str) -> None:
    ensemble = Ensemble((build(random_parts(), EPSILON, SLOPE),), (0,))
    letters = one_hot(80 + 300)

    exact, near = (run(ensemble, engine, letters, each) for each in ("float32", "bfloat16"))

    assert 0 < np.abs(exact - near).max() < 0.05


# --- The same bits wherever a gene is cut ------------------------------------------------------


def bases(length: int) -> NDArray[np.uint8]:
    return np.random.default_rng(5).choice(list(b"ACGTN"), length).astype(np.uint8)


def scores(model: NetworkModel, raw: NDArray[np.uint8], most: int) -> NDArray[np.float32]:
    gene = GeneScores("g", raw, model.context)
    listed = ([window] for window in cut([gene], most))
    with ThreadPoolExecutor(model.parallel) as pool:
        for _ in overlapped(lambda some: score_windows(model, some), listed, pool, model.parallel):
            pass
    return gene.scores


@pytest.fixture(scope="module")
def small() -> Ensemble:
    return Ensemble(tuple(build(random_parts(seed=n), EPSILON, SLOPE) for n in range(2)), (0, 0))


@pytest.mark.parametrize("threads", [1, 3])
def test_bits_do_not_depend_on_windows_or_threads(small: Ensemble, threads: int) -> None:
    def model(parallel: int) -> NetworkModel:
        return NetworkModel(
            "n", small, "", lambda ensemble: OnOpenVino(ensemble, "float32", parallel), backwards
        )

    raw = bases(3 * STEP + 80)
    whole = scores(model(1), raw, 10_000)

    for most in (211, STEP - 80, STEP, 4000):
        assert np.array_equal(scores(model(threads), raw, most), whole)


def test_calls_at_once_do_not_disturb_each_other(small: Ensemble) -> None:
    engine = OnOpenVino(small, "float32", 2)
    # More lengths than graphs are kept.
    inputs = [one_hot(80 + 40 + STEP * (n % 5), seed=n) for n in range(20)]
    expected = [engine.forward(letters) for letters in inputs]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(engine.forward, inputs))

    assert all(map(np.array_equal, found, expected))


def test_cores_are_those_that_the_user_or_the_batch_system_allows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert usable_cores() == 3

    for said in ("", "0", "all"):
        monkeypatch.setenv("OMP_NUM_THREADS", said)
        assert 1 <= usable_cores() <= 4096


# --- Files of weights --------------------------------------------------------------------------


@pytest.mark.parametrize(("units", "context"), [(4, 80), (8, 400)])
def test_openspliceai_is_read_without_torch(tmp_path: Path, units: int, context: int) -> None:
    listed = [random_parts(units, seed=seed) for seed in range(3)]
    for number, parts in enumerate(listed):
        # DataParallel puts "module." in front.
        front = "module." if number == 1 else ""
        state = OrderedDict((front + k, v) for k, v in openspliceai_state(parts).items())
        save_torch(tmp_path / f"{number}.pt", state)
    letters = one_hot(context + 25)

    model = load_base_model("openspliceai", tmp_path, "cpu", engine="openvino")

    assert isinstance(model, sm.BaseModel)
    assert (model.name, model.context) == ("openspliceai", context)
    each = [naive_probabilities(parts, letters[0], 1e-5, 0.1) for parts in listed]
    neither, acceptor, donor = np.mean(each, axis=0)
    expected = np.stack([donor, acceptor, neither], axis=1)
    np.testing.assert_allclose(model.predict(letters)[0], expected, atol=2e-6)


def test_spliceai_is_read_without_keras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spliceai, "CONTEXT", 80)
    listed = [random_parts(seed=seed) for seed in range(2)]
    for number, parts in enumerate(listed):
        save_keras(tmp_path / f"{number}.h5", parts)
    letters = one_hot(80 + 25)

    model = load_base_model("spliceai", tmp_path, "cpu", engine="openvino")

    each = [naive_probabilities(parts, letters[0], 1e-3, 0.0) for parts in listed]
    neither, acceptor, donor = np.mean(each, axis=0)
    expected = np.stack([donor, acceptor, neither], axis=1)
    np.testing.assert_allclose(model.predict(letters)[0], expected, atol=2e-6)


def test_spliceai_of_another_context_is_refused(tmp_path: Path) -> None:
    save_keras(tmp_path / "a.h5", random_parts())

    with pytest.raises(InputError, match=r"a\.h5 holds no SpliceAI network: .*of 80, not 10,000"):
        load_base_model("spliceai", tmp_path, "cpu")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda layers: layers[2]["config"].update(dilation_rate=[2]), "its dilations are others"),
        (lambda layers: layers[1]["config"].update(activation="tanh"), "other layers.*tanh"),
        (
            lambda layers: layers.append({"class_name": "Lambda", "config": {"name": "lambda_1"}}),
            "lambda_1|Lambda",
        ),
        (lambda layers: layers.clear(), "holds no SpliceAI"),
        (lambda layers: layers.pop(), "batch norms|name norm"),
    ],
)
def test_keras_networks_of_another_kind_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Any, words: str
) -> None:
    monkeypatch.setattr(spliceai, "CONTEXT", 80)
    save_keras(tmp_path / "a.h5", random_parts(), change)

    with pytest.raises(InputError, match=words):
        load_base_model("spliceai", tmp_path, "cpu")


@pytest.mark.parametrize("raw", [b"", b"not a network", b"\x89HDF\r\n\x1a\n" + bytes(500)])
@pytest.mark.parametrize("name", ["openspliceai", "spliceai"])
def test_files_that_hold_no_network_are_named(tmp_path: Path, name: str, raw: bytes) -> None:
    file = tmp_path / f"a.{'pt' if name == 'openspliceai' else 'h5'}"
    file.write_bytes(raw)

    with pytest.raises(InputError, match=f"{file.name} holds no (Open)?SpliceAI network") as caught:
        load_base_model(name, tmp_path, "cpu")

    assert "\n" not in caught.value.message


class Code:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def changed(**arrays: Any) -> dict[str, Any]:
    named = {name.replace("__", "."): values for name, values in arrays.items()}
    return {**openspliceai_state(random_parts()), **named}


def without(name: str) -> dict[str, Any]:
    state = changed()
    del state[name]
    return state


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"a": 1}, "something else than weights"),
        ([1, 2], "holds a list in place of a state_dict"),
        (Name("os", "system"), "os.system"),
        ({"a": Name("torch", "load")}, "torch.load"),
        ({}, "it has 0 residual units"),
        (without("final_conv.bias"), "it has no array head.bias"),
        (changed(final_conv__bias=np.zeros((3, 2), np.float32)), r"the shape \(3, 2\), not \(3\)"),
        (changed(more__bias=np.zeros(3, np.float32)), "it has an array more.bias"),
        (changed(final_conv__bias=np.full(3, np.nan, np.float32)), "not finite"),
        (openspliceai_state(random_parts(units=6)), "6 residual units, not 4, 8, 12 or 16"),
    ],
)
def test_state_dicts_that_hold_no_network(tmp_path: Path, value: Any, words: str) -> None:
    save_torch(tmp_path / "m.pt", value)

    with pytest.raises(InputError, match=rf"m\.pt holds no OpenSpliceAI network: .*{words}"):
        load_base_model("openspliceai", tmp_path, "cpu")


def test_no_code_of_a_file_is_run(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    save_torch(tmp_path / "m.pt", {"a": Code(ran)})
    (tmp_path / "n.pt").write_bytes(pickle.dumps(Code(ran)))

    for name in ("m.pt", "n.pt"):
        with pytest.raises(InputError, match="holds no OpenSpliceAI network"):
            load_base_model("openspliceai", tmp_path / name, "cpu")

    assert not ran.exists()


def test_a_cut_file_is_told(tmp_path: Path) -> None:
    whole = save_torch(tmp_path / "m.pt", openspliceai_state(random_parts())).read_bytes()
    for share in (0.1, 0.5, 0.9, 0.99):
        (tmp_path / "m.pt").write_bytes(whole[: int(share * len(whole))])

        with pytest.raises(InputError, match="holds no OpenSpliceAI network"):
            load_base_model("openspliceai", tmp_path, "cpu")


def test_networks_of_several_contexts_are_refused(tmp_path: Path) -> None:
    for name, units in (("a", 4), ("b", 8)):
        save_torch(tmp_path / f"{name}.pt", openspliceai_state(random_parts(units)))

    with pytest.raises(InputError, match=r"several contexts \(a.pt: 80, b.pt: 400\)"):
        load_base_model("openspliceai", tmp_path, "cpu")


def test_the_digest_changes_with_the_weights(tmp_path: Path) -> None:
    def digest(seed: int) -> str:
        save_torch(tmp_path / "m.pt", openspliceai_state(random_parts(seed=seed)))
        return load_base_model("openspliceai", tmp_path, "cpu").digest

    assert digest(1) == digest(1) != digest(2)


# --- Pangolin ----------------------------------------------------------------------------------


def save_pangolin(folder: Path, replicates: int = 2) -> dict[tuple[int, int], Any]:
    """Networks of two replicates of each tissue; the head of each is where it should be."""
    listed = {}
    for number in range(len(TISSUES)):
        for replicate in range(1, replicates + 1):
            parts = random_parts(16, channels=2, outputs=2, seed=10 * number + replicate)
            wrong = {
                f"conv_last{head}.{array}": np.full(shape, 9, np.float32)
                for head in range(1, 9)
                if head != 2 * number + 1
                for array, shape in (("weight", (2 - (head + 1) % 2, 2, 1)), ("bias", (1,)))
            }
            state = pangolin_state(parts, 2 * number + 1, wrong)
            save_torch(folder / f"final.{replicate}.{2 * number}.3.v2", state)
            listed[number, replicate] = parts
    return listed


def test_pangolin(tmp_path: Path) -> None:
    listed = save_pangolin(tmp_path)
    (tmp_path / "final.1.1.3.v2").write_text("of usage, not read")
    letters = one_hot(10_000 + 12)

    found = load_base_model("pangolin", tmp_path, "cpu", engine="openvino", tissues=True)
    plain = load_base_model("pangolin", tmp_path, "cpu", engine="openvino")

    assert found.extras == ("pangolin_heart", "pangolin_liver", "pangolin_brain", "pangolin_testis")
    values = found.predict(letters)[0]
    tissues = []
    for number in range(len(TISSUES)):
        each = [naive_probabilities(listed[number, n], letters[0], 1e-5, 0.0)[1] for n in (1, 2)]
        tissues.append(np.clip((np.mean(each, axis=0) - 0.05) / 0.9, 0, 1))
    np.testing.assert_allclose(values[:, 3:], np.stack(tissues, axis=1), atol=5e-6)
    splice, share = np.mean(tissues, axis=0), naive_share(letters[0], 12)
    expected = np.stack([splice * share, splice * (1 - share), 1 - splice], axis=1)
    np.testing.assert_allclose(values[:, :3], expected, atol=5e-6)
    assert np.array_equal(plain.predict(letters)[0], values[:, :3])


def naive_share(letters: NDArray[np.float32], length: int) -> NDArray[np.float64]:
    text = "".join("ACGTN"[int(row.argmax()) if row.any() else 4] for row in letters)
    half = (len(text) - length) // 2
    shares = []
    for at in range(half, half + length):
        donor = text[at + 1 : at + 3] in ("GT", "GC", "AT")
        acceptor = text[at - 2 : at] in ("AG", "AC")
        shares.append(0.5 if donor == acceptor else float(donor))
    return np.array(shares)


def test_the_neighbouring_bases_tell_donor_from_acceptor() -> None:
    letters = one_hot(5000, count=2, seed=3)

    found = donor_share(letters, 4990)

    for row, expected in zip(found, letters, strict=True):
        assert row.tolist() == naive_share(expected, 4990).tolist()
    assert set(found.ravel().tolist()) == {0.0, 0.5, 1.0}


def test_pangolin_needs_all_tissues(tmp_path: Path) -> None:
    save_pangolin(tmp_path)
    (tmp_path / "final.2.4.3.v2").unlink()

    with pytest.raises(InputError, match="heart 2, liver 2, brain 1, testis 2"):
        load_base_model("pangolin", tmp_path)
    with pytest.raises(UsageError, match="needs its weights"):
        load_base_model("pangolin")


# --- What does not fit -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"engine": "abacus"}, "no engine 'abacus'"),
        ({"precision": "float8"}, "no precision 'float8'"),
        ({"engine": "openvino", "device": "cuda"}, "OpenVINO runs on the CPU here, not on cuda"),
        ({"tissues": True}, "openspliceai has no values by tissue"),
    ],
)
def test_options_that_do_not_fit(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    save_torch(tmp_path / "m.pt", openspliceai_state(random_parts()))

    with pytest.raises(UsageError, match=words):
        load_base_model("openspliceai", tmp_path, **options)


def test_what_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_torch(tmp_path / "m.pt", openspliceai_state(random_parts()))
    save_keras(tmp_path / "m.h5", random_parts())
    for blocked in ("openvino", "torch", "h5py", "spliceai"):
        monkeypatch.setitem(__import__("sys").modules, blocked, None)

    for name, options, words, hint in (
        ("openspliceai", {"engine": "openvino"}, "OpenVINO is not installed", "pip install"),
        ("openspliceai", {"engine": "torch"}, "PyTorch is not installed", "pip install"),
        ("spliceai", {"weights": tmp_path}, "h5py", "pip install 'splice_meta[spliceai]'"),
        ("spliceai", {"weights": None}, "weights of SpliceAI are not", "--no-deps spliceai"),
    ):
        with pytest.raises(UsageError, match=words) as caught:
            load_base_model(name, **{"weights": tmp_path / "m.pt", "device": "cpu", **options})
        assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("positions", "parallel", "most"),
    [
        (5_000, 1, 10_000),  # no shorter, although there is no more
        (1_000_000, 1, 100_000),
        (100_000, 2, 50_000),  # a window for each core
        (30_000, 8, 10_000),
        (10_000_000, 2, 100_000),
        (10_000_000, 16, 30_000),  # what is in work at once must fit into memory
        (10_000_000, 100, 10_000),
    ],
)
def test_windows_leave_no_core_idle_and_fit_into_memory(
    positions: int, parallel: int, most: int
) -> None:
    assert spread(positions, WINDOW, parallel) == most
