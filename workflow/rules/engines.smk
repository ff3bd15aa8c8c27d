# Where Snakemake and its plugins stand in the way of long studies: each of these is a few lines on a part of theirs.

import inspect
import sys
import threading

from snakemake.common import overwrite_function_params
from snakemake.logging import logger
from snakemake.resources import Resource
from snakemake.scheduling.job_scheduler import JobScheduler


def start_jobs_as_they_come():
    """Lift Snakemake's default limit of 100 starts a second, which costs a core in long studies.

    For the limit the scheduler looks again at what it may start each second, and with every job that ends once more each
    second: after some thousand jobs it does nothing else. A limit that the user gives stays.
    """
    limit = workflow.scheduling_settings.max_jobs_per_timespan
    if limit is not None and (limit.max_jobs, limit.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None


def end_with_the_job():
    """Let a Snakemake that runs one job of a cluster end with it, instead of a second later.

    It looks again at what it may start after a second, as in `start_jobs_as_they_come`, and its process waits for that at its end.
    """

    def look_again(scheduler, delay):
        timer = threading.Timer(delay, scheduler._open_jobs.release)
        timer.daemon = True
        timer.start()

    JobScheduler._schedule_reevalutation = look_again


def keep_jobs_while_slurm_is_silent():
    """Go on asking for the state of jobs where Slurm gives no answer, as while its controller is started anew.

    The plugin for Slurm (2.8.0, issue 207) forgets the jobs then, and waits for ever.
    """
    plugin = sys.modules["snakemake_executor_plugin_slurm"]
    ask = plugin.query_job_status

    async def ask_again(command, log):
        states, seconds = await ask(command, log)
        if states is None:
            logger.warning("Slurm does not say what became of the jobs; asking again. They go on meanwhile.")
            return {}, 0.0
        return states, seconds

    plugin.query_job_status = ask_again


def look_again_for_folders():
    """Let the storage see folders that jobs write elsewhere, such as a model for CTranslate2.

    The plugin for S3 (0.3.6) keeps the answer whether something is a folder, even where there was nothing yet, or is
    nothing any more.
    """
    objects = workflow.storage_registry.default_storage_provider.get_storage_object_cls()
    exists = objects.exists

    def exists_now(self):
        self._is_dir = None
        return exists(self)

    objects.exists = exists_now


# What takes an amount that grows with the attempt is looked up several times for each job: a twentieth of a large plan.
overwrite_function_params(Resource.evaluate, inspect.signature(Resource("any", 0).evaluate).parameters)

if not workflow.is_main_process:
    end_with_the_job()
elif "snakemake_executor_plugin_slurm" in sys.modules:
    keep_jobs_while_slurm_is_silent()
if workflow.storage_settings.default_storage_provider is not None:
    look_again_for_folders()
