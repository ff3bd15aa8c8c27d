"""A study as the rules see it: conditions, generators, learners, quality scores and runs, each with its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from planning.conditions import Condition, remedied, reversed_twins
from planning.corpus import Corpus, read_corpus
from planning.evaluation import Detector, ErrorAnalysis, Evaluation, read_detector, read_error_analysis
from planning.generators import Generators, LocalGenerator, read_generators
from planning.hosted_llms import HostedLLM, journal_path
from planning.learners import HostedLearner, Learner, LocalLearner, read_learners
from planning.local_llms import LocalLLM
from planning.quality import QualityScores, read_quality
from planning.runs import Runs
from planning.settings import Entries, JsonObject, compact, read_settings
from planning.training import Training


@dataclass(frozen=True)
class Study:
    """A study. Paths below its folders are written with Snakemake's ``<results>`` and ``<downloads>``.

    Its configuration does not change any more: what many jobs ask for is made once.
    """

    config: JsonObject  # the completed configuration
    runs: Runs  # all runs
    results: str  # folder for everything that the study computes
    downloads: str  # folder for downloaded files
    languages: Mapping[str, str]  # codes of the ``source`` and ``target`` language
    vocab: JsonObject  # the section of this name

    @cached_property
    def corpus(self) -> Corpus:
        """The human text and its splits."""
        return read_corpus(self.config)

    @cached_property
    def training(self) -> Training:
        """How transformers are trained."""
        return read_settings(Training, self.config["training"], languages=self.languages)

    @cached_property
    def decoding(self) -> str:
        """How learners that are transformers translate the test set, as JSON."""
        return compact(self.training.decoding(self.config["decoding"]))

    @cached_property
    def evaluation(self) -> Evaluation:
        """How translations of the test set are scored."""
        return read_settings(Evaluation, self.config["evaluation"], target_language=self.languages["target"])

    @cached_property
    def detector(self) -> Detector:
        """How authors are distinguished."""
        return read_detector(self.config["detector"])

    @cached_property
    def errors(self) -> ErrorAnalysis:
        """How errors are found."""
        return read_error_analysis(self.config["analysis"]["errors"])

    @cached_property
    def diversity(self) -> str:
        """How lexical diversity is measured, as JSON."""
        return compact(self.config["analysis"]["diversity"])

    @property
    def agreement_targets(self) -> int | None:
        """Most targets of a generator that quality scores are compared on; None for all."""
        targets: int | None = self.config["analysis"]["agreement"]["targets"]
        return targets

    @property
    def journal(self) -> str:
        """The SQLite file in which answers of LLMs are kept."""
        return journal_path(self.config)

    @property
    def conditions(self) -> Mapping[str, Condition]:
        """The conditions, by name."""
        return self.runs.conditions

    @cached_property
    def generators(self) -> Generators:
        """The generators, by name."""
        return read_generators(self.config, self.training, self.runs)

    @cached_property
    def learners(self) -> Entries[Learner]:
        """The learners, by name."""
        return read_learners(self.config, self.training, self.runs)

    @cached_property
    def quality(self) -> QualityScores:
        """The quality scores, by name."""
        return read_quality(self.config, self.training, self.generators)

    @property
    def relations(self) -> str:
        """Which conditions are compared apart from those with the baseline, as JSON for one command-line argument.

        ``remedied`` maps a remedy to the condition that it is a remedy for, ``reverse`` a condition to the one that is
        the same in reverse order.
        """
        return compact({"remedied": remedied(self.conditions), "reverse": reversed_twins(self.conditions)})

    @cached_property
    def local_llms(self) -> list[LocalLLM]:
        """The LLMs that run here: base models of learners, then generators."""
        learners, generators = self.learners.of(LocalLearner), self.generators.of(LocalGenerator)
        return [*(learner.llm for learner in learners.values()), *(generator.llm for generator in generators.values())]

    @cached_property
    def hub_models(self) -> dict[str, LocalLLM]:
        """An LLM of each model that is fetched from the hub, by the name of the model's folder."""
        return {llm.hub_folder: llm for llm in self.local_llms if llm.is_at_hub}

    @cached_property
    def hosted_learners(self) -> dict[str, HostedLearner]:
        """The learners that are fine-tuned behind an API, by name."""
        return self.learners.of(HostedLearner)

    @cached_property
    def hosted_llms(self) -> list[HostedLLM]:
        """Every LLM behind an API that the study asks: generators, judges and learners, each once."""
        judges = {judge.name: judge.llm for judge, _ in self.quality.judged}
        generators = [generator.llm for generator in self.generators.hosted.values()]
        return [*generators, *judges.values(), *(learner.llm for learner in self.hosted_learners.values())]

    def request_arguments(self, learners: bool = True) -> list[str]:
        """``--generator`` arguments: settings, execution and prompts of everything that LLMs are asked, as JSON.

        Args:
            learners: add ``--learner`` arguments: the same of hosted learners, and their runs.
        """
        generators = [(one.settings, one.execution, one.llm) for one in self.generators.hosted.values()]
        judges = [(judge.llm.settings, judge.execution(name), judge.llm) for judge, name in self.quality.judged]
        arguments: list[str] = []
        for settings, execution, llm in [*generators, *judges]:
            arguments += ["--generator", settings, execution, compact(llm.prompts)]
        for one in self.hosted_learners.values() if learners else ():
            arguments += ["--learner", one.settings, one.execution, compact(one.llm.prompts), one.run_costs]
        return arguments


def read_study(config: JsonObject) -> Study:
    """The study of a completed configuration."""
    return read_settings(Study, config, config=config, runs=Runs.read(config))
