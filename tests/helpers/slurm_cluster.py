"""A real Slurm of one node on this machine: munge, slurmctld and slurmd, started by hand and stopped at the end.

A job step asks the configuration in its default place, so that the cluster takes ``/etc/slurm`` while it runs. It needs
root, Debian's packages slurm-wlm and munge, and a machine without another Slurm.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psutil

GPUS = 2
_PREFIX = "slurm-"  # of the folders of clusters
CONFIGURATION = Path("/etc/slurm")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol")
_PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"

SLURM_CONF = """\
ClusterName=workbench
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={daemon_port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
GresTypes=gpu
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ReturnToService=2
MinJobAge=3600
KillWait=5
SchedulerParameters=batch_sched_delay=0,sched_interval=1
SlurmdParameters=config_overrides
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} Gres=gpu:{gpus} State=UNKNOWN
PartitionName=cpu Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=ALL MaxTime=INFINITE State=UP
"""
# Slurm hands out devices that exist; what they are does not matter to it.
GRES_CONF = "Name=gpu File=/dev/null\nName=gpu File=/dev/zero\n"


def new_folder() -> Path:
    """An empty folder for a cluster; pytest's own folders are too long for munge's socket."""
    return Path(tempfile.mkdtemp(prefix=_PREFIX))


def clear_leftovers() -> None:
    """End the cluster of tests that were killed, and remove its links from ``/etc/slurm``."""
    links = [link for link in CONFIGURATION.glob("*.conf") if link.is_symlink()]
    links = [link for link in links if link.readlink().parent.name.startswith(_PREFIX)]
    for folder in {link.readlink().parent for link in links}:
        owner = folder / "owner"
        if not owner.exists() or not psutil.pid_exists(int(owner.read_text())):
            Cluster(folder, links).stop()
            shutil.rmtree(folder, ignore_errors=True)


def why_not() -> str:
    """Why no cluster can be started here; empty where one can."""
    missing = [name for name in PROGRAMS if not shutil.which(name, path=_PATH)]
    if missing:
        return f"{', '.join(missing)} not found; on Debian: apt-get install slurm-wlm munge"
    if os.geteuid() != 0:
        return "starting slurmd and munged needs root"
    if (CONFIGURATION / "slurm.conf").exists():
        return f"{CONFIGURATION}/slurm.conf exists: this machine has another Slurm"
    return ""


@dataclass(frozen=True)
class Job:
    """What Slurm remembers of a job."""

    number: int
    partition: str
    state: str
    rule: str
    gpus: int
    start: datetime | None
    end: datetime | None


class Cluster:
    """The daemons, with their files below ``folder``; the path must be short enough for a socket."""

    def __init__(self, folder: Path, links: Iterable[Path] = ()) -> None:
        self.folder = folder
        self._links = list(links)

    def start(self) -> None:
        """Start everything and wait for the node."""
        (self.folder / "owner").write_text(str(os.getpid()))
        for name in ("munge", "state", "spool"):
            (self.folder / name).mkdir(mode=0o755)
        values = {
            "host": socket.gethostname().partition(".")[0],
            "folder": self.folder,
            # More than there are, so that GPUs are what jobs wait for.
            "cpus": 3 * GPUS,
            # Slurm takes no job for the memory that the system itself holds.
            "memory": psutil.virtual_memory().total // 2**20 * 9 // 10,
            "gpus": GPUS,
            "controller_port": _free_port(),
            "daemon_port": _free_port(),
        }
        CONFIGURATION.mkdir(exist_ok=True)
        for name, text in (("slurm.conf", SLURM_CONF.format_map(values)), ("gres.conf", GRES_CONF)):
            (self.folder / name).write_text(text, encoding="utf-8")
            (CONFIGURATION / name).symlink_to(self.folder / name)
            self._links.append(CONFIGURATION / name)
        munge = self.folder / "munge"
        (munge / "key").write_bytes(os.urandom(1024))
        (munge / "key").chmod(0o400)
        paths = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        self._run("munged", "--force", *(f"--{option}={munge / name}" for option, name in paths.items()))
        self.start_controller()
        self._run("slurmd")
        _wait(lambda: "idle" in self._run("sinfo", "--noheader", "--format=%T"), "the node to be idle")

    def stop(self) -> None:
        """End the daemons and their jobs, and leave ``/etc/slurm`` as it was."""
        if (self.folder / "slurmctld.pid").exists():
            self._run("scancel", "--user=root", check=False)
        for name in ("slurmd.pid", "slurmctld.pid", "munge/pid"):
            self._end(name)
        for link in self._links:
            link.unlink()

    def start_controller(self) -> None:
        """Start slurmctld, with the jobs that it knew."""
        self._run("slurmctld")
        _wait(lambda: "UP" in self._run("scontrol", "ping", check=False), "slurmctld to answer")

    def stop_controller(self) -> None:
        """End slurmctld; what runs goes on running."""
        self._end("slurmctld.pid")

    def jobs(self) -> list[Job]:
        """Every job of the cluster's life, by number."""
        found = []
        for line in self._run("scontrol", "--oneliner", "show", "jobs", check=False).splitlines():
            fields = dict(word.split("=", 1) for word in line.split() if "=" in word)
            if "JobId" in fields:
                gpus = fields.get("TresPerJob", "").rpartition("gpu:")[2] or "0"
                times = [_time(fields[name]) for name in ("StartTime", "EndTime")]
                rule = fields.get("Comment", "").removeprefix("rule_").partition("_wildcards_")[0]
                found.append(
                    Job(int(fields["JobId"]), fields["Partition"], fields["JobState"], rule, int(gpus), *times)
                )
        return sorted(found, key=lambda job: job.number)

    def cancel(self, job: Job) -> None:
        """What a person or an administrator does with ``scancel``."""
        self._run("scancel", str(job.number))

    def wait_for(self, found: Callable[[list[Job]], bool], what: str, seconds: float = 60) -> None:
        """Wait until something holds of the jobs."""
        _wait(lambda: found(self.jobs()), what, seconds)

    def _run(self, *command: str, check: bool = True) -> str:
        done = subprocess.run(
            command, env={**os.environ, "PATH": _PATH}, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert not check or done.returncode == 0, f"{' '.join(command)}: {done.stdout}"
        return done.stdout

    def _end(self, pid_file: str) -> None:
        """End a daemon by the process id that it wrote, and wait until it is gone."""
        path = self.folder / pid_file
        if path.exists():
            pid = int(path.read_text())
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            _wait(lambda: not psutil.pid_exists(pid), f"{pid_file} to end")


def _free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def _time(text: str) -> datetime | None:
    return None if text == "Unknown" else datetime.fromisoformat(text)


def _wait(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.2)
