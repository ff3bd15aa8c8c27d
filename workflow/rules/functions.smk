# What rules ask for: files of runs, arguments of scripts.

import inspect
from functools import cache


def asked_often(function):
    """``function``, its arguments looked up once: Snakemake looks them up several times for each job."""
    function.__signature__ = inspect.signature(function)
    return function


class SpeltOut(tuple):
    """Arguments with files where a job finds them, which Snakemake compares by what the files are called.

    It compares the ``repr`` of parameters. Where the copy of an object in storage lies says nothing of the study.

    Args:
        found: the arguments, for the command.
        called: the same with the files by their names, for the comparison.
    """

    def __new__(cls, found, called):
        arguments = super().__new__(cls, found)
        arguments.called = list(called)
        return arguments

    def __repr__(self):
        return repr(self.called)


def where_found(path):
    """Where a job finds a file: in place or, if files lie in storage, where Snakemake puts the copy of an object."""
    return str(workflow.modifier.modify_path(path))


def spelt_out(arguments):
    """``arguments``, in which files are given below ``<results>``, with the paths of these files.

    They are spelt out rather than taken from ``input``: Snakemake does not compare parameters that are derived from a
    job's files, and a renamed condition or a file that leaves the study must be seen.
    """
    called = [argument.replace("<results>", STUDY["results"]) for argument in arguments]
    parts = [argument.partition("<results>") for argument in arguments]
    found = [f"{name}{where_found(STUDY['results'] + file)}" if mark else name for name, mark, file in parts]
    return SpeltOut(found, called)


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


def get_final_output():
    """The files that the default target asks for."""
    figures = report_figures().values()
    return [
        "<results>/scores.tsv",
        "<results>/summary.tsv",
        "<results>/significance.tsv",
        *report_tables().values(),
        *figures,
        *(svg.replace(".svg", ".png") for svg in figures),
        "<results>/report/index.html",
        "<results>/answer.txt",
    ]


def all_runs(pattern):
    """``pattern`` for every distinct run of the study."""
    distinct = STUDY.runs.drop_duplicates(["learner", "recipe", "size", "seed"])
    return [f"{run_path(run)}/{pattern}" for run in distinct.itertuples()]


def runs_script(script, *also):
    """Path of a script, and the digest of its code and of ``also``, which it loads by name, as parameters of its jobs."""
    # Snakemake compares text, in the process that plans. One that runs a job of a cluster needs the digest of that job only.
    digest = CODE.of if workflow.is_main_process else CODE.later
    return {"script": os.path.relpath(SCRIPTS / script), "code": digest(script, *also)}


def grown(amount):
    """An amount of memory or time of which a job gets more each time that it is tried again."""
    return asked_often(lambda wildcards, attempt: amount * attempt)


def pool_memory(amount, per_source):
    """An amount of memory in MB and some bytes for each source of the pool."""
    return amount + STUDY["splits"]["pool"] * per_source // 10**6


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


@asked_often
def start_checkpoint(wildcards):
    """The model that a run of an incremental schedule goes on with."""
    before = STUDY.run_before(wildcards.recipe, int(wildcards.size))
    if before is None:
        return {}
    recipe, size = before
    return {"start": f"<results>/runs/{wildcards.learner}/{recipe}/{size}/{wildcards.seed}/model.pt"}


@asked_often
def start_arguments(wildcards):
    """Arguments of a run that goes on with another's model; empty for one that starts anew."""
    before = STUDY.run_before(wildcards.recipe, int(wildcards.size))
    if before is None:
        return []
    return spelt_out(["--start", start_checkpoint(wildcards)["start"], "--skip", str(before[1])])


def scorer_size(wildcards):
    """``--size`` of the training of a quality score's model."""
    pairs = STUDY["quality"][wildcards.quality]["pairs"]
    return ["--size", str(pairs)] if pairs else []


def scorer_direction(wildcards):
    """Arguments that turn the training of a reverse model round."""
    return ["--backwards"] if STUDY["quality"][wildcards.quality]["metric"] == "round_trip" else []


def rank_files(wildcards):
    """The tables of ranks that a dataset is ordered by."""
    return [path for _, path in STUDY.rank_tables(wildcards.recipe)]


def rank_arguments(wildcards):
    """``--ranks`` arguments: an origin and the table of its ranks."""
    ranks = STUDY.rank_tables(wildcards.recipe)
    return spelt_out([argument for origin, path in ranks for argument in ("--ranks", origin, path)])


def get_provider_inputs(wildcards):
    """The files that a generator's provider reads."""
    return STUDY.provider_inputs(wildcards.generator)


def provider_code(wildcards):
    """Digest of what writes a generator's targets: the script and the one provider it loads by name."""
    provider = STUDY["generators"][wildcards.generator]["provider"]
    return CODE.of("generate/generate_targets.py", f"generate/providers/{provider}.py")


