"""Python processes that start at once: a server that has imported the large libraries forks one for each command.

Tests start scripts and Snakemake hundreds of times. Most of their time would go into importing torch, pandas and
Snakemake. The command of the server is used like ``python``. It hands a script, ``-c CODE`` or a module of
:data:`MODULES` to the server, with arguments, environment, folder and standard streams. It passes signals on, and ends
as the forked process ends. Everything else goes to the real Python. The server imports libraries only and no module of
the project, so a script runs the code of the checkout that it belongs to.

A forked process is not a descendant of the one that a test starts, but leads a process group. Who kills the command
kills the group. A signal to a module goes to the group, too, as from a terminal or a cluster.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
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
import types
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# What scripts and Snakemake import. `fairseq_cli` sets up logging when it is imported: trainings import it themselves.
LIBRARIES = (
    *("numpy", "pandas", "scipy.stats", "scipy.sparse", "scipy.optimize", "regex", "polib", "py3langid", "httpx2"),
    *("sklearn.linear_model", "sklearn.feature_extraction.text", "sklearn.pipeline", "sklearn.metrics", "jinja2"),
    *("torch", "torch._dynamo", "fairseq", "fairseq.models.transformer", "fairseq.tasks.translation"),
    *("ctranslate2", "ctranslate2.converters", "sentencepiece", "sacrebleu", "sacrebleu.significance", "openai"),
    *("anthropic", "aiohttp.web", "genai_prices", "jsonschema", "yaml", "altair", "vl_convert", "mtdata.iso.bcp47"),
    *("transformers.trainer", "transformers.models.llama.modeling_llama", "transformers.models.gpt2.modeling_gpt2"),
    *("peft", "huggingface_hub.errors"),
    *("snakemake.cli", "snakemake_executor_plugin_slurm", "snakemake_executor_plugin_kubernetes"),
    *("snakemake_storage_plugin_s3", "snakemake_logger_plugin_rich"),
)
MODULES = ("snakemake", "fake_llm")
# Libraries that do more than define names when they are imported, and the scripts that must see it.
IMPORTED_AGAIN = {"fetch_model.py": "huggingface_hub", "fetch_mtdata.py": "mtdata"}
# What scripts set before they import the libraries of LLMs.
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
# Read by libraries when they are loaded; what Snakemake sets for a job with one thread.
THREADS = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")}

VARIABLE = "WARM_PYTHON"  # the path of the command, for all processes of a test session

# It uses the standard library only, without site packages, so it starts in about 20 ms.
CLIENT = """\
#!{python} -IS
import json, os, signal, socket, sys
words = sys.argv[1:]
is_module = words[:1] == ["-m"] and words[1] in {modules}
if not words or not (words[0] == "-c" or is_module or os.path.isfile(words[0])):
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
    signal.signal(number, lambda number, frame: (os.killpg if is_module else os.kill)(process, number))
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
        text = CLIENT.format(python=sys.executable, address=str(address), modules=MODULES)
        self.command.write_text(text, encoding="utf-8")
        self.command.chmod(0o755)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(address))
        listener.listen(64)
        self._server = subprocess.Popen(
            [sys.executable, __file__, str(listener.fileno())],
            stdin=subprocess.PIPE,
            pass_fds=[listener.fileno()],
            env={**os.environ, **THREADS, **OFFLINE},
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
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; who has started this ends it
        while True:
            for key, _ in self._events.select():
                key.data(key.fileobj)

    def _stop(self, _: Any) -> None:
        for process in self._clients.values():
            os.killpg(process, signal.SIGKILL)
        os._exit(0)

    def _accept(self, listener: socket.socket) -> None:
        if not self._is_loaded:
            _load()
            self._is_loaded = True
        client, _ = listener.accept()
        size, streams, _, _ = socket.recv_fds(client, 8, 3)
        text = b""
        while len(text) < int.from_bytes(size, "big"):
            text += client.recv(2**20)
        process = os.fork()
        os.setpgid(process, process)  # both do it: whoever goes on first needs it
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
        """The command was killed: so is its process, with what that has started."""
        self._events.unregister(client)
        os.killpg(self._clients[client], signal.SIGKILL)

    def _ended(self, client: socket.socket, ended: int) -> None:
        self._events.unregister(ended)
        os.close(ended)
        _, status = os.waitpid(self._clients.pop(client), 0)
        with contextlib.suppress(KeyError):  # it hung up
            self._events.unregister(client)
        with contextlib.suppress(OSError):
            client.sendall(f"{status}\n".encode())
        client.close()


def _load() -> None:
    """Import the libraries, and let them do once what they do in every process that uses them."""
    logging.disable()  # some libraries are talkative
    for library in LIBRARIES:
        with contextlib.suppress(ImportError):  # an extra
            importlib.import_module(library)
    importlib.import_module("snakemake.cli").get_argument_parser()  # looks for plugins
    langid = importlib.import_module("py3langid.langid")
    langid._load_model_file = functools.cache(langid._load_model_file)  # unpacks it
    langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE)
    options, utils = (importlib.import_module(f"fairseq.{name}") for name in ("options", "dataclass.utils"))
    with warnings.catch_warnings(action="ignore"):  # reads its grammar and looks for the source of all modules
        command = options.parse_args_and_arch(options.get_training_parser(), ["data", "--arch", "transformer"])
        utils.convert_namespace_to_omegaconf(command)
    logging.root.handlers.clear()  # some add theirs
    logging.disable(logging.NOTSET)
    logging.root.setLevel(logging.WARNING)
    gc.freeze()


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
    is_script = words[0] not in ("-c", "-m")
    name = os.path.basename(words[1] if words[0] == "-m" else words[0])
    Path("/proc/self/comm").write_text(name[:15], encoding="utf-8")  # the name that `top` and psutil show
    sys.executable = request["python"]
    first = os.path.dirname(os.path.abspath(words[0])) if is_script else os.getcwd()
    sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
    if library := IMPORTED_AGAIN.get(name):
        for module in [module for module in sys.modules if f"{module}.".startswith(f"{library}.")]:
            del sys.modules[module]
    safe = [] if os.environ.get("PYTHONSAFEPATH") else [first]
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.path[:] = [*safe, *paths, *sys.path[1:]]
    sys.argv = words if is_script else ["-c", *words[2:]] if words[0] == "-c" else words[1:]
    os._exit(_run(words))


def _run(words: Sequence[str]) -> int:
    """Run a script, code or a module as Python does, up to its exit status."""
    status = 0
    try:
        if words[0] == "-m":
            runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        elif words[0] == "-c":
            sys.modules["__main__"] = types.ModuleType("__main__")
            exec(words[1], vars(sys.modules["__main__"]))
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
