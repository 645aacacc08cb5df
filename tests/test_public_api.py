from __future__ import annotations

import inspect

import pytest

import splice_meta as sm


def test_every_public_name_is_there_and_documented() -> None:
    for name in sm.__all__:
        value = getattr(sm, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert value.__doc__, name
    assert sorted(sm.__all__) == sm.__all__


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = sm.nonsense


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: sm.Selection(low=0.8, high=0.2), "empty"),
        (lambda: sm.Selection(low=0.5, high=0.5), "empty"),
        (lambda: sm.Selection(target_rate=0), "target rate"),
        (lambda: sm.Selection(target_rate=1.5), "target rate"),
        (lambda: sm.Selection(entropy=-0.1), "entropy"),
        (lambda: sm.Selection(variance=float("nan")), "variance"),
        (lambda: sm.Selection(strategy="best"), "strategy"),
        (lambda: sm.RunSettings(mode="fast"), "mode"),
        (lambda: sm.RunSettings(outputs=("all",)), "output"),
        (lambda: sm.RunSettings(outputs=()), "output"),
        (lambda: sm.RunSettings(columns="wide"), "columns"),
        (lambda: sm.RunSettings(memory=10), "memory"),
        (lambda: sm.RunSettings(predict_rows=0), "predict_rows"),
    ],
)
def test_impossible_settings_are_refused_on_construction(make, words: str) -> None:
    with pytest.raises(sm.SpliceMetaError, match=words) as caught:
        make()

    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "size"),
    [("1GiB", 1 << 30), ("512 MiB", 1 << 29), ("2gb", 2 * 10**9), ("1.5MiB", 3 << 19), ("99", 99)],
)
def test_amounts_of_memory(text: str, size: int) -> None:
    from splice_meta.settings import parse_memory

    assert parse_memory(text) == size
