"""What a schema cannot say about conditions and the scores that they are ordered by."""

from __future__ import annotations

from collections.abc import Iterator

from planning.configuration import Config, Key, Problem, guess
from planning.quality_checks import listed, quality_problems
from planning.runs import (
    RANDOM,
    canonical,
    is_human,
    origins_of,
    quality_of,
    recipe_of,
)
from planning.scoring import is_written_by_people, machine_generators, scored_generators
from workbench.generated import HUMAN

_FRACTION_TOLERANCE = 1e-6
_LONGEST_RECIPE = 200  # characters; file systems allow 255 for a name


def condition_problems(config: Config) -> Iterator[Problem]:
    """Everything that is wrong with the conditions."""
    sound = not any(quality_problems(config))
    for name, condition in config["conditions"].items():
        key = ("conditions", name)
        known = list(_mixture_problems((*key, "mixture"), config, condition))
        yield from known
        if not known:
            if sound:
                yield from _order_problems(key, config, condition)
            yield from _combination_problems(key, config, condition)
            yield from _remedy_problems(key, config, name)
            if len(recipe_of(condition)) > _LONGEST_RECIPE:
                yield Problem((*key, "mixture"), "too many or too long names: together they become the name of a file")


def _mixture_problems(key: Key, config: Config, condition: Config) -> Iterator[Problem]:
    origins = [HUMAN, *config["generators"]]
    mixture = condition["mixture"]
    for origin in mixture:
        if origin not in origins:
            yield Problem((*key, origin), f"unknown origin; allowed: {', '.join(origins)}" + guess(origin, origins))
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
    copies = condition["copies"] * (len(origins) if condition["combine"] == "all" else 1)
    controls = [
        what
        for what in map(canonical, config["conditions"].values())
        if len(what["mixture"]) == 1 and set(what["mixture"]) <= set(origins) and what["copies"] == copies
    ]
    if not controls:
        more = f", copies: {copies}" if copies > 1 else ""
        yield Problem(
            key,
            f"several generators need the control of as many instances and sources from one of them: add a condition "
            f"{{mixture: {{{origins[0]}: 1}}{more}}}",
        )


def _remedy_problems(key: Key, config: Config, name: str) -> Iterator[Problem]:
    conditions = config["conditions"]
    target = conditions[name].get("remedies")
    if target is not None and (target not in conditions or target == name):
        others = [other for other in conditions if other != name]
        yield Problem(
            (*key, "remedies"),
            f"{target!r} is no other condition; allowed: {', '.join(others)}" + guess(target, others),
        )
