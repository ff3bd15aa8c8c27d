"""Generators: who writes the synthetic targets, from what."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from planning.conditions import Recipe
from planning.llms import HostedLLM, LocalLLM, read_hosted_llm, read_local_llm
from planning.runs import FAIRSEQ, Runs, named_seed
from planning.settings import Entries, JsonObject, compact, picked, read_settings
from planning.training import Training, model_files
from workbench.generated import HUMAN


@dataclass(frozen=True, kw_only=True)
class Generator:
    """A source of synthetic targets."""

    name: str
    provider: str
    settings: str  # what shapes its text besides its inputs, as JSON for one command-line argument
    fallback: str | None = None  # the origin that supplies the targets that it lacks
    may_drop: bool = False  # whether it can leave a source without a target
    human: bool = False  # whether people wrote its text, which is a second reference then
    has_logprobs: bool = False  # whether its targets come with their log-probabilities
    has_samples: bool = False  # whether it writes several targets for each source

    @property
    def inputs(self) -> dict[str, str]:
        """The files that its provider reads besides the pool, by the names the provider uses."""
        return {}


@dataclass(frozen=True)
class SourceRun:
    """The run whose model a generator is; ``learner`` is None if the study has no fairseq learner to default to."""

    condition: str
    size: int
    seed: int
    learner: str | None


@dataclass(frozen=True, kw_only=True)
class FairseqGenerator(Generator):
    """A transformer that is trained here, on the first ``pairs`` of `pretrain`, or that is the model of a run."""

    options: JsonObject
    training_settings: str
    runs: Runs = field(repr=False)
    pairs: int | None = None
    from_run: SourceRun | None = None

    @property
    def model_folder(self) -> str:
        """Folder of its model: its own, or that of the run."""
        run = self.from_run
        if run is None or run.learner is None:
            return f"<results>/generators/{self.name}"
        recipe = self.runs.run_recipe(self.runs.by_learner[run.learner][run.condition], run.size)
        return f"<results>/runs/{run.learner}/{recipe}/{run.size}/{run.seed}"

    @property
    def inputs(self) -> dict[str, str]:
        """The model and the vocabulary."""
        return model_files(self.model_folder)


@dataclass(frozen=True, kw_only=True)
class FileGenerator(Generator):
    """Translations that exist already."""

    targets: str
    aligned_with: str
    sources: str | None = None

    @property
    def inputs(self) -> dict[str, str]:
        """The file of targets and, if there is one, that of their sources."""
        return {"targets": self.targets} | ({"sources": self.sources} if self.sources else {})


@dataclass(frozen=True, kw_only=True)
class LocalGenerator(Generator):
    """An LLM that runs here."""

    llm: LocalLLM


@dataclass(frozen=True, kw_only=True)
class HostedGenerator(Generator):
    """An LLM behind an API."""

    llm: HostedLLM

    @property
    def execution(self) -> str:
        """How it is asked, as JSON: no part of what makes its text stale."""
        return self.llm.execution(self.name)


class Generators(Entries[Generator]):
    """The generators of a study, by name.

    Args:
        entries: all generators that are configured.
        runs: the study's runs, which say who is used.
    """

    def __init__(self, entries: Mapping[str, Generator], runs: Runs) -> None:
        super().__init__(entries)
        self._runs = runs

    @cached_property
    def used(self) -> list[str]:
        """The generators that conditions draw on or are ordered by, in the configuration's order."""
        conditions = [one for conditions in self._runs.by_learner.values() for one in conditions.values()]
        named = {name for condition in conditions for name in (*condition.origins, condition.order_of)}
        return [name for name in self if name in named]

    @cached_property
    def needed(self) -> list[str]:
        """The generators in use and those that supply their missing targets."""
        named = {*self.used, *(self[name].fallback for name in self.used)}
        return [name for name in self if name in named]

    @cached_property
    def machines(self) -> list[str]:
        """The generators in use that people did not write."""
        return [name for name in self.used if not self[name].human]

    @cached_property
    def people(self) -> list[str]:
        """The second human references, in use or not."""
        return [name for name in self if self[name].human]

    @cached_property
    def analysed(self) -> list[str]:
        """The generators whose text is analysed."""
        return [*self.machines, *self.people]

    @cached_property
    def hosted(self) -> dict[str, HostedGenerator]:
        """The generators behind an API that are needed, by name."""
        return {name: given for name, given in self.of(HostedGenerator).items() if name in self.needed}

    @cached_property
    def gapped(self) -> list[str]:
        """The generators that may leave sources without a target, which then leave every condition."""
        return [name for name in self.used if self[name].may_drop and not self[name].fallback]

    def fallbacks(self, recipe: Recipe) -> dict[str, str]:
        """For each generator of a recipe that has one, the origin that supplies the targets that it lacks."""
        given = {name: self[name].fallback for name in recipe.generators if name in self}
        return {name: origin for name, origin in given.items() if origin}

    def origins_of(self, recipe: Recipe) -> list[str]:
        """Whose generated text a dataset is built from, including what fills the gaps of others."""
        return sorted({*recipe.generators, *self.fallbacks(recipe).values()} - {HUMAN})

    @cached_property
    def detector_pairs(self) -> dict[str, tuple[str, str, str]]:
        """Every pair of authors that a detector distinguishes, by name: first, second, what kind of pair it is."""
        pairs = [
            *((HUMAN, name, "human-machine") for name in self.machines),
            *((HUMAN, name, "human-human") for name in self.people),
            *((first, second, "machine-machine") for first, second in itertools.combinations(self.machines, 2)),
        ]
        return {f"{first}--{second}": (first, second, kind) for first, second, kind in pairs}


