"""Checks of learners, of sizes, and of LLMs that run here."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from planning.checks.hosted_llms import hosted_llm_problems, prompt_problems
from planning.conditions import INCREMENTAL
from planning.configuration.errors import Problem, not_one_of, too_many
from planning.learners import FairseqLearner, HostedLearner, Learner
from planning.llms import LocalLLM
from planning.runs import own_generator
from planning.study import Study
from workbench.cli import UserError


def learner_problems(study: Study) -> Iterator[Problem]:
    """Everything that is wrong with learners and with local LLMs, generators included.

    A learner's base model as a generator is checked with the learner.
    """
    own = {("generators", own_generator(name)) for name in study.learners}
    for llm in study.local_llms:
        if llm.key not in own:
            yield from _local_problems(study, llm)
    for learner in study.learners.values():
        yield from _condition_problems(study, learner)
        if isinstance(learner, HostedLearner):
            yield from hosted_llm_problems(learner.llm, study.languages)
            yield from _tuning_problems(study, learner)


def _condition_problems(study: Study, learner: Learner) -> Iterator[Problem]:
    """A learner's conditions must be in the study, and contain the baseline, which the others are compared with."""
    key = ("learners", learner.name, "conditions")
    known, baseline = list(study.conditions), study.evaluation.baseline
    for name in learner.conditions or ():
        if name not in known:
            yield Problem(key, not_one_of(known, name, f"{name!r} is not a condition"))
    if learner.conditions is not None and baseline not in learner.conditions:
        yield Problem(key, f"{baseline!r} is missing, the baseline that the others are compared with")


def _tuning_problems(study: Study, learner: HostedLearner) -> Iterator[Problem]:
    """The prices of fine-tuning and of the model's answers must be known, and OpenAI requires some examples."""
    from llm.prices import price_of, training_price
    from llm.tuning.examples import FEWEST_EXAMPLES  # only studies that ask an LLM pay for the import

    llm = learner.llm
    tuned = llm.model if llm.model.startswith("ft:") else f"ft:{llm.model}:::"
    try:
        training_price("openai", llm.model, llm.base_url, learner.training_price)
        price_of("openai", tuned, llm.base_url, llm.price, llm.mode == "batch", llm.service_tier)
    except UserError as error:
        yield Problem((*llm.key, "model"), str(error))
    sizes = study.runs.trained_sizes
    schedules = [condition.schedule for condition in study.runs.by_learner[learner.name].values()]
    steps = [after - before for before, after in pairwise(sizes)] if INCREMENTAL in schedules else []
    fewest = min([*sizes[:1], *steps], default=FEWEST_EXAMPLES)
    if llm.base_url is None and fewest < FEWEST_EXAMPLES:
        reason = f"trains {llm.place} on {fewest} instances"
        yield Problem(("sizes",), f"{reason}; a fine-tuning job at OpenAI takes {FEWEST_EXAMPLES} at least")


def _local_problems(study: Study, llm: LocalLLM) -> Iterator[Problem]:
    key = llm.key
    yield from prompt_problems(key, llm.prompts, study.languages)
    if not llm.is_at_hub:
        if not Path(llm.model).is_dir():
            reason = f"{llm.model!r} is not a folder (looked for it in {Path.cwd()}) and not a name at the hub"
            yield Problem((*key, "model"), f"{reason}; allowed: a folder, or ORGANISATION/NAME", no_input=True)
        elif not (Path(llm.model) / "config.json").is_file():
            reason = "has no config.json: it is not a model of Hugging Face transformers"
            yield Problem((*key, "model"), f"{llm.model!r} {reason}")
    if llm.precision == "fp16" and study.training.device == "cpu":
        yield Problem((*key, "precision"), "fp16 is for GPUs (training.device); allowed here: auto, float32, bf16")


def size_problems(study: Study) -> Iterator[Problem]:
    """Sizes must not exceed the pool, and something must be trained."""
    pool = study.corpus.pool
    for index, size in enumerate(study.config["sizes"]):
        if size > pool:
            yield Problem(("sizes", index), too_many(size, pool, "splits.pool"))
        if size == 0 and len(study.learners.of(FairseqLearner)) == len(study.learners):
            reason = "is zero-shot, and a transformer that is trained from scratch translates nothing before"
            yield Problem(("sizes", index), f"0 {reason}; it needs a learner of the kind local or openai")
    if not study.runs.trained_sizes:
        yield Problem(("sizes",), "0 trains nothing; a size of 1 or more is needed as well")
