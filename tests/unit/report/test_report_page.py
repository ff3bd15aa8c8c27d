"""The page: that it is whole, the same again, and shows what the tables say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from report_study import Page, draw, write_page, write_tables
from report_tables import condition_settings

from llm.accounts.collect_ledgers import COLUMNS
from planning.conditions import read_conditions
from report import run_record, write_report
from report.cost.tables import handling
from report.page import settings
from workbench.cli import UserError
from workbench.tables import write_rows


def test_page(tmp_path: Path) -> None:
    names = write_tables(tmp_path)
    draw(tmp_path)
    generated = tmp_path / "generated.json"
    generated.write_text(json.dumps({"sentences": 50, "metrics": {"bleu": {"name": "BLEU", "score": 33.3}}}))
    changes = {"generator_scores": [f"gen_1={generated}"]}
    text = write_page(tmp_path, names, **changes)
    page = Page(text)
    answer = (tmp_path / "answer.txt").read_text(encoding="utf-8")
    lines = answer.splitlines()
    assert len(lines) == 3 and lines[0] in page.text
    assert all(line.partition("? ")[2] in page.text for line in lines[1:])
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


def test_page_lists_what_answers_cost(tmp_path: Path) -> None:
    folder = tmp_path
    names = write_tables(folder)
    row = dict.fromkeys(COLUMNS, "1200") | {
        "generator": "gpt",
        "served": "model-a (900), model-b (300)",
        "usd": "0.4200",
        "notes": "THE MODEL CHANGED between answers",
    }
    write_rows(folder / "ledger.tsv", COLUMNS, [list(row.values())])
    page = write_page(folder, names, ledger=[folder / "ledger.tsv"])
    assert "What the answers cost" in page and "Generator, judge or learner" in page
    assert "A target that a judge leaves out has no score: it comes last" in page
    assert '<td class="n">0.4200</td>' in page and '<td class="n">1,200</td>' in page
    assert "THE MODEL CHANGED between answers" in page
    assert "What the answers cost" not in write_page(folder, names)


def accounts(generator: str, requests: int, usd: str, **more: str) -> dict[str, str]:
    """A row of the ledger: so many requests, three tokens in and two out for each."""
    row = dict.fromkeys(COLUMNS, "0") | {"generator": generator, "requests": str(requests), "usd": usd}
    row |= {"input_tokens": str(3 * requests), "output_tokens": str(2 * requests), "mode": "online", "notes": ""}
    return row | {"model": "base", "served": f"base ({requests})", "price": "from genai-prices"} | more


def test_runs_of_a_hosted_learner_are_two_rows_and_others_stay(tmp_path: Path) -> None:
    tuning = {"mode": "fine-tuning"}
    rows = [
        accounts("gpt", 900, "0.1000"),
        accounts("judge adequacy of gpt", 800, "0.2000"),
        accounts("judge adequacy of other", 700, "0.3000"),
        accounts("tuned/zero-shot/0/1", 600, "0.0100"),
        accounts("tuned/human.random/200/1 tuning", 2, "1.5000", **tuning, notes="one example left out"),
        accounts("tuned/human.random/200/1", 400, "0.0200", served="ft:a (400)", notes="THE MODEL CHANGED"),
        accounts("tuned/human.random/400/1 tuning", 3, "2.2500", **tuning, notes="one example left out"),
        accounts("tuned/human.random/400/1", 500, "0.0400", served="ft:b (500)", notes="THE MODEL CHANGED"),
        accounts("second/human.random/200/1 tuning", 4, "4.0000", **tuning, served="ft:c"),
        accounts("second/human.random/200/1", 50, "0.0050", served="ft:c (50)"),
    ]
    table = tmp_path / "ledger.tsv"
    write_rows(table, COLUMNS, [list(row.values()) for row in rows])
    told = run_record.ledger([table])
    columns = ("generator", "served", "requests", "input_tokens", "output_tokens", "usd", "notes")
    assert [tuple(row[name] for name in columns) for row in told] == [
        ("gpt", "base (900)", "900", "2,700", "1,800", "0.1000", ""),
        ("judge adequacy of gpt", "base (800)", "800", "2,400", "1,600", "0.2000", ""),
        ("judge adequacy of other", "base (700)", "700", "2,100", "1,400", "0.3000", ""),
        (
            "learner tuned, translations of the test set",
            "3 models",
            "1,500",
            "4,500",
            "3,000",
            "0.0700",
            rows[5]["notes"],
        ),
        ("learner tuned, fine-tuning", "2 models", "5", "15", "10", "3.7500", "one example left out"),
        ("learner second, fine-tuning", "ft:c", "4", "12", "8", "4.0000", ""),
        ("learner second, translations of the test set", "ft:c (50)", "50", "150", "100", "0.0050", ""),
    ]
    assert [row["mode"] for row in told[3:5]] == ["online", "fine-tuning"]
    assert sum(float(row["usd"]) for row in told) == pytest.approx(sum(float(row["usd"]) for row in rows))
    page = write_page(tmp_path, write_tables(tmp_path), ledger=[table])
    for row in told:
        heading = f'<th scope="row">{row["generator"]}</th><td>{row["served"]}</td><td>{row["mode"]}</td>'
        assert page.replace("\n", "").count(heading) == 1, heading
    assert "human.random/200/1" not in page


def test_page_shows_the_settings_that_are_there(tmp_path: Path) -> None:
    names = write_tables(tmp_path)
    study = {"quality": {"trip": {"metric": "round_trip"}}, "evaluation": {"resamples": 777}, "analysis": {}}
    text = write_page(tmp_path, names, study=study)
    assert "<dt>trip.metric</dt><dd>round_trip</dd>" in text and "<dt>resamples</dt><dd>777</dd>" in text
    titles = re.findall(r"<summary>(Quality scores|Training|Detector|Decoding|Evaluation|Analysis)\.<", text)
    assert titles == ["Quality scores", "Training", "Evaluation"]


def test_conditions_are_described_with_their_order() -> None:
    settings = {
        "plain": condition_settings({"strong": 1.0}),
        "reversed": condition_settings({"strong": 1.0}, reverse=True),
        "ordered": condition_settings({"strong": 1.0}, order="quality:trip", order_of="strong", reverse=True),
    }
    assert {name: handling(condition) for name, condition in read_conditions(settings).items()} == {
        "plain": [],
        "reversed": ["order random reversed"],
        "ordered": ["order quality:trip of strong reversed"],
    }


def test_page_of_one_seed(tmp_path: Path) -> None:
    names = write_tables(tmp_path, seeds=1)
    assert "each condition was trained once" in Page(write_page(tmp_path, names)).text


def test_page_of_a_learner_that_has_learnt_too_little(tmp_path: Path) -> None:
    names = write_tables(tmp_path)
    page = write_page(tmp_path, names, floor=33.0)
    assert page.count('class="verdict unclear"') == len(names) - 1
    assert "learnt too little" in Page(page).text
    assert "if the baseline scores less than 33 BLEU" in Page(page).text


def test_page_of_one_condition(tmp_path: Path) -> None:
    names = write_tables(tmp_path, conditions=1, sizes=(6000,))
    page = Page(write_page(tmp_path, names))
    assert "no other condition was run" in page.text
    # There is nothing to test, so neither a table of tests nor a link to one, nor what the test is cited by.
    assert "significance" not in page.ids
    assert not re.search("p-values|Significance of|paired bootstrap|differences from the baseline", page.text)


def test_page_needs_the_metric(tmp_path: Path) -> None:
    names = write_tables(tmp_path)
    with pytest.raises(UserError, match="no such metric"):
        write_page(tmp_path, names, metric="ter")


def test_settings_are_flattened() -> None:
    tree = {"a": {"b": 1, "c": None, "d": {}}, "e": [1, 2], "f": [], "g": True}
    assert settings(tree) == [("a.b", "1"), ("e", "1, 2"), ("g", "true")]


@pytest.mark.parametrize(
    "missing",
    [
        "--significance",
        "--cleaning",
        "--splits",
        "--generator-scores",
        "--floor",
        "--tables",
        "--figures",
        "--detectors",
    ],
)
def test_every_argument_of_the_page_is_required(missing: str) -> None:
    paths = "study summary scores significance cleaning dataset template page answer"
    given = {f"--{name}": ["x"] for name in paths.split()}
    given |= {"--metric": ["bleu"], "--margin": ["1"], "--floor": ["5"]}
    given |= {
        "--splits": ["a=b"],
        "--tables": ["a=b"],
        "--figures": ["a=b"],
        "--generator-scores": [],
        "--detectors": [],
    }
    flat = [part for name, values in given.items() for part in (name, *values)]
    assert write_report.PARSER.parse_args(flat).generator_scores == []
    del given[missing]
    with pytest.raises(SystemExit):
        write_report.PARSER.parse_args([part for name, values in given.items() for part in (name, *values)])
