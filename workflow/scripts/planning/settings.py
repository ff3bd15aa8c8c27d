"""Settings of a study as small typed objects and as JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Settings = TypeVar("Settings", bound="DataclassInstance")
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
    return kind(**{**picked(given, field_names(kind)), **more})


def field_names(kind: type[DataclassInstance]) -> list[str]:
    """The names of a dataclass' fields."""
    return [field.name for field in dataclasses.fields(kind)]


def picked(given: JsonObject, keys: Iterable[str]) -> dict[str, Any]:
    """Those of ``keys`` that ``given`` has, in the order of ``keys``."""
    return {key: given[key] for key in keys if key in given}


def compact(value: object) -> str:
    """``value`` as JSON without blanks, keys sorted: one argument of a command."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
