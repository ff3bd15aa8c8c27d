"""A small study from text to report, for real: what it leaves, what interrupts it, what repeats."""

from __future__ import annotations

import contextlib
import csv
import html
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import psutil
import pytest
from workspace import STUDY, Workspace

pytestmark = pytest.mark.slow


def table(workspace: Workspace, name: str) -> list[dict[str, str]]:
    """Rows of a table of the results."""
    path = workspace.folder / "results" / name
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def test_scores_significance_and_report_are_there(finished: Workspace) -> None:
    scores = {row["condition"]: row for row in table(finished, "scores.tsv")}
    assert list(scores) == ["human", "weak", "mixed", "second"]
    assert list(scores["human"])[:7] == ["learner", "condition", "size", "seed", "bleu", "chrf", "ter"]
    # Half of `mixed` has its words turned round: a planted loss that the study must find.
    assert float(scores["human"]["bleu"]) > float(scores["mixed"]["bleu"]) + 5
    tests = {(row["condition"], row["metric"]): row for row in table(finished, "significance.tsv")}
    assert float(tests["mixed", "bleu"]["p_value"]) < 0.05
    page = (finished.folder / "results/report/index.html").read_text(encoding="utf-8")
    cost, why, helps = (finished.folder / "results/answer.txt").read_text(encoding="utf-8").splitlines()
    for sentence in (cost, why.removeprefix("Why? "), helps.removeprefix("What helps, and how much? ")):
        assert sentence in html.unescape(page)
    assert "src=" not in page and "http-equiv" not in page
    for name in ("learning_curve", "conditions", "errors_pool", "errors_test", "diversity_pool", "detector"):
        assert (finished.folder / f"results/figures/{name}.png").read_bytes().startswith(b"\x89PNG")
        assert (finished.folder / f"results/figures/{name}.svg").read_text(encoding="utf-8").startswith("<svg")


def test_every_condition_draws_the_same_sources_in_the_same_order(finished: Workspace) -> None:
    datasets = sorted(path.name for path in (finished.folder / "results/datasets").glob("[!.]*"))
    assert len(datasets) == 4
    sources = [[(row["id"], row["source"]) for row in table(finished, f"datasets/{name}")] for name in datasets]
    assert all(order == sources[0] for order in sources)
    mixed = table(finished, "datasets/garbled=0.5+human=0.5.random.tsv")
    for size in (2, 10, 101, 400):
        humans = sum(row["origin"] == "human" for row in mixed[:size])
        assert abs(humans - size / 2) <= 1


def test_snakemakes_own_report_holds_figures_and_captions(copy: Workspace) -> None:
    copy.snakemake("--report", "report.zip")
    with zipfile.ZipFile(copy.folder / "report.zip") as archive:
        names = archive.namelist()
        text = "".join(archive.read(n).decode("utf-8", "ignore") for n in names if n.endswith((".html", ".js")))
    assert any("learning_curve" in name for name in names)
    assert "learning_curve.svg" in text


