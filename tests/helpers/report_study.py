"""A made-up study on disk, and its page: what the report's tests share."""

from __future__ import annotations

import html.parser
import json
import os
import re
from argparse import Namespace
from pathlib import Path
from typing import Any

from paths import TEMPLATES
from report_tables import around, condition_settings

from evaluate.results import Comparison, ConditionSummary
from report import plot_conditions, plot_learning_curve, write_report
from workbench.records import write_records
from workbench.tables import write_rows

GOLDEN = Path(__file__).parent.parent / "unit" / "report" / "golden"
_SENTENCES = GOLDEN / "sentences.txt"
_IS_REWRITTEN = bool(os.environ.get("REWRITE_GOLDEN"))
_SVG = '<svg xmlns="http://www.w3.org/2000/svg"><g id="a"></g></svg>'


def check_golden(name: str, text: str) -> None:
    """Compare a whole page's text with its golden file.

    After a change of wording, rewrite the files in one process, and read the difference::

        REWRITE_GOLDEN=1 pytest -p no:xdist tests/unit/report && git diff tests/unit/report/golden
    """
    if _IS_REWRITTEN:
        (GOLDEN / name).write_text(text, encoding="utf-8")
    assert text == (GOLDEN / name).read_text(encoding="utf-8"), f"golden/{name} differs: see check_golden"


def check_sentence(case: str, sentence: str, *parts: str) -> None:
    """Compare a sentence with the one of ``case`` in ``golden/sentences.txt``.

    Args:
        parts: what it must say however it is worded, in this order: numbers, verdicts and names.
    """
    found = re.search(".*".join(map(re.escape, parts)), sentence, re.DOTALL)
    assert found, f"{case}: {sentence!r} lacks some of {parts}, or their order"
    lines = _SENTENCES.read_text(encoding="utf-8").splitlines() if _SENTENCES.exists() else []
    sentences = dict(line.split(" | ", 1) for line in lines)
    if _IS_REWRITTEN:
        sentences[case] = sentence
        _SENTENCES.write_text("".join(f"{c} | {s}\n" for c, s in sorted(sentences.items())), encoding="utf-8")
    assert sentence == sentences.get(case), f"golden/sentences.txt differs for {case!r}: see check_golden"


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
                        *(around(score, 1), 0.2, score - 0.2, score + 0.2),
                        "human" if away else "",
                        *((around(away, 0.5), 0.01) if away else (None, None)),
                    )
                )
                runs += [(learner, name, size, s, f"{score:.4f}", "sig|v:1") for s in range(seeds)]
    write_records(folder / "summary.tsv", ConditionSummary, rows)
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
        if self.open[-1:] != ["style"]:
            self.text += data

    @property
    def lines(self) -> str:
        """The text, a line for each paragraph, caption or cell."""
        found = (" ".join(line.split()) for line in self.text.splitlines())
        return "".join(f"{line}\n" for line in found if line)


def write_page(folder: Path, names: list[str], **changes: Any) -> str:
    """Write the page of the tables in ``folder`` and return it."""
    study = {
        "languages": {"source": "de", "target": "en"},
        "baseline": "human",
        "conditions": {n: condition_settings({n: 1.0}) for n in names},
        "generators": {n: {"provider": "files", "note": "<b>bold</b>"} for n in names[1:]},
        "sizes": [1500, 6000],
        "seeds": [1, 2],
        "learners": {"base": {"kind": "fairseq", "options": {"dropout": 0.3}}},
        "splits": {},
        "training": {"equal": "updates"},
        "vocab": {"model": "unigram", "size": 4000},
        "versions": {"sacrebleu": "2.6.0"},
        "corpus": {"kind": "files", "seed": 1},
    }
    (folder / "study.json").write_text(json.dumps(study | changes.pop("study", {})))
    for name in ("curve", "dots"):
        if not (folder / f"{name}.svg").exists():
            (folder / f"{name}.svg").write_text(_SVG)
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
        "tables": [],
        "figures": [f"learning_curve={folder / 'curve.svg'}", f"conditions={folder / 'dots.svg'}"],
        "detectors": [],
        "metric": "bleu",
        "margin": 1.0,
        "floor": 5.0,
        "template": TEMPLATES / "report.html.j2",
        "page": folder / "index.html",
        "answer": folder / "answer.txt",
    }
    write_report.main(Namespace(**arguments | changes))
    return (folder / "index.html").read_text(encoding="utf-8")


def write_significance(folder: Path, names: list[str]) -> Path:
    """A table of paired tests."""
    path = folder / "significance.tsv"
    rows = [
        Comparison(
            *("base", size, seed, "bleu", name, 25.0, "human", 30.0, -5.0, 0.000999),
            *("bootstrap", 1000, "bs:1000"),
            p_holm=0.001,
        )
        for size in (1500, 6000)
        for seed in (1, 2)
        for name in names[1:]
    ]
    write_records(path, Comparison, rows)
    return path
