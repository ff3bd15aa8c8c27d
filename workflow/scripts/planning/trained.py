"""What shapes the trainings of a study: runs, local generators, the models behind quality scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from planning.asking import prompt_files
from planning.configuration import Config
from planning.finetuning import (
    hosted_execution,
    hosted_settings,
    hub_folder,
    is_at_hub,
    is_local,
    local_decoding,
    local_prompts,
    local_training,
    weight_files,
)
from planning.runs import dataset_recipe, named_seed, trained_sizes
from planning.values import compact, scaled


class TrainedStudy:
    """The part of a study that says how its models are trained and how they translate."""

    config: Config

    def training_settings(
        self, options: Mapping[str, Any], seed: int, languages: Mapping[str, str] | None = None
    ) -> str:
        """What shapes a training besides its data, as JSON for one command-line argument."""
        training = self.config["training"]
        settings = {
            "options": dict(options),
            "seed": seed,
            "languages": languages or self.config["languages"],
            "device": training["device"],
            "gpus": self.gpus,
            "max_pieces": training["max_pieces"],
            "save_every": training["save_every"],
            "checkpoint": training["checkpoint"],
        }
        return compact(settings)

    def learner_settings(self, learner: str, recipe: str, size: int, seed: int) -> str:
        """Settings of a run of ``learner``, see :meth:`training_settings`."""
        options = self.config["learners"][learner]["options"]
        if self.config["training"]["equal"] == "epochs":
            new = size - (self.size_before(size) if recipe != dataset_recipe(recipe) else 0)
            options = scaled(options, new / max(self.config["sizes"]))
        return self.training_settings(options, seed)

    def size_before(self, size: int) -> int:
        """The next smaller size of the study that something is trained at."""
        return max(other for other in trained_sizes(self.config) if other < size)

    def run_before(self, recipe: str, size: int) -> tuple[str, int] | None:
        """Recipe and size of the run whose model a run goes on with; None where it starts anew."""
        if recipe == dataset_recipe(recipe):
            return None
        before = self.size_before(size)
        return (dataset_recipe(recipe) if before == trained_sizes(self.config)[0] else recipe), before

    def generator_training_settings(self, generator: str) -> str:
        """Settings of the training of a fairseq generator, see :meth:`training_settings`."""
        options = self.config["generators"][generator]["options"]
        return self.training_settings(options, named_seed(f"generator {generator}"))

    def quality_training_settings(self, name: str) -> str:
        """Settings of the model behind a quality score, see :meth:`training_settings`; ``round_trip`` turns round."""
        settings = self.config["quality"][name]
        languages = self.config["languages"]
        if settings["metric"] == "round_trip":
            languages = {"source": languages["target"], "target": languages["source"]}
        return self.training_settings(settings["options"], named_seed(f"quality {name}"), languages)

    def decoding_settings(self, decoding: Mapping[str, Any]) -> str:
        """How a model translates, as JSON for one command-line argument."""
        training = self.config["training"]
        return compact({**decoding, "device": training["device"], "max_pieces": training["max_pieces"]})

    @property
    def gpus(self) -> int:
        """GPUs that one training uses; 0 on a CPU."""
        training = self.config["training"]
        return training["gpus"] if training["device"] == "gpu" else 0

    def learners_of(self, kind: str) -> list[str]:
        """The learners of a kind, in the configuration's order."""
        return [name for name, learner in self.config["learners"].items() if learner["kind"] == kind]

    def local_llms(self) -> dict[str, Config]:
        """The settings of every LLM that runs here, by their places in the configuration such as ``learners.llama``."""
        sections = ("learners", "generators")
        places = {f"{section}.{name}": given for section in sections for name, given in self.config[section].items()}
        return {place: settings for place, settings in places.items() if is_local(settings)}

    def hub_models(self) -> dict[str, Config]:
        """Settings that name each model to be fetched from the hub, by the name of its folder."""
        return {hub_folder(given): given for given in self.local_llms().values() if is_at_hub(given)}

    def base_folder(self, settings: Config) -> str:
        """Folder of a local LLM's base model."""
        return f"<downloads>/models/{hub_folder(settings)}" if is_at_hub(settings) else settings["model"]

    def base_files(self, settings: Config) -> list[str]:
        """What a job has to have of a local LLM's base model: its folder from the hub, or the files in the user's."""
        return [self.base_folder(settings)] if is_at_hub(settings) else weight_files(settings["model"])

    def local_prompts(self, settings: Config) -> dict[str, str]:
        """The files that the prompts of a local LLM are written from, by what they are."""
        return local_prompts(settings)

    def local_training_settings(self, learner: str, seed: int) -> str:
        """What shapes the training of a local LLM besides its data, as JSON for one command-line argument."""
        return compact(local_training(self.config, self.config["learners"][learner], seed))

    def local_decoding_settings(self, settings: Config) -> str:
        """How a local LLM translates, as JSON for one command-line argument."""
        return compact(local_decoding(self.config, settings))

    def hosted_settings(self, learner: str) -> str:
        """What shapes a hosted learner and its translations, as JSON for one command-line argument."""
        return compact(hosted_settings(self.config, learner))

    def hosted_execution(self, learner: str) -> str:
        """How a hosted learner is asked and fine-tuned, as JSON; no part of what makes its runs stale."""
        return compact(hosted_execution(self.config, learner))

    def hosted_prompts(self, learner: str) -> dict[str, str]:
        """The files that the requests and examples of a hosted learner are written from, by what they are."""
        return prompt_files(self.config["learners"][learner])
