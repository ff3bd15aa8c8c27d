"""What a model is fine-tuned on: prompts and completions in tokens, and in which order it sees them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from llm.local.prompting import Prompter
from models.completions import Instance
from workbench.cli import UserError, say
from workbench.pairs import TrainingPair


def encode_pairs(
    pairs: Sequence[TrainingPair], prompter: Prompter, max_tokens: int, drop: bool, where: Path
) -> list[Instance]:
    """The pairs in tokens, without those that nothing can be learnt from.

    An empty target, or a prompt and completion of more than ``max_tokens`` together, is of no use: cut off, it would
    teach to stop too early.

    Args:
        pairs: what is to be learnt.
        prompter: of the model.
        max_tokens: most tokens of an instance.
        drop: leave such pairs out; else they are an error.
        where: the table, for messages.

    Raises:
        UserError: there is such a pair and ``drop`` is false, or nothing is left.
    """
    usable, first, count = [], "", 0
    for pair in pairs:
        instance = Instance(prompter.prompt(pair.source), prompter.completion(pair.target))
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

    The instances are shuffled anew for every epoch, and updates are cut from the row of epochs, so that all but the
    last have the same size. The plan depends on the seed and on nothing that happens while it is carried out.

    Args:
        lengths: tokens of the completion of each instance.
        options: ``num_train_epochs``, ``max_steps`` (None: by epochs), ``batch_size``.
        seed: of the order.
    """

    def __init__(self, lengths: Sequence[int], options: Mapping[str, Any], seed: int) -> None:
        self._lengths = lengths
        self._batch = min(int(options["batch_size"]), len(lengths))
        seen = max(1, math.ceil(options["num_train_epochs"] * len(lengths)))
        if options.get("max_steps"):
            seen = int(options["max_steps"]) * self._batch
        self._order = list(itertools.islice(self._epochs(seed), seen))
        self.updates = math.ceil(seen / self._batch)

    def _epochs(self, seed: int) -> Iterator[int]:
        import torch

        for epoch in itertools.count():
            generator = torch.Generator().manual_seed((seed * 1_000_003 + epoch) % 2**63)
            yield from torch.randperm(len(self._lengths), generator=generator).tolist()

    def update(self, number: int) -> list[int]:
        """Positions of the instances of an update, 0 the first; similar lengths stand together."""
        places = self._order[number * self._batch : (number + 1) * self._batch]
        return sorted(places, key=lambda place: (-self._lengths[place], place))

    def epochs(self, updates: int) -> int:
        """Epochs begun after so many updates."""
        return math.ceil(min(updates * self._batch, len(self._order)) / len(self._lengths))

    def target_tokens(self, updates: int) -> int:
        """Tokens of completions that so many updates have seen."""
        return sum(self._lengths[place] for place in self._order[: updates * self._batch])

    def parts_of_update(self, halvings: int) -> int:
        """In how many parts an update is computed.

        Raises:
            UserError: it cannot be halved so often.
        """
        parts = 2**halvings
        if halvings and parts >= 2 * self._batch:
            raise UserError(
                "the memory of the GPU does not hold a single instance: lower `max_tokens` of the learner, take "
                "`method: lora`, a smaller model or a GPU with more memory"
            )
        return min(parts, self._batch)

    def parts(self, halvings: int) -> Iterator[list[int]]:
        """The parts of all updates, one after the other, each update in as many; a part of the last can be empty."""
        count = self.parts_of_update(halvings)
        for number in range(self.updates):
            places = self.update(number)
            step = math.ceil(len(places) / count)
            yield from (places[part * step : (part + 1) * step] for part in range(count))
