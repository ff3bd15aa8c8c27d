# Functions and constants of the rules in diversity.smk.

MEASURED_ORIGINS = [(name, f"<results>/diversity/origins/{name}.tsv") for name in STUDY.generators.analysed]


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
