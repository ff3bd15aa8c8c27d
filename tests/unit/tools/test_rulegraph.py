"""The rule graph: each rule in the colour of its stage, and the same drawing for every order of Snakemake's output."""

from __future__ import annotations

from pathlib import Path

import pytest
from rulegraph import ROOT, coloured, main, stages

HEAD = "digraph snakemake_dag {\n    graph[bgcolor=white, margin=0];\n"
NODES = [
    '\t0[label = "all", color = "0.00 0.6 0.85", style="rounded"];',
    '\t1[label = "score_run", color = "0.12 0.6 0.85", style="rounded"];',
    '\t2[label = "train_model", color = "0.53 0.6 0.85", style="rounded"];',
]
ARROWS = ["\t1 -> 0", "\t2 -> 1"]
STAGES = {"score_run": "evaluate", "train_model": "train"}


def test_rules_have_the_colour_of_their_stage_in_the_legend_too() -> None:
    lines = coloured("\n".join([HEAD, *NODES, *ARROWS, "}"]), STAGES).splitlines()
    assert '<td bgcolor="0.000 0.2 0.97">evaluate</td><td bgcolor="0.500 0.2 0.97">train</td>' in lines[2]
    assert lines[5:] == [
        "all;",
        'score_run [fillcolor="0.000 0.2 0.97" tooltip="evaluate.smk"];',
        'train_model [fillcolor="0.500 0.2 0.97" tooltip="train.smk"];',
        "score_run -> all;",
        "train_model -> score_run;",
        "}",
    ]


def test_the_order_of_snakemake_changes_nothing() -> None:
    numbered = [line.translate(str.maketrans("012", "201")) for line in (*NODES, *ARROWS)]
    assert coloured("\n".join(reversed(numbered)), STAGES) == coloured("\n".join([*NODES, *ARROWS]), STAGES)


def test_every_rule_has_the_file_that_defines_it_as_its_stage(tmp_path: Path) -> None:
    (tmp_path / "train.smk").write_text("rule a:\n    output: 1\n\n\nuse rule a as b with:\n    output: 2\n")
    (tmp_path / "report.smk").write_text("checkpoint c:\n    output: 3\n")
    assert stages(tmp_path) == {"a": "train", "b": "train", "c": "report"}
    assert stages(ROOT / "workflow" / "rules")["train_generator"] == "train"


def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match="snakemake is not installed: "):
        main(str(tmp_path / "rulegraph.svg"))
    assert not (tmp_path / "rulegraph.svg").exists()
