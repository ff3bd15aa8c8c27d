# Functions and constants of the rules in llm.smk.

JUDGES = sorted({judge.name for judge, _ in STUDY.quality.judged})


def api_module(wildcards):
    """The provider that a job's LLM is asked at."""
    return [f"llm/providers/{llm_of(wildcards).provider}.py"]


@cache
def request_arguments(learners=True):
    """Arguments of everything that the study asks of LLMs; they are the same for every job that asks."""
    return in_file(STUDY.request_arguments(learners))


def study_requests(wildcards, input):
    """What the whole study asks of LLMs, so that its budget is checked before the first request.

    What hosted learners translate is next to the pool. It is not an input of what generators write: their text does not
    depend on who learns from it. If files are in storage, nothing is next to the pool, and learners are checked later.
    """
    if IN_STORAGE:
        return request_arguments(learners=False)
    return [*request_arguments(), "--test", str(Path(input.pool).with_name("test.tsv"))]
