"""What must hold in a study beyond the schema: names that refer to something, numbers that fit together."""

from collections.abc import Callable, Iterable

from planning.checks.conditions import baseline_problems, condition_problems
from planning.checks.corpus import corpus_problems, folder_problems, language_problems, name_problems, split_problems
from planning.checks.generators import ancestry_problems, generator_problems, hosted_generator_problems
from planning.checks.learners import learner_problems, size_problems
from planning.checks.options import option_problems
from planning.checks.paths import path_problems
from planning.checks.quality import detector_problems, judge_problems, quality_problems, tokenizer_problems
from planning.configuration.errors import Problem
from planning.study import Study

# In the order in which people read them.
_CHECKS: list[Callable[[Study], Iterable[Problem]]] = [
    path_problems,
    folder_problems,
    name_problems,
    language_problems,
    corpus_problems,
    split_problems,
    option_problems,
    generator_problems,
    condition_problems,
    learner_problems,
    quality_problems,
    detector_problems,
    size_problems,
    baseline_problems,
    tokenizer_problems,
    ancestry_problems,
    hosted_generator_problems,
    judge_problems,
]


def study_problems(study: Study) -> list[Problem]:
    """Everything that is wrong with a configuration that fits the schema and has its defaults."""
    return [problem for check in _CHECKS for problem in check(study)]
