"""A study for a reader of its results, ``study.json``. Files are named without their folders: no path is in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from planning.conditions import remedied
from planning.generators import HostedGenerator, LocalGenerator
from planning.learners import TUNING_KEYS, HostedLearner, LocalLearner
from planning.llms import HostedLLM, LocalLLM
from planning.quality import Judge
from planning.settings import JsonObject, picked
from planning.study import Study

_LEFT_OUT = {"results", "downloads", "corpus", "training", "generators", "learners", "llm"}
_TRAINING = ("equal", "device", "gpus", "checkpoint", "max_pieces")
_NOT_SHAPING = ("prompt", "system_prompt", "minutes", "memory_mb")
_FILES = ("targets", "sources", "weights", "program")


def description(study: Study) -> str:
    """What the study consists of, as JSON in the order of the configuration, which tables and figures follow."""
    config = study.config
    targets = remedied(study.conditions)
    described: dict[str, Any] = {section: value for section, value in config.items() if section not in _LEFT_OUT}
    described["baseline"] = study.evaluation.baseline
    described["conditions"] = {
        name: {**settings, "remedies": targets.get(name)} for name, settings in config["conditions"].items()
    }
    described["generators"] = {name: _generator(study, name) for name in study.generators}
    described["learners"] = {name: _learner(study, name) for name in study.learners}
    described["quality"] = {name: _quality(study, name) for name in study.quality}
    described["corpus"] = {"kind": study.corpus.kind, "seed": study.corpus.seed, **study.corpus.cleaning}
    described["training"] = picked(config["training"], _TRAINING)
    return json.dumps(described, ensure_ascii=False)


def _quality(study: Study, name: str) -> JsonObject:
    given, score = study.config["quality"][name], study.quality[name]
    return (
        {"metric": score.metric, **_hosted(given, score.llm)} if isinstance(score, Judge) else _without_folders(given)
    )


def _generator(study: Study, name: str) -> JsonObject:
    given, generator = study.config["generators"][name], study.generators[name]
    if isinstance(generator, HostedGenerator):
        return _hosted(given, generator.llm)
    return _local(given, generator.llm) if isinstance(generator, LocalGenerator) else _without_folders(given)


def _learner(study: Study, name: str) -> JsonObject:
    given, learner = study.config["learners"][name], study.learners[name]
    if isinstance(learner, HostedLearner):
        return {**picked(given, ("kind", "conditions", *TUNING_KEYS)), **_hosted(given, learner.llm)}
    if isinstance(learner, LocalLearner):
        return _local(given, learner.llm)
    settings: JsonObject = given
    return settings


def _without_folders(given: JsonObject) -> JsonObject:
    return {key: Path(value).name if key in _FILES else value for key, value in given.items()}


def _local(given: JsonObject, llm: LocalLLM) -> JsonObject:
    """A local LLM's settings; a model in a folder is named by the folder's name."""
    shaping = {key: value for key, value in given.items() if key not in _NOT_SHAPING}
    model = llm.model if llm.is_at_hub else Path(llm.model).name
    return {**shaping, "model": model, "prompts": _file_names(llm.prompts)}


def _hosted(given: JsonObject, llm: HostedLLM) -> JsonObject:
    """What the settings of a generator, judge or learner say about its answers, and its prompts."""
    return {**picked(llm.shaping, [key for key in llm.shaping if key in given]), "prompts": _file_names(llm.prompts)}


def _file_names(files: JsonObject) -> JsonObject:
    return {role: Path(path).name for role, path in files.items()}
