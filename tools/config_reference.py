"""Write the reference of all configuration keys from the schema into config/README.md.

Run as ``make docs``; a test checks that the page matches the schema.
"""

import itertools
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from planning.configuration.schema import load_schema, resolve
from planning.settings import JsonObject

ROOT = Path(__file__).parents[1]
SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.yaml"
PAGE = ROOT / "config" / "README.md"
START, END = "<!-- keys: written by `make docs` -->\n", "<!-- end of keys -->"
_PLACEHOLDERS = {"generators": "NAME", "quality": "NAME", "conditions": "NAME", "learners": "NAME"}


class Row(NamedTuple):
    """A configuration key and its cells in the table; ``owners``: the kinds that have it, empty if all do."""

    key: str
    allowed: str
    default: str
    meaning: str
    owners: str

    @property
    def described(self) -> tuple[str, ...]:
        """What makes two keys the same: the part of the key after ``NAME``, and its description."""
        return self.short, self.allowed, self.default, self.meaning

    @property
    def short(self) -> str:
        """The key within its entry of a section, such as ``price.input``; empty if it belongs to no entry."""
        return self.key.partition(".NAME.")[2]

    def line(self) -> str:
        """The row in Markdown."""
        meaning = f"{self.owners}: {self.meaning}" if self.owners else self.meaning
        return f"| `{self.key}` | {self.allowed} | {self.default} | {meaning} |"


def reference(schema: JsonObject) -> str:
    """The keys of ``schema`` in Markdown: one table per top-level section, and each shared key described once."""
    parts, described = [], dict[tuple[str, ...], str]()
    for name, section in schema["properties"].items():
        section = resolve(section, schema)
        rows = list(_rows(name, section, schema, name in schema["required"]))
        own = [row for row in rows if not row.short or described.setdefault(row.described, name) == name]
        table = "\n".join(row.line() for row in own)
        parts.append(
            f"### `{name}`\n\n{section['description']}\n\n"
            f"| key | allowed | default | meaning |\n|---|---|---|---|\n{table}\n"
        )
        for first in dict.fromkeys(described.values()):
            shared = [row for row in rows if row not in own and described[row.described] == first]
            if shared:
                parts.append(_shared_keys(name, first, shared, own))
    return "\n".join(parts)


def _shared_keys(section: str, first: str, shared: Sequence[Row], own: Sequence[Row]) -> str:
    """Which keys a section shares with the section ``first``; a mapping by its name alone if all of it is shared."""
    split = {row.short.partition(".")[0] for row in own}
    keys: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for row in shared:
        head = row.short.partition(".")[0]
        keys[row.owners or "all"][f"`{row.short if head in split else head}`"] = None
    lines = "\n".join(f"| {owners} | {', '.join(names)} |" for owners, names in keys.items())
    return (
        f"These keys of `{section}.NAME` are described under [`{first}`](#{first}):\n\n"
        f"| kind | keys |\n|---|---|\n{lines}\n"
    )


def _rows(key: str, value: JsonObject, schema: JsonObject, required: bool, owners: str = "") -> Iterator[Row]:
    value = resolve(value, schema)
    branches = [value, *({**branch["then"], "if": branch["if"]} for branch in value.get("allOf", []))]
    children = [
        (f"{key}.{name}", child, branch)
        for place, branch in enumerate(branches)
        for name, child in branch.get("properties", {}).items()
        if child
        and "const" not in child
        and not any(other.get("properties", {}).get(name) == child for other in branches[:place])
    ]
    if "properties" not in value and not isinstance(value.get("additionalProperties"), dict):
        yield _row(key, value, required, owners)
    for path, child, branch in children:
        name = path.rpartition(".")[2]
        needed, having = _is_required(name, branch, branches), _owners(name, child, branches) or owners
        inherited = name in branch.get("x-inherited", [])
        if inherited or ("$ref" in child and child["$ref"].endswith("/fairseq_options")):
            yield _row(path, {**resolve(child, schema), "default": "inherited" if inherited else {}}, needed, having)
        else:
            yield from _rows(path, child, schema, needed, having)
    extra = value.get("additionalProperties")
    if isinstance(extra, dict):
        placeholder = _PLACEHOLDERS.get(key)
        if placeholder:
            yield from _rows(f"{key}.{placeholder}", extra, schema, False)
        else:
            yield _row(key, value, required, owners)


def _is_required(name: str, branch: JsonObject, branches: list[JsonObject]) -> bool:
    """Whether a key of ``branch`` is required by it or by one that holds wherever it does."""
    conditions = branch.get("if", {}).get("properties", {}).items()
    holding = [other for other in branches if other.get("if", {}).get("properties", {}).items() <= conditions]
    return any(name in other.get("required", []) for other in holding)


def _owners(name: str, child: JsonObject, branches: list[JsonObject]) -> str:
    """The kinds that have the key ``name`` described as in ``child``; empty if all kinds do."""
    own = [kind for branch in branches if branch.get("properties", {}).get(name) == child for kind in _kinds(branch)]
    every = [kind for branch in branches for kind in _kinds(branch)]
    owners = []
    for first in dict.fromkeys(kind[0] for kind in own):
        narrow = [kind for kind in own if kind[0] == first and len(kind) > 1]
        whole = (first,) in own or len(narrow) == sum(kind[0] == first and len(kind) > 1 for kind in every)
        owners += [f"`{first}`"] if whole else [" with ".join(f"`{part}`" for part in kind) for kind in narrow]
    return "" if len(owners) == len({kind[0] for kind in every}) else ", ".join(owners)


def _kinds(branch: JsonObject) -> list[tuple[str, ...]]:
    """The kinds that a branch is for: a value of each key that it depends on, such as ``(llm_judge, openai)``."""
    conditions = branch.get("if", {}).get("properties", {}).values()
    values = [[given["const"]] if "const" in given else given["enum"] for given in conditions]
    return list(itertools.product(*values)) if values else []


def _row(key: str, value: JsonObject, required: bool, owners: str) -> Row:
    default = value.get("default")
    if "default" not in value:
        shown = "**required**" if required else "–"
    elif default == "inherited":
        shown = "the study's"
    else:
        shown = f"`{json.dumps(default, ensure_ascii=False)}`"
    return Row(key, _allowed(value), shown, value.get("description", ""), owners)


def _allowed(value: JsonObject) -> str:
    if "enum" in value:
        return ", ".join("`null`" if option is None else f"`{option}`" for option in value["enum"])
    types = value.get("type", "object")
    text = " or ".join([types] if isinstance(types, str) else types)
    items = value.get("items")
    if items:
        text += " of " + (", ".join(f"`{o}`" for o in items["enum"]) if "enum" in items else items["type"])
    bounds = [
        f"{sign} {value[name]}"
        for name, sign in (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"))
        if name in value
    ]
    return " ".join([text, *bounds])


def updated(page: str, schema: JsonObject) -> str:
    """``page`` with the part between the two marks replaced."""
    pattern = re.compile(re.escape(START) + ".*?" + re.escape(END), re.DOTALL)
    return pattern.sub(lambda _: f"{START}\n{reference(schema)}\n{END}", page)


if __name__ == "__main__":
    PAGE.write_text(updated(PAGE.read_text(encoding="utf-8"), load_schema(SCHEMA)), encoding="utf-8")
