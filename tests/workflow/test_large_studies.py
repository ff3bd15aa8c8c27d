"""Studies with hundreds of conditions: no command grows with them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from paths import SCRIPTS
from workspace import STUDY, Workspace

SHARES = [number / 1000 for number in range(1, 700)]
CONDITION = "  c{0}: {{mixture: {{human: {1}, garbled: {2}}}}}\n"
MANY = "".join(CONDITION.format(number, share, 1 - share) for number, share in enumerate(SHARES))


@pytest.mark.slow
def test_the_command_that_describes_700_conditions_is_short_and_runs(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "study", STUDY.replace("conditions:\n", f"conditions:\n{MANY}"))
    printed = workspace.snakemake("--cores", "1", "--printshellcmds", "results/study.json").stdout
    commands = [line for line in printed.splitlines() if "workflow/scripts/" in line]
    assert len(commands) == 1 and "--arguments" in commands[0] and len(commands[0]) < 1000
    described = json.loads((workspace.folder / "results/study.json").read_text(encoding="utf-8"))
    assert len(described["conditions"]) == 703


def test_a_script_reads_arguments_from_a_file(tmp_path: Path) -> None:
    listed, table = tmp_path / "arguments.json", tmp_path / "table.tsv"
    listed.write_text(json.dumps(["--output", str(table)]), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / "analyse/diversity/collect_diversity.py"), "--arguments", str(listed)],
        env={"PYTHONPATH": str(SCRIPTS)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and table.exists(), done.stdout + done.stderr
