"""Why: the sentences about errors, diversity and the detector follow the tables, either way."""

from __future__ import annotations

from dataclasses import astuple, replace
from pathlib import Path

import pytest
from report_study import check_sentence
from report_tables import diversity_row, error_row, pair_row

from report.page import Section
from report.rows import ErrorRow, PostEditingRow, significant_sign
from report.study import Files
from report.why.detector import detector_findings
from report.why.diversity import diversity_findings
from report.why.errors import error_findings
from report.why.section import warnings, why_section
from workbench.intervals import Interval
from workbench.records import write_records

PEOPLE = ["human-B"]


@pytest.mark.parametrize(
    ("low", "high", "p", "sign"),
    [
        (0.1, 2, 0.01, 1),
        (-2, -0.1, 0.01, -1),
        (-0.1, 2, 0.01, 0),  # the interval holds zero
        (0.1, 2, 0.05, 0),  # the family's p-value does not hold
        (0.0, 2, 0.01, 0),
        (None, None, None, 0),
        (0.1, 2, None, 0),
    ],
)
def test_significance_takes_interval_and_p_value(low: float, high: float, p: float, sign: int) -> None:
    interval = None if low is None else Interval((low + high) / 2, low, high)
    assert significant_sign(interval, p) == sign


def test_errors_above_below_and_like_the_floor() -> None:
    rows = [
        error_row("strong", "any", 80.0, 45.0),
        error_row("strong", "omission", 31.2, 12.0),
        error_row("strong", "addition", 2.0, 9.0),
        error_row("strong", "oscillation", 3.0, 2.0),
        error_row("strong", "ter_shifts", 20.0, None),
    ]
    said = error_findings(rows, PEOPLE)
    (text,) = said.sentences
    any_error = "80.0 of 1,000 segments", "strong", "45.0", "human", "+35.0", "+32.0 to +38.0"
    above = "above", "omission (31.2 instead of 12.0; +16.2 to +22.2)"
    below = "below", "addition (2.0 instead of 9.0; −10.0 to −4.0)"
    others = "not significantly different", "oscillation", "no human floor", "TER shifts"
    check_sentence("errors: details", text, *any_error, *above, *below, *others)
    counts = "above", "1 of 3 measures", "omission", "below", "1", "addition"
    check_sentence("errors: summary", said.short, *any_error, *counts)


def test_errors_without_a_difference_claim_nothing() -> None:
    said = error_findings([error_row("strong", "omission", 13.0, 12.0)], PEOPLE)
    assert (
        said.short
        == "Errors: text written by strong is not significantly different from the human floor in any of 1 measure"
    )
    assert "above" not in said.sentences[0] and "below" not in said.sentences[0]
    bare = error_findings([error_row("strong", "ter_shifts", 13.0, None)], PEOPLE)
    assert bare.short == "Errors: there is no human text to compare with"


def test_scores_in_points_are_not_errors() -> None:
    rows = [error_row("strong", "bleu", 33.0, 60.0), error_row("strong", "omission", 31.2, 12.0)]
    assert "BLEU" not in error_findings(rows, PEOPLE).sentences[0]


def test_edits_say_what_they_are_counted_by() -> None:
    said = error_findings([error_row("strong", "ter_shifts", 33.0, 12.0)], PEOPLE)
    assert "TER shifts (33.0 instead of 12.0 per 1,000 reference words; +18.0 to +24.0)" in said.sentences[0]


def test_people_are_not_machines_and_human_text_is_not_judged() -> None:
    rows = [error_row("human", rate=12.0, floor=None), error_row("human-B"), error_row("strong")]
    said = error_findings(rows, PEOPLE)
    assert [text.split(" is ")[0] for text in said.sentences] == [
        "The second human reference human-B",
        "Text written by strong",
    ]
    assert "human-B" not in said.short


def test_many_texts_are_counted() -> None:
    rates = {"a": 30.0, "b": 2.0, "c": 12.0, "d": 29.0}
    said = error_findings([error_row(name, rate=rate) for name, rate in rates.items()], PEOPLE)
    counts = "4 texts", "2 exceed", "omission: 2", "1 is below", "omission: 1", "1 does neither"
    check_sentence("errors: many texts", said.short, *counts)
    assert len(said.sentences) == 4


def test_output_of_learners_is_judged_at_the_largest_size_with_the_baseline() -> None:
    at = {"scope": "test", "learner": "base"}
    rows = [
        error_row("human", rate=20.0, size=6400.0, **at),
        error_row("strong", rate=40.0, size=6400.0, **at),
        error_row("strong", rate=99.0, size=1600.0, **at),
    ]
    said = error_findings(rows, PEOPLE, baseline="human")
    assert said.sentences[0].startswith("The output after training on human (the baseline) is above")
    assert "99" not in " ".join(said.sentences)
    parts = "learners’ output", "strong", "above", "1 of 1 measure", "human (the baseline)", "above", "1 of 1 measure"
    check_sentence("errors: output of learners", said.short, *parts)


