"""What a schema cannot say about generators that are models of runs: no text may depend on itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from planning.configuration import Config, Problem
from planning.quality_checks import quality_problems
from planning.runs import FAIRSEQ, at_size, canonical, conditions_of, quality_of, resolve_from_run, trained_sizes
from planning.scoring import also_read, machine_generators
from workbench.generated import HUMAN


def generation_problems(config: Config) -> Iterator[Problem]:
    """``from_run`` must name a run of the study, and no text may depend on itself."""
    parents: dict[str, set[str]] = {}
    for name, generator in config["generators"].items():
        if "from_run" not in generator:
            continue
        run = resolve_from_run(config, generator["from_run"])
        learner = run["learner"]
        conditions = conditions_of(config, learner) if learner in config["learners"] else config["conditions"]
        allowed = {
            "condition": list(conditions),
            "size": trained_sizes(config),
            "seed": config["seeds"],
            "learner": [name for name, learner in config["learners"].items() if learner["kind"] == FAIRSEQ],
        }
        if learner is None:
            reason = "no learner of the study is of the kind fairseq, whose model it could be; give `pairs` instead"
            yield Problem(("generators", name, "from_run"), reason)
            continue
        unknown = [part for part, values in allowed.items() if run[part] not in values]
        for part in unknown:
            values = ", ".join(str(value) for value in allowed[part])
            yield Problem(
                ("generators", name, "from_run", part), f"{run[part]!r} is not in the study; allowed: {values}"
            )
        if not unknown:
            parents[name] = _read_by(config, run)
    for name in parents:
        ancestors: set[str] = set()
        waiting = set(parents[name])
        while waiting:
            origin = waiting.pop()
            if origin not in ancestors:
                ancestors.add(origin)
                waiting |= parents.get(origin, set())
        if name in ancestors:
            yield Problem(
                ("generators", name, "from_run"),
                "its run is trained on its own output, or ordered by a score that reads it; some run must come first",
            )


def _read_by(config: Config, run: Mapping[str, Any]) -> set[str]:
    """The origins whose text a run needs: what it is trained on, what stands in for that, what its order goes by.

    An incremental run's smaller sizes need nothing else.
    """
    condition = conditions_of(config, run["learner"])[run["condition"]]
    what = canonical(at_size(config, condition, run["size"]))
    mixture = set(what["mixture"])
    stand_ins = {config["generators"].get(origin, {}).get("fallback") for origin in mixture}
    ranked = {what["order_of"]} if what["order_of"] else mixture - {HUMAN}
    needed = (mixture | stand_ins | {what["order_of"]}) - {None}
    name = quality_of(what["order"])
    if name in config["quality"] and not any(quality_problems(config)):  # what is wrong there is said there
        machines = machine_generators(config)
        needed |= {other for generator in ranked for other in also_read(config, name, generator, machines)}
    return needed
