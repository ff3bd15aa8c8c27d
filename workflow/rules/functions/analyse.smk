# Functions and constants of the rules in analyse.smk.

# Every text of the pool is checked on the same draw of segments; a text with gaps, on those of them that it has.
ERROR_DRAW = (
    ["--segments", str(STUDY.errors.segments), "--seed", str(STUDY.corpus.seed)] if STUDY.errors.segments else []
)
ERROR_ORIGINS = [(name, f"<results>/errors/origins/{name}.tsv") for name in (HUMAN, *STUDY.generators.analysed)]
SECOND_REFERENCE = [f"<results>/errors/origins/{name}.tsv" for name in STUDY.generators.people[:1]]


def analysed_runs(file):
    """Learner, condition, size and ``file`` of every run whose output is analysed, one for each seed."""
    return [(run.learner, run.condition, str(run.size), f"{run_path(run)}/{file}") for run in largest_runs()]
