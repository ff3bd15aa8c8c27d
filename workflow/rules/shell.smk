# The shell and the resources that all jobs share.

import os
import shlex
import sys
from pathlib import Path

from snakemake.settings.types import DeploymentMethod

# Scripts import the shared packages next to them. They run in the Python that runs Snakemake, activated or not; if
# conda deploys the software, in that of the environment. The strict mode is Snakemake's own default.
# PYTHONSAFEPATH prevents the modules next to a script from hiding those of the standard library.
if set(str(SCRIPTS)) & {os.pathsep, "{", "}"}:
    sys.exit(f"{workflow.basedir}: no command runs in a folder with {os.pathsep!r} or braces in its path; move it")
SHELL_PREFIX = f"set -euo pipefail; export PYTHONPATH={shlex.quote(str(SCRIPTS))} PYTHONSAFEPATH=1; "
# Files get checksums beside them, see workbench/files.py. Object storage has its own, and keeps only a job's outputs.
if workflow.storage_settings.default_storage_provider is None:
    SHELL_PREFIX += "export WORKFLOW_CHECKSUMS=1; "
if DeploymentMethod.CONDA not in workflow.deployment_settings.deployment_method:
    SHELL_PREFIX += f'export PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"; '
# glibc keeps freed memory for the next batch instead of returning it: training takes a twelfth less time.
SHELL_PREFIX += (
    "export GLIBC_TUNABLES=${{GLIBC_TUNABLES:-"
    "glibc.malloc.mmap_threshold=33554432:glibc.malloc.trim_threshold=4294967296}}; "
)
# Before a cluster kills a job it sends SIGTERM to all of its processes. The shell waits for the script, which saves its
# state.
SHELL_PREFIX += "trap : TERM; "
shell.prefix(SHELL_PREFIX)


# Snakemake limits no resource by itself. Unless the command line or a profile does, jobs on a GPU run one at a time.
# Jobs that wait for a provider take no core, but each is a process, and there must not be a hundred of them.
for resource, most in {"gpu": max(TRAINING.gpus_used, 1), "waiting": 8}.items():
    if workflow.is_main_process and resource not in workflow.global_resources:
        workflow.register_resource(resource, most)
