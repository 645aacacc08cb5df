"""Feature manifests, and the records of runs and scorings, that are damaged or made up."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bad_inputs import Case, Said, real, run_of

GOOD: dict[str, Any] = {
    "format_version": 1,
    "sequence_half_width": 40,
    "features": [
        {"name": "donor_score", "dtype": "Float32", "kind": "base"},
        {"name": "gc_content", "dtype": "Float32", "kind": "sequence"},
        {"name": "gene_length", "dtype": "Int32", "kind": "genomic"},
    ],
    "fills": {"gc_content": 0.5},
}


def features(text: str | bytes, name: str = "m.json") -> Callable[[Path], list[str | Path]]:
    """A ``make`` that writes a manifest as it is and makes its features."""

    def make(folder: Path) -> list[str | Path]:
        real(60).write_parquet(folder / "s.parquet")
        (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return ["features", "--scores", "s.parquet", "--manifest", name, "-o", "f.parquet"]

    return make


def changed(**more: Any) -> Callable[[Path], list[str | Path]]:
    """A ``make`` that changes the manifest's outermost values."""
    return features(json.dumps(GOOD | more))


def named(*names: Any, **more: Any) -> Callable[[Path], list[str | Path]]:
    """A ``make`` with other features."""
    listed = [{"name": name, "dtype": "Float32"} for name in names]
    return changed(features=listed, **{"fills": {}} | more)


def typed(dtype: Any, fill: Any = None) -> Callable[[Path], list[str | Path]]:
    """A ``make`` with a type, and perhaps a fill, of one feature."""
    listed = [{"name": "gc_content", "dtype": dtype}]
    return changed(features=listed, fills={} if fill is None else {"gc_content": fill})


def run_with_record(name: str, text: str) -> Callable[[Path], list[str | Path]]:
    """A ``make`` that inspects a run one of whose records was replaced."""

    def make(folder: Path) -> list[str | Path]:
        (folder / "out/metadata").mkdir(parents=True)
        place = folder / "out/selective_inference/predictions/r"
        place.mkdir(parents=True)
        real(20).write_parquet(place / "complete_coverage_predictions.parquet")
        metadata = {"run": "r", "settings": {"mode": "hybrid"}, "positions": 20,
                    "recalibrated": 1, "model": None}  # fmt: skip
        genes = {"run": "r", "genes": [{"gene_id": "A", "scenario": "1", "status": "done"}]}
        (folder / "out/metadata/inference_metadata.json").write_text(json.dumps(metadata))
        (folder / "out/gene_manifest.json").write_text(json.dumps(genes))
        (folder / "out" / name).write_text(text)
        return ["inspect", "out"]

    return make


def evaluated_with(text: str) -> Callable[[Path], list[str | Path]]:
    """A ``make`` that evaluates a run whose gene manifest was replaced."""
    inner = run_with_record("gene_manifest.json", text)
    return lambda folder: [*inner(folder), "evaluate", "out"][2:]


def resumed_with(*lines: Any) -> Callable[[Path], list[str | Path]]:
    """A ``make`` that goes on with a run whose ledger was replaced."""

    def make(folder: Path) -> list[str | Path]:
        real(60).write_parquet(folder / "s.parquet")
        place = folder / "out/selective_inference/predictions/r"
        place.mkdir(parents=True)
        text = "".join((each if isinstance(each, str) else json.dumps(each)) + "\n"
                       for each in lines)  # fmt: skip
        (place / "ledger.jsonl").write_text(text)
        return run_of("s.parquet", "--resume")

    return make


def hdf5(change: Callable[[Any, Any], None]) -> Callable[[Path], list[str | Path]]:
    """A ``make`` that writes OpenSpliceAI's two HDF5 files, changed."""

    def make(folder: Path) -> list[str | Path]:
        import h5py

        with h5py.File(folder / "predict.h5", "w") as scores, h5py.File(
            folder / "datafile.h5", "w"
        ) as data:
            scores["predictions"] = np.full((1, 3, 50), 1 / 3, np.float32)
            data["NAME"] = np.array([b"chr1:1-10(+)"])
            data["SEQ"] = np.array([b"ACGTACGTAC"])
            change(scores, data)
        return run_of("predict.h5")

    return make


def replaced(name: str, value: Any) -> Callable[[Any, Any], None]:
    """Put another dataset in the place of one; None for a group."""

    def change(scores: Any, data: Any) -> None:
        file = scores if name == "predictions" else data
        del file[name]
        if value is None:
            file.create_group(name)
        else:
            file[name] = value

    return change


def linked(scores: Any, data: Any) -> None:
    """Let the scores be a link to nothing."""
    import h5py

    del scores["predictions"]
    scores["predictions"] = h5py.SoftLink("/nowhere")


