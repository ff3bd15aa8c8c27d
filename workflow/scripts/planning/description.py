"""A study for a reader of its results, ``study.json``. Files are named without their folders: no path is in it."""

import json
from pathlib import Path
from typing import Any

from planning.conditions import remedied
from planning.learners import TUNING_KEYS
from planning.llms import HostedLLM, LocalLLM
from planning.settings import JsonObject, picked
from planning.study import Study

_LEFT_OUT = {"results", "downloads", "corpus", "training", "generators", "learners", "llm"}
_TRAINING = ("equal", "device", "gpus", "checkpoint", "max_pieces")
_NOT_SHAPING = ("prompt", "system_prompt", "minutes", "memory_mb")
_HOSTED = ("metric", "kind", "conditions", *TUNING_KEYS)  # of a judge and of a learner
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
    for section in ("generators", "learners", "quality"):
        described[section] = _entries(study, section)
    described["corpus"] = {"kind": study.corpus.kind, "seed": study.corpus.seed, **study.corpus.cleaning}
    described["training"] = picked(config["training"], _TRAINING)
    return json.dumps(described, ensure_ascii=False)


def _entries(study: Study, section: str) -> dict[str, JsonObject]:
    """The entries of ``generators``, ``learners`` or ``quality``, by name."""
    found = getattr(study, section).items()
    return {name: _described(study.config[section][name], getattr(entry, "llm", None)) for name, entry in found}


def _described(given: JsonObject, llm: HostedLLM | LocalLLM | None) -> JsonObject:
    """The settings of a generator, learner or quality score; a file or a local model is named without its folder."""
    if isinstance(llm, HostedLLM):  # what its settings say about its answers, and its prompts
        shaping = picked(llm.shaping, [key for key in llm.shaping if key in given])
        return {**picked(given, _HOSTED), **shaping, "prompts": _file_names(llm.prompts)}
    if isinstance(llm, LocalLLM):
        shaping = {key: value for key, value in given.items() if key not in _NOT_SHAPING}
        model = llm.model if llm.is_at_hub else Path(llm.model).name
        return {**shaping, "model": model, "prompts": _file_names(llm.prompts)}
    return {key: Path(value).name if key in _FILES else value for key, value in given.items()}


def _file_names(files: JsonObject) -> JsonObject:
    return {role: Path(path).name for role, path in files.items()}
