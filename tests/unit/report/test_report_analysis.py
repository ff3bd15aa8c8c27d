"""The figures of the analysis and of the remedies, the page with all of it, and the page of the analysis alone."""

from __future__ import annotations

import json
import re
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from report_study import TEMPLATES, Page, check_golden, write_page, write_tables
from report_tables import (
    condition_settings,
    error_row,
    remedied_conditions,
    remedy_row,
    write_analysis_tables,
    write_relation_tables,
)

from evaluate.results import Contrast, Remedy
from report import plot_agreement, plot_detector, plot_measures, plot_remedies, write_analysis
from report.page import template_files
from report.rows import AgreementRow, DiversityRow, ErrorRow, PairRow
from workbench.cli import UserError
from workbench.records import write_records

STUDY = {
    "conditions": remedied_conditions(),
    "generators": {
        "strong": {"provider": "files"},
        "weak": {"provider": "files"},
        "human-B": {"provider": "files", "human": True},
    },
}


def texts_in(svg: Path) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg.read_text(encoding="utf-8"))


def drawn(module: Any, folder: Path, **arguments: Any) -> Path:
    """Draw a figure and return its SVG."""
    svg, png = folder / f"{module.__name__}.svg", folder / f"{module.__name__}.png"
    module.main(Namespace(svg=svg, png=png, **arguments))
    assert png.read_bytes().startswith(b"\x89PNG")
    return svg


def named(paths: Mapping[str, Any]) -> list[str]:
    return [f"{name}={path}" for name, path in paths.items()]


def test_errors_are_drawn_a_panel_a_measure(tmp_path: Path) -> None:
    tables = write_analysis_tables(tmp_path)["tables"]
    texts = texts_in(drawn(plot_measures, tmp_path, kind="errors", table=tables["errors"], baseline="human"))
    for panel in ("Omission", "Number missing", "Any error", "TER shifts"):
        assert texts.count(panel) == 1
    assert "BLEU" not in texts
    assert texts.count("per 1,000 reference words") == 4
    assert texts.count("strong") == texts.count("human-B") == 4  # once a row of panels


def test_diversity_is_drawn_with_adequacy_beside(tmp_path: Path) -> None:
    tables = write_analysis_tables(tmp_path)["tables"]
    texts = texts_in(drawn(plot_measures, tmp_path, kind="diversity", table=tables["diversity"], baseline="human"))
    assert texts.count("MTLD") == texts.count("Adequacy") == texts.count("chrF to the human targets") == 1
    assert texts.count("per cent, reversed") == 3


def test_agreement_is_drawn_a_panel_a_generator(tmp_path: Path) -> None:
    tables = write_analysis_tables(tmp_path)["tables"]
    texts = texts_in(drawn(plot_agreement, tmp_path, agreement=tables["agreement"]))
    assert {"strong", "weak", "trip", "oracle"} <= set(texts)


def test_the_detector_is_drawn_with_its_controls(tmp_path: Path) -> None:
    made = write_analysis_tables(tmp_path)
    pairs, detectors = made["tables"]["pairs"], named(made["detectors"])
    texts = texts_in(drawn(plot_detector, tmp_path, pairs=pairs, detectors=detectors))
    assert {"human – strong", "human – human-B", "strong – weak", "two people", "two machines"} <= set(texts)


def test_remedies_are_drawn_with_controls_shares_and_sizes(tmp_path: Path) -> None:
    write_tables(tmp_path)
    paths = write_relation_tables(tmp_path, sizes=(1600, 6400))
    (tmp_path / "study.json").write_text(json.dumps(STUDY))
    given = {"summary": tmp_path / "summary.tsv", "study": tmp_path / "study.json", "metric": "bleu"}
    given |= {"remedies": paths["remedies"], "contrasts": paths["contrasts"]}
    texts = texts_in(drawn(plot_remedies, tmp_path, **given))
    assert texts.count("best-first") == texts.count("worst-first") == 1
    assert "+1.4, 26 % (11 to 42 %)" in texts and "1,600 instances" in texts and "6,400 instances" in texts
    assert texts.index("best-first") < texts.index("worst-first")  # the control stands below its order
    write_records(paths["remedies"], Remedy, [remedy_row("half-human", gap=0.2)])
    assert "+1.2, no gap" in texts_in(drawn(plot_remedies, tmp_path, **given))


