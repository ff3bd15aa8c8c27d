"""Which GPUs a job takes, and the error if there are none."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from paths import SCRIPTS
from warm_python import python

from models.devices import in_memory, is_out_of_memory, take_gpus, visible_gpus
from workbench.cli import UserError

torch = pytest.importorskip("torch")

# Only torch's count of GPUs is faked, so the test runs on any machine.
JOB = """
import os, sys, torch
torch.cuda.device_count = lambda: 4
from models.devices import take_gpus
take_gpus(int(sys.argv[1]))
take_gpus(int(sys.argv[1]))
print(os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
sys.stdin.read()
"""


@contextmanager
def job(folder: Path, count: int, visible: str | None) -> Iterator[str]:
    """Start a job in a separate process and yield the GPUs that it took."""
    environment = {"PYTHONPATH": str(SCRIPTS), "TMPDIR": str(folder), "PATH": "/usr/bin:/bin"}
    if visible is not None:
        environment["CUDA_VISIBLE_DEVICES"] = visible
    with subprocess.Popen(
        [python(), "-c", JOB, str(count)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout and process.stdin
        yield process.stdout.readline().strip()
        process.stdin.close()


def test_concurrent_jobs_do_not_share_a_gpu_unless_there_are_more_jobs_than_gpus(tmp_path: Path) -> None:
    with ExitStack() as running:
        first, second, third = (running.enter_context(job(tmp_path, 1, "3,5")) for _ in range(3))
        assert (first, second, third) == ("3", "5", "3")
    with job(tmp_path, 1, "3,5") as after:
        assert after == "3", "a lock ends with its process"


def test_a_job_of_several_gpus_takes_them_in_order(tmp_path: Path) -> None:
    with job(tmp_path, 1, None) as one, job(tmp_path, 2, None) as two, job(tmp_path, 2, None) as others:
        assert (one, two, others) == ("0", "1,2", "0,3")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_the_error_says_why_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"a GPU is needed, but torch .* sees none") as error:
        take_gpus(1)
    if torch.version.cuda is None:
        assert "make setup TORCH=cuda" in str(error.value)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert visible_gpus() == []
    with pytest.raises(UserError, match=r"2 GPUs are needed.* \(CUDA_VISIBLE_DEVICES is ''\): .*nvidia-smi"):
        take_gpus(2)


def test_a_driver_that_does_not_fit_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    reason = "The NVIDIA driver on your system is too old (found version 11040). Please update your GPU driver."

    def refuse() -> None:
        raise RuntimeError(reason)

    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.cuda, "init", refuse)
    with pytest.raises(UserError, match="driver on your system is too old"):
        take_gpus(1)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("CUDA failed with error out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
)
def test_a_full_memory_is_distinguished_from_other_errors(error: RuntimeError) -> None:
    assert is_out_of_memory(error)
    assert not is_out_of_memory(RuntimeError("device-side assert triggered"))


def test_a_batch_that_does_not_fit_the_memory_is_computed_in_halves() -> None:
    def squares(places: list[int]) -> list[int]:
        if len(places) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return [place**2 for place in places]

    found = list(in_memory([[0, 1, 2, 3, 4], [5]], squares))
    assert found == [([0, 1], [0, 1]), ([2], [4]), ([3, 4], [9, 16]), ([5], [25])]


def test_a_single_text_that_does_not_fit_is_an_error_and_other_errors_pass() -> None:
    def never(places: list[int]) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    def broken(places: list[int]) -> None:
        raise RuntimeError("broken")

    with pytest.raises(UserError, match="does not hold a single text"):
        list(in_memory([[0, 1]], never))
    with pytest.raises(RuntimeError, match="broken"):
        list(in_memory([[0, 1]], broken))
