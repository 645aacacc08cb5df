"""Scores around edits against the whole altered gene, scored anew."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tiny_network import CONTEXT, TinyNetwork

from splice_meta.base_models.altered import Edit, Reference
from splice_meta.base_models.edits import EditScorer

HALF = CONTEXT // 2


def codes(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(text.encode(), np.uint8)


def edit(start: int, end: int, text: str) -> Edit:
    return Edit(start, end, codes(text))


def drawn(length: int, seed: int = 0) -> str:
    return "".join(np.random.default_rng(seed).choice(list("ACGTACGTACGTN"), length))


def whole(model: TinyNetwork, text: str, half: int) -> NDArray[np.float32]:
    """Scores of a gene with half a context on each side, in one piece."""
    one_hot = np.array([[[base == letter for letter in "ACGT"] for base in text]], np.float32)
    assert one_hot.shape[1] > 2 * half
    return model.predict(one_hot)[0]


def naive(
    text: str, flank: int, made: Edit, reach: int, model: TinyNetwork, half: int
) -> NDArray[np.float32]:
    """The altered gene scored whole, position by position of a list that says what is the gene's.

    Bases carry whether they belong to the gene; those put in do where a base of the gene stood,
    and any more of them where one stands on both sides.
    """
    length = len(text) - 2 * flank
    marks = [0 <= at - flank < length for at in range(len(text))]
    low, high = made.start + flank, made.end + flank
    put = bytes(made.bases).decode()
    inner = marks[low:high][: len(put)]
    inner += [marks[high - 1] and marks[high]] * (len(put) - len(inner))
    altered = text[:low] + put + text[high:]
    belongs = [*marks[:low], *inner, *marks[high:]]
    padded = "N" * half + altered + "N" * half
    every = whole(model, padded, half)
    wanted = [
        at for at, mine in enumerate(belongs) if mine and low - reach <= at < low + len(put) + reach
    ]
    return every[wanted]


@pytest.fixture
def scorer() -> Iterator[EditScorer]:
    made = EditScorer(TinyNetwork(batch=3))
    yield made
    made.close()


NAMED = {
    "SNV": edit(30, 31, "A"),
    "SNV to N": edit(30, 31, "N"),
    "MNV": edit(30, 33, "ACC"),
    "insertion": edit(30, 30, "ACGTTACG"),
    "long insertion": edit(30, 30, drawn(200)),
    "deletion": edit(30, 37, ""),
    "long deletion": edit(5, 55, ""),
    "delins that shortens": edit(30, 37, "TT"),
    "delins that lengthens": edit(30, 32, "TTTTTTTTTT"),
    "first base": edit(0, 1, "G"),
    "last base": edit(59, 60, "G"),
    "deletion of the first bases": edit(0, 4, ""),
    "deletion of the last bases": edit(56, 60, ""),
    "insertion behind the first base": edit(1, 1, "GATC"),
    "insertion before the first base": edit(0, 0, "GATC"),
    "insertion behind the last base": edit(60, 60, "GATC"),
    "SNV in the 5' flank": edit(-3, -2, "C"),
    "SNV in the 3' flank": edit(62, 63, "C"),
    "insertion in the 5' flank": edit(-3, -3, "CAT"),
    "deletion in the 5' flank": edit(-6, -3, ""),
    "deletion in the 3' flank": edit(62, 66, ""),
    "deletion over the start": edit(-2, 3, ""),
    "deletion over the end": edit(58, 63, ""),
    "MNV over the start": edit(-1, 1, "GG"),
    "MNV over the end": edit(59, 61, "GG"),
    "more bases for the first": edit(0, 1, "GATC"),
    "more bases for the last": edit(59, 60, "GATC"),
    "more bases over the start": edit(-1, 1, "GATC"),
    "more bases over the end": edit(59, 61, "GATC"),
    "the whole gene": edit(0, 60, ""),
}


@pytest.mark.parametrize("reach", [0, 4, 25, 500])
@pytest.mark.parametrize("name", NAMED)
def test_an_edit_gives_what_the_whole_altered_gene_gives(
    scorer: EditScorer, name: str, reach: int
) -> None:
    flank = HALF + 10
    text = drawn(60 + 2 * flank)
    reference = scorer.reference(codes(text), flank)

    (found,) = scorer.scores(reference, [NAMED[name]], reach)

    expected = naive(text, flank, NAMED[name], reach, TinyNetwork(), HALF)
    first, stop = reference.span(NAMED[name], reach)
    assert found.shape == (stop - first, 3)
    np.testing.assert_array_equal(found, expected)


def test_an_edit_beside_n(scorer: EditScorer) -> None:
    text = drawn(30) + "N" * 10 + drawn(50, 1)
    for made in (edit(19, 20, "T"), edit(20, 21, "T"), edit(19, 30, "")):
        (found,) = scorer.scores(scorer.reference(codes(text)), [made], 15)
        expected = naive(text, HALF, made, 15, TinyNetwork(), HALF)
        np.testing.assert_array_equal(found, expected)


edits = st.builds(
    lambda start, size, text: edit(start, start + size, text),
    st.integers(-9, 44),
    st.integers(0, 9),
    st.text("ACGTN", max_size=9),
)


@settings(deadline=None)
@given(st.lists(edits, max_size=6), st.integers(0, 50), st.integers(0, 5))
@example([], 5, 0)
def test_edits_do_not_see_each_other(made: list[Edit], reach: int, seed: int) -> None:
    flank = HALF + 20
    text = drawn(40 + 2 * flank, seed)
    scorer = EditScorer(TinyNetwork(batch=2))
    found = scorer.scores(scorer.reference(codes(text), flank), made, reach)
    scorer.close()
    for each, one in zip(made, found, strict=True):
        expected = naive(text, flank, each, reach, TinyNetwork(), HALF)
        np.testing.assert_array_equal(one, expected)


def test_beyond_the_flanks_is_n(scorer: EditScorer) -> None:
    text = drawn(40)
    (found,) = scorer.scores(Reference(codes(text), 0), [edit(3, 4, "")], 10)
    np.testing.assert_array_equal(
        found, whole(TinyNetwork(), "N" * HALF + text[:3] + text[4:] + "N" * HALF, HALF)[:13]
    )


def test_an_edit_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="ends before it starts"):
        edit(5, 4, "A")


def test_a_scorer_goes_to_other_processes(scorer: EditScorer) -> None:
    sent = pickle.loads(pickle.dumps(scorer))
    reference = sent.reference(codes(drawn(60)))
    (found,) = sent.scores(reference, [NAMED["SNV"]], 3)
    sent.close()
    np.testing.assert_array_equal(found, scorer.scores(reference, [NAMED["SNV"]], 3)[0])
