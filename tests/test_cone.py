"""Edits between values of the reference: the bits of the whole altered gene, whatever the way."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_network import random_parts
from numpy.typing import NDArray

from splice_meta.base_models import edit_tiles, edits_on_openvino
from splice_meta.base_models.altered import Edit, Reference
from splice_meta.base_models.budget import Budget
from splice_meta.base_models.cone import Cone
from splice_meta.base_models.edit_tiles import Tile, Wide, tiles
from splice_meta.base_models.edits import EditScorer
from splice_meta.base_models.edits_on_openvino import EditsOnOpenVino
from splice_meta.base_models.network import Ensemble, build
from splice_meta.base_models.network_model import NetworkModel, backwards
from splice_meta.base_models.on_openvino import OnOpenVino
from splice_meta.base_models.pangolin import _reader
from splice_meta.base_models.windows import GeneScores, Window, score_windows
from splice_meta.errors import ModelError

Codes = NDArray[np.uint8]


def networks(units: int, count: int = 2, slope: float = 0.1, channels: int = 5) -> Ensemble:
    listed = [random_parts(units, channels, seed=seed) for seed in range(count)]
    return Ensemble(tuple(build(parts, 1e-5, slope) for parts in listed), (0,) * count)


def model_of(ensemble: Ensemble, threads: int = 2, precision: str = "float32") -> NetworkModel:
    return NetworkModel(
        "n", ensemble, "", lambda some: OnOpenVino(some, precision, threads), backwards
    )


def drawn(length: int, seed: int = 0, letters: bytes = b"ACGTACGTACGTN") -> Codes:
    return np.random.default_rng(seed).choice(list(letters), length).astype(np.uint8)


def whole(model: NetworkModel, reference: Reference, edit: Edit) -> NDArray[np.float32]:
    """The altered gene with its context, scored in one window."""
    stop, half = reference.length + edit.shift, model.context // 2
    width = 3 + len(model.extras)
    gene = GeneScores("g", reference.altered(edit, -half, stop + half), model.context, width)
    score_windows(model, [Window(gene, 0, stop)])
    return gene.scores


def some_edits(length: int, count: int, seed: int, longest: int = 30) -> list[Edit]:
    """Edits inside a gene: half of them near its middle, some at its ends."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        deleted = int(rng.choice([0, 1, 1, 1, 2, longest]))
        start = int(rng.integers(0, length - deleted + 1))
        if number % 2:
            start = length // 2 + start % 40
        if number % 8 == 2:
            start = 0
        if number % 8 == 4:
            start = length - deleted
        put = int(rng.choice([0, 1, 1, 1, 3, longest]))
        made.append(Edit(start, min(start + deleted, length), drawn(put, seed + number)))
    return made


def expected(
    model: NetworkModel, reference: Reference, edits: list[Edit], reach: int
) -> list[NDArray[np.float32]]:
    spans = [reference.span(edit, reach) for edit in edits]
    return [whole(model, reference, e)[a:b] for e, (a, b) in zip(edits, spans, strict=True)]


def same(one: list[NDArray[np.float32]], other: list[NDArray[np.float32]]) -> bool:
    return len(one) == len(other) and all(map(np.array_equal, one, other))


# --- The same values ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("units", "reach"), [(4, 0), (4, 7), (4, 500), (8, 0), (8, 60), (8, 700), (12, 7), (12, 1300)]
)
def test_edits_give_what_the_whole_altered_gene_gives(units: int, reach: int) -> None:
    model = model_of(networks(units, slope=0.1 if units == 8 else 0.0))
    scorer = EditScorer(model)
    reference = scorer.reference(drawn(1000 + model.context))
    edits = some_edits(1000, 20, seed=units + reach)

    found = scorer.scores(reference, edits, reach)

    scorer.close()
    assert same(found, expected(model, reference, edits, reach))
    plain = scored_plainly(model, reference, edits, reach)
    assert all(np.abs(a - b).max(initial=0) < 1e-6 for a, b in zip(found, plain, strict=True))


class PlainModel:
    """Networks of which nothing is known but how to call them."""

    def __init__(self, model: NetworkModel) -> None:
        self.name, self.context, self.digest = model.name, model.context, model.digest
        self.batch, self.predict = model.batch, model.predict


def scored_plainly(
    model: NetworkModel, reference: Reference, edits: list[Edit], reach: int
) -> list[NDArray[np.float32]]:
    """Each edit in a window of its own, as any base model scores it."""

    scorer = EditScorer(PlainModel(model))
    found = scorer.scores(reference, edits, reach)
    scorer.close()
    return found


