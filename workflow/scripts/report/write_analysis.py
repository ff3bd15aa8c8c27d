"""Write the page of the analysis, which trains nothing: why training on machine text may cost what it does.

It is the section "Why?" of the study's page, for the pool alone, and the quality metrics' agreement with the oracle.
"""

import argparse
from pathlib import Path

from report.helps.agreement import agreement_findings, agreement_topic
from report.page import render
from report.rows import AgreementRow
from report.study import Files, read_study, second_references
from report.text.findings import paragraph
from report.why.section import why_section
from workbench.cli import run_script, say, script_parser
from workbench.files import write_text


def main(arguments: argparse.Namespace) -> None:
    """Write the page, and its sentences as text."""
    study = read_study(arguments.study)
    files = Files.named(arguments.tables, arguments.figures, arguments.detectors)
    why = why_section(files, second_references(study), study["baseline"])
    rows = files.rows("agreement", AgreementRow)
    agreement = agreement_topic(rows, files.figures)
    write_text(arguments.page, render(arguments.template, study=study, why=why, agreement=agreement))
    lines = [why.line, paragraph([agreement_findings(rows)])]
    found = [line for topic in [*why.topics, agreement] for line in (*topic.warnings, *topic.sentences)]
    write_text(arguments.text, "".join(f"{line}\n" for line in [*lines, *found] if line))
    for line in filter(None, lines):
        say(line)


PARSER = script_parser(__doc__)
PARSER.add_argument("--study", type=Path, required=True, help="description of the study, JSON")
PARSER.add_argument("--tables", nargs="*", required=True, metavar="NAME=FILE", help="tables of the analysis")
PARSER.add_argument("--figures", nargs="*", required=True, metavar="NAME=FILE", help="figures, SVG")
PARSER.add_argument("--detectors", nargs="*", required=True, metavar="PAIR=FILE", help="reports of detectors, JSON")
PARSER.add_argument("--template", type=Path, required=True, help="Jinja template of the page")
PARSER.add_argument("--page", type=Path, required=True, help="output, HTML")
PARSER.add_argument("--text", type=Path, required=True, help="output, the sentences as text")


if __name__ == "__main__":
    run_script(PARSER, main)
