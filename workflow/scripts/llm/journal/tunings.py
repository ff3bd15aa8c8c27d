"""Fine-tuning jobs and uploaded files in the journal: their rows and the moves from one state to the next.

A job is an ``intent`` from before its request is sent, ``created`` once the provider has named it, and ``succeeded``,
``failed`` or ``cancelled`` when the provider is done with it. One that a person gave up, or whose model was deleted, is
``forgotten``. There is at most one job of a key that is an intent, created or succeeded: whoever wants the same model
again, in whatever study, gets it from there. Where a job has succeeded without naming a model it stays so, and
is looked at again.

The worst price of a job counts as spent from the intent on, and what the provider says it trained after that. Every
move is one transaction, so a process may die between any two.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from llm.calls import canonical_json
from llm.journal import Journal, Limits, Owner
from llm.journal.calls import over_limits, spend
from llm.providers.protocol import TuningEvent, TuningState, TuningStatus

LIVE = ("intent", "created", "succeeded")
_MILLION = 1e6


class Wanted(NamedTuple):
    """Everything that shapes a fine-tuned model.

    Attributes:
        provider: name of the API module.
        base_url: where the API is.
        api_version: the API's version.
        model: the model that is trained, which may be a fine-tuned one.
        training_sha256, validation_sha256: of the files; None for no validation.
        hyperparameters: as sent.
        seed: of the training; None for the provider's choice.
    """

    provider: str
    base_url: str
    api_version: str
    model: str
    training_sha256: str
    validation_sha256: str | None
    hyperparameters: Mapping[str, Any]
    seed: int | None

    @property
    def key(self) -> str:
        """SHA-256 of all of it in canonical JSON, in hexadecimal."""
        return hashlib.sha256(canonical_json(["fine-tuning", *self]).encode()).hexdigest()


class Tuning(NamedTuple):
    """A row of ``tunings``. Times are seconds since 1970.

    Attributes:
        id: number in the journal.
        intent: the job's own name, told to the provider.
        key: of what was wanted.
        study, generator, run: who pays.
        account: whose files and jobs they are.
        model: what is trained.
        training_file, validation_file: the provider's names for the files.
        instances: in the training file.
        state: see the module.
        remote_id: the provider's name for the job, None before it is created.
        tuned_model: the provider's name for the model, None before there is one.
        worst_usd: reserved.
        usd_per_million: price of the training.
        usd: charged; None as long as the worst price counts.
        trained_tokens: as the provider counts them.
        created: when it was first about to be sent.
        submitted: when it was last sent.
        message: why it ended.
    """

    id: int
    intent: str
    key: str
    study: str
    generator: str
    run: str
    provider: str
    base_url: str
    account: str
    model: str
    training_file: str
    validation_file: str | None
    instances: int
    state: str
    remote_id: str | None
    tuned_model: str | None
    worst_usd: float
    usd_per_million: float
    usd: float | None
    trained_tokens: int | None
    created: float
    submitted: float
    ended: float | None
    message: str | None

    @property
    def name(self) -> str:
        """What to call the job: the provider's name, or before it has one our own."""
        return self.remote_id or self.intent


class UploadedFile(NamedTuple):
    """A row of ``tuning_files``: a file that was uploaded, until it was deleted."""

    id: int
    sha256: str
    base_url: str
    account: str
    remote_id: str
    bytes: int
    uploaded: float
    deleted: float | None


_COLUMNS = ", ".join(Tuning._fields)


def has_tunings(journal: Journal) -> bool:
    """Whether the journal has the tables; one that no newer workbench has written to lacks them."""
    return bool(journal.read("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'tunings'"))


def live(journal: Journal, key: str) -> Tuning | None:
    """The job of a key that is under way or has succeeded, None where there is none."""
    return next(iter(_tunings(journal, f"key = ? AND state IN {LIVE}", (key,))), None)