def test_the_largest_network() -> None:
    model = model_of(networks(16, count=1, channels=32))
    scorer = EditScorer(model)
    reference = scorer.reference(drawn(900 + model.context))
    edits = [Edit(at, at + 1, drawn(1, at)) for at in (0, 450, 455, 899)]
    edits += [Edit(452, 452, drawn(9)), Edit(452, 470, drawn(0))]

    found = scorer.scores(reference, edits, 500)

    scorer.close()
    assert same(found, expected(model, reference, edits, 500))


def test_means_and_columns_are_the_base_models_own() -> None:
    listed = [build(random_parts(outputs=2, seed=seed), 1e-5, 0.0) for seed in range(6)]
    ensemble = Ensemble(tuple(listed), (0, 1, 0, 2, 3, 0))
    model = NetworkModel(
        "p", ensemble, "", lambda some: OnOpenVino(some, "float32", 2), _reader(True),
        ("a", "b", "c", "d"),
    )  # fmt: skip
    scorer = EditScorer(model)
    reference = scorer.reference(drawn(400 + model.context))
    edits = some_edits(400, 20, seed=3)

    found = scorer.scores(reference, edits, 50)

    scorer.close()
    assert found[1].shape[1] == 7
    assert same(found, expected(model, reference, edits, 50))


@pytest.mark.parametrize("is_fast", [True, False])
def test_the_genes_own_scores_come_along(is_fast: bool) -> None:
    made = model_of(networks(8))
    model = made if is_fast else PlainModel(made)
    scorer = EditScorer(model)
    length = 3000
    reference = scorer.reference(drawn(length + model.context))
    edits = [*some_edits(600, 12, seed=6), Edit(2500, 2501, drawn(1)), Edit(2999, 3000, drawn(300))]
    edits += [Edit(1400, 1900, drawn(2)), Edit(3100, 3101, drawn(1))]

    own, found = scorer.scores_of_both(reference, edits, 40)

    whole_gene = scorer.reference_scores(reference)
    assert np.array_equal(whole_gene, whole(made, reference, Edit(0, 0, drawn(0))))
    assert same(found, scorer.scores(reference, edits, 40))
    scorer.close()
    wanted = np.zeros(length, bool)
    for edit in edits:
        wanted[max(0, edit.start - 40) : edit.end + 40] = True
    has = ~np.isnan(own).any(axis=1)
    assert not (wanted & ~has).any()
    assert np.array_equal(own[has], whole_gene[has])
    assert 800 < has.sum() < 2200


def test_edits_next_to_n_and_to_n() -> None:
    model = model_of(networks(8))
    scorer = EditScorer(model)
    bases = drawn(600 + model.context, letters=b"ACGT")
    bases[400:460] = ord("N")  # 200..260 of the gene
    reference = scorer.reference(bases)
    edits = [Edit(199, 200, drawn(1)), Edit(259, 262, drawn(2)), Edit(230, 230, drawn(4))]
    edits += [Edit(190, 270, drawn(0)), Edit(198, 199, np.frombuffer(b"N", np.uint8))]

    found = scorer.scores(reference, edits, 100)

    scorer.close()
    assert same(found, expected(model, reference, edits, 100))


def test_edits_in_the_flanks() -> None:
    model = model_of(networks(8))
    half = model.context // 2
    scorer = EditScorer(model)
    reference = scorer.reference(drawn(300 + 2 * half + 80), half + 40)
    edits = [Edit(-5, -4, drawn(1)), Edit(-30, -3, drawn(0)), Edit(310, 310, drawn(5))]
    edits += [Edit(-3, 4, drawn(0)), Edit(298, 305, drawn(2)), Edit(-200, -199, drawn(1))]

    found = scorer.scores(reference, edits, 50)

    scorer.close()
    for edit, scores in zip(edits, found, strict=True):
        first, stop = reference.span(edit, 50)
        gene = GeneScores("g", reference.altered(edit, first - half, stop + half), 2 * half)
        if first < stop:
            score_windows(model, [Window(gene, 0, stop - first)])
        assert np.array_equal(scores, gene.scores)
    assert len(found[-1]) == 0


# --- The same bits whatever is asked beside ----------------------------------------------------


