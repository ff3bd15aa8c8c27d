"""Export the answers in a journal, or prune them."""

import json
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TextIO

from llm.accounts.show import parsed
from llm.calls import Failure
from llm.journal import Journal
from llm.journal.presence import bury_dead, live_workers
from llm.journal.schema import explained, open_writer
from llm.providers import open_api
from llm.providers.api import Api
from workbench.cli import UserError

_DAY_SECONDS = 86_400.0
_EXPORTED = (
    "key, provider, base_url, api_version, sample, body, study, generator, model, fingerprint, service_tier, "
    "request_id, input_tokens, output_tokens, cached_tokens, usd, started, ended, sdk, headers, raw"
)


@dataclass(frozen=True)
class Selection:
    """Which attempts are meant; None for no restriction."""

    # study, generator: who asked
    study: str | None
    generator: str | None
    older_than: float | None = None  # days since the attempt ended
    attempts: Sequence[int] | None = None  # their numbers

    def condition(self) -> tuple[str, list[Any]]:
        """A condition in SQL to append to another, empty for all attempts, and its parameters."""
        ended = None if self.older_than is None else time.time() - self.older_than * _DAY_SECONDS
        parts: dict[str, Any] = {"study = ?": self.study, "generator = ?": self.generator, "ended < ?": ended}
        numbers = None if self.attempts is None else json.dumps(self.attempts)
        parts["id IN (SELECT value FROM json_each(?))"] = numbers
        given = {part: value for part, value in parts.items() if value is not None}
        return "".join(f" AND {part}" for part in given), list(given.values())


def export_answers(journal: Journal, selection: Selection, file: TextIO) -> int:
    """Write calls and their answers as JSON lines; returns how many there were."""
    condition, parameters = selection.condition()
    names = _EXPORTED.split(", ")
    query = f"SELECT {_EXPORTED} FROM attempts JOIN calls USING (key) WHERE state = 'answered'{condition} ORDER BY id"
    count = 0
    for row in journal.stream(query, parameters):
        answer = dict(zip(names, row, strict=True))
        answer.update(body=parsed(answer["body"]), headers=parsed(answer["headers"] or "{}"))
        print(json.dumps(answer, ensure_ascii=False), file=file)
        count += 1
    return count


def unreadable_answers(journal: Journal) -> list[int]:
    """The attempts whose answers in the journal are damaged, so that no study can use them."""
    damaged = []

    @cache
    def api_at(provider: str, base_url: str) -> Api:
        return open_api({"provider": provider, "model": "", "base_url": base_url, "timeout": 60, "concurrency": 1})

    rows = journal.stream(
        "SELECT id, provider, base_url, raw FROM attempts JOIN calls USING (key) WHERE state = 'answered'"
    )
    for attempt, provider, base_url, raw in rows:
        try:
            api_at(provider, base_url).read(str(raw or ""))
        except Failure:
            damaged.append(attempt)
    return damaged


def prune_answers(path: Path, selection: Selection, is_sure: bool) -> str:
    """Remove the selected answers and the texts of failed attempts, and shrink the file.

    Without any restriction of the selection every answer stays.

    Returns:
        What was removed, or would be unless ``is_sure``, in one line.

    Raises:
        UserError: a process uses the journal, or the file cannot be written.
    """
    with Journal.open_reading(path):
        before = path.stat().st_size
    with explained(path), closing(open_writer(path)) as db:
        db.execute("BEGIN IMMEDIATE")
        bury_dead(db, path)
        for _, host, pid, _ in live_workers(db, path):
            raise UserError(f"{path}: process {pid} on {host} is using the journal: prune it when that has ended")
        removed = _remove(db, selection)
        if not is_sure:
            db.execute("ROLLBACK")
            return f"{path}: would remove {removed}; run again with --yes to do so"
        db.execute("COMMIT")
        db.execute("VACUUM")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return f"{path}: removed {removed}; {before / 1e6:,.1f} MB before, {path.stat().st_size / 1e6:,.1f} MB now"


def _remove(db: sqlite3.Connection, selection: Selection) -> str:
    """Remove what is selected, in the running transaction; returns what that was."""
    condition, parameters = selection.condition()
    where = f"state IN ('failed', 'lost') AND (raw != '' OR headers NOT IN ('', '{{}}')){condition}"
    failures = db.execute(f"UPDATE attempts SET raw = NULL, headers = NULL WHERE {where}", parameters).rowcount
    words = f"the texts of {failures:,} failed attempts"
    if not condition:
        return f"{words} and no answer (say which by --older-than, --generator, --study or --unreadable)"
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
