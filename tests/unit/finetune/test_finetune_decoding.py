"""A language model is prompted as in training, and its output depends on nothing but the text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from finetuning import DECODING, Corpus, Finetuning, translations, write_table
from tiny_llm import tiny_tokenizer

from finetune.plan import Plan, TrainerOptions
from generate.generate_targets import PARSER as GENERATE_PARSER
from generate.generate_targets import main as generate_targets
from llm.local.prompting import Prompter, read_templates
from models.completions import IGNORED, TokenizedPair, collate
from workbench.cli import UserError

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return Corpus.make(tmp_path_factory.mktemp("decoding"), train=300)


@pytest.fixture(scope="module")
def model(corpus: Corpus) -> Path:
    return Finetuning(corpus, "whole", {"options": {"num_train_epochs": 4}}).here().model


def texts(lines: Sequence[str]) -> list[str]:
    return [line.split("\t")[1] for line in lines]


def logprobs(lines: Sequence[str]) -> list[float]:
    return [float(line.split("\t")[2]) for line in lines]


def tokens(lines: Sequence[str]) -> list[int]:
    return [json.loads(line.split("\t")[3])["tokens"] for line in lines]


@pytest.mark.parametrize("beams", [1, 3])
def test_neighbours_in_a_batch_change_nothing(corpus: Corpus, model: Path, beams: int) -> None:
    together = translations(corpus, corpus.folder / "base", model, {"num_beams": beams})
    alone = translations(corpus, corpus.folder / "base", model, {"num_beams": beams, "batch_size": 1})
    assert [line.split("\t")[0] for line in together] == [f"s{number}" for number in range(50)]
    assert texts(together) == texts(alone) and tokens(together) == tokens(alone)
    assert logprobs(together) == pytest.approx(logprobs(alone), abs=0.001)


def test_beams_find_what_is_at_least_as_likely(corpus: Corpus, model: Path) -> None:
    greedy, beams = (translations(corpus, corpus.folder / "base", model, {"num_beams": n}) for n in (1, 4))
    assert sum(logprobs(beams)) > sum(logprobs(greedy))
    assert beams == translations(corpus, corpus.folder / "base", model, {"num_beams": 4})


def test_the_log_probability_is_that_of_each_step(corpus: Corpus, model: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    network = AutoModelForCausalLM.from_pretrained(model)
    templates = read_templates([("prompt", str(corpus.folder / "prompt.txt"))], DECODING["languages"])
    prompt = torch.tensor([Prompter(tokenizer, templates).prompt(corpus.test[0][0])])
    found = network.generate(
        prompt, do_sample=False, max_new_tokens=60, output_scores=True, return_dict_in_generate=True
    )
    steps = [float(scores.log_softmax(-1).max()) for scores in found.scores]
    line = translations(corpus, corpus.folder / "base", model)[0]
    assert tokens([line]) == [len(steps) - 1]  # the end token is not part of the text
    assert logprobs([line]) == pytest.approx([sum(steps) / len(steps)], abs=0.001)


@pytest.mark.parametrize("beams", [1, 3])
def test_every_text_has_its_own_limit(
    corpus: Corpus, tmp_path: Path, beams: int, caplog: pytest.LogCaptureFixture
) -> None:
    from transformers import AutoTokenizer

    base = corpus.folder / "base"
    sources = ["Das Buch.", "Der Lehrer sieht das Buch am Morgen vor dem Essen.", "Der alte Mann."]
    test = write_table(tmp_path / "test.tsv", [(source, "x") for source in sources])
    caplog.set_level("INFO")
    lines = translations(corpus, base, None, {"num_beams": beams, "max_output_factor": 1.5}, test)
    lengths = [len(ids) for ids in AutoTokenizer.from_pretrained(base)(sources, add_special_tokens=False).input_ids]
    assert tokens(lines) == [int(1.5 * length) + 32 for length in lengths]  # it never learnt to stop
    assert "3 of 3 translations were cut off at max_output_factor, 1.5" in caplog.text


def test_only_the_end_tokens_of_the_models_generation_settings_are_used(
    corpus: Corpus, model: Path, tmp_path: Path
) -> None:
    import shutil

    own = tmp_path / "own"
    shutil.copytree(model, own)
    settings = {"do_sample": True, "temperature": 5.0, "repetition_penalty": 3.0, "max_length": 8, "num_beams": 7}
    (own / "generation_config.json").write_text(json.dumps(settings | {"eos_token_id": [2, 399]}))
    assert translations(corpus, corpus.folder / "base", own) == translations(corpus, corpus.folder / "base", model)
    full_stop = json.loads((own / "tokenizer.json").read_text())["model"]["vocab"]["."]
    (own / "generation_config.json").write_text(json.dumps({"eos_token_id": [full_stop]}))
    assert not [text for text in texts(translations(corpus, corpus.folder / "base", own)) if "." in text]


def test_a_batch_that_does_not_fit_the_memory_is_halved(
    corpus: Corpus, model: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from transformers import LlamaForCausalLM

    lines = translations(corpus, corpus.folder / "base", model)
    forward = LlamaForCausalLM.forward

    def limited(self: Any, input_ids: Any = None, **named: Any) -> Any:
        if input_ids.shape[0] > 5:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return forward(self, input_ids=input_ids, **named)

    monkeypatch.setattr(LlamaForCausalLM, "forward", limited)
    caplog.set_level("INFO")
    assert texts(translations(corpus, corpus.folder / "base", model)) == texts(lines)
    assert "a batch of 16 texts does not fit the memory of the GPU" in caplog.text


def test_a_prompt_that_the_model_cannot_read(corpus: Corpus, model: Path, tmp_path: Path) -> None:
    test = write_table(tmp_path / "test.tsv", [("Das " * 600, "x")])
    with pytest.raises(UserError, match="tokens, but the model reads 512 at most"):
        translations(corpus, corpus.folder / "base", model, test=test)
    # One that leaves no room for its limit is cut off where the model's memory ends.
    test = write_table(tmp_path / "test.tsv", [("Das " * 160, "x"), ("Das " * 80, "x"), ("Das", "x")])
    long, middle, short = tokens(translations(corpus, corpus.folder / "plain", None, test=test))
    assert 0 < long < 100 < middle < 512 and short > 32


def test_models_that_are_not_there(corpus: Corpus, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        translations(corpus, tmp_path / "nowhere", None)
    with pytest.raises(UserError, match="no such folder; a fine-tuned model"):
        translations(corpus, corpus.folder / "base", tmp_path / "nowhere")


def test_a_generator_decodes_as_a_learner_does(corpus: Corpus, model: Path, tmp_path: Path) -> None:
    output = tmp_path / "generated.tsv"
    arguments = [
        *("--provider", "local", "--settings", json.dumps(DECODING), "--threads", 1, "--output", output),
        *("--input", "base", model, "--input", "prompt", corpus.folder / "prompt.txt"),
        *("--split", corpus.folder / "test.tsv", "--empty", "refuse"),
    ]
    generate_targets(GENERATE_PARSER.parse_args([str(word) for word in arguments]))
    assert output.read_text(encoding="utf-8").splitlines()[1:] == translations(corpus, model, None)


class TestPrompter:
    """Turns text into tokens."""

    @pytest.fixture(params=[True, False], ids=["chat", "plain"])
    def tokenizer(self, request: pytest.FixtureRequest) -> Any:
        return tiny_tokenizer(["Ein Satz. A sentence. Be exact."], chat=request.param)

    @staticmethod
    def prompter(tokenizer: Any, folder: Path, system: bool = False) -> Prompter:
        (folder / "prompt.txt").write_text("To {target_language}: {source}\n")
        (folder / "system.txt").write_text("Be exact.\n")
        files = [("prompt", str(folder / "prompt.txt"))]
        if system:
            files.append(("system", str(folder / "system.txt")))
        return Prompter(tokenizer, read_templates(files, DECODING["languages"]))

    @pytest.mark.parametrize("system", [True, False])
    def test_the_prompt_is_the_generators(self, tokenizer: Any, tmp_path: Path, system: bool) -> None:
        prompter = self.prompter(tokenizer, tmp_path, system)
        said = tokenizer.decode(prompter.prompt("Ein {Satz}."))
        if tokenizer.chat_template:
            first = "<|system|>Be exact.<|end|>" if system else ""
            assert said == f"{first}<|user|>To English: Ein {{Satz}}.<|end|><|assistant|>"
        else:
            first = "Be exact.\n\n" if system else ""
            assert said == f"{first}To English: Ein {{Satz}}.\n"

    def test_the_completion_ends(self, tokenizer: Any, tmp_path: Path) -> None:
        completion = self.prompter(tokenizer, tmp_path).completion("A sentence.")
        assert tokenizer.decode(completion) == "A sentence.<|end|>"

    def test_a_tokenizer_that_begins_and_ends_every_text(self, tmp_path: Path) -> None:
        from tokenizers.processors import TemplateProcessing

        tokenizer = tiny_tokenizer(["Ein Satz."], chat=False)
        ends = [("<|begin|>", 1), ("<|end|>", 2)]
        tokenizer.backend_tokenizer.post_processor = TemplateProcessing("<|begin|> $A <|end|>", special_tokens=ends)
        prompter = self.prompter(tokenizer, tmp_path)
        assert tokenizer.decode(prompter.prompt("Ein Satz.")) == "<|begin|>To English: Ein Satz.\n"
        assert tokenizer.decode(prompter.completion("Ein Satz.")) == "Ein Satz.<|end|>"

    def test_a_chat_template_that_knows_no_system_prompt(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        tokenizer = tiny_tokenizer(["Ein Satz."], chat=True)
        refuse = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
        tokenizer.chat_template = refuse + tokenizer.chat_template
        caplog.set_level("INFO")
        prompter = self.prompter(tokenizer, tmp_path, system=True)
        assert tokenizer.decode(prompter.prompt("Ein Satz.")) == (
            "<|user|>Be exact.\n\nTo English: Ein Satz.<|end|><|assistant|>"
        )
        assert "has no system prompt" in caplog.text


def trainer_options(batch_size: int, epochs: float, max_steps: int | None = None) -> TrainerOptions:
    return TrainerOptions(epochs, max_steps, batch_size, 0.001, "constant", 0.0, 0.0, 1.0)


class TestPlan:
    """Which instances an update sees."""

    def test_every_epoch_sees_every_instance_once(self) -> None:
        plan = Plan([3] * 10, trainer_options(batch_size=4, epochs=3), seed=1)
        seen = [place for number in range(plan.updates) for place in plan.update(number)]
        assert plan.updates == 8 and len(seen) == 30
        assert sorted(seen) == sorted([*range(10)] * 3)
        assert [plan.epochs(n) for n in (0, 1, 2, 3, 8)] == [0, 1, 1, 2, 3]
        assert plan.target_tokens(8) == 90
        other = Plan([3] * 10, trainer_options(batch_size=4, epochs=3), seed=2)
        assert other.update(0) != plan.update(0)

    def test_updates_are_the_same_in_parts(self) -> None:
        plan = Plan([*range(1, 14)], trainer_options(batch_size=5, epochs=2), seed=1)
        for halvings in (0, 1, 2):
            count = plan.count_parts(halvings)
            parts = list(plan.parts(count))
            assert len(parts) == plan.updates * count
            for number in range(plan.updates):
                joined = [place for part in parts[number * count : (number + 1) * count] for place in part]
                assert joined == plan.update(number)
        assert plan.count_parts(3) == 5
        with pytest.raises(UserError, match="does not hold a single instance"):
            plan.count_parts(4)

    def test_a_number_of_updates_wins(self) -> None:
        plan = Plan([1] * 10, trainer_options(batch_size=4, epochs=3, max_steps=7), seed=1)
        assert plan.updates == 7
        few = Plan([1, 1], trainer_options(batch_size=16, epochs=0.5), seed=1)
        assert few.updates == 1 and len(few.update(0)) == 1


def test_a_batch_has_labels_for_completions_only() -> None:
    batch = collate([TokenizedPair([5, 6], [7, 2]), TokenizedPair([5], [2])], padding=0)
    assert batch["input_ids"].tolist() == [[5, 6, 7, 2], [5, 2, 0, 0]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]
    none = IGNORED
    assert batch["labels"].tolist() == [[none, none, 7, 2], [none, 2, none, none]]
    assert collate([], padding=0)["labels"].tolist() == [[none]]
