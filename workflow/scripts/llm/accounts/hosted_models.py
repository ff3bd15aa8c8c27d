"""List and delete the models and files that hosted fine-tuning leaves at its provider.

    python -m llm.accounts.hosted_models JOURNAL                   jobs, their models and files, what they cost
    python -m llm.accounts.hosted_models JOURNAL --delete          what would be deleted; with --yes it is
    python -m llm.accounts.hosted_models JOURNAL --cancel JOB      end a job at the provider
    python -m llm.accounts.hosted_models JOURNAL --forget JOB      give a job up; a rerun creates and pays a new one

To be started in ``workflow/scripts``. JOB is the provider's name of the job, or its number in the list; several may be
named. Deleting takes all models and files of the journal, or those of ``--job JOB``. Servers are asked with the key in
``--api-key-env`` (OPENAI_API_KEY; none is sent elsewhere unless it is named); ``--offline`` asks nobody.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from llm.accounts.journal_tool import moment, table
from llm.asking.hold import Hold
from llm.calls import Failure
from llm.journal import Journal
from llm.journal import tunings as records
from llm.journal.tunings import Tuning, UploadedFile
from llm.prices import dollars, is_own_address
from llm.providers import open_api, tuning_of
from llm.providers.api import Api
from llm.providers.openai_tuning import TuningApi
from llm.providers.protocol import TuningStatus
from llm.tuning.job import hold_name
from workbench.cli import UserError, run_script, say, script_parser

_HEADER = ("job", "number", "run", "state", "made from", "model", "at server", "files", "tokens", "USD", "since")
_KEY_VARIABLE = "OPENAI_API_KEY"


class Found(NamedTuple):
    """What a journal knows: jobs, files that were not deleted, and by job the runs that use it."""

    tunings: list[Tuning]
    files: list[UploadedFile]
    runs: dict[int, list[str]]


def main(arguments: argparse.Namespace) -> None:
    """Do what the command line asks for."""
    with Journal.open_reading(arguments.journal) as journal:
        found = read(journal)
        chosen = [pick(journal, name) for name in arguments.job or ()]
        ending = [pick(journal, name) for name in arguments.cancel or ()]
        giving_up = [pick(journal, name) for name in arguments.forget or ()]
    if giving_up:
        for tuning in giving_up:
            forget(arguments.journal, tuning, arguments.yes)
    elif ending:
        asyncio.run(cancel(arguments, ending))
    elif arguments.delete:
        asyncio.run(delete(arguments, found, chosen or found.tunings))
    elif not found.tunings:
        print(f"{arguments.journal}: no hosted model was ever fine-tuned")
    else:
        for line in asyncio.run(show(arguments, found)):
            print(line)


def read(journal: Journal) -> Found:
    """What the journal knows."""
    if not records.has_tunings(journal):
        return Found([], [], {})
    return Found(records.everything(journal), records.files(journal), records.runs(journal))


def pick(journal: Journal, name: str) -> Tuning:
    """The job of this name.

    Raises:
        UserError: there is none.
    """
    tuning = records.find(journal, name)
    if tuning is None:
        raise UserError(f"{journal.path}: there is no fine-tuning job {name!r}: the command without it lists them")
    return tuning


# List


async def show(arguments: argparse.Namespace, found: Found) -> list[str]:
    """The jobs as lines of text; the servers tell what they still have."""
    there, notes = ({}, []) if arguments.offline else await at_servers(arguments, found)
    rows = []
    for tuning in found.tunings:
        files = sum(1 for file in files_of(tuning, found.files))
        usd = tuning.worst_usd if tuning.usd is None else tuning.usd
        rows.append(
            (
                tuning.name,
                tuning.id,
                "; ".join(found.runs.get(tuning.id, [])) or f"{tuning.study} {tuning.run}",
                tuning.state,
                tuning.model,
                tuning.tuned_model or "",
                there.get(tuning.id, ""),
                files,
                "" if tuning.trained_tokens is None else f"{tuning.trained_tokens:,}",
                f"{'at most ' if tuning.usd is None else ''}{usd:,.4f}",
                moment(tuning.created),
            )
        )
    paid = sum(tuning.worst_usd if tuning.usd is None else tuning.usd for tuning in found.tunings)
    end = f"{len(found.tunings):,} jobs, {len(found.files):,} files that were not deleted, {dollars(paid)}"
    return [*table(_HEADER, rows), end, *notes]


async def at_servers(arguments: argparse.Namespace, found: Found) -> tuple[dict[int, str], list[str]]:
    """By job whether its server still has the model, and what could not be found out."""
    there: dict[int, str] = {}
    notes: list[str] = []
    for base_url, tunings in by_server(found.tunings).items():
        api = connect(arguments, base_url)
        try:
            for tuning in tunings:
                if tuning.tuned_model and tuning.state == "succeeded":
                    there[tuning.id] = "yes" if await tuning_of(api).has_model(tuning.tuned_model) else "no"
                elif tuning.remote_id and tuning.state in ("created", "succeeded"):
                    there[tuning.id] = (await tuning_of(api).job(tuning.remote_id)).word
        except Failure as failure:
            notes.append(f"not found out: {failure.message}")
        finally:
            await api.close()
    return there, notes


def by_server(tunings: Sequence[Tuning]) -> dict[str, list[Tuning]]:
    """Jobs by where they are."""
    found: dict[str, list[Tuning]] = {}
    for tuning in tunings:
        found.setdefault(tuning.base_url, []).append(tuning)
    return found


def files_of(tuning: Tuning, files: Sequence[UploadedFile]) -> list[UploadedFile]:
    """The files of a job that were not deleted."""
    names = (tuning.training_file, tuning.validation_file)
    return [file for file in files if file.base_url == tuning.base_url and file.remote_id in names]


def connect(arguments: argparse.Namespace, base_url: str) -> Api:
    """The API at an address; without a key where none is named for a server that is not OpenAI's.

    Raises:
        UserError: the key is missing.
    """
    variable = arguments.api_key_env or (_KEY_VARIABLE if is_own_address("openai", base_url) else None)
    settings = {"provider": "openai", "model": "", "base_url": base_url, "timeout": 60, "concurrency": 1}
    return open_api({**settings, "api_key_env": variable})


# Delete


async def delete(arguments: argparse.Namespace, found: Found, tunings: Sequence[Tuning]) -> None:
    """Delete models and files at their servers, and give their jobs up; without ``--yes`` say what would go.

    A file that a job outside ``tunings`` uses, too, stays. So does everything of a job that is under way.
    """
    busy = [tuning for tuning in tunings if tuning.state in ("intent", "created")]
    for tuning in busy:
        say(f"{tuning.name} is under way: it and its files stay (--cancel ends it)")
    going = [tuning for tuning in tunings if tuning not in busy]
    kept = {file.id for tuning in found.tunings if tuning not in going for file in files_of(tuning, found.files)}
    models = [tuning for tuning in going if tuning.tuned_model and tuning.state == "succeeded"]
    # Without --job also what was uploaded for a job that was never created.
    concerned = _files_of_all(going, found.files) if arguments.job else found.files
    files = [file for file in concerned if file.id not in kept]
    if not models and not files:
        say("there is nothing to delete")
        return
    users = sorted({run for tuning in models for run in found.runs.get(tuning.id, [])})
    if not arguments.yes:
        for tuning in models:
            say(f"would delete model {tuning.tuned_model} at {tuning.base_url}")
        for file in files:
            say(f"would delete file {file.remote_id} ({file.bytes / 1e6:,.1f} MB) at {file.base_url}")
        used = f"; {len(users):,} runs have their models from here: {', '.join(users[:5])}" if users else ""
        say(f"run again with --yes to do so: whoever wants such a model again pays for it again{used}")
        return
    servers = {one.base_url for one in [*models, *files]}
    with Journal(arguments.journal, "", "") as journal:
        for base_url in sorted(servers):
            api = connect(arguments, base_url)
            try:
                for tuning in models:
                    if tuning.base_url == base_url:
                        await _delete_model(journal, tuning_of(api), tuning)
                for file in files:
                    if file.base_url == base_url:
                        await _delete_file(journal, tuning_of(api), file)
            except Failure as failure:
                raise UserError(f"{failure.message}; what was deleted before is so in the journal, too") from failure
            finally:
                await api.close()


def _files_of_all(tunings: Sequence[Tuning], files: Sequence[UploadedFile]) -> list[UploadedFile]:
    ids = {file.id for tuning in tunings for file in files_of(tuning, files)}
    return [file for file in files if file.id in ids]


async def _delete_model(journal: Journal, api: TuningApi, tuning: Tuning) -> None:
    was_there = await api.delete_model(tuning.tuned_model or "")
    await journal.write(partial(records.forget, tuning=tuning, message="its model was deleted"))
    say(f"model {tuning.tuned_model} {'is deleted' if was_there else 'was not there any more'}")


async def _delete_file(journal: Journal, api: TuningApi, file: UploadedFile) -> None:
    was_there = await api.delete_file(file.remote_id)
    await journal.write(partial(records.delete_file, file=file))
    say(f"file {file.remote_id} {'is deleted' if was_there else 'was not there any more'}")


# Cancel and forget


async def cancel(arguments: argparse.Namespace, tunings: Sequence[Tuning]) -> None:
    """End jobs at the provider; what that costs is written down by the run that follows them, or here.

    Raises:
        UserError: a job is not under way, or the provider does not end it.
    """
    for tuning in tunings:
        if tuning.remote_id is None or tuning.state != "created":
            raise UserError(f"{arguments.journal}: job {tuning.name} is {tuning.state} and cannot be cancelled")
        api = connect(arguments, tuning.base_url)
        try:
            state = await tuning_of(api).cancel(tuning.remote_id)
        except Failure as failure:
            raise UserError(f"{tuning.name}: {failure.message}") from failure
        finally:
            await api.close()
        say(f"{tuning.name} is {state.word} at the provider")
        hold = Hold.take(arguments.journal, hold_name(tuning.key))
        if hold is None:
            continue
        try:
            if state.status is not TuningStatus.RUNNING:
                with Journal(arguments.journal, tuning.study, tuning.generator) as journal:
                    await journal.write(partial(records.end, tuning=tuning, remote=state, checkpoints=[]))
        finally:
            hold.drop()


def forget(path: Path, tuning: Tuning, is_sure: bool) -> None:
    """Give a job up for good.

    Raises:
        UserError: it is done with already, or a process works on it.
    """
    if tuning.state not in records.LIVE:
        raise UserError(f"{path}: job {tuning.name} cannot be given up: it is {tuning.state}")
    hold = Hold.take(path, hold_name(tuning.key))
    if hold is None:
        raise UserError(f"{path}: a process works on job {tuning.name}: end that first")
    try:
        what = f"job {tuning.name} of {tuning.study} {tuning.run} ({tuning.state})"
        usd = tuning.worst_usd if tuning.usd is None else tuning.usd
        if not is_sure:
            say(
                f"{what} would be given up; {dollars(usd)} stay counted as spent, and a rerun creates and pays a new "
                "job; add --yes to do it"
            )
            return
        with Journal(path, tuning.study, tuning.generator) as journal:
            asyncio.run(_forget(journal, tuning))
        say(f"{what} is given up; {dollars(usd)} stay counted as spent")
    finally:
        hold.drop()


async def _forget(journal: Journal, tuning: Tuning) -> None:
    await journal.write(partial(records.forget, tuning=tuning, message="given up by hand"))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = script_parser(__doc__)
    parser.add_argument("journal", type=Path, help="the journal's file")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--delete", action="store_true", help="delete models and files at the provider")
    what.add_argument("--cancel", nargs="+", metavar="JOB", help="end jobs at the provider")
    what.add_argument("--forget", nargs="+", metavar="JOB", help="give jobs up")
    parser.add_argument("--job", nargs="+", metavar="JOB", help="delete what belongs to these jobs only")
    parser.add_argument("--api-key-env", metavar="VARIABLE", help=f"that holds the key (OpenAI: {_KEY_VARIABLE})")
    parser.add_argument("--offline", action="store_true", help="list without asking the servers")
    parser.add_argument("--yes", action="store_true", help="do it, instead of saying what would be done")
    return parser


if __name__ == "__main__":
    run_script(parser(), main)
