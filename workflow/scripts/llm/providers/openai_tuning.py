"""Fine-tuning by OpenAI's protocol, at OpenAI or at any server that speaks it."""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Mapping
from pathlib import Path
from typing import Any

from llm.calls import Failure
from llm.providers import TuningEvent, TuningRequest, TuningState, TuningStatus
from llm.providers.connection import Connection, text_of

_CLOCK_SECONDS = 3600.0
_PAGE = 100
_STATUSES = {
    "succeeded": TuningStatus.SUCCEEDED,
    "failed": TuningStatus.FAILED,
    "cancelled": TuningStatus.CANCELLED,
}
_MISSING = (404, 405, 410, 501)


class OpenAITuning:
    """See :class:`llm.providers.TuningApi`.

    Args:
        connection: to the server, of :class:`llm.providers.openai.OpenAIApi`.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._client = connection.client
        self._jobs = connection.client.fine_tuning.jobs

    async def check(self) -> None:
        """List one job."""
        await self._connection.ask(self._jobs.list(limit=1))

    async def upload(self, path: Path, sha256: str) -> str:
        """Upload a file under a name made from its content, unless the server lists one of that name and size."""
        name = f"wb-{sha256[:40]}.jsonl"
        found = await self._connection.ask(self._uploaded(name, path.stat().st_size))
        if found is not None:
            return found
        with path.open("rb") as file:
            created = await self._connection.ask(
                self._client.files.create(
                    file=(name, file, "application/jsonl"), purpose="fine-tune", timeout=self._connection.file_timeout
                ),
                lambda created: str(created.id),
            )
        return created

    async def has_file(self, remote_id: str) -> bool:
        """Ask for the file."""
        try:
            file = await self._connection.ask(self._client.files.retrieve(remote_id))
        except Failure as failure:
            if failure.status in _MISSING:
                return False
            raise
        return getattr(file, "status", None) != "error"

    async def create(self, request: TuningRequest) -> TuningState:
        """Create a job; its metadata hold the intent."""
        method: dict[str, Any] = {"type": "supervised"}
        if request.hyperparameters:
            method["supervised"] = {"hyperparameters": dict(request.hyperparameters)}
        named = {"validation_file": request.validation_file, "seed": request.seed, "suffix": request.suffix}
        return await self._connection.ask(
            self._jobs.create(
                model=request.model,
                training_file=request.training_file,
                method=method,
                metadata={"intent": request.intent},
                **{name: value for name, value in named.items() if value is not None},
            ),
            _state,
            once=True,
        )

    async def find(self, request: TuningRequest, created_after: float) -> list[TuningState]:
        """The jobs whose metadata hold the intent; where a server keeps none, those that do the same."""
        return await self._connection.ask(self._found(request, created_after - _CLOCK_SECONDS))

    async def job(self, remote_id: str) -> TuningState:
        """How far a job is."""
        return await self._connection.ask(self._jobs.retrieve(remote_id), _state)

    async def events(self, remote_id: str, seen: Collection[str]) -> list[TuningEvent]:
        """The events since; the newest come first, so paging ends where one is known. Not every server has any."""
        try:
            return await self._connection.ask(self._told(remote_id, seen))
        except Failure as failure:
            if failure.status in _MISSING:
                return []
            raise

    async def checkpoints(self, remote_id: str) -> list[Mapping[str, Any]]:
        """The checkpoints; not every server has any."""
        try:
            return await self._connection.ask(self._checkpoints(remote_id))
        except Failure as failure:
            if failure.status in _MISSING:
                return []
            raise

    async def cancel(self, remote_id: str) -> TuningState:
        """End a job."""
        return await self._connection.ask(self._jobs.cancel(remote_id), _state)

    async def delete_model(self, model: str) -> bool:
        """Delete a fine-tuned model."""
        return await self._deleted(self._client.models.delete(model))

    async def delete_file(self, remote_id: str) -> bool:
        """Delete a file."""
        return await self._deleted(self._client.files.delete(remote_id))

    async def has_model(self, model: str) -> bool:
        """Ask for the model."""
        try:
            await self._connection.ask(self._client.models.retrieve(model))
        except Failure as failure:
            if failure.status in _MISSING:
                return False
            raise
        return True

    async def _deleted(self, request: Awaitable[Any]) -> bool:
        try:
            await self._connection.ask(request)
        except Failure as failure:
            if failure.status == 404:
                return False
            raise
        return True

    async def _uploaded(self, name: str, size: int) -> str | None:
        async for file in self._client.files.list(purpose="fine-tune", order="desc"):
            if file.filename == name and file.bytes == size and file.status != "error":
                return str(file.id)
        return None

    async def _found(self, request: TuningRequest, created_after: float) -> list[TuningState]:
        ours: list[TuningState] = []
        alike: list[TuningState] = []
        older = 0
        async for job in self._jobs.list(limit=_PAGE, metadata={"intent": request.intent}):
            metadata = getattr(job, "metadata", None) or {}
            if metadata.get("intent") == request.intent:
                ours.append(_state(job))
            elif not metadata and job.created_at >= created_after and _does(job, request):
                alike.append(_state(job))
            # The newest come first, though the documentation does not promise it: look a page further.
            older += job.created_at < created_after
            if older >= _PAGE:
                break
        return ours or alike

    async def _told(self, remote_id: str, seen: Collection[str]) -> list[TuningEvent]:
        new: list[TuningEvent] = []
        async for event in self._jobs.list_events(remote_id, limit=_PAGE):
            if event.id in seen:
                break
            data = event.data if isinstance(event.data, dict) else {}
            new.append(TuningEvent(str(event.id), float(event.created_at), str(event.level), str(event.message), data))
        return new[::-1]

    async def _checkpoints(self, remote_id: str) -> list[Mapping[str, Any]]:
        found = [checkpoint.to_dict() async for checkpoint in self._jobs.checkpoints.list(remote_id, limit=_PAGE)]
        return sorted(found, key=lambda checkpoint: checkpoint.get("step_number") or 0)


def _does(job: Any, request: TuningRequest) -> bool:
    """Whether a job does what is asked for; the provider fills in a seed where none is given."""
    files = (job.training_file, getattr(job, "validation_file", None)) == (
        request.training_file,
        request.validation_file,
    )
    return files and job.model == request.model and (request.seed is None or job.seed == request.seed)


def _state(job: Any) -> TuningState:
    """A job as the SDK tells it.

    Raises:
        AttributeError, TypeError, ValueError: it is none.
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