@pytest.mark.parametrize("threads", [1, 3])
def test_bits_do_not_depend_on_other_edits_order_or_threads(threads: int) -> None:
    ensemble = networks(8, count=3)
    model = model_of(ensemble, threads)
    scorer, one = EditScorer(model), EditScorer(model_of(ensemble, 1))
    reference = scorer.reference(drawn(4000 + model.context))
    edits = some_edits(4000, 60, seed=1, longest=300)

    together = scorer.scores(reference, edits, 100)

    backwards_asked = scorer.scores(reference, edits[::-1], 100)
    assert same(backwards_asked[::-1], together)
    each = [one.scores(reference, [edit], 100)[0] for edit in edits]
    assert same(each, together)
    scorer.close()
    one.close()


def test_bits_do_not_depend_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    ensemble = networks(8)
    model = model_of(ensemble)
    reference = Reference(drawn(4000 + model.context), model.context // 2)
    edits = some_edits(4000, 40, seed=2)
    expected_bits = expected(model, reference, edits, 30)
    for spans in ((), (256,), (4096,)):
        with ThreadPoolExecutor(2) as pool:
            between = EditsOnOpenVino(model.engine, 30, pool)  # type: ignore[arg-type]
            between.spans = list(spans)
            for size in (16, 256):
                monkeypatch.setattr(edit_tiles, "SIZES", (size,))
                made = [Wide.of(reference, edit, at) for at, edit in enumerate(edits)]
                wide = [each for each in made if each is not None]
                assert len(wide) > 20
                for edit, means in between.means(reference, wide):
                    assert isinstance(edit, Wide)
                    first, stop = reference.span(edits[edit.number], 30)
                    rows = means[::-1].T[first - edit.start + 30 : stop - edit.start + 30]
                    assert np.array_equal(rows, expected_bits[edit.number])


def test_several_calls_at_once() -> None:
    model = model_of(networks(8), 2)
    scorer = EditScorer(model)
    genes = [scorer.reference(drawn(700 + model.context, seed)) for seed in range(6)]
    edits = some_edits(700, 12, seed=4)
    alone = [scorer.scores(gene, edits, 40) for gene in genes]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda gene: scorer.scores(gene, edits, 40), genes))

    scorer.close()
    assert all(map(same, found, alone))


def test_little_memory_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of(networks(8), 2)
    scorer = EditScorer(model)
    genes = [scorer.reference(drawn(3000 + model.context, seed)) for seed in range(4)]
    edits = some_edits(3000, 30, seed=4)
    alone = [scorer.scores(gene, edits, 40) for gene in genes]
    scorer.close()
    monkeypatch.setattr(edits_on_openvino, "MOST_KEPT", 1)
    scorer = EditScorer(model)

    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda gene: scorer.scores(gene, edits, 40), genes))

    scorer.close()
    assert all(map(same, found, alone))


def test_memory_is_taken_and_given_back() -> None:
    budget = Budget(10)
    assert budget.take(6, is_patient=False)
    assert not budget.take(5, is_patient=False)
    assert budget.take(4, is_patient=False)
    budget.give_back(6)
    assert not budget.take(11, is_patient=False)
    with ThreadPoolExecutor(1) as pool:
        patient = pool.submit(budget.take, 11, is_patient=True)
        budget.give_back(4)
        assert patient.result(10)
    assert not budget.take(1, is_patient=False)


# --- Which way ---------------------------------------------------------------------------------


def test_shorter_products_score_in_windows() -> None:
    model = model_of(networks(8), precision="bfloat16")
    scorer = EditScorer(model)
    reference = scorer.reference(drawn(300 + model.context))
    edits = some_edits(300, 8, seed=5)

    found = scorer.scores(reference, edits, 20)

    scorer.close()
    assert same(found, expected(model, reference, edits, 20))


def test_networks_of_several_forms_score_in_windows() -> None:
    made = networks(4)
    other = build(random_parts(4, channels=7, seed=9), 1e-5, 0.1)
    ensemble = replace(made, networks=(*made.networks, other), groups=(0, 0, 0))
    assert made.is_uniform
    assert not ensemble.is_uniform
    model = model_of(ensemble)
    scorer = EditScorer(model)
    reference = scorer.reference(drawn(200 + model.context))
    edits = some_edits(200, 6, seed=5)

    found = scorer.scores(reference, edits, 20)

    scorer.close()
    assert same(found, expected(model, reference, edits, 20))


