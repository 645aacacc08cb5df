"""Bundles, XGBoost files, pickles and skops files that are damaged or made up."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import pickle
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from bad_inputs import LEAN, Case, Said, real
from splice_meta.bundled import bundled_model
from splice_meta.manifest import FeatureManifest
from splice_meta.model.bundle_writer import write_digests

NAMES = ["donor_score", "acceptor_score", "neither_score", "gc_content", "gene_length"]
ORDER = "neither,donor,acceptor"
Change = Callable[[dict[str, Any]], Any]


@cache
def booster(**settings: Any) -> Any:
    """A small XGBoost model of three classes, or of two with ``binary:logistic``."""
    import xgboost

    rng = np.random.default_rng(7)
    x, y = rng.random((90, len(NAMES)), dtype=np.float32), np.arange(90) % 3
    given = {"objective": "multi:softprob", "num_class": 3, "max_depth": 3, "nthread": 1}
    if settings.get("objective"):
        given, y = {"max_depth": 3, "nthread": 1}, y % 2
    found = xgboost.train(given | settings, xgboost.DMatrix(x, y), 2)
    found.feature_names = NAMES
    return found


def tree_of(data: dict[str, Any]) -> dict[str, Any]:
    """The first tree of a model in JSON."""
    return forest_of(data)["trees"][0]


def forest_of(data: dict[str, Any]) -> dict[str, Any]:
    """The part of a model in JSON that has the trees."""
    return data["learner"]["gradient_booster"]["model"]


def shown(file: str, *options: str) -> list[str | Path]:
    """The arguments of ``inspect`` for a model file that does not state its classes."""
    return ["inspect", file, "--classes", ORDER, *options]


def lone_json(change: Change, **settings: Any) -> Callable[[Path], list[str | Path]]:
    """A ``make`` that changes an XGBoost model in JSON and inspects it."""

    def make(folder: Path) -> list[str | Path]:
        data = json.loads(bytes(booster(**settings).save_raw("json")))
        change(data)
        (folder / "m.json").write_text(json.dumps(data))
        return shown("m.json")

    return make


def lone_bytes(change: Callable[[bytes], bytes], name: str = "m.ubj") -> Callable[[Path], Any]:
    """A ``make`` that changes the bytes of an XGBoost model in UBJSON and inspects it."""

    def make(folder: Path) -> list[str | Path]:
        (folder / name).write_bytes(change(bytes(booster().save_raw("ubj"))))
        return shown(name, "--trust-pickle")

    return make


def put(*path: Any) -> Change:
    """Set a value of nested objects and lists: the path to it, then the value."""
    *way, last, value = path

    def change(data: Any) -> None:
        for step in way:
            data = data[step]
        data[last] = value

    return change


def of_tree(*path: Any) -> Change:
    """As :func:`put`, within the first tree."""
    return lambda data: put(*path)(tree_of(data))


def of_forest(*path: Any) -> Change:
    """As :func:`put`, within what has the trees."""
    return lambda data: put(*path)(forest_of(data))


def of_learner(*path: Any) -> Change:
    """As :func:`put`, within the learner."""
    return lambda data: put(*path)(data["learner"])


def split_off(name: str) -> Change:
    """Cut the last entry of an array of the first tree."""
    return lambda data: tree_of(data)[name].pop()


def in_circles(data: dict[str, Any]) -> None:
    """Let two nodes of the first tree be each other's children, off the root."""
    tree = tree_of(data)
    first, second = tree["left_children"][0], tree["right_children"][0]
    tree["left_children"][first], tree["right_children"][first] = second, second
    tree["left_children"][second], tree["right_children"][second] = first, first


