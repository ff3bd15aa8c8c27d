# What happens before the first job.

import os
import sys
from pathlib import Path

from snakemake.logging import logger

from planning.llms import missing_keys
from workbench.files import checksum_file, damaged, is_intact
from workbench.locks import has_no_locks, open_lock_file, try_lock


def hold_results_folder():
    """Keep a second Snakemake off the results; the lock ends with this process, however it ends."""
    global RESULTS_LOCK
    folder = Path(STUDY.results)
    try:
        RESULTS_LOCK = open_lock_file(folder / ".lock")
        is_ours = try_lock(RESULTS_LOCK)
    except OSError as error:
        if (folder / ".lock").is_symlink():
            sys.exit(f"{folder}/.lock is a symbolic link, which no lock may be: remove it")
        if not has_no_locks(error):
            sys.exit(f"{folder}: cannot write results there: {error.strerror}")
        logger.warning(
            f"{folder}: the file system has no locks ({error.strerror}). Nothing keeps a second Snakemake off these "
            "results: start only one, or mount it with locks (Lustre: -o flock)."
        )
        is_ours = True
    if not is_ours:
        sys.exit(f"{folder}: another Snakemake is working on these results; wait for it, or end it")


def demand_whole_files():
    """End before the first job, whose old output Snakemake would delete, if one that is to run reads a damaged file.

    Files that are older than their checksums have not changed since; a job that reads them compares their content.
    """
    parts = [part for job in workflow.dag.needrun_jobs() for part in workflow.dag.dependencies[job].items()]
    read = {Path(file) for maker, files in parts if not workflow.dag.needrun(maker) for file in files}
    changed = [path for path in sorted(read) if path.exists() and is_newer(path, checksum_file(path))]
    problems = [str(damaged(path, "it is not what the workflow wrote")) for path in changed if not is_intact(path)]
    if problems:
        sys.exit("\n".join(problems))


def is_newer(path, checksum):
    """Whether a file, or one of a folder's files, was changed after its checksum was written."""
    files = list(path.rglob("[!.]*")) or [path]
    return checksum.exists() and max(file.stat().st_mtime_ns for file in files) > checksum.stat().st_mtime_ns


def demand_keys():
    """End before the first job if an LLM will be asked and its key is not in the environment.

    If there is a journal, it may hold every answer: then the job that misses the key reports it.
    """
    asking = ("prompt_llm", "prompt_judge", "finetune_hosted", "prompt_learner")
    jobs = [job for job in workflow.dag.needrun_jobs() if job.rule.name in asking]
    llms = {llm.key: llm for llm in (llm_of(job.wildcards) for job in jobs)}
    problems = missing_keys([llms[key] for key in sorted(llms)], os.environ)
    if problems and not Path(STUDY.journal).exists():
        sys.exit("\n".join(problems))