def test_figures_of_empty_tables_say_so(tmp_path: Path) -> None:
    for name, kind, module, more in (
        ("table", ErrorRow, plot_measures, {"kind": "errors", "baseline": "human"}),
        ("table", DiversityRow, plot_measures, {"kind": "diversity", "baseline": "human"}),
        ("pairs", PairRow, plot_detector, {"detectors": []}),
        ("agreement", AgreementRow, plot_agreement, {}),
    ):
        write_records(tmp_path / f"{name}.tsv", kind, [])
        texts = texts_in(drawn(module, tmp_path, **{name: tmp_path / f"{name}.tsv"}, **more))
        assert re.search("There (is|are) no|No quality metric", " ".join(texts))
    write_records(tmp_path / "remedies.tsv", Remedy, [])
    write_records(tmp_path / "contrasts.tsv", Contrast, [])
    write_tables(tmp_path)
    (tmp_path / "study.json").write_text(json.dumps(STUDY))
    given = {name: tmp_path / f"{name}.tsv" for name in ("remedies", "contrasts", "summary")}
    svg = drawn(plot_remedies, tmp_path, study=tmp_path / "study.json", metric="bleu", **given)
    assert "No condition of the study remedies another." in texts_in(svg)


def everything(folder: Path) -> dict[str, Any]:
    """Arguments of a page with all tables, and figures of nothing."""
    made = write_analysis_tables(folder)
    tables = made["tables"]
    at = {"scope": "test", "learner": "base", "size": 6400.0}
    write_records(folder / "errors_test.tsv", ErrorRow, [error_row("strong", **at), error_row("human", rate=14, **at)])
    (folder / "any.svg").write_text('<svg><g id="a"></g><use href="#a"/></svg>')
    figures = ("errors_pool", "errors_test", "diversity_pool", "detector", "remedies", "agreement")
    found = {
        "errors_pool": tables["errors"],
        "errors_test": folder / "errors_test.tsv",
        "diversity_pool": tables["diversity"],
        "detector_pairs": tables["pairs"],
        "post_editing": tables["post_editing"],
        "agreement": tables["agreement"],
        **write_relation_tables(folder, sizes=(1500, 6000)),
    }
    return {
        "tables": named(found),
        "figures": named(dict.fromkeys(("learning_curve", "conditions", *figures), folder / "any.svg")),
        "detectors": named(made["detectors"]),
    }


def full_page(folder: Path, **changes: Any) -> str:
    """A page with everything."""
    names = write_tables(folder)
    conditions = STUDY["conditions"] | {name: condition_settings({name: 1.0}) for name in names}
    return write_page(folder, names, study=STUDY | {"conditions": conditions}, **everything(folder) | changes)


def test_page_with_everything_is_ordered_by_three_questions(tmp_path: Path) -> None:
    text = full_page(tmp_path)
    page = Page(text)
    headings = re.findall(r"<h2[^>]*>([^<]*)<", text)
    assert headings[:4] == ["What does it cost?", "Why?", "What helps, and how much?", "What was run"]
    lines = (tmp_path / "answer.txt").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("At 6,000 instances, training on")
    assert lines[1].startswith("Why? Errors: 56.0 of 1,000 segments") and "Detector: AUC" in lines[1]
    assert lines[2].startswith("What helps, and how much? At 6,000 instances, of 4 remedies")
    assert len(page.ids) == len(set(page.ids))
    assert all(link[1:] in page.ids for link in page.links)
    assert text.count("<svg") == text.count('role="img"') == 8
    assert text.count("<table") == text.count("<caption")
    assert text.count("<details") == text.count("<summary")
    for expected in (
        "w:furthermore",
        "wins back",
        "6,400 instances of text written by strong are worth",
        "AUC",
        "chrF",
    ):
        assert expected in page.text, expected
    assert "Nothing to show" not in page.text
    assert "<script" not in text
    assert full_page(tmp_path) == text
    check_golden("report.txt", page.lines)
    check_golden("answer.txt", "".join(f"{line}\n" for line in lines))


