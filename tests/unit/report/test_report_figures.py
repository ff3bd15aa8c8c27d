"""The figures of scores: that they are there, whole, the same again, and show what the tables say."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from report_study import TEMPLATES, draw, write_tables

from evaluate.results import ConditionSummary, at_largest_size
from planning.code_digest import CodeDigest
from report import plot_learning_curve
from report.figures.style import COLOURS, INK, figure_parser, looks, spread
from workbench.cli import UserError
from workbench.records import read_records, write_records


@pytest.mark.parametrize(
    "shape",
    [
        {},
        {"conditions": 1, "sizes": (6000,), "seeds": 1},
        {"conditions": 3, "sizes": (6000,), "learners": ("base", "big")},
        {"conditions": 30, "sizes": (100, 200, 400)},
    ],
)
def test_every_condition_is_named_once_a_panel(tmp_path: Path, shape: dict) -> None:
    names = write_tables(tmp_path, **shape)
    curve, curve_png, dots, dots_png = draw(tmp_path)
    for figure in (curve, dots):
        svg = figure.read_text(encoding="utf-8")
        texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
        for name in names:
            assert texts.count(name) == len(shape.get("learners", ("base",))), (figure, name)
        over = "the" if shape.get("seeds") == 1 else "seeds and the"
        assert f"95 % bootstrap interval over {over} 1,000 test sentences" in svg
    for figure in (curve_png, dots_png):
        assert figure.read_bytes().startswith(b"\x89PNG")


def test_figures_are_the_same_again(tmp_path: Path) -> None:
    write_tables(tmp_path)
    first = [path.read_bytes() for path in draw(tmp_path)]
    assert [path.read_bytes() for path in draw(tmp_path)] == first


def test_an_unknown_metric_is_refused(tmp_path: Path) -> None:
    write_tables(tmp_path)
    with pytest.raises(UserError, match="comet: not in the summary; allowed: bleu"):
        draw(tmp_path, metric="comet")


def test_another_condition_at_the_end_leaves_the_colours() -> None:
    before, after = looks(["human", "a", "b"], "human"), looks(["human", "a", "b", "c"], "human")
    assert all(after[name] == look for name, look in before.items())
    assert before["human"]["colour"] == INK
    assert INK not in COLOURS


def test_thirty_conditions_look_different() -> None:
    names = ["human", *(f"c{n}" for n in range(30))]
    seen = {json.dumps(look) for look in looks(names, "human").values()}
    assert len(seen) == 31


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ([], []),
        ([5.0], [5.0]),
        ([1.0, 8.0], [1.0, 8.0]),
        ([5.0, 5.0], [4.5, 5.5]),
        ([0.0, 0.0, 0.2], [0.0, 1.0, 2.0]),
        ([10.0, 10.0], [9.0, 10.0]),
        ([12.0], [10.0]),
    ],
)
def test_labels_keep_apart(wanted: list[float], expected: list[float]) -> None:
    assert spread(wanted, 1.0, 0.0, 10.0) == pytest.approx(expected)


def test_labels_keep_order_and_distance() -> None:
    wanted = [3.0, 3.1, 9.9, 3.2, 0.1, 9.8, 5.0, 4.9]
    places = spread(wanted, 1.0, 0.0, 10.0)
    pairs = sorted(zip(wanted, places, strict=True))
    gaps = [b[1] - a[1] for a, b in pairwise(pairs)]
    assert min(gaps) > 1 - 1e-6
    assert min(places) >= 0 and max(places) <= 10


def test_too_many_labels_are_spread_evenly() -> None:
    assert spread([5.0] * 6, 4.0, 0.0, 10.0) == pytest.approx([0, 2, 4, 6, 8, 10])


@pytest.mark.parametrize(
    ("sizes", "kind"),
    [
        ((1500, 6000), "log"),
        ((3000, 6000), "linear"),
        ((1000, 2000, 3000, 4000), "linear"),
        ((500, 1000, 2000, 4000), "log"),
    ],
)
def test_scale_of_sizes(sizes: tuple[int, ...], kind: str) -> None:
    assert plot_learning_curve.size_scale(sizes) == kind


@pytest.mark.parametrize(
    ("sizes", "labels"),
    [
        ((0, 100, 200, 400), ["0", "100", "200", "400"]),
        ((0, 1000, 2000, 3000), ["0", "1,000", "2,000", "3,000"]),
        ((0, 100, 400), ["0", "100", "400"]),
        ((0, 400), ["0", "400"]),
        ((0,), ["0"]),
    ],
)
def test_size_0_and_every_other_has_its_tick(tmp_path: Path, sizes: tuple[int, ...], labels: list[str]) -> None:
    write_tables(tmp_path, conditions=2, sizes=sizes)
    svg = draw(tmp_path)[0].read_text(encoding="utf-8")
    axis = svg[svg.index("X-axis") : svg.index("Y-axis")]
    shown = re.findall(r'translate\(([\d.]+),[\d.]+\)"[^>]*opacity="1">([\d,]+)</text>', axis)
    assert [text for _, text in shown] == labels
    assert axis[axis.index("role-axis-tick") : axis.index("role-axis-label")].count("<line") == len(labels)
    if len(sizes) > 1:  # where there is one size only, conditions stand side by side
        ticks = [float(place) for place, _ in shown]
        points = re.findall(r'aria-roledescription="point" transform="translate\(([\d.]+),', svg)
        drawn = sorted({round(float(place)) for place in points})
        assert drawn == [round(place) for place in ticks]
        steps = [b - a for a, b in pairwise(ticks)]
        assert min(steps) == pytest.approx(max(steps), rel=0.01)  # all of these grow evenly, by steps or factors


def test_the_wording_of_the_answer_does_not_change_the_figures() -> None:
    digest = CodeDigest(TEMPLATES.parent / "scripts")
    sentences = {
        "cost/answer",
        "cost/worth",
        "helps/agreement",
        "helps/remedy_sentences",
        "text/findings",
        "why/texts",
        "why/detector",
        "why/diversity",
        "why/errors",
    }
    folder = TEMPLATES.parent / "scripts/report"
    assert all((folder / f"{name}.py").is_file() for name in sentences)
    for script in folder.glob("plot_*.py"):
        used = {str(path.with_suffix("")) for path in digest.files(f"report/{script.name}")}
        assert not {f"report/{name}" for name in sentences} & used, script


def test_the_largest_size_is_each_learners_own(tmp_path: Path) -> None:
    write_tables(tmp_path, learners=("base", "big"))
    rows = [
        row
        for row in read_records(tmp_path / "summary.tsv", ConditionSummary)
        if (row.learner, row.size) != ("big", 6000)
    ]
    found = at_largest_size(rows, "bleu")
    assert {(row.learner, row.size) for row in found} == {("base", 6000), ("big", 1500)}
    assert at_largest_size(rows, "ter") == []


def test_the_options_of_a_figure_are_required() -> None:
    parser = figure_parser(None, "summary", "scores", "metric", "baseline")
    given = ["--summary", "a", "--scores", "b", "--metric", "bleu", "--svg", "c", "--png", "d"]
    assert parser.parse_args([*given, "--baseline", "human"]).baseline == "human"
    with pytest.raises(SystemExit):
        parser.parse_args(given)


def test_a_learner_that_only_the_baseline_trained_has_no_differences(tmp_path: Path) -> None:
    write_tables(tmp_path, learners=("base", "big"))
    rows = [
        row
        for row in read_records(tmp_path / "summary.tsv", ConditionSummary)
        if row.learner == "base" or row.condition == "human"
    ]
    write_records(tmp_path / "summary.tsv", ConditionSummary, rows)
    _, _, dots, _ = draw(tmp_path)
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", dots.read_text(encoding="utf-8"))
    assert sum("Difference from human" in text for text in texts) == 1
