"""Only what is stale runs again: a table of edits and, for each, exactly the jobs that Snakemake plans after it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from stale_jobs import ANALYSED, REPORT, Edit, configured, planned_after
from workspace import Workspace

HUMAN, WEAK, MIXED, SECOND = "human.random", "weak.random", "garbled=0.5+human=0.5.random", "second.random"
RECIPES = [HUMAN, WEAK, MIXED, SECOND]
# What the generators wrote is analysed.
POOL_ANALYSED = {"collect_errors", "collect_diversity", "collect_detectors"}
POOL_ANALYSED |= {"plot_errors:pool", "plot_diversity:pool", "plot_detector"}
GENERATORS = ["weak", "garbled", "second"]
PAIRS = [f"human--{name}" for name in GENERATORS] + ["weak--garbled", "weak--second", "garbled--second"]
COMPARED = {"compare_runs:transformer/400/1"} | REPORT | ANALYSED


def run(recipe: str, size: int = 400, seed: int = 1) -> str:
    return f"transformer/{recipe}/{size}/{seed}"


def scored(*runs: str) -> set[str]:
    """The jobs that score runs again."""
    return {f"score_run:{name}" for name in runs}


def translated(*runs: str) -> set[str]:
    """The jobs that translate, score and, at the largest size, analyse again."""
    analysed = {name for name in runs if "/400/" in name}
    return (
        {f"translate_test:{name}" for name in runs}
        | {f"find_run_errors:{name}" for name in analysed}
        | {f"measure_run_diversity:{name.rpartition('/')[0]}" for name in analysed}
        | scored(*runs)
    )


def trained(*runs: str) -> set[str]:
    """The jobs that train, translate and score again."""
    return {f"train_model:{name}" for name in runs} | translated(*runs)


def generated(name: str) -> set[str]:
    """The jobs that write a generator's targets, score and analyse them."""
    detectors = {f"detect_text:{pair}" for pair in PAIRS if name in pair.split("--")}
    own = {f"{rule}:{name}" for rule in ("generate_targets", "score_generator", "find_errors", "measure_diversity")}
    return own | detectors | POOL_ANALYSED


def rebuilt(*recipes: str) -> set[str]:
    """The jobs that build datasets and train on them."""
    return {f"build_dataset:{recipe}" for recipe in recipes} | trained(*(run(recipe) for recipe in recipes))


ALL_RUNS = [run(recipe) for recipe in RECIPES]
# `second` is the model of the run on weak's text: what changes that run changes `second` too.
AFTER_WEAK = rebuilt(WEAK, SECOND) | generated("second") | COMPARED
STUDY_CHANGED = {"write_study"} | REPORT
EVERY_TRAINING = {"train_generator:weak"} | generated("weak") | rebuilt(WEAK, SECOND) | generated("second")
EVERY_TRAINING |= trained(*ALL_RUNS) | COMPARED


def coded(script: str, old: str, new: str) -> Edit:
    return lambda workspace: workspace.edit(f"workflow/scripts/{script}", old, new)


