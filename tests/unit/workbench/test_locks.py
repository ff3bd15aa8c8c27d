"""Locks: file systems without them are recognised, and a lock file is never a link to something else."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from workbench import locks
from workbench.locks import has_no_locks, open_lock_file, take_lock


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_recognised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(file: object, operation: int) -> None:
        raise OSError(number, "as on Lustre mounted without -o flock")

    monkeypatch.setattr(locks.fcntl, "flock", refuse)
    with pytest.raises(OSError) as error:
        take_lock(tmp_path / "lock")
    assert has_no_locks(error.value)


def test_other_errors_are_not_taken_for_missing_locks() -> None:
    assert not has_no_locks(PermissionError(errno.EACCES, "no permission"))


def test_a_lock_file_that_is_a_link_is_not_opened(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("the user's\n", encoding="utf-8")
    (tmp_path / ".lock").symlink_to(precious)
    with pytest.raises(OSError):
        open_lock_file(tmp_path / ".lock")
    assert precious.read_text(encoding="utf-8") == "the user's\n"


def test_opening_a_lock_file_keeps_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / ".lock").write_text("kept", encoding="utf-8")
    open_lock_file(tmp_path / ".lock").close()
    assert (tmp_path / ".lock").read_text(encoding="utf-8") == "kept"
