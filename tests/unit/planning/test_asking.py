"""The configuration of generators and judges behind an API: what cannot work is reported before anything is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from paths import ROOT
from study_file import read_study, replaced, write_lines

from planning.configuration.errors import ConfigurationError
from planning.description import description
from planning.llms import missing_keys
from planning.study import Study

BASE = """\
languages: {source: de, target: en}
corpus:
  kind: files
  files: {train: {source: src.txt, target: tgt.txt}}
splits: {pretrain: 40, pool: 30, valid: 5, test: 5}
vocab: {size: 100}
generators:
  gpt: {provider: openai, model: gpt-4o-mini, temperature: 0}
  claude: {provider: anthropic, model: claude-haiku-4-5}
  local: {provider: openai, model: llama, base_url: "http://localhost:8000/v1", price: {input: 0, output: 0}}
conditions:
  human: {mixture: {human: 1}}
  mixed: {mixture: {gpt: 0.4, claude: 0.3, local: 0.3}}
  alone: {mixture: {local: 1}}
sizes: [10]
"""


JUDGE = ("conditions:\n", "quality:\n  judge: {metric: llm_judge, provider: openai, model: gpt-4o}\nconditions:\n")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the files that the configuration names."""
    monkeypatch.chdir(tmp_path)
    write_lines("src.txt", "tgt.txt")
    prompts = tmp_path / "resources" / "prompts"
    prompts.mkdir(parents=True)
    for path in (ROOT / "resources" / "prompts").iterdir():
        (prompts / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


def study(*changes: tuple[str, str]) -> Study:
    """The study of the base configuration with parts of its text replaced."""
    return read_study(replaced(BASE, *changes))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("model: claude-haiku-4-5", "model: claude-haiku-4-5, temperature: 0", ["claude.temperature", "no sampling"]),
        ("model: claude-haiku-4-5", "model: claude-haiku-4-5, log_probabilities: true", ["no log-probabilities"]),
        ("model: claude-haiku-4-5", "model: claude-haiku-4-5, seed: 1", ["takes no seed"]),
        ("temperature: 0", "temperatur: 0", ["gpt.temperatur", "did you mean 'temperature'?"]),
        ("temperature: 0", "temperature: 3", ["gpt.temperature", "3", "2 or less"]),
        ("temperature: 0", "body: {max_tokens: 5}", ["gpt.body.max_tokens", "max_output_factor"]),
        ("temperature: 0", "temperature: 0, samples: 2", ["gpt.samples", "paid several times"]),
        ("temperature: 0", "prompt: none.txt", ["gpt.prompt", "'none.txt' is not a file"]),
        ("temperature: 0", "system_prompt: none.txt", ["gpt.system_prompt", "is not a file"]),
        ("temperature: 0", "outcomes: {empty: [retry]}", ["outcomes.empty", "the last action"]),
        ("temperature: 0", "outcomes: {empty: [keep]}", ["outcomes.empty", "nothing to keep"]),
        ("temperature: 0", "outcomes: {copy: [repair, drop]}", ["outcomes.copy", "repair"]),
        ("temperature: 0", "outcomes: {failed: [retry, drop]}", ["outcomes.failed", "attempts"]),
        ("temperature: 0", "fallback: claude", ["gpt.fallback", "allowed: human"]),
        ("temperature: 0", "sentences_per_request: 5, log_probabilities: true", ["log_probabilities", "no sentence"]),
        ("model: gpt-4o-mini", "model: gpt-unheard-of", ["gpt.model", "price"]),
        (", price: {input: 0, output: 0}", "", ["local.model", "price"]),
        ("temperature: 0", "mode: later", ["gpt.mode", "online, batch"]),
    ],
)
def test_what_cannot_work_is_one_line_of_the_configuration(old: str, new: str, words: list[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        study((old, new))
    (problem,) = caught.value.problems
    assert problem.startswith("study.yaml, line ")
    for word in words:
        assert word in problem


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("temperature: 0", "api_key_env: sk-made-up-123"),
        ("temperature: 0", "api_key_env: gsk_sk_made_up_123QWERTYUIOPqwertyuiop0"),
        ("temperature: 0", "api_key_env: hf_QwErTyUiOpAsDfGhJkLzXcVbNm"),
        ("temperature: 0", "api_key_env: a3f9c2d17b6e4f80a1b2c3d4e5f60718"),
        ("temperature: 0", "api_key_env: QWERTYUIOP1234567890ASDFGHJKL"),
        ("http://localhost:8000/v1", "http://me:sk-made-up-123@localhost/v1"),
    ],
)
def test_a_key_in_the_configuration_is_refused_and_not_repeated(old: str, new: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        study((old, new))
    secret = new.rpartition(" ")[2].rpartition("//")[2].rpartition("@")[0] or new.rpartition(" ")[2]
    assert secret not in str(caught.value) and "sk-made-up-123" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["OPENAI_API_KEY", "my_openai_key_2", "HF_TOKEN", "AZUREOPENAIAPIKEY2", "_k", "hf_token"]
)
def test_names_of_variables_are_no_keys(name: str) -> None:
    assert study(("temperature: 0", f"api_key_env: {name}")).generators["gpt"].llm.key_variable == name