def literal_names(said: Said) -> None:
    """Names that Polars takes for patterns are columns like any other."""
    import polars as pl

    table = pl.read_parquet(said.folder / "f.parquet")
    assert table.columns == ["gene_id", "position", "donor_score", "3mer_AAA", "n_*", "^gc.*$", "*"]
    assert table.select(pl.nth(4).n_unique(), pl.nth(5).n_unique()).row(0) == (1, 1)


RUN = {"record": "run", "format": 1, "started": "2026-01-01T00:00:00+00:00", "given": {}}
SHARD = {"record": "shard", "number": 0, "seconds": 1, "parts": [], "genes": {}, "failures": {},
         "changes": [], "beside": {}, "bins": {}, "truth": {}}  # fmt: skip
SCORED = {"files": {}, "failures": {}}
PLAN = {"record": "plan", "digests": {}, "shards": [], "notes": {"scored": SCORED}}
STRANGE = (None, "x", [], {}, -1, 10**30, 1e300, True)
METADATA = "metadata/inference_metadata.json"

CASES = [
    *(
        Case(
            name=f"a manifest whose {field} is {json.dumps(value)[:20]}",
            make=changed(**{field: value}),
            words=["manifest", word],
        )
        for field, word, wrong in (
            ("format_version", "format", STRANGE),
            ("features", "feature", STRANGE),
            ("sequence_half_width", "sequence_half_width", [v for v in STRANGE if v is not None]),
            ("fills", "fills", [v for v in STRANGE if v is not None and v != {}]),
        )
        for value in wrong
    ),
    *(
        Case(name=f"a feature named {json.dumps(name)[:60]}", make=named("donor_score", name),
             words=["features[1].name" if not isinstance(name, str) or not name else "the name"])
        for name in (None, 3, [], {}, True, "", " ", "a\nb", "a\x1b[31m", "\u202egnirts", "n" * 300)
    ),
    Case(name="half a letter", make=named("\ud800"), words=["features[0].name"]),
    Case(name="a feature twice", make=named("gc_content", "gc_content"), words=["more than once"]),
    Case(name="a key as a feature", make=named("position"), words=["Keys stand beside"]),
    Case(name="a feature without a name", make=changed(features=[{}]), words=["name is missing"]),
    Case(name="a feature that is a text", make=changed(features=["a"]), words=["features[0]"]),
    *(
        Case(name=f"a feature of the type {json.dumps(dtype)[:20]}", make=typed(dtype),
             words=["features[0].dtype"])
        for dtype in ("List", "float32", "Object", 3, [], "")
    ),
    *(
        Case(name=f"a fill of {json.dumps(fill)[:20]} for {dtype}", make=typed(dtype, fill),
             words=["gc_content"])
        for dtype, fill in (
            ("Float32", 1e39), ("Float32", "x"), ("Float32", True), ("Float32", 10**400),
            ("Float64", -1e300), ("Int8", 300), ("Int8", 0.5), ("UInt64", -1), ("Boolean", 2),
        )
    ),
    Case(
        name="a fill of NaN",
        make=features(json.dumps(GOOD | {"fills": {"gc_content": float("nan")}})),
        words=["NaN is not a number"],
    ),
    Case(
        name="a fill of a feature that is not listed",
        make=changed(fills={"gc_contents": 1}),
        words=["gc_contents", "none of its features"],
    ),
    Case(name="a manifest that is deep", make=features('{"a":' * 9999), words=["deep"]),
    Case(name="a manifest cut short", make=features(json.dumps(GOOD)[:-40]), words=["m.json"]),
    Case(
        name="a manifest with a name twice",
        make=features('{"format_version": 1, "format_version": 1}'),
        words=["twice"],
    ),
    Case(name="a manifest in Latin-1", make=features(b'{"a": "\xe9"}'), words=["UTF-8"]),
    Case(name="an empty manifest", make=features(""), words=["m.json"]),
    Case(name="an empty CSV manifest", make=features("", "m.csv"), words=["feature"]),
    Case(
        name="a CSV manifest with a lone quote",
        make=features('feature\n"donor_score\n', "m.csv"),
        words=["not CSV"],
    ),
    Case(
        name="a CSV manifest with a row without a name",
        make=features("feature,dtype\ndonor_score,Float32\n,Float32\n", "m.csv"),
        words=["the name"],
    ),
    Case(
        name="a CSV manifest with another header",
        make=features("name\ndonor_score\n", "m.csv"),
        words=["column 'feature'"],
    ),
    Case(
        name="names that Polars takes for patterns",
        make=named("donor_score", "3mer_AAA", "n_*", "^gc.*$", "*"),
        status=0,
        then=literal_names,
    ),
    # ---- records of runs ----------------------------------------------------------------------
    *(
        Case(name=f"a run whose {name} is {text}", make=run_with_record(name, text),
             words=["incomplete run", word])
        for name, text, word in (
            (METADATA, "{}", "positions"), (METADATA, "[]", "list"), (METADATA, "", "JSON"),
            (METADATA, '{"run": 3}', "run is 3"), (METADATA, '{"run": "r"}', "is missing"),
            (METADATA, '{"run": "../.."}', "folder name"),
            (METADATA, '{"run": "r", "settings": []}', "settings"),
            (METADATA, '{"run": "r", "settings": {"mode": 1}}', "settings.mode"),
            (METADATA, '{"run":"r","settings":{"mode":"hybrid"},"positions":"x"}', "positions"),
            ("gene_manifest.json", "{}", "run is missing"), ("gene_manifest.json", "NaN", "NaN"),
            ("gene_manifest.json", '{"run": "r", "genes": 3}', "genes is 3"),
            ("gene_manifest.json", '{"run": "r", "genes": [3]}', "genes[0]"),
            ("gene_manifest.json", '{"run": "r", "genes": [{"status": null}]}', "genes[0].status"),
        )
        if not (text == "{}" and name == METADATA)
    ),
    *(
        Case(name=f"an evaluation of a run with {text}", make=evaluated_with(text),
             words=["incomplete run", word])
        for text, word in (
            ("[]", "list"), ('{"run": 1, "genes": []}', "run is 1"), ('{"run": "r"}', "genes"),
            ('{"run": "r", "genes": {"a": 1}}', "genes"),
            ('{"run": "r", "genes": [{"gene_id": 3, "scenario": "1"}]}', "genes[0].gene_id"),
            ('{"run": "r", "genes": [{"gene_id": "A", "scenario": 1}]}', "genes[0].scenario"),
            ('{"run": "/etc", "genes": []}', "folder name"),
        )
    ),
    *(
        Case(name=f"a ledger of {len(lines)} lines with {json.dumps(lines[1:] or lines)}",
             make=resumed_with(*lines), words=["ledger.jsonl", word])
        for lines, word in (
            ([{}], "format"), ([RUN | {"format": "1"}], "format"),
            ([RUN | {"format": 9}], "format"),
            ([RUN | {"given": []}], "given"), ([RUN | {"given": {"model": 3}}], "given.model"),
            ([RUN | {"started": 3}], "started"), ([RUN | {"started": "soon"}], "started"),
            ([RUN, {}], "record"), ([RUN, {"record": 3}], "record"),
            ([RUN, "[]", SHARD], "damaged"), ([RUN, "{", SHARD], "damaged"),
            ([RUN, SHARD | {"number": "0"}], "number"), ([RUN, SHARD | {"number": -1}], "number"),
            ([RUN, SHARD | {"seconds": None}], "seconds"), ([RUN, SHARD | {"parts": {}}], "parts"),
            ([RUN, SHARD | {"parts": [{}]}], "parts[0]"), ([RUN, SHARD | {"genes": []}], "genes"),
            ([RUN, SHARD | {"genes": {"gene_id": 3}}], "genes.gene_id"),
            ([RUN, SHARD | {"failures": {"A": 1}}], "failures.A"),
            ([RUN, SHARD | {"changes": [[1]]}], "changes[0]"),
            ([RUN, SHARD | {"changes": [["a", 1]]}], "changes[0][0]"),
            ([RUN, PLAN | {"digests": None}], "digests"), ([RUN, PLAN | {"notes": 1}], "notes"),
            ([RUN, PLAN | {"notes": {"scored": 1}}], "notes.scored"),
            ([RUN, PLAN | {"notes": {"scored": SCORED | {"files": []}}}], "notes.scored.files"),
        )
    ),
    # ---- OpenSpliceAI's HDF5 ------------------------------------------------------------------
    *(
        Case(name=f"OpenSpliceAI's files where {what}", make=hdf5(change), words=[word])
        for what, change, word in (
            ("predictions is a group", replaced("predictions", None), "predictions"),
            ("predictions is a text", replaced("predictions", "x"), "predictions"),
            ("predictions is a number", replaced("predictions", 1.0), "predictions"),
            ("predictions has blocks of nothing",
             replaced("predictions", np.zeros((1, 3, 0), np.float32)), "predictions"),
            ("predictions holds texts",
             replaced("predictions", np.full((1, 3, 5), b"x")), "predictions"),
            ("predictions is a link to nothing", linked, "predictions"),
            ("NAME is a group", replaced("NAME", None), "NAME"),
            ("NAME holds numbers", replaced("NAME", np.arange(3)), "NAME"),
            ("NAME is one text", replaced("NAME", "chr1:1-10(+)"), "NAME"),
            ("SEQ holds numbers", replaced("SEQ", np.arange(1)), "SEQ"),
            ("SEQ is a table", replaced("SEQ", np.array([[b"ACGT"]])), "SEQ"),
            ("NAME is empty", replaced("NAME", np.array([], "S4")), "NAME"),
            ("NAME is not text in UTF-8", replaced("NAME", np.array([b"\xff\xfe"])), "name"),
        )
    ),
]  # fmt: skip
