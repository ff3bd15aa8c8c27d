"""The answer in words."""

from __future__ import annotations

import pytest
from report_study import check_sentence
from report_tables import condition_settings
from report_tables import summary_row as row

from evaluate.results import ConditionSummary
from planning.conditions import read_conditions
from report.cost.answer import Verdict, answer, below_floor, is_below_floor, loss_of
from report.study import Results
from report.text.formatting import count, listing, p_value, points, span
from report.text.names import training_text

CONDITIONS = {
    "human": condition_settings({"human": 1.0}),
    "strong": condition_settings({"strong": 1.0}),
    "weak": condition_settings({"weak": 1.0, "human": 0.0}),
    "half": condition_settings({"strong": 0.5, "human": 0.5}),
}


HUMAN = row("human", 30.4)


def said(*rows: ConditionSummary, floor: float = 5.0, conditions=CONDITIONS, metric: str = "bleu") -> str:
    given = read_conditions(conditions)
    low = below_floor(rows, given, "human", metric, floor)
    return answer(Results(rows, given, "human", rows[0], margin=1.0, low=low))


def test_worse() -> None:
    text = said(HUMAN, row("strong", 25.1, -5.3, 1.2))
    numbers = "costs 5.3 BLEU", "4.1 to 6.5", "25.1", "30.4"
    check_sentence("answer: worse", text, "6,000 instances", "strong", "instead of human text", *numbers)


def test_better() -> None:
    text = said(HUMAN, row("strong", 32.0, 1.6, 0.5))
    check_sentence("answer: better", text, "6,000", "strong", "gains 1.6 BLEU", "1.1 to 2.1", "32.0", "30.4")


def test_as_good() -> None:
    text = said(HUMAN, row("strong", 30.3, -0.1, 0.5))
    check_sentence("answer: as good", text, "6,000", "strong", "as good", "−0.1 BLEU", "−0.6 to +0.4", "±1 BLEU")


def test_unclear() -> None:
    text = said(HUMAN, row("strong", 29.9, -0.5, 1.5))
    check_sentence("answer: unclear", text, "6,000", "unclear", "strong", "−0.5 BLEU", "−2.0 to +1.0")


def test_one_condition() -> None:
    text = said(HUMAN)
    check_sentence("answer: one condition", text, "6,000", "human text", "30.4 BLEU", "29.4 to 31.4", "no other")


def test_several_conditions_are_one_sentence_about_synthetic_ones() -> None:
    text = said(HUMAN, row("strong", 25.1, -5.3), row("weak", 30.5, 0.1, 0.3), row("half", 29, -1.4))
    assert "strong instead of human text costs 5.3" in text
    assert "; training on text written by weak is as good" in text
    assert "50 %" not in text


def test_mixtures_where_there_is_nothing_purely_synthetic() -> None:
    text = said(HUMAN, row("half", 29.0, -1.4, 0.2))
    assert "training on 50 % human text and 50 % text written by strong instead of human text costs" in text


def test_many_conditions_are_summed_up() -> None:
    names = [f"g{n}" for n in range(6)]
    conditions = {"human": CONDITIONS["human"]} | {n: condition_settings({n: 1.0}) for n in names}
    differences = [-6.0, -3.0, 0.0, 2.0, -0.9, -4.0]
    rows = [row(n, 30 + d, d, 0.5) for n, d in zip(names, differences, strict=True)]
    text = said(HUMAN, *rows, conditions=conditions)
    extremes = "text written by g0 costs 6.0 BLEU", "text written by g3 gains 2.0 BLEU"
    counts = "of 6 conditions", "4 are worse", "1 is better", "1 is as good"
    check_sentence("answer: many conditions", text, "6,000", *counts, *extremes)


def test_only_the_largest_size_counts() -> None:
    small = [row("human", 20.0, size=1500), row("strong", 19.0, -1.0, 0.2, size=1500)]
    assert "costs 5.3" in said(*small, HUMAN, row("strong", 25.1, -5.3))


def test_learners_have_a_sentence_each() -> None:
    big = [row("human", 35.0, learner="big"), row("strong", 34.9, -0.1, 0.2, learner="big")]
    text = said(HUMAN, row("strong", 25.1, -5.3), *big)
    assert text.startswith("With learner base, at 6,000 instances, training on")
    assert " With learner big, at 6,000 instances, training on" in text


def test_lower_is_better() -> None:
    ter = {"metric": "ter", "name": "TER", "better": "lower"}
    text = said(row("human", 50.0, **ter), row("strong", 55.0, 5.0, 1.0, **ter), metric="ter")
    assert "costs 5.0 TER (95 % interval 4.0 to 6.0): 55.0 instead of 50.0" in text


def test_conditions_that_read_alike_are_named() -> None:
    conditions = CONDITIONS | {"strong_first": condition_settings({"strong": 1.0}, order="quality")}
    text = said(HUMAN, row("strong", 25, -5), row("strong_first", 26, -4), conditions=conditions)
    assert "text written by strong (condition strong_first) costs 4.0" in text