def touch(name: str) -> Edit:
    def edit(workspace: Workspace) -> None:
        path = workspace.folder / name
        os.utime(path, ns=(2**63 // 4, path.stat().st_mtime_ns + 10**10))

    return edit


def replaced(name: str) -> Edit:
    """Put another file of the same size and an older date in place of a file, as ``cp -p`` or ``unzip`` does."""

    def edit(workspace: Workspace) -> None:
        path = workspace.folder / name
        path.write_bytes(path.read_bytes()[:-2] + b"x\n")
        os.utime(path, (10**9, 10**9))

    return edit


def nothing(workspace: Workspace) -> None:
    """No edit."""


EDITS: dict[str, tuple[Edit, set[str]]] = {
    "nothing": (nothing, set()),
    "a generator's beam": (
        configured(("pairs: 150}", "pairs: 150, decoding: {beam: 2}}")),
        {"write_study"} | generated("weak") | AFTER_WEAK,
    ),
    "a generator's training": (
        configured(("pairs: 150}", "pairs: 151}")),
        {"write_study", "train_generator:weak"} | generated("weak") | AFTER_WEAK,
    ),
    "a condition's fractions": (
        configured(("human: 0.5, garbled: 0.5", "human: 0.25, garbled: 0.75")),
        {"write_study"} | rebuilt("garbled=0.75+human=0.25.random") | COMPARED,
    ),
    "a condition's name": (
        configured(("  mixed: {mixture", "  blended: {mixture")),
        STUDY_CHANGED | ANALYSED | {"compare_runs:transformer/400/1"},
    ),
    "a new condition": (
        configured(("conditions:\n", "conditions:\n  garbled: {mixture: {garbled: 1}}\n")),
        {"write_study"} | rebuilt("garbled.random") | COMPARED,
    ),
    "a new condition that means the same as another": (
        configured(("conditions:\n", "conditions:\n  same: {mixture: {weak: 1.0, human: 0}}\n")),
        STUDY_CHANGED | ANALYSED | {"compare_runs:transformer/400/1"},
    ),
    "a condition's twin, written last and with whole numbers": (
        configured(("sizes: [400]", "  same: {mixture: {weak: 1.0, human: 0}}\nsizes: [400.0]")),
        STUDY_CHANGED | ANALYSED | {"compare_runs:transformer/400/1"},
    ),
    "a new seed": (
        configured(("seeds: [1]", "seeds: [1, 2]")),
        STUDY_CHANGED
        | ANALYSED
        | {"compare_runs:transformer/400/2"}
        | trained(*(run(recipe, seed=2) for recipe in RECIPES)),
    ),
    "a new size": (
        configured(("sizes: [400]", "sizes: [400, 200]")),
        STUDY_CHANGED | {"compare_runs:transformer/200/1"} | trained(*(run(recipe, size=200) for recipe in RECIPES)),
    ),
    "the size of the test set": (
        configured(("test: 60", "test: 50")),
        # The split writes all its parts again; what trains on parts that are the same as before does so too, because
        # Snakemake compares the files that a job writes.
        {"write_study", "split_corpus", "train_vocab", "check_vocab"}
        | {"learn_norms", "find_human_errors", "find_test_errors"}
        | generated("garbled")
        | EVERY_TRAINING
        | rebuilt(*RECIPES),
    ),
    "the metrics": (
        configured(("evaluation: {samples", "evaluation: {metrics: [chrf, bleu], samples")),
        {"write_study"}
        | scored(*ALL_RUNS)
        | {f"{rule}:{name}" for rule in ("score_generator", "find_errors") for name in GENERATORS}
        | {f"find_run_errors:{name}" for name in ALL_RUNS}
        | {"find_human_errors", "find_test_errors", "collect_errors", "plot_errors:pool"}
        | COMPARED - {"collect_run_diversity", "plot_diversity:test"},
    ),
    "the beam of the evaluation": (
        configured(("evaluation: {samples", "decoding: {beam: 3}\nevaluation: {samples")),
        {"write_study"}
        | generated("weak")
        | generated("second")
        | rebuilt(WEAK, SECOND)
        | translated(*ALL_RUNS)
        | COMPARED,
    ),
    "an option of the learner": (
        configured(("max-update: 100", "max-update: 110")),
        {"write_study"} | EVERY_TRAINING,
    ),
    "thread counts": (configured(("training: {", "training: {threads: 2, ")), set()),
    "a cluster's limits": (configured(("memory_mb: 2000", "memory_mb: 9000")), set()),
    "what watches trainings": (
        configured(("memory_mb: 2000", "memory_mb: 2000, tensorboard: true, wandb: project, state: elsewhere")),
        set(),
    ),
    "a comment in a script": (
        coded("evaluate/score_run.py", "def main(", "# A comment.\ndef main("),
        set(),
    ),
    "a docstring in a shared module": (
        coded("workbench/tables.py", '"""Read and write tab-separated', '"""Write and read tab-separated'),
        set(),
    ),
    "code in a script": (
        coded("generate/generate_targets.py", "    count = empty = 0", "    count = 0\n    empty = 0"),
        generated("weak")
        | generated("second")
        | generated("garbled")
        | rebuilt(WEAK, SECOND, MIXED)
        | translated(*ALL_RUNS)
        | COMPARED,
    ),
    "code in a shared module": (
        coded("models/translation.py", "_EXTRA_LENGTH = 10", "_EXTRA_LENGTH = 11"),
        generated("weak") | generated("second") | rebuilt(WEAK, SECOND) | translated(*ALL_RUNS) | COMPARED,
    ),
    "code in a module of one provider": (
        coded("generate/providers/files.py", "targets = TextColumn(map(", "targets = [] or TextColumn(map("),
        generated("garbled") | rebuilt(MIXED) | COMPARED,
    ),
    "code in the fairseq module": (
        lambda workspace: (workspace.folder / "workflow/scripts/train/fairseq_fast/extra.py").write_text("X = 1\n"),
        EVERY_TRAINING,
    ),
    "the report's template": (
        lambda workspace: (workspace.folder / "workflow/report/report.html.j2").open("a").write("<!-- new -->\n"),
        {"write_report"},
    ),
    "a touched corpus file": (touch("text/train.de"), set()),
    "a touched dataset": (touch(f"results/datasets/{HUMAN}.tsv"), set()),
    "a touched provider's file": (touch("text/garbled.en"), set()),
    "a corpus file of an older date": (
        replaced("text/train.de"),
        {"read_files", "clean_corpus", "split_corpus", "train_vocab", "check_vocab"}
        | {"learn_norms", "find_human_errors", "find_test_errors"}
        | generated("garbled")
        | EVERY_TRAINING
        | rebuilt(*RECIPES),
    ),
    "a provider's file of an older date": (
        replaced("text/garbled.en"),
        generated("garbled") | rebuilt(MIXED) | COMPARED,
    ),
    "a lost result": (
        lambda workspace: (workspace.folder / "results/scores.tsv").unlink(),
        {"collect_scores", "plot_learning_curve", "plot_conditions", "write_report"},
    ),
    "a limit of the errors": (
        configured(("analysis: {", "analysis: {errors: {limits: {copied_words: 5}}, ")),
        {"write_study", "find_human_errors", "find_test_errors", "collect_errors", "plot_errors:pool"}
        | {f"find_errors:{name}" for name in GENERATORS}
        | {f"find_run_errors:{name}" for name in ALL_RUNS}
        | {"collect_run_errors", "plot_errors:test"}
        | REPORT,
    ),
    "a setting of the detector": (
        configured(("evaluation: {samples", "detector: {folds: 4}\nevaluation: {samples")),
        {"write_study", "collect_detectors", "plot_detector"} | {f"detect_text:{pair}" for pair in PAIRS} | REPORT,
    ),
    "an exchange in the analysis of diversity": (
        configured(("swaps: 100", "swaps: 500")),
        {"write_study", "collect_diversity", "plot_diversity:pool", "collect_run_diversity", "plot_diversity:test"}
        | {f"measure_diversity:{name}" for name in GENERATORS}
        | {f"measure_run_diversity:transformer/{recipe}/400" for recipe in RECIPES}
        | REPORT,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", EDITS)
def test_an_edit_reruns_exactly_what_depends_on_it(finished: Workspace, name: str, tmp_path: Path) -> None:
    edit, jobs = EDITS[name]
    assert planned_after(edit, finished, tmp_path / "study") == jobs


@pytest.mark.slow
def test_a_second_run_does_nothing(copy: Workspace) -> None:
    assert "Nothing to be done" in copy.snakemake("--cores", "2").stdout
