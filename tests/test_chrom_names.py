from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splice_meta.errors import InputError
from splice_meta.reference.chrom_names import match_chroms, no_match_error

HUMAN = [*map(str, range(1, 23)), "X", "Y"]
ACCESSIONS = dict(zip(HUMAN, (f"NC_{n:06}.{n % 7 + 9}" for n in range(1, 25)), strict=True))


@pytest.mark.parametrize(
    ("wanted", "available"),
    [
        ("chr1", "1"),
        ("1", "chr1"),
        ("Chr1", "chr1"),
        ("CHR1", "1"),
        ("chr1", "NC_000001.11"),
        ("1", "NC_000001.10"),
        ("NC_000001.11", "1"),
        ("nc_000001.11", "NC_000001.11"),
        ("NC_000001", "NC_000001.11"),
        ("NC_000023.11", "chrX"),
        ("chrx", "X"),
        ("Y", "NC_000024.10"),
        ("chrM", "MT"),
        ("MT", "chrM"),
        ("M", "NC_012920.1"),
        ("NC_012920.1", "MT"),
        ("chrMT", "M"),
        ("chrUn_KI270442v1", "Un_KI270442v1"),
        ("KI270442.1", "chrKI270442.1"),
        ("2L", "chr2L"),
        ("NC_000067.7", "NC_000067.7"),
    ],
)
def test_names_of_one_chromosome(wanted: str, available: str) -> None:
    assert match_chroms([wanted], ["other", available, "chr1_alt"]) == {wanted: available}


@pytest.mark.parametrize(
    ("wanted", "available"),
    [
        ("chr1", "chr11"),
        ("1", "NC_000011.10"),
        ("chr1", "NC_000067.7"),
        ("NC_000067.6", "NC_000067.7"),
        ("NC_000001.10", "NC_000001.11"),
        ("NC_000025.1", "25"),
        ("XNC_000001.11", "1"),
        ("NC_000001.11x", "1"),
        ("chr01", "1"),
        ("un_ki270442v1", "Un_KI270442v1"),
        ("chr1", "chr1_alt"),
        ("chrX", "NC_000022.11"),
        ("NC_000023.11", "23"),
    ],
)
def test_names_of_different_chromosomes(wanted: str, available: str) -> None:
    assert match_chroms([wanted], [available]) == {}
    assert match_chroms([available], [wanted]) == {}


@pytest.mark.parametrize("number", HUMAN)
def test_every_human_accession(number: str) -> None:
    available = [ACCESSIONS[name] for name in HUMAN]
    assert match_chroms([f"chr{number}", number], available) == {
        f"chr{number}": ACCESSIONS[number],
        number: ACCESSIONS[number],
    }


def test_the_same_name_wins_then_the_one_with_or_without_chr() -> None:
    available = ["NC_012920.1", "chrM", "chrMT", "1", "chr1"]
    assert match_chroms(["chrM", "MT", "NC_012920.1", "chr1", "1"], available) == {
        "chrM": "chrM",
        "MT": "chrMT",
        "NC_012920.1": "NC_012920.1",
        "chr1": "chr1",
        "1": "1",
    }
    assert match_chroms(["1"], ["NC_000001.11", "chr1"]) == {"1": "chr1"}


@pytest.mark.parametrize(
    ("wanted", "available"),
    [
        ("chr1", ["NC_000001.10", "NC_000001.11"]),
        ("NC_000001", ["NC_000001.10", "NC_000001.11"]),
        ("NC_012920.1", ["MT", "chrM"]),
        ("1", ["Chr1", "chr1"]),
    ],
)
def test_two_equally_good_names_are_refused(wanted: str, available: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        match_chroms([wanted], available)
    assert repr(wanted) in caught.value.message
    assert all(repr(name) in caught.value.message for name in available)
    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_a_version_of_its_own_among_two_is_no_ambiguity() -> None:
    available = ["NC_000001.10", "NC_000001.11"]
    assert match_chroms(["NC_000001.11"], available) == {"NC_000001.11": "NC_000001.11"}
    assert match_chroms(["NC_000001.9"], available) == {}


@given(
    st.lists(st.sampled_from([*HUMAN, "MT", "KI270442.1", "2L"]), unique=True),
    st.lists(st.sampled_from([*HUMAN, "MT", "KI270442.1", "2L"]), unique=True),
    st.booleans(),
)
def test_matches_are_the_names_that_both_have(
    wanted: list[str], available: list[str], chr_in_front: bool
) -> None:
    style = {name: f"chr{name}" if chr_in_front else name for name in available}
    expected = {name: style[name] for name in wanted if name in style}
    assert match_chroms(wanted, style.values()) == expected


def test_the_error_shows_both_styles() -> None:
    error = no_match_error(
        ["GL0001", "chr1"], ["NW_1", "NC_000001.11", "NC_000002.12"], "annotation", "FASTA"
    )
    assert isinstance(error, InputError)
    assert error.message == (
        "The FASTA's chromosomes are named like 'NC_000001.11', the annotation's like 'chr1', "
        "and none is in both."
    )
    assert "same genome" in error.hint
    assert "'scaffold_7'" in no_match_error(["scaffold_7"], ["1"], "scores", "FASTA").message


@pytest.mark.parametrize(
    ("wanted", "available", "side"), [([], ["1"], "scores"), (["1"], [], "FASTA")]
)
def test_the_error_where_one_side_has_no_chromosome(
    wanted: list[str], available: list[str], side: str
) -> None:
    assert f"The {side} names no" in no_match_error(wanted, available, "scores", "FASTA").message
