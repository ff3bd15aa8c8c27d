"""How every script starts, speaks and fails.

A script declares its arguments on a parser from :func:`script_parser` and hands it to :func:`run_script`
together with a function. Whatever the script and the programs it starts print goes to the log file; what a
person should see while the workflow runs goes to the terminal as well, through :func:`say`.
"""

from __future__ import annotations

import argparse
import errno
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_PROGRESS_SECONDS = 10.0
_OS_ERRORS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EACCES: "no permission",
    errno.EPERM: "no permission",
    errno.EROFS: "the file system is read-only",
}


class UserError(Exception):
    """Something a person can mend: the message says what is wrong, where, what is allowed and what to do."""


class _Console:
    """The terminal, kept apart from the log once the standard streams go to the log file."""

    def __init__(self) -> None:
        self.stream = sys.stderr
        self.label = Path(sys.argv[0]).stem

    def write(self, message: str) -> None:
        print(f"[{self.label}] {message}", file=self.stream, flush=True)


_console = _Console()


def script_parser(description: str | None) -> argparse.ArgumentParser:
    """An argument parser that knows ``--log`` (the job's log file) and ``--label`` (its name on the terminal)."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--log", type=Path, help="log file; without it everything is printed")
    parser.add_argument("--label", help="what the terminal calls this job (default: the script)")
    return parser


def say(message: str) -> None:
    """Write one line for people to the log and, when the log is a file, to the terminal too."""
    logging.getLogger("workbench").info(message)
    if _console.stream is not sys.stderr:
        _console.write(message)


def progress(items: Iterable[T], total: int, unit: str) -> Iterator[T]:
    """Pass ``items`` on and :func:`say` how many of ``total`` are done, at most every ten seconds."""
    started = last = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last >= _PROGRESS_SECONDS and done < total:
            last = now
            left = (now - started) / done * (total - done)
            say(f"{done:,} of {total:,} {unit}, about {left:.0f} s left")


def run_script(parser: argparse.ArgumentParser, main: Callable[[argparse.Namespace], None]) -> None:
    """Parse the command line, run ``main`` and end the process: 0, or 1 with one line that says why.

    A :class:`UserError` and a full disk, an unwritable folder or a missing file end in one line on the
    terminal and in the log. Anything else is a defect: its traceback goes to the log.
    """
    arguments = parser.parse_args()
    if arguments.label:
        _console.label = arguments.label
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        datefmt="%H:%M:%S",
        stream=sys.stdout,
        force=True,
    )
    try:
        if arguments.log:
            _redirect_to_log(arguments.log)
        main(arguments)
    except UserError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        _fail("interrupted", status=130)
    except OSError as error:
        reason = _OS_ERRORS.get(error.errno or 0)
        if reason is None and not isinstance(error, FileNotFoundError):
            traceback.print_exc(file=sys.stdout)
        where = f"{error.filename}: " if error.filename else ""
        _fail(f"{where}{reason or error.strerror or error}")
    except Exception as error:
        traceback.print_exc(file=sys.stdout)
        _fail(f"unexpected {type(error).__name__}: {error} (a defect of the workflow; see the log)")


def _redirect_to_log(path: Path) -> None:
    """Send file descriptors 1 and 2 to ``path``, so that child processes and libraries log there too.

    Raises:
        UserError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    except OSError as error:
        reason = _OS_ERRORS.get(error.errno or 0) or error.strerror
        raise UserError(f"{path}: the log cannot be written: {error.filename}: {reason}") from error
    _console.stream = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace", buffering=1)
    sys.stdout.flush()
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    sys.stdout.reconfigure(encoding="utf-8", errors="replace", line_buffering=True)


def _fail(message: str, status: int = 1) -> None:
    logging.getLogger("workbench").error(message)
    if _console.stream is not sys.stderr:
        _console.write(f"ERROR: {message}")
    sys.exit(status)
