"""Serve the application on a port with uvicorn."""

from __future__ import annotations

import os
import socket
import sys
import threading

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from fake_llm.app import TRANSPORT, App


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol, which also passes the connection to the application, so that it can drop it."""

    def on_message_begin(self) -> None:
        """Put the transport into the scope of a new request."""
        super().on_message_begin()
        self.scope[TRANSPORT] = self.transport


def serve(app: App, host: str, port: int, until_stdin_closes: bool) -> None:
    """Serve until interrupted, and print the address in one line once ready. Port 0: any free port."""
    listener = socket.create_server((host, port), backlog=2048)
    config = uvicorn.Config(
        app,
        http=Protocol,
        loop="uvloop",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
        timeout_keep_alive=300,
        timeout_graceful_shutdown=1,
    )
    if until_stdin_closes:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    print(f"fake LLM at http://{host}:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


def _end_with_parent() -> None:
    """End the process when the standard input closes, however the parent process ended."""
    sys.stdin.buffer.read()
    os._exit(0)
