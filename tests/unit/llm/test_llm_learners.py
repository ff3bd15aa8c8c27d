"""LLMs as learners in the configuration: zero-shot runs, their own text, what cannot be meant."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from paths import ROOT
from study_file import read_study, write_lines

from planning.configuration.errors import ConfigurationError
from planning.description import description
from planning.llms import missing_keys
from planning.study import Study

STUDY = """\
languages: {source: de, target: en}
corpus:
  kind: files
  files: {train: {source: src.txt, target: tgt.txt}}
splits: {pretrain: 40, pool: 30, valid: 5, test: 5}
generators:
  weak: {provider: fairseq, pairs: 40}
sizes: [0, 10, 30]
seeds: [1, 2]
learners:
  gpt: {kind: openai, model: fake, base_url: "http://127.0.0.1:9", price: {input: 1, output: 2}, training_price: 3}
  llama: {kind: local, model: weights}
conditions:
  human: {mixture: {human: 1}}
  weak: {mixture: {weak: 1}}
  own: {mixture: {self: 1}}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the files that the configuration names."""
    monkeypatch.chdir(tmp_path)
    write_lines("src.txt", "tgt.txt")
    shutil.copytree(ROOT / "resources" / "prompts", tmp_path / "resources" / "prompts")
    Path("weights").mkdir()
    for name in ("config.json", "model.safetensors"):
        Path("weights", name).touch()
    return tmp_path


def study(*changes: tuple[str, str]) -> Study:
    """The study with parts of its text replaced."""
    text = STUDY
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return read_study(text)


def refused(*changes: tuple[str, str]) -> str:
    """The problems of the study with parts of its text replaced."""
    with pytest.raises(ConfigurationError) as error:
        study(*changes)
    return str(error.value)


def runs(made: Study, learner: str, condition: str) -> list[tuple[int, int, str]]:
    """Size, seed and recipe of the runs of a learner and condition."""
    rows = [run for run in made.runs.table if (run.learner, run.condition) == (learner, condition)]
    return [(run.size, run.seed, run.recipe) for run in rows]


def test_before_fine_tuning_all_conditions_and_seeds_share_one_run() -> None:
    made = study()
    at_zero = [run for run in made.runs.table if run.size == 0]
    assert {run.recipe for run in at_zero} == {"zero-shot"}
    assert {run.seed for run in at_zero} == {1}
    assert len(at_zero) == 2 * 3
    assert "zero-shot" not in made.runs.recipes  # nothing is trained, so there is no dataset


def test_self_is_the_text_of_each_learners_own_base_model() -> None:
    made = study()
    assert runs(made, "gpt", "own")[1:] == [(s, seed, "self-gpt.random") for s in (10, 30) for seed in (1, 2)]
    assert runs(made, "llama", "own")[1][2] == "self-llama.random"
    assert made.generators.used == ["weak", "self-gpt", "self-llama"]
    own = made.generators["self-gpt"].llm
    assert (own.provider, own.model, own.base_url) == ("openai", "fake", "http://127.0.0.1:9")
    assert "training_price" not in own.asking
    assert made.generators["self-llama"].llm.model == "weights"


def test_a_generator_called_self_is_taken_at_its_word() -> None:
    made = study(
        ("weak: {provider: fairseq, pairs: 40}", "self: {provider: fairseq, pairs: 40}"), ("{weak: 1}", "{self: 1}")
    )
    assert runs(made, "gpt", "own")[1][2] == "self.random"
    assert list(made.generators) == ["self"]


def test_a_transformer_has_neither_zero_shot_runs_nor_own_text() -> None:
    made = study(("  llama:", "  transformer: {kind: fairseq}\n  llama:"))
    assert {run.size for run in made.runs.table if run.learner == "transformer"} == {10, 30}
    assert not runs(made, "transformer", "own")
    assert runs(made, "transformer", "weak")


def test_a_learner_may_be_kept_to_some_conditions() -> None:
    made = study(("model: weights", "model: weights, conditions: [human, own]"))
    assert list(dict.fromkeys(run.condition for run in made.runs.table if run.learner == "llama")) == ["human", "own"]
    assert "weak" in {run.condition for run in made.runs.table if run.learner == "gpt"}
    assert json.loads(description(made))["learners"]["llama"]["conditions"] == ["human", "own"]


def test_an_order_within_own_text_is_ranked_by_it() -> None:
    made = study(
        ("own: {mixture: {self: 1}}", "own: {mixture: {self: 1}}\n  like: {mixture: {self: 1}, order: human_like}")
    )
    recipe = runs(made, "llama", "like")[1][2]
    assert recipe == "self-llama.human_like"
    assert made.runs.recipes[recipe].rank_tables == [("self-llama", "<results>/detector/human--self-llama/rank.tsv")]


def test_the_first_step_of_an_incremental_schedule_begins_with_the_base_model() -> None:
    made = study(("own: {mixture: {self: 1}}", "step: {mixture: {weak: 1}, schedule: incremental}"))
    assert [recipe for _, seed, recipe in runs(made, "gpt", "step") if seed == 1] == [
        "zero-shot",
        "weak.random",
        "weak.random.incremental",
    ]
    assert made.runs.run_before("weak.random.incremental", 30) == ("weak.random", 10)


def test_study_json_names_models_and_prompts_but_no_paths(tmp_path: Path) -> None:
    made = study(("model: weights", f"model: {tmp_path / 'weights'}"))
    told = description(made)
    assert str(tmp_path) not in told
    learners = json.loads(told)["learners"]
    assert learners["llama"]["model"] == "weights"
    assert learners["gpt"]["model"] == "fake"
    assert learners["gpt"]["n_epochs"] == "auto"
    assert "concurrency" not in learners["gpt"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("model: weights", "model: ./nowhere"), "line 12: learners.llama.model: './nowhere' is not a folder"),
        (("model: weights", "model: resources"), "'resources' has no config.json: it is not a model of Hugging Face"),
        (("model: weights", "model: weights, precision: fp16"), "llama.precision: fp16 is for GPUs"),
        (("model: weights", "model: weights, rank: 8"), "learners.llama.rank: unknown key"),
        (("model: weights", "model: weights, prompt: src.txt"), "ends without {source}"),
        (("training_price: 3", "samples: 2"), "learners.gpt.samples: a learner translates each test source once"),
        (("training_price: 3", "n_epochs: some"), "learners.gpt.n_epochs: allowed: auto, or a whole number above 0"),
        (("training_price: 3", "n_epochs: 0"), "learners.gpt.n_epochs: 0 is too small"),
        (("training_price: 3", "suffix: My Model"), "learners.gpt.suffix: allowed: lower-case letters, digits and '-'"),
        (("sizes: [0, 10, 30]", "sizes: [0]"), "sizes: 0 trains nothing"),
        (
            ("model: weights", "model: weights, conditions: [human, wek]"),
            "'wek' is not a condition; allowed: human, weak",
        ),
        (("model: weights", "model: weights, conditions: [weak]"), "learners.llama.conditions: 'human' is missing"),
        (("price: {input: 1, output: 2}, ", ""), "learners.gpt.model:"),
    ],
)
def test_what_cannot_be_meant_is_said(change: tuple[str, str], said: str) -> None:
    assert said in refused(change)


def test_zero_shot_and_own_text_need_an_llm() -> None:
    learners = STUDY[STUDY.index("learners:") : STUDY.index("conditions:")]
    said = refused((learners, ""))
    assert "sizes.0: 0 is zero-shot, and a transformer that is trained from scratch translates nothing before" in said
    assert "conditions.own.mixture.self: unknown origin; it needs a learner of the kind local or openai" in said


def test_own_text_is_looked_at_as_each_learner_has_it() -> None:
    order = (
        "own: {mixture: {self: 1}}",
        "own: {mixture: {self: 1}, order: 'quality:sure'}\nquality:\n  sure: {metric: logprob}",
    )
    assert "conditions.own.order: quality:sure has no scores of self-gpt" in refused(order)
    study(
        order,
        ("model: weights", "model: weights, conditions: [human, weak, own]"),
        ("gpt: {kind", "gpt: {conditions: [human, weak], kind"),
    )


def test_a_condition_that_nobody_trains_on_is_said() -> None:
    few = (
        ("model: weights", "model: weights, conditions: [human, weak]"),
        ("gpt: {kind", "gpt: {conditions: [human], kind"),
    )
    assert "conditions.own: no learner is trained on it: name it in the `conditions` of one" in refused(*few)


def test_a_share_of_nothing_means_nothing() -> None:
    made = study(("weak: {mixture: {weak: 1}}", "weak: {mixture: {weak: 1, self: 0}}"))
    assert runs(made, "gpt", "weak")[1][2] == "weak.random"


def test_a_mistyped_folder_is_no_name_at_the_hub() -> None:
    said = refused(("model: weights", "model: weights/lama"))
    assert "learners.llama.model: 'weights/lama' is not a folder" in said
    assert study(("model: weights", "model: Qwen/Qwen2.5-0.5B")).hub_models.keys() == {"Qwen--Qwen2.5-0.5B@main"}


def test_what_fine_tuning_costs_is_known_before_anything_runs() -> None:
    assert "no price is known for fine-tuning 'fake'" in refused((", training_price: 3", ""))


def test_openai_takes_no_fewer_than_ten_examples() -> None:
    at_openai = ('base_url: "http://127.0.0.1:9", ', ""), ("sizes: [0, 10, 30]", "sizes: [0, 5, 30]")
    assert "sizes: trains learners.gpt on 5 instances; a fine-tuning job at OpenAI takes 10 at least" in refused(
        *at_openai
    )
    steps = (
        at_openai[0],
        ("sizes: [0, 10, 30]", "sizes: [0, 25, 30]"),
        ("weak: {mixture: {weak: 1}}", "weak: {mixture: {weak: 1}, schedule: incremental}"),
    )
    assert "trains learners.gpt on 5 instances" in refused(*steps)


def test_a_missing_key_of_a_learner_is_named() -> None:
    made = study(("training_price: 3", "training_price: 3, api_key_env: MY_KEY"))
    (said,) = missing_keys([made.learners["gpt"].llm], {})
    assert said.startswith("learners.gpt.api_key_env: the environment has no MY_KEY")


def test_own_text_is_checked_once_with_its_learner() -> None:
    said = refused(("model: weights", "model: weights, precision: fp16"))
    assert said.count("fp16") == 1