def find(journal: Journal, name: str) -> Tuning | None:
    """The newest job that the provider or we call so (a number in the journal will do, too)."""
    found = _tunings(journal, "remote_id = :name OR intent = :name OR CAST(id AS TEXT) = :name", {"name": name})
    return found[-1] if found else None


def everything(journal: Journal) -> list[Tuning]:
    """All jobs, oldest first."""
    return _tunings(journal, "1", ())


def of_owner(journal: Journal, study: str, generator: str) -> list[Tuning]:
    """The jobs that are paid in a name, oldest first."""
    return _tunings(journal, "study = ? AND generator = ?", (study, generator))


def of_run(journal: Journal, study: str, run: str, shape: str) -> Tuning | None:
    """The job that a run's model is from, None where it has none or was shaped otherwise when it got it."""
    condition = "id = (SELECT tuning FROM tuning_runs WHERE study = ? AND run = ? AND shape = ?)"
    found = _tunings(journal, f"{condition} AND state IN {LIVE}", (study, run, shape))
    return found[0] if found else None


def is_known(journal: Journal, remote_id: str) -> bool:
    """Whether a job in the journal goes by the provider's name ``remote_id``."""
    return bool(_tunings(journal, "remote_id = ?", (remote_id,)))


def declare(
    db: sqlite3.Connection, owner: Owner, wanted: Wanted, limits: Limits, shape: str, values: Mapping[str, Any]
) -> Tuning:
    """Write down that a job is about to be created, and reserve its worst price.

    Args:
        db: connection in a transaction.
        owner: who pays.
        wanted: the model.
        limits: what may be spent.
        shape: of the run, see :func:`link`.
        values: the columns ``run``, ``account``, ``training_file``, ``validation_file``, ``instances``, ``worst_usd``
            and ``usd_per_million``.

    Raises:
        OverBudget: it could cost more than the limits leave; nothing is written then.
    """
    over = over_limits(db, owner, values["worst_usd"], limits)
    if over is not None:
        raise over
    now = time.time()
    row = {
        **values,
        "intent": f"wb-{uuid.uuid4().hex}",
        "key": wanted.key,
        "study": owner.study,
        "generator": owner.generator,
        "provider": wanted.provider,
        "base_url": wanted.base_url,
        "model": wanted.model,
        "state": "intent",
        "created": now,
        "submitted": now,
        "request": canonical_json(wanted._asdict()),
    }
    places = ", ".join(f":{name}" for name in row)
    number = db.execute(f"INSERT INTO tunings({', '.join(row)}) VALUES ({places})", row).lastrowid
    spend(db, owner.study, owner.generator, values["worst_usd"])
    link(db, owner.study, values["run"], shape, number or 0)
    return _row(db, number or 0)


def send_again(db: sqlite3.Connection, tuning: Tuning) -> Tuning:
    """Write down that the request of an intent that never arrived is sent again."""
    return _move(db, tuning, ("intent",), submitted=time.time())


def arrive(db: sqlite3.Connection, tuning: Tuning, remote: TuningState) -> Tuning:
    """Write down that the provider has the job."""
    return _move(db, tuning, ("intent",), state="created", remote_id=remote.remote_id)


def refuse(db: sqlite3.Connection, tuning: Tuning, message: str) -> Tuning:
    """Write down that the provider does not take the job: nothing is owed."""
    return _settle(db, tuning, ("intent",), 0.0, state="failed", ended=time.time(), message=message)


def end(
    db: sqlite3.Connection, tuning: Tuning, remote: TuningState, checkpoints: Sequence[Mapping[str, Any]]
) -> Tuning:
    """Write down how the job ended and what it cost.

    What counts is what the provider says it trained. Where it does not say so, a failed job cost nothing, and so did
    one that was cancelled before its first step; of others the worst is assumed.
    """
    ended = remote.finished or time.time()
    values: dict[str, Any] = {
        "state": remote.status.value,
        "ended": ended,
        "tuned_model": remote.tuned_model,
        "trained_tokens": remote.trained_tokens,
        "message": remote.message,
        "checkpoints": canonical_json(list(checkpoints)),
        "raw": canonical_json(remote.raw),
    }
    return _settle(db, tuning, ("created", "succeeded"), _cost(db, tuning, remote), **values)


