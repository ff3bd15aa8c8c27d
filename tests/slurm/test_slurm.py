"""A study through `snakemake --profile slurm` on a real Slurm, undisturbed and with what goes wrong on clusters."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import pytest
from slurm_cluster import GPUS, Cluster, Job
from workspace import Workspace, jobs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

GPU_RULES = ("train_model", "train_generator", "translate_test", "generate_targets", "score_quality")
SLURM = [
    # Trained on a CPU all the same.
    *("--set-resources", *(f"{rule}:gpu=1" for rule in GPU_RULES)),
    *("--profile", "slurm", "--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "1"),
    *("--seconds-between-status-checks", "1"),
]
# Every training, every score and a detector; figures and tables of the whole are made where Snakemake runs.
TARGETS = ["results/scores.tsv", "results/detector/human--weak/detector.json"]
RUN = "results/runs/transformer/human.random/400/1"


@pytest.fixture
def without_a_run(finished: Workspace, tmp_path: Path) -> Workspace:
    """The finished study without one run."""
    workspace = finished.copy(tmp_path / "study")
    shutil.rmtree(workspace.folder / RUN)
    return workspace


class Study:
    """``snakemake --profile slurm`` on the run that is missing, in the background."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.log = workspace.folder / "snakemake.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                workspace.command(*SLURM, f"{RUN}/hypotheses.tsv"),
                cwd=workspace.folder,
                env=workspace.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def suspend_training(self) -> psutil.Process:
        """Stop the training in the midst, once it has written a checkpoint, so that there is time to disturb it."""
        deadline = time.monotonic() + 120
        while True:
            assert self.process.poll() is None and time.monotonic() < deadline, self.said()
            if list((self.workspace.folder / RUN / "state").glob("*/checkpoint_*_[24]0.pt")):
                for process in psutil.process_iter(["name", "cwd"]):
                    if process.info["name"] == "train_model.py" and self._is_mine(process):
                        process.suspend()
                        return process
            time.sleep(0.02)

    def wait(self) -> None:
        """Wait for Snakemake's good end."""
        assert self.process.wait(timeout=400) == 0, self.said()

    def said(self) -> str:
        """What Snakemake printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def log_of_training(self) -> str:
        """What the training said, in its last attempt."""
        log = self.workspace.folder / "results/logs/train_model/transformer/human.random/400/1.log"
        return log.read_text(encoding="utf-8") if log.exists() else ""

    def _is_mine(self, process: psutil.Process) -> bool:
        return Path(process.info["cwd"] or "/") == self.workspace.folder


@pytest.fixture
def study(cluster: Cluster, without_a_run: Workspace) -> Iterator[Study]:
    """A study that is running on the cluster."""
    running = Study(without_a_run)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()


def trainings(cluster: Cluster, after: int = 0) -> list[Job]:
    """The cluster's trainings of runs from a job number on."""
    return [job for job in cluster.jobs() if job.rule == "train_model" and job.number > after]


def last_number(cluster: Cluster) -> int:
    """The number of the cluster's last job."""
    return max((job.number for job in cluster.jobs()), default=0)


def assert_same_result(finished: Workspace, workspace: Workspace) -> None:
    """The run ended as it does where nothing disturbs it."""
    for name in ("model.pt", "hypotheses.tsv"):
        assert (workspace.folder / RUN / name).read_bytes() == (finished.folder / RUN / name).read_bytes(), name
    assert not (workspace.folder / RUN / "state").exists()


def most_at_once(found: Sequence[Job]) -> int:
    """The most GPUs that jobs held at the same time."""
    edges = sorted(
        [(job.start, job.gpus) for job in found if job.start and job.end]
        + [(job.end, -job.gpus) for job in found if job.start and job.end]
    )
    most = held = 0
    for _, change in edges:  # at the same second the ends come first
        held += change
        most = max(most, held)
    return most


