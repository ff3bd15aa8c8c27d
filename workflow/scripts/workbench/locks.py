"""Locks on files, by which processes on one machine keep out of each other's way.

The kernel releases a lock when its process ends, however it ends. Whoever removes a lock file does so while holding its
lock; a process that opened the file before then holds a lock on nothing, so it has to look whether the file is still there.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO


def try_lock(file: IO[str] | int, shared: bool = False) -> bool:
    """Lock an open file without waiting; false if another process holds its lock.

    Raises:
        OSError: the file system has no locks.
    """
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def wait_for_lock(file: IO[str] | int) -> None:
    """Lock an open file, once no other process holds its lock.

    Raises:
        OSError: the file system has no locks.
    """
    fcntl.flock(file, fcntl.LOCK_EX)


def open_lock_file(path: Path) -> IO[str]:
    """Open a lock file for appending, made with its folder where it does not exist."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return path.open("a+")
        except FileNotFoundError:  # the last holder has just removed the folder
            continue


def is_still_there(path: Path, file: IO[str]) -> bool:
    """Whether ``path`` still names the open ``file``: its last holder may have removed it."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except OSError:  # no such file; on a network share an open file that was removed is stale
        return False


def take_lock(path: Path) -> IO[str] | None:
    """Open and lock a lock file; None if another process holds it.

    Raises:
        OSError: the file system has no locks.
    """
    while True:
        file = open_lock_file(path)
        try:
            if not try_lock(file):
                file.close()
                return None
        except OSError:
            file.close()
            raise
        if is_still_there(path, file):
            return file
        file.close()
