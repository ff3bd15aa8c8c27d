"""Checks of conditions and of the scores that they are ordered by."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from planning.checks.quality import quality_problems
from planning.conditions import CUMULATIVE, RANDOM, Condition, quality_of, remedied, reversed_twins
from planning.configuration.errors import Key, Problem, guess, not_one_of
from planning.runs import LLM_KINDS
from planning.study import Study
from workbench.generated import HUMAN, SELF

_FRACTION_TOLERANCE = 1e-6
_LONGEST_RECIPE = 200  # characters; file systems allow 255 for a name
# What a baseline does, whatever its schedule.
_BASELINE = {"order": RANDOM, "reverse": False, "copies": 1, "combine": "draw"}


def condition_problems(study: Study) -> Iterator[Problem]:
    """Everything that is wrong with the conditions as each learner trains on them: `self` is another text for each."""
    sound = not any(quality_problems(study))
    trained = study.runs.by_learner
    found: dict[Problem, None] = {}
    for conditions in trained.values():
        seen = replace(study, runs=replace(study.runs, conditions=conditions))
        for name, condition in conditions.items():
            found |= dict.fromkeys(_problems_of(("conditions", name), seen, condition, sound))
    for name, condition in study.conditions.items():
        key = ("conditions", name)
        if all(name not in conditions for conditions in trained.values()):
            found |= dict.fromkeys(_untrained_problems(key, study, condition))
        if not any(problem.key[:2] == key for problem in found):
            found |= dict.fromkeys(_remedy_problems((*key, "remedies"), study, name))
    yield from found


def _problems_of(key: Key, study: Study, condition: Condition, sound: bool) -> Iterator[Problem]:
    """What is wrong with a condition as a learner trains on it; ``sound``: nothing is wrong with the quality scores."""
    known = list(_mixture_problems((*key, "mixture"), study, condition))
    yield from known
    if not known:
        if sound:
            yield from _order_problems(key, study, condition)
        yield from _combination_problems(key, study, condition)
        yield from _whole_source_problems(key, study, condition)
        if len(condition.recipe().name) > _LONGEST_RECIPE:
            yield Problem((*key, "mixture"), "too many or too long names: together they become the name of a file")


def _untrained_problems(key: Key, study: Study, condition: Condition) -> Iterator[Problem]:
    """Why no learner trains on a condition."""
    known = list(_mixture_problems((*key, "mixture"), study, condition))
    reason = "no learner is trained on it: name it in the `conditions` of one, or leave it out"
    yield from known or [Problem(key, reason)]


def _mixture_problems(key: Key, study: Study, condition: Condition) -> Iterator[Problem]:
    own = [SELF] if any(kind in LLM_KINDS for kind in study.runs.kinds.values()) else []
    origins = [HUMAN, *own, *study.generators]
    for origin in condition.mixture:
        if origin not in origins:
            why = "; it needs a learner of the kind local or openai, or a generator of that name" * (origin == SELF)
            yield Problem((*key, origin), not_one_of(origins, origin, f"unknown origin{why}"))
    total = sum(condition.mixture.values())
    if not abs(total - 1) <= _FRACTION_TOLERANCE:
        yield Problem(key, f"the fractions add up to {total:.9g}; allowed: 1")


def _order_problems(key: Key, study: Study, condition: Condition) -> Iterator[Problem]:
    order, of = condition.order, condition.order_of
    name = quality_of(order)
    if of is not None and (of not in study.generators or order == RANDOM):
        allowed = "no order_of with the order random" if order == RANDOM else ", ".join(study.generators)
        reason = f"{of!r} cannot be ordered by; allowed: {allowed}"
        yield Problem((*key, "order_of"), reason + guess(of, study.generators))
        return
    if name is not None and name not in study.quality:
        none = "none yet: add a section quality"
        yield Problem((*key, "order"), not_one_of(study.quality, name, f"no such score: {name!r}", none))
        return
    if condition.is_human and of is None and (order != RANDOM or condition.reverse):
        reason = "orders rank the targets of generators; human text needs order_of, whose order it then takes"
        yield Problem((*key, "order"), reason)
        return
    ranked = [of] if of else [origin for origin in condition.origins if origin != HUMAN]
    people = [origin for origin in ranked if study.generators[origin].human]
    if order != RANDOM and people:
        yield Problem((*key, "order"), f"{people[0]} was written by people and has no scores; use order_of")
    elif name is not None:
        scored = study.quality[name].scored
        for origin in ranked:
            if origin not in scored:
                yield Problem(
                    (*key, "order"), f"{order} has no scores of {origin}; it has those of {', '.join(scored) or 'none'}"
                )


def _combination_problems(key: Key, study: Study, condition: Condition) -> Iterator[Problem]:
    """Several generators at once need their control: one of them alone, with as many instances and sources."""
    origins = condition.origins
    fractions = {condition.mixture[origin] for origin in origins}
    if condition.combine != "draw" and max(fractions) - min(fractions) > _FRACTION_TOLERANCE:
        yield Problem((*key, "mixture"), f"combine: {condition.combine} needs equal fractions; it decides itself")
    if HUMAN in origins or len(origins) == 1:
        return
    copies = condition.instances_per_source
    if not any(_is_control(other, condition, copies) for other in study.conditions.values()):
        more = f", copies: {copies}" if copies > 1 else ""
        yield Problem(
            key,
            f"several generators need the control of as many instances and sources from one of them, in random or in "
            f"the same order: add a condition {{mixture: {{{origins[0]}: 1}}{more}}}",
        )


def _is_control(control: Condition, condition: Condition, copies: int) -> bool:
    """Whether ``control`` has ``copies`` of one origin of ``condition``, in random or in the same order."""
    if len(control.origins) != 1 or control.origins[0] not in condition.origins or control.copies != copies:
        return False
    plain = replace(control, order=RANDOM, reverse=False, order_of=None, schedule=CUMULATIVE)
    same = replace(condition, mixture=control.mixture, combine=control.combine, copies=control.copies)
    orders = [(other.schedule, other.recipe()) for other in (plain, same)]
    return (control.schedule, control.recipe()) in orders


def _whole_source_problems(key: Key, study: Study, condition: Condition) -> Iterator[Problem]:
    """A size must not end within the instances of a source."""
    each = condition.instances_per_source
    odd = [size for size in study.config["sizes"] if size % each]
    if odd:
        field = "copies" if condition.copies > 1 else "combine"
        yield Problem(
            (*key, field),
            f"size {odd[0]:,} ends within a source, which has {each} instances; allowed: sizes that {each} divides",
        )


def _remedy_problems(key: Key, study: Study, name: str) -> Iterator[Problem]:
    conditions, baseline = study.conditions, study.evaluation.baseline
    target = conditions[name].remedies
    if target is None:
        return
    targets, reverse = remedied(conditions), reversed_twins(conditions)
    if target not in conditions or target == name:
        others = [other for other in conditions if other != name]
        yield Problem(key, not_one_of(others, target, f"{target!r} is not another condition"))
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


def baseline_problems(study: Study) -> Iterator[Problem]:
    """The baseline must be plain human text."""
    key = ("evaluation", "baseline")
    name = study.evaluation.baseline
    human = [other for other, condition in study.conditions.items() if condition.is_human]
    if name not in human:
        allowed = ", ".join(human) if human else "none yet: add a condition with `mixture: {human: 1}`"
        yield Problem(key, f"{name!r} is not a condition with human targets only; allowed: {allowed}")
        return
    for field, plain in _BASELINE.items():
        value = getattr(study.conditions[name], field)
        if value != plain:
            yield Problem(
                ("conditions", name, field), f"{value!r} is not the plain human text of a baseline; allowed: {plain!r}"
            )