def forget(db: sqlite3.Connection, tuning: Tuning, message: str) -> Tuning:
    """Give a job up for good: whoever wants its model pays for it again. What it cost, or may cost, stays spent."""
    return _move(db, tuning, LIVE, state="forgotten", ended=tuning.ended or time.time(), message=message)


def link(db: sqlite3.Connection, study: str, run: str, shape: str, number: int) -> None:
    """Write down which job a run's model is from.

    Args:
        db: connection in a transaction.
        study: that the run is in.
        run: its name in the study.
        shape: of what shapes the run, but for its instances' texts; see :func:`llm.tuning.learners.run_shape`.
        number: of the job.
    """
    db.execute("INSERT OR REPLACE INTO tuning_runs VALUES (?, ?, ?, ?)", (study, run, shape, number))


def runs(journal: Journal) -> dict[int, list[str]]:
    """By the job's number the runs that have their model from it, as ``STUDY RUN``."""
    found: dict[int, list[str]] = {}
    for study, run, number in journal.read("SELECT study, run, tuning FROM tuning_runs ORDER BY study, run"):
        found.setdefault(number, []).append(f"{study} {run}")
    return found


def open_account(db: sqlite3.Connection, owner: Owner, model: str, run: str) -> None:
    """Write down that ``run`` accounts for what a learner asks ``model``, unless another run does.

    Runs may share a model; what it is asked is asked once, and so it stands in the accounts of one of them, for good.
    """
    row = (owner.study, owner.generator, model, run)
    db.execute("INSERT OR IGNORE INTO model_accounts VALUES (?, ?, ?, ?)", row)


def accountable(journal: Journal, model: str) -> str:
    """The run of the journal's study and generator that accounts for what ``model`` is asked, see `open_account`."""
    ((run,),) = journal.read(
        "SELECT run FROM model_accounts WHERE study = ? AND generator = ? AND model = ?",
        (journal.study, journal.generator, model),
    )
    return str(run)


def models_of(journal: Journal, run: str) -> list[str]:
    """The models that a run accounts for: its own one, and those that it had before its data or settings changed."""
    condition = "study = ? AND generator = ? AND run = ?"
    rows = journal.read(
        f"SELECT model FROM model_accounts WHERE {condition} ORDER BY model", (journal.study, journal.generator, run)
    )
    return [model for (model,) in rows]


def add_events(db: sqlite3.Connection, tuning: Tuning, events: Sequence[TuningEvent]) -> None:
    """Write down what a job tells of itself, the oldest first."""
    db.executemany(
        "INSERT OR IGNORE INTO tuning_events(tuning, id, created, level, message, data) VALUES (?, ?, ?, ?, ?, ?)",
        [(tuning.id, *event[:4], canonical_json(event.data)) for event in events],
    )


def events(journal: Journal, tuning: Tuning) -> list[TuningEvent]:
    """What a job has told of itself, the oldest first."""
    rows = journal.read(
        "SELECT id, created, level, message, data FROM tuning_events WHERE tuning = ? ORDER BY number", (tuning.id,)
    )
    return [TuningEvent(*row[:4], json.loads(row[4])) for row in rows]


def checkpoints(journal: Journal, tuning: Tuning) -> list[dict[str, Any]]:
    """The checkpoints of a job as the provider told them."""
    ((text,),) = journal.read("SELECT checkpoints FROM tunings WHERE id = ?", (tuning.id,))
    found: list[dict[str, Any]] = json.loads(text or "[]")
    return found