def test_nonsense_is_refused() -> None:
    ensemble = networks(4, count=1)
    (network,) = ensemble.networks
    head = replace(network.head, bias=np.full(3, np.nan, np.float32))
    model = model_of(replace(ensemble, networks=(replace(network, head=head),)))
    scorer = EditScorer(model)
    reference = scorer.reference(drawn(200 + model.context), gene_id="GENE")

    with pytest.raises(ModelError, match=r"no probabilities at .* of gene GENE"):
        scorer.scores(reference, [Edit(5, 6, drawn(1)), Edit(9, 9, drawn(3))], 20)

    scorer.close()


def naive_cost(edits: list[Wide], cone: Cone) -> int:
    """What edits cost at least: every way to cut their order into tiles and single ones."""
    ordered = sorted(edits, key=lambda edit: (edit.start, edit.number))
    longest = max(edit.end - edit.start for edit in ordered)

    def least(first: int) -> int:
        if first == len(ordered):
            return 0
        ways = [cone.window_cost(len(ordered[first].bases)) + least(first + 1)]
        for stop in range(first + 1, len(ordered) + 1):
            spread = ordered[stop - 1].start - ordered[first].start + longest
            fitting = [span for span in edit_tiles.SPANS if span >= spread]
            if fitting:
                inner = sum(cone.edit_cost(len(edit.bases)) for edit in ordered[first:stop])
                ways.append(cone.reference_cost(fitting[0]) + inner + least(stop))
        return min(ways)

    return least(0)


def cost(made: list[Tile], cone: Cone) -> int:
    total = 0
    for tile in made:
        sizes = [len(edit.bases) for edit in tile.edits]
        if tile.span:
            total += cone.reference_cost(tile.span) + sum(map(cone.edit_cost, sizes))
        else:
            total += sum(map(cone.window_cost, sizes))
    return total


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 9000), st.sampled_from([0, 1, 40, 200])), max_size=7),
    st.sampled_from([4, 8, 16]),
)
def test_tiles_cost_least_and_hold_every_edit_once(
    places: list[tuple[int, int]], units: int
) -> None:
    reference = Reference(drawn(10_000), 0)
    made = [
        Wide.of(reference, Edit(start, start + deleted, drawn(1)), number)
        for number, (start, deleted) in enumerate(places)
    ]
    edits = [edit for edit in made if edit is not None]
    cone = Cone.of(build(random_parts(units), 1e-5, 0.0), 500)

    found = tiles(edits, cone)

    assert sorted(edit.number for tile in found for edit in tile.edits) == list(range(len(edits)))
    for tile in found:
        if tile.span:
            assert tile.start == min(edit.start for edit in tile.edits)
            assert max(edit.end for edit in tile.edits) <= tile.start + tile.span
        else:
            assert len(tile.edits) == 1
    assert cost(found, cone) == (naive_cost(edits, cone) if edits else 0)


def test_near_edits_of_the_largest_network_share_and_far_ones_do_not() -> None:
    reference = Reference(drawn(80_000), 0)
    cone = Cone.of(build(random_parts(16), 1e-5, 0.0), 500)

    def spans(*starts: int) -> list[int]:
        made = [Wide.of(reference, Edit(at, at + 1, drawn(1)), at) for at in starts]
        return [tile.span for tile in tiles([each for each in made if each], cone)]

    assert spans(100) == [0]
    assert spans(100, 130) == [256]
    assert spans(100, 3000) == [4096]
    assert spans(100, 10_000) == [0, 0]
    assert spans(100, 130, 50_000, 50_700) == [256, 1024]


def test_long_edits_are_scored_in_windows() -> None:
    reference = Reference(drawn(2000), 0)
    assert Wide.of(reference, Edit(5, 5, drawn(257)), 0) is None
    assert Wide.of(reference, Edit(5, 262, drawn(1)), 0) is None
    wide = Wide.of(reference, Edit(5, 261, drawn(17)), 0)
    assert wide is not None
    assert (wide.start, wide.end, len(wide.bases)) == (5, 500, 256)


def test_the_cone_of_the_largest_network() -> None:
    cone = Cone.of(build(random_parts(16), 1e-5, 0.0), 500)
    assert (cone.made[0], cone.made[-1], cone.used[-1]) == (0, 500, 500)
    assert cone.made[24:] == (1000, 1500, 2000, 2500, 2500, 2000, 1500, 1000, 500)
    assert cone.depth == 27
    assert cone.window_cost(1) / cone.edit_cost(1) == pytest.approx(3.71, abs=0.01)
