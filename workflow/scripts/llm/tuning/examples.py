"""The runs of hosted learners, and what they are fine-tuned on: chats of a prompt and its target, as JSON lines.

The prompt is the generators' own, as a first request would be. Nothing is changed silently: what a provider is likely
to refuse is left out or stops the study, and both are counted.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from llm.calls import canonical_json
from llm.prompts import Templates
from llm.settings import TuningSettings
from llm.tokens import FRAME_TOKENS, estimate_tokens
from workbench.cli import UserError
from workbench.files import file_digest
from workbench.pairs import TrainingPair

FEWEST_EXAMPLES = 10  # that OpenAI takes
AUTO_EPOCHS = 3
_FEW = 100  # examples that OpenAI's default shows a model at least in all its epochs
_MOST_AUTO_EPOCHS = 25
# Bytes a token are 3.5 as a rule, 2.4 where a text is dear: what may be spent is reserved for the latter.
WORST_FACTOR = 1.5
_SHOWN = 5
_HYPERPARAMETERS = ("n_epochs", "batch_size", "learning_rate_multiplier")
_TUNING = ("provider", "model", "base_url", "languages", *_HYPERPARAMETERS, "validation", "max_tokens", "unusable")
# What providers' filters look for is not public. These are traces of personal data and of broken text that anybody can
# see; a row that has one is used all the same.
_NOTABLE = {
    "address": re.compile(r"\b(?:https?://|www\.)\S+", re.IGNORECASE),
    "e-mail": re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b"),
    "telephone number": re.compile(r"(?<!\w)\+\d[\d ()/-]{7,}\d"),
    "control character": re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"),
}


class Run(NamedTuple):
    """A run of a hosted learner."""

    run: str  # its name, LEARNER/RECIPE/SIZE/SEED
    size: int  # instances that its model has seen; 0: zero-shot, the base model
    new: int  # those of them that its own job trains on
    seed: int  # of the training


@dataclass
class Examples:
    """A file of examples and what was found on the way."""

    path: Path
    instances: int = 0  # written
    empty: int = 0  # left out because the target has no text
    too_long: int = 0  # left out because of ``max_tokens``
    tokens: int = 0  # of all examples, as estimated
    longest: int = 0  # tokens of the longest one
    notable: dict[str, list[str]] = field(default_factory=dict)  # ids that were written all the same, by what was seen
    sha256: str = ""  # of the file's content

    @property
    def left_out(self) -> int:
        """Rows that are not in the file."""
        return self.empty + self.too_long

    def report(self) -> dict[str, Any]:
        """The figures, for a report."""
        found = asdict(self)
        del found["path"]
        found["notable"] = {
            name: {"instances": len(ids), "first": ids[:_SHOWN]} for name, ids in sorted(self.notable.items())
        }
        return found


def write_examples(
    path: Path, instances: Iterable[TrainingPair], templates: Templates, max_tokens: int, unusable: str, key: str
) -> Examples:
    """Write the examples of ``instances`` as JSON lines.

    Args:
        path, instances, templates: the file, what to learn, and the prompt.
        max_tokens: of one example, prompt and target; by the estimate of :mod:`llm.tokens`.
        unusable: what to do about an empty target or a too long example: ``stop`` or ``drop``.
        key: the learner's place in the configuration, for messages.

    Raises:
        UserError: an instance cannot be used and ``unusable`` is ``stop``.
    """
    found = Examples(path)
    first: tuple[TrainingPair, int] | None = None
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for instance in instances:
            tokens = example_tokens(templates, instance.source, instance.target)
            empty = not instance.target.strip()
            if empty or tokens > max_tokens:
                found.empty += empty
                found.too_long += not empty
                first = first or (instance, tokens)
                continue
            file.write(example_line(templates, instance.source, instance.target) + "\n")
            found.instances += 1
            found.tokens += tokens
            found.longest = max(found.longest, tokens)
            for name in notable(f"{instance.source}\n{instance.target}"):
                found.notable.setdefault(name, []).append(instance.id)
    if first is not None and unusable == "stop":
        raise UserError(_unusable(found, *first, max_tokens, key))
    found.sha256 = file_digest(path)
    return found


def example_line(templates: Templates, source: str, target: str) -> str:
    """One example as JSON."""
    messages = [{"role": "user", "content": templates.user(source)}, {"role": "assistant", "content": target}]
    if templates.system is not None:
        messages.insert(0, {"role": "system", "content": templates.system})
    return json.dumps({"messages": messages}, ensure_ascii=False, separators=(",", ":"))


def example_tokens(templates: Templates, source: str, target: str) -> int:
    """About how many tokens one example has."""
    texts = [templates.user(source), target, *([templates.system] if templates.system else [])]
    return sum(map(estimate_tokens, texts)) + FRAME_TOKENS


def hyperparameters(settings: TuningSettings) -> dict[str, int | float | str]:
    """The hyperparameters that are not left to the provider."""
    values = {name: getattr(settings, name) for name in _HYPERPARAMETERS}
    return {name: value for name, value in values.items() if value != "auto"}


def run_shape(settings: TuningSettings, prompts: str, size: int, skip: int, seed: int | None) -> str:
    """A digest of what shapes a run's model, except its instances' texts, which need not exist yet.

    ``prompts`` is an example without texts; ``size`` and ``skip`` are those of ``llm/finetune_hosted.py``.
    """
    parts = [{name: getattr(settings, name) for name in _TUNING}, prompts, size, skip, seed]
    return hashlib.sha256(canonical_json(parts).encode()).hexdigest()


def epochs_of(n_epochs: int | str, instances: int) -> int:
    """How often a training goes through its examples: OpenAI's ``auto`` is three times, more often for very few."""
    if n_epochs != "auto":
        return int(n_epochs)
    return max(AUTO_EPOCHS, min(_MOST_AUTO_EPOCHS, _FEW // max(instances, 1)))


def notable(text: str) -> list[str]:
    """What in a text a provider's moderation may stumble over."""
    return [name for name, pattern in _NOTABLE.items() if pattern.search(text)]


def _unusable(found: Examples, first: TrainingPair, tokens: int, max_tokens: int, key: str) -> str:
    counts = {"with an empty target": found.empty, f"of more than {max_tokens:,} tokens": found.too_long}
    kinds = [f"{number:,} {what}" for what, number in counts.items() if number]
    return (
        f"{found.left_out:,} of {found.left_out + found.instances:,} instances cannot be trained on "
        f"({' and '.join(kinds)}); the first is {first.id} of {first.origin} with about {tokens:,} tokens: raise "
        f"{key}.max_tokens, tighten corpus.cleaning, or set {key}.unusable: drop to leave them out"
    )
