"""What a schema cannot say about conditions and the scores that they are ordered by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from planning.configuration import Config, Key, Problem, guess
from planning.quality_checks import listed, quality_problems
from planning.runs import (
    LLM_KINDS,
    RANDOM,
    Condition,
    conditions_of,
    is_human,
    origins_of,
    quality_of,
    recipe_of,
    remedied,
    reversed_twins,
)
from planning.scoring import is_written_by_people, machine_generators, scored_generators
from workbench.generated import HUMAN, SELF

_FRACTION_TOLERANCE = 1e-6
_PLAIN = {"order": RANDOM, "reverse": False, "order_of": None, "schedule": "cumulative"}
_LONGEST_RECIPE = 200  # characters; file systems allow 255 for a name


def condition_problems(config: Config) -> Iterator[Problem]:
    """Everything that is wrong with the conditions, as each learner trains on them: `self` is another text for each."""
    sound = not any(quality_problems(config))
    trained = {learner: conditions_of(config, learner) for learner in config["learners"]}
    found: dict[Problem, None] = {}
    for conditions in trained.values():
        seen = {**config, "conditions": conditions}
        for name, condition in conditions.items():
            found |= dict.fromkeys(_problems_of(("conditions", name), seen, condition, sound))
    for name, condition in config["conditions"].items():
        key = ("conditions", name)
        if all(name not in conditions for conditions in trained.values()):
            found |= dict.fromkeys(_untrained_problems(key, config, condition))
        if not any(problem.key[:2] == key for problem in found):
            found |= dict.fromkeys(_remedy_problems((*key, "remedies"), config, name))
    yield from found


def _problems_of(key: Key, config: Config, condition: Condition, sound: bool) -> Iterator[Problem]:
    """What is wrong with a condition as a learner trains on it; ``sound``: nothing is wrong with the quality scores."""
    known = list(_mixture_problems((*key, "mixture"), config, condition))
    yield from known
    if not known:
        if sound:
            yield from _order_problems(key, config, condition)
        yield from _combination_problems(key, config, condition)
        yield from _whole_source_problems(key, config, condition)
        if len(recipe_of(condition)) > _LONGEST_RECIPE:
            yield Problem((*key, "mixture"), "too many or too long names: together they become the name of a file")


def _untrained_problems(key: Key, config: Config, condition: Condition) -> Iterator[Problem]:
    """Why no learner trains on a condition."""
    known = list(_mixture_problems((*key, "mixture"), config, condition))
    reason = "no learner is trained on it: name it in the `conditions` of one, or leave it out"
    yield from known or [Problem(key, reason)]


def _mixture_problems(key: Key, config: Config, condition: Config) -> Iterator[Problem]:
    own = [SELF] if any(learner["kind"] in LLM_KINDS for learner in config["learners"].values()) else []
    origins = [HUMAN, *own, *config["generators"]]
    mixture = condition["mixture"]
    for origin in mixture:
        if origin not in origins:
            why = "it needs a learner of the kind local or openai, or a generator of that name; " * (origin == SELF)
            yield Problem(
                (*key, origin), f"unknown origin; {why}allowed: {', '.join(origins)}" + guess(origin, origins)
            )
    total = sum(mixture.values())
    if not abs(total - 1) <= _FRACTION_TOLERANCE:
        yield Problem(key, f"the fractions add up to {total:.9g}; allowed: 1")


def _order_problems(key: Key, config: Config, condition: Config) -> Iterator[Problem]:
    order, of = condition["order"], condition["order_of"]
    name = quality_of(order)
    generators = list(config["generators"])
    if of is not None and (of not in generators or order == RANDOM):
        allowed = "no order_of with the order random" if order == RANDOM else ", ".join(generators)
        yield Problem((*key, "order_of"), f"{of!r} cannot be ordered by; allowed: {allowed}" + guess(of, generators))
        return
    if name is not None and name not in config["quality"]:
        allowed = ", ".join(config["quality"]) or "none yet: add a section quality"
        yield Problem((*key, "order"), f"no such score: {name!r}; allowed: {allowed}" + guess(name, config["quality"]))
        return
    if is_human(condition["mixture"]) and of is None and (order != RANDOM or condition["reverse"]):
        reason = "orders rank the targets of generators; human text needs order_of, whose order it then takes"
        yield Problem((*key, "order"), reason)
        return
    ranked = [of] if of else [origin for origin in origins_of(condition["mixture"]) if origin != HUMAN]
    people = [origin for origin in ranked if is_written_by_people(config["generators"][origin])]
    if order != RANDOM and people:
        yield Problem((*key, "order"), f"{people[0]} was written by people and has no scores; use order_of")
    elif name is not None:
        scored = scored_generators(config, name, machine_generators(config))
        for origin in ranked:
            if origin not in scored:
                yield Problem((*key, "order"), f"{order} has no scores of {origin}; it has those of {listed(scored)}")


def _combination_problems(key: Key, config: Config, condition: Config) -> Iterator[Problem]:
    """Several generators at once need their control: one of them alone, with as many instances and sources."""
    origins = origins_of(condition["mixture"])
    fractions = {condition["mixture"][origin] for origin in origins}
    if condition["combine"] != "draw" and max(fractions) - min(fractions) > _FRACTION_TOLERANCE:
        yield Problem((*key, "mixture"), f"combine: {condition['combine']} needs equal fractions; it decides itself")
    if HUMAN in origins or len(origins) == 1:
        return
    copies = _instances_of_a_source(condition)
    same = {key: condition[key] for key in _PLAIN}
    controls = [
        control
        for control in config["conditions"].values()
        if any(origins_of(control["mixture"]) == [origin] for origin in origins)
        and control["copies"] == copies
        and (_goes_by(control, _PLAIN) or _goes_by(control, same))
    ]
    if not controls:
        more = f", copies: {copies}" if copies > 1 else ""
        yield Problem(
            key,
            f"several generators need the control of as many instances and sources from one of them, in random or in "
            f"the same order: add a condition {{mixture: {{{origins[0]}: 1}}{more}}}",
        )


def _goes_by(condition: Condition, order: Mapping[str, Any]) -> bool:
    """Whether a condition uses its instances in ``order``, however that is written."""
    return condition["schedule"] == order["schedule"] and recipe_of(condition) == recipe_of({**condition, **order})


def _instances_of_a_source(condition: Condition) -> int:
    return condition["copies"] * (len(origins_of(condition["mixture"])) if condition["combine"] == "all" else 1)


def _whole_source_problems(key: Key, config: Config, condition: Condition) -> Iterator[Problem]:
    """A size must not end within the instances of a source."""
    each = _instances_of_a_source(condition)
    odd = [size for size in config["sizes"] if size % each]
    if odd:
        field = "copies" if condition["copies"] > 1 else "combine"
        yield Problem(
            (*key, field),
            f"size {odd[0]:,} ends within a source, which has {each} instances; allowed: sizes that {each} divides",
        )


def _remedy_problems(key: Key, config: Config, name: str) -> Iterator[Problem]:
    conditions = config["conditions"]
    baseline = config["evaluation"]["baseline"]
    target = conditions[name].get("remedies")
    if target is None:
        return
    targets, reverse = remedied(conditions), reversed_twins(conditions)
    if target not in conditions or target == name:
        others = [other for other in conditions if other != name]
        yield Problem(key, f"{target!r} is no other condition; allowed: {', '.join(others)}" + guess(target, others))
    elif name == baseline:
        yield Problem(key, f"{name!r} is the baseline, which has no cost to win back; leave it out")
    elif target == baseline:
        yield Problem(key, f"{target!r} is the baseline, which costs nothing; name a condition whose cost it wins back")
    elif reverse.get(name) == target or reverse.get(target) == name:
        yield Problem(key, f"{target!r} is the same in reverse, and the reverse is the control; name another condition")
    elif name in _chain(target, targets):
        yield Problem(key, f"{target!r} is itself a remedy for {name!r}; a remedy's target must not come back to it")


def _chain(name: str, targets: Mapping[str, str]) -> list[str]:
    """The condition that ``name`` is a remedy for, the one that this is a remedy for, and so on, each once."""
    found: list[str] = []
    while (name := targets.get(name, "")) and name not in found:
        found.append(name)
    return found
