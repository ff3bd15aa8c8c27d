"""What cleaning leaves out, what it changes, and that its table accounts for every pair."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from paths import PROMPTS

from corpus.clean_corpus import NORMALISED, REASONS, Cleaner, CleaningRules, GivenKeys, near_key
from corpus.raw_table import PARTS, SentencePair, number_pairs, write_raw
from llm.prompts import Templates
from workbench.language_identification import Identify, language_identifier
from workbench.tables import read_rows
from workbench.words import count_words

SCRIPT = "corpus/clean_corpus.py"
RULES = CleaningRules(
    min_letters=0.5,
    min_words=2,
    max_words=8,
    max_characters=60,
    max_length_ratio=2.5,
    markup="strip",
    placeholders="keep",
    near_duplicates="drop",
)


def arguments(**rules: object) -> list[object]:
    files = ("--raw", "raw.tsv.gz", "--output", "clean.tsv", "--table", "cleaning.tsv")
    return [*files, "--languages", "de", "en", "--rules", json.dumps(RULES._replace(**rules)._asdict())]


@pytest.fixture(scope="module")
def identify() -> Identify:
    return language_identifier(("de", "en"), margin=20)


def cleaner(identify: Identify | None = None, **rules: object) -> Cleaner:
    return Cleaner(RULES._replace(**rules), ("de", "en"), identify, GivenKeys())


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        ("", "an empty source", "empty"),
        ("<br/>", "only a tag", "empty"),
        ("Schr\ufffdge Zeichen hier", "odd characters here", "damaged"),
        ("12:30 – 14:45 {uhr} !!", "12:30 to 14:45", "few_letters"),
        ("Hallo", "Hello there", "few_words"),
        ("Hallo %(name)s", "Hello %(name)s", "few_words"),
        ("ein sehr langer Satz mit viel mehr als acht", "a long one indeed", "many_words"),
        ("Donaudampfschifffahrtsgesellschaft " + "x" * 30, "a long name", "many_characters"),
        ("zwei Wörter", "two words or six of them", "length_ratio"),
        ("Tarte Tatin!", "tarte tatin", "identical"),
        ("This was never translated at all", "Das wurde nie übersetzt", "language"),
        ("Ein ganz gewöhnlicher Satz.", "A perfectly ordinary sentence.", None),
    ],
)
def test_the_reason_for_each_pair(identify: Identify, source: str, target: str, reason: str | None) -> None:
    assert cleaner(identify).clean(SentencePair("train:1", source, target))[1] == reason


@pytest.mark.parametrize("rule", ["markup", "placeholders"])
def test_policies_that_drop(rule: str) -> None:
    text = {"markup": "Ein <b>fettes</b> Wort", "placeholders": "Noch %d Wörter"}[rule]
    assert cleaner(**{rule: "drop"}).clean(SentencePair("train:1", text, "some words here"))[1] == rule
    assert cleaner(**{rule: "keep"}).clean(SentencePair("train:1", text, "some words here")) == (
        SentencePair("train:1", text, "some words here"),
        None,
    )


def test_repetitions_keep_the_first() -> None:
    clean = cleaner().clean
    texts = ["Seite 1 öffnen", "seite 1: Öffnen!", "Seite 22 öffnen", "Seite %(page)s öffnen"]
    reasons = [clean(SentencePair(f"train:{n}", text, f"open page {n}"))[1] for n, text in enumerate(texts)]
    assert reasons == [None, "duplicate", "near_duplicate", "near_duplicate"]
    clean = cleaner(near_duplicates="keep").clean
    reasons = [clean(SentencePair(f"train:{n}", text, f"open page {n}"))[1] for n, text in enumerate(texts)]
    assert reasons == [None, "duplicate", None, None]


def test_words_of_scripts_without_blanks() -> None:
    assert count_words("zwei Wörter") == 2
    assert count_words("東京は大きい") == 6
    assert count_words("Python を使う") == 4
    assert count_words("ฉันกินข้าวกับเพื่อน at home") == 6  # Thai: five characters a word
    assert count_words("བཀྲ་ཤིས།") == 2


@pytest.mark.parametrize("part", PARTS)
def test_no_line_break_reaches_a_prompt(part: str) -> None:
    breaks = [chr(code) for code in range(0x3000) if len(f"a{chr(code)}b".splitlines()) > 1]
    assert {"\r", "\x0b", "\x1e", "\u0085", "\u2028"} < set(breaks)
    source = "".join(f"ein{mark} Satz" for mark in [*breaks, "&#10;", "&#x2028;", "<br/>"])
    (pair,) = number_pairs(part, [(source, source)])
    cleaned, _ = cleaner(markup="strip").clean(pair)
    templates = Templates({"prompt": PROMPTS / "translate.txt"}, {"source": "de", "target": "en"})
    assert len(templates.user(cleaned.source).splitlines()) == len(templates.user("ein Satz").splitlines())


def test_near_key_is_never_empty() -> None:
    assert near_key("2021") == "2021"
    assert near_key("%s {x}") != ""


def test_languages_are_distinguished_and_short_texts_kept(identify: Identify) -> None:
    sure = ["The meeting was closed in the evening.", "Nous avons besoin de plus de temps."]
    assert all(identify(text, "de") for text in sure)
    spared = ["OK", "Workflow %(name)s starten", "Web-Interface", "E-Mail senden", "Team"]
    assert not any(identify(text, "de") for text in spared)


def test_an_unknown_language_is_refused(tmp_path: Path, refusal: Callable[..., str]) -> None:
    write_raw(tmp_path / "raw.tsv.gz", number_pairs("train", [("a b", "c d")]))
    said = refusal(SCRIPT, *arguments(language_margin=20), "--languages", "qx", "en")
    assert "corpus.cleaning.language_margin: no language 'qx'" in said


def test_a_corpus_of_which_nothing_is_left(tmp_path: Path, refusal: Callable[..., str]) -> None:
    write_raw(tmp_path / "raw.tsv.gz", number_pairs("train", [("a", "b"), ("", "b")]))
    said = refusal(SCRIPT, *arguments())
    assert said == "corpus.cleaning: no pair of 2 is left (empty 1, few_words 1)"


def test_the_table_accounts_for_every_pair(tmp_path: Path, run_script: Callable) -> None:
    texts = [(f"Satz Nummer {chr(97 + n % 20) * 3}", f"sentence {n}") for n in range(50)]
    write_raw(tmp_path / "raw.tsv.gz", number_pairs("train", [*texts, ("", ""), ("so so", "SO SO")]))
    done = run_script(SCRIPT, *arguments(language_margin=1e9))
    assert done.returncode == 0, done.stderr
    table = dict(read_rows(tmp_path / "cleaning.tsv", ("reason", "pairs")))
    assert list(table) == ["read", *REASONS, "kept", NORMALISED]
    assert table.pop(NORMALISED) == "0"
    assert int(table.pop("read")) == sum(map(int, table.values())) == 52
    assert (table["empty"], table["identical"], table["duplicate"], table["kept"]) == (
        *("1", "1", "30"),
        "20",
    )
    kept = list(read_rows(tmp_path / "clean.tsv", ("id",)))
    assert kept == [(f"train:{n}",) for n in range(1, 21)]
    first = (tmp_path / "clean.tsv").read_bytes()
    run_script(SCRIPT, *arguments(language_margin=1e9), PYTHONHASHSEED="7")
    assert (tmp_path / "clean.tsv").read_bytes() == first


def test_given_parts_stay_as_they_are_and_nothing_leaks_into_train(tmp_path: Path, run_script: Callable) -> None:
    train = [
        ("Ein eigener Satz", "a separate sentence"),
        ("Der TEST-Satz!", "some other words"),
        ("Andere Wörter hier", "The test sentence"),
        ("Das ist fett", "another bold text"),
        ("Noch ein Satz", "the valid sentence"),
    ]
    valid = [("Der Valid-Satz", "The valid sentence."), ("Der Test-Satz", "leaks into valid")]
    test = [("Der Test-Satz", "the test sentence"), ("x", "x"), ("Das ist <b>fett</b>", "y" * 99)]
    parts = {"train": train, "valid": valid, "test": [*test, ("x", "x"), ("", "z")]}
    pairs = [pair for part, texts in parts.items() for pair in number_pairs(part, texts)]
    write_raw(tmp_path / "raw.tsv.gz", pairs)
    assert run_script(SCRIPT, *arguments()).returncode == 0
    kept = [row[0] for row in read_rows(tmp_path / "clean.tsv", ("id",))]
    assert kept == ["train:1", "valid:1", "test:1", "test:2", "test:3", "test:4"]
    table = dict(read_rows(tmp_path / "cleaning.tsv", ("reason", "pairs")))
    assert (table["leak"], table["empty"], table[NORMALISED]) == ("5", "1", "0")
    texts = dict(read_rows(tmp_path / "clean.tsv", ("id", "source")))
    assert texts["test:3"] == "Das ist <b>fett</b>"


def test_what_given_parts_lose_is_counted_and_told(tmp_path: Path, run_script: Callable) -> None:
    changed = [("Zeile\u200b eins", "line one"), ("Zeile zwei", "caf\u0065\u0301 two"), ("Zei\u00adle", "line  three")]
    pairs = [*number_pairs("train", [("Ein eigener Satz", "a separate\u200b sentence")])]
    write_raw(tmp_path / "raw.tsv.gz", [*pairs, *number_pairs("test", [*changed, ("Zeile vier", "line four")])])
    done = run_script(SCRIPT, *arguments())
    assert "3 pairs of the given parts were changed: invisible characters" in done.stderr
    assert dict(read_rows(tmp_path / "cleaning.tsv", ("reason", "pairs")))[NORMALISED] == "3"
    assert dict(read_rows(tmp_path / "clean.tsv", ("id", "target")))["test:2"] == "caf\u00e9 two"
