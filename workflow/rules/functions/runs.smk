# Files of runs, arguments of their trainings and comparisons.

from functools import cache


def run_path(run):
    """Folder of a row of the table of runs."""
    return f"<results>/runs/{run.learner}/{run.recipe}/{run.size}/{run.seed}"


@cache
def runs_by(*columns):
    """The rows of the table of runs by their values in ``columns``, as text: made once, for many jobs ask for a few."""
    rows = {}
    for run in STUDY.runs.itertuples():
        rows.setdefault(tuple(str(getattr(run, column)) for column in columns), []).append(run)
    return rows


def all_runs(pattern, trained=False):
    """``pattern`` for every distinct run of the study, or for those that train something."""
    distinct = STUDY.runs.drop_duplicates(["learner", "recipe", "size", "seed"])
    if trained:
        distinct = distinct[distinct["size"] > 0]
    return [f"{run_path(run)}/{pattern}" for run in distinct.itertuples()]


@asked_often
def state_folder(wildcards, output):
    """Where a training keeps what it goes on from: beside its model, or in a folder that the user names."""
    beside = Path(output.model).parent / "state"
    if TRAINING["state"] is None:
        return str(beside)
    if workflow.storage_settings.default_storage_provider is None:
        beside = beside.absolute()  # studies in other folders have folders of their own
    return str(Path(TRAINING["state"]) / beside.relative_to(beside.anchor))


@asked_often
def monitor_arguments(wildcards, output):
    """Arguments for what watches a training and does not shape it: a change makes no model stale.

    Snakemake does not compare what a function of a job's output gives.
    """
    if not (TRAINING["tensorboard"] or TRAINING["wandb"]):
        return []
    kind = {"learner": "runs", "generator": "generators", "quality": "quality"}[next(iter(wildcards.keys()))]
    folder = os.path.join(STUDY["results"], "tensorboard", kind, *wildcards)
    return [
        *(["--tensorboard", folder] if TRAINING["tensorboard"] else []),
        *(["--wandb", TRAINING["wandb"], STUDY["results"]] if TRAINING["wandb"] else []),
    ]


@asked_often
def learner_settings(wildcards):
    """What shapes a run's training besides its data."""
    return STUDY.learner_settings(wildcards.learner, wildcards.recipe, int(wildcards.size), int(wildcards.seed))


def model_path(learner, recipe, size, seed):
    """The model of a run, a file or a folder by the kind of learner."""
    name = {"fairseq": "model.pt", "local": "model", "openai": "model.json"}[STUDY["learners"][learner]["kind"]]
    return f"<results>/runs/{learner}/{recipe}/{size}/{seed}/{name}"


@asked_often
def start_model(wildcards):
    """The model that a run of an incremental schedule goes on with."""
    before = STUDY.run_before(wildcards.recipe, int(wildcards.size))
    return {"start": model_path(wildcards.learner, *before, wildcards.seed)} if before else {}


@asked_often
def start_arguments(wildcards):
    """Arguments of a run that goes on with another's model; empty for one that starts anew."""
    start = start_model(wildcards)
    if not start:
        return []
    return spelt_out(["--start", start["start"], "--skip", str(STUDY.size_before(int(wildcards.size)))])


def tuned_model(wildcards):
    """The model of a run of an LLM; none at size 0, where its base model translates."""
    return {"model": model_path(*wildcards)} if int(wildcards.size) else {}


def tuned_arguments(wildcards):
    """Arguments that name the model of a run of an LLM; empty at size 0."""
    return spelt_out(["--model", model_path(*wildcards)]) if int(wildcards.size) else []


def scorer_size(wildcards):
    """``--size`` of the training of a quality score's model."""
    pairs = STUDY["quality"][wildcards.quality]["pairs"]
    return ["--size", str(pairs)] if pairs else []


def scorer_direction(wildcards):
    """Arguments that turn the training of a reverse model round."""
    return ["--backwards"] if STUDY["quality"][wildcards.quality]["metric"] == "round_trip" else []


def compared_statistics(wildcards):
    """Statistics of every condition at one learner, size and seed, by condition."""
    runs = runs_by("learner", "size", "seed")[wildcards.learner, wildcards.size, wildcards.seed]
    return {run.condition: f"{run_path(run)}/statistics.tsv" for run in runs}


def comparison_arguments(wildcards):
    """``CONDITION=FILE`` for every condition that is compared."""
    return named_paths(compared_statistics(wildcards))


def runs_folder(wildcards, input):
    """Folder of all runs, beside their table."""
    return str(Path(input.runs).parent / "runs")


def comparisons_folder(wildcards, input):
    """Folder of all comparisons, beside the table of runs."""
    return str(Path(input.runs).parent / "comparisons")


def all_comparisons():
    """A table of paired tests for every learner, size and seed; at size 0 all conditions share a run."""
    groups = STUDY.runs[STUDY.runs["size"] > 0].drop_duplicates(["learner", "size", "seed"])
    return [f"<results>/comparisons/{run.learner}/{run.size}/{run.seed}.tsv" for run in groups.itertuples()]


def largest_runs():
    """The rows of the table of runs at each learner's largest size."""
    return STUDY.runs[STUDY.runs["size"] == STUDY.runs.groupby("learner")["size"].transform("max")]


def analysed_runs(pattern):
    """Learner, condition, size and ``pattern`` of every run whose output is analysed, one a seed."""
    return [
        (run.learner, run.condition, str(run.size), f"{run_path(run)}/{pattern}") for run in largest_runs().itertuples()
    ]


def analysed_recipes(pattern):
    """Learner, condition, size and ``pattern`` of what is analysed of the runs of all seeds together."""
    return [
        (run.learner, run.condition, str(run.size), f"<results>/runs/{run.learner}/{run.recipe}/{run.size}/{pattern}")
        for run in largest_runs().drop_duplicates(["learner", "condition"]).itertuples()
    ]


def hypotheses_of_seeds(wildcards):
    """What the models of all seeds wrote for the test set, after one recipe at one size."""
    runs = runs_by("learner", "recipe", "size")[wildcards.learner, wildcards.recipe, wildcards.size]
    return list(dict.fromkeys(f"{run_path(run)}/hypotheses.tsv" for run in runs))
