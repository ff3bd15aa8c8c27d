"""Look into a journal of LLM answers, make it smaller, and give up, end or delete what is at a provider.

JOURNAL is the journal's file, by default results/NAME/journal.sqlite. BATCH and JOB are the numbers that `show` and
`models` list, or the provider's names. Pruned answers are asked and paid again if they are needed again; what they cost
stays in the accounts.

Servers are asked with the key in the variable that --api-key-env names. Without this option, OpenAI gets the key in
OPENAI_API_KEY, and other servers get none.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

from llm.accounts import hosted
from llm.accounts.answers import Selection, export_answers, prune_answers, unreadable_answers
from llm.accounts.forget import forget
from llm.accounts.show import account_lines, call_lines
from llm.journal import Journal
from workbench.cli import run_script, script_parser
from workbench.files import atomic_path


def main(arguments: argparse.Namespace) -> None:
    """Run the subcommand."""
    try:
        arguments.command(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, `head` for instance, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _show(arguments: argparse.Namespace) -> None:
    with Journal.open_reading(arguments.journal) as journal:
        for line in call_lines(journal, arguments.key) if arguments.key else account_lines(journal):
            print(line)


def _export(arguments: argparse.Namespace) -> None:
    selection = Selection(arguments.study, arguments.generator)
    with Journal.open_reading(arguments.journal) as journal:
        if arguments.output is None:
            export_answers(journal, selection, sys.stdout)
            return
        with atomic_path(arguments.output) as path, path.open("w", encoding="utf-8") as file:
            count = export_answers(journal, selection, file)
        print(f"{arguments.output}: {count:,} answers")


def _prune(arguments: argparse.Namespace) -> None:
    damaged = None
    if arguments.unreadable:
        with Journal.open_reading(arguments.journal) as journal:
            damaged = unreadable_answers(journal)
    selection = Selection(arguments.study, arguments.generator, arguments.older_than, damaged)
    print(prune_answers(arguments.journal, selection, arguments.yes))


def _forget(arguments: argparse.Namespace) -> None:
    forget(arguments.journal, arguments.names, arguments.yes)


def _models(arguments: argparse.Namespace) -> None:
    for line in asyncio.run(hosted.model_lines(arguments.journal, arguments.api_key_env, arguments.offline)):
        print(line)


def _cancel(arguments: argparse.Namespace) -> None:
    asyncio.run(hosted.cancel(arguments.journal, arguments.jobs, arguments.api_key_env))


def _delete(arguments: argparse.Namespace) -> None:
    asyncio.run(hosted.delete(arguments.journal, arguments.job, arguments.api_key_env, arguments.yes))


PARSER = script_parser(__doc__)
commands = PARSER.add_subparsers(required=True, metavar="COMMAND")


def add(name: str, run: Callable[[argparse.Namespace], None], description: str) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=description, description=description)
    command.set_defaults(command=run)
    command.add_argument("journal", type=Path, metavar="JOURNAL", help="the journal's file")
    return command


show = add("show", _show, "list requests and costs, batches and fine-tuning jobs, or show one call")
show.add_argument("key", nargs="?", metavar="KEY", help="the call's key; its first digits are enough")
export = add("export", _export, "write calls and answers as JSON lines")
export.add_argument("--output", type=Path, metavar="FILE", help="file to write (default: standard output)")
prune = add("prune", _prune, "remove answers and the texts of failed attempts")
prune.add_argument("--older-than", type=float, metavar="DAYS", help="only answers older than this")
prune.add_argument("--unreadable", action="store_true", help="only answers that are damaged and cannot be read")
for command in (export, prune):
    command.add_argument("--study", help="only what this study asked")
    command.add_argument("--generator", help="only what was asked for this generator")
given_up = add("forget", _forget, "give up batches or fine-tuning jobs whose answers or models cannot be fetched")
given_up.add_argument("names", nargs="+", metavar="BATCH-OR-JOB", help="what to give up")
models = add("models", _models, "list the models and files that hosted fine-tuning left at its provider")
models.add_argument("--offline", action="store_true", help="ask no server")
cancel = add("cancel", _cancel, "end fine-tuning jobs at their provider")
cancel.add_argument("jobs", nargs="+", metavar="JOB", help="what to end")
delete = add("delete", _delete, "delete models and files at their provider")
delete.add_argument("--job", nargs="+", default=[], metavar="JOB", help="only what belongs to these jobs")
for command in (models, cancel, delete):
    command.add_argument("--api-key-env", metavar="VARIABLE", help="environment variable that holds the API key")
for command in (prune, given_up, delete):
    command.add_argument("--yes", action="store_true", help="do it; without this, only say what would be done")


def run() -> None:
    """Parse the command line and run it."""
    run_script(PARSER, main)
