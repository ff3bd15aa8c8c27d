"""Fine-tuning jobs and uploaded files in the journal: their rows and the moves from one state to the next.

A job is an ``intent`` from before its request is sent, ``created`` once the provider has named it, and ``succeeded``,
``failed`` or ``cancelled`` when the provider is done with it. One that a person gave up, or whose model was deleted, is
``forgotten``. There is at most one job of a key that is an intent, created or succeeded: whoever wants the same model
again, in whatever study, gets it from there. Where a job has succeeded without naming a model it stays so, and
is looked at again.

The worst price of a job counts as spent from the intent on, and what the provider says it trained after that. Every
move is one transaction, so a process may die between any two.
"""

import hashlib
import json
import sqlite3
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from llm.calls import MOST_TOKENS, canonical_json
from llm.journal import Journal, Limits, Owner
from llm.journal.calls import MOST_FACTOR, over_limits, spend, spent
from llm.journal.remote import RemoteTable
from llm.providers.protocol import TuningEvent, TuningState, TuningStatus

LIVE = ("intent", "created", "succeeded")
_MILLION = 1e6


class Wanted(NamedTuple):
    """Everything that shapes a fine-tuned model."""

    provider: str  # name of the API module
    base_url: str  # where the API is
    api_version: str  # the API's version
    model: str  # the model that is trained, which may be a fine-tuned one
    # training_sha256, validation_sha256: of the files; None for no validation
    training_sha256: str
    validation_sha256: str | None
    hyperparameters: Mapping[str, Any]  # as sent
    seed: int | None  # of the training; None for the provider's choice

    @property
    def key(self) -> str:
        """SHA-256 of all of it in canonical JSON, in hexadecimal."""
        return hashlib.sha256(canonical_json(["fine-tuning", *self]).encode()).hexdigest()


class Tuning(NamedTuple):
    """A row of ``tunings``. Times are seconds since 1970."""

    id: int  # number in the journal
    intent: str  # the job's own name, told to the provider
    key: str  # of what was wanted
    # study, generator, run: who pays
    study: str
    generator: str
    run: str
    provider: str
    base_url: str
    account: str  # whose files and jobs they are
    model: str  # what is trained
    # training_file, validation_file: the provider's names for the files
    training_file: str
    validation_file: str | None
    instances: int  # in the training file
    state: str  # see the module
    remote_id: str | None  # the provider's name for the job, None before it is created
    tuned_model: str | None  # the provider's name for the model, None before there is one
    worst_usd: float  # reserved
    usd_per_million: float  # price of the training
    usd: float | None  # charged; None as long as the worst price counts
    trained_tokens: int | None  # as the provider counts them
    created: float  # when it was first about to be sent
    submitted: float  # when it was last sent
    ended: float | None
    message: str | None  # why it ended

    @property
    def name(self) -> str:
        """What to call the job: the provider's name, or before it has one our own."""
        return self.remote_id or self.intent

    @property
    def charged(self) -> float:
        """US dollars that it counts for: its price, or its worst price until it is settled."""
        return self.worst_usd if self.usd is None else self.usd


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


TUNINGS = RemoteTable("tunings", "fine-tuning job", Tuning, Tuning._fields)
FILES = RemoteTable("tuning_files", "uploaded file", UploadedFile, UploadedFile._fields)


def live(journal: Journal, key: str) -> Tuning | None:
    """The job of a key that is under way or has succeeded, None if there is none."""
    return TUNINGS.first(journal, f"key = ? AND state IN {LIVE}", (key,))


def of_owner(journal: Journal, study: str, generator: str) -> list[Tuning]:
    """The jobs that this generator of a study pays for, oldest first."""
    return TUNINGS.rows(journal, "study = ? AND generator = ?", (study, generator))


def of_run(journal: Journal, study: str, run: str, shape: str) -> Tuning | None:
    """The job that made a run's model; None if it has none, or had another shape when it got one."""
    condition = "id = (SELECT tuning FROM tuning_runs WHERE study = ? AND run = ? AND shape = ?)"
    return TUNINGS.first(journal, f"{condition} AND state IN {LIVE}", (study, run, shape))


