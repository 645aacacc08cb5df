from collections.abc import Sequence
from itertools import accumulate, product
from random import Random
from typing import Any

import hypothesis.strategies as st
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from reference import SCORE_FEATURES, features, genes_of, kmer_counts

from splice_meta.catalogue import SEQUENCE
from splice_meta.contracts import SCORES, canonical, with_axis
from splice_meta.features import plan_features
from splice_meta.features.windows import window_counts
from splice_meta.harmonize import find_fills, harmonize
from splice_meta.manifest import FeatureManifest
from splice_meta.settings import FeatureSettings

RELATIVE, ABSOLUTE = 1e-5, 1e-6
PROPERTY = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
ENGINES = ("in-memory", "streaming")
FLOAT32 = pl.Float32
TABLE = {
    "gene_id": pl.String,
    "position": pl.Int64,
    **dict.fromkeys(SCORES, FLOAT32),
    "base": pl.String,
}

# Triples where formulas go wrong: probabilities 0 and 1, ties, almost nothing, rounding past 1.
EDGE_TRIPLES = (
    (0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.5, 0.5, 0.0), (0.5, 0.0, 0.5),
    (0.25, 0.25, 0.5), (0.1, 0.1, 0.8), (1e-45, 0.0, 1.0), (1e-10, 1e-8, 1.0), (0.0, 3e-9, 1.0),
    (0.9, 0.05, 0.05), (0.3, 0.6, 0.1), (0.0, 1.00005, 0.0),
)  # fmt: skip
# A gene may start where the one before it ended (None), so that only gene_id keeps them apart.
STARTS = (0, 1, 2, 901, 12_345_678, 3_000_000_000, 1 << 38, -3, None)
STEPS = (1, 1, 1, 1, 1, 1, 1, 2, 3, 4, 5, 7, 40, 700)


@st.composite
def triples(draw: st.DrawFn) -> tuple[float, float, float]:
    share = st.floats(0.0, 1.0, width=32)
    splice, donor = draw(share), draw(share)
    return splice * donor, splice * (1 - donor), 1 - splice


@st.composite
def tables(draw: st.DrawFn, sizes: st.SearchStrategy[list[int]]) -> pl.DataFrame:
    """Base scores of some genes: hypothesis shapes them, seeded chance fills in the rows.

    Were every letter and score drawn by itself, most examples would be near copies of others.
    """
    chance = Random(draw(st.integers(0, 1 << 32)))
    # A small pool makes runs, ties and peaks.
    pool = [*draw(st.lists(triples(), max_size=4)), *chance.sample(EDGE_TRIPLES, 3)]
    alphabets = ("ACGT", "ACGTN", "acgtACGT", "AT", "G", "N", "ACGTUNRn-.*x")
    rows: list[tuple[Any, ...]] = []
    end = 0
    for number, size in enumerate(draw(sizes)):
        start = draw(st.sampled_from(STARTS))
        steps = chance.choices(draw(st.sampled_from([STEPS, (1,)])), k=size - 1)
        positions = list(accumulate(steps, initial=end + 1 if start is None else start))
        end = positions[-1]
        scores = chance.choices(pool, k=size)
        bases = chance.choices(draw(st.sampled_from(alphabets)), k=size)
        # Names fall while rows rise: the input's order counts, not the names'.
        rows += [
            (f"G{99 - number}", position, *triple, base)
            for position, triple, base in zip(positions, scores, bases, strict=True)
        ]
    return pl.DataFrame(rows, schema=TABLE, orient="row")


A_FEW_GENES = st.lists(st.integers(1, 30), min_size=1, max_size=3)
TINY_GENES = st.lists(st.integers(1, 3), min_size=8, max_size=20)
SIZES = st.one_of(A_FEW_GENES, TINY_GENES)


@st.composite
def picks_of(draw: st.DrawFn, rows: int) -> list[bool] | None:
    """Which rows are picked: some, none, all, or no picking (None)."""
    chance = Random(draw(st.integers(0, 1 << 32)))
    share = draw(st.sampled_from([0.1, 0.5, 0.9, 0.0, 1.0, None]))
    return None if share is None else [chance.random() < share for _ in range(rows)]


@st.composite
def words(draw: st.DrawFn) -> list[str]:
    """k-mer features: several k at once, all words of small k, some words of any k."""
    chance = Random(draw(st.integers(0, 1 << 32)))
    names: list[str] = []
    for k in draw(st.lists(st.integers(1, 9), min_size=1, max_size=4, unique=True)):
        if k <= 3 and draw(st.booleans()):
            names += all_words(k)
        else:
            # Words of one or two letters occur in the repetitive sequences, the others rarely.
            alphabets = chance.choices(["A", "G", "AT", "ACGT"], k=draw(st.integers(1, 6)))
            drawn = ["".join(chance.choices(letters, k=k)) for letters in alphabets]
            names += [f"{k}mer_{word}" for word in dict.fromkeys(drawn)]
    return names


