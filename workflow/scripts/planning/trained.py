"""What shapes the trainings of a study: runs, local generators, the models behind quality scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from planning.configuration import Config
from planning.runs import dataset_recipe, named_seed
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
        """The next smaller size of the study."""
        return max(other for other in self.config["sizes"] if other < size)

    def run_before(self, recipe: str, size: int) -> tuple[str, int] | None:
        """Recipe and size of the run whose model a run goes on with; None where it starts anew."""
        if recipe == dataset_recipe(recipe):
            return None
        before = self.size_before(size)
        return (dataset_recipe(recipe) if before == min(self.config["sizes"]) else recipe), before

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