def test_an_origin_with_the_baselines_name_is_judged_and_people_alone_need_no_summary(tmp_path: Path) -> None:
    people = [f"human-{letter}" for letter in "BCDEF"]

    def page(rows: list[ErrorRow]) -> Section:
        write_records(tmp_path / "errors.tsv", ErrorRow, rows)
        return why_section(Files({"errors_pool": tmp_path / "errors.tsv"}, {}, {}), people, "plain")

    assert page([error_row("plain")]).line.startswith("Errors: text written by plain is above the human floor")
    topic = page([error_row(name) for name in people]).topics[0]
    assert topic.sentences == [] and len(topic.more) == 5


def test_several_learners_are_named() -> None:
    rows = [error_row("strong", scope="test", learner=name, size=100.0) for name in ("base", "big")]
    said = error_findings(rows, PEOPLE)
    assert [text[:18] for text in said.sentences] == ["With learner base,", "With learner big, "]


def test_diversity_is_turned_so_that_plus_is_more_diverse() -> None:
    assert astuple(diversity_row("strong", "mtld", -0.12).per_cent) == pytest.approx((-12, -14, -10))
    assert astuple(diversity_row("strong", "yule_k", 0.12).per_cent) == pytest.approx((-12, -14, -10))
    assert replace(diversity_row("strong"), human=None).per_cent is None


def test_diversity_less_more_and_unclear() -> None:
    rows = [
        diversity_row("strong", "mtld", -0.12),
        diversity_row("strong", "yule_k", -0.1),
        diversity_row("strong", "entropy", 0.01),
    ]
    said = diversity_findings(rows, PEOPLE)
    (text,) = said.sentences
    more = "more diverse", "Yule’s K (+10.0 %, +8.0 to +12.0)"
    less = "less diverse", "MTLD (−12.0 %, −14.0 to −10.0)"
    check_sentence("diversity: details", text, "50,000 tokens", "strong", *more, *less, "entropy", "chrF", "52.3")
    less = "less diverse", "1 of 3 measures", "MTLD: −12.0 %", "−14.0 to −10.0"
    more = "more diverse by 1", "Yule’s K: +10.0 %", "+8.0 to +12.0"
    check_sentence("diversity: summary", said.short, "strong", *less, *more, "chrF is 52.3")


def test_diversity_that_is_the_same_claims_nothing() -> None:
    said = diversity_findings([diversity_row("strong", "mtld", 0.0)], PEOPLE)
    assert "not significantly different from human text in any of 1 measure" in said.short
    assert "diverse than" not in said.short + said.sentences[0]


def machine(auc: float):
    return pair_row("human", "strong", "human-machine", auc)


CONTROL = pair_row("human", "human-B", "human-human", 0.81)


@pytest.mark.parametrize(
    ("auc", "comparison", "conclusion"),
    [
        (0.80, ("as well as that", "intervals overlap", "may have learnt a translator’s style"), "no evidence of more"),
        (0.95, ("strong from human text better", "more than one author’s style"), ": more than one author’s style"),
        (0.60, ("less well", "not evidence of a machine’s style"), "no evidence of more"),
    ],
)
def test_the_detector_is_compared_with_two_people(auc: float, comparison: tuple[str, ...], conclusion: str) -> None:
    found = detector_findings([machine(auc), CONTROL])
    check_sentence(f"detector: {auc}", " ".join(found.sentences), f"{auc:.2f}", "human-B", "0.81", *comparison)
    check_sentence(f"detector: summary, {auc}", found.short, f"{auc:.2f}", "0.81", conclusion)


def test_a_detector_without_a_human_control_may_have_learnt_one_author() -> None:
    found = detector_findings([machine(0.9)])
    assert "There is no second human reference" in " ".join(found.sentences)
    assert "may reflect one author’s style as well as a machine’s" in found.short


def test_a_detector_at_chance() -> None:
    text = " ".join(detector_findings([machine(0.505)]).sentences)
    assert "It does not distinguish strong from human text significantly above chance." in text


def test_machines_that_are_distinguished_weaken_the_detector() -> None:
    other = pair_row("strong", "weak", "machine-machine", 0.9)
    assert "authors differ whether or not" in " ".join(detector_findings([machine(0.8), other]).sentences)
    overlapping = pair_row("strong", "weak", "machine-machine", 0.82)
    assert "authors differ" not in " ".join(detector_findings([machine(0.8), overlapping]).sentences)
    low = pair_row("strong", "weak", "machine-machine", 0.6)
    assert "authors differ" not in " ".join(detector_findings([machine(0.8), low]).sentences)


def test_without_machines_there_are_no_findings() -> None:
    assert detector_findings([]).short == error_findings([], PEOPLE).short == diversity_findings([], PEOPLE).short == ""


def test_only_warnings_are_passed_on() -> None:
    rows = [PostEditingRow("a", 60.0, 30.0, "looks post-edited"), PostEditingRow("b", 30.0, 60.0, "")]
    assert warnings(rows) == ["looks post-edited"]
