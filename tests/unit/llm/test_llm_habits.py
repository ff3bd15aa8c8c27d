"""What a generator adds or answers again and again is learnt from its answers, in any language."""

from __future__ import annotations

from llm.answers.habits import Habits, learn
from llm.answers.outcomes import Outcome, classify_text, repair, standards
from llm.prompts import Languages

STANDARDS = standards(Languages("de", "en"), None)
NAMES = ["Anna", "Bert", "Cora", "Dora", "Emil", "Fritz", "Gerda", "Hugo", "Ida", "Jonas", "Karl", "Lena", "Maria"]
TRANSLATED = [(f"{name} fährt heute nach Hause.", f"{name} goes home today.") for name in NAMES]


def outcome(habits: Habits, source: str, text: str) -> tuple[Outcome, str | None]:
    learnt = STANDARDS._replace(habits=habits)
    verdict = classify_text(text, source, source, learnt)
    return verdict.outcome, repair(text, source, source, learnt)


def test_an_opening_that_recurs_over_different_sources_is_a_lead_in() -> None:
    added = [(source, f"Kpq xyz: {text}") for source, text in TRANSLATED[:3]]
    habits = learn([*added, *TRANSLATED[3:] * 9])
    assert (habits.openings, habits.has_lead_ins) == ({"kpq xyz:": 3}, False)
    assert "'kpq xyz:' (3)" in habits.notes()[0]
    assert outcome(habits, *added[0]) == (Outcome.MALFORMED, "Anna goes home today.")
    assert outcome(habits, TRANSLATED[3][0], f"Anders: {TRANSLATED[3][1]}")[0] is Outcome.OK
    assert outcome(habits, "Kpq: Anna fährt nach Hause.", "Kpq xyz: Anna goes home.")[0] is Outcome.OK


def test_many_different_openings_are_lead_ins_as_well() -> None:
    words = ["Abc", "Bcd", "Cde", "Def", "Efg"]
    habits = learn([(s, f"{w}: {t}") for w, (s, t) in zip(words, TRANSLATED, strict=False)] + TRANSLATED[5:])
    assert habits.has_lead_ins
    assert outcome(habits, TRANSLATED[9][0], f"Fgh: {TRANSLATED[9][1]}") == (Outcome.MALFORMED, TRANSLATED[9][1])


def test_the_same_answer_to_different_sources_is_a_refusal() -> None:
    sources = ["Der Hund bellt laut.", "Meine Tante kocht gern Suppe.", "Wo steht das rote Auto?"]
    habits = learn([*((source, "Kpq xyz uvw rst!") for source in sources), *TRANSLATED])
    assert habits.answers == {"kpqxyzuvwrst": 3}
    assert "'Kpq xyz uvw rst!' to 3 sources" in habits.notes()[0]
    assert outcome(habits, "Ein vierter Satz.", "Kpq xyz uvw rst.")[0] is Outcome.REFUSAL


def test_what_sources_share_is_no_habit() -> None:
    alike = [(f"Hinweis – {source}", f"Note: {text}") for source, text in TRANSLATED[:9]]
    similar = [
        (f"Bitte wählen Sie ein Konto aus{end}", "Please select an account.") for end in (".", "!", " …", " jetzt.")
    ]
    short = [(source, "Yes, sure.") for source in ("Ja.", "Jawohl.", "Genau so.", "Aber ja doch.")]
    assert learn([*alike, *similar, *short, *TRANSLATED]) == Habits()
