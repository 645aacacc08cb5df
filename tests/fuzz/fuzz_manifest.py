"""The readers of feature manifests: JSON where the input begins with a brace, else CSV."""

from __future__ import annotations

from pathlib import Path

from splice_meta.errors import ManifestError
from splice_meta.files.records import parse_record
from splice_meta.manifest import FeatureManifest, _from_csv, _from_json, extended

SMALL = FeatureManifest(
    ("donor_score", "gc_content", "3mer_ACG", "*"),
    half_width=40,
    fills=(("gc_content", 0.5), ("3mer_ACG", 2.0)),
    dtypes=(("3mer_ACG", "Int32"),),
)
SEEDS = [
    SMALL.to_json().encode(),
    SMALL.to_csv().encode(),
    extended().to_json().encode()[:2000],
    b'{"format_version":1,"features":[{"name":"a","dtype":"Float32"}],"fills":{"a":1e3}}',
    b"feature,dtype\n'=a,Int8\n\"b,\nc\",Float32\n",
]


def one_input(data: bytes) -> None:
    try:
        if data[:1] == b"{":
            found = _from_json(parse_record(data, "f", ManifestError))
        else:
            found = _from_csv(data.decode("utf-8-sig", errors="replace"), Path("f"))
    except ManifestError:
        return
    # What is read can be written, and is the same when it is read again.
    again = _from_json(parse_record(found.to_json().encode(), "f", ManifestError))
    assert again == found, (again, found)
    assert set(found.schema) == set(found.names)
