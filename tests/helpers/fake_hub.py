"""A hub of models on 127.0.0.1 that speaks as much of Hugging Face's protocol as downloads need."""

from __future__ import annotations

import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_BROKEN_AT = 1000  # bytes of a file after which the hub hangs up


class FakeHub:
    """Serves the files of a folder as the model ``owner/tiny``, to whom it may.

    Attributes:
        folder: with the files.
        token: key that the model is gated by, None for none.
        broken: names of files in the midst of which the connection breaks off, once.
        damaged: names of files of which the hub tells another digest.
        unwell: status that everything is answered with, None for none.
        asked: paths of the files that were downloaded, in order.
        told: the values of the header Authorization.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.token: str | None = None
        self.broken: set[str] = set()
        self.damaged: set[str] = set()
        self.unwell: int | None = None
        self.asked: list[str] = []
        self.told: list[str | None] = []
        hub = self

        class Handler(_Handler):
            """Knows its hub."""

        Handler.hub = hub
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> FakeHub:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def fake_hub(folder: Path) -> Iterator[FakeHub]:
    """A hub that serves the files of a folder while the block runs."""
    with FakeHub(folder) as hub:
        yield hub


class _Handler(http.server.BaseHTTPRequestHandler):
    hub: FakeHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        """Answer without the content."""
        self._answer(with_content=False)

    def do_GET(self) -> None:
        """Answer."""
        self._answer(with_content=True)

    def _answer(self, with_content: bool) -> None:
        hub = self.hub
        hub.told.append(self.headers.get("Authorization"))
        path = self.path.partition("?")[0]
        if hub.unwell:
            self._refuse(hub.unwell, "Unwell")
        elif not path.startswith(("/api/models/owner/tiny", "/owner/tiny")):
            self._refuse(401, "RepoNotFound")
        elif hub.token and self.headers.get("Authorization") != f"Bearer {hub.token}":
            self._refuse(401, "GatedRepo")
        elif path.startswith("/api/"):
            self._tell_of_model(path.rpartition("/revision/")[2])
        else:
            self._send_file(path, with_content)

    def _refuse(self, status: int, code: str) -> None:
        content = json.dumps({"error": code}).encode()
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", code)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _tell_of_model(self, revision: str) -> None:
        if revision not in ("main", COMMIT):
            self._refuse(404, "RevisionNotFound")
            return
        files = []
        for path in sorted(p for p in self.hub.folder.iterdir() if p.is_file()):
            content = path.read_bytes()
            entry = {"rfilename": path.name, "size": len(content), "blobId": hashlib.sha1(content).hexdigest()}
            if path.suffix == ".safetensors":
                other = b"!" if path.name in self.hub.damaged else b""
                digest = hashlib.sha256(content + other).hexdigest()
                entry["lfs"] = {"sha256": digest, "size": len(content), "pointerSize": 130}
            files.append(entry)
        content = json.dumps({"id": "owner/tiny", "sha": COMMIT, "siblings": files}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _send_file(self, path: str, with_content: bool) -> None:
        file = self.hub.folder / path.rpartition("/")[2]
        if not file.is_file():
            self._refuse(404, "EntryNotFound")
            return
        content = file.read_bytes()
        span = self.headers.get("Range")
        first = int(span.removeprefix("bytes=").partition("-")[0]) if span else 0
        self.send_response(206 if span else 200)
        self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(content) - first))
        self.end_headers()
        if not with_content:
            return
        self.hub.asked.append(file.name)
        if file.name in self.hub.broken:
            self.hub.broken.remove(file.name)
            self.wfile.write(content[first : first + _BROKEN_AT])
            self.close_connection = True
            self.connection.close()
            return
        self.wfile.write(content[first:])
