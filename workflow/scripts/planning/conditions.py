"""Conditions: whose targets a learner trains on, in which order.

Two conditions that mean the same training set share a *recipe*, and therefore a dataset and a run. A recipe is spelled
from what a condition does, never from its name or its place in the configuration.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from planning.settings import JsonObject, compact, read_settings
from workbench.generated import HUMAN

RANDOM = "random"
HUMAN_LIKE = "human_like"
QUALITY = "quality:"
CUMULATIVE = "cumulative"
INCREMENTAL = "incremental"


@dataclass(frozen=True)
class Recipe:
    """What makes a dataset, without what changes nothing; see :meth:`Condition.recipe`."""

    mixture: Mapping[str, float]
    combine: str
    copies: int
    order: str
    reverse: bool
    order_of: str | None

    @property
    def name(self) -> str:
        """Canonical, path-safe spelling, such as ``human=0.5+strong=0.5.random``."""
        if len(self.mixture) == 1:
            mixture = next(iter(self.mixture))
        elif self.combine == "draw":
            mixture = "+".join(f"{origin}={fraction:.9g}" for origin, fraction in self.mixture.items())
        else:
            mixture = "+".join(self.mixture)
        parts = [
            mixture,
            self.combine if self.combine != "draw" else "",
            f"x{self.copies}" if self.copies > 1 else "",
            self.order.replace(":", "="),
            "reverse" if self.reverse else "",
            f"of={self.order_of}" if self.order_of else "",
        ]
        return ".".join(filter(None, parts))

    @property
    def settings(self) -> str:
        """What the dataset is built by, as JSON; whose ranks it uses is known from its inputs."""
        return compact({key: value for key, value in asdict(self).items() if key != "order_of"})

    @property
    def generators(self) -> list[str]:
        """The generators that the dataset draws on, sorted by name."""
        return [origin for origin in self.mixture if origin != HUMAN]

    @property
    def rank_tables(self) -> list[tuple[str, str]]:
        """Each origin whose targets are ordered, with the table of their ranks."""
        origins = list(self.mixture) if self.order_of else self.generators
        if self.order == HUMAN_LIKE:
            return [(origin, f"<results>/detector/{HUMAN}--{self.order_of or origin}/rank.tsv") for origin in origins]
        score = quality_of(self.order)
        return [(origin, f"<results>/quality/{score}/{self.order_of or origin}.tsv") for origin in origins if score]


@dataclass(frozen=True)
class Condition:
    """A condition as it is configured."""

    mixture: Mapping[str, float]  # origins and their fractions
    combine: str
    copies: int
    order: str
    reverse: bool
    order_of: str | None
    schedule: str
    remedies: str | None = None  # the condition whose cost this one is meant to win back
    names_its_target: bool = False  # whether ``remedies`` is configured; otherwise it is the same text in random order

    @property
    def origins(self) -> list[str]:
        """The origins that the mixture contains text of, sorted by name."""
        return sorted(origin for origin, fraction in self.mixture.items() if fraction > 0)

    @property
    def is_human(self) -> bool:
        """Whether all targets are human."""
        return self.origins == [HUMAN]

    @property
    def instances_per_source(self) -> int:
        """How many instances each source has in the dataset."""
        return self.copies * (len(self.origins) if self.combine == "all" else 1)

    def recipe(self) -> Recipe:
        """What makes the condition's dataset, without what changes nothing.

        That is: origins of fraction 0, their order, digits beyond the ninth, how a single origin is combined, whose
        ranks a random order uses, and that a single origin is ordered by its own ranks.
        """
        mixture = {origin: float(f"{self.mixture[origin]:.9g}") for origin in self.origins}
        own = self.order == RANDOM or list(mixture) == [self.order_of]
        return Recipe(
            mixture,
            self.combine if len(mixture) > 1 else "draw",
            self.copies,
            self.order,
            self.reverse,
            None if own else self.order_of,
        )


def read_conditions(given: Mapping[str, JsonObject]) -> dict[str, Condition]:
    """The conditions of a completed configuration or of ``study.json``, by name."""
    return {
        name: read_settings(Condition, settings, names_its_target="remedies" in settings)
        for name, settings in given.items()
    }


def quality_of(order: str) -> str | None:
    """The quality score that an order uses; None for another order."""
    return order.removeprefix(QUALITY) if order.startswith(QUALITY) else None


def remedied(conditions: Mapping[str, Condition]) -> dict[str, str]:
    """For each condition that is a remedy, the condition whose cost it is meant to win back.

    That is the one that its ``remedies`` names. If it names none, it is the same text in random order.
    """
    found = {}
    for name, condition in conditions.items():
        target = condition.remedies if condition.names_its_target else _plain_twin(conditions, condition)
        if target is not None:
            found[name] = target
    return found


def _plain_twin(conditions: Mapping[str, Condition], condition: Condition) -> str | None:
    is_remedy = condition.order != RANDOM or condition.schedule == INCREMENTAL
    if condition.is_human or not is_remedy:
        return None
    plain = replace(condition, order=RANDOM, reverse=False).recipe()
    twins = (name for name, other in conditions.items() if other.schedule == CUMULATIVE and other.recipe() == plain)
    return next(twins, None)


def reversed_twins(conditions: Mapping[str, Condition]) -> dict[str, str]:
    """For each condition that is not reversed, the one that is the same in reverse order, if there is one."""
    spelled = {(condition.recipe().name, condition.schedule): name for name, condition in conditions.items()}
    found = {}
    for name, condition in conditions.items():
        twin = spelled.get((replace(condition, reverse=True).recipe().name, condition.schedule))
        if not condition.reverse and twin:
            found[name] = twin
    return found