def test_killed_in_training_the_same_command_ends_in_the_same_results(finished: Workspace, tmp_path: Path) -> None:
    workspace = finished.copy(tmp_path / "elsewhere" / "study")
    state = workspace.folder / "results/runs/transformer/human.random/400/1/state"
    shutil.rmtree(state.parent)
    (workspace.folder / "results/scores.tsv").unlink()  # so that the run is wanted again
    # The real Python, as a user starts it: all processes are its descendants.
    command = [sys.executable, *workspace.command("--cores", "2")[1:]]
    process = subprocess.Popen(command, cwd=workspace.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 300
        while not list(state.glob("*/checkpoint_*_[24]0.pt")):
            assert process.poll() is None and time.monotonic() < deadline, "training never wrote a checkpoint"
            time.sleep(0.02)
    finally:
        tree = [process.pid, *(child.pid for child in psutil.Process(process.pid).children(recursive=True))]
        for pid in tree:
            with contextlib.suppress(ProcessLookupError):  # a job that has just ended
                os.kill(pid, signal.SIGKILL)
        process.wait()
    assert not (state.parent / "model.pt").exists()
    resumed = workspace.snakemake("--cores", "2").stdout
    assert "resuming from results/runs/transformer/human.random/400/1/state" in resumed
    assert not state.exists()
    before, after = finished.results(), workspace.results()
    assert before.keys() == after.keys()
    different = [name for name in before if before[name] != after[name]]
    assert not different
    assert "Nothing to be done" in workspace.snakemake("--cores", "2").stdout


def test_a_training_that_was_over_when_killed_is_not_trained_on(finished: Workspace, copy: Workspace) -> None:
    run = "results/runs/transformer/human.random/400/1"
    for name in ("model.pt", "training.json"):
        (copy.folder / run / name).unlink()
    # A file where the CTranslate2 model belongs: exporting fails after the last update.
    script, line = "workflow/scripts/train/train_model.py", "    from ctranslate2.converters import FairseqConverter\n"
    copy.edit(script, line, "    raise OSError(28, 'No space left on device')\n")
    failed = copy.snakemake("--cores", "1", f"{run}/model.pt", check=False)
    assert "the disk is full" in failed.stdout
    assert list((copy.folder / run / "state").glob("*/checkpoint_last.pt"))
    assert not (copy.folder / run / "model.pt").exists()
    state = next((copy.folder / run / "state").glob("*/checkpoint_last.pt")).read_bytes()
    again = copy.snakemake("--cores", "1", f"{run}/model.pt", check=False)
    assert "resuming from" in again.stdout
    assert next((copy.folder / run / "state").glob("*/checkpoint_last.pt")).read_bytes() == state


def test_a_new_condition_changes_no_other_number(copy: Workspace) -> None:
    names = ("scores.tsv", "significance.tsv", "summary.tsv", "curves.tsv", "errors/test.tsv", "diversity/test.tsv")
    before = [table(copy, name) for name in names]
    copy.edit("study.yaml", "conditions:\n", "conditions:\n  added: {mixture: {garbled: 1}}\n")
    copy.snakemake("--cores", "2")
    for name, rows in zip(names, before, strict=True):
        after = [row for row in table(copy, name) if "added" not in (row.get("condition"), row.get("text"))]
        for row in (*after, *rows):
            row.pop("p_holm", None)  # corrected for one test more
        assert after == rows
    assert any(row["condition"] == "added" for row in table(copy, "scores.tsv"))


def test_both_engines_give_the_same_translations(finished: Workspace, copy: Workspace) -> None:
    copy.edit("study.yaml", "training: {", "decoding: {engine: fairseq}\ntraining: {")
    copy.snakemake("--cores", "2", "results/runs/transformer/human.random/400/1/scores.json")
    name = "runs/transformer/human.random/400/1"
    one, other = table(finished, f"{name}/hypotheses.tsv"), table(copy, f"{name}/hypotheses.tsv")
    same = sum(a["text"] == b["text"] for a, b in zip(one, other, strict=True))
    assert same >= 0.95 * len(one)
    for a, b in zip(one, other, strict=True):
        if a["text"] == b["text"]:
            assert float(a["logprob"]) == pytest.approx(float(b["logprob"]), abs=2e-3)
    bleu = [
        json.loads((w.folder / "results" / name / "scores.json").read_text())["metrics"]["bleu"]["score"]
        for w in (finished, copy)
    ]
    assert bleu[0] == pytest.approx(bleu[1], abs=0.1)


def test_a_failed_job_says_why_and_leaves_nothing_half_written(copy: Workspace) -> None:
    copy.edit("study.yaml", "arch: transformer", "arch: transformator")
    target = "results/runs/transformer/human.random/400/1/model.pt"
    failed = copy.snakemake("--cores", "2", target, check=False)
    assert failed.returncode != 0
    errors = [line for line in failed.stdout.splitlines() if "ERROR: " in line]
    assert "transformator" in errors[0] and "fairseq-train does not accept" in errors[0]
    assert "Traceback" not in failed.stdout
    folder = (copy.folder / target).parent
    assert not (folder / "model.pt").exists()
    assert not [path for path in folder.rglob(".*") if path.is_file() and path.suffix != ".sha256"]


def test_results_that_cannot_be_written_are_said_plainly(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "study", "results: text/train.de/results\n" + STUDY)
    failed = workspace.snakemake("--cores", "1", check=False)
    assert failed.returncode != 0
    assert (
        "study.yaml, line 1: results: 'text/train.de/results' cannot be written: text/train.de is not a folder"
        in failed.stdout
    )
    assert "Traceback" not in failed.stdout


def test_a_detectors_pair_in_the_wrong_order_is_answered_with_the_right_one(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "study")
    failed = workspace.snakemake("--dry-run", "results/detector/weak--human/scores.tsv", check=False)
    assert failed.returncode != 0
    assert "weak--human: no detector has this name. In a pair, human text comes first" in failed.stdout
    assert "such as human--weak" in failed.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_is_said_plainly(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "study")
    small = workspace.folder / "results"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=192k", "tmpfs", str(small)])
    if mounted.returncode != 0:
        pytest.skip("this machine lets nobody mount a file system")
    try:
        failed = workspace.snakemake("--cores", "1", "results/vocab/spm.model", check=False)
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)
    assert failed.returncode != 0
    assert "the disk is full" in failed.stdout


def test_two_at_once_on_the_same_results_are_kept_apart(copy: Workspace) -> None:
    lock = copy.folder / "results/.lock"
    (copy.folder / "results/scores.tsv").unlink()
    holder = subprocess.Popen(["flock", "--no-fork", str(lock), "sleep", "60"])
    try:
        time.sleep(0.5)
        failed = copy.snakemake("--cores", "1", check=False)
    finally:
        holder.kill()
        holder.wait()
    assert failed.returncode != 0
    assert "another Snakemake is working on these results" in failed.stdout


def test_damaged_files_end_the_run_before_any_result_is_replaced(copy: Workspace) -> None:
    damaged = ["results/corpus/test.tsv", "results/vocab/dict.txt"]
    for name in damaged:
        path = copy.folder / name
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join(lines[: len(lines) // 2]), encoding="utf-8")
    before = copy.results()
    failed = copy.snakemake("--cores", "2", check=False)
    assert failed.returncode == 1
    said = [line for line in failed.stdout.splitlines() if " is damaged: " in line]
    assert [line.split(" is damaged: ")[0] for line in said] == damaged
    assert all(line.endswith(f": rm {name}") for line, name in zip(said, damaged, strict=True))
    assert "Traceback" not in failed.stdout
    assert copy.results() == before
