"""What reads answers and errors takes no longer than their length suggests, whatever is in them."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from llm.answers.wording import added, repair
from llm.providers.failures import error_object
from workbench.markup import has_markup, strip_markup

READERS: list[Callable[[str], object]] = [
    error_object,
    has_markup,
    strip_markup,
    lambda text: added(text, "Haus", "Translate:\nHaus", "English"),
    lambda text: repair(text, "Haus", "English"),
]
UNITS = ["<", "<!--", "<!-->", '<a b="', ":a", ":a:`", "**a ", "__a ", "**a *b", "[a](x", "```\n", " ", "`", "</think>"]


def seconds(read: Callable[[str], object], text: str) -> float:
    def once() -> float:
        started = time.process_time()
        read(text)
        return time.process_time() - started

    return min(once() for _ in range(3))


@pytest.mark.parametrize("unit", UNITS)
def test_a_text_eight_times_as_long_takes_no_longer_than_thirty_times(unit: str) -> None:
    for read in READERS:
        short, long = (f"```\n{unit * (size // len(unit))}x" for size in (2_000, 16_000))
        assert seconds(read, long) < 30 * max(seconds(read, short), 1e-4)