def deep(data: dict[str, Any]) -> None:
    """Make the first tree a chain of 3,000 splits."""
    tree, splits = tree_of(data), 3000
    count = 2 * splits + 1
    inner = [n % 2 == 1 or n == 0 for n in range(count)]
    inner = [inside and n < count - 2 for n, inside in enumerate(inner)]
    tree["left_children"] = [n + (2 if n else 1) if i else -1 for n, i in enumerate(inner)]
    tree["right_children"] = [n + (3 if n else 2) if i else -1 for n, i in enumerate(inner)]
    parents = [2147483647] * count
    for n, inside in enumerate(inner):
        if inside:
            parents[tree["left_children"][n]] = parents[tree["right_children"][n]] = n
    tree["parents"] = parents
    for name in ("base_weights", "loss_changes", "split_conditions", "sum_hessian"):
        tree[name] = [0.5] * count
    for name in ("default_left", "split_indices", "split_type"):
        tree[name] = [0] * count
    tree["tree_param"]["num_nodes"] = str(count)


DAMAGED = {
    "a child beyond the tree": of_tree("left_children", 0, 10_000_000),
    "a negative child": of_tree("right_children", 0, -7),
    "the root as a child": of_tree("left_children", 0, 0),
    "one child twice": lambda data: put("right_children", 0, tree_of(data)["left_children"][0])(
        tree_of(data)
    ),
    "a node with one child": of_tree("right_children", -1, 1),
    "nodes in a circle": in_circles,
    "a parent that is not one": of_tree("parents", 1, 2),
    "a feature that is not there": of_tree("split_indices", 0, 5),
    "a negative feature": of_tree("split_indices", 0, -1),
    "more nodes than arrays": of_tree("tree_param", "num_nodes", "10000"),
    "fewer nodes than arrays": of_tree("tree_param", "num_nodes", "1"),
    "negative number of nodes": of_tree("tree_param", "num_nodes", "-3"),
    "a leaf vector": of_tree("tree_param", "size_leaf_vector", "7"),
    "deleted nodes that are not": of_tree("tree_param", "num_deleted", "2"),
    "another number of features in a tree": of_tree("tree_param", "num_feature", "9"),
    "a short array": split_off("split_conditions"),
    "a short array of flags": split_off("default_left"),
    "texts for numbers": of_tree("split_conditions", 0, "x"),
    "an array in an array": of_tree("split_conditions", 0, [1.0]),
    "fractions for indices": of_tree("left_children", 0, 1.5),
    "a number beyond Float32": of_tree("split_conditions", 0, 1e300),
    "a default direction of 7": of_tree("default_left", 0, 7),
    "categories": of_tree("split_type", 0, 1),
    "a tree's number": of_tree("id", 5),
    "a deep chain": deep,
    "more trees than it says": of_forest("gbtree_model_param", "num_trees", "4"),
    "huge number of trees": of_forest("gbtree_model_param", "num_trees", "9" * 30),
    "no trees": of_forest("trees", []),
    "trees that are texts": of_forest("trees", ["x"]),
    "an output that is not there": of_forest("tree_info", 0, 3),
    "rounds that do not fit": of_forest("iteration_indptr", -1, 60),
    "no model": of_learner("gradient_booster", "model", None),
    "a linear model": of_learner("gradient_booster", "name", "gblinear"),
    "no objective": of_learner("objective", "name", None),
    "classes that contradict": of_learner("learner_model_param", "num_class", "4"),
    "a base score of NaN": of_learner("learner_model_param", "base_score", "[NaN,0,0]"),
    "a base score of two": of_learner("learner_model_param", "base_score", "[0,0]"),
    "millions of features": of_learner("learner_model_param", "num_feature", "2147483647"),
    "one name for five features": of_learner("feature_names", ["a"]),
    "names that are numbers": of_learner("feature_names", [1, 2, 3, 4, 5]),
    "a name twice": of_learner("feature_names", ["a", "a", "b", "c", "d"]),
    "attributes that are numbers": of_learner("attributes", {"best_iteration": 1}),
}


def nested_tuple(depth: int, closing: bytes) -> bytes:
    """A pickle in which a tuple holds a tuple twice, and so on; its hash takes 2^depth steps."""
    return b"\x80\x04" + closing[:1] + b")" + b"2\x86" * depth + closing[1:]


