"""The table of runs: every (learner, condition, size, seed) of a study, in canonical form.

Two conditions that mean the same training set share a *recipe*, and so a dataset and a run: a recipe is spelt from
what a condition does, never from its name or its place in the configuration.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import pandas as pd

from evaluate.runs import RUN_COLUMNS
from workbench.generated import HUMAN


def is_human(mixture: Mapping[str, float]) -> bool:
    """Whether a mixture holds human targets only."""
    return {origin for origin, fraction in mixture.items() if fraction > 0} == {HUMAN}


def canonical(condition: Mapping[str, Any]) -> dict[str, Any]:
    """A condition without what changes nothing: origins of fraction 0, their order, digits beyond the ninth."""
    mixture = {origin: float(f"{f:.9g}") for origin, f in sorted(condition["mixture"].items()) if f > 0}
    return {"mixture": mixture, "order": condition["order"]}


def recipe_of(condition: Mapping[str, Any]) -> str:
    """Canonical, path-safe spelling of a condition, such as ``human=0.5+strong=0.5.random``."""
    parts = canonical(condition)["mixture"]
    if len(parts) == 1:
        mixture = next(iter(parts))
    else:
        mixture = "+".join(f"{origin}={fraction:.9g}" for origin, fraction in parts.items())
    return f"{mixture}.{condition['order']}"


def run_table(config: Mapping[str, Any]) -> pd.DataFrame:
    """Every run of a checked configuration, in its order: columns ``learner condition size seed recipe``."""
    rows = [
        (learner, name, size, seed, recipe_of(condition))
        for learner in config["learners"]
        for name, condition in config["conditions"].items()
        for size in sorted(config["sizes"])
        for seed in config["seeds"]
    ]
    return pd.DataFrame(rows, columns=list(RUN_COLUMNS))


def resolve_from_run(config: Mapping[str, Any], from_run: Mapping[str, Any]) -> dict[str, Any]:
    """The run that a generator's ``from_run`` names, with the study's first seed and learner where it names none."""
    return {
        "learner": from_run["learner"] or next(iter(config["learners"])),
        "condition": from_run["condition"],
        "size": from_run["size"],
        "seed": from_run["seed"] or config["seeds"][0],
    }


def named_seed(name: str) -> int:
    """A seed between 1 and 2**31-1 that depends on ``name`` only, so that adding one thing changes no other's draw."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) % (2**31 - 1) + 1
