"""Problems with a configuration, as one line each."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Key = tuple[str | int, ...]


class ConfigurationError(Exception):
    """The configuration cannot be used; one line of text for each problem."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


@dataclass(frozen=True)
class Problem:
    """What is wrong with the value at ``key``.

    Args:
        key: path of the value in the configuration.
        message: what is wrong, and what is allowed.
        no_input: the value names an input of a rule that is not on this disk. That is fine if inputs are in storage.
    """

    key: Key
    message: str
    no_input: bool = False


def guess(name: str, known: Iterable[str]) -> str:
    """``"; did you mean 'x'?"`` if one of ``known`` is close to ``name``, otherwise an empty string."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def not_one_of(known: Iterable[str], name: str, reason: str, none: str = "none") -> str:
    """The message that ``name`` is not one of ``known``: the reason, what is allowed, and what was probably meant."""
    return f"{reason}; allowed: {', '.join(known) or none}{guess(name, known)}"


def too_many(amount: int, limit: int, key: str) -> str:
    """The message that ``amount`` is more than the value of ``key``."""
    return f"{amount:,} is beyond {key}; allowed: {limit:,} or less"
