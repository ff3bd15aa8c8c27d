"""A study for a reader of its results, ``study.json``. Files are told by their names: no machine's path is in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from planning.asking import is_asked, is_judge, judge_settings, prompt_files, shaping_settings
from planning.finetuning import (
    TUNING_KEYS,
    hosted_settings,
    is_at_hub,
    is_hosted,
    is_local,
    local_prompts,
)
from planning.runs import remedied

Config = dict[str, Any]

_LEFT_OUT = {"results", "downloads", "corpus", "training", "generators", "learners", "llm"}
_TRAINING = ("equal", "device", "gpus", "checkpoint", "max_pieces")
_CLUSTER = ("minutes", "memory_mb")


def description(config: Config) -> Config:
    """What the study is made of, in the order of the configuration, which tables, figures and colours follow."""
    study = {section: value for section, value in config.items() if section not in _LEFT_OUT}
    study["baseline"] = config["evaluation"]["baseline"]
    targets = remedied(config["conditions"])
    study["conditions"] = {
        name: {**settings, "remedies": targets.get(name)} for name, settings in config["conditions"].items()
    }
    study["generators"] = {name: _generator(config, name) for name in config["generators"]}
    study["learners"] = {name: _learner(config, name) for name in config["learners"]}
    study["quality"] = {name: _quality(config, name) for name in config["quality"]}
    corpus = config["corpus"]
    study["corpus"] = {"kind": corpus["kind"], "seed": corpus["seed"], **corpus["cleaning"]}
    study["training"] = {key: config["training"][key] for key in _TRAINING}
    return study


def _quality(config: Config, name: str) -> Config:
    settings = config["quality"][name]
    if is_judge(settings):
        return {"metric": settings["metric"], **_asking(settings, judge_settings(config, name))}
    return {key: Path(value).name if key in ("weights", "program") else value for key, value in settings.items()}


def _generator(config: Config, name: str) -> Config:
    settings = config["generators"][name]
    if is_asked(settings):
        return _asking(settings, shaping_settings(config, name))
    if is_local(settings):
        return _local(settings)
    return {key: Path(value).name if key in ("targets", "sources") else value for key, value in settings.items()}


def _learner(config: Config, name: str) -> Config:
    settings = config["learners"][name]
    if is_hosted(settings):
        own = {key: settings[key] for key in ("kind", "conditions", *TUNING_KEYS)}
        return {**own, **_asking(settings, hosted_settings(config, name))}
    return _local(settings) if is_local(settings) else settings


def _local(settings: Config) -> Config:
    """A local LLM's settings, a model in a folder by the folder's name."""
    model = settings["model"] if is_at_hub(settings) else Path(settings["model"]).name
    prompts = {role: Path(path).name for role, path in local_prompts(settings).items()}
    shaping = {key: value for key, value in settings.items() if key not in ("prompt", "system_prompt", *_CLUSTER)}
    return {**shaping, "model": model, "prompts": prompts}


def _asking(settings: Config, shaping: Config) -> Config:
    """What a generator's, judge's or learner's own settings say of its answers, its prompts by their names."""
    prompts = {role: Path(path).name for role, path in prompt_files(settings).items()}
    return {**{key: value for key, value in shaping.items() if key in settings}, "prompts": prompts}
