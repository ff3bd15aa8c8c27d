"""Python processes that start at once: a server that has imported the large libraries forks one for each command.

Tests start scripts and Snakemake hundreds of times. Most of their time would go into importing torch, pandas and
Snakemake. The command of the server is used like ``python``. It hands a script or ``-m snakemake`` to the server, with
arguments, environment, folder and standard streams. It passes signals on, and ends as the forked process ends.
Everything else goes to the real Python. The server imports libraries only and no module of the project, so a script
runs the code of the checkout that it belongs to.

Tests that kill processes use the real Python, whose processes are all descendants of the one that a test starts.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import logging
import os
import random
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# What scripts and Snakemake import. `fairseq_cli` and `mtdata` set up logging when they are imported, so every process
# imports them itself.
LIBRARIES = (
    *("numpy", "pandas", "scipy.stats", "scipy.sparse", "sklearn.linear_model", "sklearn.feature_extraction.text"),
    *("torch", "fairseq", "fairseq.models.transformer", "fairseq.tasks.translation", "ctranslate2", "sentencepiece"),
    *("sacrebleu", "openai", "anthropic", "aiohttp", "genai_prices", "jsonschema", "yaml", "altair", "vl_convert"),
    *("snakemake.cli", "snakemake_executor_plugin_slurm", "snakemake_executor_plugin_kubernetes"),
    *("snakemake_storage_plugin_s3", "snakemake_logger_plugin_rich"),
)
# Read by libraries when they are loaded; what Snakemake sets for a job with one thread.
THREADS = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")}

VARIABLE = "WARM_PYTHON"  # the path of the command, for all processes of a test session

# It uses the standard library only, without site packages, so it starts in about 20 ms.
CLIENT = """\
#!{python} -IS
import json, os, signal, socket, sys
words = sys.argv[1:]
if not words or not (words[0].endswith(".py") or words[:2] == ["-m", "snakemake"]):
    os.execv({python!r}, [{python!r}, *words])
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
request = {{"words": words, "environment": dict(os.environ), "folder": os.getcwd(), "python": sys.argv[0]}}
text = json.dumps(request).encode()
socket.send_fds(server, [len(text).to_bytes(8, "big")], [0, 1, 2])
server.sendall(text)
answers = server.makefile("r")
process = int(answers.readline())
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
    signal.signal(number, lambda number, frame: os.kill(process, number))
status = int(answers.readline() or 9)
if os.WIFSIGNALED(status):
    signal.signal(os.WTERMSIG(status), signal.SIG_DFL) if os.WTERMSIG(status) != signal.SIGKILL else None
    os.kill(os.getpid(), os.WTERMSIG(status))
sys.exit(os.waitstatus_to_exitcode(status))
"""


def python() -> str:
    """The command that runs a script: the one of the server of this test session, or the real Python without one."""
    return os.environ.get(VARIABLE, sys.executable)


class WarmPython:
    """A running server and the command that uses it.

    Args:
        folder: an empty folder for the command and the server's socket.
    """

    def __init__(self, folder: Path) -> None:
        address = folder / "socket"
        self.command = folder / "bin" / "python"
        self.command.parent.mkdir(parents=True)
        self.command.write_text(CLIENT.format(python=sys.executable, address=str(address)), encoding="utf-8")
        self.command.chmod(0o755)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(address))
        listener.listen(64)
        self._server = subprocess.Popen(
            [sys.executable, __file__, str(listener.fileno())],
            stdin=subprocess.PIPE,
            pass_fds=[listener.fileno()],
            env={**os.environ, **THREADS},
        )
        listener.close()

    def stop(self) -> None:
        """End the server and whatever it still runs."""
        assert self._server.stdin
        self._server.stdin.close()
        self._server.wait()


class _Server:
    """Forks a process for each request; ends when its standard input does."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._events = selectors.DefaultSelector()
        self._events.register(listener, selectors.EVENT_READ, self._accept)
        self._events.register(sys.stdin, selectors.EVENT_READ, self._stop)
        self._clients: dict[socket.socket, int] = {}
        self._is_loaded = False

    def serve(self) -> None:
        while True:
            for key, _ in self._events.select():
                key.data(key.fileobj)

    def _stop(self, _: Any) -> None:
        for process in self._clients.values():
            os.kill(process, signal.SIGKILL)
        os._exit(0)

    def _accept(self, listener: socket.socket) -> None:
        if not self._is_loaded:
            for library in LIBRARIES:
                with contextlib.suppress(ImportError):  # an extra
                    importlib.import_module(library)
            logging.root.handlers.clear()  # some libraries add theirs
            logging.root.setLevel(logging.WARNING)
            gc.freeze()
            self._is_loaded = True
        client, _ = listener.accept()
        size, streams, _, _ = socket.recv_fds(client, 8, 3)
        text = b""
        while len(text) < int.from_bytes(size, "big"):
            text += client.recv(2**20)
        process = os.fork()
        if process == 0:
            self._events.close()
            for other in (listener, client, *self._clients):
                other.close()
            _become(json.loads(text), streams)
        for stream in streams:
            os.close(stream)
        client.sendall(f"{process}\n".encode())
        self._clients[client] = process
        ended = os.pidfd_open(process)
        self._events.register(client, selectors.EVENT_READ, self._hung_up)
        self._events.register(ended, selectors.EVENT_READ, lambda _: self._ended(client, ended))

    def _hung_up(self, client: socket.socket) -> None:
        """The command was killed: so is its process."""
        self._events.unregister(client)
        os.kill(self._clients[client], signal.SIGKILL)

    def _ended(self, client: socket.socket, ended: int) -> None:
        self._events.unregister(ended)
        os.close(ended)
        _, status = os.waitpid(self._clients.pop(client), 0)
        with contextlib.suppress(KeyError):  # it hung up
            self._events.unregister(client)
        with contextlib.suppress(OSError):
            client.sendall(f"{status}\n".encode())
        client.close()


def _become(request: dict[str, Any], streams: Sequence[int]) -> None:
    """Turn this process into the one that was asked for; it ends here."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
        os.close(stream)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, encoding="utf-8", errors=errors, closefd=False)  # noqa: SIM115
        for number, mode, errors in ((0, "r", "strict"), (1, "w", "strict"), (2, "w", "backslashreplace"))
    )
    sys.stderr.reconfigure(line_buffering=True)
    random.seed()
    words = request["words"]
    sys.executable = request["python"]
    first = os.getcwd() if words[0] == "-m" else os.path.dirname(os.path.abspath(words[0]))
    safe = [] if os.environ.get("PYTHONSAFEPATH") else [first]
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.path[:] = [*safe, *paths, *sys.path[1:]]
    sys.argv = words[1:] if words[0] == "-m" else words
    os._exit(_run(words))


def _run(words: Sequence[str]) -> int:
    """Run a script or a module as Python does, up to its exit status."""
    status = 0
    try:
        if words[0] == "-m":
            runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(words[0], run_name="__main__")
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
    except KeyboardInterrupt:
        status = -signal.SIGINT
    except BaseException:
        traceback.print_exc()
        status = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    if status == -signal.SIGINT:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    return status & 0xFF


if __name__ == "__main__":
    _Server(socket.socket(fileno=int(sys.argv[1]))).serve()
