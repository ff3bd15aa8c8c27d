"""Read, validate and complete the configuration of a study.

The schema (``workflow/schemas/config.schema.yaml``) says which keys there are, what they may hold and their defaults;
:mod:`planning.checks` adds what a schema cannot say. Every problem becomes one line: file, line, key, value, what is
allowed.
"""

from __future__ import annotations

import copy
import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from planning.finetuning import FINETUNING_KEYS
from planning.runs import FAIRSEQ, LLM_KINDS, own_generator
from workbench.generated import SELF

MODEL_METRICS = ("round_trip", "learner_fit")  # that train a model on `pretrain`

# libyaml's, where PyYAML was built with it, is ten times as fast.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Config = dict[str, Any]
Key = tuple[str | int, ...]


class ConfigurationError(Exception):
    """The configuration cannot be used; one line of text for each problem."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


@dataclass(frozen=True)
class Problem:
    """What is wrong with the value at ``key``.

    Args:
        key: where the value stands in the configuration.
        message: what is wrong, and what is allowed.
        no_input: the value is a rule's input and no file here, which is as it should be where inputs lie in storage.
    """

    key: Key
    message: str
    no_input: bool = False


@dataclass
class Origin:
    """Where each key was written: ``key -> (file, line)``, line 0 for ``--config``."""

    places: dict[Key, tuple[str, int]] = field(default_factory=dict)
    file: str = "configuration"

    def describe(self, problem: Problem) -> str:
        """One line that a person can act upon."""
        key = problem.key
        place = self.places.get(key)
        while place is None and key:
            key = key[:-1]
            place = self.places.get(key)
        file, line = place or (self.file, 0)
        where = f"{file}, line {line}: " if line else f"{file}: "
        name = ".".join(str(part) for part in problem.key)
        return f"{where}{name + ': ' if name else ''}{problem.message}"


def read_origin(files: Sequence[Path], overrides: Mapping[str, Any]) -> Origin:
    """Find the line of every key in the configuration files (later files win); ``overrides`` hide what they replace.

    Raises:
        ConfigurationError: a file is no YAML mapping or names a key twice (of which YAML would silently keep the last).
    """
    origin = Origin(file=str(files[-1])) if files else Origin()
    problems: list[str] = []
    for path in files:
        try:
            node = yaml.compose(path.read_text(encoding="utf-8"), Loader=_LOADER)
        except UnicodeDecodeError as error:
            raise ConfigurationError([f"{path}: not UTF-8 at byte {error.start}"]) from error
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = f", line {mark.line + 1}" if mark else ""
            text = getattr(error, "problem", None) or str(error)
            raise ConfigurationError([f"{path}{line}: not valid YAML: {text}"]) from error
        if node is None or not isinstance(node, yaml.MappingNode):
            raise ConfigurationError([f"{path}: a configuration is a mapping of keys to values"])
        for key, line, duplicate in _walk(node, ()):
            if duplicate:
                name = ".".join(str(part) for part in key)
                problems.append(f"{path}, line {line}: {name}: this name is there twice")
            origin.places[key] = (str(path), line)
    if problems:
        raise ConfigurationError(problems)
    for key in _leaves(overrides, ()):
        for place in [known for known in origin.places if known[: len(key)] == key]:
            del origin.places[place]
        origin.places[key] = ("--config", 0)
    return origin


def _leaves(overrides: Any, key: Key) -> Iterator[Key]:
    if isinstance(overrides, Mapping):
        for name, value in overrides.items():
            yield from _leaves(value, (*key, str(name)))
    else:
        yield key


def _walk(node: yaml.Node, key: Key) -> Iterator[tuple[Key, int, bool]]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for name, value in node.value:
            child = (*key, name.value)
            yield child, name.start_mark.line + 1, name.value in seen
            seen.add(name.value)
            yield from _walk(value, child)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield (*key, index), value.start_mark.line + 1, False
            yield from _walk(value, (*key, index))


def load_schema(path: Path) -> Config:
    """The JSON Schema of the configuration, read from YAML."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)


def schema_problems(config: Config, schema: Config) -> list[Problem]:
    """What the schema has against ``config``, in the order of the keys."""
    errors = sorted(
        Draft202012Validator(schema).iter_errors(config),
        key=lambda error: [str(part) for part in error.absolute_path],
    )
    return [problem for error in errors for problem in _explain(error)]


