"""Only what is stale runs again, of learners that are LLMs: edits and exactly the jobs that Snakemake plans after them.

Nothing is trained and nobody is asked: the study's files are empty, and Snakemake takes them for what its jobs made.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from stale_jobs import ANALYSED, REPORT, Edit, configured, planned_after
from workspace import STUDY, Workspace

pytestmark = pytest.mark.slow

LEARNERS = """\
generators:
  asked: {provider: openai, model: some-model, base_url: "http://127.0.0.1:9/v1", price: {input: 1, output: 2}}
conditions:
  human: {mixture: {human: 1}}
  own: {mixture: {self: 1}}
  steps: {mixture: {asked: 1}, schedule: incremental}
sizes: [200, 400]
seeds: [1]
learners:
  gpt:
    kind: openai
    model: gpt-model
    base_url: "http://127.0.0.1:9/v1"
    price: {input: 1, output: 2}
    training_price: 3
    conditions: [human, steps]
  mini:
    kind: openai
    model: mini-model
    base_url: "http://127.0.0.1:9/v1"
    price: {input: 1, output: 2}
    training_price: 3
    conditions: [human]
  tiny: {kind: local, model: tiny-llm, conditions: [human, own]}
  small: {kind: local, model: small-llm, conditions: [human]}
llm: {max_usd: 10}
"""
PRICES = "    price: {input: 1, output: 2}\n    training_price: 3\n"
OTHER_PRICES = "    price: {input: 2, output: 5}\n    training_price: 4\n"
MORE_LEARNERS = f"""\
  maxi:
    kind: openai
    model: maxi-model
    base_url: "http://127.0.0.1:9/v1"
{PRICES}    conditions: [human]
  little: {{kind: local, model: small-llm, conditions: [human]}}
"""
SIZES, HUMAN, OWN, ASKED = (200, 400), "human.random", "self-tiny.random", "asked.random"
RUNS = {
    "gpt": [f"gpt/{HUMAN}/200/1", f"gpt/{HUMAN}/400/1", f"gpt/{ASKED}/200/1", f"gpt/{ASKED}.incremental/400/1"],
    "mini": [f"mini/{HUMAN}/{size}/1" for size in SIZES],
    "tiny": [f"tiny/{recipe}/{size}/1" for recipe in (HUMAN, OWN) for size in SIZES],
    "small": [f"small/{HUMAN}/{size}/1" for size in SIZES],
}
# Of gpt where there is a size of 300, too.
STEPS = [f"gpt/{ASKED}.incremental/{size}/1" for size in (300, 400)]
ACCOUNTS = "collect_ledgers"


def evaluated(runs: list[str]) -> set[str]:
    """The jobs that score runs and, at the largest size, analyse them."""
    found = {f"score_run:{run}" for run in runs}
    for run in runs:
        if "/400/" in run:
            found |= {f"find_run_errors:{run}", f"measure_run_diversity:{run.rpartition('/')[0]}"}
    return found


def local(runs: list[str], *rules: str) -> set[str]:
    """Jobs with runs of a local learner, translations of the test set among them."""
    return {f"{rule}:{run}" for rule in ("translate_local", *rules) for run in runs} | evaluated(runs)


def hosted(runs: list[str], *rules: str) -> set[str]:
    """Jobs with runs of a hosted learner, translations of the test set among them."""
    return {f"{rule}:{run}" for rule in ("prompt_learner", *rules) for run in runs} | evaluated(runs) | {ACCOUNTS}


def compared(*learners: str) -> set[str]:
    """The jobs after runs of these learners at all sizes."""
    return {f"compare_runs:{name}/{size}/1" for name in learners for size in SIZES} | REPORT | ANALYSED


# The text of tiny's own base model, its scores and analysis, and the dataset of it.
OWN_TEXT = {f"{rule}:self-tiny" for rule in ("generate_local", "score_generator", "find_errors", "measure_diversity")}
OWN_TEXT |= {f"detect_text:{author}--self-tiny" for author in ("human", "asked")}
OWN_TEXT |= {"collect_errors", "collect_diversity", "collect_detectors", f"build_dataset:{OWN}"}
OWN_TEXT |= {"plot_errors:pool", "plot_diversity:pool", "plot_detector"}


def after(place: str, more: str) -> tuple[str, str]:
    """A change that writes something behind a place."""
    return place, place + more


def new_weights(workspace: Workspace) -> None:
    """The folder of tiny's base model gets another model of the same name."""
    (workspace.folder / "tiny-llm/model.safetensors").write_text("others")


