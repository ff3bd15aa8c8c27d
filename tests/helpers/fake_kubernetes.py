"""A Kubernetes API on 127.0.0.1 that runs each job's command in an empty folder of this machine.

It knows what `snakemake-executor-plugin-kubernetes` asks for: secrets, jobs and their states. It shows that jobs need
nothing of the folder that Snakemake was started in. It knows nothing of images, nodes, limits and permissions.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from warm_python import python

KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters: [{{name: fake, cluster: {{server: "{url}"}}}}]
users: [{{name: fake, user: {{token: made-up}}}}]
contexts: [{{name: fake, context: {{cluster: fake, user: fake}}}}]
current-context: fake
"""

Json = dict[str, Any]


class Cluster:
    """What the API knows.

    Attributes:
        specifications: of every job that was accepted, in order.
        kubeconfig: the file that names the cluster, for the variable of the same name.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kubeconfig = folder / "kubeconfig"
        self.specifications: list[Json] = []
        self.secrets: dict[str, Json] = {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        # What a container has on its PATH: Python, and a pip that finds the plugin in the image.
        self.programs = folder / "bin"
        self.programs.mkdir()
        for name, command in (("python", f'exec {python()} "$@"'), ("pip", "exit 0")):
            program = self.programs / name
            program.write_text(f"#!/bin/sh\n{command}\n", encoding="utf-8")
            program.chmod(0o755)

    def start(self, job: Json) -> str:
        """Start a job's container; what is wrong with the job as text, empty if nothing is."""
        name = job["metadata"]["name"]
        container = job["spec"]["template"]["spec"]["containers"][0]
        asked, limits = container["resources"]["requests"], container["resources"].get("limits", {})
        for resource, amount in asked.items():
            if "/" in resource and limits.get(resource) != amount:
                return f"{resource}: Limit must be set for non overcommitable resources"
        self.specifications.append(job)
        folder = self.folder / name
        folder.mkdir()
        with (folder.parent / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                [*container["command"], *container["args"]],
                cwd=folder,
                env=self._environment(container),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return ""

    def status(self, name: str) -> Json:
        """State of a job as the API tells it."""
        code = self.processes[name].poll()
        return {"active": 1} if code is None else {"succeeded" if code == 0 else "failed": 1}

    def said(self) -> str:
        """The last lines of every job's output."""
        return "\n".join(path.read_text(errors="replace")[-2000:] for path in sorted(self.folder.glob("*.log")))

    def stop(self) -> None:
        """End what still runs."""
        for process in self.processes.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _environment(self, container: Json) -> dict[str, str]:
        given = {}
        for variable in container.get("env", []):
            reference = variable["valueFrom"]["secretKeyRef"]
            value = self.secrets[reference["name"]]["data"][reference["key"]]
            given[variable["name"]] = base64.b64decode(value).decode()
        return {"PATH": f"{self.programs}:{os.environ['PATH']}", "HOME": str(self.folder), **given}


class _Handler(BaseHTTPRequestHandler):
    cluster: Cluster

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path.endswith("/secrets"):
            self.cluster.secrets[body["metadata"]["name"]] = body
        elif problem := self.cluster.start(body):
            return self._answer(422, {"kind": "Status", "message": problem})
        return self._answer(201, body)

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].split("/")
        if path[-1] == "status":
            return self._answer(200, {"kind": "Job", "status": self.cluster.status(path[-2])})
        return self._answer(200, {"kind": "PodList", "items": []})

    def do_DELETE(self) -> None:
        self._answer(200, {"kind": "Status", "status": "Success"})

    def _answer(self, status: int, body: Json) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: Any) -> None:
        """Say nothing on the terminal."""


@contextmanager
def fake_kubernetes(folder: Path) -> Iterator[Cluster]:
    """A cluster on a free port, which ends with the block."""
    cluster = Cluster(folder)
    handler = type("Handler", (_Handler,), {"cluster": cluster})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        cluster.kubeconfig.write_text(KUBECONFIG.format(url=f"http://127.0.0.1:{server.server_port}"), encoding="utf-8")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield cluster
        finally:
            server.shutdown()
            thread.join()
            cluster.stop()
