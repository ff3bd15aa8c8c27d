"""Uploads by OpenAI's protocol: the requests of a batch, the examples of a fine-tuning job."""

from __future__ import annotations

from typing import IO, Any

from llm.providers.connection import Connection


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
