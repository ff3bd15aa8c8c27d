"""Targets that exist already: a file of translations, one per line.

``aligned_with`` says what the lines correspond to: the lines of the corpus' training text (``train``), the rows of the
pool (``pool``), or the lines of a separate file of sources (``sources``), which are matched with the pool's by text. If
the markup of the corpus is stripped, so is that of the files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from corpus.read_files import read_lines
from workbench.cli import UserError
from workbench.columns import TextColumn
from workbench.generated import Generated
from workbench.markup import strip_markup
from workbench.pairs import Source
from workbench.text import one_line


class FilesProvider:
    """Looks targets up in the user's file."""

    def __init__(self, settings: Mapping[str, Any], inputs: Mapping[str, Path], threads: int) -> None:
        self._aligned_with = settings["aligned_with"]
        self._max_bytes = settings["max_line_bytes"]
        self._strips = settings["markup"] == "strip"
        self._path = inputs["targets"]
        self._sources = inputs.get("sources")

    def generate(self, sources: Sequence[Source]) -> Iterator[Generated]:
        """Yield the target of every source.

        Raises:
            UserError: the file has too few or too many lines for its counterpart, or lacks a source.
        """
        targets = TextColumn(self._texts(self._path))
        places = {
            "train": self._aligned_with_corpus,
            "pool": self._aligned_with_pool,
            "sources": self._aligned_with_sources,
        }[self._aligned_with](sources, len(targets))
        for source, place in zip(sources, places, strict=True):
            yield Generated(source.id, targets[place], None, {"line": place + 1})

    def _texts(self, path: Path) -> Iterator[str]:
        """The lines of a file, cleaned like the corpus."""
        for line in read_lines(path, self._max_bytes):
            text = one_line(line)
            yield strip_markup(text) if self._strips else text

    def _aligned_with_corpus(self, sources: Sequence[Source], lines: int) -> list[int]:
        places = [int(source.id.rpartition(":")[2]) - 1 for source in sources]
        if max(places) >= lines:
            raise UserError(
                f"{self._path}: {lines:,} lines, but the corpus' training text has at least {max(places) + 1:,}; "
                "with `aligned_with: train` both need the same number of lines"
            )
        return places

    def _aligned_with_pool(self, sources: Sequence[Source], lines: int) -> list[int]:
        if lines != len(sources):
            raise UserError(
                f"{self._path}: {lines:,} lines, but the pool has {len(sources):,} rows; "
                "with `aligned_with: pool` it holds one translation for each row of corpus/pool.tsv"
            )
        return list(range(lines))

    def _aligned_with_sources(self, sources: Sequence[Source], lines: int) -> list[int]:
        if self._sources is None:
            raise UserError("`aligned_with: sources` needs the key `sources`")
        place_of: dict[str, int] = {}
        own = 0
        for text in self._texts(self._sources):
            place_of.setdefault(text, own)
            own += 1
        if own != lines:
            raise UserError(f"{self._path}: {lines:,} lines, but {self._sources} has {own:,}; they are aligned by line")
        missing = [source for source in sources if source.text not in place_of]
        if missing:
            raise UserError(
                f"{self._sources}: lacks {len(missing):,} of the pool's {len(sources):,} sources, "
                f"the first is {missing[0].id}: {missing[0].text!r}"
            )
        return [place_of[source.text] for source in sources]


provider = FilesProvider
