from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from conftest import make_scores

import splice_meta as sm
from splice_meta.catalogue import kind_of
from splice_meta.contracts import with_axis
from splice_meta.errors import FeatureError, ManifestError
from splice_meta.features import plan_features
from splice_meta.harmonize import find_fills, harmonize
from splice_meta.manifest import FeatureManifest, load_manifest, reference124
from splice_meta.pipeline.matrix import fills_of
from splice_meta.settings import FeatureSettings
from splice_meta.sources.base_scores import open_scores, scan_scores

SCORES = make_scores({"A": list(range(1, 40)), "B": [3, 4, 9]})


def test_reference_manifest_has_124_features_by_kind() -> None:
    kinds = list(reference124().kinds.values())

    counts = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}

    assert counts == {
        "base": 3, "probability": 7, "context": 7, "signal": 22, "comparative": 4,
        "genomic": 14, "sequence": 3, "kmer": 64,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("donor_score", "base"),
        ("3mer_ACG", "kmer"),
        ("12mer_ACGTACGTACGT", "kmer"),
        ("3mer_NNN", "kmer"),
        ("chrom", "genomic"),
        ("some_entropy", "unknown_probability"),
        ("weighted_thing", "unknown_probability"),
        ("distance_to_end", "unknown_genomic"),
    ],
)
def test_kinds(name: str, kind: str) -> None:
    assert kind_of(name) == kind


def test_json_and_csv_round_trip(tmp_path: Path) -> None:
    manifest = FeatureManifest(
        ("donor_score", "3mer_AAA", "gene_length"),
        half_width=100,
        fills=(("gene_length", 7.0),),
        dtypes=(("3mer_AAA", "Float64"),),
    )
    (tmp_path / "m.json").write_text(manifest.to_json())
    (tmp_path / "m.csv").write_text(manifest.to_csv())

    assert load_manifest(tmp_path / "m.json") == manifest
    from_csv = load_manifest(tmp_path / "m.csv")
    assert from_csv.names == manifest.names  # CSV holds no parameters
    assert from_csv.schema == manifest.schema


@pytest.mark.parametrize(
    "text", ["name\ndonor_score\n", "feature\n", "feature\ndonor_score\ndonor_score\n"]
)
def test_bad_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.csv").write_text(text)

    with pytest.raises(ManifestError):
        load_manifest(tmp_path / "m.csv")


def test_result_has_exactly_the_manifests_columns_order_and_types() -> None:
    names = ("3mer_CCC", "donor_context_mean", "neither_score", "gc_content")
    manifest = FeatureManifest(names, dtypes=(("3mer_CCC", "Int32"),))

    found = sm.plan_features(SCORES, manifest).collect()

    assert found.columns == ["gene_id", "position", *names]
    assert found.schema["3mer_CCC"] == pl.Int32
    assert {found.schema[name] for name in names[1:]} == {pl.Float32()}


def test_plan_is_lazy() -> None:
    assert isinstance(sm.plan_features(SCORES, "reference124"), pl.LazyFrame)


def test_missing_sequence_is_filled_and_said_once_by_kind() -> None:
    plain = open_scores(SCORES.drop("base"))

    fills = fills_of(plain, reference124(), FeatureSettings())

    assert fills.messages() == [
        "64 k-mer features filled with 0: no sequence given",
        "3 sequence features filled (sequence_length 1000, gc_content 0.5, "
        "sequence_complexity 0.5): no sequence given",
        "14 genomic features filled (gene_start 0, gene_end 0, gene_length 1000, tx_start 0, "
        "tx_end 0, transcript_length 1000, num_exons 0, avg_exon_length 1000, "
        "median_exon_length 1000, total_exon_length 1000, total_intron_length 1000, "
        "n_splice_sites 0, num_overlaps 0, chrom 0): no annotation given",
    ]


def test_filled_columns_hold_the_stated_values() -> None:
    manifest = FeatureManifest(
        ("donor_score", "3mer_AAA", "sequence_length", "mystery"), fills=(("mystery", 3.5),)
    )

    found = sm.plan_features(SCORES.drop("base"), manifest).collect()

    assert found.select("3mer_AAA", "sequence_length", "mystery").unique().rows() == [
        (0.0, 1000.0, 3.5)
    ]


def test_genomic_columns_of_the_table_are_used() -> None:
    table = SCORES.with_columns(
        chrom=pl.when(pl.col("gene_id") == "A").then(pl.lit("chrX")).otherwise(pl.lit("17")),
        gene_length=pl.lit(123),
    )
    manifest = FeatureManifest(("donor_score", "chrom", "gene_length", "num_exons"))

    found = sm.plan_features(table, manifest).collect()

    assert found.group_by("gene_id", maintain_order=True).first()["chrom"].to_list() == [23, 17]
    assert found["gene_length"].unique().to_list() == [123]
    assert found["num_exons"].unique().to_list() == [0]


