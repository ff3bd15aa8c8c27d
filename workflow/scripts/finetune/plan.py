"""Plan a fine-tuning: its settings, its tokenized pairs, and which of them each update sees."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from llm.local.prompting import Prompter
from models.completions import TokenizedPair
from workbench.cli import UserError, say
from workbench.pairs import TrainingPair


@dataclass(frozen=True)
class TrainerOptions:
    """Training settings, named as in transformers; see the schema of the configuration."""

    num_train_epochs: float
    max_steps: int | None  # updates instead of epochs
    batch_size: int  # instances of an update
    learning_rate: float
    lr_scheduler_type: str
    warmup_ratio: float
    weight_decay: float
    max_grad_norm: float


@dataclass(frozen=True)
class FinetuningSettings:
    """What shapes a fine-tuning besides its data and prompt, in the names of the JSON that the rule passes."""

    languages: Mapping[str, str]  # codes of source and target
    method: str  # lora or full
    options: TrainerOptions
    max_tokens: int  # most tokens of an instance, prompt and target together
    unusable: str  # drop instances that cannot be learnt, or stop
    precision: str  # auto, float32, bf16 or fp16
    seed: int
    device: str  # cpu or gpu
    save_every: int  # updates between checkpoints
    lora: Mapping[str, Any] | None = None  # peft's options of the adapter; None for full

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Self:
        """Take the settings from a JSON object."""
        lora = given["lora"] if given["method"] == "lora" else None
        return cls(**{**given, "options": TrainerOptions(**given["options"]), "lora": lora})


def encode_pairs(
    pairs: Sequence[TrainingPair], prompter: Prompter, max_tokens: int, drop: bool, where: Path
) -> list[TokenizedPair]:
    """Tokenize the pairs, without those that cannot be learnt.

    A pair cannot be learnt if its target is empty, or if prompt and completion together exceed ``max_tokens``: a
    completion that is cut off would teach the model to stop too early.

    Raises:
        UserError: there is an unusable pair and ``drop`` is false, or nothing is left; the message names the table
            ``where``.
    """
    usable, problems = [], []
    for pair in pairs:
        instance = TokenizedPair(prompter.prompt(pair.source), prompter.completion(pair.target))
        tokens = len(instance.prompt) + len(instance.completion)
        if not pair.target.strip():
            problems.append(f"{pair.id} by {pair.origin}: its target is empty")
        elif tokens > max_tokens:
            problems.append(f"{pair.id} by {pair.origin}: {tokens:,} tokens, prompt and target together")
        else:
            usable.append(instance)
    first = problems[0] if problems else ""
    if problems and not drop:
        raise UserError(
            f"{where}: {len(problems):,} of {len(pairs):,} instances cannot be learnt, being empty or longer than "
            f"max_tokens, {max_tokens:,}; the first is {first}. Raise `max_tokens` of the learner, lower "
            "corpus.cleaning's limits of length, or leave them out with `unusable: drop`"
        )
    if not usable:
        raise UserError(f"{where}: none of the {len(pairs):,} instances can be learnt; the first is {first}")
    if problems:
        say(f"{len(problems):,} of {len(pairs):,} instances left out, being empty or too long; the first is {first}")
    return usable


class Plan:
    """Which instances each update sees.

    Each epoch shuffles the instances again. Updates are cut from the sequence of epochs, so all but the last have the
    same size. The plan depends on the seed and on nothing that happens during training. The ``lengths`` are the tokens
    of each instance's completion.
    """

    def __init__(self, lengths: Sequence[int], options: TrainerOptions, seed: int) -> None:
        self._lengths = lengths
        self._batch = min(options.batch_size, len(lengths))
        in_epochs = max(1, math.ceil(options.num_train_epochs * len(lengths)))
        seen = options.max_steps * self._batch if options.max_steps else in_epochs
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
