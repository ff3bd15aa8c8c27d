"""Starts the fake LLM provider of ``fake_llm`` for a test."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from paths import ROOT
from warm_python import python

# Options of the command line; everything else is a fault.
OPTIONS = ("pairs", "pairs_limit", "no_lookup", "ctranslate2", "spm", "host", "port")


class Server:
    """A running fake server.

    Attributes:
        url: where it is, without a slash at the end; OpenAI's API is at :attr:`openai`, Anthropic's at :attr:`url`.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.openai = f"{url}/v1"

    def stats(self) -> dict[str, Any]:
        """What it served so far: see README.md of the server."""
        return self._get("/_stats")

    def requests(self) -> list[dict[str, Any]]:
        """The last 200 requests, oldest first: method, path, key, status, body as text."""
        return self._get("/_requests")

    def faults(self, **settings: Any) -> dict[str, Any]:
        """Change faults, such as ``latency=0.05, refusal=0.2, http_500={"share": 1, "attempts": 1}``; None: back."""
        return self._post("/_faults", settings)

    def reset(self, faults: bool = False) -> None:
        """Forget counts, files, batches and jobs; with ``faults`` all fault settings, too."""
        self._post("/_reset?faults=1" if faults else "/_reset", {})

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=30) as response:
            return json.load(response)

    def _post(self, path: str, value: Any) -> Any:
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(self.url + path, json.dumps(value).encode(), headers, method="POST")
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)


@contextmanager
def fake_llm(**options: Any) -> Iterator[Server]:
    """A fake server on a free port, in a separate process that ends with this one.

    Args:
        options: ``pairs`` (path or paths), ``no_lookup=True``, … as on the command line; all others are faults
            as :meth:`Server.faults` takes them.
    """
    command = [python(), "-m", "fake_llm", "--until-stdin-closes"]
    for name, value in {"port": 0, **{name: options.pop(name) for name in OPTIONS if name in options}}.items():
        flag = f"--{name.replace('_', '-')}"
        values = value if isinstance(value, (list, tuple)) else [] if value is True else [value]
        command += [flag, *map(str, values)] if value is not False else []
    command += ["--faults", json.dumps(options)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True)
    try:
        line = process.stdout.readline()
        if "http://" not in line:
            raise RuntimeError(f"the fake server did not start: {' '.join(command)}")
        yield Server(line.split()[-1])
    finally:
        process.stdin.close()
        process.wait(timeout=30)
        process.stdout.close()
