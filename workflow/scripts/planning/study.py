"""A study as the rules see it: the checked configuration, the table of runs and the narrow settings of each job."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from corpus.releases import Release, read_releases
from planning.asking import (
    execution_settings,
    is_asked,
    journal_path,
    may_drop,
    missing_keys,
    prompt_files,
    shaping_settings,
)
from planning.checks import given_parts, semantic_problems
from planning.configuration import (
    Config,
    ConfigurationError,
    load_schema,
    read_origin,
    schema_problems,
    with_defaults,
)
from planning.description import description
from planning.runs import (
    HUMAN_LIKE,
    at_size,
    canonical,
    conditions_of,
    quality_of,
    recipe_of,
    remedied,
    resolve_from_run,
    reversed_twins,
    run_recipe,
    run_table,
    trained_sizes,
)
from planning.scored import ScoredStudy
from planning.scoring import generators_in_use, needed_generators
from planning.values import compact, overlaid, plain_values
from workbench.cli import UserError
from workbench.generated import HUMAN


class Study(ScoredStudy):
    """A checked study. Paths are relative to the results folder and written with Snakemake's ``<results>``.

    Its configuration does not change any more, so what many jobs ask for is made once.

    Args:
        config: the configuration as Snakemake merged it.
        files: the configuration files it came from, to name lines in errors.
        overrides: what ``--config`` put over them; Snakemake leaves its nested values as text.
        schema: path of the JSON Schema.
        inputs_in_storage: the files that rules read lie in storage rather than here, so they are not looked for.
        is_checked: another process has found nothing wrong, the one that starts this process for a job.

    Raises:
        ConfigurationError: anything is wrong with the configuration.
    """

    def __init__(
        self,
        config: Config,
        files: Sequence[str],
        overrides: Mapping[str, Any],
        schema: Path,
        inputs_in_storage: bool = False,
        is_checked: bool = False,
    ) -> None:
        rules = load_schema(schema)
        plain = plain_values(overlaid(config, overrides))
        if not is_checked:
            origin = read_origin([Path(file) for file in files], overrides)
            problems = schema_problems(plain, rules)
            if not problems:
                found = semantic_problems(plain_values(with_defaults(plain, rules)))
                problems = [problem for problem in found if not (problem.no_input and inputs_in_storage)]
            if problems:
                raise ConfigurationError([origin.describe(problem) for problem in problems])
        self.config = plain_values(with_defaults(plain, rules))
        self.runs = run_table(self.config)
        seen = [
            at_size(self.config, condition, size)
            for learner in self.config["learners"]
            for condition in conditions_of(self.config, learner).values()
            for size in trained_sizes(self.config)
        ]
        self._recipes = {recipe_of(condition): canonical(condition) for condition in seen}

    def __getitem__(self, section: str) -> Any:
        return self.config[section]

    @property
    def releases(self) -> dict[str, Release]:
        """The pinned releases of a catalogue corpus by ``name-version``; empty for another kind.

        Raises:
            ConfigurationError: the list of releases cannot be read.
        """
        corpus = self.config["corpus"]
        if corpus["kind"] != "catalogues":
            return {}
        try:
            releases = read_releases(Path(corpus["catalogues"]["releases"]))
        except UserError as error:
            raise ConfigurationError([str(error)]) from error
        return {f"{release.name}-{release.version}": release for release in releases}

    @property
    def given_parts(self) -> set[str]:
        """Which of ``valid`` and ``test`` the corpus brings along."""
        return given_parts(self.config)

    @property
    def corpus_files(self) -> dict[str, list[str]]:
        """The user's own text, by part: two aligned files or one table; empty for another kind of corpus."""
        corpus = self.config["corpus"]
        if corpus["kind"] != "files":
            return {}
        return {
            part: [files["tsv"]] if "tsv" in files else [files["source"], files["target"]]
            for part, files in corpus["files"].items()
        }

    @property
    def recipes(self) -> list[str]:
        """Every distinct recipe of a dataset."""
        return list(self._recipes)

    @property
    def run_recipes(self) -> list[str]:
        """Every distinct recipe of a run: that of its dataset, and how it goes through it."""
        return list(dict.fromkeys(self.runs.recipe))

    def synthetic_origins(self, recipe: str) -> list[str]:
        """The generators that a recipe draws on, sorted by name."""
        mixture = self._recipes[recipe]["mixture"]
        return sorted(origin for origin, fraction in mixture.items() if fraction > 0 and origin != HUMAN)

    @cached_property
    def used_generators(self) -> list[str]:
        """The generators that some condition draws on or is ordered by, in the configuration's order."""
        return generators_in_use(self.config)

    @cached_property
    def needed_generators(self) -> list[str]:
        """The generators in use, those that stand in for others included."""
        return needed_generators(self.config)

    def metric_arguments(self, metrics: Sequence[str]) -> list[str]:
        """How ``metrics`` are computed, as the scripts of the evaluation take it."""
        options = {name: self.config["evaluation"]["metric_options"].get(name, {}) for name in metrics}
        return [
            *("--metrics", *metrics),
            *("--metric-options", compact(options)),
            *("--target-language", self.config["languages"]["target"]),
        ]

    def model_folder(self, generator: str) -> str:
        """Folder of the model behind a fairseq generator: its own, or that of the run it is taken from."""
        settings = self.config["generators"][generator]
        if "from_run" not in settings:
            return f"<results>/generators/{generator}"
        run = resolve_from_run(self.config, settings["from_run"])
        condition = conditions_of(self.config, run["learner"])[run["condition"]]
        recipe = run_recipe(self.config, condition, run["size"])
        return f"<results>/runs/{run['learner']}/{recipe}/{run['size']}/{run['seed']}"

    def provider_inputs(self, generator: str) -> dict[str, str]:
        """The files that a generator's provider reads besides the pool, by the names it knows them under."""
        settings = self.config["generators"][generator]
        if settings["provider"] == "fairseq":
            folder = self.model_folder(generator)
            return {
                "checkpoint": f"{folder}/model.pt",
                "ctranslate2": f"{folder}/ctranslate2",
                "spm": "<results>/vocab/spm.model",
                "dictionary": "<results>/vocab/dict.txt",
            }
        return {name: settings[name] for name in ("targets", "sources") if name in settings}

    def provider_settings(self, generator: str) -> str:
        """What shapes a generator's text besides its inputs, as JSON for one command-line argument."""
        settings = self.config["generators"][generator]
        if settings["provider"] == "fairseq":
            return self.decoding_settings(settings["decoding"])
        corpus = self.config["corpus"]
        return compact(
            {
                # The paths are here so that exchanging two of them is seen; the script takes them as inputs.
                **{name: settings[name] for name in ("targets", "sources") if name in settings},
                "aligned_with": settings["aligned_with"],
                "markup": corpus["cleaning"]["markup"],
                "max_line_bytes": corpus["max_line_bytes"],
            }
        )

    @cached_property
    def asked_generators(self) -> list[str]:
        """The generators behind an API that some condition draws on or that stand in for another."""
        return [name for name in self.needed_generators if is_asked(self.config["generators"][name])]

    @cached_property
    def gapped_generators(self) -> list[str]:
        """The generators that may leave sources without a target, which then leave every condition."""
        generators = self.config["generators"]
        asked = [name for name in self.asked_generators if may_drop(generators[name])]
        return [name for name in asked if name in self.used_generators and not generators[name]["fallback"]]

    def fallbacks(self, recipe: str) -> dict[str, str]:
        """For each generator of a recipe that has one, the origin that stands in for it."""
        generators = self.config["generators"]
        given = {name: generators[name].get("fallback") for name in self.synthetic_origins(recipe)}
        return {name: origin for name, origin in given.items() if origin}

    def prompt_files(self, generator: str) -> dict[str, str]:
        """The files that the requests of a generator behind an API are written from, by what they are."""
        return prompt_files(self.config["generators"][generator])

    def all_prompt_files(self) -> list[str]:
        """The files that all requests of the study are written from."""
        generators = [self.prompt_files(name) for name in self.asked_generators]
        judges = [self.judge_prompt_files(name) for name, _ in self.judges]
        learners = [self.hosted_prompts(name) for name in self.hosted_learners]
        return sorted({path for files in [*generators, *judges, *learners] for path in files.values()})

    def asking_arguments(self, learners: bool = True) -> list[str]:
        """``--generator`` arguments: settings, execution and prompts of everything that is asked of LLMs, as JSON.

        With ``learners`` also ``--learner`` arguments: the same of hosted learners, and their runs.
        """
        generators = [
            (self.shaping_settings(name), self.execution_settings(name), compact(self.prompt_files(name)))
            for name in self.asked_generators
        ]
        judges = [
            (self.judge_settings(name), self.judge_execution(name, judged), compact(self.judge_prompt_files(name)))
            for name, judged in self.judges
        ]
        asked = [("--generator", *one) for one in [*generators, *judges]]
        asked += [
            (
                "--learner",
                self.hosted_settings(name),
                self.hosted_execution(name),
                compact(self.hosted_prompts(name)),
                self.hosted_runs[name],
            )
            for name in (self.hosted_learners if learners else [])
        ]
        return [argument for one in asked for argument in one]

    @property
    def hosted_learners(self) -> list[str]:
        """The learners that are fine-tuned behind an API."""
        return self.learners_of("openai")

    @cached_property
    def hosted_runs(self) -> dict[str, str]:
        """Every distinct run of each hosted learner, as JSON, for what it will cost.

        Four values each: its name, its number of instances, how many of them it is trained on, its seed.
        """
        found: dict[str, list[list[Any]]] = {name: [] for name in self.hosted_learners}
        hosted = self.runs[self.runs.learner.isin(found)]
        for row in hosted.drop_duplicates(["learner", "recipe", "size", "seed"]).itertuples():
            before = self.run_before(row.recipe, row.size)
            run = f"{row.learner}/{row.recipe}/{row.size}/{row.seed}"
            found[row.learner].append([run, row.size, row.size - (before[1] if before else 0), row.seed])
        return {name: compact(runs) for name, runs in found.items()}

    def shaping_settings(self, generator: str) -> str:
        """What shapes the answers of a generator behind an API, as JSON for one command-line argument."""
        return compact(shaping_settings(self.config, generator))

    def execution_settings(self, generator: str) -> str:
        """How a generator behind an API is asked, as JSON; no part of what makes its text stale."""
        return compact(execution_settings(self.config, generator))

    @property
    def journal(self) -> str:
        """The SQLite file in which answers are kept."""
        return journal_path(self.config)

    def missing_keys(self, places: Sequence[str], environment: Mapping[str, str]) -> list[str]:
        """What is wrong with the environment for asking: one line for each key that is not there.

        Args:
            places: what is asked, such as ``generators.gpt``, ``quality.judge`` or ``learners.gpt``.
            environment: variables and their values.
        """
        parts = {place: place.split(".") for place in places}
        asked = {place: self.config[section][name] for place, (section, name) in parts.items()}
        return missing_keys({place: {"provider": "openai", **given} for place, given in asked.items()}, environment)

    def recipe_settings(self, recipe: str) -> str:
        """What a recipe's dataset is made of, as JSON for one command-line argument."""
        return compact({key: value for key, value in self._recipes[recipe].items() if key != "order_of"})

    def rank_tables(self, recipe: str) -> list[tuple[str, str]]:
        """For each origin that a recipe orders, the table of its targets' ranks."""
        settings = self._recipes[recipe]
        order, of = settings["order"], settings["order_of"]
        origins = list(settings["mixture"]) if of else self.synthetic_origins(recipe)
        if order == HUMAN_LIKE:
            return [(origin, f"<results>/detector/{HUMAN}--{of or origin}/rank.tsv") for origin in origins]
        name = quality_of(order)
        return [(origin, f"<results>/quality/{name}/{of or origin}.tsv") for origin in origins] if name else []

    def relations(self) -> str:
        """Which conditions are compared besides with the baseline, as JSON for one command-line argument.

        ``remedied`` has for a remedy the condition that it is a remedy for, ``reverse`` for a condition the one that is
        the same in reverse order.
        """
        conditions = self.config["conditions"]
        return compact({"remedied": remedied(conditions), "reverse": reversed_twins(conditions)})

    def description(self) -> str:
        """The study as ``study.json`` holds it, see :func:`planning.description.description`."""
        return json.dumps(description(self.config), ensure_ascii=False)