def test_a_study_ends_in_the_results_of_a_local_one(cluster: Cluster, finished: Workspace, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "study")
    output = workspace.snakemake(*SLURM, *TARGETS).stdout
    done = [job for job in cluster.jobs() if job.state == "COMPLETED"]
    submitted = {job.rule for job in done}
    assert {"clean_corpus", "train_vocab", "train_generator", "train_model", "score_run", "detect_text"} <= submitted
    assert not {rule for rule in submitted if rule.startswith(("collect_", "write_", "fetch_"))}
    announced = {name.partition(":")[0] for name in jobs(output)}
    assert announced - submitted and submitted <= announced
    assert {job.partition for job in done if job.gpus} == {"gpu"}
    assert {job.partition for job in done if not job.gpus} == {"cpu"}
    assert most_at_once(done) <= GPUS
    local, here = finished.results(), workspace.results()
    assert {*TARGETS} <= {f"results/{name}" for name in here}
    assert not [name for name in here if here[name] != local[name]]
    assert "Nothing to be done" in workspace.snakemake(*SLURM, *TARGETS).stdout


def test_a_cancelled_training_goes_on(cluster: Cluster, finished: Workspace, study: Study) -> None:
    study.suspend_training()
    (training,) = [job for job in trainings(cluster) if job.state == "RUNNING"]
    cluster.cancel(training)
    study.wait()
    assert "resuming from" in study.log_of_training()
    states = [job.state for job in trainings(cluster, training.number - 1)]
    assert states == ["CANCELLED", "COMPLETED"]
    assert_same_result(finished, study.workspace)


def test_a_controller_that_goes_and_comes_back_loses_nothing(
    cluster: Cluster, finished: Workspace, study: Study
) -> None:
    process = study.suspend_training()
    before = last_number(cluster)
    cluster.stop_controller()
    process.resume()
    time.sleep(5)
    cluster.start_controller()
    study.wait()
    assert not trainings(cluster, before), "trained again"
    assert_same_result(finished, study.workspace)


def test_a_training_outlives_a_killed_snakemake_and_is_not_done_again(
    cluster: Cluster, finished: Workspace, study: Study
) -> None:
    process = study.suspend_training()
    study.process.kill()
    study.process.wait()
    study.workspace.wait_for_end()
    again = Study(study.workspace)
    before = last_number(cluster)
    cluster.wait_for(
        lambda found: any(job.number > before and job.state == "RUNNING" for job in found), "the second training"
    )
    deadline = time.monotonic() + 60
    while "waiting for it" not in again.log_of_training():
        assert time.monotonic() < deadline, again.said()
        time.sleep(0.2)
    process.resume()
    again.wait()
    assert "already trained" in again.log_of_training()
    assert_same_result(finished, study.workspace)


def test_a_training_beyond_its_time_goes_on_with_more(
    cluster: Cluster, finished: Workspace, without_a_run: Workspace
) -> None:
    without_a_run.edit("study.yaml", "minutes: 5", "minutes: 1")
    study = Study(without_a_run)
    process = study.suspend_training()
    (training,) = [job for job in trainings(cluster) if job.state == "RUNNING"]
    cluster.wait_for(
        lambda found: any(job.number == training.number and job.state == "TIMEOUT" for job in found),
        "Slurm to end the training",
        seconds=180,
    )
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    study.wait()
    assert "resuming from" in study.log_of_training()
    assert_same_result(finished, without_a_run)


def test_trainings_share_a_job_and_its_gpu(cluster: Cluster, finished: Workspace, tmp_path: Path) -> None:
    workspace = finished.copy(tmp_path / "study")
    runs = [f"results/runs/transformer/{recipe}/400/1" for recipe in ("human.random", "weak.random")]
    for run in runs:
        shutil.rmtree(workspace.folder / run)
    before = last_number(cluster)
    grouped = ["--groups", "train_model=trainings", "--group-components", "trainings=2"]
    one_gpu = ["--set-resource-scopes", "gpu=local", "--resources", "gpu=1"]
    models = [f"{run}/model.pt" for run in runs]
    workspace.snakemake(*SLURM, *grouped, *one_gpu, "--", *models)
    (shared,) = [job for job in cluster.jobs() if job.number > before]
    assert shared.rule.startswith("trainings")
    assert (shared.gpus, shared.partition) == (1, "gpu")
    for model in models:
        assert (workspace.folder / model).read_bytes() == (finished.folder / model).read_bytes()