def test_a_key_is_not_sent_readable_across_networks() -> None:
    far = ("http://localhost:8000/v1", "http://llm.example.com/v1")
    assert study(far)  # no key is sent there
    keyed = ('v1", price', 'v1", api_key_env: MY_KEY, price')
    with pytest.raises(ConfigurationError, match=r"local\.base_url: plain http:// sends the key in MY_KEY readable"):
        study(far, keyed)
    assert study(far, ('v1", price', 'v1", api_key_env: MY_KEY, allow_http: true, price'))
    assert study(keyed)


def test_the_version_of_azure_may_stand_in_the_address() -> None:
    azure = "https://x.openai.azure.com/openai/deployments/gpt?api-version=2026-02-01"
    assert study(("http://localhost:8000/v1", azure)).generators["local"].llm.base_url == azure
    with pytest.raises(ConfigurationError, match="after a question mark only api-version"):
        study(("http://localhost:8000/v1", "https://x.example/v1?key=secret"))


def test_generators_may_be_left_out_where_only_the_learners_own_text_is_used() -> None:
    lines = BASE.splitlines(keepends=True)
    left_out = ("generators", "  gpt", "  claude", "  local", "  mixed", "  alone")
    without = "".join(line for line in lines if not line.startswith(left_out))
    own = without.replace("sizes:", "  own: {mixture: {self: 1}}\nsizes:")
    learners = "learners:\n  tuned: {kind: openai, model: gpt-4o-mini-2024-07-18}\n"
    assert list(read_study(own + learners).generators) == ["self-tuned"]


def test_a_generator_that_no_condition_uses_needs_no_price() -> None:
    assert study(("gpt: 0.4, claude: 0.3, local: 0.3", "claude: 1"), ("gpt-4o-mini", "gpt-unheard-of"))


def test_a_key_goes_to_its_own_provider_only() -> None:
    assert json.loads(study().generators["gpt"].execution)["api_key_env"] == "OPENAI_API_KEY"
    assert json.loads(study().generators["local"].execution)["api_key_env"] is None


def test_missing_keys_are_named_with_the_generators_that_need_them() -> None:
    problems = missing_keys(study(JUDGE).hosted_llms, {"ANTHROPIC_API_KEY": "made-up"})
    assert problems == [
        "generators.gpt.api_key_env: the environment has no OPENAI_API_KEY, which gpt and judge need: "
        "export OPENAI_API_KEY=…, or set api_key_env"
    ]


def test_how_a_generator_is_asked_is_no_part_of_what_shapes_its_text() -> None:
    faster = study(
        ("temperature: 0", "temperature: 0, concurrency: 5, mode: batch, max_usd: 3, requests_per_minute: 9")
    )
    assert faster.generators["gpt"].settings == study().generators["gpt"].settings
    assert faster.generators["gpt"].execution != study().generators["gpt"].execution


def test_generators_of_one_key_share_an_account() -> None:
    two = study(("  claude:", "  gpt2: {provider: openai, model: gpt-4o}\n  claude:"), ("claude: 0.3", "gpt2: 0.3"))
    accounts = {name: json.loads(two.generators[name].execution)["account"] for name in ("gpt", "gpt2", "local")}
    assert accounts["gpt"] == accounts["gpt2"] != accounts["local"]