def provider_arguments(wildcards, input):
    """``--input`` arguments that name the provider's files."""
    names = STUDY.provider_inputs(wildcards.generator)
    return [argument for name in names for argument in ("--input", name, input[name])]


def recipe_origins(recipe):
    """Whose generated text a recipe's dataset is built from, those included that stand in for others."""
    return sorted({*STUDY.synthetic_origins(recipe), *STUDY.fallbacks(recipe).values()} - {HUMAN})


def generated_text(generators):
    """The generated text of some generators."""
    return [f"<results>/generators/{generator}/generated.tsv" for generator in generators]


def generated_arguments(wildcards, input):
    """``--generated`` arguments that name the generated text of each origin in a recipe."""
    pairs = zip(recipe_origins(wildcards.recipe), input.generated, strict=True)
    return [argument for origin, path in pairs for argument in ("--generated", origin, path)]


def gapped_arguments(wildcards, input):
    """``--gapped`` arguments that name the generated text that may leave sources out."""
    pairs = zip(STUDY.gapped_generators, input.gapped, strict=True)
    return [argument for name, path in pairs for argument in ("--gapped", name, path)]


def fallback_arguments(wildcards):
    """``--fallback`` arguments of a recipe: a generator and the origin that stands in for it."""
    return [argument for pair in STUDY.fallbacks(wildcards.recipe).items() for argument in ("--fallback", *pair)]


def generator_gpus(wildcards):
    """GPUs that writing a generator's targets takes."""
    local = STUDY["generators"][wildcards.generator]["provider"] == "fairseq"
    return min(STUDY.gpus, 1) if local else 0


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
    """A table of paired tests for every learner, size and seed."""
    groups = STUDY.runs.drop_duplicates(["learner", "size", "seed"])
    return [f"<results>/comparisons/{run.learner}/{run.size}/{run.seed}.tsv" for run in groups.itertuples()]


def named_files(names, files):
    """``NAME=FILE`` arguments."""
    return [f"{name}={file}" for name, file in zip(names, files, strict=True)]


def corpus_file_arguments():
    """``--part`` arguments of the user's own text."""
    parts = STUDY.corpus_files.items()
    found = [argument for part, files in parts for argument in ("--part", part, *map(where_found, files))]
    return SpeltOut(found, [argument for part, files in parts for argument in ("--part", part, *files)])


def release_hashes(wildcards):
    """``--sha256`` arguments of a pinned release."""
    return [argument for digest in RELEASES[wildcards.release].sha256 for argument in ("--sha256", digest)]


def release_requirement(wildcards):
    """What pip calls a pinned release."""
    release = RELEASES[wildcards.release]
    return f"{release.name}=={release.version}"


def mtdata_arguments():
    """Arguments that name the mtdata ids of each part; empty for another kind of corpus."""
    parts = STUDY["corpus"].get("mtdata", {})
    return [argument for part, ids in parts.items() for argument in (f"--{part}", *ids)]


def cleaning_arguments():
    """The cleaning section as arguments of the same names; what is null is left out."""
    return [
        argument
        for name, value in STUDY["corpus"]["cleaning"].items()
        if value is not None
        for argument in (f"--{name.replace('_', '-')}", str(value))
    ]


def split_arguments():
    """``--split`` arguments: name, size (``all`` of a given part) and file of every split."""
    sizes = STUDY["splits"].items()
    return spelt_out(
        [
            argument
            for name, size in sizes
            for argument in ("--split", name, str(size or "all"), f"<results>/corpus/{name}.tsv")
        ]
    )


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


def measured_arguments(option, texts):
    """An ``option`` for each of ``texts``."""
    return spelt_out([argument for *names, table in texts for argument in (option, *names, table)])


def quality_code(wildcards):
    """Digest of what computes a quality score: the script and the one metric that it loads by name."""
    metric = STUDY["quality"][wildcards.quality]["metric"]
    return CODE.of("curate/score_quality.py", f"curate/quality/{metric}.py")


def agreement_code():
    """Digest of what compares quality scores: the script and every metric in use, whose directions it reads."""
    metrics = {STUDY["quality"][quality]["metric"] for quality, _ in STUDY.quality_pairs}
    return CODE.of("curate/compare_quality.py", *(f"curate/quality/{metric}.py" for metric in sorted(metrics)))


def quality_arguments(wildcards, input):
    """``--input`` arguments that name the files a metric reads."""
    names = STUDY.quality_inputs(wildcards.quality, wildcards.generator)
    return [argument for name in names for argument in ("--input", name, input[name])]


