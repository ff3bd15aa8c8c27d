"""List, end and delete the jobs, models and files that hosted fine-tuning leaves at its provider."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from llm.accounts.show import columns, moment, trained_tokens
from llm.asking.remote import Hold
from llm.calls import Failure
from llm.journal import Journal, tunings
from llm.journal.tunings import TUNINGS, Tuning, UploadedFile
from llm.prices import dollars, is_own_address
from llm.providers import open_api
from llm.providers.openai_tuning import TuningApi
from llm.providers.protocol import TuningStatus
from llm.tuning.job import hold_name
from workbench.cli import UserError, say

_HEADER = ("job", "number", "run", "state", "made from", "model", "at server", "files", "tokens", "USD", "since")
_KEY_VARIABLE = "OPENAI_API_KEY"
_address = attrgetter("base_url")


# List


async def model_lines(path: Path, key_variable: str | None, is_offline: bool) -> list[str]:
    """The jobs with their runs, models, files and costs; unless offline, with what the servers still have.

    Raises:
        UserError: the key is missing.
    """
    with Journal.open_reading(path) as journal:
        jobs = TUNINGS.rows(journal)
        if not jobs:
            return [f"{path}: no hosted model was ever fine-tuned"]
        files, runs = tunings.files(journal), tunings.runs(journal)
    there, notes = ({}, []) if is_offline else await _at_servers(jobs, key_variable)
    rows = [
        (
            *(job.name, job.id, "; ".join(runs.get(job.id, [])) or f"{job.study} {job.run}", job.state),
            *(job.model, job.tuned_model, there.get(job.id), len(_files_of([job], files)), trained_tokens(job)),
            f"{'at most ' if job.usd is None else ''}{job.charged:,.4f}",
            moment(job.created),
        )
        for job in jobs
    ]
    paid = dollars(sum(job.charged for job in jobs))
    return [*columns(_HEADER, rows), f"{len(jobs):,} jobs, {len(files):,} files that were not deleted, {paid}", *notes]


async def _at_servers(jobs: Sequence[Tuning], key_variable: str | None) -> tuple[dict[int, str], list[str]]:
    """Whether its server still has the model, or how far the job is, by job; and what could not be found out."""
    there: dict[int, str] = {}
    notes: list[str] = []
    for base_url, group in groupby(sorted(jobs, key=_address), key=_address):
        try:
            async with _tuning_at(base_url, key_variable) as api:
                for job in group:
                    if job.tuned_model and job.state == "succeeded":
                        there[job.id] = "yes" if await api.has_model(job.tuned_model) else "no"
                    elif job.remote_id and job.state in ("created", "succeeded"):
                        there[job.id] = (await api.job(job.remote_id)).word
        except Failure as failure:
            notes.append(f"not found out: {failure.message}")
    return there, notes


# Delete


async def delete(path: Path, names: Sequence[str], key_variable: str | None, is_sure: bool) -> None:
    """Delete models and files at their servers and give up their jobs, or say what would be deleted.

    Files that another job uses as well stay. Everything of a job that is under way stays, too. Without names of jobs,
    all jobs are meant, and files that were uploaded for a job that was never created.

    Raises:
        UserError: there is no such job, or a server does not delete something.
    """
    with Journal.open_reading(path) as journal:
        jobs, all_files, runs = TUNINGS.rows(journal), tunings.files(journal), tunings.runs(journal)
        chosen = [_find(journal, name) for name in names] or jobs
    busy = [job for job in chosen if job.state in ("intent", "created")]
    for job in busy:
        say(f"{job.name} is under way: it and its files stay (`tools/journal cancel` ends it)")
    going = [job for job in chosen if job not in busy]
    kept = _files_of([job for job in jobs if job not in going], all_files)
    models = [job for job in going if job.tuned_model and job.state == "succeeded"]
    files = [file for file in (_files_of(going, all_files) if names else all_files) if file not in kept]
    if not models and not files:
        say("there is nothing to delete")
        return
    if is_sure:
        await _delete(path, [*models, *files], key_variable)
        return
    for job in models:
        say(f"would delete model {job.tuned_model} at {job.base_url}")
    for file in files:
        say(f"would delete file {file.remote_id} ({file.bytes / 1e6:,.1f} MB) at {file.base_url}")
    users = sorted({run for job in models for run in runs.get(job.id, [])})
    used = f"; {len(users):,} runs have their models from here: {', '.join(users[:5])}" if users else ""
    say(f"run again with --yes to do so: whoever wants such a model again pays for it again{used}")


async def _delete(path: Path, going: Sequence[Tuning | UploadedFile], key_variable: str | None) -> None:
    with Journal(path, "", "") as journal:
        for base_url, group in groupby(sorted(going, key=_address), key=_address):
            try:
                async with _tuning_at(base_url, key_variable) as api:
                    for one in group:
                        if isinstance(one, Tuning):
                            what = f"model {one.tuned_model}"
                            was_there = await api.delete("models", one.tuned_model or "")
                            await journal.write(partial(tunings.forget, tuning=one, message="its model was deleted"))
                        else:
                            what, was_there = f"file {one.remote_id}", await api.delete("files", one.remote_id)
                            await journal.write(partial(tunings.delete_file, file=one))
                        say(f"{what} {'is deleted' if was_there else 'was not there any more'}")
            except Failure as failure:
                raise UserError(f"{failure.message}; the journal records what was deleted before that") from failure


# Cancel


async def cancel(path: Path, names: Sequence[str], key_variable: str | None) -> None:
    """End jobs at their provider; the run that follows a job records its cost, or this does if there is none.

    Raises:
        UserError: there is no such job, it is not under way, or the provider does not end it.
    """
    with Journal.open_reading(path) as journal:
        jobs = [_find(journal, name) for name in names]
    for job in jobs:
        if job.remote_id is None or job.state != "created":
            raise UserError(f"{path}: job {job.name} is {job.state} and cannot be cancelled")
        try:
            async with _tuning_at(job.base_url, key_variable) as api:
                state = await api.cancel(job.remote_id)
        except Failure as failure:
            raise UserError(f"{job.name}: {failure.message}") from failure
        say(f"{job.name} is {state.word} at the provider")
        hold = Hold.take(path, hold_name(job.key))
        if hold is None:
            continue
        try:
            if state.status is not TuningStatus.RUNNING:
                with Journal(path, job.study, job.generator) as journal:
                    await journal.write(partial(tunings.end, tuning=job, remote=state, checkpoints=[]))
        finally:
            hold.drop()


def _find(journal: Journal, name: str) -> Tuning:
    tuning = TUNINGS.named(journal, name)
    if tuning is None:
        raise UserError(f"{journal.path}: there is no fine-tuning job {name!r}: `tools/journal models` lists them")
    return tuning


def _files_of(jobs: Sequence[Tuning], files: Sequence[UploadedFile]) -> list[UploadedFile]:
    """The files of jobs that were not deleted."""
    names = {(job.base_url, name) for job in jobs for name in (job.training_file, job.validation_file)}
    return [file for file in files if (file.base_url, file.remote_id) in names]


@asynccontextmanager
async def _tuning_at(base_url: str, key_variable: str | None) -> AsyncIterator[TuningApi]:
    """The fine-tuning at an address.

    Raises:
        UserError: the key is missing.
    """
    if key_variable and not os.environ.get(key_variable):
        raise UserError(
            "the environment variable that --api-key-env names is not set: it must hold the API key (what was given "
            "is not repeated here, as it may be a key)"
        )
    variable = key_variable or (_KEY_VARIABLE if is_own_address("openai", base_url) else None)
    settings = {"provider": "openai", "model": "", "base_url": base_url, "timeout": 60, "concurrency": 1}
    api = open_api({**settings, "api_key_env": variable})
    try:
        yield api.tuning
    finally:
        await api.close()