def test_only_generators_without_a_fallback_take_sources_from_every_condition() -> None:
    given = study(("temperature: 0", "fallback: human"))
    assert given.generators.gapped == ["claude", "local"]
    (mixed,) = [recipe for recipe in given.runs.recipes if "gpt" in recipe]
    assert given.generators.fallbacks(given.runs.recipes[mixed]) == {"gpt": "human"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("provider: openai", ["the key 'model' is missing"]),
        ("model: gpt-4o", ["the key 'provider' is missing"]),
        ("provider: fairseq, model: m", ["judge.provider", "allowed: openai, anthropic"]),
        ("provider: openai, model: gpt-4o, samples: 2", ["judge.samples", "one number"]),
        ("provider: openai, model: gpt-4o, max_output_factor: 2", ["reasoning_tokens"]),
        ("provider: openai, model: gpt-4o, outcomes: {copy: [keep]}", ["outcomes.copy", "unknown key"]),
        ("provider: openai, model: gpt-4o, outcomes: {malformed: [keep]}", ["outcomes.malformed", "nothing to keep"]),
        ("provider: openai, model: gpt-4o, body: {max_tokens: 9}", ["judge.body.max_tokens", "reasoning_tokens"]),
        ("provider: openai, model: gpt-unheard-of", ["judge.model", "price"]),
        ("provider: openai, model: gpt-4o, prompt: none.txt", ["judge.prompt", "is not a file"]),
        ("provider: openai, model: gpt-4o, prompt: resources/prompts/translate.txt", ["without {target}"]),
        ("provider: anthropic, model: claude-haiku-4-5, temperature: 0", ["judge.temperature", "no sampling"]),
    ],
)
def test_a_judge_that_cannot_work_is_one_line_of_the_configuration(settings: str, words: list[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        study((JUDGE[0], JUDGE[1].replace("provider: openai, model: gpt-4o", settings)))
    (problem,) = caught.value.problems
    assert problem.startswith("study.yaml, line ") and "quality.judge" in problem
    for word in words:
        assert word in problem


def test_a_judge_is_asked_about_every_generator_in_use_under_a_name_of_its_own() -> None:
    given = study(JUDGE)
    assert [(judge.name, judged) for judge, judged in given.quality.judged] == [
        ("judge", "gpt"),
        ("judge", "claude"),
        ("judge", "local"),
    ]
    execution = json.loads(given.quality["judge"].execution("claude"))
    assert (execution["generator"], execution["key"]) == ("judge judge of claude", "quality.judge")
    assert execution["judged"] == "results/generators/claude/generated.tsv"
    assert given.quality["judge"].llm.prompts == {
        "judge": "resources/prompts/judge.txt",
        "retry": "resources/prompts/judge_retry.txt",
    }
    assert given.request_arguments().count("--generator") == 3 + 3
    assert given.quality["judge"].llm in given.hosted_llms
    assert given.quality["judge"].inputs("gpt") == {"judge": "<results>/quality/judge/judgements/gpt.tsv"}


def test_an_llm_that_conditions_are_only_ordered_by_is_asked_and_priced() -> None:
    ordered = ("  alone:", "  picked: {mixture: {human: 1}, order: human_like, order_of: local}\n  alone:")
    without = ("gpt: 0.4, claude: 0.3, local: 0.3", "claude: 1"), ("mixture: {local: 1}", "mixture: {gpt: 1, local: 0}")
    whole = ("sizes: [10]", "sizes: [30]")
    assert list(study(*without, whole).generators.hosted) == ["gpt", "claude"]
    assert study(*without, whole, (", price: {input: 0, output: 0}", ""))  # nobody asks it
    assert list(study(ordered, *without, whole).generators.hosted) == ["gpt", "claude", "local"]
    with pytest.raises(ConfigurationError, match=r"local\.model.*price"):
        study(ordered, *without, whole, (", price: {input: 0, output: 0}", ""))


def test_the_study_is_described_with_prompts_by_their_names() -> None:
    judge = json.loads(description(study(JUDGE)))["quality"]["judge"]
    assert judge["prompts"] == {"judge": "judge.txt", "retry": "judge_retry.txt"}
    assert (judge["metric"], judge["model"]) == ("llm_judge", "gpt-4o")


def test_how_a_judge_is_asked_is_no_part_of_what_shapes_its_scores() -> None:
    faster = study(
        (JUDGE[0], JUDGE[1].replace("model: gpt-4o", "model: gpt-4o, concurrency: 5, mode: batch, max_usd: 3"))
    )
    assert faster.quality["judge"].llm.settings == study(JUDGE).quality["judge"].llm.settings
    assert faster.quality["judge"].settings == study(JUDGE).quality["judge"].settings
    assert faster.quality["judge"].execution("gpt") != study(JUDGE).quality["judge"].execution("gpt")
