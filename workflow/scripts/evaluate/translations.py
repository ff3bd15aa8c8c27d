"""Translations of the test set beside their references."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

from workbench.cli import UserError
from workbench.tables import read_rows

_MUST_AGREE = "both must hold the same segments in the same order: delete the older file and run again"


@dataclass(frozen=True)
class TestSet:
    """Segments in the file's order; trailing blanks are cut, as sacreBLEU's command line does."""

    __test__ = False  # no test case of pytest

    path: Path
    ids: list[str]
    sources: list[str]
    references: list[str]


def read_test_set(path: Path, only: Container[str] | None = None) -> TestSet:
    """Read a corpus table; with ``only``, the segments of these ids.

    Raises:
        UserError: it has no segment.
    """
    rows = [row for row in read_rows(path, ["id", "source", "target"]) if only is None or row[0] in only]
    if not rows:
        raise UserError(f"{path}: there is no segment to score; the test set must have at least one")
    ids, sources, targets = zip(*rows, strict=True)
    return TestSet(path, list(ids), list(sources), [text.rstrip() for text in targets])


def read_hypotheses(path: Path, test: TestSet) -> list[str]:
    """Read the column ``text`` of translations of ``test``.

    Raises:
        UserError: the ids are not those of the test set, in its order.
    """
    ids, texts = [], []
    for identifier, text in read_rows(path, ["id", "text"]):
        ids.append(identifier)
        texts.append(text.rstrip())
    check_ids(path, ids, test.path, test.ids)
    return texts


def read_generated(path: Path, test: TestSet) -> tuple[TestSet, list[str]]:
    """Read generated text, which may lack some of the segments and have them in any order.

    Returns:
        The segments of ``test`` that it holds, and its text for each.

    Raises:
        UserError: it holds none of them.
    """
    known = set(test.ids)
    texts = {name: text.rstrip() for name, text in read_rows(path, ["id", "text"]) if name in known}
    rows = [row for row in zip(test.ids, test.sources, test.references, strict=True) if row[0] in texts]
    if not rows:
        raise UserError(f"{path}: holds no segment of {test.path}; delete the older file and run again")
    ids, sources, references = zip(*rows, strict=True)
    return TestSet(test.path, list(ids), list(sources), list(references)), [texts[identifier] for identifier in ids]


def check_ids(path: Path, ids: list[str], expected_path: Path, expected: list[str]) -> None:
    """Refuse ``ids`` that differ from ``expected`` anywhere.

    Raises:
        UserError: names the first line that differs, or the two numbers of rows.
    """
    for line, (identifier, wanted) in enumerate(zip(ids, expected, strict=False), start=2):
        if identifier != wanted:
            raise UserError(
                f"{path}, line {line}: id {identifier!r} where {expected_path} has {wanted!r}; {_MUST_AGREE}"
            )
    if len(ids) != len(expected):
        raise UserError(f"{path}: {len(ids):,} segments where {expected_path} has {len(expected):,}; {_MUST_AGREE}")
