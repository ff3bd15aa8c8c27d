"""Write the page of the analysis, which trains nothing: why training on machine text may cost what it does.

It is the part "Why?" of the study's page, of the pool alone, with what the quality metrics are worth.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from report.helps.agreement import agreement_said
from report.helps.section import agreement_topic, read_agreement
from report.page import people, render
from report.text.findings import paragraph
from report.why.section import why_part
from workbench.cli import run_script, say, script_parser
from workbench.files import write_text
from workbench.named_files import named_files


def main(arguments: argparse.Namespace) -> None:
    """Write the page, and its sentences as text."""
    study = json.loads(arguments.study.read_text(encoding="utf-8"))
    tables = named_files("--tables", arguments.tables)
    figures = named_files("--figures", arguments.figures)
    why = why_part(tables, figures, named_files("--detectors", arguments.detectors), people(study), study["baseline"])
    agreement = agreement_topic(tables, figures)
    write_text(arguments.page, render(arguments.template, study=study, why=why, agreement=agreement))
    lines = [why.line, paragraph([agreement_said(read_agreement(tables))])]
    topics = [*why.topics, agreement]
    found = [line for topic in topics for line in (*topic.warnings, *topic.sentences)]
    write_text(arguments.text, "".join(f"{line}\n" for line in [*lines, *found] if line))
    for line in filter(None, lines):
        say(line)


def parser() -> argparse.ArgumentParser:
    """The script's command line."""
    parser = script_parser(__doc__)
    parser.add_argument("--study", type=Path, required=True, help="what the study is made of, JSON")
    parser.add_argument("--tables", nargs="*", required=True, metavar="NAME=FILE", help="tables of the analysis")
    parser.add_argument("--figures", nargs="*", required=True, metavar="NAME=FILE", help="figures, SVG")
    parser.add_argument("--detectors", nargs="*", required=True, metavar="PAIR=FILE", help="reports of detectors, JSON")
    parser.add_argument("--template", type=Path, required=True, help="Jinja template of the page")
    parser.add_argument("--page", type=Path, required=True, help="output, HTML")
    parser.add_argument("--text", type=Path, required=True, help="output, the sentences as text")
    return parser


if __name__ == "__main__":
    run_script(parser(), main)
