"""Uploaded files and fine-tuning by OpenAI's protocol, at OpenAI or at any server that speaks it."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import IO, Any

from llm.providers.connection import CLOCK_SECONDS, PAGE, Connection, recent, text_of
from llm.providers.protocol import TuningEvent, TuningRequest, TuningState, TuningStatus

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
        self._client = connection.client
        self._jobs = connection.client.fine_tuning.jobs

    async def check(self) -> None:
        """List one job, which needs the permission to fine-tune and costs nothing."""
        await self._connection.ask(self._jobs.list(limit=1))

    async def upload(self, path: Path, sha256: str) -> str:
        """The server's name for the file with this content: of an earlier upload, or of a new one."""
        with path.open("rb") as file:
            name = f"wb-{sha256[:40]}.jsonl"
            return await upload_once(self._connection, name, file, path.stat().st_size, "fine-tune")

    async def has_file(self, remote_id: str) -> bool:
        """Whether an uploaded file is still there and usable."""
        file = await self._connection.ask_if_there(self._client.files.retrieve(remote_id))
        return file is not None and getattr(file, "status", None) != "error"

    async def create(self, request: TuningRequest) -> TuningState:
        """Create a job whose metadata hold the intent.

        If the connection is lost on the way, the job may exist: call :meth:`find` first.
        """
        method: dict[str, Any] = {"type": "supervised"}
        if request.hyperparameters:
            method["supervised"] = {"hyperparameters": dict(request.hyperparameters)}
        optional = {"validation_file": request.validation_file, "seed": request.seed, "suffix": request.suffix}
        return await self._connection.ask(
            self._jobs.create(
                model=request.model,
                training_file=request.training_file,
                method=method,
                metadata={"intent": request.intent},
                **{name: value for name, value in optional.items() if value is not None},
            ),
            _state,
            once=True,
        )

    async def find(self, request: TuningRequest, created_after: float) -> list[TuningState]:
        """Jobs that may be the one created with ``request``, the likeliest first.

        These are the jobs whose metadata hold the intent. A server may keep no metadata; then they are the jobs with
        the same files, model and seed.

        Args:
            request: as given to :meth:`create`.
            created_after: UTC, in seconds since 1970; clocks may disagree by an hour.
        """
        return await self._connection.ask(self._found(request, created_after - CLOCK_SECONDS))

    async def job(self, remote_id: str) -> TuningState:
        """How far a job is."""
        return await self._connection.ask(self._jobs.retrieve(remote_id), _state)

    async def events(self, remote_id: str, seen: Collection[str]) -> list[TuningEvent]:
        """What a job has reported since the events ``seen``, the oldest first; empty if the server has no events."""
        return await self._connection.ask_if_there(self._new_events(remote_id, seen)) or []

    async def checkpoints(self, remote_id: str) -> list[Mapping[str, Any]]:
        """A job's checkpoints, the first one first; empty if the server has none."""
        return await self._connection.ask_if_there(self._checkpoints(remote_id)) or []

    async def cancel(self, remote_id: str) -> TuningState:
        """End a job."""
        return await self._connection.ask(self._jobs.cancel(remote_id), _state)

    async def delete_model(self, model: str) -> bool:
        """Delete a fine-tuned model; false if there is none."""
        return await self._connection.ask_if_there(self._client.models.delete(model), statuses=(404,)) is not None

    async def delete_file(self, remote_id: str) -> bool:
        """Delete an uploaded file; false if there is none."""
        return await self._connection.ask_if_there(self._client.files.delete(remote_id), statuses=(404,)) is not None

    async def has_model(self, model: str) -> bool:
        """Whether there is such a model."""
        return await self._connection.ask_if_there(self._client.models.retrieve(model)) is not None

    async def _found(self, request: TuningRequest, created_after: float) -> list[TuningState]:
        ours: list[TuningState] = []
        alike: list[TuningState] = []
        jobs = self._jobs.list(limit=PAGE, metadata={"intent": request.intent})
        async for job in recent(jobs, lambda job: job.created_at, created_after):
            metadata = getattr(job, "metadata", None) or {}
            if metadata.get("intent") == request.intent:
                ours.append(_state(job))
            elif not metadata and job.created_at >= created_after and _does(job, request):
                alike.append(_state(job))
        return ours or alike

    async def _new_events(self, remote_id: str, seen: Collection[str]) -> list[TuningEvent]:
        """The newest come first, so paging ends at the first known event."""
        new: list[TuningEvent] = []
        async for event in self._jobs.list_events(remote_id, limit=PAGE):
            if event.id in seen:
                break
            data = event.data if isinstance(event.data, dict) else {}
            new.append(TuningEvent(str(event.id), float(event.created_at), str(event.level), str(event.message), data))
        return new[::-1]

    async def _checkpoints(self, remote_id: str) -> list[Mapping[str, Any]]:
        found = [checkpoint.to_dict() async for checkpoint in self._jobs.checkpoints.list(remote_id, limit=PAGE)]
        return sorted(found, key=lambda checkpoint: checkpoint.get("step_number") or 0)


async def upload_once(connection: Connection, name: str, file: IO[bytes], size: int, purpose: str) -> str:
    """The server's id of a file: of an earlier upload with this name and size, or of a new one.

    Args:
        connection: to the server.
        name: a name that only this content has.
        file: the content.
        size: its length in bytes.
        purpose: as the server calls it.
    """
    found: str | None = await connection.ask(_uploaded(connection, name, size, purpose))
    if found is not None:
        return found
    created: Any = await connection.ask(
        connection.client.files.create(
            file=(name, file, "application/jsonl"), purpose=purpose, timeout=connection.file_timeout
        )
    )
    return str(created.id)


async def _uploaded(connection: Connection, name: str, size: int, purpose: str) -> str | None:
    """The file of an earlier attempt that ended after its upload."""
    async for file in connection.client.files.list(purpose=purpose, order="desc"):
        if file.filename == name and file.bytes == size and file.status != "error":
            return str(file.id)
    return None


def _does(job: Any, request: TuningRequest) -> bool:
    """Whether a job does what the request asks for; the provider chooses a seed if none is given."""
    files = job.training_file, getattr(job, "validation_file", None)
    same_files = files == (request.training_file, request.validation_file)
    return same_files and job.model == request.model and (request.seed is None or job.seed == request.seed)


def _state(job: Any) -> TuningState:
    """A job as the SDK returns it.

    Raises:
        AttributeError, TypeError, ValueError: it is not a job.
    """
    raw: dict[str, Any] = job.to_dict()
    error = raw.get("error") or {}
    finished, tokens = raw.get("finished_at"), raw.get("trained_tokens")
    return TuningState(
        remote_id=str(raw["id"]),
        status=_STATUSES.get(raw["status"], TuningStatus.RUNNING),
        word=str(raw["status"]),
        created=float(raw["created_at"]),
        finished=None if finished is None else float(finished),
        tuned_model=text_of(raw.get("fine_tuned_model")) or None,
        trained_tokens=None if tokens is None else int(tokens),
        message=text_of(error.get("message")),
        raw=raw,
    )
