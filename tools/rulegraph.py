#!/usr/bin/env python3
"""Draw the rule graph of the default study as an SVG, each rule in the colour of its stage.

`make rulegraph` runs this. It needs `tred` and `dot` of Graphviz. An arrow that a longer path implies is left out.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
DEFINITION = re.compile(r"^(?:rule|checkpoint|use rule \w+ as) (\w+)(?: with)?:", re.MULTILINE)
NODE = re.compile(r'^\s*(\d+)\[label = "(\w+)"', re.MULTILINE)
ARROW = re.compile(r"^\s*(\d+) -> (\d+)$", re.MULTILINE)
FONT = 'fontname="Helvetica,Arial,sans-serif" fontsize=16'


def stages(rules: Path) -> dict[str, str]:
    """The stage of each rule, by the rule's name: the name of the file in the folder ``rules`` that defines it."""
    files = sorted(rules.glob("*.smk"))
    return {rule: file.stem for file in files for rule in DEFINITION.findall(file.read_text(encoding="utf-8"))}


def coloured(graph: str, stage_of: dict[str, str]) -> str:
    """The graph with each rule in the colour of its stage, and a legend.

    Rules and arrows are sorted, because Snakemake's order differs from run to run.

    Args:
        graph: what ``snakemake --rulegraph`` prints.
        stage_of: stage by rule; rules without one, such as ``all``, stay white.
    """
    names: dict[str, str] = dict(NODE.findall(graph))
    present = sorted({stage_of[name] for name in names.values() if name in stage_of})
    colours = {stage: f"{number / len(present):.3f} 0.2 0.97" for number, stage in enumerate(present)}
    legend = "".join(f'<td bgcolor="{colour}">{stage}</td>' for stage, colour in colours.items())
    lines = [
        "digraph rules {",
        f"graph [{FONT} ranksep=0.35 nodesep=0.12 margin=0.1 bgcolor=white labelloc=t",
        f'label=<<table border="0" cellborder="0" cellspacing="4" cellpadding="5"><tr>{legend}</tr></table>>];',
        f'node [{FONT} shape=box style="rounded,filled" fillcolor=white margin="0.08,0.04" height=0.35];',
        'edge [color="#666666" arrowsize=0.7];',
    ]
    for name in sorted(names.values()):
        stage = stage_of.get(name)
        lines.append(f'{name} [fillcolor="{colours[stage]}" tooltip="{stage}.smk"];' if stage else f"{name};")
    lines += sorted(f"{names[before]} -> {names[after]};" for before, after in ARROW.findall(graph))
    return "\n".join([*lines, "}"]) + "\n"


def output_of(*command: str, text: str = "") -> str:
    """What ``command`` prints, run in the repository with ``text`` as its standard input.

    Raises:
        SystemExit: the program is missing or fails.
    """
    try:
        done = subprocess.run(command, cwd=ROOT, input=text, stdout=subprocess.PIPE, encoding="utf-8", check=True)
    except FileNotFoundError:
        sys.exit(f"{command[0]} is not installed: `make setup` installs snakemake, the package graphviz tred and dot")
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(command)} failed with exit code {error.returncode}")
    return done.stdout


def main(svg: str) -> None:
    """Draw the graph into the file ``svg``."""
    graph = output_of("snakemake", "--rulegraph", "--forceall")
    reduced = output_of("tred", text=coloured(graph, stages(ROOT / "workflow" / "rules")))
    Path(svg).write_text(output_of("dot", "-Tsvg", text=reduced), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
