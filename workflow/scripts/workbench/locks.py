"""File locks between processes on one machine.

The kernel releases a lock when its process ends, even if it is killed. A lock file may be removed only by the process
that holds its lock. A process that opened the file earlier then locks a file without a name: it must check with
:func:`is_still_there` and open the lock file again.
"""

import errno
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


def has_no_locks(error: OSError) -> bool:
    """Whether ``error`` says that a file system has no locks, such as a Lustre mounted without ``-o flock``."""
    return error.errno in (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)


def wait_for_lock(file: IO[str] | int) -> None:
    """Lock an open file, waiting until no other process holds its lock.

    Raises:
        OSError: the file system has no locks.
    """
    fcntl.flock(file, fcntl.LOCK_EX)


def open_lock_file(path: Path) -> IO[str]:
    """Open a lock file for appending; create it and its folder if necessary.

    Raises:
        OSError: it cannot be opened, or it is a symbolic link, which could name a file of the user's.
    """
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return open(path, "a+", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW, 0o666))
        except FileNotFoundError:  # its last holder has just removed the folder
            continue


def is_still_there(path: Path, file: IO[str]) -> bool:
    """Whether ``path`` is still the open ``file``, which its last holder may have removed."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except OSError:  # no such file, or a stale handle of a removed file on a network share
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
