"""Checks of generators."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from planning.checks.corpus import alignment_problems, missing_file, other_format
from planning.checks.hosted_llms import hosted_llm_problems
from planning.checks.quality import quality_problems
from planning.conditions import quality_of
from planning.configuration.errors import Problem, not_one_of, too_many
from planning.generators import FairseqGenerator, FileGenerator, HostedGenerator, SourceRun
from planning.learners import FairseqLearner
from planning.runs import own_generator
from planning.study import Study
from workbench.generated import HUMAN


def generator_problems(study: Study) -> Iterator[Problem]:
    """Everything that is wrong with transformers and files."""
    pretrain = study.corpus.pretrain
    for name, generator in study.generators.items():
        key = ("generators", name)
        if isinstance(generator, FairseqGenerator):
            if (generator.pairs is None) == (generator.from_run is None):
                yield Problem(key, "either pairs (what it is trained on) or from_run (whose model it is) is needed")
            if generator.pairs is not None and generator.pairs > pretrain:
                yield Problem((*key, "pairs"), too_many(generator.pairs, pretrain, "splits.pretrain"))
        if isinstance(generator, FileGenerator):
            yield from _file_problems(study, generator)


def _file_problems(study: Study, generator: FileGenerator) -> Iterator[Problem]:
    key = ("generators", generator.name)
    for name, path in generator.inputs.items():
        yield from missing_file((*key, name), path)
        yield from other_format((*key, name), path)
    if (generator.sources is not None) != (generator.aligned_with == "sources"):
        yield Problem((*key, "sources"), "belongs to `aligned_with: sources`, and is needed there")
    if generator.aligned_with == "train" and study.corpus.kind != "files":
        yield Problem((*key, "aligned_with"), "'train' needs corpus.kind 'files'; allowed here: pool, sources")
    elif generator.aligned_with == "train":
        yield from alignment_problems((*key, "targets"), generator.targets, study.corpus)


def hosted_generator_problems(study: Study) -> Iterator[Problem]:
    """Everything that is wrong with generators behind an API. Base models of learners are checked with these."""
    own = {own_generator(name) for name in study.learners}
    for name, generator in study.generators.of(HostedGenerator).items():
        if name not in own:
            yield from hosted_llm_problems(generator.llm, study.languages, name in study.generators.needed)
            yield from _sample_problems(generator)
            yield from _fallback_problems(study, generator)


def _sample_problems(generator: HostedGenerator) -> Iterator[Problem]:
    key, shaping = generator.llm.key, generator.llm.shaping
    if generator.has_samples and shaping.get("temperature") == 0:
        yield Problem((*key, "samples"), "more than 1 with temperature 0 is the same answer paid several times")
    if shaping["sentences_per_request"] > 1 and generator.has_logprobs:
        yield Problem(
            (*key, "log_probabilities"),
            "with several sentences per request they belong to no sentence; allowed: sentences_per_request 1",
        )


def _fallback_problems(study: Study, generator: HostedGenerator) -> Iterator[Problem]:
    fallback = generator.fallback
    if fallback in (None, HUMAN):
        return
    others = [name for name, other in study.generators.items() if name != generator.name and not other.may_drop]
    if fallback not in others:
        reason = f"{fallback!r} is not another origin that has a target for every source"
        yield Problem((*generator.llm.key, "fallback"), not_one_of([HUMAN, *others], fallback, reason))


def ancestry_problems(study: Study) -> Iterator[Problem]:
    """``from_run`` must name a run of the study, and no text may depend on itself."""
    parents: dict[str, set[str]] = {}
    for name, generator in study.generators.of(FairseqGenerator).items():
        if generator.from_run is not None:
            found = list(_source_problems(study, name, generator.from_run))
            yield from found
            if not found:
                parents[name] = _read_by(study, generator.from_run)
    for name in parents:
        if name in _ancestors(name, parents):
            yield Problem(
                ("generators", name, "from_run"),
                "its run is trained on its own output, or ordered by a score that reads it; some run must come first",
            )


def _source_problems(study: Study, name: str, run: SourceRun) -> Iterator[Problem]:
    key = ("generators", name, "from_run")
    if run.learner is None:
        reason = "no learner of the study is of the kind fairseq, whose model it could be; give `pairs` instead"
        yield Problem(key, reason)
        return
    allowed: dict[str, Sequence[str | int]] = {
        "condition": list(study.runs.by_learner.get(run.learner, study.conditions)),
        "size": study.runs.trained_sizes,
        "seed": study.runs.seeds,
        "learner": list(study.learners.of(FairseqLearner)),
    }
    for part, value in asdict(run).items():
        if value not in allowed[part]:
            values = ", ".join(str(value) for value in allowed[part])
            yield Problem((*key, part), f"{value!r} is not in the study; allowed: {values}")


def _ancestors(name: str, parents: dict[str, set[str]]) -> set[str]:
    """The origins whose text a generator's depends on, directly or not."""
    found: set[str] = set()
    waiting = set(parents[name])
    while waiting:
        origin = waiting.pop()
        if origin not in found:
            found.add(origin)
            waiting |= parents.get(origin, set())
    return found


def _read_by(study: Study, run: SourceRun) -> set[str]:
    """The origins whose text a run needs: what it is trained on, what fills gaps in that, what its order depends on.

    An incremental run's smaller sizes need nothing else.
    """
    condition = study.runs.by_learner[run.learner or ""][run.condition]
    recipe = study.runs.at_size(condition, run.size).recipe()
    mixture = set(recipe.mixture)
    fallbacks = set(study.generators.fallbacks(recipe).values())
    ordered = {recipe.order_of} if recipe.order_of else set()
    needed = mixture | fallbacks | ordered
    score = study.quality.get(quality_of(recipe.order) or "")
    if score and not any(quality_problems(study)):  # what is wrong with the scores is reported there
        needed |= {other for generator in ordered or mixture - {HUMAN} for other in score.also_read(generator)}
    return needed
