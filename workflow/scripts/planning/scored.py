"""What a study scores: synthetic targets by quality, pairs of authors by detectors."""

from __future__ import annotations

import json
from functools import cached_property

from planning.asking import is_judge, judge_execution, judge_settings, prompt_files
from planning.configuration import MODEL_METRICS
from planning.scoring import (
    detector_pairs,
    is_written_by_people,
    machine_generators,
    quality_inputs,
    scored_generators,
)
from planning.trained import TrainedStudy
from planning.values import compact

# What :mod:`models.scoring` goes by; the rest of `decoding` changes no score of given targets.
_SCORING_KEYS = ("engine", "batch_tokens")


class ScoredStudy(TrainedStudy):
    """The part of a study that says whose text is scored, by what, and what that reads."""

    @cached_property
    def machine_generators(self) -> list[str]:
        """The generators in use that people did not write."""
        return machine_generators(self.config)

    @cached_property
    def second_references(self) -> list[str]:
        """The generators that people wrote, in use or not."""
        return [name for name, settings in self.config["generators"].items() if is_written_by_people(settings)]

    @cached_property
    def analysed_generators(self) -> list[str]:
        """The generators whose text is analysed."""
        return [*self.machine_generators, *self.second_references]

    @cached_property
    def detector_pairs(self) -> list[tuple[str, str, str]]:
        """Every pair of authors that a detector tells apart: first, second, what kind of pair it is."""
        return detector_pairs(self.machine_generators, self.second_references)

    @cached_property
    def quality_pairs(self) -> list[tuple[str, str]]:
        """Every quality score with every generator whose targets it is taken of."""
        machines = self.machine_generators
        return [(name, g) for name in self.config["quality"] for g in scored_generators(self.config, name, machines)]

    @property
    def quality_about(self) -> str:
        """The metric of every quality score, and what it averages, as JSON for one command-line argument."""
        scores = self.config["quality"].items()
        return compact({name: {key: s[key] for key in ("metric", "of") if key in s} for name, s in scores})

    @property
    def oracle(self) -> str:
        """The quality score that knows the human targets, by which the others are judged."""
        return next(name for name, settings in self.config["quality"].items() if settings["metric"] == "oracle")

    @cached_property
    def judges(self) -> list[tuple[str, str]]:
        """Every quality score that asks an LLM, with every generator whose targets it is asked about."""
        return [(name, generator) for name, generator in self.quality_pairs if is_judge(self.config["quality"][name])]

    def judge_prompt_files(self, quality: str) -> dict[str, str]:
        """The files that the requests of a judge are written from, by what they are."""
        return prompt_files(self.config["quality"][quality])

    def judge_settings(self, quality: str) -> str:
        """What shapes the answers of a judge, as JSON for one command-line argument."""
        return compact(judge_settings(self.config, quality))

    def judge_execution(self, quality: str, generator: str) -> str:
        """How a judge is asked about a generator's targets, as JSON; no part of what makes its scores stale."""
        return compact(judge_execution(self.config, quality, generator))

    def quality_inputs(self, name: str, generator: str) -> dict[str, str]:
        """The files that a quality score reads besides the pool and the generator's text."""
        return quality_inputs(self.config, name, generator, self.machine_generators)

    def quality_settings(self, name: str) -> str:
        """What shapes a quality score besides its inputs, as JSON for one command-line argument."""
        settings = self.config["quality"][name]
        if is_judge(settings):  # what shapes its scores is known to the rule that asks for them
            return compact({"metric": settings["metric"]})
        elsewhere = ("options", "generators", "pairs", "weights")  # known by the inputs
        shaping = {key: value for key, value in settings.items() if key not in elsewhere}
        if settings["metric"] in MODEL_METRICS:
            given = {key: self.config["decoding"][key] for key in _SCORING_KEYS}
            shaping["decoding"] = json.loads(self.decoding_settings(settings.get("decoding", given)))
        if settings["metric"] == "language":
            shaping["languages"] = self.config["languages"]
        if "weights" in settings:
            shaping["device"] = self.config["training"]["device"]
        return compact(shaping)
