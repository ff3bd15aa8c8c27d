"""Uploaded files and fine-tuning by OpenAI's protocol, at OpenAI or at any server that speaks it."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import IO, Any

from llm.providers.cleaning import MOST_NAME, count_of, given_name, name_of, one_line, record_of, seconds_of
from llm.providers.connection import CLOCK_SECONDS, Connection, below, if_there, recent
from llm.providers.protocol import TuningEvent, TuningRequest, TuningState, TuningStatus

_JOBS = "/fine_tuning/jobs"
_STATUSES = {
    "succeeded": TuningStatus.SUCCEEDED,
    "failed": TuningStatus.FAILED,
    "cancelled": TuningStatus.CANCELLED,
}


class TuningApi:
    """A provider's fine-tuning; every coroutine raises :class:`llm.calls.Failure` as those of an API do.

    Args:
        connection: to the server, of :class:`llm.providers.openai.OpenAIApi`.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def check(self) -> None:
        """List one job, which needs the permission to fine-tune and costs nothing."""
        await self._connection.ask("get", _JOBS, options={"params": {"limit": 1}})

    async def upload(self, path: Path, sha256: str) -> str:
        """The server's name for the file with this content: of an earlier upload, or of a new one."""
        with path.open("rb") as file:
            name = f"wb-{sha256[:40]}.jsonl"
            return await upload_once(self._connection, name, file, path.stat().st_size, "fine-tune")

    async def has_file(self, remote_id: str) -> bool:
        """Whether an uploaded file is still there and usable."""
        usable = False
        with if_there():
            path = below("/files", remote_id)
            usable = await self._connection.ask("get", path, lambda file: bool(file.get("status") != "error"))
        return usable

    async def create(self, request: TuningRequest) -> TuningState:
        """Create a job whose metadata hold the intent.

        If the connection is lost on the way, the job may exist: call :meth:`find` first.
        """
        method: dict[str, Any] = {"type": "supervised"}
        if request.hyperparameters:
            method["supervised"] = {"hyperparameters": dict(request.hyperparameters)}
        body = {
            "model": request.model,
            "training_file": request.training_file,
            "validation_file": request.validation_file,
            "method": method,
            "metadata": {"intent": request.intent},
            "seed": request.seed,
            "suffix": request.suffix,
        }
        given = {name: value for name, value in body.items() if value is not None}
        return await self._connection.ask("post", _JOBS, _state, once=True, body=given)

    async def find(self, request: TuningRequest, created_after: float) -> list[TuningState]:
        """Jobs that may be the one created with ``request``, the likeliest first.

        These are the jobs whose metadata hold the intent. A server may keep no metadata; then they are the jobs with
        the same files, model and seed.

        Args:
            request: as given to :meth:`create`.
            created_after: UTC, in seconds since 1970; clocks may disagree by an hour.
        """
        earliest = created_after - CLOCK_SECONDS
        jobs = self._connection.listed(_JOBS, _state, **{"metadata[intent]": request.intent})
        found = await recent(jobs, lambda state: state.created, earliest)
        alike = [state for state in found if state.created >= earliest and _does(state.raw, request)]
        return [state for state in found if intent_of(state.raw) == request.intent] or alike

    async def job(self, remote_id: str) -> TuningState:
        """How far a job is."""
        return await self._connection.ask("get", below(_JOBS, remote_id), _state)

    async def events(self, remote_id: str, seen: Collection[str]) -> list[TuningEvent]:
        """What a job has reported since the events ``seen``, the oldest first; empty if the server has no events."""
        new: list[TuningEvent] = []
        with if_there():
            # The newest come first, so paging ends at the first known event.
            async for event in self._connection.listed(below(_JOBS, remote_id, "/events"), _event):
                if event.id in seen:
                    break
                new.append(event)
        return new[::-1]

    async def checkpoints(self, remote_id: str) -> list[Mapping[str, Any]]:
        """A job's checkpoints, the first one first; empty if the server has none."""
        found: list[Mapping[str, Any]] = []
        with if_there():
            found = [item async for item in self._connection.listed(below(_JOBS, remote_id, "/checkpoints"), record_of)]
        return sorted(found, key=lambda checkpoint: checkpoint.get("step_number") or 0)

    async def cancel(self, remote_id: str) -> TuningState:
        """End a job."""
        return await self._connection.ask("post", below(_JOBS, remote_id, "/cancel"), _state)

    async def delete(self, folder: str, name: str) -> bool:
        """Delete one of the ``files`` or fine-tuned ``models``; false if there is none."""
        deleted = False
        with if_there((404,)):
            deleted = await self._connection.ask("delete", below(f"/{folder}", name), lambda _: True)
        return deleted

    async def has_model(self, model: str) -> bool:
        """Whether there is such a model."""
        found = False
        with if_there():
            found = await self._connection.ask("get", below("/models", model), lambda _: True)
        return found


async def upload_once(connection: Connection, name: str, file: IO[bytes], size: int, purpose: str) -> str:
    """The server's id of a file: of an earlier upload with this name and size, or of a new one.

    Args:
        connection: to the server.
        name: a name that only this content has.
        file: the content.
        size: its length in bytes.
        purpose: as the server calls it.
    """
    params = {"purpose": purpose, "order": "desc"}
    async for listed in connection.listed("/files", dict, **params):
        # An earlier attempt may have ended after its upload.
        if listed.get("filename") == name and listed.get("bytes") == size and listed.get("status") != "error":
            return given_name(listed["id"])
    return await connection.ask(
        "post",
        "/files",
        lambda created: given_name(created["id"]),
        body={"purpose": purpose},
        files={"file": (name, file, "application/jsonl")},
        options={"headers": {"Content-Type": "multipart/form-data"}, "timeout": connection.file_timeout},
    )


def intent_of(remote: Mapping[str, Any]) -> str | None:
    """The intent that a batch or job was created with, None if its metadata hold none."""
    return name_of((remote.get("metadata") or {}).get("intent"))


def _does(job: Mapping[str, Any], request: TuningRequest) -> bool:
    """Whether a job without metadata does what the request asks for; without a seed the provider chooses one."""
    asked = request.training_file, request.validation_file, request.model
    same = asked == (job.get("training_file"), job.get("validation_file"), job.get("model"))
    return same and not job.get("metadata") and (request.seed is None or job.get("seed") == request.seed)


def _event(event: Mapping[str, Any]) -> TuningEvent:
    data = record_of(event.get("data"))
    return TuningEvent(
        given_name(event["id"]),
        seconds_of(event["created_at"]),
        one_line(event["level"]),
        one_line(event["message"]),
        data if isinstance(data, dict) else {},
    )


def _state(job: Mapping[str, Any]) -> TuningState:
    """A job in a parsed answer.

    Raises:
        AttributeError, LookupError, TypeError, ValueError: it is not a job.
    """
    raw = record_of(job)
    finished = raw.get("finished_at")
    return TuningState(
        remote_id=given_name(raw["id"]),
        status=_STATUSES.get(raw["status"], TuningStatus.RUNNING),
        word=one_line(raw["status"], MOST_NAME),
        created=seconds_of(raw["created_at"]),
        finished=None if finished is None else seconds_of(finished),
        tuned_model=name_of(raw.get("fine_tuned_model")),
        trained_tokens=count_of(raw.get("trained_tokens")),
        message=one_line((raw.get("error") or {}).get("message")),
        raw=raw,
    )
