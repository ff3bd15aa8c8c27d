"""What a schema cannot say about LLMs that are learners, and about those that run here."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from planning.asking import prompt_files
from planning.asking_checks import check_body, check_policies, check_price, check_prompts
from planning.configuration import Config, Key, Problem, guess
from planning.finetuning import is_at_hub, is_hosted, is_local, local_prompts
from planning.runs import INCREMENTAL, conditions_of, own_generator, trained_sizes
from workbench.cli import UserError


def learner_problems(config: Config) -> Iterator[Problem]:
    """Everything that is wrong with hosted learners and with local LLMs, learners and generators.

    A learner's base model as a generator is checked with the learner.
    """
    own = {own_generator(name) for name in config["learners"]}
    for section in ("learners", "generators"):
        for name, settings in config[section].items():
            if is_local(settings) and (section, name) not in {("generators", other) for other in own}:
                yield from _local_problems((section, name), config, settings)
    for name, learner in config["learners"].items():
        yield from _condition_problems(("learners", name, "conditions"), config, learner["conditions"])
        if is_hosted(learner):
            key = ("learners", name)
            asked = {**learner, "provider": "openai"}
            yield from check_prompts(key, prompt_files(learner), config["languages"])
            yield from check_price(key, asked)
            yield from _tuning_problems(key, config, learner)
            yield from check_body(key, asked)
            yield from check_policies(key, asked)


def _condition_problems(key: Key, config: Config, chosen: list[str] | None) -> Iterator[Problem]:
    """A learner is trained on conditions that there are, and on the baseline, which the others are compared with."""
    known, baseline = list(config["conditions"]), config["evaluation"]["baseline"]
    for name in chosen or []:
        if name not in known:
            yield Problem(key, f"{name!r} is no condition; allowed: {', '.join(known)}" + guess(name, known))
    if chosen is not None and baseline not in chosen:
        yield Problem(key, f"{baseline!r} is missing, the baseline that the others are compared with")


def _tuning_problems(key: Key, config: Config, learner: Config) -> Iterator[Problem]:
    """What fine-tuning and the fine-tuned model's answers cost must be known, and OpenAI wants some examples."""
    from llm.prices import price_of, training_price
    from llm.tuning.examples import FEWEST_EXAMPLES  # only studies that ask an LLM pay for the import

    model, address, batch = learner["model"], learner["base_url"], learner["mode"] == "batch"
    tuned = model if model.startswith("ft:") else f"ft:{model}:::"
    try:
        training_price("openai", model, address, learner["training_price"])
        price_of("openai", tuned, address, learner["price"], batch, learner["service_tier"])
    except UserError as error:
        yield Problem((*key, "model"), str(error))
    sizes = trained_sizes(config)
    schedules = [condition["schedule"] for condition in conditions_of(config, key[1]).values()]
    steps = [after - before for before, after in pairwise(sizes)] if INCREMENTAL in schedules else []
    fewest = min([sizes[0], *steps]) if sizes else FEWEST_EXAMPLES
    if address is None and fewest < FEWEST_EXAMPLES:
        reason = f"trains {'.'.join(map(str, key))} on {fewest} instances"
        yield Problem(("sizes",), f"{reason}; a fine-tuning job at OpenAI takes {FEWEST_EXAMPLES} at least")


def _local_problems(key: Key, config: Config, settings: Config) -> Iterator[Problem]:
    yield from check_prompts(key, local_prompts(settings), config["languages"])
    model, training = settings["model"], config["training"]
    if not is_at_hub(settings):
        if not Path(model).is_dir():
            reason = f"{model!r} is no folder (looked for it in {Path.cwd()}) and no name at the hub"
            yield Problem((*key, "model"), f"{reason}; allowed: a folder, or ORGANISATION/NAME", no_input=True)
        elif not (Path(model) / "config.json").is_file():
            yield Problem((*key, "model"), f"{model!r} has no config.json: it is no model of Hugging Face transformers")
    if settings["precision"] == "fp16" and training["device"] == "cpu":
        yield Problem((*key, "precision"), "fp16 is for GPUs (training.device); allowed here: auto, float32, bf16")