def test_remedies_are_no_part_of_what_it_costs() -> None:
    conditions = CONDITIONS | {"best": condition_settings({"strong": 1.0}, order="quality:trip", remedies="strong")}
    rows = HUMAN, row("strong", 25.1, -5.3, 1.2), row("best", 29.0, -1.4, 0.2)
    assert said(*rows, conditions=conditions) == said(HUMAN, row("strong", 25.1, -5.3, 1.2))
    only = {name: conditions[name] for name in ("human", "best")}
    assert "training on text written by strong instead of human text costs 1.4" in said(HUMAN, rows[2], conditions=only)


@pytest.mark.parametrize(
    ("difference", "half", "better", "verdict"),
    [
        (-2.0, 0.5, "higher", Verdict.WORSE),
        (-2.0, 0.5, "lower", Verdict.BETTER),
        (2.0, 0.5, "higher", Verdict.BETTER),
        (2.0, 0.5, "lower", Verdict.WORSE),
        (-0.5, 0.4, "higher", Verdict.EQUAL),  # clear of zero, but smaller than the margin
        (0.0, 0.9, "higher", Verdict.EQUAL),
        (0.0, 1.0, "higher", Verdict.UNCLEAR),
        (-0.8, 0.5, "higher", Verdict.WORSE),
        (0.0, 0.0, "higher", Verdict.EQUAL),
    ],
)
def test_verdicts(difference: float, half: float, better: str, verdict: Verdict) -> None:
    judged = loss_of(row("strong", 30, difference, half, better=better), HUMAN, 1.0, is_below_floor(HUMAN, 5.0))
    assert judged.verdict is verdict


def test_no_margin_leaves_no_room_for_as_good() -> None:
    assert loss_of(row("strong", 30, 0.0, 0.1), HUMAN, 0.0, is_low=False).verdict is Verdict.UNCLEAR


def test_a_row_without_difference_cannot_be_judged() -> None:
    with pytest.raises(ValueError, match="no difference"):
        loss_of(HUMAN, HUMAN, 1.0, is_low=False)


@pytest.mark.parametrize("difference", [-0.3, 0.0, 0.3])
def test_a_baseline_below_the_floor_leaves_every_condition_open(difference: float) -> None:
    for better, score, verdict in (
        ("higher", 4.9, {Verdict.UNCLEAR}),
        ("higher", 5.0, {Verdict.WORSE, Verdict.EQUAL, Verdict.BETTER}),
        ("lower", 4.9, {Verdict.WORSE, Verdict.EQUAL, Verdict.BETTER}),
    ):
        baseline = row("human", score, better=better)
        strong = row("strong", score + difference, difference, 0.1, better=better)
        judged = loss_of(strong, baseline, 0.2, is_below_floor(baseline, 5.0))
        assert judged.verdict in verdict, (better, score)


def test_a_learner_that_has_learnt_too_little_is_the_reason_given() -> None:
    low = row("human", 0.7)
    text = said(low, row("strong", 0.1, -0.6, 0.2))
    reason = "cannot be determined", "learnt too little", "0.7 BLEU", "human text", "5 BLEU"
    check_sentence("answer: too little learnt", text, "6,000", "text written by strong", *reason)
    several = said(low, row("strong", 0.1, -0.6, 0.2), row("weak", 0.7, 0.0, 0.1), row("half", 0.6, -0.1))
    assert "the cost of training on machine-written text only instead of human text cannot be determined" in several
    assert "the cost of training on 50 % human text and 50 % text" in said(low, row("half", 0.6, -0.1))
    assert "is as good" in said(low, row("strong", 0.1, -0.6, 0.2), floor=0)
    assert "no other condition" in said(low)


def test_each_learner_has_a_floor_of_its_own() -> None:
    big = [row("human", 2.0, learner="big"), row("strong", 1.0, -1.0, 0.2, learner="big")]
    base, other = said(HUMAN, row("strong", 25.1, -5.3), *big).split(" With learner big, ")
    assert "costs 5.3 BLEU" in base
    assert "the learner has learnt too little, since it scores only 2.0 BLEU" in other


def test_words() -> None:
    assert [points(v) for v in (0, -0.04, 0.001, 12.35, -3)] == ["0.0", "−0.04", "0.0", "12.3", "−3.0"]
    assert [points(v, signed=True) for v in (0, 1, -1)] == ["0.0", "+1.0", "−1.0"]
    assert span(-1, 1, signed=True) == "−1.0 to +1.0"
    assert [p_value(p) for p in (0.0004, 0.0312, 1)] == ["< 0.001", "0.031", "1.000"]
    assert [count(1, "seed"), count(1984, "seed")] == ["1 seed", "1,984 seeds"]
    assert [listing(x) for x in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]
    assert training_text({"a": 0.25, "human": 0.75}) == "75 % human text and 25 % text written by a"
    assert training_text({"a": 1 / 3, "b": 2 / 3}) == "33.3 % text written by a and 66.7 % text written by b"