def all_words(k: int) -> list[str]:
    return [f"{k}mer_{''.join(letters)}" for letters in product("ACGT", repeat=k)]


def compute(
    table: pl.DataFrame,
    names: Sequence[str],
    *,
    picked: list[bool] | None = None,
    half_width: int = 250,
    engine: Any = "in-memory",
) -> pl.DataFrame:
    """The features by way of the package, as a run puts the stages together."""
    manifest = FeatureManifest(tuple(names), half_width)
    feature_settings = FeatureSettings()
    scores = with_axis(canonical(table.lazy()))
    if picked is not None:
        scores = scores.with_columns(pl.Series("picked", picked, dtype=pl.Boolean))
    plan, made = plan_features(
        scores, manifest, feature_settings, None if picked is None else "picked"
    )
    fills = find_fills(manifest, made, feature_settings, has_base="base" in table.columns)
    return harmonize(plan, manifest, fills).collect(engine=engine)


def check_against_reference(
    got: pl.DataFrame,
    table: pl.DataFrame,
    names: Sequence[str],
    picked: list[bool] | None = None,
    half_width: int = 250,
) -> None:
    rows = table.to_dicts()
    genes = genes_of(rows)
    wanted = [r for i, r in enumerate(rows) if picked is None or picked[i]]
    assert got.schema == {"gene_id": pl.String, "position": pl.Int64} | dict.fromkeys(
        names, FLOAT32
    )
    keys = [(r["gene_id"], r["position"]) for r in wanted]
    assert got.select("gene_id", "position").rows() == keys
    for values, (gene_id, position) in zip(got.to_dicts(), keys, strict=True):
        expected = features(genes[gene_id], position, names, half_width)
        for name, want in expected.items():
            if is_exact(name):
                assert values[name] == want, (gene_id, position, name)
            else:
                error = abs(values[name] - want)
                # Written so that a NaN fails.
                near = error <= max(ABSOLUTE, RELATIVE * abs(want))
                assert near, (gene_id, position, name, values[name], want)


def is_exact(name: str) -> bool:
    """Scores and counts are stored as they are; nothing may round them."""
    return name.endswith("_score") or "mer_" in name or name == "sequence_length"


@pytest.mark.parametrize("engine", ENGINES)
@PROPERTY
@given(data=st.data())
def test_features_of_scores_equal_the_reference(engine: str, data: st.DataObject) -> None:
    table = data.draw(tables(SIZES))
    picked = data.draw(picks_of(table.height))
    # No base column, any order of the manifest: neither may matter to these families.
    names = data.draw(st.permutations(SCORE_FEATURES))
    scores = table.drop("base")

    got = compute(scores, names, picked=picked, engine=engine)

    check_against_reference(got, scores, names, picked)


def test_ratios_of_nearly_equal_numbers_are_exact_enough() -> None:
    # Scores a few Float32 steps apart: their differences have no digit that rounding may take.
    chance = Random(1)
    rows = [
        ("G", i, 0.3 + chance.randrange(9) * 2**-25, 0.3 + chance.randrange(9) * 2**-25, 0.4, "A")
        for i in range(60)
    ]
    table = pl.DataFrame(rows, schema=TABLE, orient="row")

    got = compute(table, SCORE_FEATURES)

    assert got["signal_strength_ratio"].abs().max() > 10
    check_against_reference(got, table, SCORE_FEATURES)


@pytest.mark.parametrize("engine", ENGINES)
@PROPERTY
@given(data=st.data())
def test_sequence_features_and_kmers_equal_the_reference(engine: str, data: st.DataObject) -> None:
    table = data.draw(tables(SIZES))
    picked = data.draw(picks_of(table.height))
    names = [*data.draw(words()), *SEQUENCE]
    half_width = data.draw(st.sampled_from([1, 2, 5, 250, 300, 40_000]))

    got = compute(table, names, picked=picked, half_width=half_width, engine=engine)

    check_against_reference(got, table, names, picked, half_width)


