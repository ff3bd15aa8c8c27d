"""Why: what is said of errors, diversity and the detector follows the tables, either way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from report_tables import diversity_row, error_row, pair_row

from report.analysis_tables import ErrorRow, PostEditingRow
from report.judged import per_cent, told_apart
from report.why.detector import detector_said, warnings
from report.why.diversity import diversity_said
from report.why.errors import errors_said
from report.why.section import Part, why_part
from workbench.records import write_records

PEOPLE = ["human-B"]


@pytest.mark.parametrize(
    ("low", "high", "p", "side"),
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
def test_told_apart_takes_interval_and_p_value(low: float, high: float, p: float, side: int) -> None:
    assert told_apart(low, high, p) == side


def test_errors_above_below_and_not_told_from_the_floor() -> None:
    rows = [
        error_row("strong", "any", 80.0, 45.0),
        error_row("strong", "omission", 31.2, 12.0),
        error_row("strong", "addition", 2.0, 9.0),
        error_row("strong", "oscillation", 3.0, 2.0),
        error_row("strong", "ter_shifts", 20.0, None),
    ]
    said = errors_said(rows, PEOPLE)
    assert said.sentences == [
        "Text written by strong has an error in 80.0 of 1,000 segments, human text in 45.0 (difference +35.0, 95 % "
        "interval +32.0 to +38.0), and is above the human floor in omission (31.2 instead of 12.0; +16.2 to +22.2); is "
        "below the human floor in addition (2.0 instead of 9.0; −10.0 to −4.0); is not told apart from the human floor "
        "in oscillation; has no human floor to compare with in TER shifts."
    ]
    assert said.short == (
        "errors: strong has one in 80.0 of 1,000 segments, human text in 45.0 (difference +35.0, +32.0 to +38.0), and "
        "is above the human floor in 1 of 3 measures (most clearly omission), below it in 1 (addition)"
    )


def test_errors_without_a_difference_claim_nothing() -> None:
    said = errors_said([error_row("strong", "omission", 13.0, 12.0)], PEOPLE)
    assert said.short == "errors: strong is not told apart from the human floor in any of 1 measure"
    assert "above" not in said.sentences[0] and "below" not in said.sentences[0]
    bare = errors_said([error_row("strong", "ter_shifts", 13.0, None)], PEOPLE)
    assert bare.short == "errors: there is no human floor to compare with"


def test_scores_in_points_are_no_errors() -> None:
    rows = [error_row("strong", "bleu", 33.0, 60.0), error_row("strong", "omission", 31.2, 12.0)]
    assert "BLEU" not in errors_said(rows, PEOPLE).sentences[0]


def test_edits_say_what_they_are_counted_by() -> None:
    said = errors_said([error_row("strong", "ter_shifts", 33.0, 12.0)], PEOPLE)
    assert "TER shifts (33.0 instead of 12.0 per 1,000 reference words; +18.0 to +24.0)" in said.sentences[0]


def test_people_are_no_machines_and_human_text_is_no_origin_to_judge() -> None:
    rows = [error_row("human", rate=12.0, floor=None), error_row("human-B"), error_row("strong")]
    said = errors_said(rows, PEOPLE)
    assert [text.split(" is ")[0] for text in said.sentences] == [
        "The second human reference human-B",
        "Text written by strong",
    ]
    assert "human-B" not in said.short


def test_many_texts_are_counted() -> None:
    rates = {"a": 30.0, "b": 2.0, "c": 12.0, "d": 29.0}
    said = errors_said([error_row(name, rate=rate) for name, rate in rates.items()], PEOPLE)
    assert said.short == (
        "errors: of 4 texts, 2 exceed the human floor in some measure (most often omission: 2), 1 stays below it "
        "in some (most often omission: 1), 1 in neither"
    )
    assert len(said.sentences) == 4


def test_what_learners_write_is_said_at_the_largest_size_with_the_baseline() -> None:
    at = {"scope": "test", "learner": "base"}
    rows = [
        error_row("human", rate=20.0, size=6400.0, **at),
        error_row("strong", rate=40.0, size=6400.0, **at),
        error_row("strong", rate=99.0, size=1600.0, **at),
    ]
    said = errors_said(rows, PEOPLE, baseline="human")
    assert said.sentences[0].startswith("What the learner writes after training on human (the baseline) is above")
    assert "99" not in " ".join(said.sentences)
    assert said.short.startswith("errors in what learners write: strong is above the human floor in 1 of 1 measure")
    assert said.short.endswith(
        "human, the baseline, is above the human floor in 1 of 1 measure (most clearly omission)"
    )


def test_an_origin_with_the_baselines_name_is_judged_and_people_alone_need_no_summary(tmp_path: Path) -> None:
    people = [f"human-{letter}" for letter in "BCDEF"]

    def page(rows: list[ErrorRow]) -> Part:
        write_records(tmp_path / "errors.tsv", ErrorRow, rows)
        return why_part({"errors_pool": tmp_path / "errors.tsv"}, {}, {}, people, "plain")

    assert page([error_row("plain")]).line.startswith("Errors: plain is above the human floor")
    topic = page([error_row(name) for name in people]).topics[0]
    assert topic.sentences == [] and len(topic.more) == 5


def test_learners_are_told_apart_by_name() -> None:
    rows = [error_row("strong", scope="test", learner=name, size=100.0) for name in ("base", "big")]
    said = errors_said(rows, PEOPLE)
    assert [text[:18] for text in said.sentences] == ["With learner base,", "With learner big, "]


def test_diversity_is_turned_so_that_plus_is_more_diverse() -> None:
    assert per_cent(diversity_row("strong", "mtld", -0.12)) == pytest.approx((-12, -14, -10))
    assert per_cent(diversity_row("strong", "yule_k", 0.12)) == pytest.approx((-12, -14, -10))
    assert per_cent(replace(diversity_row("strong"), human=None)) is None


def test_diversity_less_more_and_not_told_apart() -> None:
    rows = [
        diversity_row("strong", "mtld", -0.12),
        diversity_row("strong", "yule_k", -0.1),
        diversity_row("strong", "entropy", 0.01),
    ]
    said = diversity_said(rows, PEOPLE)
    assert said.sentences == [
        "Text written by strong, at 50,000 tokens each, is more diverse than human text by Yule’s K (+10.0 %, +8.0 to "
        "+12.0); less diverse than human text by MTLD (−12.0 %, −14.0 to −10.0); not told apart from it by entropy; "
        "its adequacy, chrF to the human targets, is 52.3."
    ]
    assert said.short == (
        "lexical diversity: strong is less diverse than human text by 1 of 3 measures (such as MTLD: −12.0 %, −14.0 to "
        "−10.0) and more diverse by 1 (such as Yule’s K: +10.0 %, +8.0 to +12.0), and has chrF 52.3"
    )


def test_diversity_that_is_the_same_claims_nothing() -> None:
    said = diversity_said([diversity_row("strong", "mtld", 0.0)], PEOPLE)
    assert "not told apart from human text by any of 1 measure" in said.short
    assert "diverse than" not in said.short + said.sentences[0]


def machine(auc: float):
    return pair_row("human", "strong", "human-machine", auc)


CONTROL = pair_row("human", "human-B", "human-human", 0.81)


@pytest.mark.parametrize(
    ("auc", "said", "lesson"),
    [
        (
            0.80,
            "as well as that (the intervals overlap), so there it may be learning a translator’s style",
            "no more than",
        ),
        (0.95, "from human text better, so there is more to find than one author’s style", ": more than one"),
        (0.60, "less well than that, so telling them apart is no sign of machine style", "no more than"),
    ],
)
def test_the_detector_is_set_beside_two_people(auc: float, said: str, lesson: str) -> None:
    found = detector_said([machine(auc), CONTROL])
    assert said in " ".join(found.sentences)
    assert lesson in found.short


def test_a_detector_without_a_human_control_may_have_learnt_one_author() -> None:
    found = detector_said([machine(0.9)])
    assert "There is no second human reference" in " ".join(found.sentences)
    assert "may be one author’s style" in found.short


def test_a_detector_at_chance_is_said_to_be() -> None:
    text = " ".join(detector_said([machine(0.505)]).sentences)
    assert "It is not shown to tell strong from human text better than chance." in text


def test_machines_told_apart_weaken_the_detector() -> None:
    other = pair_row("strong", "weak", "machine-machine", 0.9)
    assert "authors differ whether or not" in " ".join(detector_said([machine(0.8), other]).sentences)
    overlapping = pair_row("strong", "weak", "machine-machine", 0.82)
    assert "authors differ" not in " ".join(detector_said([machine(0.8), overlapping]).sentences)
    low = pair_row("strong", "weak", "machine-machine", 0.6)
    assert "authors differ" not in " ".join(detector_said([machine(0.8), low]).sentences)


def test_nothing_is_said_without_machines() -> None:
    assert detector_said([]).short == errors_said([], PEOPLE).short == diversity_said([], PEOPLE).short == ""


def test_only_warnings_are_passed_on() -> None:
    rows = [PostEditingRow("a", 60.0, 30.0, "looks post-edited"), PostEditingRow("b", 30.0, 60.0, "")]
    assert warnings(rows) == ["looks post-edited"]
