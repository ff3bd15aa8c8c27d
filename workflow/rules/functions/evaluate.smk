# Functions and constants of the rules in evaluate.smk.

from planning.description import description
from workbench.runs import compared_groups

# sacreBLEU keeps every resample: samples x sentences x statistics (chrF has 18) x 4 bytes, in MB.
COMPARISON_MEMORY = 2000 + EVALUATION.samples * (STUDY.corpus.splits["test"] or 10000) * 18 * 4 // 10**6


def compared_statistics(wildcards):
    """Statistics of every condition at one learner, size and seed, by condition."""
    runs = runs_by("learner", "size", "seed")[wildcards.learner, wildcards.size, wildcards.seed]
    return {run.condition: f"{run_path(run)}/statistics.tsv" for run in runs}


def all_comparisons():
    """A table of paired tests for every learner, size and seed; at size 0 all conditions share a run."""
    groups = compared_groups(STUDY.runs.table)
    return [f"<results>/comparisons/{learner}/{size}/{seed}.tsv" for learner, size, seed in groups]


def folder_of(name):
    """A function that gives ``--NAME-folder``: the folder of all runs or comparisons, next to the table of runs."""
    return lambda wildcards, input: [f"--{name}-folder", str(Path(input.runs).parent / name)]


def all_runs(file, trained=False):
    """``file`` of every distinct run of the study, or of those that train something."""
    return [f"{run_path(run)}/{file}" for run in STUDY.runs.distinct if run.size or not trained]