def declare(
    db: sqlite3.Connection, owner: Owner, wanted: Wanted, shape: str, worst_usd: float, limits: Limits, **more: object
) -> Tuning:
    """Record that a job is about to be created for a run of this shape (see :func:`link`); reserve its worst price.

    ``more`` are columns of the row that nothing else gives.

    Raises:
        OverBudget: it could cost more than the limits leave; nothing is written then.
    """
    over = over_limits(*spent(db, owner.study, owner.generator), worst_usd, limits)
    if over is not None:
        raise over
    now = time.time()
    row = {
        **more,
        "intent": f"wb-{uuid.uuid4().hex}",
        "key": wanted.key,
        "study": owner.study,
        "generator": owner.generator,
        "provider": wanted.provider,
        "base_url": wanted.base_url,
        "model": wanted.model,
        "state": "intent",
        "worst_usd": worst_usd,
        "created": now,
        "submitted": now,
        "request": canonical_json(wanted._asdict()),
    }
    tuning = TUNINGS.insert(db, row)
    spend(db, owner.study, owner.generator, tuning.worst_usd)
    link(db, owner.study, tuning.run, shape, tuning.id)
    return tuning


def send_again(db: sqlite3.Connection, tuning: Tuning) -> Tuning:
    """Record that the request of an intent that never arrived is sent again."""
    return TUNINGS.move(db, tuning, ("intent",), submitted=time.time())


def arrive(db: sqlite3.Connection, tuning: Tuning, remote: TuningState) -> Tuning:
    """Record that the provider has the job."""
    return TUNINGS.move(db, tuning, ("intent",), state="created", remote_id=remote.remote_id)


def refuse(db: sqlite3.Connection, tuning: Tuning, message: str) -> Tuning:
    """Record that the provider does not take the job: nothing is owed."""
    return _settle(db, tuning, ("intent",), 0.0, state="failed", ended=time.time(), message=message)


def end(
    db: sqlite3.Connection, tuning: Tuning, remote: TuningState, checkpoints: Sequence[Mapping[str, Any]]
) -> Tuning:
    """Record how the job ended and what it cost.

    What counts is what the provider says it trained. Where it does not say so, or says what cannot be, a failed job
    cost nothing, and so did one that was cancelled before its first step; of others the worst is assumed.
    """
    if not 0 <= (remote.trained_tokens or 0) <= MOST_TOKENS:
        remote = remote._replace(trained_tokens=None)
    return _settle(
        db,
        tuning,
        ("created", "succeeded"),
        _cost(db, tuning, remote),
        state=remote.status.value,
        ended=remote.finished or time.time(),
        tuned_model=remote.tuned_model,
        trained_tokens=remote.trained_tokens,
        message=remote.message,
        checkpoints=canonical_json(list(checkpoints)),
        raw=canonical_json(remote.raw),
    )


def forget(db: sqlite3.Connection, tuning: Tuning, message: str) -> Tuning:
    """Give a job up for good: whoever wants its model pays for it again. What it cost, or may cost, stays spent."""
    return TUNINGS.move(db, tuning, LIVE, state="forgotten", ended=tuning.ended or time.time(), message=message)


def link(db: sqlite3.Connection, study: str, run: str, shape: str, number: int) -> None:
    """Record which job a run's model is from.

    ``shape`` is that of what shapes the run, except its instances' texts; see :func:`llm.tuning.examples.run_shape`.
    """
    db.execute("INSERT OR REPLACE INTO tuning_runs VALUES (?, ?, ?, ?)", (study, run, shape, number))


def runs(journal: Journal) -> dict[int, list[str]]:
    """By the job's number the runs that have their model from it, as ``STUDY RUN``."""
    found: dict[int, list[str]] = {}
    if not TUNINGS.exists(journal):
        return found
    for study, run, number in journal.read("SELECT study, run, tuning FROM tuning_runs ORDER BY study, run"):
        found.setdefault(number, []).append(f"{study} {run}")
    return found


