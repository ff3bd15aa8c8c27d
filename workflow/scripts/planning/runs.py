"""The runs of a study: every learner, condition, size and seed, in canonical form."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from planning.conditions import CUMULATIVE, INCREMENTAL, RANDOM, Condition, Recipe, read_conditions
from planning.settings import JsonObject
from workbench.generated import SELF
from workbench.runs import Run

FAIRSEQ = "fairseq"
LLM_KINDS = ("local", "openai")  # learners that are LLMs already, and are fine-tuned
ZERO_SHOT = "zero-shot"  # the recipe of size 0


@dataclass(frozen=True)
class Runs:
    """All runs of a study."""

    kinds: Mapping[str, str]  # the kind of each learner
    chosen: Mapping[str, Collection[str] | None]  # the conditions that each learner is limited to; None for all
    conditions: Mapping[str, Condition]  # all conditions, by name
    has_self: bool  # whether a generator is called ``self``
    sizes: list[int]  # numbers of training instances, growing
    seeds: list[int]  # seeds of the trainings
    pool: int  # number of sources in the pool

    @classmethod
    def read(cls, study: JsonObject) -> Runs:
        """The runs of a completed configuration or of ``study.json``."""
        learners = study["learners"].items()
        return cls(
            {name: learner["kind"] for name, learner in learners},
            {name: learner["conditions"] for name, learner in learners},
            read_conditions(study["conditions"]),
            SELF in study["generators"],
            sorted(study["sizes"]),
            study["seeds"],
            study["splits"]["pool"],
        )

    @cached_property
    def trained_sizes(self) -> list[int]:
        """The sizes at which something is trained, growing: all except 0, the size of zero-shot runs."""
        return [size for size in self.sizes if size > 0]

    @cached_property
    def by_learner(self) -> dict[str, dict[str, Condition]]:
        """The conditions that each learner trains on, by name; the learner's own text is its generator's."""
        found: dict[str, dict[str, Condition]] = {}
        for learner, chosen in self.chosen.items():
            named = {name: given for name, given in self.conditions.items() if chosen is None or name in chosen}
            own = {name: self._for_learner(condition, learner) for name, condition in named.items()}
            found[learner] = {name: condition for name, condition in own.items() if condition is not None}
        return found

    def _for_learner(self, condition: Condition, learner: str) -> Condition | None:
        """A condition as ``learner`` trains on it: ``self`` is the generator that is its own base model.

        Unless the study has a generator of that name. None for a learner that cannot write before it is trained.
        """
        if self.has_self:
            return condition
        mixture = {origin: part for origin, part in condition.mixture.items() if origin != SELF or part > 0}
        if SELF not in mixture and condition.order_of != SELF:
            return replace(condition, mixture=mixture)
        if self.kinds[learner] not in LLM_KINDS:
            return None
        own = own_generator(learner)
        return replace(
            condition,
            mixture={own if origin == SELF else origin: part for origin, part in mixture.items()},
            order_of=own if condition.order_of == SELF else condition.order_of,
        )

    def at_size(self, condition: Condition, size: int) -> Condition:
        """A condition as a run of ``size`` instances sees it.

        If the whole pool is used, the order of its instances changes nothing, and all orders share one run. The first
        step of an incremental schedule is a training like any other.
        """
        first = condition.schedule == INCREMENTAL and size == self.trained_sizes[0]
        schedule = CUMULATIVE if first else condition.schedule
        whole = size == self.pool and condition.combine != "all" and condition.copies == 1
        if whole and schedule != INCREMENTAL:
            return replace(condition, schedule=schedule, order=RANDOM, reverse=False)
        return replace(condition, schedule=schedule)

    def run_recipe(self, condition: Condition, size: int) -> str:
        """What a run is trained on and how: the recipe of its dataset, and the schedule if it is incremental."""
        if size == 0:
            return ZERO_SHOT
        seen = self.at_size(condition, size)
        return f"{seen.recipe().name}.{INCREMENTAL}" if seen.schedule == INCREMENTAL else seen.recipe().name

    @cached_property
    def recipes(self) -> dict[str, Recipe]:
        """Every distinct recipe of a dataset, by its spelling."""
        found = [
            self.at_size(condition, size).recipe()
            for conditions in self.by_learner.values()
            for condition in conditions.values()
            for size in self.trained_sizes
        ]
        return {recipe.name: recipe for recipe in found}

    @cached_property
    def table(self) -> list[Run]:
        """Every run, in the order of the configuration, sizes growing.

        At size 0 nothing depends on condition or seed: all conditions share one run, with the first seed. A learner
        that is trained from scratch has no such run.
        """
        return [
            Run(learner, name, size, seed, recipe)
            for learner, conditions in self.by_learner.items()
            for name, condition in conditions.items()
            for size in self.sizes
            if size > 0 or self.kinds[learner] in LLM_KINDS
            for recipe in [self.run_recipe(condition, size)]
            for seed in (self.seeds if size > 0 else self.seeds[:1])
        ]

    @cached_property
    def distinct(self) -> list[Run]:
        """Each training and zero-shot run once, under the first of the conditions that share it."""
        found: dict[tuple[str, str, int, int], Run] = {}
        for run in self.table:
            found.setdefault((run.learner, run.recipe, run.size, run.seed), run)
        return list(found.values())

    def size_before(self, size: int) -> int:
        """The next smaller size at which something is trained."""
        return max(other for other in self.trained_sizes if other < size)

    def run_before(self, recipe: str, size: int) -> tuple[str, int] | None:
        """Recipe and size of the run whose model a run continues from; None for a run that starts from scratch."""
        if recipe == dataset_recipe(recipe):
            return None
        before = self.size_before(size)
        return (dataset_recipe(recipe) if before == self.trained_sizes[0] else recipe), before

    def new_instances(self, recipe: str, size: int) -> int:
        """How many of its instances a run trains on itself; the model that it continues from has seen the others."""
        before = self.run_before(recipe, size)
        return size - (before[1] if before else 0)


def own_generator(learner: str) -> str:
    """The generator that is a learner's own base model."""
    return f"{SELF}-{learner}"


def dataset_recipe(recipe: str) -> str:
    """The recipe of the dataset behind a run's recipe."""
    return recipe.removesuffix(f".{INCREMENTAL}")


def named_seed(name: str) -> int:
    """A seed between 1 and 2**31-1 that depends on ``name`` only, so that an addition changes no other draw."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) % (2**31 - 1) + 1
