"""The JSON Schema of the configuration, and what it has against one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from planning.configuration.errors import Key, Problem, guess
from planning.configuration.origins import YAML_LOADER
from planning.settings import JsonObject

_NAME = (
    "not fit for a name: it becomes part of a path; allowed: letters and digits, parted by single '-' or '_', "
    "beginning with a letter, at most 40 characters"
)
_NAME_RULE = {"options": "not fit for an option; allowed: small letters, digits and '-', without leading dashes"}


def resolve(schema: JsonObject, root: JsonObject) -> JsonObject:
    """``schema`` with its ``$ref`` into ``root`` replaced by the target; keywords beside ``$ref`` win."""
    while "$ref" in schema:
        target: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = {**target, **{k: v for k, v in schema.items() if k != "$ref"}}
    return schema


def load_schema(path: Path) -> JsonObject:
    """The JSON Schema of the configuration, read from YAML."""
    schema: JsonObject = yaml.load(path.read_text(encoding="utf-8"), Loader=YAML_LOADER)
    return schema


def schema_problems(config: JsonObject, schema: JsonObject) -> list[Problem]:
    """What violates the schema in ``config``, in the order of the keys."""
    errors = sorted(
        _VALIDATOR(schema).iter_errors(config),
        key=lambda error: [str(part) for part in error.absolute_path],
    )
    return [problem for error in errors for problem in _explain(error)]


def _impossible(validator: object, reasons: JsonObject, value: Any, schema: JsonObject) -> Iterator[ValidationError]:
    """The keyword ``x-impossible``: names that a mapping must not have, and the reason for each."""
    for name in reasons.keys() & value:
        yield ValidationError(reasons[name], path=[name])


_VALIDATOR = extend(Draft202012Validator, {"x-impossible": _impossible})


def _explain(error: ValidationError) -> Iterator[Problem]:
    key: Key = tuple(error.absolute_path)
    value: Any = error.instance
    allowed: Any = error.validator_value
    schema: Any = error.schema
    match error.validator:
        case "additionalProperties":
            known = sorted(schema.get("properties", {}))
            for name in sorted(set(value) - set(known) - set(schema.get("x-impossible", {}))):
                yield Problem((*key, name), f"unknown key; allowed: {', '.join(known)}" + guess(name, known))
        case "required":
            missing = [name for name in allowed if name not in value]
            name = next(n for n in missing if repr(n) in error.message)
            yield Problem(key, f"the key {name!r} is missing")
        case "enum":
            names = ["null" if option is None else str(option) for option in allowed]
            yield Problem(key, f"{value!r} is not allowed; allowed: {', '.join(names)}" + guess(str(value), names))
        case "type":
            types = [allowed] if isinstance(allowed, str) else allowed
            quote = ""
            if "string" in types and not isinstance(value, dict | list):
                read = "; YAML reads no, off, yes and on as true or false" if isinstance(value, bool) else ""
                quote = f"{read}; quote a text, as in 'no'"
            yield Problem(key, f"{value!r} is not of type {' or '.join(types)}{quote}")
        case "pattern" | "maxLength" if "propertyNames" in error.absolute_schema_path:
            yield Problem((*key, value), _NAME_RULE.get(str(key[-1]) if key else "", _NAME))
        case "pattern" if "x-rule" in schema:  # what is written there may be a secret: it is not repeated
            yield Problem(key, f"allowed: {schema['x-rule']}")
        case "minimum":
            yield Problem(key, f"{value} is too small; allowed: {allowed} or more")
        case "maximum":
            yield Problem(key, f"{value} is too large; allowed: {allowed} or less")
        case "exclusiveMinimum":
            yield Problem(key, f"{value} is too small; allowed: more than {allowed}")
        case "minItems" | "minProperties" | "minLength":
            yield Problem(key, "empty; at least one entry is needed")
        case "uniqueItems":
            twice = sorted({str(item) for item in value if value.count(item) > 1})
            yield Problem(key, f"{', '.join(twice)} is there twice")
        case _:
            yield Problem(key, error.message)
