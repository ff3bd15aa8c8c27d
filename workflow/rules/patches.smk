# Monkey patches of Snakemake and its plugins, which long studies need. Each says what it waits for.

import inspect
import sys
import threading

from snakemake.common import overwrite_function_params
from snakemake.logging import logger
from snakemake.resources import Resource
from snakemake.scheduling.job_scheduler import JobScheduler


def start_jobs_as_they_come():
    """Lift Snakemake's default limit of 100 job starts a second, which keeps a core busy in long studies.

    To apply the limit, the scheduler evaluates the ready jobs every second, and each job that ends starts another such
    timer: after some thousand jobs it does nothing else. A limit that the user sets stays. Not needed any more when
    Snakemake (9.27) keeps one timer.
    """
    limit = workflow.scheduling_settings.max_jobs_per_timespan
    if limit is not None and (limit.max_jobs, limit.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None


def end_with_the_job():
    """Let a Snakemake that runs one job of a cluster end with the job, instead of a second later.

    Its scheduler waits for the timer described in `start_jobs_as_they_come`. Not needed any more when Snakemake (9.27)
    makes it a daemon thread.
    """

    def evaluate_later(scheduler, delay):
        timer = threading.Timer(delay, scheduler._open_jobs.release)
        timer.daemon = True
        timer.start()

    JobScheduler._schedule_reevalutation = evaluate_later


def keep_jobs_while_slurm_is_silent():
    """Keep asking for the state of jobs if Slurm does not answer, for example while its controller restarts.

    The plugin for Slurm (2.8.0) forgets the jobs then, and waits forever. Waits for its issue 207:
    https://github.com/snakemake/snakemake-executor-plugin-slurm/issues/207
    """
    plugin = sys.modules["snakemake_executor_plugin_slurm"]
    ask = plugin.query_job_status

    async def ask_again(command, log):
        states, seconds = await ask(command, log)
        if states is None:
            logger.warning("Slurm does not report the state of the jobs; asking again. They continue to run.")
            return {}, 0.0
        return states, seconds

    plugin.query_job_status = ask_again


def look_again_for_folders():
    """Let the storage see folders that jobs write on other machines, such as a model for CTranslate2.

    The plugin for S3 (0.3.6) caches whether an object is a folder, even if it did not exist yet or no longer exists.
    Not needed any more when it caches this for existing objects only.
    """
    objects = workflow.storage_registry.default_storage_provider.get_storage_object_cls()
    exists = objects.exists

    def exists_now(self):
        self._is_dir = None
        return exists(self)

    objects.exists = exists_now


# Snakemake (9.27) inspects the parameters of an amount that grows with the attempt several times for each job, which
# takes a twentieth of a large plan. Not needed any more when it caches them.
overwrite_function_params(Resource.evaluate, inspect.signature(Resource("any", 0).evaluate).parameters)

if not workflow.is_main_process:
    end_with_the_job()
elif "snakemake_executor_plugin_slurm" in sys.modules:
    keep_jobs_while_slurm_is_silent()
if IN_STORAGE:
    look_again_for_folders()
