"""Errors that are visible without a reference: each planted once, with a clean twin."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from analyse.errors import ErrorLimits, NormSettings
from analyse.errors.norms import Norms, learn_band, learn_lexicon
from analyse.errors.repetition import oscillates, repeated_targets
from analyse.errors.segment_errors import SOURCE_MEASURES, source_errors
from llm.answers.outcomes import Standards, standards
from llm.prompts import Languages

LIMITS = ErrorLimits(
    copied_words=4,
    copied_small_words=2,
    oscillation_ngram=4,
    oscillation_excess=2,
    stutters=1,
    stutter_words=4,
    repeated_words=4,
    repeated_sources=3,
    detachment_words=3,
    spelt_below=13,
)
NOUNS = {
    "hund": "dog",
    "katze": "cat",
    "brief": "letter",
    "garten": "yard",
    "fenster": "window",
    "tisch": "table",
    "lampe": "light",
    "schule": "school",
    "wagen": "car",
    "kirche": "church",
}
VERBS = {"sieht": "sees", "sucht": "seeks", "findet": "finds", "braucht": "needs"}


def human_pairs(count: int) -> tuple[list[str], list[str]]:
    """Made-up German sentences and their translations, word by word."""
    rng = random.Random("pairs")
    sources, targets = [], []
    for _ in range(count):
        subject, thing, place = rng.sample(sorted(NOUNS), 3)
        verb = rng.choice(sorted(VERBS))
        tail = rng.choice([("heute", "today"), ("gern und oft", "gladly and often"), ("nie", "never at all")])
        sources.append(f"der {subject} {verb} den {thing} bei dem {place} {tail[0]}")
        targets.append(f"the {NOUNS[subject]} {VERBS[verb]} the {NOUNS[thing]} by the {NOUNS[place]} {tail[1]}")
    return sources, targets


@pytest.fixture(scope="module")
def norms() -> Norms:
    pairs = human_pairs(400)
    settings = NormSettings(
        pairs=400,
        length_quantile=0.005,
        length_power=0.3,
        word_beginning=5,
        cognate_beginning=4,
        partner_pairs=3,
        partner_share=0.5,
        partner_dice=0.5,
    )
    return Norms(learn_band(*pairs, 0.005, 0.3), learn_lexicon(*pairs, settings))


@pytest.fixture(scope="module")
def judged_by() -> Standards:
    return standards(Languages("de", "en"), 20.0)


def found(source: str, target: str, norms: Norms, judged_by: Standards) -> set[str]:
    """The errors of one pair."""
    columns = source_errors([source], [target], norms, judged_by, LIMITS)
    return {name for name in SOURCE_MEASURES if columns[name][0]}


SENTENCE = "Die Einstellungen wurden gespeichert und werden beim nächsten Start des Programms verwendet."
TRANSLATION = "The settings were saved and will be used the next time that the program is started."
HOUSE = "der hund sieht den tisch bei dem fenster heute"

PLANTED = [
    ("empty", SENTENCE, "…", TRANSLATION),
    ("copy", SENTENCE, SENTENCE, TRANSLATION),
    ("copy", SENTENCE, "The settings were saved, und werden beim nächsten Start des Programms verwendet.", TRANSLATION),
    (
        "wrong_language",
        SENTENCE,
        "Les paramètres ont été enregistrés et seront utilisés au prochain démarrage.",
        TRANSLATION,
    ),
    ("commentary", SENTENCE, f"Here is the translation: {TRANSLATION}", TRANSLATION),
    ("omission", HOUSE, "the dog sees", "the dog sees the table by the window today"),
    (
        "addition",
        HOUSE,
        "the dog sees the table by the window today, and then the postman comes along with a big parcel",
        "the dog sees the table by the window today",
    ),
    ("oscillation", HOUSE, "the dog sees the dog sees the table by the window", "the dog sees the table by the window"),
    ("detachment", HOUSE, "my aunt sold some very old bread again", "the dog sees the table by the window today"),
    (
        "number_missing",
        "Bis zu 250 Dateien sind erlaubt.",
        "Up to some files are allowed.",
        "Up to 250 files are allowed.",
    ),
    ("number_added", "Viele Dateien sind erlaubt.", "All 250 files are allowed.", "Many files are allowed."),
]


@pytest.mark.parametrize(("error", "source", "planted", "clean"), PLANTED)
def test_a_planted_error_is_found_and_its_clean_twin_is_not(
    error: str, source: str, planted: str, clean: str, norms: Norms, judged_by: Standards
) -> None:
    assert error in found(source, planted, norms, judged_by)
    assert error not in found(source, clean, norms, judged_by)


def test_every_measure_has_its_planted_case() -> None:
    assert {case[0] for case in PLANTED} | {"repeated_target"} == set(SOURCE_MEASURES)


def test_one_target_for_several_sources_is_found_where_it_is_long_enough() -> None:
    sources = ["a", "b", "c", "c.", "d", "e", "f", "g"]
    stuck = "This is always the answer"
    targets = [stuck, stuck, f"{stuck}!", "another one that is right", "yes", "yes", "yes", "yes"]
    assert repeated_targets(sources, targets, LIMITS) == [True, True, True, *[False] * 5]
    assert not any(repeated_targets(["a", "b", "c"], ["好的谢谢"] * 3, LIMITS))
    assert all(repeated_targets(["a", "b", "c"], ["这永远都是我的回答"] * 3, LIMITS))
    # The same source twice is one source.
    assert not any(repeated_targets(["a", "b", "B!"], [stuck] * 3, LIMITS))


def test_an_empty_target_has_no_other_error(norms: Norms, judged_by: Standards) -> None:
    assert found("der hund sieht 250 den tisch bei dem fenster heute", "", norms, judged_by) == {"empty"}


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("sehr, sehr gut", "very, very good", False),
        ("sehr sehr gut", "very very good", False),
        ("gut", "good good", True),
        ("Konnte %s nicht öffnen: %s", "Could not open %s: %s", False),
        ("Missbrauch, Macht", "of abuse, abuse of power", False),
        ("eins", "to be or to be or not to be or to be or", True),
        ("", "", False),
        # letters recur in any text of a script without blanks, and a name has four characters
        ("x", "การทำความสะอาดและการดูแลความปลอดภัยเป็นความรับผิดชอบของความร่วมมือในการทำงาน", False),
        ("x", "ความสะอาดของห้อง" * 4, True),
        ("Merkel", "阿尔伯特说，阿尔伯特来了，因为阿尔伯特想来。", False),
        ("x", "我们今天去吃饭" * 4, True),
    ],
)
def test_what_the_source_repeats_is_not_oscillation(source: str, target: str, expected: bool) -> None:
    assert oscillates(source, target, LIMITS) is expected


def test_the_top_ngram_must_exceed_the_sources() -> None:
    phrase = "one two three four "
    top = replace(LIMITS, stutters=0)
    assert oscillates("x", phrase * 3, top)
    assert not oscillates("x", phrase * 2, top)
    assert not oscillates("eins zwei drei vier " * 3, phrase * 3, top)


def test_names_and_titles_may_stay(norms: Norms, judged_by: Standards) -> None:
    source = "Er schrieb für die Frankfurter Allgemeine Zeitung und das Museum für Naturkunde Berlin."
    target = "He wrote for the Frankfurter Allgemeine Zeitung and the Museum für Naturkunde Berlin."
    assert "copy" not in found(source, target, norms, judged_by)


def test_a_generator_that_drops_words_is_found_on_the_half_where_it_does(norms: Norms, judged_by: Standards) -> None:
    sources, targets = human_pairs(200)
    damaged = [" ".join(t.split()[::2]) if n % 2 else t for n, t in enumerate(targets)]
    flags = source_errors(sources, damaged, norms, judged_by, LIMITS)["omission"]
    assert sum(flags[1::2]) >= 95
    assert sum(flags[::2]) <= 5


def test_texts_of_other_sources_are_detached(norms: Norms) -> None:
    sources, targets = human_pairs(200)
    assert not any(norms.lexicon.is_detached(*pair, 3) for pair in zip(sources, targets, strict=True))
    # Unrelated pairs share a word by chance now and then, among ten nouns often.
    unrelated = [norms.lexicon.is_detached(source, targets[n - 7], 3) for n, source in enumerate(sources)]
    assert sum(unrelated) > 10


def test_deviations_do_not_depend_on_the_sources_length() -> None:
    rng = random.Random("lengths")
    lengths = [rng.randint(10, 300) for _ in range(3000)]
    sources = ["x" * length for length in lengths]
    targets = ["x" * max(1, round(length * (1.2 + rng.gauss(0, 1) * length**-0.3))) for length in lengths]
    band = learn_band(sources, targets, 0.02, 0.3)
    flagged = [not band.low <= band.deviation(*pair) <= band.high for pair in zip(sources, targets, strict=True)]
    for short in (True, False):
        chosen = [flag for flag, length in zip(flagged, lengths, strict=True) if (length < 100) is short]
        assert 0.01 < sum(chosen) / len(chosen) < 0.09
    assert sum(flagged) == pytest.approx(0.04 * 3000, abs=3)
