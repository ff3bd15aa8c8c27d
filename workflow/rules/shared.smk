# Shared by rules of several stages: paths and code as parameters, resources, files of runs, prompts.

import hashlib
import inspect
import json
import os
from functools import cache
from pathlib import Path

from snakemake.common import overwrite_function_params

from planning.runs import dataset_recipe
from planning.user_files import UserFiles
from workbench.files import write_text

USER_FILES = UserFiles(Path(".snakemake") / "user_files.json")
LONGEST_ARGUMENTS = 10_000  # characters of one parameter; a whole command must not have more than 128 KB
FOLDERS = {"<results>": STUDY.results, "<downloads>": STUDY.downloads}
VOCAB = {"spm": "<results>/vocab/spm.model", "dictionary": "<results>/vocab/dict.txt"}
IN_STORAGE = workflow.storage_settings.default_storage_provider is not None


def asked_often(function):
    """``function`` with its parameters cached: Snakemake inspects them several times for each job."""
    overwrite_function_params(function, inspect.signature(function).parameters)
    return function


class SpelledOut(tuple):
    """Arguments with the files where a job finds them; Snakemake compares them by the names of the files.

    It compares the ``repr`` of parameters. The place of an object's copy says nothing about the study.

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
    """Where a job finds a file: in place or, if files are in storage, where Snakemake puts the copy of an object."""
    return str(workflow.modifier.modify_path(path))


def spelled_out(arguments):
    """``arguments``, in which files are given below ``<results>`` or ``<downloads>``, with the paths of these files.

    They are spelled out rather than taken from ``input``: Snakemake does not compare parameters that are derived from a
    job's files, and a renamed condition or a file that leaves the study must be noticed.
    """
    called, found = [], []
    for argument in arguments:
        name, folder, file = next((argument.partition(f) for f in FOLDERS if f in argument), (argument, "", ""))
        path = FOLDERS[folder] + file if folder else ""
        called.append(name + path)
        found.append(name + where_found(path) if folder else name)
    return SpelledOut(found, called)


def is_given(path):
    """Whether a file is the user's own, not the study's."""
    return not path.startswith(tuple(FOLDERS))


def given(path):
    """A file as an input, whose date does not count if it is the user's own: see `contents`.

    If files are in storage, it is not here to be read, and Snakemake compares its date.
    """
    return ancient(path) if is_given(path) and not IN_STORAGE else path


def given_inputs(files):
    """`given` for each file of a job's named inputs."""
    return {name: given(path) for name, path in files.items()}


def contents(paths):
    """Digests of those of ``paths`` that are the user's own files or folders, as a parameter."""
    return [f"{path}: {USER_FILES.digest(path)}" for path in paths if is_given(path)]


def in_file(arguments):
    """``arguments``, or ``--arguments FILE`` if a study with many conditions or generators makes them long.

    Scripts read them from there: see `workbench.cli`. Snakemake compares the arguments themselves. The files stay, as
    its own records in `.snakemake` do.
    """
    text = json.dumps(arguments)
    if len(text) < LONGEST_ARGUMENTS:
        return arguments
    path = Path(".snakemake") / "arguments" / f"{hashlib.sha256(text.encode()).hexdigest()}.json"
    if not path.exists():
        write_text(path, text)
    return SpelledOut(["--arguments", str(path)], getattr(arguments, "called", arguments))


def repeated(option, entries):
    """``option`` before each of ``entries``, the values of one use of it; a file ``-x`` is not taken for an option."""
    plain = [[f"./{value}" if value.startswith("-") else value for value in values] for values in entries]
    return [argument for values in plain for argument in (option, *values)]


def file_options(files):
    """``--NAME FILE`` for each named file of a job's ``input`` or ``output``."""
    return [argument for name, file in files.items() for argument in (f"--{name.replace('_', '-')}", file)]


def input_arguments(wildcards, input):
    """``--input`` arguments that name the files that only one provider of targets or one metric reads."""
    return in_file(
        repeated("--input", [entry for entry in input.items() if entry[0] not in ("pool", "generated", "split")])
    )


def named_files(names, files):
    """``NAME=FILE`` arguments."""
    return in_file([f"{name}={file}" for name, file in zip(names, files, strict=True)])


def named_paths(paths):
    """``NAME=FILE`` arguments."""
    return in_file(spelled_out([f"{name}={path}" for name, path in paths.items()]))


def script_path(script):
    """Path of a script as a parameter."""
    return os.path.relpath(SCRIPTS / script)


def runs_script(script, *also, loads=lambda wildcards: []):
    """Path of a script and, computed when a job is planned, the digest of its code as parameters.

    Args:
        script: the script, relative to the folder of all scripts.
        also: what it loads by name.
        loads: a function that gives what it loads by name for one job only.
    """
    return {
        "script": script_path(script),
        "code": asked_often(lambda wildcards: CODE.of(script, *also, *loads(wildcards))),
    }


def grown(**amounts):
    """Amounts of memory and time as resources; each retry of a job gets that much more."""

    def of_attempt(amount):
        return asked_often(lambda wildcards, attempt: amount * attempt)

    return {name: of_attempt(amount) for name, amount in amounts.items()}


