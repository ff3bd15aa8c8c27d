"""Figures and page: that they are there, whole, the same again, and show what the tables say."""

from __future__ import annotations

import html.parser
import json
import re
from argparse import Namespace
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest

from evaluate.summary import ConditionSummary, at_largest_size, read_summary, write_summary
from generate import collect_ledgers
from planning.code import CodeDigest
from report import plot_conditions, plot_learning_curve, write_report
from report.style import COLOURS, INK, looks, spread
from workbench.cli import UserError
from workbench.tables import write_rows

TEMPLATE = Path(__file__).parents[2] / "workflow/report/report.html.j2"


def write_tables(
    folder: Path,
    conditions: int = 4,
    sizes: tuple[int, ...] = (1500, 6000),
    learners: tuple[str, ...] = ("base",),
    seeds: int = 2,
) -> list[str]:
    """A summary and a table of runs of made-up scores; returns the conditions' names."""
    names = ["human", *(f"gen_{n}" for n in range(1, conditions))]
    rows, runs = [], []
    for learner in learners:
        for place, name in enumerate(names):
            for size in sizes:
                score = 30 - 1.5 * place + size / 3000
                away = -1.5 * place if place else None
                rows.append(
                    ConditionSummary(
                        *(learner, name, size, "bleu", "BLEU", "higher", 1000, seeds, 500),
                        *(score, score - 1, score + 1, 0.2, score - 0.2, score + 0.2),
                        "human" if away else "",
                        *((away, away - 0.5, away + 0.5, 0.01) if away else (None,) * 4),
                    )
                )
                runs += [(learner, name, size, s, f"{score:.4f}", "sig|v:1") for s in range(seeds)]
    write_summary(folder / "summary.tsv", rows)
    columns = ["learner", "condition", "size", "seed", "bleu", "bleu_signature"]
    write_rows(folder / "scores.tsv", columns, runs)
    return names


def draw(folder: Path, metric: str = "bleu") -> list[Path]:
    """Draw both figures and return their files."""
    paths = []
    for module, name in ((plot_learning_curve, "curve"), (plot_conditions, "dots")):
        svg, png = folder / f"{name}.svg", folder / f"{name}.png"
        arguments = Namespace(
            summary=folder / "summary.tsv",
            scores=folder / "scores.tsv",
            metric=metric,
            baseline="human",
            margin=1.0,
            svg=svg,
            png=png,
        )
        module.main(arguments)
        paths += [svg, png]
    return paths


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
        assert "95 % bootstrap interval over the 1,000 test sentences" in svg
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


