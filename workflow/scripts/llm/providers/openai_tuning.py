"""Uploaded files and fine-tuning by OpenAI's protocol, at OpenAI or at any server that speaks it."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import IO, Any

from llm.providers.cleaning import MOST_NAME, count_of, given_name, name_of, one_line, record_of, seconds_of
from llm.providers.connection import CLOCK_SECONDS, MISSING, Connection, below, if_there, recent
from llm.providers.protocol import TuningEvent, TuningState, TuningStatus

_JOBS = "/fine_tuning/jobs"
_STATUSES = {str(status): status for status in TuningStatus}
_OF_MODEL = ("model", "training_file", "validation_file")  # fields of a job that say what it makes


class TuningApi:
    """A provider's fine-tuning; every coroutine raises :class:`llm.calls.Failure` as those of an API do."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def check(self) -> None:
        """List one job, which needs the permission to fine-tune and costs nothing."""
        await self._connection.ask("get", _JOBS, bool, options={"params": {"limit": 1}})

    async def upload(self, path: Path, sha256: str) -> str:
        """The server's name for the file with this content: of an earlier upload, or of a new one."""
        with path.open("rb") as file:
            name = f"wb-{sha256[:40]}.jsonl"
            return await upload_once(self._connection, name, file, path.stat().st_size, "fine-tune")

    async def has_file(self, remote_id: str) -> bool:
        """Whether an uploaded file is still there and usable."""
        return await self._found("get", below("/files", remote_id), lambda file: bool(file.get("status") != "error"))

    async def create(self, intent: str, hyperparameters: Mapping[str, Any], **fields: Any) -> TuningState:
        """Create a job whose metadata hold the intent.

        If the connection is lost on the way, the job may exist: call :meth:`find` first.

        Args:
            intent: a name for the job that no other job has.
            hyperparameters: those that are not left to the provider.
            fields: of the request: ``model`` to train, names of the uploaded ``training_file`` and ``validation_file``,
                ``seed`` of the training and ``suffix`` of the model's name; None leaves a field out.
        """
        method: dict[str, Any] = {"type": "supervised"}
        if hyperparameters:
            method["supervised"] = {"hyperparameters": dict(hyperparameters)}
        given = {name: value for name, value in fields.items() if value is not None}
        body = {**given, "method": method, "metadata": {"intent": intent}}
        return await self._connection.ask("post", _JOBS, _state, once=True, body=body)

    async def find(self, intent: str, created_after: float, **fields: Any) -> list[TuningState]:
        """Jobs that may be the one created with this intent and these fields, the likeliest first.

        These are the jobs whose metadata hold the intent. A server may keep no metadata; then they are the jobs with
        the same files, model and seed. ``created_after`` is in seconds since 1970; clocks may disagree by an hour.
        """
        earliest = created_after - CLOCK_SECONDS
        jobs = self._connection.listed(_JOBS, _state, **{"metadata[intent]": intent})
        found = await recent(jobs, lambda state: state.created, earliest)
        alike = [state for state in found if state.created >= earliest and _is_alike(state.raw, fields)]
        return [state for state in found if intent_of(state.raw) == intent] or alike

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
        return await self._found("delete", below(f"/{folder}", name), missing=(404,))

    async def has_model(self, model: str) -> bool:
        """Whether there is such a model."""
        return await self._found("get", below("/models", model))

    async def _found(
        self, method: str, path: str, read: Callable[[Any], bool] = lambda _: True, missing: Collection[int] = MISSING
    ) -> bool:
        """What ``read`` says about the answer; false if its status is one of ``missing``."""
        found = False
        with if_there(missing):
            found = await self._connection.ask(method, path, read)
        return found


async def upload_once(connection: Connection, name: str, file: IO[bytes], size: int, purpose: str) -> str:
    """The server's id of a file: of an earlier upload with this name and size, or of a new one.

    No other content has the name; ``size`` is in bytes.
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


def _is_alike(job: Mapping[str, Any], fields: Mapping[str, Any]) -> bool:
    """Whether a job without metadata makes what the fields ask for; without a seed the provider chooses one."""
    same = all(job.get(name) == fields[name] for name in _OF_MODEL)
    return same and not job.get("metadata") and fields["seed"] in (None, job.get("seed"))


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
    """A job in a parsed answer; raises one of :data:`llm.providers.cleaning.UNREADABLE` if it is none."""
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