def pool_memory(amount, per_source):
    """Memory in MB: ``amount`` and ``per_source`` bytes for each source of the pool."""
    return amount + STUDY.corpus.pool * per_source // 10**6


def author_text(name):
    """The table that holds an author's targets for the pool's sources."""
    return "<results>/corpus/pool.tsv" if name == HUMAN else f"<results>/generators/{name}/generated.tsv"


def generated_text(generators):
    """The generated text of some generators."""
    return [author_text(name) for name in generators]


def llm_of(wildcards):
    """The LLM of a job, a judge's, a learner's or a generator's."""
    section = {"quality": STUDY.quality, "learner": STUDY.learners, "generator": STUDY.generators}
    kind = next(kind for kind in section if kind in wildcards.keys())
    return section[kind][wildcards[kind]].llm


def llm_settings(wildcards):
    """What shapes the answers or translations of a job's LLM besides its prompts."""
    return llm_of(wildcards).settings


def prompt_inputs(wildcards):
    """The files of an LLM's prompts, which are where Snakemake runs even if all other files are in storage."""
    return {role: ancient(local(path)) for role, path in llm_of(wildcards).prompts.items()}


def prompt_contents(wildcards):
    """Digests of the files of an LLM's prompts."""
    return contents(llm_of(wildcards).prompts.values())


def prompt_arguments(wildcards):
    """``--prompt`` for each file of an LLM's prompts: what it is, and its path."""
    return repeated("--prompt", llm_of(wildcards).prompts.items())


def dataset_file(wildcards):
    """The dataset that a run is trained on."""
    return f"<results>/datasets/{dataset_recipe(wildcards.recipe)}.tsv"


def run_path(run):
    """Folder of a run."""
    return f"<results>/runs/{run.learner}/{run.recipe}/{run.size}/{run.seed}"


@cache
def runs_by(*columns):
    """The rows of the table of runs by their values in ``columns``, as text: grouped once for many jobs."""
    rows = {}
    for run in STUDY.runs.table:
        rows.setdefault(tuple(str(getattr(run, column)) for column in columns), []).append(run)
    return rows


def detector_reports():
    """What each detector found, by pair."""
    return {pair: f"<results>/detector/{pair}/detector.json" for pair in STUDY.generators.detector_pairs}


def all_detectors(wildcards):
    """What all detectors found: a function, since there may be millions, and few plans need them."""
    return list(detector_reports().values())


@cache
def ledgers():
    """Name and ledger of every generator and judge behind an API, and of every run of a hosted learner."""
    generators = [(name, f"<results>/generators/{name}/ledger.json") for name in STUDY.generators.hosted]
    judges = [
        (judge.account(generator), f"<results>/quality/{judge.name}/judgements/{generator}.ledger.json")
        for judge, generator in STUDY.quality.judged
    ]
    runs = [
        (f"{run.learner}/{run.recipe}/{run.size}/{run.seed}{part}", f"{run_path(run)}/{file}")
        for run in STUDY.runs.distinct
        if run.learner in STUDY.hosted_learners
        for part, file in ((" tuning", "tuning.ledger.json"), ("", "ledger.json"))
        if run.size or not part
    ]
    return generators + judges + runs


@cache
def largest_runs():
    """The rows of the table of runs at each learner's largest size, which are analysed."""
    largest = {run.learner: run.size for run in sorted(STUDY.runs.table, key=lambda run: run.size)}
    return [run for run in STUDY.runs.table if run.size == largest[run.learner]]


@asked_often
def state_folder(wildcards, output):
    """Where a training keeps the state from which it resumes: next to its model, or in a folder that the user names."""
    beside = Path(output.model).parent / "state"
    if TRAINING.state is None:
        return str(beside)
    if not IN_STORAGE:
        beside = beside.absolute()  # studies in other folders have other state folders
    return str(Path(TRAINING.state) / beside.relative_to(beside.anchor))


@asked_often
def monitor_arguments(wildcards, output):
    """Arguments for what watches a training and does not shape it: a change makes no model stale.

    Snakemake does not compare what a function derives from a job's output.
    """
    if not (TRAINING.tensorboard or TRAINING.wandb):
        return []
    kind = {"learner": "runs", "generator": "generators", "quality": "quality"}[next(iter(wildcards.keys()))]
    folder = os.path.join(STUDY.results, "tensorboard", kind, *wildcards)
    return [
        *(["--tensorboard", folder] if TRAINING.tensorboard else []),
        *(["--wandb", TRAINING.wandb, STUDY.results] if TRAINING.wandb else []),
    ]


def model_path(learner, recipe, size, seed):
    """The model of a run, a file or a folder."""
    return f"<results>/runs/{learner}/{recipe}/{size}/{seed}/{STUDY.learners[learner].model_name}"


@asked_often
def start_model(wildcards):
    """The model that a run of an incremental schedule continues from."""
    before = STUDY.runs.run_before(wildcards.recipe, int(wildcards.size))
    return {"start": model_path(wildcards.learner, *before, wildcards.seed)} if before else {}


@asked_often
def start_arguments(wildcards):
    """Arguments of a run that continues from another's model; empty for one that starts from scratch."""
    start = start_model(wildcards)
    if not start:
        return []
    return spelled_out(["--start", start["start"], "--skip", str(STUDY.runs.size_before(int(wildcards.size)))])
