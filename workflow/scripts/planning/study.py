"""A study as the rules see it: its runs and sections, each with its settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from planning.conditions import Condition, remedied, reversed_twins
from planning.corpus import Corpus
from planning.generators import Generators, LocalGenerator, read_generators
from planning.learners import HostedLearner, Learner, LocalLearner, read_learners
from planning.llms import HostedLLM, LocalLLM, journal_path
from planning.quality import QualityScores, read_quality
from planning.runs import Runs
from planning.settings import Entries, JsonObject, compact, read_settings
from planning.training import Training


@dataclass(frozen=True)
class Evaluation:
    """The section ``evaluation``, with the language that translations are in."""

    target_language: str
    metrics: Sequence[str]
    metric_options: Mapping[str, JsonObject]
    baseline: str
    significance: str
    samples: int
    resamples: int
    margin: float
    floor: float

    def metric_arguments(self, metrics: Sequence[str]) -> list[str]:
        """How ``metrics`` are computed, as the scripts of the evaluation take it."""
        options = {name: self.metric_options.get(name, {}) for name in metrics}
        return [
            *("--metrics", *metrics),
            *("--metric-options", compact(options)),
            *("--target-language", self.target_language),
        ]


@dataclass(frozen=True)
class Detector:
    """The section ``detector``; ``settings`` is all of it that shapes a detector, as JSON."""

    kind: str
    folds: int
    least: int
    pairs: int | None
    word_ngrams: Sequence[int] | None
    character_ngrams: Sequence[int] | None
    post_editing_margin: float
    settings: str


@dataclass(frozen=True)
class ErrorAnalysis:
    """The section ``analysis.errors``; ``norms`` and ``limits`` are JSON."""

    samples: int
    segments: int | None
    norms: str
    limits: str


@dataclass(frozen=True)
class Study:
    """A study. Paths below its folders are written with Snakemake's ``<results>`` and ``<downloads>``.

    Its configuration does not change any more: what many jobs ask for is made once.
    """

    config: JsonObject  # the completed configuration
    runs: Runs  # all runs
    results: str  # folder for everything that the study computes
    downloads: str  # folder for downloaded files
    journal: str  # the SQLite file in which answers of LLMs are kept
    languages: Mapping[str, str]  # codes of the ``source`` and ``target`` language
    vocab: JsonObject  # the section of this name
    corpus: Corpus  # the human text and its splits
    training: Training  # how transformers are trained
    decoding: str  # how learners that are transformers translate the test set, as JSON
    evaluation: Evaluation  # how translations of the test set are scored
    detector: Detector  # how authors are distinguished
    errors: ErrorAnalysis  # how errors are found
    diversity: str  # how lexical diversity is measured, as JSON
    agreement_targets: int | None  # most targets of a generator that quality scores are compared on; None for all

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

        With ``learners``, also ``--learner`` arguments: the same of hosted learners, and their runs.
        """
        generators = [(one.llm, one.execution) for one in self.generators.hosted.values()]
        judges = [(judge.llm, judge.execution(name)) for judge, name in self.quality.judged]
        arguments: list[str] = []
        for llm, execution in [*generators, *judges]:
            arguments += ["--generator", llm.settings, execution, compact(llm.prompts)]
        for one in self.hosted_learners.values() if learners else ():
            arguments += ["--learner", one.llm.settings, one.execution, compact(one.llm.prompts), one.run_costs]
        return arguments


def read_study(config: JsonObject) -> Study:
    """The study of a completed configuration."""
    training = read_settings(Training, config["training"], languages=config["languages"])
    detector, analysis = config["detector"], config["analysis"]
    errors = analysis["errors"]
    shaping = {key: value for key, value in detector.items() if key != "post_editing_margin"}
    return read_settings(
        Study,
        config,
        config=config,
        runs=Runs.read(config),
        journal=journal_path(config),
        corpus=read_settings(Corpus, config["corpus"], splits=config["splits"]),
        training=training,
        decoding=compact(training.decoding(config["decoding"])),
        evaluation=read_settings(Evaluation, config["evaluation"], target_language=config["languages"]["target"]),
        detector=read_settings(Detector, detector, settings=compact(shaping)),
        errors=read_settings(ErrorAnalysis, errors, norms=compact(errors["norms"]), limits=compact(errors["limits"])),
        diversity=compact(analysis["diversity"]),
        agreement_targets=analysis["agreement"]["targets"],
    )
