"""What helps: the sentences about remedies, metrics and the worth of machine text follow the tables, either way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from report_study import check_sentence
from report_tables import (
    agreement_row,
    contrast_row,
    curve_row,
    exchange_row,
    remedied_conditions,
    remedy_row,
    summary_row,
)

from planning.conditions import read_conditions
from report.cost.worth import worth_sentences
from report.helps.agreement import agreement_findings
from report.helps.remedies import judged_remedies, remedy_kind, share_text
from report.helps.remedy_sentences import remedy_findings
from report.helps.section import remedies_table
from report.study import Results

CONDITIONS = read_conditions(remedied_conditions())


LOW = "the learner has learnt too little"


def said(*remedies: Any, contrasts: Any = (), better: str = "higher", low: Any = ()):
    paired = contrasts or [contrast_row(r.condition, r.remedied, r.won.value, size=r.size) for r in remedies]
    return remedy_findings(judged_remedies(remedies, paired, CONDITIONS, "bleu", better), "BLEU", dict(low))


def same(condition: str, size: int = 6400):
    """A remedy that is the same runs as what it remedies, as orders of the whole pool are."""
    return replace(remedy_row(condition, 0.0, half=0.0, size=size), verdict="same", won_p=None)


def test_a_remedy_that_helps() -> None:
    found = said(remedy_row("half-human", 2.9))
    (text,) = found.sentences
    won = "half-human wins back 2.9 BLEU", "2.1 to 3.7", "strong", "55 % (40 to 70 %)", "5.3", "human"
    check_sentence("remedies: helps", text, "Human text mixed in", "6,400 instances", *won)
    assert found.short.startswith("At 6,400 instances, half-human wins back 2.9 BLEU")


def test_a_remedy_that_harms() -> None:
    (text,) = said(remedy_row("half-human", -2.0)).sentences
    check_sentence("remedies: harms", text, "6,400 instances", "half-human loses 2.0 BLEU", "1.2 to 2.8", "strong")


def test_a_remedy_that_is_unclear() -> None:
    text = said(remedy_row("half-human", 0.5)).sentences[0]
    check_sentence("remedies: unclear", text, "unclear whether half-human helps", "+0.5 BLEU", "strong", "−0.3 to +1.3")
    assert "wins" not in text and "gap" not in text


def test_holms_p_value_decides_and_not_the_single_one() -> None:
    row = remedy_row("half-human", 2.9)
    assert row.won_p == 0.001
    family = [replace(contrast_row("half-human", "strong", 2.9), p_holm=0.2)]
    text = said(row, contrasts=family).sentences[0]
    parts = "correction for the number of tests", "unclear whether half-human helps", "+2.9 BLEU", "+2.1 to +3.7"
    check_sentence("remedies: unclear after correction", text, *parts)
    elsewhere = [contrast_row("half-human", "strong", 2.9, size=1600)]
    assert "it is unclear whether half-human helps" in said(row, contrasts=elsewhere).sentences[0]


def test_a_gap_that_is_not_there_is_undefined() -> None:
    row = remedy_row("half-human", 2.9, gap=0.3)
    assert share_text(row) == "undefined"
    text = said(row).sentences[0]
    parts = "wins back 2.9", "share of the gap is undefined", "human", "strong", "+0.3 (−0.7 to +1.3)"
    check_sentence("remedies: no gap", text, *parts)
    assert "%" not in text.replace("95 %", "")


def test_where_machine_text_costs_nothing_there_is_nothing_to_win_back() -> None:
    row = replace(remedy_row("half-human", 2.9, gap=-3.0), verdict="no cost")
    text = said(row).sentences[0]
    check_sentence(
        "remedies: nothing lost", text, "nothing was lost", "strong scores 3.0 (2.0 to 4.0) better than human"
    )


def test_the_same_data_are_no_remedy() -> None:
    assert "half-human trains on the same data as strong" in said(same("half-human")).sentences[0]


def pool_sized() -> tuple[list[Any], list[Any]]:
    """Remedies and contrasts of a study whose largest size is the whole pool: there all orders are one run."""
    remedies = [remedy_row("half-human", 2.9), same("best-first"), same("human-like"), same("worst-first")]
    remedies += [remedy_row("best-first", 1.4, size=3200), remedy_row("human-like", -1.3, size=3200)]
    remedies += [remedy_row("worst-first", -0.7, size=3200), remedy_row("best-first", 7.7, size=1600)]
    contrasts = [contrast_row(r.condition, "strong", r.won.value, size=r.size) for r in remedies]
    contrasts.append(contrast_row("best-first", "worst-first", 2.1, kind="reverse", size=3200))
    one = contrast_row("best-first", "worst-first", 0.0, kind="reverse")
    contrasts.append(replace(one, p_value=None, p_holm=None))
    return remedies, contrasts


def test_orders_of_the_whole_pool_are_judged_at_the_largest_size_that_tells() -> None:
    remedies, contrasts = pool_sized()
    found = said(*remedies, contrasts=contrasts)
    assert [text.split(":")[0] for text in found.sentences] == [
        "Human text mixed in, at 6,400 instances",
        "Best first by a quality metric, at 3,200 instances",
        "Most human-like first, at 3,200 instances",
    ]
    assert "best-first wins back 1.4 BLEU" in found.sentences[1]
    assert "(the ordering beats its own reverse, worst-first: −0.7 BLEU" in found.sentences[1]
    assert "human-like loses 1.3 BLEU" in found.sentences[2]
    assert found.short.startswith("At 6,400 instances, half-human wins back 2.9 BLEU")
    assert ". At 3,200 instances, best-first wins back 1.4 BLEU" in found.short
    assert "same data" not in found.short and "7.7" not in found.short


def test_a_reverse_that_is_the_same_run_says_nothing() -> None:
    remedies, contrasts = pool_sized()
    (best,) = said(remedies[1], contrasts=contrasts).sentences
    assert "trains on the same data" in best and "reverse" not in best


def test_the_same_runs_are_not_counted_as_unclear() -> None:
    rows = [remedy_row("half-human", 2.9), remedy_row("strong-weak", 0.1), same("best-first"), same("human-like")]
    short = said(*rows).short
    assert "of 4 remedies, 1 helps, 2 have the same runs as" in short
    assert "and 1 is unclear" in short


def test_the_table_has_a_word_for_the_same_runs() -> None:
    found = judged_remedies(*pool_sized(), CONDITIONS, "bleu", "higher")
    table = remedies_table(found, "BLEU", {("base", 1600): LOW})
    body = [[column.cell(row) for column in table.columns] for row in table.rows]
    cells = {(row[0].text, row[4].text): (row[2].text, row[3].text) for row in body}
    assert cells["best-first", "6,400"] == ("same runs", "–")
    assert cells["best-first", "3,200"] == ("helps", "beats its reverse")
    assert cells["human-like", "3,200"] == ("harms", "–")
    assert cells["best-first", "1,600"] == ("learnt too little", "–")


def test_a_reversed_ordering_without_its_twin_is_a_remedy() -> None:
    (sentence,) = said(remedy_row("worst-first", -2.0)).sentences
    assert sentence.startswith("A reversed ordering, at 6,400 instances: worst-first loses 2.0 BLEU")
    # It must not vanish as the control of an ordering that is not a remedy itself.
    paired = [
        contrast_row("worst-first", "strong", -2.0),
        contrast_row("best-first", "worst-first", 2.1, kind="reverse"),
    ]
    assert said(remedy_row("worst-first", -2.0), contrasts=paired).sentences == [sentence]


def test_below_the_floor_nothing_is_said_of_remedies() -> None:
    rows = [remedy_row("half-human", 2.9), same("best-first"), remedy_row("best-first", 1.4, size=3200)]
    found = said(*rows, low={("base", 3200): LOW})
    assert "half-human wins back 2.9" in found.short and "best-first" not in found.short
    assert found.sentences[-1] == f"At 3,200 instances, what remedies win back cannot be determined: {LOW}."
    assert "half-human" not in said(rows[0], low={("base", 6400): LOW}).short


@pytest.mark.parametrize(
    ("difference", "better", "verdict"),
    [
        (2.0, "higher", "the ordering beats its own reverse"),
        (-2.0, "higher", "the ordering loses to its own reverse"),
        (0.1, "higher", "the ordering is not significantly different from its own reverse"),
        (-2.0, "lower", "the ordering beats its own reverse"),
    ],
)
def test_an_ordering_is_compared_with_its_reverse(difference: float, better: str, verdict: str) -> None:
    contrasts = [
        contrast_row("best-first", "strong", 1.4),
        contrast_row("worst-first", "strong", -0.7),
        contrast_row("best-first", "worst-first", difference, kind="reverse"),
    ]
    found = said(remedy_row("best-first", 1.4), remedy_row("worst-first", -0.7), contrasts=contrasts, better=better)
    assert len(found.sentences) == 1
    assert f"({verdict}, worst-first: −0.7 BLEU, −1.5 to +0.1)" in found.sentences[0]


def test_only_the_largest_size_is_said() -> None:
    found = said(remedy_row("half-human", 2.9), remedy_row("half-human", 9.9, size=1600))
    assert "9.9" not in found.short + found.sentences[0]


def test_many_remedies_are_counted_with_both_ends() -> None:
    won = {"half-human": 2.9, "best-first": 1.4, "human-like": 0.2, "strong-weak": -1.5}
    found = said(*(remedy_row(name, value) for name, value in won.items()))
    assert "of 4 remedies, 2 help, 1 harms and 1 is unclear" in found.short
    assert "half-human wins back 2.9" in found.short and "strong-weak loses 1.5" in found.short
    assert [text.split(", at")[0] for text in found.sentences] == [
        "Best first by a quality metric",
        "Most human-like first",
        "Several generators",
        "Human text mixed in",
    ]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"order": "quality:trip"}, "quality"),
        ({"order": "human_like"}, "human_like"),
        ({"order": "human_like", "reverse": True}, "reverse"),
        ({"mixture": {"strong": 0.5, "human": 0.5}}, "real"),
        ({"mixture": {"strong": 0.5, "weak": 0.5}}, "several"),
        ({"copies": 2}, "copies"),
        ({"schedule": "incremental"}, "schedule"),
        ({"mixture": {"weak": 1.0}}, "other"),
    ],
)
def test_kinds_of_remedies(change: dict[str, Any], kind: str) -> None:
    assert remedy_kind(replace(CONDITIONS["strong"], **change), CONDITIONS["strong"]) == kind


def test_metrics_that_agree_contradict_and_cannot_be_told() -> None:
    rows = [
        agreement_row("trip", "strong", 0.45),
        agreement_row("language", "strong", -0.2),
        agreement_row("length", "strong", 0.01),
        agreement_row("broken", "strong", None),
        agreement_row("oracle", "strong", 1.0, practical="no"),
    ]
    found = agreement_findings(rows)
    (text,) = found.sentences
    agrees = "trip 0.45 (0.42 to 0.48) agrees", "64.0", "trip ranks first", "46.0"
    negative = "language −0.20 (−0.23 to −0.17) is negatively correlated"
    unclear = "unclear whether length 0.01 (−0.02 to 0.04) and broken (undefined) agree"
    check_sentence("agreement: one generator", text, "targets of strong", *agrees, negative, unclear)
    parts = "trip agrees", "language is negatively correlated", "unclear whether length and broken agree"
    check_sentence("agreement: summary", found.short, *parts, "closest: trip on strong", "0.45 (0.42 to 0.48)")
    assert agreement_findings([rows[-1]]).short == ""


def test_metrics_that_agree_for_some_generators_only() -> None:
    rows = [agreement_row("trip", "strong", 0.4), agreement_row("trip", "weak", 0.0)]
    assert "trip agrees with the oracle for some generators only" in agreement_findings(rows).short
    against = [agreement_row("trip", "strong", 0.4), agreement_row("trip", "weak", -0.4)]
    assert agreement_findings(against).short.endswith(
        "trip agrees with the oracle for some generators only; "
        "trip is negatively correlated with the oracle for some generators only"
    )
    everywhere = [agreement_row("length", name, -0.4) for name in ("strong", "weak")]
    short = agreement_findings(everywhere).short
    assert "length is negatively correlated with the oracle on the targets of both generators" in short


def worth(exchange: Any = (), curves: Any = (), low: Any = ()) -> list[str]:
    results = Results([], CONDITIONS, "human", summary_row("human", 30.4), margin=1.0, low=dict(low))
    return worth_sentences(exchange, curves, results)


def test_below_the_floor_machine_text_has_no_worth() -> None:
    rows = [exchange_row("strong")], [curve_row("strong", -4.1)]
    exchange, area = worth(*rows, low={("base", 6400): LOW})
    check_sentence("worth: below the floor", exchange, "cannot be determined", "6,400 instances", "strong", LOW)
    parts = "1,600 to 6,400", "strong", "cannot be determined", "at 6,400 instances", LOW
    check_sentence("area: below the floor", area, *parts)
    exchange, area = worth(*rows, low={("base", 1600): LOW})
    assert "about 2,100 human pairs" in exchange and "cannot be determined: at 1,600 instances" in area
    assert worth(*rows, low={("big", 6400): LOW}) == worth(*rows)


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        (("2100", "1500", "2900"), "about 2,100 human pairs (95 % interval 1,500 to 2,900): both score 25.1 BLEU."),
        (("9000", "7000", "12000"), "about 9,000 human pairs"),
        (("<1600", "<1600", "<1600"), "fewer than 1,600 human pairs, the smallest size in the study."),
        (
            (">6400", "5000", ">6400"),
            "more than 6,400 human pairs (95 % interval 5,000 to more than 6,400), the largest",
        ),
    ],
)
def test_the_exchange_rate_in_words(pairs: tuple[str, str, str], expected: str) -> None:
    (sentence,) = worth([exchange_row("strong", *pairs)])
    assert sentence.startswith("6,400 instances of text written by strong are worth")
    assert expected in sentence


def test_an_exchange_rate_that_cannot_be_told_says_why() -> None:
    row = replace(exchange_row("strong", "", "", ""), note="the curve is flat")
    (text,) = worth([row])
    check_sentence("worth: unknown", text, "cannot be determined", "6,400 instances", "strong", "the curve is flat")


@pytest.mark.parametrize(
    ("area", "expected"),
    [
        (-4.1, "costs 4.1 BLEU (95 % interval 3.6 to 4.6)"),
        (1.2, "gains 1.2 BLEU (95 % interval 0.7 to 1.7)"),
        (0.2, "(+0.2 BLEU, 95 % interval −0.3 to +0.7)"),
    ],
)
def test_the_area_between_curves_in_words(area: float, expected: str) -> None:
    (sentence,) = worth(curves=[curve_row("strong", area)])
    check_sentence(f"area: {area}", sentence, "1,600 to 6,400", "text written by strong", expected)
    assert ("unclear" in sentence) == (area == 0.2)


def test_remedied_and_mixed_conditions_are_not_what_machine_text_is_worth() -> None:
    assert worth([exchange_row("half-human"), exchange_row("best-first")], [curve_row("strong-weak", 1.0)]) == []