@pytest.mark.parametrize(
    ("chrom", "code"),
    [("1", 1), ("chr22", 22), ("X", 23), ("chrY", 24), ("M", 25), ("chrMT", 25), ("GL1", 0)],
)
def test_chromosome_codes(chrom: str, code: int) -> None:
    table = SCORES.with_columns(chrom=pl.lit(chrom))

    found = sm.plan_features(table, FeatureManifest(("donor_score", "chrom"))).collect()

    assert found["chrom"].unique().to_list() == [code]


@pytest.mark.parametrize("family", ["probability", "context", "signal", "comparative"])
def test_score_features_are_never_filled(family: str) -> None:
    with pytest.raises(FeatureError, match=family) as caught:
        sm.plan_features(SCORES, "reference124", features=FeatureSettings(**{family: False}))

    assert f"Switch on the {family} family" in caught.value.hint


@pytest.mark.parametrize(("family", "kind"), [("kmer", "k-mer"), ("sequence", "sequence")])
def test_sequence_families_can_be_switched_off(family: str, kind: str) -> None:
    settings = FeatureSettings(**{family: False})

    fills = fills_of(open_scores(SCORES), reference124(), settings)

    assert any(kind in text and "switched off" in text for text in fills.messages())


def test_unknown_names_go_by_their_wording() -> None:
    with pytest.raises(FeatureError, match="my_entropy"):
        sm.plan_features(SCORES, FeatureManifest(("donor_score", "my_entropy")))
    filled = sm.plan_features(SCORES, FeatureManifest(("donor_score", "my_distance"))).collect()
    assert filled["my_distance"].unique().to_list() == [0.0]


def test_own_family_sees_the_genes_full_axis() -> None:
    # The gene's largest donor score, and the sum over the two rows above: both need the full axis.
    def mine() -> dict[str, pl.Expr]:
        donor = pl.col("donor_score").cast(pl.Float64)
        return {"my_peak": donor.max(), "my_sum": donor.rolling_sum(3, min_samples=1)}

    manifest = FeatureManifest(("donor_score", "my_peak", "my_sum"))
    settings = FeatureSettings(custom={"mine": mine})

    found = sm.plan_features(
        SCORES, manifest, features=settings, selection=sm.Selection(target_rate=0.2)
    ).collect()

    for gene, rows in SCORES.group_by("gene_id"):
        donors = dict(zip(rows["position"], rows["donor_score"], strict=True))
        order = sorted(donors)
        for row in found.filter(pl.col("gene_id") == gene[0]).iter_rows(named=True):
            i = order.index(row["position"])
            assert row["my_peak"] == pytest.approx(max(donors.values()), rel=1e-6)
            expected = sum(donors[p] for p in order[max(i - 2, 0) : i + 1])
            assert row["my_sum"] == pytest.approx(expected, rel=1e-6)


def test_own_family_may_not_take_a_name_of_the_catalogue() -> None:
    settings = FeatureSettings(custom={"mine": lambda: {"gc_content": pl.lit(0.1)}})

    with pytest.raises(FeatureError, match="gc_content"):
        sm.plan_features(SCORES, "reference124", features=settings)


def test_gain_share_is_that_of_the_filled_features() -> None:
    manifest = FeatureManifest(("donor_score", "3mer_AAA", "gene_length"))
    fills = find_fills(manifest, ["donor_score"], FeatureSettings(), has_base=False)

    share = fills.gain_share({"donor_score": 6.0, "3mer_AAA": 3.0, "gene_length": 1.0})

    assert share == pytest.approx(0.4)


def test_harmonize_drops_extras_and_reorders() -> None:
    manifest = FeatureManifest(("acceptor_score", "donor_score"))
    plan, made = plan_features(with_axis(scan_scores(SCORES)), reference124(), FeatureSettings())
    fills = find_fills(manifest, made, FeatureSettings(), has_base=True)

    found = harmonize(plan, manifest, fills).collect()

    assert found.columns == ["gene_id", "position", "acceptor_score", "donor_score"]


def test_no_collect_hides_in_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = with_axis(scan_scores(SCORES))

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("collected before the predict batch")

    monkeypatch.setattr(pl.LazyFrame, "collect", refuse)

    plan, made = plan_features(frame, reference124(), FeatureSettings())
    harmonize(plan, reference124(), find_fills(reference124(), made, FeatureSettings(), True))


@pytest.mark.parametrize("names", [("gene_id", "donor_score"), ("position",)])
def test_keys_are_no_features(names: tuple[str, ...]) -> None:
    with pytest.raises(ManifestError, match=names[0]):
        FeatureManifest(names)


def test_types_that_no_model_reads_are_refused() -> None:
    with pytest.raises(ManifestError, match="List"):
        FeatureManifest(("donor_score",), dtypes=(("donor_score", "List"),))


def test_genes_the_table_knows_nothing_of_get_the_default() -> None:
    table = SCORES.with_columns(
        gene_length=pl.when(pl.col("gene_id") == "A").then(123).otherwise(None)
    )

    found = sm.plan_features(table, FeatureManifest(("donor_score", "gene_length"))).collect()

    assert found.group_by("gene_id", maintain_order=True).first()["gene_length"].to_list() == [
        123, 1000,
    ]  # fmt: skip