def open_account(db: sqlite3.Connection, owner: Owner, model: str, run: str) -> None:
    """Record that ``run`` accounts for what a learner asks ``model``, unless another run does.

    Runs may share a model; what it is asked is asked once, and so one of them accounts for it permanently.
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
    rows = journal.read(
        "SELECT model FROM model_accounts WHERE study = ? AND generator = ? AND run = ? ORDER BY model",
        (journal.study, journal.generator, run),
    )
    return [model for (model,) in rows]


def add_events(db: sqlite3.Connection, tuning: Tuning, events: Sequence[TuningEvent]) -> None:
    """Record a job's events, the oldest first."""
    db.executemany(
        "INSERT OR IGNORE INTO tuning_events(tuning, id, created, level, message, data) VALUES (?, ?, ?, ?, ?, ?)",
        [(tuning.id, *event[:4], canonical_json(event.data)) for event in events],
    )


def events(journal: Journal, tuning: Tuning) -> list[TuningEvent]:
    """A job's events, the oldest first."""
    rows = journal.read(
        "SELECT id, created, level, message, data FROM tuning_events WHERE tuning = ? ORDER BY number", (tuning.id,)
    )
    return [TuningEvent(name, created, level, text, json.loads(data)) for name, created, level, text, data in rows]


def checkpoints(journal: Journal, tuning: Tuning) -> list[dict[str, Any]]:
    """The checkpoints of a job as the provider gave them."""
    ((text,),) = journal.read("SELECT checkpoints FROM tunings WHERE id = ?", (tuning.id,))
    found: list[dict[str, Any]] = json.loads(text or "[]")
    return found


def uploaded(journal: Journal, sha256: str, base_url: str, account: str) -> UploadedFile | None:
    """The file of an account with this content, None if there is none."""
    condition = "sha256 = ? AND base_url = ? AND account = ? AND deleted IS NULL"
    return FILES.first(journal, condition, (sha256, base_url, account))


def files(journal: Journal) -> list[UploadedFile]:
    """All files that have not been deleted, oldest first."""
    return FILES.rows(journal, "deleted IS NULL")


def add_file(db: sqlite3.Connection, sha256: str, base_url: str, account: str, remote_id: str, size: int) -> None:
    """Record that a file was uploaded; what the account had with this content is gone."""
    db.execute(
        "UPDATE tuning_files SET deleted = ? WHERE sha256 = ? AND base_url = ? AND account = ? AND deleted IS NULL",
        (time.time(), sha256, base_url, account),
    )
    file = {"sha256": sha256, "base_url": base_url, "account": account, "remote_id": remote_id}
    FILES.insert(db, {**file, "bytes": size, "uploaded": time.time()})


def delete_file(db: sqlite3.Connection, file: UploadedFile) -> None:
    """Record that a file was deleted at the provider."""
    db.execute("UPDATE tuning_files SET deleted = ? WHERE id = ?", (time.time(), file.id))


def _cost(db: sqlite3.Connection, tuning: Tuning, remote: TuningState) -> float:
    if remote.trained_tokens is not None:
        usd = remote.trained_tokens * tuning.usd_per_million / _MILLION
        return usd if usd <= MOST_FACTOR * tuning.worst_usd else tuning.worst_usd
    if remote.status is TuningStatus.FAILED:
        return 0.0
    stepped = db.execute("SELECT 1 FROM tuning_events WHERE tuning = ? AND data != '{}'", (tuning.id,)).fetchone()
    return 0.0 if remote.status is TuningStatus.CANCELLED and not stepped else tuning.worst_usd


def _settle(db: sqlite3.Connection, tuning: Tuning, before: tuple[str, ...], usd: float, **columns: object) -> Tuning:
    """Move a job and charge ``usd`` instead of what has counted so far."""
    spend(db, tuning.study, tuning.generator, usd - TUNINGS.row(db, tuning.id).charged)
    return TUNINGS.move(db, tuning, before, usd=usd, **columns)
