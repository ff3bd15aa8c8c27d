"""The journal's tables, how its file is opened, and messages for when it cannot be used."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from llm.calls import MOST_TOKENS
from llm.journal.calls import CREDIBLE, MOST_FACTOR
from workbench.cli import UserError

VERSION = 1
_SMALLEST_BYTES = 512  # a page of SQLite
BUSY_SECONDS = 60.0

_APPLICATION = 0x52474A31  # "RGJ1": tells a journal from any other SQLite file
_WRITER = (
    "PRAGMA synchronous = FULL",  # an answer that was acknowledged survives a power cut
    "PRAGMA cache_size = -8000",
    "PRAGMA wal_autocheckpoint = 4000",
    "PRAGMA journal_size_limit = 67108864",
)

# `raw` is last, so that a scan for the accounts need not follow a row's overflow pages.
SCHEMA = (
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value)",
    """CREATE TABLE calls(
        key TEXT PRIMARY KEY, provider TEXT NOT NULL, base_url TEXT NOT NULL, api_version TEXT NOT NULL,
        body TEXT NOT NULL, sample INTEGER NOT NULL)""",
    """CREATE TABLE attempts(
        id INTEGER PRIMARY KEY, key TEXT NOT NULL, study TEXT NOT NULL, generator TEXT NOT NULL, worker TEXT NOT NULL,
        batch INTEGER, state TEXT NOT NULL, started REAL NOT NULL, ended REAL, worst_usd REAL NOT NULL, usd REAL,
        status INTEGER, failure TEXT, message TEXT, request_id TEXT, model TEXT, fingerprint TEXT, service_tier TEXT,
        input_tokens INTEGER, output_tokens INTEGER, cached_tokens INTEGER, sdk TEXT NOT NULL, headers TEXT,
        raw TEXT)""",
    "CREATE UNIQUE INDEX attempts_sent ON attempts(key) WHERE state = 'sent'",
    "CREATE UNIQUE INDEX attempts_answered ON attempts(key) WHERE state = 'answered'",
    "CREATE INDEX attempts_ended ON attempts(key) WHERE state NOT IN ('sent', 'answered')",
    "CREATE INDEX attempts_in_flight ON attempts(worker) WHERE state = 'sent'",
    "CREATE INDEX attempts_batch ON attempts(batch) WHERE batch IS NOT NULL",
    """CREATE TABLE spend(
        study TEXT NOT NULL, generator TEXT NOT NULL, usd REAL NOT NULL,
        PRIMARY KEY(study, generator)) WITHOUT ROWID""",
    """CREATE TABLE workers(
        id TEXT PRIMARY KEY, host TEXT NOT NULL, pid INTEGER NOT NULL, started REAL NOT NULL, seen REAL NOT NULL)""",
    "CREATE TABLE accounts(name TEXT PRIMARY KEY, requests_at REAL, tokens_at REAL, blocked_until REAL)",
    """CREATE TABLE batches(
        id INTEGER PRIMARY KEY, intent TEXT NOT NULL UNIQUE, study TEXT NOT NULL, generator TEXT NOT NULL,
        provider TEXT NOT NULL, account TEXT NOT NULL, state TEXT NOT NULL, remote_id TEXT,
        requests INTEGER, bytes INTEGER, tokens INTEGER, created REAL, submitted REAL, ended REAL, message TEXT)""",
)

# Came later: a journal without these tables gets them when it is next opened for writing.
TUNING_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS tunings(
        id INTEGER PRIMARY KEY, intent TEXT NOT NULL UNIQUE, key TEXT NOT NULL, study TEXT NOT NULL,
        generator TEXT NOT NULL, run TEXT NOT NULL, provider TEXT NOT NULL, base_url TEXT NOT NULL,
        account TEXT NOT NULL, model TEXT NOT NULL, training_file TEXT NOT NULL, validation_file TEXT,
        instances INTEGER NOT NULL, state TEXT NOT NULL, remote_id TEXT, tuned_model TEXT, worst_usd REAL NOT NULL,
        usd_per_million REAL NOT NULL, usd REAL, trained_tokens INTEGER, created REAL NOT NULL,
        submitted REAL NOT NULL, ended REAL, message TEXT, request TEXT NOT NULL, checkpoints TEXT, raw TEXT)""",
    """CREATE UNIQUE INDEX IF NOT EXISTS tunings_wanted ON tunings(key)
        WHERE state IN ('intent', 'created', 'succeeded')""",
    """CREATE TABLE IF NOT EXISTS tuning_runs(
        study TEXT NOT NULL, run TEXT NOT NULL, shape TEXT NOT NULL, tuning INTEGER NOT NULL,
        PRIMARY KEY(study, run)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS tuning_events(
        number INTEGER PRIMARY KEY, tuning INTEGER NOT NULL, id TEXT NOT NULL, created REAL NOT NULL,
        level TEXT NOT NULL, message TEXT NOT NULL, data TEXT NOT NULL, UNIQUE(tuning, id))""",
    """CREATE TABLE IF NOT EXISTS tuning_files(
        id INTEGER PRIMARY KEY, sha256 TEXT NOT NULL, base_url TEXT NOT NULL, account TEXT NOT NULL,
        remote_id TEXT NOT NULL, bytes INTEGER NOT NULL, uploaded REAL NOT NULL, deleted REAL)""",
    """CREATE TABLE IF NOT EXISTS model_accounts(
        study TEXT NOT NULL, generator TEXT NOT NULL, model TEXT NOT NULL, run TEXT NOT NULL,
        PRIMARY KEY(study, generator, model)) WITHOUT ROWID""",
)


