"""Routes to control the server, without a key: ``/_stats``, ``/_faults``, ``/_requests``, ``/_reset``."""

from __future__ import annotations

from fake_llm.faults import Faults
from fake_llm.http import Problem, Request, Response, reply
from fake_llm.state import State


async def stats(state: State, request: Request) -> Response:
    """``GET /_stats``: counts of what was served so far."""
    return reply(state.stats())


async def show_faults(state: State, request: Request) -> Response:
    """``GET /_faults``: the settings."""
    return reply(state.faults.as_json())


async def set_faults(state: State, request: Request) -> Response:
    """``POST /_faults``: change the settings named in the body."""
    try:
        state.faults.update(request.json())
    except ValueError as error:
        raise Problem(400, str(error)) from None
    return reply(state.faults.as_json())


async def requests(state: State, request: Request) -> Response:
    """``GET /_requests``: the last requests, oldest first, with their bodies but without keys."""
    return reply(list(state.last))


async def reset(state: State, request: Request) -> Response:
    """``POST /_reset``: forget counts, files, batches, jobs; with ``?faults=1`` the settings too."""
    state.reset()
    if request.query.get("faults") == "1":
        state.faults = Faults()
    return reply({"reset": True})
