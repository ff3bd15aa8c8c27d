"""Complete a valid configuration: every key that has a default gets one."""

import copy
from typing import Any

from jsonschema import Draft202012Validator

from planning.configuration.schema import resolve
from planning.learners import FINETUNING_KEYS
from planning.quality import MODEL_METRICS
from planning.runs import FAIRSEQ, LLM_KINDS, own_generator
from planning.settings import JsonObject
from workbench.generated import SELF


def with_defaults(config: JsonObject, schema: JsonObject) -> dict[str, Any]:
    """A copy of a valid ``config`` in which every key that has a default is there.

    What a generator or the model of a quality score leaves out comes from the study: its decoding from ``decoding``,
    its options from the first fairseq learner.
    """
    completed = copy.deepcopy(dict(config))
    scores = completed.get("quality", {})
    if scores and all(score["metric"] != "oracle" for score in scores.values()):
        scores.setdefault("oracle", {"metric": "oracle"})  # what the others are compared with
    _add_own_generators(completed)
    _fill(completed, schema, schema)
    learners = completed["learners"].values()
    recipe = _fairseq_recipe(schema)
    options = next((learner["options"] for learner in learners if learner["kind"] == FAIRSEQ), recipe)
    here = [generator for generator in completed["generators"].values() if generator["provider"] == FAIRSEQ]
    for trained in [*here, *(score for score in completed["quality"].values() if score["metric"] in MODEL_METRICS)]:
        trained["options"] = {**options, **trained.get("options", {})}
        if trained.get("metric") != "learner_fit":  # it translates nothing
            trained["decoding"] = {**completed["decoding"], **trained.get("decoding", {})}
    return completed


def _add_own_generators(config: dict[str, Any]) -> None:
    """Add the base models of LLM learners as generators if a condition uses ``self`` and no generator has that name."""
    generators = config.setdefault("generators", {})
    named = any(SELF in given["mixture"] or given.get("order_of") == SELF for given in config["conditions"].values())
    if SELF in generators or not named:
        return
    for name, learner in config.get("learners", {}).items():
        if learner["kind"] in LLM_KINDS:
            own = {key: value for key, value in learner.items() if key not in FINETUNING_KEYS[learner["kind"]]}
            generators.setdefault(own_generator(name), {"provider": learner["kind"], **copy.deepcopy(own)})


def _fairseq_recipe(schema: JsonObject) -> JsonObject:
    """The options of a fairseq learner that gives none."""
    branches = schema["$defs"]["learner"]["allOf"]
    fairseq = next(branch for branch in branches if branch["if"]["properties"]["kind"]["const"] == FAIRSEQ)
    options: JsonObject = fairseq["then"]["properties"]["options"]["default"]
    return options


def _fill(value: Any, schema: JsonObject, root: JsonObject) -> None:
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