@PROPERTY
@given(data=st.data())
def test_gene_alone_and_among_others_has_the_same_bits(data: st.DataObject) -> None:
    table = data.draw(tables(SIZES))
    picked = data.draw(picks_of(table.height))
    names = [*SCORE_FEATURES, *SEQUENCE, *data.draw(words())]
    half_width = data.draw(st.sampled_from([1, 5, 250]))

    everything = compute(table, names, half_width=half_width)
    alone = [compute(gene, names, half_width=half_width) for gene in table.partition_by("gene_id")]
    some = compute(table, names, half_width=half_width, picked=picked)

    assert bits(pl.concat(alone)).equals(bits(everything))
    assert bits(some).equals(bits(everything.filter(pl.Series(picked or [True] * table.height))))


def bits(frame: pl.DataFrame) -> pl.DataFrame:
    """Float32 columns as the integers their bits spell, so that 0 is not -0 and NaN is itself."""
    return frame.with_columns(pl.col(FLOAT32).reinterpret(dtype=pl.UInt32))


@pytest.mark.parametrize("engine", ENGINES)
def test_features_do_not_depend_on_the_size_of_morsels(
    engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Morsels of 7 rows cut genes and windows in many places.
    table = sequence_table([1, 40, 3, 1, 60, 25], gap_every=11)
    picked = [i % 3 != 1 for i in range(table.height)]
    names = [*SCORE_FEATURES, *SEQUENCE, *all_words(2)]
    with pl.Config(streaming_chunk_size=7):
        got = compute(table, names, picked=picked, half_width=5, engine=engine)

    check_against_reference(got, table, names, picked, half_width=5)


def sequence_table(sizes: Sequence[int], *, gap_every: int = 0, bases: str = "") -> pl.DataFrame:
    """A fixed table: a sequence without short period unless given, scores that vary."""
    columns: dict[str, list[Any]] = {"gene_id": [], "position": [], "base": []}
    for number, size in enumerate(sizes):
        for i in range(size):
            columns["gene_id"].append(f"G{number}")
            columns["position"].append(i + (2 * (i // gap_every) if gap_every else 0))
            letter = bases[i % len(bases)] if bases else "ACGT"[i * i * 7 // 5 % 1013 % 4]
            columns["base"].append(letter)
    row = pl.int_range(pl.len())
    donor, acceptor = row % 7 * 0.07, row * row % 5 * 0.11
    return pl.DataFrame(columns).with_columns(
        donor_score=donor.cast(FLOAT32),
        acceptor_score=acceptor.cast(FLOAT32),
        neither_score=(1 - donor - acceptor).cast(FLOAT32),
    )


# The more words, the fewer running counts are kept: every k here has its own spacing.
@pytest.mark.parametrize(
    ("k", "half_width"), [(1, 9), (2, 1), (2, 300), (3, 9), (3, 300), (4, 1), (4, 300), (5, 300)]
)
def test_all_words_of_a_length_equal_the_reference(k: int, half_width: int) -> None:
    check_words(all_words(k), half_width)


def test_thousands_of_long_words_equal_the_reference() -> None:
    check_words(all_words(6)[::2], half_width=300)


def check_words(names: Sequence[str], half_width: int) -> None:
    table = sequence_table([700, 1, 5, 90], gap_every=173)
    every = 1 + len(names) // 30
    picked = [i % every == 0 or i > 785 for i in range(table.height)]

    got = compute(table, names, picked=picked, half_width=half_width)

    check_against_reference(got, table, names, picked, half_width)


# Word numbers go to 16 bits up to 65,535 words; the number after the last is any other word.
@pytest.mark.parametrize("listed", [65_535, 65_536])
def test_more_words_than_16_bits_can_number_are_counted(listed: int) -> None:
    # Straight at the counting: a manifest this long takes minutes to plan.
    words = ["".join(letters) for letters in product("ACGT", repeat=8)][-listed:]
    text = "TTTTTTTTTAAAAAAAAACGTNTTTTTTTT"
    axis = pl.Series(range(len(text)))

    got = window_counts(axis, pl.Series(list(text)), axis == 15, 20, {8: words}).struct.unnest()

    gene = {p: {"base": letter} for p, letter in enumerate(text)}
    expected = {f"8mer_{w}": n for w, n in kmer_counts(gene, 15, 20, 8).items() if w in words}
    found = got.select(pl.exclude("^_window_.*$")).row(0, named=True)
    assert {name: n for name, n in found.items() if n} == expected
    assert expected["8mer_TTTTTTTT"] == 3


# Counts go to 16 bits as long as a window holds fewer than 2^16 positions. A homopolymer has as
# many words as positions, and its running counts pass 2^16 in every case.
@pytest.mark.parametrize("half_width", [300, 32_766, 32_767, 32_768, 40_000])
def test_counts_do_not_overflow_in_wide_windows(half_width: int) -> None:
    table = sequence_table([3, 90_000, 2], bases="A")
    names = ["1mer_A", "1mer_C", "2mer_AA", "9mer_AAAAAAAAA", *SEQUENCE]
    wanted = {0, 3, 20_000, 45_003, 70_000, 90_002, 90_004}
    picked = [i in wanted for i in range(table.height)]

    got = compute(table, names, picked=picked, half_width=half_width)

    positions = got["sequence_length"].to_list()
    assert max(positions) == min(2 * half_width + 1, 90_000)
    check_against_closed_form(got, positions)


def check_against_closed_form(got: pl.DataFrame, positions: list[float]) -> None:
    # In a homopolymer without gaps, w positions hold w - k + 1 words of length k.
    assert got["1mer_A"].to_list() == positions
    assert got["1mer_C"].to_list() == [0.0] * got.height
    assert got["2mer_AA"].to_list() == [max(w - 1, 0.0) for w in positions]
    assert got["9mer_AAAAAAAAA"].to_list() == [max(w - 8, 0.0) for w in positions]
    assert got["gc_content"].to_list() == got["sequence_complexity"].to_list() == [0.0] * got.height


def test_wide_windows_of_mixed_sequence_equal_the_reference() -> None:
    table = sequence_table([2, 70_000, 2], gap_every=9_001)
    names = [*all_words(2), "1mer_G", *SEQUENCE]
    wanted = {1, 2, 35_000, 70_001, 70_002}
    picked = [i in wanted for i in range(table.height)]

    got = compute(table, names, picked=picked, half_width=40_000)

    check_against_reference(got, table, names, picked, half_width=40_000)


@pytest.mark.parametrize("is_picked", [False, True])
def test_long_genes_are_counted_without_seams(is_picked: bool) -> None:
    # Windows are worked off in chunks of 2^16 rows; the rows around the seams are looked at.
    table = sequence_table([50_000, 90_000], gap_every=1_024)
    names = [*all_words(1), "3mer_CAT", "sequence_length"]
    picked = [True] * table.height if is_picked else None

    got = compute(table, names, picked=picked, half_width=6)

    genes = genes_of(table.to_dicts())
    rows = got.with_row_index().filter(pl.col("index").is_between(49_990, 50_010)
        | pl.col("index").is_between(65_530, 65_542)
        | pl.col("index").is_between(131_066, 131_078))  # fmt: skip
    assert got.height == table.height
    assert rows.height == 47
    for values in rows.to_dicts():
        # Only the neighbourhood is given: the reference looks at every position of a gene.
        gene, here = genes[values["gene_id"]], values["position"]
        near = {p: gene[p] for p in range(here - 6, here + 7) if p in gene}
        expected = features(near, here, names, half_width=6)
        assert {name: values[name] for name in names} == expected


@pytest.mark.parametrize("base", ["N", "A"])
@pytest.mark.parametrize("rows", [1, 3])
def test_complexity_of_a_window_without_variety_is_plain_zero(base: str, rows: int) -> None:
    # Neither 0 / 0, where no letter is known, nor -0.
    got = compute(sequence_table([rows], bases=base), SEQUENCE)

    assert got["sequence_complexity"].is_nan().sum() == 0
    assert bits(got)["sequence_complexity"].to_list() == [0] * rows


def test_asymmetry_without_neighbours_is_plain_zero() -> None:
    # 0 - 0, not -0, even where no picked row has a neighbour upstream.
    table = sequence_table([2, 1, 3])
    names = ["donor_context_asymmetry", "acceptor_context_asymmetry", "context_asymmetry"]

    got = compute(table, names, picked=[False, False, True, True, False, False])

    assert bits(got).select(names).row(0) == (0, 0, 0)


def test_base_may_be_missing_at_some_positions() -> None:
    # Null is not a letter: it counts for the length, spoils its words, and nothing becomes null.
    table = sequence_table([12]).with_columns(
        base=pl.when(pl.col("position") % 5 != 3).then(pl.col("base"))
    )
    names = [*SEQUENCE, *all_words(1), *all_words(2)]

    got = compute(table, names, half_width=4)

    assert table["base"].null_count() == 2
    check_against_reference(got, table, names, half_width=4)


@pytest.mark.parametrize("dtype", [pl.Int32, pl.UInt32, pl.Int16])
def test_type_of_positions_does_not_matter(dtype: pl.DataType) -> None:
    table = sequence_table([9, 4], gap_every=4)
    names = [*SCORE_FEATURES, *SEQUENCE, "2mer_CA"]

    got = compute(table.with_columns(pl.col("position").cast(dtype)), names, half_width=2)

    check_against_reference(got, table, names, half_width=2)
