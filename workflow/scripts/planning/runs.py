"""The table of runs: every (learner, condition, size, seed) of a study, in canonical form.

Two conditions that mean the same training set share a *recipe*, and so a dataset and a run: a recipe is spelt from
what a condition does, never from its name or its place in the configuration.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import pandas as pd

from workbench.generated import HUMAN, SELF
from workbench.runs import RUN_COLUMNS

Condition = Mapping[str, Any]

FAIRSEQ = "fairseq"
LLM_KINDS = ("local", "openai")  # learners that are LLMs already, and are fine-tuned
ZERO_SHOT = "zero-shot"  # the recipe of size 0
RANDOM = "random"
HUMAN_LIKE = "human_like"
QUALITY = "quality:"
INCREMENTAL = "incremental"


def origins_of(mixture: Mapping[str, float]) -> list[str]:
    """The origins that a mixture holds any text of, sorted by name."""
    return sorted(origin for origin, fraction in mixture.items() if fraction > 0)


def is_human(mixture: Mapping[str, float]) -> bool:
    """Whether a mixture holds human targets only."""
    return origins_of(mixture) == [HUMAN]


def quality_of(order: str) -> str | None:
    """The quality score that an order goes by; None for another order."""
    return order.removeprefix(QUALITY) if order.startswith(QUALITY) else None


def canonical(condition: Condition) -> dict[str, Any]:
    """What makes a condition's dataset, without what changes nothing.

    That is: origins of fraction 0, their order, digits beyond the ninth, how a single origin is combined, whose scores
    a random order goes by, that a single origin goes by its own.
    """
    mixture = {origin: float(f"{condition['mixture'][origin]:.9g}") for origin in origins_of(condition["mixture"])}
    own = condition["order"] == RANDOM or list(mixture) == [condition["order_of"]]
    return {
        "mixture": mixture,
        "combine": condition["combine"] if len(mixture) > 1 else "draw",
        "copies": condition["copies"],
        "order": condition["order"],
        "reverse": condition["reverse"],
        "order_of": None if own else condition["order_of"],
    }


def recipe_of(condition: Condition) -> str:
    """Canonical, path-safe spelling of a condition's dataset, such as ``human=0.5+strong=0.5.random``."""
    what = canonical(condition)
    fractions = what["mixture"]
    if len(fractions) == 1:
        mixture = next(iter(fractions))
    elif what["combine"] == "draw":
        mixture = "+".join(f"{origin}={fraction:.9g}" for origin, fraction in fractions.items())
    else:
        mixture = "+".join(fractions)
    parts = [
        mixture,
        what["combine"] if what["combine"] != "draw" else "",
        f"x{what['copies']}" if what["copies"] > 1 else "",
        what["order"].replace(":", "="),
        "reverse" if what["reverse"] else "",
        f"of={what['order_of']}" if what["order_of"] else "",
    ]
    return ".".join(filter(None, parts))


def own_generator(learner: str) -> str:
    """The generator that is a learner's own base model."""
    return f"{SELF}-{learner}"


def for_learner(config: Mapping[str, Any], condition: Condition, learner: str) -> dict[str, Any] | None:
    """A condition as ``learner`` trains on it: ``self`` is its own base model's generator.

    Unless the study has a generator of that name. None for a learner that can write nothing before it is trained.
    """
    if SELF in config["generators"]:
        return dict(condition)
    mixture = {origin: part for origin, part in condition["mixture"].items() if origin != SELF or part > 0}
    if SELF not in mixture and condition["order_of"] != SELF:
        return {**condition, "mixture": mixture}
    if config["learners"][learner]["kind"] not in LLM_KINDS:
        return None
    own = own_generator(learner)
    mixture = {own if origin == SELF else origin: part for origin, part in mixture.items()}
    return {
        **condition,
        "mixture": mixture,
        "order_of": own if condition["order_of"] == SELF else condition["order_of"],
    }


def conditions_of(config: Mapping[str, Any], learner: str) -> dict[str, dict[str, Any]]:
    """The conditions that ``learner`` trains on, by name, see :func:`for_learner`."""
    chosen = config["learners"][learner]["conditions"]
    named = {name: given for name, given in config["conditions"].items() if chosen is None or name in chosen}
    found = {name: for_learner(config, condition, learner) for name, condition in named.items()}
    return {name: condition for name, condition in found.items() if condition is not None}


