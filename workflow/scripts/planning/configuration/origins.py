"""Where each key of a configuration is written: the file and the line."""

import argparse
import codecs
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from planning.configuration.errors import ConfigurationError, Key, Problem

# What to do about what PyYAML finds, by a part of its message.
_REMEDIES = {
    "'\\t'": "; indent with spaces, not tabs",
    "escape": "; in double quotes a backslash begins a character such as \\n: use single quotes, or / in paths",
    "expected ',' or": "; a bracket is not closed, or a comma is missing",
    "mapping values are not allowed": "; quote a value that contains ': ', and check the indentation",
}
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
        for key, line, problem in _walk(_read_mapping(path), ()):
            if problem:
                problems.append(f"{path}, line {line}: {'.'.join(str(part) for part in key)}: {problem}")
            origin.places[key] = (str(path), line)
    if problems:
        raise ConfigurationError(problems)
    for key in _leaves(overrides, ()):
        for place in [known for known in origin.places if known[: len(key)] == key]:
            del origin.places[place]
        origin.places[key] = ("--config", 0)
    return origin


def check_command_line(arguments: Sequence[str], default: str) -> None:
    """Read the configuration files of a command line, or ``default``, before Snakemake does, which names no line.

    Raises:
        ConfigurationError: a file cannot be read, or is not a YAML mapping, or some would be ignored.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--configfile", "--configfiles", nargs="+", action="append", default=[])
    given = parser.parse_known_args(arguments)[0].configfile
    if len(given) > 1:
        reason = "is there twice, and Snakemake reads the last only: give it once, with all files after it"
        raise ConfigurationError([f"--configfile {reason}"])
    for file in given[0] if given else [default]:
        if given or Path(file).exists():
            _read_mapping(Path(file))


def _read_mapping(path: Path) -> yaml.MappingNode:
    try:
        text = path.read_bytes().decode("utf-8")
        try:
            node = yaml.compose(text, Loader=YAML_LOADER)
        except yaml.YAMLError:
            node = yaml.compose(text, Loader=yaml.SafeLoader)  # names problems better
    except OSError as error:
        raise ConfigurationError([f"{path}: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        kind = "is in UTF-16" if error.object[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "is not in UTF-8"
        raise ConfigurationError([f"{path}, line {line}: the file {kind}; save it as UTF-8"]) from error
    except yaml.YAMLError as error:
        raise ConfigurationError([_explain(path, error)]) from error
    if not isinstance(node, yaml.MappingNode):
        raise ConfigurationError([f"{path}: a configuration is a mapping of keys to values"])
    return node


def _explain(path: Path, error: yaml.YAMLError) -> str:
    """Where and why a file is not YAML, and what to do, in one line."""
    if isinstance(error, yaml.reader.ReaderError):  # of a character; its position is not that in the file
        return f"{path}: not valid YAML: the character U+{error.character:04X} is not allowed; remove it"
    mark, begun, context = (getattr(error, name, None) for name in ("problem_mark", "context_mark", "context"))
    problem = getattr(error, "problem", None) or str(error)
    remedy = next((advice for part, advice in _REMEDIES.items() if part in problem), "")
    where = f", line {mark.line + 1}" if mark else ""
    since = f" ({context}, from line {begun.line + 1})" if begun and mark and begun.line != mark.line else ""
    return f"{path}{where}: not valid YAML: {problem}{since}{remedy}"


def _leaves(overrides: object, key: Key) -> Iterator[Key]:
    if isinstance(overrides, Mapping):
        for name, value in overrides.items():
            yield from _leaves(value, (*key, str(name)))
    else:
        yield key


def _walk(node: yaml.Node, key: Key) -> Iterator[tuple[Key, int, str]]:
    """Every key below ``node``: its path, its line, and what is wrong with it as a name, if anything."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for name, value in node.value:
            child, problem = (*key, str(name.value)), ""
            if name.tag.rpartition(":")[2] in ("bool", "null"):
                problem = f"YAML does not read this as a name; quote it: {name.value!r}"
            elif name.value in seen:
                problem = "this name is there twice"
            yield child, name.start_mark.line + 1, problem
            seen.add(str(name.value))
            yield from _walk(value, child)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield (*key, index), value.start_mark.line + 1, ""
            yield from _walk(value, (*key, index))
