"""Quality scores: which generators' targets they score, and what they read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from planning.generators import Generators
from planning.llms import HostedLLM, read_hosted_llm
from planning.runs import named_seed
from planning.settings import Entries, JsonObject, compact, picked, read_settings
from planning.training import Training, model_files

MODEL_METRICS = ("round_trip", "learner_fit")  # that train a model on `pretrain`
METRICS_ON_GPU = {*MODEL_METRICS, "comet_qe", "labse"}
_JUDGE_METRIC = "llm_judge"
# What :mod:`models.forced_decoding` depends on; the rest of `decoding` changes no score of given targets.
_SCORING_KEYS = ("engine", "batch_tokens")
_KNOWN_BY_INPUTS = ("options", "generators", "pairs", "weights")


@dataclass(frozen=True, kw_only=True)
class QualityScore:
    """A score of synthetic targets."""

    name: str
    metric: str
    settings: str  # what shapes it besides its inputs, as JSON for one command-line argument
    chosen: Sequence[str] | None  # the generators whose targets it is limited to; None for all that it can score
    authors: Generators = field(repr=False)  # the study's generators
    others: Mapping[str, QualityScore] = field(repr=False)  # all quality scores of the study, by name
    among: Sequence[str] | None = None  # for consensus, the generators to compare with; None for all in use
    of: Sequence[str] = ()  # for an average, the scores whose ranks are averaged
    pairs: int | None = None  # number of `pretrain` pairs that its model is trained on; None for all
    options: JsonObject | None = None  # of fairseq-train, for the model that it trains
    training_settings: str = ""  # what shapes the training of its model besides the data; empty without a model
    weights: str | None = None  # file or folder of weights that the user has

    @property
    def uses_gpu(self) -> bool:
        """Whether it is computed by a model that runs on a GPU if there is one."""
        return self.metric in METRICS_ON_GPU

    @cached_property
    def scored(self) -> list[str]:
        """The generators whose targets it scores."""
        if self.chosen is not None:
            return list(self.chosen)
        return [generator for generator in self.authors.machines if self._can_score(generator)]

    def _can_score(self, generator: str) -> bool:
        match self.metric:
            case "logprob":
                return self.authors[generator].has_logprobs
            case "consensus":
                return self.has_others(generator)
            case "rank_average":
                return all(generator in self.others[part].scored for part in self.of)
            case _:
                return True

    def has_others(self, generator: str) -> bool:
        """Whether a consensus score has something to compare a generator's targets with."""
        return bool(self.compared_with(generator)) or self.authors[generator].has_samples

    def compared_with(self, generator: str) -> list[str]:
        """The generators whose targets a consensus score compares a generator's with."""
        among = self.authors.machines if self.among is None else self.among
        return [other for other in among if other != generator]

    def also_read(self, generator: str) -> set[str]:
        """The other generators whose text the scores of a generator depend on."""
        if self.metric == "rank_average":
            return {other for part in self.of for other in self.others[part].also_read(generator)}
        return set(self.compared_with(generator)) if self.metric == "consensus" else set()

    def inputs(self, generator: str) -> dict[str, str]:
        """The files that it reads besides the pool and the generator's text, by the names that the metric uses."""
        if self.metric in MODEL_METRICS:
            return model_files(f"<results>/quality/{self.name}", "model:")
        if self.metric == "length":
            return {"pretrain": "<results>/corpus/pretrain.tsv"}
        if self.metric == "consensus":
            others = self.compared_with(generator)
            files = {f"other:{other}": f"<results>/generators/{other}/generated.tsv" for other in others}
            if self.authors[generator].has_samples:
                files["answers"] = f"<results>/generators/{generator}/answers.tsv"
            return files
        if self.metric == "rank_average":
            return {f"scores:{part}": f"<results>/quality/{part}/{generator}.tsv" for part in self.of}
        return {"weights": self.weights} if self.weights else {}


@dataclass(frozen=True, kw_only=True)
class Judge(QualityScore):
    """A score that an LLM behind an API gives."""

    llm: HostedLLM
    results: str

    def inputs(self, generator: str) -> dict[str, str]:
        """The LLM's answers."""
        return {"judge": f"<results>/quality/{self.name}/judgements/{generator}.tsv"}

    def account(self, generator: str) -> str:
        """The name under which its requests about a generator's targets are accounted for."""
        return f"judge {self.name} of {generator}"

    def execution(self, generator: str) -> str:
        """How it is asked about a generator's targets, as JSON: no part of what makes its scores stale."""
        judged = f"{self.results}/generators/{generator}/generated.tsv"
        return self.llm.execution(self.account(generator), judged=judged)


class QualityScores(Entries[QualityScore]):
    """The quality scores of a study, by name."""

    @cached_property
    def oracle(self) -> str:
        """The score that knows the human targets, by which the others are judged."""
        return next(name for name, score in self.items() if score.metric == "oracle")

    @cached_property
    def pairs(self) -> list[tuple[str, str]]:
        """Every score with every generator whose targets it scores."""
        return [(name, generator) for name, score in self.items() for generator in score.scored]

    @property
    def metrics(self) -> list[str]:
        """The metrics in use, sorted."""
        return sorted({self[name].metric for name, _ in self.pairs})

    @cached_property
    def judged(self) -> list[tuple[Judge, str]]:
        """Every judge with every generator whose targets it is asked about."""
        return [(judge, generator) for judge in self.of(Judge).values() for generator in judge.scored]

    @cached_property
    def scored(self) -> list[str]:
        """The generators that some score is computed for, each once, in the order of the scores."""
        return list(dict.fromkeys(generator for _, generator in self.pairs))

    @cached_property
    def about(self) -> str:
        """The metric of every score, and what it averages, as JSON for one command-line argument."""
        averages = {name: {"of": score.of} if score.of else {} for name, score in self.items()}
        return compact({name: {"metric": score.metric, **averages[name]} for name, score in self.items()})


def read_quality(config: JsonObject, training: Training, generators: Generators) -> QualityScores:
    """The quality scores of a completed configuration."""
    scores: dict[str, QualityScore] = {}
    for name, given in config["quality"].items():
        common = {"name": name, "chosen": given["generators"], "authors": generators, "others": scores}
        if given["metric"] == _JUDGE_METRIC:  # what shapes its scores is known to the rule that asks for them
            llm = read_hosted_llm(config, "quality", name, {"samples": 1, "sentences_per_request": 1})
            settings = compact({"metric": _JUDGE_METRIC})
            scores[name] = read_settings(Judge, given, **common, settings=settings, llm=llm, results=config["results"])
        else:
            settings = compact(_shaping(config, given, training))
            trained = ""
            if given["metric"] in MODEL_METRICS:
                backwards = given["metric"] == "round_trip"
                trained = training.settings(given["options"], named_seed(f"quality {name}"), backwards)
            scores[name] = read_settings(QualityScore, given, **common, settings=settings, training_settings=trained)
    return QualityScores(scores)


def _shaping(config: JsonObject, given: JsonObject, training: Training) -> dict[str, object]:
    """What shapes a score besides its inputs."""
    shaping = {key: value for key, value in given.items() if key not in _KNOWN_BY_INPUTS}
    if given["metric"] in MODEL_METRICS:
        shaping["decoding"] = training.decoding(given.get("decoding", picked(config["decoding"], _SCORING_KEYS)))
    if given["metric"] == "language":
        shaping["languages"] = config["languages"]
    if "weights" in given:
        shaping["device"] = training.device
    return shaping
