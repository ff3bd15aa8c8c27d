"""What the configuration says of scores and detectors: whose text they are taken of and what they read."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from planning.asking import is_asked
from planning.configuration import MODEL_METRICS
from planning.runs import conditions_of, origins_of
from workbench.generated import HUMAN

Config = dict[str, Any]


def is_written_by_people(generator: Config) -> bool:
    """Whether a generator is a second human reference."""
    return generator.get("human", False)


def generators_in_use(config: Config) -> list[str]:
    """The generators that conditions draw on or are ordered by, in the configuration's order."""
    conditions = [c for learner in config["learners"] for c in conditions_of(config, learner).values()]
    used = {origin for condition in conditions for origin in origins_of(condition["mixture"])}
    used |= {condition["order_of"] for condition in conditions}
    return [name for name in config["generators"] if name in used]


def needed_generators(config: Config) -> list[str]:
    """The generators in use, those that stand in for others included."""
    generators = config["generators"]
    used = generators_in_use(config)
    stand_ins = {generators[name].get("fallback") for name in used}
    return [name for name in generators if name in stand_ins or name in used]


def machine_generators(config: Config) -> list[str]:
    """The generators in use that people did not write."""
    return [name for name in generators_in_use(config) if not is_written_by_people(config["generators"][name])]


def tells_logprob(generator: Config) -> bool:
    """Whether a generator's text comes with its log-probability."""
    return generator["provider"] in ("fairseq", "local") or generator.get("log_probabilities", False)


def has_samples(generator: Config) -> bool:
    """Whether a generator wrote several targets for each source."""
    return is_asked(generator) and generator["samples"] > 1


def scored_generators(config: Config, name: str, machines: Iterable[str]) -> list[str]:
    """The generators whose targets the quality score ``name`` is taken of.

    Args:
        config: the checked configuration.
        name: of a quality score.
        machines: generators in use that people did not write.
    """
    settings = config["quality"][name]
    if settings["generators"] is not None:
        return settings["generators"]
    generators = config["generators"]
    machines = list(machines)
    if settings["metric"] == "logprob":
        return [generator for generator in machines if tells_logprob(generators[generator])]
    if settings["metric"] == "consensus":
        return [g for g in machines if compared_with(config, name, g, machines) or has_samples(generators[g])]
    if settings["metric"] == "rank_average":
        parts = [set(scored_generators(config, part, machines)) for part in settings["of"]]
        return [generator for generator in machines if all(generator in part for part in parts)]
    return machines


def compared_with(config: Config, name: str, generator: str, machines: Iterable[str]) -> list[str]:
    """The generators whose targets a consensus score compares those of ``generator`` with."""
    among = config["quality"][name]["among"]
    return [other for other in (machines if among is None else among) if other != generator]


def also_read(config: Config, name: str, generator: str, machines: Iterable[str]) -> set[str]:
    """The other generators whose text the quality score ``name`` reads for the targets of ``generator``."""
    settings = config["quality"][name]
    if settings["metric"] == "rank_average":
        return {other for part in settings["of"] for other in also_read(config, part, generator, machines)}
    return set(compared_with(config, name, generator, machines)) if settings["metric"] == "consensus" else set()


def quality_inputs(config: Config, name: str, generator: str, machines: Iterable[str]) -> dict[str, str]:
    """The files that a quality score reads besides the pool and the generator's text, by the names it knows."""
    settings = config["quality"][name]
    metric = settings["metric"]
    if metric in MODEL_METRICS:
        folder = f"<results>/quality/{name}"
        return {
            "model.checkpoint": f"{folder}/model.pt",
            "model.ctranslate2": f"{folder}/ctranslate2",
            "model.spm": "<results>/vocab/spm.model",
            "model.dictionary": "<results>/vocab/dict.txt",
        }
    if metric == "length":
        return {"pretrain": "<results>/corpus/pretrain.tsv"}
    if metric == "consensus":
        others = compared_with(config, name, generator, machines)
        files = {f"other:{other}": f"<results>/generators/{other}/generated.tsv" for other in others}
        if has_samples(config["generators"][generator]):
            files["answers"] = f"<results>/generators/{generator}/answers.tsv"
        return files
    if metric == "llm_judge":
        return {"judge": f"<results>/quality/{name}/judgements/{generator}.tsv"}
    if metric == "rank_average":
        return {f"scores:{part}": f"<results>/quality/{part}/{generator}.tsv" for part in settings["of"]}
    if "weights" in settings:
        return {"weights": settings["weights"]}
    return {}


def detector_pairs(machines: Iterable[str], people: Iterable[str]) -> list[tuple[str, str, str]]:
    """Every pair of authors that a detector tells apart: first, second, what kind of pair it is."""
    machines = list(machines)
    return [
        *((HUMAN, name, "human-machine") for name in machines),
        *((HUMAN, name, "human-human") for name in people),
        *((first, second, "machine-machine") for first, second in itertools.combinations(machines, 2)),
    ]