GPT, TINY, SMALL = "    model: gpt-model\n", "  tiny: {kind: local,", "  small: {kind: local,"
EDITS: dict[str, tuple[Edit, set[str]]] = {
    "the training of a local learner": (
        configured(after(TINY, " options: {learning_rate: 0.0003},")),
        {"write_study"} | local(RUNS["tiny"], "finetune_local") | compared("tiny"),
    ),
    "the beam of a local learner": (
        configured(after(SMALL, " decoding: {num_beams: 4},")),
        {"write_study"} | local(RUNS["small"]) | compared("small"),
    ),
    # Its own text changes, so what trains on that does so again; what trains on human text does not.
    "the beam of a local learner with a condition on its own text": (
        configured(after(TINY, " decoding: {num_beams: 4},")),
        {"write_study"}
        | OWN_TEXT
        | {f"finetune_local:{run}" for run in RUNS["tiny"] if OWN in run}
        | local(RUNS["tiny"])
        | compared("tiny"),
    ),
    "the base model of a local learner": (
        new_weights,
        OWN_TEXT | local(RUNS["tiny"], "finetune_local") | compared("tiny"),
    ),
    "the training of a hosted learner": (
        configured(after(GPT, "    n_epochs: 2\n")),
        {"write_study"} | hosted(RUNS["gpt"], "finetune_hosted") | compared("gpt"),
    ),
    "what a hosted learner may cost, what it costs and how fast it is asked": (
        configured(
            after(GPT, "    max_usd: 5\n    poll_seconds: 7\n    concurrency: 3\n"),
            (f"{PRICES}    conditions: [human, steps]", f"{OTHER_PRICES}    conditions: [human, steps]"),
            ("llm: {max_usd: 10}", "llm: {max_usd: 20}"),
        ),
        set(),
    ),
    "what a cluster grants a local learner": (configured(after(TINY, " minutes: 77, memory_mb: 7777,")), set()),
    "more learners": (
        configured(after("learners:\n", MORE_LEARNERS)),
        {"write_study"}
        | hosted([f"maxi/{HUMAN}/{size}/1" for size in SIZES], "finetune_hosted")
        | local([f"little/{HUMAN}/{size}/1" for size in SIZES], "finetune_local")
        | compared("maxi", "little"),
    ),
    "size 0": (
        configured(("sizes: [200, 400]", "sizes: [0, 200, 400]")),
        {"write_study"}
        | hosted(["gpt/zero-shot/0/1", "mini/zero-shot/0/1"])
        | local(["tiny/zero-shot/0/1", "small/zero-shot/0/1"])
        | REPORT,
    ),
    # The last step of an incremental schedule starts at another model then; other runs stay.
    "a size between others": (
        configured(("sizes: [200, 400]", "sizes: [200, 300, 400]")),
        {"write_study"}
        | hosted([f"gpt/{HUMAN}/300/1", *STEPS, f"mini/{HUMAN}/300/1"], "finetune_hosted")
        | local([f"tiny/{HUMAN}/300/1", f"tiny/{OWN}/300/1", f"small/{HUMAN}/300/1"], "finetune_local")
        | {f"compare_runs:{learner}/300/1" for learner in RUNS}
        | {"compare_runs:gpt/400/1"}
        | REPORT
        | ANALYSED,
    ),
}


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A study of which Snakemake believes that all its jobs have been done."""
    workspace = Workspace(tmp_path_factory.mktemp("made_up") / "study", STUDY[: STUDY.index("generators:")] + LEARNERS)
    for model in ("tiny-llm", "small-llm"):
        (workspace.folder / model).mkdir()
        for name in ("config.json", "tokenizer.json", "model.safetensors"):
            (workspace.folder / model / name).write_text("{}")
    plan = workspace.snakemake("--dry-run", "--cores", "1").stdout
    for line in re.findall(r"^    output: (.*)$", plan, re.MULTILINE):
        for path in map(workspace.folder.joinpath, line.split(", ")):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.mkdir() if path.name == "model" else path.touch()
    workspace.snakemake("--touch", "--forceall", "--quiet", "--cores", "8")
    return workspace


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_reruns_exactly_what_depends_on_it(made_up: Workspace, name: str, tmp_path: Path) -> None:
    edit, jobs = EDITS[name]
    assert planned_after(edit, made_up, tmp_path / "study") == jobs
