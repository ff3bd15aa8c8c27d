# Functions and constants of the rules in analyse.smk.

# The n-grams that models learn from take about 50 kB for a pair of targets of 20 words, more for longer texts; in MB.
DETECTOR_MEMORY = 500 + min(STUDY.detector.pairs or STUDY.corpus.pool, STUDY.corpus.pool) // 16
# Every text of the pool is checked on the same draw of segments; a text with gaps, on those of them that it has.
ERROR_DRAW = (
    ["--segments", str(STUDY.errors.segments), "--seed", str(STUDY.corpus.seed)] if STUDY.errors.segments else []
)
ERROR_ORIGINS = [(name, f"<results>/errors/origins/{name}.tsv") for name in (HUMAN, *STUDY.generators.analysed)]
SECOND_REFERENCE = [f"<results>/errors/origins/{name}.tsv" for name in STUDY.generators.people[:1]]
RESAMPLING = ["--samples", str(STUDY.errors.samples), "--resampling-seed", str(RESAMPLING_SEED)]
MEASURED_ORIGINS = [(name, f"<results>/diversity/origins/{name}.tsv") for name in STUDY.generators.analysed]


def authors(wildcards):
    """First and second author of a detector's pair, and what kind of pair it is."""
    if found := STUDY.generators.detector_pairs.get(wildcards.pair):
        return found
    example = next(iter(STUDY.generators.detector_pairs), "human--NAME")
    raise WorkflowError(
        f"{wildcards.pair}: no detector has this name. In a pair, human text comes first, then generators in the order "
        f"of the configuration, such as {example}"
    )


def detector_arguments():
    """``KIND:FIRST--SECOND=FILE`` for every pair."""
    reports, pairs = detector_reports(), STUDY.generators.detector_pairs
    return named_paths({f"{pairs[pair][2]}:{pair}": report for pair, report in reports.items()})


def error_floors(wildcards, input):
    """Arguments of the errors of human text, and of those of a second human reference if there is one."""
    second = input.get("second")
    return ["--floor", input.floor, *(["--reference-floor", *second] if second else [])]


def analysed_runs(file):
    """Learner, condition, size and ``file`` of every run whose output is analysed, one for each seed."""
    return [(run.learner, run.condition, str(run.size), f"{run_path(run)}/{file}") for run in largest_runs()]


def analysed_recipes(file):
    """Learner, condition, size and ``file`` of what is analysed of the runs of all seeds together."""
    runs = {(run.learner, run.condition): run for run in largest_runs()}.values()
    return [
        (run.learner, run.condition, str(run.size), f"<results>/runs/{run.learner}/{run.recipe}/{run.size}/{file}")
        for run in runs
    ]


def hypotheses_of_seeds(wildcards):
    """What the models of all seeds wrote for the test set, after one recipe at one size."""
    runs = runs_by("learner", "recipe", "size")[wildcards.learner, wildcards.recipe, wildcards.size]
    return list(dict.fromkeys(f"{run_path(run)}/hypotheses.tsv" for run in runs))