def pickled(data: bytes, name: str = "m.pkl") -> Callable[[Path], list[str | Path]]:
    """A ``make`` that writes a pickle and inspects it."""

    def make(folder: Path) -> list[str | Path]:
        (folder / name).write_bytes(data)
        return shown(name, "--trust-pickle")

    return make


def packed_zeros(name: str) -> Callable[[Path], list[str | Path]]:
    """A ``make`` that writes zeros, compressed until next to nothing is left."""

    def make(folder: Path) -> list[str | Path]:
        zeros = bytes(40 << 20)
        pack = {
            "m.pkl.gz": lambda: gzip.compress(zeros, 1),
            "m.pkl.bz2": lambda: bz2.compress(zeros, 1),
            "m.pkl.xz": lambda: lzma.compress(zeros, preset=0),
            "m.pkl.z": lambda: zlib.compress(zeros, 1),
        }[name]
        (folder / name).write_bytes(pack())
        return shown(name, "--trust-pickle")

    return make


def held_booster(model: bytes) -> bytes:
    """A pickle of a booster that holds some bytes."""

    class Booster:
        def __reduce__(self) -> Any:
            return (_Made, (), {"handle": bytearray(model)})

    text = pickle.dumps(Booster(), protocol=3)
    made = f"c{_Made.__module__}\n{_Made.__name__}\n".encode()
    return text.replace(made, b"cxgboost.core\nBooster\n")


class _Made:
    """Stands in a pickle for a class of XGBoost's."""


def crafted_booster() -> bytes:
    """A booster with a child far beyond its tree, as a pickle."""
    data = bytes(booster().save_raw("json"))
    found = json.loads(data)
    tree_of(found)["left_children"][0] = 10_000_000
    return held_booster(json.dumps(found).encode())


