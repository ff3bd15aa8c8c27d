"""Targets that exist already: a file of translations, one per line, or a table that says what each translates.

``aligned_with`` says what the lines of a plain file correspond to: the lines of the corpus' training text (``train``),
the rows of the pool (``pool``), or the lines of a separate file of sources (``sources``), which are matched with the
pool's by text. That a file was made for this pool must be proven: by the column ``id`` or ``source`` of a table, or by
``pool_sha256``, the digest of the pool's sources. What the texts themselves say is checked for every file
(:mod:`workbench.alignment`). If the markup of the corpus is stripped, so is that of the files.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from corpus.parallel_text import read_columns, read_lines, table_columns, tell_doubt
from workbench.alignment import doubt
from workbench.cli import UserError
from workbench.columns import TextColumn
from workbench.generated import Generated
from workbench.markup import strip_markup
from workbench.pairs import Source
from workbench.text import one_line

_TEXT = ("text", "target")
_PROVEN_BY = ("source", "id")


def generate(
    sources: Sequence[Source], settings: Mapping[str, Any], inputs: Mapping[str, Path], threads: int
) -> Iterator[Generated]:
    """Yield the target of every source.

    The files are ``targets`` and, with ``aligned_with: sources``, ``sources``.

    Raises:
        UserError: the file has too few or too many lines for its counterpart, lacks a source, is not proven to have
            been made for this pool, or looks misaligned.
    """

    def cleaned(text: str) -> str:
        text = one_line(text)
        return strip_markup(text) if settings["markup"] == "strip" else text

    path, longest = inputs["targets"], settings["max_line_bytes"]
    columns = table_columns(path, longest)
    text = next((name for name in _TEXT if name in columns), None)
    proof = next((name for name in _PROVEN_BY if name in columns), None)
    if text and proof:
        keys, found = zip(*read_columns(path, longest, (proof, text)), strict=True)
        targets = TextColumn(map(cleaned, found))
        wanted = [source.id if proof == "id" else source.text for source in sources]
        places = _matched(wanted, keys if proof == "id" else map(cleaned, keys), sources, path)
        compared = [source.text for source in sources], TextColumn(targets[place] for place in places), None
    else:
        targets = TextColumn(map(cleaned, read_lines(path, longest)))
        if settings["aligned_with"] == "sources":
            own = TextColumn(map(cleaned, read_lines(inputs["sources"], longest)))
            if len(own) != len(targets):
                raise UserError(f"{path}: {len(targets):,} lines, but {inputs['sources']} has {len(own):,}; they are aligned by line")
            places = _matched([source.text for source in sources], own, sources, inputs["sources"])
            compared = own, targets, None
        else:
            by_line = settings["aligned_with"] == "train"
            places = _lines_of_corpus(sources, len(targets), path) if by_line else list(range(len(sources)))
            if not by_line:
                _check_pool(sources, len(targets), path, settings.get("pool_sha256"))
            order = sorted(range(len(sources)), key=places.__getitem__)
            compared = TextColumn(sources[n].text for n in order), targets, [places[n] for n in order]
    tell_doubt(doubt(*compared), str(path), settings["alignment"])
    for source, place in zip(sources, places, strict=True):
        yield Generated(source.id, targets[place], None, {"line": place + 1})
