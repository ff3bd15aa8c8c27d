# What the rules share: the checked study, digests of code, wildcard constraints, input functions.

import gc
import os
import re
import shlex
import sys
from pathlib import Path

SCRIPTS = Path(workflow.basedir) / "workflow" / "scripts"
TEMPLATES = Path(workflow.basedir) / "workflow" / "report"
sys.path.insert(0, str(SCRIPTS))

from snakemake.settings.types import DeploymentMethod

from planning.asking import is_asked
from planning.code_digest import CodeDigest
from planning.configuration import ConfigurationError
from planning.finetuning import is_at_hub, is_local
from planning.runs import FAIRSEQ, dataset_recipe, recipe_of, remedied, trained_sizes
from planning.study import Study
from report.templates import template_files
from workbench.files import file_digest
from workbench.generated import HUMAN
from workbench.locks import try_lock

# All that a plan is made of lives on. While it grows, Python would look through it for garbage over and over, which takes a
# sixth of the time for 11,000 jobs. Before the first job it is switched on again.
gc.disable()

try:
    STUDY = Study(
        config,
        [str(path) for path in workflow.configfiles],
        workflow.config_settings.config,
        Path(workflow.basedir) / "workflow" / "schemas" / "config.schema.yaml",
        inputs_in_storage=workflow.storage_settings.default_storage_provider is not None,
        is_checked=not workflow.is_main_process,
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
# PYTHONSAFEPATH keeps the modules beside a script from hiding those of the standard library.
SHELL_PREFIX = f"set -euo pipefail; export PYTHONPATH={shlex.quote(str(SCRIPTS))} PYTHONSAFEPATH=1; "
if DeploymentMethod.CONDA not in workflow.deployment_settings.deployment_method:
    SHELL_PREFIX += f'export PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"; '
# glibc keeps freed memory for the next batch instead of giving it back: training takes a twelfth less time.
SHELL_PREFIX += (
    "export GLIBC_TUNABLES=${{GLIBC_TUNABLES:-"
    "glibc.malloc.mmap_threshold=33554432:glibc.malloc.trim_threshold=4294967296}}; "
)
# Before a cluster kills a job it sends SIGTERM to all of its processes: the shell waits for the script, which saves what it
# has.
SHELL_PREFIX += "trap : TERM; "
shell.prefix(SHELL_PREFIX)


# Snakemake caps no resource by itself. Where neither the command line nor a profile does, jobs on a GPU run one at a time.
# Nor does what waits for a provider take a core; each such job is a process that must not be one of a hundred.
for resource, most in {"gpu": max(STUDY.gpus, 1), "waiting": 8}.items():
    if workflow.is_main_process and resource not in workflow.global_resources:
        workflow.register_resource(resource, most)


def alternatives(names):
    """A wildcard constraint that admits ``names`` only (and nothing when there are none)."""
    return "|".join(re.escape(str(name)) for name in names) or "(?!)"


TRANSFORMERS = alternatives(STUDY.learners_of(FAIRSEQ))
LOCAL_GENERATORS = [name for name, settings in STUDY["generators"].items() if is_local(settings)]


wildcard_constraints:
    release=alternatives(RELEASES),
    generator=alternatives(STUDY["generators"]),
    learner=alternatives(STUDY["learners"]),
    # Snakemake reads a constraint anew for every file name that it writes, and recipes may be many: only build_dataset,
    # which every run comes from, spells them out.
    recipe="[^/]+",
    quality=alternatives(STUDY["quality"]),
    pair=alternatives(f"{first}--{second}" for first, second, _ in STUDY.detector_pairs),
    size=alternatives(STUDY["sizes"]),
    seed=alternatives(STUDY["seeds"]),


def hold_results_folder():
    """Keep a second Snakemake off the results; the lock ends with this process, however it ends."""
    global RESULTS_LOCK
    folder = Path(STUDY["results"])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        RESULTS_LOCK = (folder / ".lock").open("w")
        is_ours = try_lock(RESULTS_LOCK)
    except OSError as error:
        sys.exit(f"{folder}: cannot write results there: {error.strerror}")
    if not is_ours:
        sys.exit(f"{folder}: another Snakemake is working on these results; wait for it, or end it")


def demand_keys():
    """End before the first job when an LLM will be asked and its key is not in the environment.

    Where there is a journal it may hold every answer: then the job that misses the key says so.
    """
    asked = {
        "prompt_llm": ("generators", "generator"),
        "prompt_judge": ("quality", "quality"),
        "finetune_hosted": ("learners", "learner"),
        "prompt_learner": ("learners", "learner"),
    }
    jobs = [(asked[job.rule.name], job.wildcards) for job in workflow.dag.needrun_jobs() if job.rule.name in asked]
    places = {f"{section}.{wildcards[name]}" for (section, name), wildcards in jobs}
    problems = STUDY.missing_keys(sorted(places), os.environ)
    if problems and not Path(STUDY.journal).exists():
        sys.exit("\n".join(problems))