def skops_file(files: dict[str, bytes], schema: Any) -> Callable[[Path], list[str | Path]]:
    """A ``make`` that writes a skops file and inspects it."""

    def make(folder: Path) -> list[str | Path]:
        with zipfile.ZipFile(folder / "m.skops", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
            text = schema if isinstance(schema, str) else json.dumps(schema)
            archive.writestr("schema.json", text)
        return shown("m.skops")

    return make


def node(loader: str, name: str, module: str = "builtins", **more: Any) -> dict[str, Any]:
    """A node of a skops schema."""
    return {"__loader__": loader, "__class__": name, "__module__": module, **more}


def skops_booster(handle: dict[str, Any]) -> dict[str, Any]:
    """The schema of a booster."""
    state = node("DictNode", "dict", content={"handle": handle})
    return node("ObjectNode", "Booster", "xgboost.core", content=state)


def npy(shape: str, data: bytes = b"\0" * 8, kind: str = "<f8") -> bytes:
    """A ``.npy`` with any shape."""
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


def bundle(
    change: Change = lambda data: None,
    files: Callable[[Path], Any] = lambda folder: None,
    digests: bool = True,
    command: Sequence[str] = ("inspect", "b"),
) -> Callable[[Path], list[str | Path]]:
    """A ``make`` that changes the bundled model's ``bundle.json`` or files.

    Args:
        change: Of ``bundle.json``.
        files: Of its files.
        digests: Whether the digests are made anew, so that the change itself must be seen.
        command: What is run.
    """

    def make(folder: Path) -> list[str | Path]:
        place = folder / "b"
        shutil.copytree(bundled_model("openspliceai-mane"), place)
        data = json.loads((place / "bundle.json").read_text())
        change(data)
        (place / "bundle.json").write_text(json.dumps(data))
        files(place)
        if digests:
            write_digests(place)
        if command[0] == "run":
            real().write_parquet(folder / "s.parquet")
        return [*command]

    return make


def flipped(name: str, place: int = 1000) -> Callable[[Path], None]:
    """Turn one bit of a file."""

    def change(folder: Path) -> None:
        data = bytearray((folder / name).read_bytes())
        data[place % len(data)] ^= 4
        (folder / name).write_bytes(bytes(data))

    return change


def ran_as_before(said: Said) -> None:
    """The numbers are those of the bundled model."""
    assert said.predictions["is_adjusted"].any()


RUN = ("run", "--scores", "s.parquet", "--model", "b", *LEAN)
CURVE = [[0.1, 0.9], [0.2, 0.8]]
ISOTONIC = {"kind": "isotonic"}
WRONG_FIELDS: dict[str, tuple[Change, str]] = {
    "format_version is a text": (put("format_version", "1"), "format_version"),
    "format_version is huge": (put("format_version", 10**30), "format_version"),
    "format_version is true": (put("format_version", True), "format_version"),
    "kind is a list": (put("kind", ["multiclass"]), "kind is a list"),
    "classes is a text": (put("classes", "neither"), "classes"),
    "classes holds null": (put("classes", 1, None), "classes[1]"),
    "classes are others": (put("classes", ["a", "b", "c"]), "classes"),
    "margin is a number": (put("margin", 3), "margin is 3"),
    "margin has no floor": (put("margin", {"weights": []}), "margin.floor is missing"),
    "floor is a text": (put("margin", "floor", "x"), "margin.floor"),
    "floor is null": (put("margin", "floor", None), "margin.floor is null"),
    "floor is 0": (put("margin", "floor", 0), "margin.floor"),
    "floor is -1": (put("margin", "floor", -1), "margin.floor"),
    "floor is 1": (put("margin", "floor", 1), "margin.floor"),
    "floor is huge": (put("margin", "floor", 10**400), "margin.floor"),
    "two weights for one model": (put("margin", "weights", [0.5, 0.5]), "weights for 2"),
    "one weight that is not 1": (put("margin", "weights", [0.4]), "weights"),
    "a negative weight": (put("margin", "weights", [-1]), "margin.weights[0]"),
    "weights is an object": (put("margin", "weights", {}), "margin.weights"),
    "calibration is a text": (put("calibration", "x"), "calibration"),
    "calibration of no kind": (put("calibration", {}), "calibration.kind"),
    "calibration of another kind": (put("calibration", "kind", "beta"), "beta"),
    "temperature is tiny": (put("calibration", "temperature", 1e-320), "temperature"),
    "temperature is null": (put("calibration", "temperature", None), "calibration.temperature"),
    "temperature is -1": (put("calibration", "temperature", -1), "temperature"),
    "temperature is a list": (put("calibration", "temperature", [1]), "calibration.temperature"),
    "platt without numbers": (put("calibration", {"kind": "platt"}), "calibration.slopes"),
    "platt beyond bounds": (
        put("calibration", {"kind": "platt", "slopes": [1, 1, 1e300], "intercepts": [0, 0, 0]}),
        "platt calibration",
    ),
    "knots out of order": (
        put("calibration", ISOTONIC | {"knots": [CURVE, CURVE, [[0.9, 0.1], [0.2, 0.8]]]}),
        "isotonic calibration",
    ),
    "a curve of three lists": (
        put("calibration", ISOTONIC | {"knots": [CURVE, CURVE, [*CURVE, [1]]]}), "calibration.knots"
    ),
    "knots of texts": (put("calibration", ISOTONIC | {"knots": ["a", "b", "c"]}), "knots[0]"),
    "base_models is a text": (put("base_models", "openspliceai"), "base_models"),
    "base_models holds a number": (put("base_models", [3]), "base_models[0]"),
    "training_genes is an object": (put("training_genes", {"a": 1}), "training_genes"),
}  # fmt: skip


def text_of(text: str, name: str = "bundle.json") -> Callable[[Path], Any]:
    """Write a file of the bundle as it is."""
    return lambda folder: (folder / name).write_text(text)


CASES = [
    *(
        Case(name=f"an XGBoost model with {what}", make=lone_json(change), words=["m.json"],
             never=["Stack trace", "[bt]"])
        for what, change in DAMAGED.items()
    ),
    Case(
        name="a model of two outputs",
        make=lone_json(lambda data: None, objective="binary:logistic"),
        words=["1 output(s) by binary:logistic"],
    ),
    Case(
        name="an XGBoost model cut short",
        make=lone_bytes(lambda data: data[:-900]),
        words=["m.ubj", "cut short"],
    ),
    Case(
        name="an XGBoost model with more behind it",
        make=lone_bytes(lambda data: data + b"}"),
        words=["more follows"],
    ),
    Case(
        name="an array of 2^60 numbers",
        make=lone_bytes(lambda data: data.replace(b"[$d#L\0\0", b"[$d#L\x10\0", 1)),
        words=["cut short"],
    ),
    Case(
        name="objects 100,000 deep",
        make=lone_bytes(lambda data: b'{"a":' + b"[" * 100_000, "m.json"),
        words=["deep"],
    ),
    Case(
        name="UBJSON 100,000 deep",
        make=lone_bytes(lambda data: b"{L" + struct.pack(">q", 1) + b"a" + b"[" * 100_000),
        words=["deep"],
    ),
    Case(name="an empty model file", make=lone_bytes(lambda data: b""), words=["m.ubj"]),
    Case(
        name="a folder named as a model",
        make=lambda folder: [(folder / "m.ubj").mkdir(), *shown("m.ubj")][1:],
        words=["bundle.json"],
    ),
    # ---- pickles and skops --------------------------------------------------------------------
    *(
        Case(name=f"a pickle of zeros, {name}", make=packed_zeros(name), words=["unpacks to more"])
        for name in ("m.pkl.gz", "m.pkl.bz2", "m.pkl.xz", "m.pkl.z")
    ),
    Case(
        name="nested tuples as a key",
        make=pickled(nested_tuple(200, b"}Ns.")),
        words=["keys", "nothing was run"],
    ),
    Case(
        name="nested tuples in a set",
        make=pickled(b"\x80\x04\x8f(" + b")" + b"2\x86" * 200 + b"\x90."),
        words=["keys", "nothing was run"],
    ),
    Case(
        name="a tuple 100,000 deep as a key",
        make=pickled(b"\x80\x04})" + b"\x85" * 100_000 + b"Ns."),
        words=["keys"],
    ),
    Case(
        name="300,000 empty sets",
        make=pickled(b"\x80\x04(" + b"\x8f" * 310_000 + b"t."),
        words=["steps"],
    ),
    Case(
        name="one text of bytes copied many times",
        make=pickled(
            b"\x80\x04cbuiltins\nbytearray\nq\x00B" + struct.pack("<I", 1 << 16) + bytes(1 << 16)
            + b"q\x01" + b"(h\x00h\x01\x85R" * 4 + b"."
        ),
        words=["copies the same thing"],
    ),
    Case(
        name="a pickled booster with a crafted tree",
        make=lambda folder: pickled(crafted_booster())(folder),
        words=["child lies outside"],
    ),
    Case(
        name="a pickled booster of zeros",
        make=lambda folder: pickled(held_booster(bytes(1000)))(folder),
        words=["m.pkl"],
    ),
    Case(
        name="a skops file with a crafted booster",
        make=lambda folder: skops_file(
            {"a.bin": b'{"learner": {"a": 1}}'},
            skops_booster(node("BytearrayNode", "bytearray", file="a.bin")),
        )(folder),
        words=["gradient_booster"],
    ),
    Case(
        name="a skops file whose booster is an array",
        make=skops_file(
            {"a.npy": npy("(8,)", b"\0" * 64)},
            skops_booster(node("NdArrayNode", "ndarray", "numpy", type="numpy", file="a.npy")),
        ),
        words=["no trained XGBoost model"],
    ),
    Case(
        name="a skops file with an array of 2^60 numbers",
        make=skops_file(
            {"a.npy": npy(f"({1 << 60},)")},
            skops_booster(node("NdArrayNode", "ndarray", "numpy", type="numpy", file="a.npy")),
        ),
        words=["cut short"],
    ),
    Case(
        name="a skops file with an array of objects",
        make=skops_file(
            {"a.npy": npy("(1,)", kind="|O")},
            skops_booster(node("NdArrayNode", "ndarray", "numpy", type="numpy", file="a.npy")),
        ),
        words=["type object", "nothing was run"],
    ),
    Case(
        name="a skops file that unpacks to 40 MiB",
        make=skops_file({"a.bin": bytes(40 << 20)}, skops_booster(node("JsonNode", "str"))),
        words=["unpacks to more"],
    ),
    Case(
        name="a skops file with a type of no kind",
        make=skops_file({}, node("ObjectNode", "system", "os")),
        words=["os.system", "nothing was run"],
    ),
    Case(
        name="a skops file whose schema is a list",
        make=skops_file({}, []),
        words=["an empty list"],
    ),
    Case(
        name="a skops file whose schema is deep",
        make=skops_file({}, "[" * 50_000),
        words=["deep"],
    ),
    # ---- bundles ------------------------------------------------------------------------------
    *(
        Case(name=f"a bundle whose {what}", make=bundle(change), words=[word])
        for what, (change, word) in WRONG_FIELDS.items()
    ),
    Case(
        name="a bundle.json with a name twice",
        make=bundle(files=text_of('{"kind": 1, "kind": 2}'), digests=False),
        words=["bundle.json", "twice"],
    ),
    Case(
        name="a bundle.json with NaN",
        make=bundle(files=text_of('{"format_version": NaN}'), digests=False),
        words=["NaN is not a number"],
    ),
    Case(
        name="a bundle.json that is deep",
        make=bundle(files=text_of('{"a":' * 50_000), digests=False),
        words=["deep"],
    ),
    Case(
        name="a bundle.json that is a list",
        make=bundle(files=text_of("[]"), digests=False),
        words=["bundle.json", "an object"],
    ),
    Case(
        name="an evaluation card that is a list",
        make=bundle(files=text_of("[]", "evaluation_card.json")),
        words=["evaluation_card.json"],
    ),
    Case(
        name="an evaluation card without systems",
        make=bundle(files=text_of('{"genes": 3}', "evaluation_card.json")),
        words=["evaluation_card.json", "systems is missing"],
    ),
    Case(
        name="an evaluation card of texts",
        make=bundle(
            files=text_of('{"systems": {"base": 1}, "genes": "x"}', "evaluation_card.json")
        ),
        words=["evaluation_card.json", "genes"],
    ),
    *(
        Case(
            name=f"a bundle with a bit turned in {name}",
            make=bundle(files=flipped(name), digests=False, command=command),
            words=[name],
        )
        for name in ("model.ubj", "feature_manifest.json", "evaluation_card.json", "bundle.json")
        for command in (("inspect", "b"),)
    ),
    Case(
        name="a run with a bundle with a bit turned",
        make=bundle(files=flipped("model.ubj", 300_000), digests=False, command=RUN),
        words=["model.ubj", "SHA-256"],
    ),
    Case(
        name="another temperature, digests as they were",
        make=bundle(put("calibration", "temperature", 1.2), digests=False),
        words=["bundle.json", "SHA-256"],
    ),
    Case(
        name="a bundle with a digest of a file elsewhere",
        make=bundle(put("sha256", "../s.parquet", "ab"), digests=False),
        words=["s.parquet"],
    ),
    Case(
        name="a bundle without its model",
        make=bundle(files=lambda folder: (folder / "model.ubj").unlink(), digests=False),
        words=["model.ubj", "incomplete"],
    ),
    Case(
        name="digests that are numbers",
        make=bundle(put("sha256", {"bundle.json": 1}), digests=False),
        words=["sha256"],
    ),
    Case(
        name="a bundle without digests",
        make=bundle(lambda data: data.pop("sha256"), digests=False, command=RUN),
        status=0,
        then=ran_as_before,
    ),
    Case(
        name="a manifest of other features",
        make=bundle(files=text_of(FeatureManifest(("a", "b")).to_json(), "feature_manifest.json")),
        words=["reads 59 features, its manifest lists 2"],
    ),
]