def quality_gpus(wildcards):
    """GPUs that computing a quality score takes: those with a model one, the others none."""
    with_model = {"round_trip", "learner_fit", "comet_qe", "labse"}
    return min(STUDY.gpus, 1) if STUDY["quality"][wildcards.quality]["metric"] in with_model else 0


def scored_generators():
    """The generators that some score is computed for, each once, in the order of the scores."""
    return list(dict.fromkeys(generator for _, generator in STUDY.quality_pairs))


def author_text(name):
    """The table that holds an author's targets for the pool's sources."""
    return "<results>/corpus/pool.tsv" if name == HUMAN else f"<results>/generators/{name}/generated.tsv"


def detector_arguments():
    """``KIND:FIRST--SECOND=FILE`` for every pair."""
    return spelt_out(
        [f"{kind}:{pair}=<results>/detector/{pair}/detector.json" for pair, (_, _, kind) in DETECTOR_PAIRS.items()]
    )


def page_template(name):
    """Path of a page's template and the digests of it and of the parts it is made of, as parameters."""
    template = TEMPLATES / name
    return {
        "template": os.path.relpath(template),
        "template_digest": [file_digest(path) for path in template_files(template)],
    }


def detector_reports():
    """What each detector found, by pair."""
    return {
        f"{first}--{second}": f"<results>/detector/{first}--{second}/detector.json"
        for first, second, _ in STUDY.detector_pairs
    }


def analysis_tables():
    """The tables of the analysis, which needs no training of a learner, by what they are."""
    tables = {}
    if STUDY.analysed_generators:
        tables |= {"errors_pool": "<results>/errors/pool.tsv", "diversity_pool": "<results>/diversity/pool.tsv"}
    if STUDY.detector_pairs:
        tables |= {
            "detector_pairs": "<results>/detector/pairs.tsv",
            "post_editing": "<results>/detector/post_editing.tsv",
        }
    if STUDY.quality_pairs:
        tables["agreement"] = "<results>/quality/agreement.tsv"
    return tables


def analysis_figures():
    """The figures of the analysis, SVG, by what they show."""
    drawn = {
        "errors_pool": "errors_pool",
        "diversity_pool": "diversity_pool",
        "detector_pairs": "detector",
        "agreement": "agreement",
    }
    names = [drawn[table] for table in analysis_tables() if table in drawn]
    return {name: f"<results>/figures/{name}.svg" for name in names}


def report_tables():
    """What the page tells besides the scores, by what it is."""
    relations = ("contrasts", "remedies", "curves", "exchange")
    measured = {f"{name}_test": f"<results>/{name}/test.tsv" for name in ("errors", "diversity")}
    return analysis_tables() | measured | {name: f"<results>/{name}.tsv" for name in relations}


def report_figures():
    """The figures of the page, SVG, by what they show."""
    names = ["learning_curve", "conditions", "errors_test", "diversity_test"]
    if remedied(STUDY["conditions"]):
        names.append("remedies")
    return {name: f"<results>/figures/{name}.svg" for name in names} | analysis_figures()


def analysis_output():
    """The files that the target `analysis` asks for."""
    pictures = [svg.replace(".svg", ".png") for svg in analysis_figures().values()]
    return [
        *analysis_tables().values(),
        *analysis_figures().values(),
        *pictures,
        "<results>/analysis/index.html",
        "<results>/analysis.txt",
    ]


def named_paths(paths):
    """``NAME=FILE`` arguments."""
    return spelt_out([f"{name}={path}" for name, path in paths.items()])


def api_code(wildcards):
    """Digest of what asks for a generator's text: the script and the one provider that it loads by name."""
    provider = STUDY["generators"][wildcards.generator]["provider"]
    return CODE.of("generate/prompt_llm.py", f"llm/apis/{provider}.py")


def judge_code(wildcards):
    """Digest of what asks for a judge's scores: the script and the one provider that it loads by name."""
    provider = STUDY["quality"][wildcards.quality]["provider"]
    return CODE.of("curate/prompt_judge.py", f"llm/apis/{provider}.py")


def prompt_inputs(files):
    """The files of an LLM's requests, which lie where Snakemake runs even if all else lies in storage."""
    return {role: local(path) for role, path in files.items()}


def prompt_arguments(files):
    """``--prompt`` arguments: what each file of an LLM's requests is, and its path."""
    return [argument for role, path in files.items() for argument in ("--prompt", role, path)]


def ledgers():
    """Name and ledger of every generator and judge behind an API."""
    generators = [(name, f"<results>/generators/{name}/ledger.json") for name in STUDY.asked_generators]
    judges = [
        (f"{quality} of {generator}", f"<results>/quality/{quality}/judgements/{generator}.ledger.json")
        for quality, generator in STUDY.judges
    ]
    return generators + judges
