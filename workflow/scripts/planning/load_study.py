"""Load a study: read its configuration, complete and check it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from planning.checks import study_problems
from planning.configuration.defaults import with_defaults
from planning.configuration.errors import ConfigurationError
from planning.configuration.origins import read_origin
from planning.configuration.schema import load_schema, schema_problems
from planning.settings import JsonObject
from planning.study import Study, read_study


def load_study(
    config: JsonObject,
    files: Sequence[str],
    overrides: Mapping[str, object],
    schema: Path,
    inputs_in_storage: bool = False,
    is_checked: bool = False,
) -> Study:
    """The study that a configuration describes, checked.

    Args:
        config: the configuration as Snakemake merged it.
        files: the configuration files it came from, to name lines in errors.
        overrides: what ``--config`` put over them; Snakemake leaves nested values of it as text.
        schema: path of the JSON Schema.
        inputs_in_storage: the files that rules read are in storage rather than here, so they are not looked for.
        is_checked: the process that started this one for a job has found nothing wrong.

    Raises:
        ConfigurationError: anything is wrong with the configuration.
    """
    rules = load_schema(schema)
    plain = _plain_values(_overlaid(config, overrides))
    if is_checked:
        return read_study(_plain_values(with_defaults(plain, rules)))
    origin = read_origin([Path(file) for file in files], overrides)
    problems = schema_problems(plain, rules)
    if not problems:
        study = read_study(_plain_values(with_defaults(plain, rules)))
        problems = [found for found in study_problems(study) if not (found.no_input and inputs_in_storage)]
        if not problems:
            return study
    raise ConfigurationError([origin.describe(problem) for problem in problems])


def _overlaid(config: Any, overrides: Any) -> Any:
    """``config`` with ``overrides`` laid over it; scalars among the overrides are read as YAML."""
    if isinstance(overrides, Mapping):
        given = config if isinstance(config, Mapping) else {}
        return {**given, **{key: _overlaid(given.get(key), value) for key, value in overrides.items()}}
    if isinstance(overrides, list | tuple):
        return [_overlaid(None, value) for value in overrides]
    if isinstance(overrides, str):
        scalar = yaml.safe_load(overrides) if overrides.strip() else overrides
        return scalar if isinstance(scalar, bool | int | float | None) else overrides
    return overrides


def _plain_values(value: Any) -> Any:
    """``value`` in JSON's types: keys are text, and whole numbers are integers however they were written."""
    if isinstance(value, Mapping):
        return {str(key): _plain_values(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_values(child) for child in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, str | int | float | None) else str(value)
