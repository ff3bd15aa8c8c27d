"""The command line of every script: arguments, log, messages and exit status.

A script declares its arguments on a parser from :func:`script_parser` and passes it to :func:`run_script` together with
its ``main``. The output of the script and of the programs that it starts goes to the log file. Messages that people
should see while the workflow runs go to the terminal too, through :func:`say`.
"""

import argparse
import errno
import io
import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

T = TypeVar("T")

_logger = logging.getLogger("workbench.messages")
_PROGRESS_SECONDS = 10.0
_OS_ERRORS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EACCES: "no permission",
    errno.EPERM: "no permission",
    errno.EROFS: "the file system is read-only",
    errno.EISDIR: "there is a folder where a file should be",
    errno.ENOTDIR: "there is a file where a folder should be",
}


class UserError(Exception):
    """An error that the user can fix: the message says what is wrong, where, what is allowed and what to do."""


def script_parser(description: str | None) -> argparse.ArgumentParser:
    """An argument parser with ``--log`` (the job's log file) and ``--label`` (the job's name on the terminal)."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--log", type=Path, help="log file; without it everything is printed")
    parser.add_argument("--label", help="name of this job on the terminal (default: the script's)")
    return parser


def add_repeatable(
    parser: argparse._ActionsContainer, option: str, values: tuple[str, ...], text: str, required: bool = False
) -> None:
    """Add an ``option`` that is given any number of times, each time with the ``values``."""
    parser.add_argument(
        option, nargs=len(values), action="append", default=[], required=required, metavar=values, help=text
    )


def named_files(option: str, arguments: Iterable[str]) -> dict[str, Path]:
    """Parse the ``NAME=FILE`` arguments of ``option`` into files by name, in their order; a path may contain ``=``.

    Raises:
        UserError: an argument lacks the name, the ``=`` or the file, or a name is given twice.
    """
    files: dict[str, Path] = {}
    for argument in arguments:
        name, _, path = argument.partition("=")
        if not (name and path) or name in files:
            raise UserError(f"{option} {argument}: must be NAME=FILE, each name once")
        files[name] = Path(path)
    return files


def say(message: str) -> None:
    """Write one line to the log and, if the log is a file, to the terminal too."""
    _logger.info(message)


def progress(items: Iterable[T], total: int, unit: str) -> Iterator[T]:
    """Yield ``items`` and :func:`say` how many of ``total`` are done, at most every ten seconds."""
    started = last = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last >= _PROGRESS_SECONDS and done < total:
            last = now
            left = (now - started) / done * (total - done)
            say(f"{done:,} of {total:,} {unit}, about {left:.0f} s left")


def run_script(parser: argparse.ArgumentParser, main: Callable[[argparse.Namespace], None]) -> None:
    """Parse the command line, run ``main`` and exit with status 0, 1 after an error, or 130 after an interrupt.

    A :class:`UserError`, a full disk, an unwritable folder or a missing file is reported in one line on the terminal
    and in the log. Any other error is a defect; its traceback goes to the log.
    """
    arguments = parser.parse_args(_command_line(sys.argv[1:]))
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        datefmt="%H:%M:%S",
        handlers=[_Lines(sys.stdout)],
        force=True,
    )
    try:
        if arguments.log:
            _redirect_to_log(arguments.log, arguments.label or Path(sys.argv[0]).stem)
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


def _command_line(arguments: list[str]) -> list[str]:
    """``arguments`` with each ``--arguments FILE`` replaced by the list of arguments in that JSON file.

    Linux limits a command to 128 KB, which hundreds of conditions or generators exceed.
    """
    while "--arguments" in arguments:
        place = arguments.index("--arguments")
        listed: list[str] = json.loads(Path(arguments[place + 1]).read_text(encoding="utf-8"))
        arguments = [*arguments[:place], *listed, *arguments[place + 2 :]]
    return arguments


class _Lines(logging.StreamHandler[Any]):
    """Writes lines as long as somebody can read them: a terminal or pipe that has closed ends no work."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Write nothing more after an error of the terminal or pipe."""
        if isinstance(sys.exception(), OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.stream.fileno())
        else:
            super().handleError(record)


def _redirect_to_log(path: Path, label: str) -> None:
    """Redirect file descriptors 1 and 2 to ``path``, where child processes and libraries then log too.

    What the scripts themselves log goes to the terminal as well, with ``label`` in front.

    Raises:
        UserError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    except OSError as error:
        reason = _OS_ERRORS.get(error.errno or 0) or error.strerror
        raise UserError(f"{path}: the log cannot be written: {error.filename}: {reason}") from error
    terminal = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace", buffering=1)
    handler = _Lines(terminal)
    handler.setFormatter(logging.Formatter("[%(label)s] %(mark)s%(message)s", defaults={"label": label, "mark": ""}))
    _logger.setLevel(logging.INFO)  # whatever a library sets for the others
    _logger.addHandler(handler)
    sys.stdout.flush()
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    cast(io.TextIOWrapper, sys.stdout).reconfigure(encoding="utf-8", errors="replace", line_buffering=True)


def _fail(message: str, status: int = 1) -> None:
    _logger.error(message, extra={"mark": "ERROR: "})
    sys.exit(status)