def read_generators(config: JsonObject, training: Training, runs: Runs) -> Generators:
    """The generators of a completed configuration."""
    return Generators({name: _read_generator(config, name, training, runs) for name in config["generators"]}, runs)


def _read_generator(config: JsonObject, name: str, training: Training, runs: Runs) -> Generator:
    given = config["generators"][name]
    if given["provider"] == "fairseq":
        return read_settings(
            FairseqGenerator,
            given,
            name=name,
            settings=compact(training.decoding(given["decoding"])),
            has_logprobs=True,
            from_run=_read_source_run(given["from_run"], runs) if "from_run" in given else None,
            training_settings=training.settings(given["options"], named_seed(f"generator {name}")),
            runs=runs,
        )
    if given["provider"] == "files":
        # The paths are here so that exchanging two of them is seen; the script takes them as inputs.
        shaping = picked(given, ("targets", "sources", "aligned_with", "pool_sha256", "empty"))
        shaping |= picked(config["corpus"]["cleaning"], ["markup"]) | picked(
            config["corpus"], ("max_line_bytes", "alignment")
        )
        return read_settings(FileGenerator, given, name=name, settings=compact(shaping))
    if given["provider"] == "local":
        local = read_local_llm(config, "generators", name)
        return LocalGenerator(name=name, provider="local", settings=local.settings, has_logprobs=True, llm=local)
    margin = {"language_margin": config["corpus"]["cleaning"]["language_margin"]}
    hosted = read_hosted_llm(config, "generators", name, margin)
    return read_settings(
        HostedGenerator,
        given,
        name=name,
        settings=hosted.settings,
        may_drop=hosted.may_drop,
        has_logprobs=given.get("log_probabilities", False),
        has_samples=given["samples"] > 1,
        llm=hosted,
    )


def _read_source_run(given: JsonObject, runs: Runs) -> SourceRun:
    """The run that ``from_run`` names; what it omits is the study's first seed and its first fairseq learner."""
    first = next((name for name, kind in runs.kinds.items() if kind == FAIRSEQ), None)
    seed = given["seed"] or runs.seeds[0]
    return SourceRun(given["condition"], given["size"], seed, given["learner"] or first)