def uploaded(journal: Journal, sha256: str, base_url: str, account: str) -> UploadedFile | None:
    """The file of an account with this content, None where there is none."""
    condition = "sha256 = ? AND base_url = ? AND account = ? AND deleted IS NULL"
    return next(iter(_files(journal, condition, (sha256, base_url, account))), None)


def files(journal: Journal) -> list[UploadedFile]:
    """All files that have not been deleted, oldest first."""
    return _files(journal, "deleted IS NULL", ())


def add_file(db: sqlite3.Connection, sha256: str, base_url: str, account: str, remote_id: str, size: int) -> None:
    """Write down that a file was uploaded; what the account had with this content is gone."""
    db.execute(
        "UPDATE tuning_files SET deleted = ? WHERE sha256 = ? AND base_url = ? AND account = ? AND deleted IS NULL",
        (time.time(), sha256, base_url, account),
    )
    db.execute(
        "INSERT INTO tuning_files(sha256, base_url, account, remote_id, bytes, uploaded) VALUES (?, ?, ?, ?, ?, ?)",
        (sha256, base_url, account, remote_id, size, time.time()),
    )


def delete_file(db: sqlite3.Connection, file: UploadedFile) -> None:
    """Write down that a file was deleted at the provider."""
    db.execute("UPDATE tuning_files SET deleted = ? WHERE id = ?", (time.time(), file.id))


def _cost(db: sqlite3.Connection, tuning: Tuning, remote: TuningState) -> float:
    if remote.trained_tokens is not None:
        return remote.trained_tokens * tuning.usd_per_million / _MILLION
    if remote.status is TuningStatus.FAILED:
        return 0.0
    stepped = db.execute("SELECT 1 FROM tuning_events WHERE tuning = ? AND data != '{}'", (tuning.id,)).fetchone()
    return 0.0 if remote.status is TuningStatus.CANCELLED and not stepped else tuning.worst_usd


def _settle(db: sqlite3.Connection, tuning: Tuning, before: tuple[str, ...], usd: float, **columns: object) -> Tuning:
    """Charge ``usd`` instead of what has counted so far."""
    counted = _row(db, tuning.id)
    spend(db, tuning.study, tuning.generator, usd - (counted.worst_usd if counted.usd is None else counted.usd))
    return _move(db, tuning, before, usd=usd, **columns)


def _move(db: sqlite3.Connection, tuning: Tuning, before: tuple[str, ...], **columns: object) -> Tuning:
    """Change a job's row that is in one of the states ``before``; anything else is a defect."""
    setting = ", ".join(f"{name} = ?" for name in columns)
    places = ", ".join("?" for _ in before)
    query = f"UPDATE tunings SET {setting} WHERE id = ? AND state IN ({places})"
    if not db.execute(query, (*columns.values(), tuning.id, *before)).rowcount:
        raise RuntimeError(f"fine-tuning job {tuning.intent} is not {' or '.join(before)}")
    return _row(db, tuning.id)


def _row(db: sqlite3.Connection, number: int) -> Tuning:
    return Tuning(*db.execute(f"SELECT {_COLUMNS} FROM tunings WHERE id = ?", (number,)).fetchone())


def _tunings(journal: Journal, condition: str, parameters: Sequence[Any] | Mapping[str, Any]) -> list[Tuning]:
    if not has_tunings(journal):
        return []
    return [
        Tuning(*row)
        for row in journal.read(f"SELECT {_COLUMNS} FROM tunings WHERE {condition} ORDER BY id", parameters)
    ]


def _files(journal: Journal, condition: str, parameters: tuple[object, ...]) -> list[UploadedFile]:
    if not has_tunings(journal):
        return []
    columns = ", ".join(UploadedFile._fields)
    return [
        UploadedFile(*row)
        for row in journal.read(f"SELECT {columns} FROM tuning_files WHERE {condition} ORDER BY id", parameters)
    ]
