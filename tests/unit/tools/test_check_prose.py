"""The checker of English: phrases across lines, long sentences, and the list of this project."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from check_prose import main, phrase_findings, sentence_findings
from paths import ROOT

SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PHRASES = SETTINGS["tool"]["check-prose"]["phrases"]


@pytest.mark.parametrize(
    "text",
    [
        "a plain line\nHere verily spake the king.",
        "a plain line\nHere Verily Spake the king, at the head of a title",
        "a plain line\n# a comment that ends with verily\n# spake and goes on",
        '    log("a plain line")\n    log("a message that ends with verily "\n        f"spake and {goes} on")',
        "> a quotation\n> that ends with verily\n> spake and goes on",
    ],
)
def test_a_phrase_is_found_at_the_line_where_it_begins(text: str) -> None:
    ((line, complaint),) = phrase_findings(text, {r"\bverily spake\b": "'said'"})
    assert line == 2
    assert complaint.lower() == "'verily spake': write 'said'"


def test_similar_words_are_not_reported() -> None:
    assert not list(phrase_findings("verily, spake\nverilyspake", {r"\bverily spake\b": "'said'"}))


# An underscore stands for a space, so that this file itself passes.
@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("'x' is_no file", 1),
        ("What was asked is_no\ninput of the text.", 1),
        ("There is no file, and it is no longer there.", 0),
        ("a local learner needs nobody's_leave", 1),
        ("people are told_apart; the order is not told_apart from its reverse", 2),
        ("A detector tells two_people_apart.", 1),
        ("It tells_how to start, and what it goes_by.", 2),
        ("The price stands_in the ledger, and a server can stand in for the provider.", 1),
        ("each test has a folder of_its_own", 1),
        ("at worst price, for_they may have been charged, else_nothing", 2),
    ],
)
def test_the_project_lists_what_it_no_longer_writes(text: str, count: int) -> None:
    assert len(list(phrase_findings(text.replace("_", " "), PHRASES))) == count


SIX = "One two three four five six"


@pytest.mark.parametrize(
    ("markdown", "lines"),
    [
        (f"{SIX}.\n\nSeven.", [1]),
        (f"Short one. Two words.\nShort again! {SIX}, and\nseven.", [2]),
        ("One two three (e.g. four) five six.", [1]),
        ("One two final. Three four five.", []),
        ("One two [three four](a/link b) `code of many words` five.", [1]),
        ("One two three\n\n- four five\n- six seven\n1. eight\n# nine", []),
        ("| One two | three four |\n|---|---|\n| five six | seven |", []),
        (f"| One | {SIX} |", [1]),
        (f"Before\n```\n{SIX}\n{SIX}\n```\nafter it", []),
        (f"> One two three.\n>\n> {SIX}.", [3]),
    ],
)
def test_sentences_are_counted_in_words(markdown: str, lines: list[int]) -> None:
    found = list(sentence_findings(markdown, 5))
    assert [line for line, _ in found] == lines
    assert all(complaint.startswith("a sentence of ") for _, complaint in found)


def test_the_command_prints_one_line_a_finding_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad, good, other = tmp_path / "bad.md", tmp_path / "good.md", tmp_path / "other.bin"
    bad.write_text("A file\n# is_no\n# file of_its own\n".replace("_", " "), encoding="utf-8")
    good.write_text("A plain text.\n", encoding="utf-8")
    other.write_bytes(b"\xff")
    assert main([str(good), str(other)]) == 0
    assert capsys.readouterr().out == ""
    assert main([str(bad), str(good)]) == 1
    found = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[0] for line in found] == [f"{bad}:2", f"{bad}:3"]
