"""Show, export and prune a journal of LLM answers.

    python -m llm.accounts.journal_tool show JOURNAL            who asked how much, what it cost, batches, jobs
    python -m llm.accounts.journal_tool show JOURNAL KEY        one call with all its attempts; the key's first digits do
    python -m llm.accounts.journal_tool export JOURNAL          calls and answers as JSON lines
    python -m llm.accounts.journal_tool prune JOURNAL           what could go; with --yes it goes

To be started in ``workflow/scripts``. Pruned answers are asked and paid again when they are needed again; what they
cost stays in the accounts.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from llm.journal import Journal
from llm.journal import tunings as tuning_records
from llm.journal.ledger import generators, ledger
from llm.journal.presence import bury, dead_workers, live_workers
from llm.journal.schema import open_writer, unusable
from llm.journal.tunings import Tuning
from workbench.cli import UserError, run_script, script_parser
from workbench.files import atomic_path
from workbench.text import one_line

_DAY_SECONDS = 86_400.0
_BATCH_COLUMNS = "id, study, generator, provider, state, remote_id, requests, created, ended, message"
_ACCOUNTS = (
    "study, generator, requests, answered, failed, 429, lost, in flight, tokens in, out, USD, unsure, first, last"
)
_TUNING_COLUMNS = (
    "job, study, generator, run, state, made from, model, instances, trained tokens, USD, created, ended, message"
)
_ATTEMPT = (
    "id, study, generator, batch, state, started, ended, usd, worst_usd, status, failure, message, request_id, model, "
    "fingerprint, service_tier, input_tokens, output_tokens, cached_tokens, sdk, headers, raw"
)
_EXPORTED = (
    "key, provider, base_url, api_version, sample, body, study, generator, model, fingerprint, service_tier, "
    "request_id, input_tokens, output_tokens, cached_tokens, usd, started, ended, sdk, headers, raw"
)


def main(arguments: argparse.Namespace) -> None:
    """Do what the command line asks for."""
    try:
        arguments.command(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, `head` for instance, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def show(arguments: argparse.Namespace) -> None:
    """Print the accounts, or one call."""
    with Journal.open_reading(arguments.journal) as journal:
        lines = show_call(journal, arguments.key) if arguments.key else show_accounts(journal)
        for line in lines:
            print(line)


def show_accounts(journal: Journal) -> Iterator[str]:
    """Generators, batches, fine-tuning jobs and processes at work, as lines of text."""
    counts = ("requests", "answered", "failed", "throttled", "lost", "in_flight", "input_tokens", "output_tokens")
    rows = []
    for study, generator in generators(journal):
        accounts = ledger(journal, study, generator)
        rows.append(
            (
                study,
                generator,
                *(f"{accounts[name]:,}" for name in counts),
                f"{accounts['usd']:,.4f}",
                f"{accounts['usd_unsure']:,.4f}",
                moment(accounts["first"]),
                moment(accounts["last"]),
                ", ".join(f"{model} ({count:,})" for model, count in accounts["models"].items()),
            )
        )
    yield from table([*_ACCOUNTS.split(", "), "models"], rows)
    batches = journal.read(f"SELECT {_BATCH_COLUMNS} FROM batches ORDER BY id")
    if batches:
        yield ""
        shown = [(*row[:7], moment(row[7]), moment(row[8]), row[9]) for row in batches]
        yield from table(["batch", *_BATCH_COLUMNS.split(", ")[1:]], shown)
    tunings = tuning_records.everything(journal)
    if tunings:
        yield ""
        yield from table(_TUNING_COLUMNS.split(", "), map(tuning_row, tunings))
    for _, host, pid, started in journal.workers():
        yield f"in use by process {pid} on {host} since {moment(started)}"


def tuning_row(tuning: Tuning) -> tuple[Any, ...]:
    """A fine-tuning job as a row of :data:`_TUNING_COLUMNS`; a price that is not settled counts at its worst."""
    usd = tuning.worst_usd if tuning.usd is None else tuning.usd
    tokens = "" if tuning.trained_tokens is None else f"{tuning.trained_tokens:,}"
    times = moment(tuning.created), moment(tuning.ended)
    whose = tuning.study, tuning.generator, tuning.run
    made = tuning.model, tuning.tuned_model, f"{tuning.instances:,}", tokens, f"{usd:,.4f}"
    return (tuning.name, *whose, tuning.state, *made, *times, tuning.message)


def show_call(journal: Journal, prefix: str) -> Iterator[str]:
    """A call and its attempts as lines of text.

    Raises:
        UserError: no call's key begins so, or several do.
    """
    found = journal.read(
        "SELECT DISTINCT key FROM attempts WHERE key >= ? AND key < ? LIMIT 11", (prefix.lower(), prefix.lower() + "~")
    )
    if len(found) != 1:
        several = f"{'more than 10' if len(found) > 10 else len(found)} calls: give more digits"
        raise UserError(f"{journal.path}: key {prefix!r} fits {several if found else 'no call'}")
    key = found[0][0]
    yield f"key {key}"
    for provider, base_url, api_version, body, sample in journal.read(
        "SELECT provider, base_url, api_version, body, sample FROM calls WHERE key = ?", (key,)
    ):
        yield f"{provider} {base_url} {api_version}, sample {sample}"
        yield json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    names = _ATTEMPT.split(", ")
    for row in journal.read(f"SELECT {_ATTEMPT} FROM attempts WHERE key = ? ORDER BY id", (key,)):
        yield ""
        for name, value in zip(names, row, strict=True):
            if value not in (None, ""):
                yield f"{name:>14}  {moment(value) if name in ('started', 'ended') else value}"


def export(arguments: argparse.Namespace) -> None:
    """Write calls and answers as JSON lines."""
    with Journal.open_reading(arguments.journal) as journal:
        if arguments.output is None:
            write_answers(journal, arguments, sys.stdout)
            return
        with atomic_path(arguments.output) as path, path.open("w", encoding="utf-8") as file:
            count = write_answers(journal, arguments, file)
        print(f"{arguments.output}: {count:,} answers")


def write_answers(journal: Journal, arguments: argparse.Namespace, file: TextIO) -> int:
    """Write the answers that the arguments select; how many there were."""
    condition, parameters = selection(arguments)
    names = _EXPORTED.split(", ")
    query = f"SELECT {_EXPORTED} FROM attempts JOIN calls USING (key) WHERE state = 'answered'{condition} ORDER BY id"
    count = 0
    for row in journal.stream(query, parameters):
        answer = dict(zip(names, row, strict=True))
        answer.update(body=json.loads(answer["body"]), headers=json.loads(answer["headers"] or "{}"))
        print(json.dumps(answer, ensure_ascii=False), file=file)
        count += 1
    return count


def prune(arguments: argparse.Namespace) -> None:
    """Say what can go and, on ``--yes``, let it go and give the space back."""
    path = arguments.journal
    with Journal.open_reading(path):
        before = path.stat().st_size
    try:
        with closing(open_writer(path)) as db:
            db.execute("BEGIN IMMEDIATE")
            refuse_use(db, path)
            removed = remove(db, arguments)
            if not arguments.yes:
                db.execute("ROLLBACK")
                print(f"{path}: would remove {removed}; run again with --yes to do so")
                return
            db.execute("COMMIT")
            db.execute("VACUUM")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise unusable(path, error) from error
    print(f"{path}: removed {removed}; {before / 1e6:,.1f} MB before, {path.stat().st_size / 1e6:,.1f} MB now")


def refuse_use(db: sqlite3.Connection, path: Path) -> None:
    """Refuse to prune under a process at work; dead ones are buried.

    Raises:
        UserError: a process uses the journal.
    """
    bury(db, path, dead_workers(db, path))
    for _, host, pid, _ in live_workers(db, path):
        raise UserError(f"{path}: process {pid} on {host} is using the journal: prune it when that has ended")


def remove(db: sqlite3.Connection, arguments: argparse.Namespace) -> str:
    """Take out what the arguments select, in the running transaction; what that was, in words."""
    condition, parameters = selection(arguments)
    where = f"state IN ('failed', 'lost') AND (raw != '' OR headers NOT IN ('', '{{}}')){condition}"
    failures = db.execute(f"UPDATE attempts SET raw = NULL, headers = NULL WHERE {where}", parameters).rowcount
    words = f"the texts of {failures:,} failed attempts"
    if not condition:
        return f"{words} and no answer (say which by --older-than, --generator or --study)"
    where = f"state = 'answered'{condition}"
    (usd,) = db.execute(f"SELECT coalesce(sum(usd), 0.0) FROM attempts WHERE {where}", parameters).fetchone()
    answers = db.execute(
        f"UPDATE attempts SET state = 'pruned', raw = NULL, headers = NULL WHERE {where}", parameters
    ).rowcount
    db.execute(
        "DELETE FROM calls WHERE key IN (SELECT key FROM attempts WHERE state = 'pruned') "
        "AND key NOT IN (SELECT key FROM attempts WHERE state IN ('sent', 'answered'))"
    )
    return f"{words} and {answers:,} answers (${usd:,.4f}: whoever needs one again pays for it again)"


def selection(arguments: argparse.Namespace) -> tuple[str, list[Any]]:
    """The attempts that the arguments mean: a condition to append in SQL, empty for all, and its parameters."""
    condition, parameters = "", []
    for name in ("study", "generator"):
        value = getattr(arguments, name)
        if value is not None:
            condition += f" AND {name} = ?"
            parameters.append(value)
    days = getattr(arguments, "older_than", None)
    if days is not None:
        condition += " AND ended < ?"
        parameters.append(time.time() - days * _DAY_SECONDS)
    return condition, parameters


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Rows as lines of text in columns."""
    cells = [list(header), *([one_line("" if cell is None else str(cell)) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def moment(seconds: float | None) -> str:
    """A time in UTC as ISO 8601, to the second."""
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = script_parser(__doc__)
    commands = parser.add_subparsers(required=True, metavar="{show,export,prune}")
    for function, description in ((show, "accounts, or one call"), (export, "JSON lines"), (prune, "make it smaller")):
        command = commands.add_parser(function.__name__, help=description, description=function.__doc__)
        command.set_defaults(command=function)
        command.add_argument("journal", type=Path, help="the journal's file")
        if function is show:
            command.add_argument("key", nargs="?", help="first digits of a call's key")
            continue
        command.add_argument("--study", help="only what was asked in this study")
        command.add_argument("--generator", help="only what was asked in this generator's name")
        if function is export:
            command.add_argument("--output", type=Path, help="file to write (default: standard output)")
        else:
            command.add_argument(
                "--older-than", type=float, metavar="DAYS", help="answers that are older than so many days"
            )
            command.add_argument("--yes", action="store_true", help="do it; without, only say what would be done")
    return parser


if __name__ == "__main__":
    run_script(parser(), main)
