# What the rules share: the checked study, digests of code, wildcard constraints, input functions.

import fcntl
import os
import re
import shlex
import sys
from pathlib import Path

SCRIPTS = Path(workflow.basedir) / "workflow" / "scripts"
TEMPLATE = Path(workflow.basedir) / "workflow" / "report" / "report.html.j2"
sys.path.insert(0, str(SCRIPTS))

from snakemake.settings.types import DeploymentMethod

from planning.asking import is_asked
from planning.code import CodeDigest
from planning.configuration import ConfigurationError
from planning.runs import recipe_of
from planning.study import Study
from workbench.files import file_digest
from workbench.generated import HUMAN

try:
    STUDY = Study(
        config,
        [str(path) for path in workflow.configfiles],
        workflow.config_settings.config,
        Path(workflow.basedir) / "workflow" / "schemas" / "config.schema.yaml",
    )
    RELEASES = STUDY.releases
except ConfigurationError as error:
    sys.exit(str(error))

CODE = CodeDigest(SCRIPTS)
ASKED = [name for name, settings in STUDY["generators"].items() if is_asked(settings)]
TRAINING = STUDY["training"]
BASELINE_RECIPE = recipe_of(STUDY["conditions"][STUDY["evaluation"]["baseline"]])
LANGUAGES = [STUDY["languages"]["source"], STUDY["languages"]["target"]]
METRICS = STUDY["evaluation"]["metrics"]
METRIC_ARGUMENTS = STUDY.metric_arguments(METRICS)
RESAMPLING_SEED = 1
# sacreBLEU keeps every resample: samples x sentences x statistics (chrF has 18) x 4 bytes, in MB.
COMPARISON_MEMORY = 2000 + STUDY["evaluation"]["samples"] * (STUDY["splits"]["test"] or 10000) * 18 * 4 // 10**6
# The fairseq user module is found by fairseq, not imported by a script.
FAIRSEQ_MODULE = sorted(str(path.relative_to(SCRIPTS)) for path in SCRIPTS.glob("train/fairseq_fast/*.py"))

# Scripts import the shared packages beside them and run in the Python that runs Snakemake, activated or not; where conda
# deploys the software, in the environment's. The strict mode is Snakemake's own default.
SHELL_PREFIX = f"set -euo pipefail; export PYTHONPATH={shlex.quote(str(SCRIPTS))}; "
if DeploymentMethod.CONDA not in workflow.deployment_settings.deployment_method:
    SHELL_PREFIX += f'export PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"; '
# glibc keeps freed memory for the next batch instead of giving it back: training takes a twelfth less time.
SHELL_PREFIX += (
    "export GLIBC_TUNABLES=${{GLIBC_TUNABLES:-"
    "glibc.malloc.mmap_threshold=33554432:glibc.malloc.trim_threshold=4294967296}}; "
)
shell.prefix(SHELL_PREFIX)


def alternatives(names):
    """A wildcard constraint that admits ``names`` only (and nothing when there are none)."""
    return "|".join(re.escape(str(name)) for name in names) or "(?!)"


wildcard_constraints:
    release=alternatives(RELEASES),
    generator=alternatives(STUDY["generators"]),
    learner=alternatives(STUDY["learners"]),
    recipe=alternatives(STUDY.recipes),
    size=alternatives(STUDY["sizes"]),
    seed=alternatives(STUDY["seeds"]),


def hold_results_folder():
    """Keep a second Snakemake off the results; the lock ends with this process, however it ends."""
    global RESULTS_LOCK
    folder = Path(STUDY["results"])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        RESULTS_LOCK = (folder / ".lock").open("w")
        fcntl.flock(RESULTS_LOCK, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"{folder}: another Snakemake is working on these results; wait for it, or end it")
    except OSError as error:
        sys.exit(f"{folder}: cannot write results there: {error.strerror}")


def demand_keys():
    """End before the first job when an LLM will be asked and its key is not in the environment.

    Where there is a journal it may hold every answer: then the job that misses the key says so.
    """
    jobs = [job for job in workflow.dag.needrun_jobs() if job.rule.name == "prompt_llm"]
    problems = STUDY.missing_keys([job.wildcards.generator for job in jobs], os.environ)
    if problems and not Path(STUDY.journal).exists():
        sys.exit("\n".join(problems))


def run_path(run):
    """Folder of a row of the table of runs."""
    return f"<results>/runs/{run.learner}/{run.recipe}/{run.size}/{run.seed}"


def get_final_output():
    """The files that the default target asks for."""
    return [
        "<results>/scores.tsv",
        "<results>/summary.tsv",
        "<results>/significance.tsv",
        "<results>/figures/learning_curve.svg",
        "<results>/figures/learning_curve.png",
        "<results>/figures/conditions.svg",
        "<results>/figures/conditions.png",
        "<results>/report/index.html",
        "<results>/answer.txt",
    ]


def all_runs(pattern):
    """``pattern`` for every distinct run of the study."""
    distinct = STUDY.runs.drop_duplicates(["learner", "recipe", "size", "seed"])
    return [f"{run_path(run)}/{pattern}" for run in distinct.itertuples()]


def runs_script(script, *also):
    """Path of a script, and the digest of its code and of ``also``, which it loads by name, as parameters of its jobs."""
    return {"script": os.path.relpath(SCRIPTS / script), "code": CODE.of(script, *also)}


def state_folder(wildcards, output):
    """Where a training keeps what it goes on from, beside its model."""
    return str(Path(output.model).parent / "state")


def get_provider_inputs(wildcards):
    """The files that a generator's provider reads."""
    return STUDY.provider_inputs(wildcards.generator)


def provider_code(wildcards):
    """Digest of what writes a generator's targets: the script and the one provider it loads by name."""
    provider = STUDY["generators"][wildcards.generator]["provider"]
    return CODE.of("generate/generate_targets.py", f"generate/providers/{provider}.py")


def api_code(wildcards):
    """Digest of what asks for a generator's text: the script and the one provider that it loads by name."""
    provider = STUDY["generators"][wildcards.generator]["provider"]
    return CODE.of("generate/prompt_llm.py", f"llm/apis/{provider}.py")


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
    runs = STUDY.runs
    here = runs[
        (runs.learner == wildcards.learner) & (runs["size"] == int(wildcards.size)) & (runs.seed == int(wildcards.seed))
    ]
    return {run.condition: f"{run_path(run)}/statistics.tsv" for run in here.itertuples()}


def comparison_arguments(wildcards):
    """``CONDITION=FILE`` for every condition that is compared.

    Paths are spelt out rather than taken from ``input``: Snakemake does not compare parameters that are derived from a
    job's files, and a renamed condition must be seen.
    """
    paths = compared_statistics(wildcards)
    return [f"{name}={path.replace('<results>', STUDY['results'])}" for name, path in paths.items()]


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
    return [argument for part, files in STUDY.corpus_files.items() for argument in ("--part", part, *files)]


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
    folder = f"{STUDY['results']}/corpus"
    sizes = STUDY["splits"].items()
    return [
        argument for name, size in sizes for argument in ("--split", name, str(size or "all"), f"{folder}/{name}.tsv")
    ]
