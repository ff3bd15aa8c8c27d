"""Settings of a study as small typed objects and as JSON."""

import dataclasses
import json
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Protocol, TypeVar


class Dataclass(Protocol):
    """What all dataclasses have."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]


Settings = TypeVar("Settings", bound=Dataclass)
Entry = TypeVar("Entry")
Kind = TypeVar("Kind")
JsonObject = Mapping[str, Any]  # what is handed on as it is, or not yet read


class Entries(dict[str, Entry]):
    """The entries of a section by name, in the order of the configuration."""

    def of(self, kind: type[Kind]) -> dict[str, Kind]:
        """The entries of a kind, by name."""
        return {name: entry for name, entry in self.items() if isinstance(entry, kind)}


def read_settings(kind: type[Settings], given: JsonObject, **more: object) -> Settings:
    """An object of the dataclass ``kind`` whose fields are the keys of their names in ``given``, and ``more``."""
    named = {field.name: given[field.name] for field in dataclasses.fields(kind) if field.name in given}
    return kind(**{**named, **more})


def picked(given: JsonObject, keys: Iterable[str]) -> dict[str, Any]:
    """Those of ``keys`` that ``given`` has, in the order of ``keys``."""
    return {key: given[key] for key in keys if key in given}


def compact(value: object) -> str:
    """``value`` as JSON without blanks, keys sorted: one argument of a command."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
