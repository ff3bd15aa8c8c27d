"""Targets that exist already: a file of translations, one per line.

``aligned_with`` says what the lines correspond to: the lines of the corpus' training text (``train``), the rows of the
pool (``pool``), or the lines of a separate file of sources (``sources``), which are matched with the pool's by text. If
the markup of the corpus is stripped, so is that of the files.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from corpus.parallel_text import read_lines
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
        UserError: the file has too few or too many lines for its counterpart, or lacks a source.
    """

    def texts(path: Path) -> Iterator[str]:
        """The lines of a file, cleaned like the corpus."""
        for line in read_lines(path, settings["max_line_bytes"]):
            text = one_line(line)
            yield strip_markup(text) if settings["markup"] == "strip" else text

    path = inputs["targets"]
    targets = TextColumn(texts(path))
    if settings["aligned_with"] == "train":
        places = _places_in_corpus(sources, len(targets), path)
    elif settings["aligned_with"] == "pool":
        places = _places_in_pool(sources, len(targets), path)
    else:
        places = _places_of_texts(sources, len(targets), path, inputs["sources"], texts(inputs["sources"]))
    for source, place in zip(sources, places, strict=True):
        yield Generated(source.id, targets[place], None, {"line": place + 1})


def _places_in_corpus(sources: Sequence[Source], lines: int, path: Path) -> list[int]:
    places = [int(source.id.rpartition(":")[2]) - 1 for source in sources]
    if max(places) >= lines:
        raise UserError(
            f"{path}: {lines:,} lines, but the corpus' training text has at least {max(places) + 1:,}; "
            "with `aligned_with: train` both need the same number of lines"
        )
    return places


def _places_in_pool(sources: Sequence[Source], lines: int, path: Path) -> list[int]:
    if lines != len(sources):
        raise UserError(
            f"{path}: {lines:,} lines, but the pool has {len(sources):,} rows; "
            "with `aligned_with: pool` it holds one translation for each row of corpus/pool.tsv"
        )
    return list(range(lines))


def _places_of_texts(
    sources: Sequence[Source], lines: int, path: Path, sources_path: Path, texts: Iterator[str]
) -> list[int]:
    place_of: dict[str, int] = {}
    count = 0
    for count, text in enumerate(texts, start=1):
        place_of.setdefault(text, count - 1)
    if count != lines:
        raise UserError(f"{path}: {lines:,} lines, but {sources_path} has {count:,}; they are aligned by line")
    missing = [source for source in sources if source.text not in place_of]
    if missing:
        raise UserError(
            f"{sources_path}: lacks {len(missing):,} of the pool's {len(sources):,} sources, "
            f"the first is {missing[0].id}: {missing[0].text!r}"
        )
    return [place_of[source.text] for source in sources]
