"""The batch of an update stays the same on any number of devices, and in smaller parts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from train.settings import batch_options, too_small
from workbench.cli import UserError

RECIPE = {"arch": "transformer", "max-tokens": 4096, "update-freq": 4}


def test_one_device_takes_the_recipe_as_it_is() -> None:
    assert batch_options({"max-tokens": 768}, 1) == {"max-tokens": 768}


@pytest.mark.parametrize(
    ("options", "devices", "halvings", "batch"),
    [
        (RECIPE, 2, 0, {"max-tokens": 4096, "update-freq": "2"}),
        (RECIPE, 4, 0, {"max-tokens": 4096, "update-freq": "1"}),
        (RECIPE, 8, 0, {"max-tokens": 2048, "update-freq": "1"}),
        (RECIPE, 3, 0, {"max-tokens": 2730, "update-freq": "2"}),
        (RECIPE, 1, 2, {"max-tokens": 1024, "update-freq": "16"}),
        (RECIPE, 4, 1, {"max-tokens": 2048, "update-freq": "2"}),
        ({"batch-size": 64}, 2, 1, {"batch-size": 16, "update-freq": "2"}),
        ({"max-tokens": 4096, "update-freq": "2,4"}, 2, 0, {"max-tokens": 4096, "update-freq": "1,2"}),
    ],
)
def test_devices_share_a_batch(options: dict, devices: int, halvings: int, batch: dict) -> None:
    assert batch_options(options, devices, halvings) == {**options, **batch}


def test_a_batch_without_parts_is_refused() -> None:
    with pytest.raises(UserError, match="batch-size 2 is too small to be shared by 1 GPUs in 4 parts each"):
        batch_options({"batch-size": 2}, 1, 2)


def test_several_values_that_the_devices_do_not_divide_are_refused() -> None:
    with pytest.raises(UserError, match="update-freq 1,4 cannot be shared by 2 GPUs"):
        batch_options({"max-tokens": 4096, "update-freq": "1,4"}, 2)


@given(
    tokens=st.integers(2048, 65536), steps=st.integers(1, 32), devices=st.integers(1, 64), halvings=st.integers(0, 4)
)
def test_an_update_never_grows_and_hardly_shrinks(tokens: int, steps: int, devices: int, halvings: int) -> None:
    shared = batch_options({"max-tokens": tokens, "update-freq": steps}, devices, halvings)
    parts = devices * int(shared["update-freq"])
    assert shared["max-tokens"] <= tokens // 2**halvings
    assert tokens * steps - parts < shared["max-tokens"] * parts <= tokens * steps


def test_a_batch_holds_the_longest_text_and_its_end() -> None:
    assert too_small({"max-tokens": 256}, 256)
    assert not too_small({"max-tokens": 257}, 256)
    assert not too_small({"batch-size": 1}, 256)
