"""Read translations together with the references of the same segments."""

import sys
from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.cli import UserError
from workbench.columns import TextColumn, read_by_id
from workbench.tables import read_rows

_MUST_AGREE = "both must hold the same segments in the same order: delete the older file and run again"


@dataclass(frozen=True)
class TestSet:
    """Segments in the file's order, without trailing blanks, as on sacreBLEU's command line."""

    __test__ = False  # not a test case for pytest

    path: Path
    ids: list[str]
    sources: Sequence[str]
    references: Sequence[str]


def read_test_set(path: Path, only: Container[str] | None = None) -> TestSet:
    """Read a corpus table; with ``only``, segments of other ids are skipped.

    Raises:
        UserError: there is no segment.
    """
    test = _read_segments(path, only)
    if not test.ids:
        raise UserError(f"{path}: there is no segment to score; the test set must have at least one")
    return test


def read_hypotheses(path: Path, test: TestSet) -> Sequence[str]:
    """Read the column ``text`` of translations of ``test``.

    Raises:
        UserError: the ids are not those of the test set, in its order.
    """
    ids, texts = [], TextColumn()
    for identifier, text in read_rows(path, ["id", "text"]):
        ids.append(identifier)
        texts.append(text.rstrip())
    check_ids(path, ids, test.path, test.ids)
    return texts


def read_generated(path: Path, references: Path, only: Container[str] | None = None) -> tuple[TestSet, Sequence[str]]:
    """Read generated text, which may lack some segments and have them in any order.

    Returns:
        The segments of the corpus table ``references`` that have a generated text, and these texts. With ``only``,
        segments of other ids are skipped.

    Raises:
        UserError: there is no such segment.
    """
    (texts,) = read_by_id(path, ["text"], only)
    test = _read_segments(references, texts)
    if not test.ids:
        raise UserError(f"{path}: holds no segment of {references}; delete the older file and run again")
    return test, TextColumn(texts[name].rstrip() for name in test.ids)


def _read_segments(path: Path, only: Container[str] | None) -> TestSet:
    ids, sources, references = [], TextColumn(), TextColumn()
    for name, source, target in read_rows(path, ["id", "source", "target"]):
        if only is None or name in only:
            ids.append(sys.intern(name))  # shared with the generated text
            sources.append(source)
            references.append(target.rstrip())
    return TestSet(path, ids, sources, references)


def check_ids(path: Path, ids: list[str], expected_path: Path, expected: list[str]) -> None:
    """Check that ``ids`` equal ``expected``.

    Raises:
        UserError: they do not; the message names the first line that differs, or the two numbers of rows.
    """
    for line, (identifier, wanted) in enumerate(zip(ids, expected, strict=False), start=2):
        if identifier != wanted:
            raise UserError(
                f"{path}, line {line}: id {identifier!r} where {expected_path} has {wanted!r}; {_MUST_AGREE}"
            )
    if len(ids) != len(expected):
        raise UserError(f"{path}: {len(ids):,} segments where {expected_path} has {len(expected):,}; {_MUST_AGREE}")