def trained_sizes(config: Mapping[str, Any]) -> list[int]:
    """The sizes at which something is trained, growing: all but that of zero-shot runs."""
    return sorted(size for size in config["sizes"] if size > 0)


def at_size(config: Mapping[str, Any], condition: Condition, size: int) -> dict[str, Any]:
    """A condition as a run of ``size`` instances sees it.

    Where the whole pool is used, the order in which its instances come changes nothing, so all orders share one run.
    The first step of an incremental schedule is a training like any other.
    """
    settings = dict(condition)
    if settings["schedule"] == INCREMENTAL and size == trained_sizes(config)[0]:
        settings["schedule"] = "cumulative"
    whole = size == config["splits"]["pool"] and settings["combine"] != "all" and settings["copies"] == 1
    if whole and settings["schedule"] != INCREMENTAL:
        settings.update(order=RANDOM, reverse=False)
    return settings


def run_recipe(config: Mapping[str, Any], condition: Condition, size: int) -> str:
    """Spelling of what a run is trained on and how: the recipe of its dataset, and the schedule if incremental."""
    if size == 0:
        return ZERO_SHOT
    settings = at_size(config, condition, size)
    recipe = recipe_of(settings)
    return f"{recipe}.{INCREMENTAL}" if settings["schedule"] == INCREMENTAL else recipe


def dataset_recipe(recipe: str) -> str:
    """The recipe of the dataset behind a run's recipe."""
    return recipe.removesuffix(f".{INCREMENTAL}")


def run_table(config: Mapping[str, Any]) -> pd.DataFrame:
    """Every run of a checked configuration, in its order: columns ``learner condition size seed recipe``.

    At size 0 nothing depends on condition or seed: all conditions share one run, with the first seed; a learner that
    is trained from scratch has none.
    """
    rows = [
        (learner, name, size, seed, run_recipe(config, condition, size))
        for learner, settings in config["learners"].items()
        for name, condition in conditions_of(config, learner).items()
        for size in sorted(config["sizes"])
        if size > 0 or settings["kind"] in LLM_KINDS
        for seed in (config["seeds"] if size > 0 else config["seeds"][:1])
    ]
    return pd.DataFrame(rows, columns=list(RUN_COLUMNS))


def resolve_from_run(config: Mapping[str, Any], from_run: Mapping[str, Any]) -> dict[str, Any]:
    """The run that a generator's ``from_run`` names; what it omits is the study's first seed and fairseq learner."""
    learners = config["learners"].items()
    return {
        "learner": from_run["learner"] or next((name for name, given in learners if given["kind"] == FAIRSEQ), None),
        "condition": from_run["condition"],
        "size": from_run["size"],
        "seed": from_run["seed"] or config["seeds"][0],
    }


def remedied(conditions: Mapping[str, Condition]) -> dict[str, str]:
    """For each condition that is a remedy, the condition whose cost it is to win back.

    That is what its ``remedies`` names; where it names nothing, the condition with the same text in random order.
    """
    found = {}
    for name, condition in conditions.items():
        target = condition["remedies"] if "remedies" in condition else _plain_twin(conditions, name)
        if target is not None:
            found[name] = target
    return found


def _plain_twin(conditions: Mapping[str, Condition], name: str) -> str | None:
    condition = conditions[name]
    plain = {**condition, "order": RANDOM, "reverse": False, "schedule": "cumulative"}
    remedy = condition["order"] != RANDOM or condition["schedule"] == INCREMENTAL
    if is_human(condition["mixture"]) or not remedy:
        return None
    twins = [
        other
        for other, settings in conditions.items()
        if settings["schedule"] == "cumulative" and recipe_of(settings) == recipe_of(plain)
    ]
    return twins[0] if twins else None


def reversed_twins(conditions: Mapping[str, Condition]) -> dict[str, str]:
    """For each condition that is not reversed, the one that is the same in reverse order, where there is one."""
    spelt = {(recipe_of(condition), condition["schedule"]): name for name, condition in conditions.items()}
    found = {}
    for name, condition in conditions.items():
        twin = spelt.get((recipe_of({**condition, "reverse": True}), condition["schedule"]))
        if not condition["reverse"] and twin:
            found[name] = twin
    return found


def named_seed(name: str) -> int:
    """A seed between 1 and 2**31-1 that depends on ``name`` only, so that adding one thing changes no other's draw."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) % (2**31 - 1) + 1
