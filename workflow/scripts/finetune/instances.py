"""Tokenize the pairs that a model is fine-tuned on, and plan which of them each update sees."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from llm.local.prompting import Prompter
from models.completions import TokenizedPair
from workbench.cli import UserError, say
from workbench.pairs import TrainingPair


def encode_pairs(
    pairs: Sequence[TrainingPair], prompter: Prompter, max_tokens: int, drop: bool, where: Path
) -> list[TokenizedPair]:
    """Tokenize the pairs, without those that cannot be learnt.

    A pair cannot be learnt if its target is empty, or if prompt and completion together exceed ``max_tokens``: a
    completion that is cut off would teach the model to stop too early.

    Args:
        pairs: the instances of the dataset.
        prompter: of the model.
        max_tokens: most tokens of an instance.
        drop: leave unusable pairs out instead of raising an error.
        where: the table, for messages.

    Raises:
        UserError: there is an unusable pair and ``drop`` is false, or nothing is left.
    """
    usable, first, count = [], "", 0
    for pair in pairs:
        instance = TokenizedPair(prompter.prompt(pair.source), prompter.completion(pair.target))
        tokens = len(instance.prompt) + len(instance.completion)
        is_empty = not pair.target.strip()
        if not is_empty and tokens <= max_tokens:
            usable.append(instance)
            continue
        what = "its target is empty" if is_empty else f"{tokens:,} tokens, prompt and target together"
        first = first or f"{pair.id} by {pair.origin}: {what}"
        count += 1
    if count and not drop:
        raise UserError(
            f"{where}: {count:,} of {len(pairs):,} instances cannot be learnt, being empty or longer than max_tokens, "
            f"{max_tokens:,}; the first is {first}. Raise `max_tokens` of the learner, lower corpus.cleaning's limits "
            "of length, or leave them out with `unusable: drop`"
        )
    if not usable:
        raise UserError(f"{where}: none of the {len(pairs):,} instances can be learnt; the first is {first}")
    if count:
        say(f"{count:,} of {len(pairs):,} instances left out, being empty or too long; the first is {first}")
    return usable


class Plan:
    """Which instances each update sees.

    Each epoch shuffles the instances again. Updates are cut from the sequence of epochs, so all but the last have the
    same size. The plan depends on the seed and on nothing that happens during training.

    Args:
        lengths: tokens of the completion of each instance.
        batch_size: instances of an update.
        epochs: how often every instance is seen.
        max_steps: number of updates instead of epochs, if not None.
        seed: of the order.
    """

    def __init__(
        self, lengths: Sequence[int], batch_size: int, epochs: float, max_steps: int | None, seed: int
    ) -> None:
        self._lengths = lengths
        self._batch = min(batch_size, len(lengths))
        seen = max_steps * self._batch if max_steps else max(1, math.ceil(epochs * len(lengths)))
        self._order = list(itertools.islice(self._epochs(seed), seen))
        self.updates = math.ceil(seen / self._batch)

    def _epochs(self, seed: int) -> Iterator[int]:
        import torch

        for epoch in itertools.count():
            generator = torch.Generator().manual_seed((seed * 1_000_003 + epoch) % 2**63)
            yield from torch.randperm(len(self._lengths), generator=generator).tolist()

    def update(self, number: int) -> list[int]:
        """Positions of the instances of an update, counted from 0; instances of similar length are neighbours."""
        places = self._order[number * self._batch : (number + 1) * self._batch]
        return sorted(places, key=lambda place: (-self._lengths[place], place))

    def epochs(self, updates: int) -> int:
        """Epochs begun after ``updates``."""
        return math.ceil(min(updates * self._batch, len(self._order)) / len(self._lengths))

    def target_tokens(self, updates: int) -> int:
        """Tokens of completions seen after ``updates``."""
        return sum(self._lengths[place] for place in self._order[: updates * self._batch])

    def count_parts(self, halvings: int) -> int:
        """Number of parts in which an update is computed.

        Raises:
            UserError: it cannot be halved that often.
        """
        parts: int = 2**halvings
        if halvings and parts >= 2 * self._batch:
            raise UserError(
                "the memory of the GPU does not hold a single instance: lower `max_tokens` of the learner, use "
                "`method: lora`, a smaller model or a GPU with more memory"
            )
        return min(parts, self._batch)

    def parts(self, count: int) -> Iterator[list[int]]:
        """Yield the ``count`` parts of every update, one update after the other; parts of the last can be empty."""
        for number in range(self.updates):
            places = self.update(number)
            step = math.ceil(len(places) / count)
            yield from (places[part * step : (part + 1) * step] for part in range(count))
