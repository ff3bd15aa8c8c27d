"""Learners: the models that are trained on each condition."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

from planning.llms import HostedLLM, LocalLLM, read_hosted_llm, read_local_llm
from planning.runs import FAIRSEQ, Runs
from planning.settings import Entries, JsonObject, compact, picked
from planning.training import Training, scaled

TUNING_KEYS = ("n_epochs", "batch_size", "learning_rate_multiplier", "validation", "max_tokens", "unusable")
# How a learner is fine-tuned; its other keys say what its base model is and how that translates.
FINETUNING_KEYS = {
    "local": ("kind", "conditions", "method", "lora", "options", "max_tokens", "unusable"),
    "openai": ("kind", "conditions", "max_usd", *TUNING_KEYS, "suffix", "training_price", "poll_seconds"),
}


@dataclass(frozen=True)
class Learner:
    """A model to train."""

    name: str  # its name in the configuration
    conditions: Sequence[str] | None  # the conditions that it is limited to; None for all
    model_name: ClassVar[str]  # what the file or folder of a trained model is called


@dataclass(frozen=True)
class FairseqLearner(Learner):
    """A transformer that is trained from scratch."""

    options: JsonObject
    training: Training
    runs: Runs = field(repr=False)
    model_name = "model.pt"

    def settings(self, recipe: str, size: int, seed: int) -> str:
        """What shapes the training of a run besides its data, as JSON, see :meth:`Training.settings`."""
        options = self.options
        if self.training.equal == "epochs":
            options = scaled(options, self.runs.new_instances(recipe, size) / self.runs.sizes[-1])
        return self.training.settings(options, seed)


@dataclass(frozen=True)
class LocalLearner(Learner):
    """An LLM that is fine-tuned here."""

    llm: LocalLLM
    shaping: JsonObject
    model_name = "model"

    def settings(self, seed: int) -> str:
        """What shapes its fine-tuning besides its data, as JSON for one command-line argument."""
        return compact({**self.shaping, "seed": seed})


@dataclass(frozen=True)
class HostedLearner(Learner):
    """An LLM that is fine-tuned behind an API."""

    llm: HostedLLM
    training_price: float | None
    runs: Runs = field(repr=False)
    model_name = "model.json"

    @property
    def execution(self) -> str:
        """How it is asked and fine-tuned, as JSON: no part of what makes its runs stale."""
        return self.llm.execution(f"learner {self.name}")

    @cached_property
    def run_costs(self) -> str:
        """What each of its distinct runs will cost depends on these, as JSON: a list of four values for each.

        They are its name, its number of instances, how many of them it is trained on, its seed.
        """
        return compact(
            [
                [
                    f"{run.learner}/{run.recipe}/{run.size}/{run.seed}",
                    run.size,
                    self.runs.new_instances(run.recipe, run.size),
                    run.seed,
                ]
                for run in self.runs.distinct
                if run.learner == self.name
            ]
        )


def read_learners(config: JsonObject, training: Training, runs: Runs) -> Entries[Learner]:
    """The learners of a completed configuration, by name."""
    return Entries({name: _read_learner(config, name, training, runs) for name in config["learners"]})


def _read_learner(config: JsonObject, name: str, training: Training, runs: Runs) -> Learner:
    given = config["learners"][name]
    conditions = given["conditions"]
    if given["kind"] == FAIRSEQ:
        return FairseqLearner(name, conditions, given["options"], training, runs)
    if given["kind"] == "local":
        shaping = {
            **picked(given, ("method", "options", "max_tokens", "unusable", "precision")),
            **({"lora": given["lora"]} if given["method"] == "lora" else {}),
            "device": training.device,
            "save_every": training.save_every,
            "languages": config["languages"],
        }
        return LocalLearner(name, conditions, read_local_llm(config, "learners", name), shaping)
    shaping = {
        "samples": 1,  # one translation a source
        "sentences_per_request": 1,
        "language_margin": config["corpus"]["cleaning"]["language_margin"],
        **picked(given, TUNING_KEYS),
        "suffix": given["suffix"] or re.sub("[^a-z0-9-]", "-", name.lower()),
    }
    llm = read_hosted_llm(config, "learners", name, shaping)
    return HostedLearner(name, conditions, llm, given["training_price"], runs)