def _explain(error: ValidationError) -> Iterator[Problem]:
    key: Key = tuple(error.absolute_path)
    value, allowed = error.instance, error.validator_value
    match error.validator:
        case "additionalProperties":
            known = sorted(error.schema.get("properties", {}))
            impossible = error.schema.get("x-impossible", {})
            for name in sorted(set(value) - set(known)):
                unknown = f"unknown key; allowed: {', '.join(known)}" + guess(name, known)
                yield Problem((*key, name), impossible.get(name, unknown))
        case "required":
            missing = [name for name in allowed if name not in value]
            name = next(n for n in missing if repr(n) in error.message)
            yield Problem(key, f"the key {name!r} is missing")
        case "enum":
            names = ["null" if option is None else str(option) for option in allowed]
            yield Problem(key, f"{value!r} is not allowed; allowed: {', '.join(names)}" + guess(str(value), names))
        case "type":
            types = [allowed] if isinstance(allowed, str) else allowed
            yield Problem(key, f"{value!r} is no {' or '.join(types)}")
        case "pattern" | "maxLength" if "propertyNames" in error.absolute_schema_path:
            yield Problem((*key, value), _NAME_RULE.get(key[-1] if key else "", _NAME))
        case "pattern" if "x-rule" in error.schema:  # what is written there may be a secret: it is not repeated
            yield Problem(key, f"allowed: {error.schema['x-rule']}")
        case "minimum":
            yield Problem(key, f"{value} is too small; allowed: {allowed} or more")
        case "maximum":
            yield Problem(key, f"{value} is too large; allowed: {allowed} or less")
        case "exclusiveMinimum":
            yield Problem(key, f"{value} is too small; allowed: more than {allowed}")
        case "minItems" | "minProperties" | "minLength":
            yield Problem(key, "empty; at least one entry is needed")
        case "uniqueItems":
            twice = sorted({str(item) for item in value if value.count(item) > 1})
            yield Problem(key, f"{', '.join(twice)} is there twice")
        case _:
            yield Problem(key, error.message)


_NAME = (
    "not fit for a name: it becomes part of a path; allowed: letters and digits, parted by single '-' or '_', "
    "beginning with a letter, at most 40 characters"
)
_NAME_RULE = {"options": "not fit for an option; allowed: small letters, digits and '-', without leading dashes"}


def guess(name: str, known: Sequence[str]) -> str:
    """``"; did you mean 'x'?"`` when one of ``known`` is close to ``name``, else nothing."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def with_defaults(config: Config, schema: Config) -> Config:
    """A copy of a valid ``config`` in which every key that has a default is there.

    What a generator or the model of a quality score leaves out comes from the study: its decoding from ``decoding``,
    its options from the first fairseq learner.
    """
    config = copy.deepcopy(config)
    scores = config.get("quality", {})
    if scores and all(score["metric"] != "oracle" for score in scores.values()):
        scores.setdefault("oracle", {"metric": "oracle"})  # what the others are compared with
    _add_own_generators(config)
    _fill(config, schema, schema)
    learners = config["learners"].values()
    recipe = _fairseq_recipe(schema)
    options = next((learner["options"] for learner in learners if learner["kind"] == FAIRSEQ), recipe)
    here = [generator for generator in config["generators"].values() if generator["provider"] == FAIRSEQ]
    for trained in [*here, *(score for score in config["quality"].values() if score["metric"] in MODEL_METRICS)]:
        trained["options"] = {**options, **trained.get("options", {})}
        if trained.get("metric") != "learner_fit":  # it translates nothing
            trained["decoding"] = {**config["decoding"], **trained.get("decoding", {})}
    return config


def _add_own_generators(config: Config) -> None:
    """Add the base models of LLM learners as generators where a condition draws on ``self`` and none is called so."""
    generators = config["generators"]
    named = any(SELF in given["mixture"] or given.get("order_of") == SELF for given in config["conditions"].values())
    if SELF in generators or not named:
        return
    for name, learner in config.get("learners", {}).items():
        if learner["kind"] in LLM_KINDS:
            own = {key: value for key, value in learner.items() if key not in FINETUNING_KEYS[learner["kind"]]}
            generators.setdefault(own_generator(name), {"provider": learner["kind"], **copy.deepcopy(own)})


def _fairseq_recipe(schema: Config) -> Config:
    """The options of a fairseq learner that gives none."""
    branches = schema["$defs"]["learner"]["allOf"]
    fairseq = next(branch for branch in branches if branch["if"]["properties"]["kind"]["const"] == FAIRSEQ)
    options: Config = fairseq["then"]["properties"]["options"]["default"]
    return options


def resolve(schema: Config, root: Config) -> Config:
    """``schema`` with its ``$ref`` into ``root`` replaced by what it refers to; its own keywords win."""
    while "$ref" in schema:
        target: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = {**target, **{k: v for k, v in schema.items() if k != "$ref"}}
    return schema


def _fill(value: Any, schema: Config, root: Config) -> None:
    schema = resolve(schema, root)
    if not isinstance(value, dict):
        return
    branches = [schema]
    for branch in schema.get("allOf", []):
        if Draft202012Validator(branch["if"]).is_valid(value):
            branches.append(branch["then"])
    for branch in branches:
        properties = branch.get("properties", {})
        for name, child in properties.items():
            if name in branch.get("x-inherited", []):
                continue
            child = resolve(child, root)
            if name not in value and "default" in child:
                value[name] = copy.deepcopy(child["default"])
            if name in value:
                _fill(value[name], child, root)
        extra = branch.get("additionalProperties")
        if isinstance(extra, dict):
            for name in value.keys() - properties.keys():
                _fill(value[name], extra, root)
