"""What a schema cannot say about quality scores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from planning.configuration import Config, Key, Problem, guess
from planning.scoring import compared_with, has_samples, machine_generators, scored_generators, tells_logprob


def quality_problems(config: Config) -> Iterator[Problem]:
    """Everything that is wrong with the quality scores."""
    used = machine_generators(config)
    for name, settings in config["quality"].items():
        key: Key = ("quality", name)
        if name == "oracle" and settings["metric"] != "oracle":
            yield Problem(key, "the name of the score that others are compared with; choose another")
        for field in ("generators", "among"):
            for generator in settings.get(field) or []:
                if generator not in used:
                    yield Problem(
                        (*key, field),
                        f"{generator!r} is no generator in use; allowed: {listed(used)}" + guess(generator, used),
                    )
        yield from _needs(key, config, name, used)


def detector_problems(config: Config) -> Iterator[Problem]:
    """Everything that is wrong with the detector."""
    detector = config["detector"]
    spans = {name: detector[name] for name in ("word_ngrams", "character_ngrams") if detector[name]}
    if not spans:
        yield Problem(("detector", "word_ngrams"), "both are null: nothing is left to tell texts apart by")
    for name, (shortest, longest) in spans.items():
        if shortest > longest:
            yield Problem(("detector", name), f"{shortest} is longer than {longest}; the shortest comes first")
    pool, needed = config["splits"]["pool"], max(detector["least"], detector["folds"])
    if detector["pairs"] is not None and detector["pairs"] < needed:
        yield Problem(
            ("detector", "pairs"),
            f"{detector['pairs']:,} sources are too few to learn from; allowed: {needed:,} or more "
            "(detector.least, detector.folds)",
        )
    if machine_generators(config) and pool < needed:
        yield Problem(
            ("splits", "pool"),
            f"{pool:,} sources are too few for the detector, which needs {needed:,}: enlarge splits.pool, or lower "
            "detector.least (at least detector.folds)",
        )


def _needs(key: Key, config: Config, name: str, used: list[str]) -> Iterator[Problem]:
    settings: dict[str, Any] = config["quality"][name]
    metric, generators = settings["metric"], config["generators"]
    given = [generator for generator in settings["generators"] or [] if generator in used]
    if metric == "rank_average":
        names = [other for other in config["quality"] if other != name]
        for part in settings["of"]:
            if part not in names or config["quality"][part]["metric"] == "rank_average":
                plain = [other for other in names if config["quality"][other]["metric"] != "rank_average"]
                yield Problem(
                    (*key, "of"), f"{part!r} is no other score; allowed: {listed(plain)}" + guess(part, plain)
                )
                continue
            lacking = [generator for generator in given if generator not in scored_generators(config, part, used)]
            if lacking:
                yield Problem(
                    (*key, "generators"), f"{part} has no scores of {lacking[0]}, so there is no average of it"
                )
    if metric == "logprob":
        for generator in given:
            if not tells_logprob(generators[generator]):
                yield Problem((*key, "generators"), f"{generator} tells no log-probabilities")
    if metric == "consensus":
        for generator in given:
            if not compared_with(config, name, generator, used) and not has_samples(generators[generator]):
                yield Problem(
                    (*key, "generators"), f"{generator} has nothing to agree with: another generator in use is needed"
                )
    if settings.get("pairs") and settings["pairs"] > config["splits"]["pretrain"]:
        yield Problem(
            (*key, "pairs"),
            f"{settings['pairs']:,} is beyond splits.pretrain; allowed: {config['splits']['pretrain']:,} or less",
        )
    if "weights" in settings and not Path(settings["weights"]).exists():
        missing = f"{settings['weights']!r} does not exist (looked for it in {Path.cwd()})"
        yield Problem((*key, "weights"), missing, no_input=True)


def listed(names: list[str]) -> str:
    """Names in an error."""
    return ", ".join(names) or "none"