def test_below_the_floor_the_page_claims_no_worth_and_no_remedy(tmp_path: Path) -> None:
    text = full_page(tmp_path, floor=33.0)
    reason = "the learner has learnt too little, since it scores only 32.0 BLEU after training on human text"
    helps = (tmp_path / "answer.txt").read_text(encoding="utf-8").splitlines()[2]
    assert f"At 6,000 instances, what remedies win back cannot be determined: {reason}" in helps
    page = Page(text).text
    assert f"the cost of training on text written by strong cannot be determined: at 6,000 instances, {reason}" in page
    assert "wins back 2" not in page and page.count("learnt too little\n") == len(STUDY["conditions"])


def test_steps_of_an_incremental_remedy_are_as_long_as_trainings(tmp_path: Path) -> None:
    stepwise = STUDY["conditions"] | {
        "half-human": STUDY["conditions"]["half-human"] | {"schedule": "incremental"},
        **{name: condition_settings({name: 1.0}) for name in write_tables(tmp_path)},
    }
    for equal, notes in (("updates", 1), ("epochs", 0)):
        study = STUDY | {"conditions": stepwise, "training": {"equal": equal}}
        page = Page(write_page(tmp_path, list(stepwise), study=study, **everything(tmp_path))).text
        assert page.count("Trained incrementally: half-human. Each step made as many updates") == notes
        assert page.count("each step of a transformer has as many updates as a whole training") == notes


def test_page_without_analysis_or_remedies_says_what_to_configure(tmp_path: Path) -> None:
    names = write_tables(tmp_path, conditions=2, sizes=(6000,), seeds=1)
    page = Page(write_page(tmp_path, names))
    assert page.text.count("Nothing to show: no condition draws on a generator.") == 4  # the answer and three topics
    assert "Nothing to show: no condition remedies another. Give one an order" in page.text
    assert "Nothing to show: no quality metric was computed. Name some under quality." in page.text
    lines = (tmp_path / "answer.txt").read_text(encoding="utf-8").splitlines()
    assert [line.split("?")[0] for line in lines[1:]] == ["Why", "What helps, and how much"]


def test_a_warning_of_post_editing_is_seen_on_the_page(tmp_path: Path) -> None:
    given = everything(tmp_path)
    path = tmp_path / "post_editing.tsv"
    path.write_text(path.read_text(encoding="utf-8").replace("\t\n", "\thuman targets look post-edited\n", 1))
    names = write_tables(tmp_path)
    text = write_page(
        tmp_path,
        names,
        study={"conditions": STUDY["conditions"] | {name: condition_settings({"a": 1}) for name in names}},
        **given,
    )
    assert '<p class="warning" role="note"><b>Warning.</b> human targets look post-edited</p>' in text


def test_analysis_page_is_the_why_part_alone(tmp_path: Path) -> None:
    full_page(tmp_path)  # for its study.json
    page, text = tmp_path / "analysis.html", tmp_path / "analysis.txt"
    given = {"study": tmp_path / "study.json", "template": TEMPLATES / "analysis.html.j2", "page": page, "text": text}
    write_analysis.main(Namespace(**given, **everything(tmp_path)))
    shown = Page(page.read_text(encoding="utf-8"))
    lines = text.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("Errors: 56.0 of 1,000 segments") and lines[1].startswith("Of the quality metrics")
    assert all(line in shown.text for line in [lines[0], *lines[2:]])
    assert {"errors", "diversity", "detector", "agreement"} <= set(shown.ids)
    assert "remedies" not in shown.ids
    check_golden("analysis.txt", text.read_text(encoding="utf-8"))
    check_golden("analysis_page.txt", shown.lines)
    write_analysis.main(Namespace(**given, tables=[], figures=[], detectors=[]))
    assert "Nothing to show" in text.read_text(encoding="utf-8")


def test_templates_and_the_templates_they_include() -> None:
    names = {path.name for path in template_files(TEMPLATES / "report.html.j2")}
    assert names == {"report.html.j2", "style.html.j2", "macros.html.j2", "cost.html.j2", "run.html.j2"}
    parts = [path.name for path in template_files(TEMPLATES / "analysis.html.j2")]
    assert parts == ["analysis.html.j2", "macros.html.j2", "style.html.j2"]


def test_a_file_that_is_not_a_figure_is_refused(tmp_path: Path) -> None:
    names = write_tables(tmp_path)
    (tmp_path / "dots.svg").write_text("no figure")
    with pytest.raises(UserError, match="not an SVG"):
        write_page(tmp_path, names)