class Page(html.parser.HTMLParser):
    """Checks that tags close in order; gathers ids, links and the text."""

    void = frozenset({"meta", "br", "link", "img"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.ids += [values["id"]] if values.get("id") else []
        self.links += [v for k, v in attrs if k in ("href", "src", "xlink:href") and v]
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [v for k, v in attrs if k == "id" and v]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def write_page(folder: Path, names: list[str], **changes: object) -> str:
    """Write the page of the tables in ``folder`` and return it."""
    study = {
        "languages": {"source": "de", "target": "en"},
        "baseline": "human",
        "conditions": {n: {"mixture": {n: 1.0}, "order": "random"} for n in names},
        "generators": {n: {"provider": "files", "note": "<b>bold</b>"} for n in names[1:]},
        "sizes": [1500, 6000],
        "seeds": [1, 2],
        "learners": {"base": {"kind": "fairseq", "options": {"dropout": 0.3}}},
        "splits": {},
        "vocab": {"model": "unigram", "size": 4000},
        "versions": {"sacrebleu": "2.6.0"},
        "corpus": {"kind": "files", "seed": 1},
    }
    (folder / "study.json").write_text(json.dumps(study | changes.pop("study", {})))
    write_rows(folder / "cleaning.tsv", ["reason", "pairs"], [("read", 12000), ("kept", 9000)])
    arguments = {
        "study": folder / "study.json",
        "summary": folder / "summary.tsv",
        "scores": folder / "scores.tsv",
        "significance": write_significance(folder, names),
        "cleaning": folder / "cleaning.tsv",
        "splits": [f"pool={folder / 'cleaning.tsv'}"],
        "generator_scores": [],
        "ledger": [],
        "dataset": folder / "cleaning.tsv",
        "learning_curve": folder / "curve.svg",
        "conditions_figure": folder / "dots.svg",
        "metric": "bleu",
        "margin": 1.0,
        "floor": 5.0,
        "template": TEMPLATE,
        "page": folder / "index.html",
        "answer": folder / "answer.txt",
    }
    write_report.main(Namespace(**arguments | changes))
    return (folder / "index.html").read_text(encoding="utf-8")


def write_significance(folder: Path, names: list[str]) -> Path:
    """A table of paired tests."""
    path = folder / "significance.tsv"
    columns = ["learner", "size", "seed", "metric", "condition", "p_value", "test", "samples", "signature"]
    rows = [
        ("base", size, seed, "bleu", name, "0.000999", "bootstrap", 1000, "bs:1000")
        for size in (1500, 6000)
        for seed in (1, 2)
        for name in names[1:]
    ]
    write_rows(path, columns, rows)
    return path


def test_page(tmp_path: Path) -> None:
    names = write_tables(tmp_path)
    draw(tmp_path)
    generated = tmp_path / "generated.json"
    generated.write_text(json.dumps({"sentences": 50, "metrics": {"bleu": {"name": "BLEU", "score": 33.3}}}))
    changes = {"generator_scores": [f"gen_1={generated}"]}
    text = write_page(tmp_path, names, **changes)
    page = Page(text)
    answer = (tmp_path / "answer.txt").read_text(encoding="utf-8")
    assert answer.count("\n") == 1 and answer.strip() in page.text
    assert len(page.ids) == len(set(page.ids))
    assert all(link[1:] in page.ids for link in page.links if link.startswith("#"))
    assert not [link for link in page.links if not link.startswith("#")]
    assert "<script" not in text
    assert text.count("<svg") == text.count('role="img"') == 2
    assert text.count("<table") == text.count("<caption")
    assert "&lt;b&gt;bold&lt;/b&gt;" in text
    for expected in ("12,000", "sig|v:1", "bs:1000", "< 0.001 · < 0.001", "BLEU 33.3", "options.dropout"):
        assert expected in page.text, expected
    assert write_page(tmp_path, names, **changes) == text


def test_page_tells_what_answers_cost(tmp_path: Path) -> None:
    folder = tmp_path
    names = write_tables(folder)
    draw(folder)
    row = dict.fromkeys(collect_ledgers.COLUMNS, "1200") | {
        "generator": "gpt",
        "served": "model-a (900), model-b (300)",
        "usd": "0.4200",
        "notes": "THE MODEL CHANGED between answers",
    }
    write_rows(folder / "ledger.tsv", collect_ledgers.COLUMNS, [list(row.values())])
    page = write_page(folder, names, ledger=[folder / "ledger.tsv"])
    assert "What the answers cost" in page
    assert "<td>0.4200</td>" in page and "<td>1,200</td>" in page
    assert "THE MODEL CHANGED between answers" in page
    assert "What the answers cost" not in write_page(folder, names)


def test_page_of_one_seed(tmp_path: Path) -> None:
    names = write_tables(tmp_path, seeds=1)
    draw(tmp_path)
    assert "each condition was trained once" in Page(write_page(tmp_path, names)).text


def test_page_of_a_learner_that_has_hardly_learnt(tmp_path: Path) -> None:
    names = write_tables(tmp_path)
    draw(tmp_path)
    page = write_page(tmp_path, names, floor=33.0)
    assert page.count('class="verdict unclear"') == len(names) - 1
    assert "hardly learnt" in Page(page).text
    assert "where the baseline scores less than 33 BLEU" in Page(page).text


def test_page_of_one_condition(tmp_path: Path) -> None:
    names = write_tables(tmp_path, conditions=1, sizes=(6000,))
    draw(tmp_path)
    page = Page(write_page(tmp_path, names))
    assert "no other condition was run" in page.text
    # There is nothing to test, so neither a table of tests nor a link to one, nor what the test is cited by.
    assert "significance" not in page.ids
    assert not re.search("p-values|Significance of|paired bootstrap|differences from the baseline", page.text)


def test_page_needs_the_metric(tmp_path: Path) -> None:
    names = write_tables(tmp_path)
    draw(tmp_path)
    with pytest.raises(UserError, match="no such metric"):
        write_page(tmp_path, names, metric="ter")


def test_settings_are_flattened() -> None:
    tree = {"a": {"b": 1, "c": None, "d": {}}, "e": [1, 2], "f": [], "g": True}
    assert write_report.settings(tree) == [("a.b", "1"), ("e", "1, 2"), ("g", "true")]


def test_the_wording_of_the_answer_is_no_part_of_the_figures() -> None:
    digest = CodeDigest(TEMPLATE.parents[1] / "scripts")
    for script in ("plot_conditions", "plot_learning_curve"):
        assert Path("report/answer.py") not in digest.files(f"report/{script}.py")


def test_the_largest_size_is_each_learners_own(tmp_path: Path) -> None:
    write_tables(tmp_path, learners=("base", "big"))
    rows = [row for row in read_summary(tmp_path / "summary.tsv") if (row.learner, row.size) != ("big", 6000)]
    found = at_largest_size(rows, "bleu")
    assert {(row.learner, row.size) for row in found} == {("base", 6000), ("big", 1500)}
    assert at_largest_size(rows, "ter") == []


@pytest.mark.parametrize("module", [plot_conditions, plot_learning_curve])
def test_figures_share_a_command_line(module: ModuleType) -> None:
    given = ["--summary", "a", "--scores", "b", "--metric", "bleu", "--svg", "c", "--png", "d"]
    given += ["--margin", "1"] if module is plot_conditions else []
    assert module.parser().parse_args([*given, "--baseline", "human"]).baseline == "human"
    with pytest.raises(SystemExit):
        module.parser().parse_args(given)


@pytest.mark.parametrize("missing", ["--significance", "--cleaning", "--splits", "--generator-scores", "--floor"])
def test_the_page_is_told_everything(missing: str) -> None:
    paths = "study summary scores significance cleaning dataset learning-curve conditions-figure template page answer"
    given = {f"--{name}": ["x"] for name in paths.split()}
    given |= {"--metric": ["bleu"], "--margin": ["1"], "--floor": ["5"]}
    given |= {"--splits": ["a=b"], "--generator-scores": []}
    flat = [part for name, values in given.items() for part in (name, *values)]
    assert write_report.parser().parse_args(flat).generator_scores == []
    del given[missing]
    with pytest.raises(SystemExit):
        write_report.parser().parse_args([part for name, values in given.items() for part in (name, *values)])