def open_writer(path: Path) -> sqlite3.Connection:
    """The connection that writes; the file is made where there is none.

    Raises:
        UserError: the file is not a journal, of a newer version, or cannot be written.
    """
    _check_size(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{path}: the journal's folder cannot be made: {error.strerror}") from error
    with explained(path), _connected(str(path)) as db:
        _check_identity(db, path)
        _switch_to_wal(db, path)
        for pragma in _WRITER:
            db.execute(pragma)
        with transaction(db):
            if not _check_identity(db, path):
                for statement in SCHEMA:
                    db.execute(statement)
                db.execute("INSERT INTO meta VALUES ('version', ?)", (VERSION,))
                db.execute(f"PRAGMA application_id = {_APPLICATION}")
            for statement in TUNING_SCHEMA:
                db.execute(statement)
            _mend_accounts(db)
    return db


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that only reads. It sees what is committed, while others write.

    Where no file can be made beside the journal (a read-only disk, a full one) a journal without a pending log is
    read as it stands.

    Raises:
        UserError: the file is missing or unreadable, is not a journal, or was written by a newer version.
    """
    if not path.is_file():
        raise UserError(f"{path}: there is no journal")
    _check_size(path)
    with explained(path):
        try:
            return _checked_reader(str(path), path)
        except sqlite3.OperationalError as error:
            log = path.with_name(path.name + "-wal")
            if log.exists() and log.stat().st_size:
                raise
            try:
                return _checked_reader(f"{path.absolute().as_uri()}?immutable=1", path)
            except sqlite3.Error:
                raise error from None


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Within the block everything is written at once, or nothing if it raises."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")
        raise


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Within the block an error of SQLite becomes a message for people, see :func:`unusable`."""
    try:
        yield
    except sqlite3.Error as error:
        raise unusable(path, error) from error


def unusable(path: Path, error: sqlite3.Error) -> UserError:
    """What SQLite's ``error`` means, in one line for people."""
    name = getattr(error, "sqlite_errorname", "") or ""
    whole = "whole up to the last answer written: free some space and run again"
    remedy = (
        f"copy it aside, then save what can be saved with `sqlite3 {path} .recover | sqlite3 {path}.saved` and put "
        "that in its place; nothing was overwritten, and only answers that are lost are asked and paid again"
    )
    no_access = f"the journal cannot be opened for writing ({error}): check the folder's permissions"
    meanings = {
        "SQLITE_FULL": f"the disk is full; the journal is {whole}",
        "SQLITE_IOERR": f"the journal cannot be read or written ({name}): is the disk full or a quota used up? "
        f"It is {whole}",
        "SQLITE_BUSY": f"another process has kept the journal locked for {BUSY_SECONDS:.0f} s: wait until it ends "
        "(`tools/journal show` lists who uses it) and run again",
        "SQLITE_READONLY": no_access,
        "SQLITE_CANTOPEN": no_access,
        "SQLITE_PERM": no_access,
        "SQLITE_NOTADB": f"this file is not a journal of LLM answers: name another one; if it was one, {remedy}",
        "SQLITE_CORRUPT": f"the journal is damaged ({error}): {remedy}",
    }
    other = f"the journal cannot be used: {error}"
    return UserError(f"{path}: {next((meanings[kind] for kind in meanings if name.startswith(kind)), other)}")


@contextmanager
def _connected(database: str) -> Iterator[sqlite3.Connection]:
    """A connection to a file or URI; an exception in the block closes it."""
    uri = database.startswith("file:")
    db = sqlite3.connect(database, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, uri=uri)
    db.text_factory = partial(str, encoding="utf-8", errors="replace")  # damaged text is damaged, not unreadable
    try:
        yield db
    except BaseException:
        db.close()
        raise


def _checked_reader(database: str, path: Path) -> sqlite3.Connection:
    with _connected(database) as db:
        if not _check_identity(db, path):
            raise UserError(f"{path}: the journal is empty: nothing has been asked yet")
        db.execute("PRAGMA query_only = ON")
    return db


def _check_size(path: Path) -> None:
    """Refuse what is too short for a database: SQLite would take it for an empty one and write over it.

    The file is not opened: closing it would drop the locks that this process' own connections hold on it
    (https://www.sqlite.org/howtocorrupt.html, 2.2).
    """
    if path.is_file() and 0 < path.stat().st_size < _SMALLEST_BYTES:
        raise UserError(f"{path}: this file is not a journal of LLM answers: name another one")


def _check_identity(db: sqlite3.Connection, path: Path) -> bool:
    """Whether the database has the journal's tables already; False for an empty one."""
    if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        return False
    if db.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION:
        raise UserError(f"{path}: this SQLite file is not a journal of LLM answers: name another one")
    version = db.execute("SELECT value FROM meta WHERE name = 'version'").fetchone()[0]
    if version > VERSION:
        raise UserError(
            f"{path}: the journal is of version {version}, this workbench reads up to {VERSION}: "
            "update the workbench or name another file"
        )
    return True


def _switch_to_wal(db: sqlite3.Connection, path: Path) -> None:
    """Turn the write-ahead log on. SQLite does not wait here for another process that does the same."""
    deadline = time.monotonic() + BUSY_SECONDS
    mode = None
    while mode is None:
        try:
            mode = db.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        except sqlite3.OperationalError as error:
            if not error.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
    if mode != "wal":
        raise UserError(f"{path}: SQLite's write-ahead log does not work on this file system: use a local disk")


def _mend_accounts(db: sqlite3.Connection) -> None:
    """Correct, once, what a server's absurd counts of tokens did to the accounts of an older journal."""
    if db.execute("INSERT OR IGNORE INTO meta VALUES ('mended', 1)").rowcount == 0:
        return
    for column in ("input_tokens", "output_tokens", "cached_tokens"):
        bounded = f"min(max({column}, 0), {MOST_TOKENS})"
        db.execute(f"UPDATE attempts SET {column} = {bounded} WHERE {column} != {bounded}")
    wrong = {"attempts": f"NOT {CREDIBLE}", "tunings": f"NOT usd BETWEEN 0 AND {MOST_FACTOR} * worst_usd"}
    if sum(db.execute(f"UPDATE {table} SET usd = worst_usd WHERE {rows}").rowcount for table, rows in wrong.items()):
        charged = "SELECT study, generator, coalesce(usd, worst_usd) AS charged"
        db.execute(
            f"REPLACE INTO spend SELECT study, generator, sum(charged) FROM "
            f"({charged} FROM attempts UNION ALL {charged} FROM tunings) GROUP BY study, generator"
        )
