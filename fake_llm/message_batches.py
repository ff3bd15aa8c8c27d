"""Anthropic's message batches: create, retrieve, list, cancel, results, delete."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fake_llm import messages
from fake_llm.batch_run import Line, Result, Run, carry_out, settings_for_next
from fake_llm.http import Cut, Problem, Request, Response, reply
from fake_llm.state import State

MOST_REQUESTS = 100_000
_CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


@dataclass
class MessageBatch:
    """One batch; ``host`` is the server's address in the client's request."""

    id: str
    host: str
    run: Run
    created: datetime
    ended: datetime | None = None
    cancelled: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """The batch in Anthropic's format: no counts before its end."""
        run = self.run
        outcomes = ("succeeded", "errored", "canceled", "expired")
        counts = {outcome: run.of(outcome) if self.ended else 0 for outcome in outcomes}
        status = "ended" if self.ended else "canceling" if run.cancelled else "in_progress"
        results = f"http://{self.host}/v1/messages/batches/{self.id}/results"
        return {
            "id": self.id,
            "type": "message_batch",
            "processing_status": status,
            "request_counts": {"processing": 0 if self.ended else run.total, **counts},
            "created_at": _time(self.created),
            "expires_at": _time(self.created + timedelta(hours=24)),
            "ended_at": _time(self.ended),
            "cancel_initiated_at": _time(self.cancelled),
            "archived_at": None,
            "results_url": results if self.ended else None,
        }


async def create(state: State, request: Request) -> Response:
    """``POST /v1/messages/batches``."""
    messages.check_version(request)
    name = f"msgbatch_fake{state.number():08x}"
    lines = _lines(request.json().get("requests"))
    run = Run(name, request.key, True, lines, settings_for_next(state), len(lines))
    batch = MessageBatch(name, request.headers.get("host", ""), run, datetime.now(UTC))
    state.message_batches[name] = batch
    state.count(request.key, batches=1)
    response = reply(batch.as_json())
    state.start(_live(state, batch))
    if state.faults.batch.lost > 0:
        state.faults.batch.lost -= 1
        raise Cut
    return response


async def retrieve(state: State, request: Request, name: str) -> Response:
    """``GET /v1/messages/batches/{id}``."""
    return reply(_find(state, name).as_json())


async def listed(state: State, request: Request) -> Response:
    """``GET /v1/messages/batches``, newest first, pages cut by ``after_id``, ``before_id`` and ``limit``."""
    names = list(reversed(state.message_batches))
    after, before = request.query.get("after_id"), request.query.get("before_id")
    limit = int(request.query.get("limit") or 20)
    if after in names:
        names = names[names.index(after) + 1 :]
    if before in names:
        names = names[max(0, names.index(before) - limit) : names.index(before)]
    data = [state.message_batches[name].as_json() for name in names[:limit]]
    first, last = (names[0], names[:limit][-1]) if names else (None, None)
    return reply({"data": data, "has_more": len(names) > limit, "first_id": first, "last_id": last})


async def cancel(state: State, request: Request, name: str) -> Response:
    """``POST /v1/messages/batches/{id}/cancel``."""
    batch = _find(state, name)
    if batch.ended:
        raise Problem(400, f"Batch {name} has ended and cannot be canceled.")
    batch.run.cancelled = True
    batch.cancelled = batch.cancelled or datetime.now(UTC)
    return reply(batch.as_json())


async def results(state: State, request: Request, name: str) -> Response:
    """``GET /v1/messages/batches/{id}/results``: JSON lines in no order."""
    batch = _find(state, name)
    if not batch.ended:
        raise Problem(400, f"Batch {name} has not ended: no results yet.")
    return Response(200, b"".join(map(_line, batch.run.results)), content_type=b"application/x-jsonl")


async def delete(state: State, request: Request, name: str) -> Response:
    """``DELETE /v1/messages/batches/{id}``."""
    if not _find(state, name).ended:
        raise Problem(400, f"Batch {name} has not ended: cancel it first.")
    del state.message_batches[name]
    return reply({"id": name, "type": "message_batch_deleted"})


async def _live(state: State, batch: MessageBatch) -> None:
    """Take a batch through its life."""
    await carry_out(state, batch.run, lambda body, digest: messages.read(state, body, digest), messages.write)
    batch.ended = datetime.now(UTC)


def _lines(requests: Any) -> list[Line]:
    """The requests of a batch; raises :class:`Problem` 400 for what Anthropic refuses at once."""
    if not isinstance(requests, list) or not requests:
        raise Problem(400, "requests: Field required")
    if len(requests) > MOST_REQUESTS:
        raise Problem(400, f"requests: at most {MOST_REQUESTS} items")
    lines: list[Line] = []
    seen: set[str] = set()
    for place, one in enumerate(requests):
        name, params = (one.get("custom_id"), one.get("params")) if isinstance(one, dict) else (None, None)
        if not isinstance(name, str) or not _CUSTOM_ID.fullmatch(name):
            raise Problem(400, f"requests.{place}.custom_id: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$'")
        if not isinstance(params, dict):
            raise Problem(400, f"requests.{place}.params: Field required")
        if name in seen:
            raise Problem(400, f"requests: duplicate custom_id '{name}'")
        seen.add(name)
        lines.append(Line(name, params))
    return lines


def _line(result: Result) -> bytes:
    """One line of the results."""
    outcome = json.dumps({"type": result.outcome}).encode()
    if result.body:
        name = b"message" if result.outcome == "succeeded" else b"error"
        outcome = outcome[:-1] + b', "' + name + b'": ' + result.body + b"}"
    return b'{"custom_id": "' + result.custom_id.encode() + b'", "result": ' + outcome + b"}\n"


def _find(state: State, name: str) -> MessageBatch:
    if name not in state.message_batches:
        raise Problem(404, f"Message batch {name} not found.")
    return state.message_batches[name]


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
