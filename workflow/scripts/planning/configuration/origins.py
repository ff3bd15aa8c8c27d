"""Where each key of a configuration is written: the file and the line."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from planning.configuration.errors import ConfigurationError, Key, Problem

# libyaml's loader, if PyYAML was built with it, is ten times as fast.
YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass
class Origin:
    """Where each key is written: ``key -> (file, line)``; the line is 0 for ``--config``."""

    places: dict[Key, tuple[str, int]] = field(default_factory=dict)
    file: str = "configuration"

    def describe(self, problem: Problem) -> str:
        """One line that a person can act upon."""
        key = problem.key
        place = self.places.get(key)
        while place is None and key:
            key = key[:-1]
            place = self.places.get(key)
        file, line = place or (self.file, 0)
        where = f"{file}, line {line}: " if line else f"{file}: "
        name = ".".join(str(part) for part in problem.key)
        return f"{where}{name + ': ' if name else ''}{problem.message}"


def read_origin(files: Sequence[Path], overrides: Mapping[str, Any]) -> Origin:
    """Find the line of every key in the configuration files; later files and ``overrides`` hide what they replace.

    Raises:
        ConfigurationError: a file is not a YAML mapping, or a name occurs twice (YAML would silently keep the last).
    """
    origin = Origin(file=str(files[-1])) if files else Origin()
    problems: list[str] = []
    for path in files:
        for key, line, duplicate in _walk(_read_mapping(path), ()):
            if duplicate:
                name = ".".join(str(part) for part in key)
                problems.append(f"{path}, line {line}: {name}: this name is there twice")
            origin.places[key] = (str(path), line)
    if problems:
        raise ConfigurationError(problems)
    for key in _leaves(overrides, ()):
        for place in [known for known in origin.places if known[: len(key)] == key]:
            del origin.places[place]
        origin.places[key] = ("--config", 0)
    return origin


def _read_mapping(path: Path) -> yaml.MappingNode:
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=YAML_LOADER)
    except UnicodeDecodeError as error:
        raise ConfigurationError([f"{path}: not UTF-8 at byte {error.start}"]) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        text = getattr(error, "problem", None) or str(error)
        raise ConfigurationError([f"{path}{line}: not valid YAML: {text}"]) from error
    if not isinstance(node, yaml.MappingNode):
        raise ConfigurationError([f"{path}: a configuration is a mapping of keys to values"])
    return node


def _leaves(overrides: object, key: Key) -> Iterator[Key]:
    if isinstance(overrides, Mapping):
        for name, value in overrides.items():
            yield from _leaves(value, (*key, str(name)))
    else:
        yield key


def _walk(node: yaml.Node, key: Key) -> Iterator[tuple[Key, int, bool]]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for name, value in node.value:
            child = (*key, name.value)
            yield child, name.start_mark.line + 1, name.value in seen
            seen.add(name.value)
            yield from _walk(value, child)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield (*key, index), value.start_mark.line + 1, False
            yield from _walk(value, (*key, index))
