"""OpenAI's files: upload, list, retrieve, content, delete."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any

from fake_llm.http import Cut, Problem, Request, Response, reply
from fake_llm.state import State

PURPOSES = ("batch", "fine-tune", "assistants", "vision", "user_data", "evals")
_NAME = re.compile(rb'\bname="([^"]*)"')
_FILENAME = re.compile(rb'\bfilename="([^"]*)"')


@dataclass
class StoredFile:
    """One file."""

    id: str
    name: str
    purpose: str
    content: bytes
    created: int

    def as_json(self) -> dict[str, Any]:
        """The file in OpenAI's format."""
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.content),
            "created_at": self.created,
            "expires_at": None,
            "filename": self.name,
            "purpose": self.purpose,
            "status": "processed",
            "status_details": None,
        }


def store(state: State, name: str, purpose: str, content: bytes) -> StoredFile:
    """Keep a file under a new id."""
    file = StoredFile(f"file-fake{state.number():08x}", name, purpose, content, int(time.time()))
    state.files[file.id] = file
    return file


def find(state: State, name: str) -> StoredFile:
    """The file with that id; raises :class:`Problem` 404."""
    if name not in state.files:
        raise Problem(404, f"No such File object: {name}", param="id")
    return state.files[name]


async def upload(state: State, request: Request) -> Response:
    """``POST /v1/files``."""
    fields = _multipart(request)
    name, content = fields.get("file", (None, b""))
    purpose = fields.get("purpose", (None, b""))[1].decode()
    if name is None:
        raise Problem(400, "'file' is a required property", param="file")
    if purpose not in PURPOSES:
        raise Problem(400, f"'{purpose}' is not one of {list(PURPOSES)} - 'purpose'", param="purpose")
    if purpose in ("batch", "fine-tune") and not name.endswith(".jsonl"):
        raise Problem(400, "Invalid file format. Expected a .jsonl file.", "invalid_file_format", "file")
    file = store(state, name, purpose, content)
    if state.faults.batch.lost_files > 0:
        state.faults.batch.lost_files -= 1
        raise Cut
    return reply(file.as_json())


async def listed(state: State, request: Request) -> Response:
    """``GET /v1/files``: newest first unless ``order=asc``."""
    purpose = request.query.get("purpose")
    files = [file.as_json() for file in state.files.values() if purpose in (None, file.purpose)]
    if request.query.get("order") != "asc":
        files.reverse()
    return reply(page(files, request, 10_000))


async def retrieve(state: State, request: Request, name: str) -> Response:
    """``GET /v1/files/{id}``."""
    return reply(find(state, name).as_json())


async def content(state: State, request: Request, name: str) -> Response:
    """``GET /v1/files/{id}/content``."""
    return Response(200, find(state, name).content, content_type=b"application/octet-stream")


async def delete(state: State, request: Request, name: str) -> Response:
    """``DELETE /v1/files/{id}``."""
    find(state, name)
    del state.files[name]
    return reply({"id": name, "object": "file", "deleted": True})


def page(objects: list[dict[str, Any]], request: Request, usual: int = 20) -> dict[str, Any]:
    """One page of a list, as OpenAI does it: ``after`` an id, at most ``limit``."""
    after = request.query.get("after")
    if after:
        places = [place for place, one in enumerate(objects) if one["id"] == after]
        objects = objects[places[0] + 1 :] if places else []
    limit = int(request.query.get("limit") or usual)
    first, last = (objects[0]["id"], objects[:limit][-1]["id"]) if objects else (None, None)
    more = len(objects) > limit
    return {"object": "list", "data": objects[:limit], "first_id": first, "last_id": last, "has_more": more}


def _multipart(request: Request) -> dict[str, tuple[str | None, bytes]]:
    """The fields of a multipart body: the filename, None if the field is not a file, and the content."""
    match = re.search(r'boundary="?([^";]+)"?', request.headers.get("content-type", ""))
    if not match:
        raise Problem(400, "Expected a multipart/form-data body.")
    fields: dict[str, tuple[str | None, bytes]] = {}
    for part in request.body.split(b"--" + match[1].encode())[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        name, filename = _NAME.search(head), _FILENAME.search(head)
        if name:
            fields[name[1].decode()] = (filename[1].decode() if filename else None, content.removesuffix(b"\r\n"))
    return fields
