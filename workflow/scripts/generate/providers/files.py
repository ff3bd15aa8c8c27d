"""Targets that exist already: a file of translations, one per line, or a table that says what each translates.

``aligned_with`` says what the lines of a plain file correspond to: the lines of the corpus' training text (``train``),
the rows of the pool (``pool``), or the lines of a separate file of sources (``sources``), which are matched with the
pool's by text. That a file was made for this pool must be proven: by the column ``id`` or ``source`` of a table, or by
``pool_sha256``, the digest of the pool's sources. What the texts themselves say is checked for every file
(:mod:`workbench.alignment`). If the markup of the corpus is stripped, so is that of the files.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from corpus.parallel_text import read_header, read_lines, read_table, tell_doubt
from workbench.alignment import doubt
from workbench.cli import UserError
from workbench.columns import TextColumn
from workbench.generated import Generated
from workbench.markup import strip_markup
from workbench.pairs import Source
from workbench.text import one_line


def generate(
    sources: Sequence[Source], settings: Mapping[str, Any], inputs: Mapping[str, Path], threads: int
) -> Iterator[Generated]:
    """Yield the target of every source.

    The files are ``targets`` and, with ``aligned_with: sources``, ``sources``.

    Raises:
        UserError: the file has too few or too many lines for its counterpart, lacks a source, has empty targets, is not
            proven to have been made for this pool, or looks misaligned.
    """

    def cleaned(text: str) -> str:
        """The text of a file, treated like the corpus."""
        text = one_line(text)
        return strip_markup(text) if settings["markup"] == "strip" else text

    path = inputs["targets"]
    read = _read_table if read_header(path, settings["max_line_bytes"]) else _read_lines
    targets, places = read(sources, settings, inputs, cleaned)
    order = sorted(range(len(places)), key=places.__getitem__)
    found = doubt([sources[n].text for n in order], targets, [places[n] for n in order])
    tell_doubt(found, f"{path}", settings["alignment"])
    empty = [place for place in places if not targets[place]]
    if empty and settings["empty"] == "refuse":
        raise UserError(
            f"{path}: {len(empty):,} of {len(places):,} targets are empty, the first is number {min(empty) + 1:,}; "
            "fill them, or set the generator's `empty` to keep to train on empty targets"
        )
    for source, place in zip(sources, places, strict=True):
        yield Generated(source.id, targets[place], None, {"line": place + 1})


def _read_table(
    sources: Sequence[Source], settings: Mapping[str, Any], inputs: Mapping[str, Path], cleaned: Callable[[str], str]
) -> tuple[TextColumn, list[int]]:
    """The targets of a table, and the row of each source by its text or, in a table without sources, its id."""
    path, longest = inputs["targets"], settings["max_line_bytes"]
    if "sources" in inputs:
        raise UserError(f"{path}: a table says what its rows translate; leave out `sources` and `aligned_with`")
    names = read_header(path, longest)
    key = "source" if "source" in names else "id"
    keys, targets = TextColumn(), TextColumn()
    for given, text in read_table(path, longest, (key, "target" if "target" in names else "text")):
        keys.append(cleaned(given) if key == "source" else given)
        targets.append(cleaned(text))
    return targets, _places_of(
        sources, [source.text if key == "source" else source.id for source in sources], keys, path
    )


def _read_lines(
    sources: Sequence[Source], settings: Mapping[str, Any], inputs: Mapping[str, Path], cleaned: Callable[[str], str]
) -> tuple[TextColumn, list[int]]:
    """The targets of a file with one a line, and the line of each source."""
    path, longest = inputs["targets"], settings["max_line_bytes"]
    targets = TextColumn(map(cleaned, read_lines(path, longest)))
    lines = len(targets)
    if settings["aligned_with"] == "sources":
        own = TextColumn(map(cleaned, read_lines(inputs["sources"], longest)))
        if len(own) != lines:
            counts = f"{lines:,} lines, but {inputs['sources']} has {len(own):,}"
            raise UserError(f"{path}: {counts}; they are aligned by line")
        return targets, _places_of(sources, [source.text for source in sources], own, inputs["sources"])
    if settings["aligned_with"] == "pool":
        _check_pool(sources, lines, inputs, settings.get("pool_sha256"))
        return targets, list(range(lines))
    places = [int(source.id.rpartition(":")[2]) - 1 for source in sources]
    if max(places) >= lines:
        raise UserError(
            f"{path}: {lines:,} lines, but the corpus' training text has at least {max(places) + 1:,}; "
            "with `aligned_with: train` both need the same number of lines"
        )
    return targets, places


def _check_pool(sources: Sequence[Source], lines: int, inputs: Mapping[str, Path], proof: str | None) -> None:
    """Check that a file was made for this pool: by its number of lines and the digest of the sources."""
    path = inputs["targets"]
    command = f"tail -n +2 {inputs['split']} | cut -f2 > pool.txt"
    remedy = (
        f"Keep the sources that you translate, one a line ({command}), and set `aligned_with: sources` and "
        "`sources: pool.txt`. Or set `pool_sha256` to their digest (sha256sum pool.txt)"
    )
    digest = hashlib.sha256("".join(f"{source.text}\n" for source in sources).encode()).hexdigest()
    if proof is None:
        raise UserError(f"{path}: nothing proves that its lines were written for the present pool. {remedy}")
    if proof != digest:
        changed = f"the corpus, its cleaning or `splits` changed, and its pool_sha256 is {digest} now"
        raise UserError(f"{path}: its lines were written for another pool: {changed}. Translate the new one. {remedy}")
    if lines != len(sources):
        raise UserError(
            f"{path}: {lines:,} lines, but the pool has {len(sources):,} rows; "
            "with `aligned_with: pool` it holds one translation for each row of corpus/pool.tsv"
        )


def _places_of(sources: Sequence[Source], wanted: Iterable[str], keys: Iterable[str], path: Path) -> list[int]:
    """The position of each source's key among ``keys``, of equal ones the first."""
    place_of: dict[str, int] = {}
    for place, key in enumerate(keys):
        place_of.setdefault(key, place)
    places = [place_of.get(key, -1) for key in wanted]
    missing = [source for source, place in zip(sources, places, strict=True) if place < 0]
    if missing:
        raise UserError(
            f"{path}: lacks {len(missing):,} of the pool's {len(sources):,} sources, "
            f"the first is {missing[0].id}: {missing[0].text!r}"
        )
    return places
