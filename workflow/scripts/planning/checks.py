"""What must hold in a configuration beyond its schema: names that refer to something, numbers that fit together."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from corpus.parallel_text import column_names
from planning.asking_checks import asked_generator_problems
from planning.condition_checks import condition_problems
from planning.configuration import Config, Key, Problem
from planning.finetuning import is_local
from planning.generation_checks import generation_problems
from planning.learner_checks import learner_problems
from planning.quality_checks import detector_problems, quality_problems
from planning.runs import FAIRSEQ, RANDOM, is_human, trained_sizes
from planning.values import SCALED_OPTIONS, number
from train.batching import batch_options, too_small
from workbench.cli import UserError
from workbench.files import open_unpacked
from workbench.generated import HUMAN

# fairseq-train options that are not the user's to set, and what to set instead.
RESERVED_OPTIONS = {
    "seed": "seeds",
    "source-lang": "languages.source",
    "target-lang": "languages.target",
    "cpu": "training.device",
    "distributed-world-size": "training.gpus",
    "save-interval-updates": "training.save_every",
    "save-dir": "results",
    "restore-file": "from_run or nothing: a killed training goes on by itself",
    "user-dir": "nothing: the workflow's own module is loaded",
    "log-format": "nothing: the log is read by the workflow",
    "update-epoch-batch-itr": "nothing: it is on, so that a resumed training ends like an undisturbed one",
    "no-epoch-checkpoints": "nothing: it is on",
    "no-save": "nothing: checkpoints are needed",
    "no-last-checkpoints": "nothing: checkpoints are needed",
    "checkpoint-suffix": "nothing: the workflow looks for checkpoints by their names",
    "finetune-from-model": "schedule: incremental",
    "disable-validation": "nothing: the model is chosen and reported by its loss on `valid`",
    "validate-after-updates": "nothing: the model is chosen and reported by its loss on `valid`",
    "best-checkpoint-metric": "nothing: the loss on `valid`",
    "maximize-best-checkpoint-metric": "nothing: the loss on `valid`",
    "stop-time-hours": "max-update or max-epoch, which repeat",
    "task": "nothing: it is translation",
    "log-file": "nothing: every job has its log",
    "tensorboard-logdir": "training.tensorboard",
    "wandb-project": "training.wandb",
    "write-checkpoints-asynchronously": "nothing: checkpoints are written before the next update",
}
# fairseq-train options for numbers of lower precision that only its GPU code knows.
_GPU_OPTIONS = ("fp16", "bf16", "amp", "memory-efficient-fp16", "memory-efficient-bf16")
_SOURCE_FOLDERS = {"workflow", "config", "resources", "tests", "docs", "envs", "profiles", "requirements", "tools"}
# What fairseq-train cannot do without, any one of each.
_NEEDED_OPTIONS = [
    ("arch",),
    ("optimizer",),
    ("lr",),
    ("max-tokens", "batch-size"),
    ("max-update", "max-epoch", "patience"),
]
# What a baseline does, whatever its schedule.
_PLAIN = {"order": RANDOM, "reverse": False, "copies": 1, "combine": "draw"}
_BLOCK_BYTES = 1 << 20


def semantic_problems(config: Config) -> list[Problem]:
    """Everything that is wrong with a configuration that fits the schema and has its defaults."""
    checks: list[Callable[[Config], Iterator[Problem]]] = [
        _check_folders,
        _check_names,
        _check_languages,
        _check_corpus,
        _check_splits,
        _check_options,
        _check_needed_options,
        _check_batches,
        _check_generators,
        condition_problems,
        learner_problems,
        quality_problems,
        detector_problems,
        _check_sizes,
        _check_baseline,
        _check_tokenizer,
        generation_problems,
        asked_generator_problems,
    ]
    return [problem for check in checks for problem in check(config)]


def _check_folders(config: Config) -> Iterator[Problem]:
    """Folders that are written to must be possible to make and to write in."""
    for key in ("results", "downloads"):
        folder = Path(config[key])
        if folder.resolve() == Path.cwd() or folder.parts[0] in _SOURCE_FOLDERS:
            yield Problem((key,), f"{config[key]!r} holds the workflow itself; choose a folder of its own")
            continue
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        if not folder.is_dir():
            yield Problem((key,), f"{config[key]!r} cannot be written: {folder} is no folder")
        elif not os.access(folder, os.W_OK | os.X_OK):
            yield Problem((key,), f"{config[key]!r} cannot be written: no permission in {folder}")


def _check_names(config: Config) -> Iterator[Problem]:
    for section in ("generators", "quality", "conditions", "learners"):
        seen: dict[str, str] = {}
        for name in config[section]:
            other = seen.setdefault(name.casefold(), name)
            if other != name:
                yield Problem((section, name), f"differs from {other!r} in case only, which some file systems ignore")
    if HUMAN in config["generators"]:
        yield Problem(("generators", HUMAN), f"{HUMAN!r} is the human text's own name; choose another")


def _check_languages(config: Config) -> Iterator[Problem]:
    languages = config["languages"]
    if languages["source"] == languages["target"]:
        yield Problem(("languages", "target"), f"{languages['target']!r} is the source language too")


def _check_corpus(config: Config) -> Iterator[Problem]:
    corpus = config["corpus"]
    kind = corpus["kind"]
    if kind == "catalogues":
        yield from _check_file(("corpus", "catalogues", "releases"), corpus["catalogues"]["releases"], is_input=False)
    elif kind not in corpus:
        yield Problem(("corpus",), f"the key {kind!r} is missing; corpus.kind {kind!r} needs it")
    elif kind == "files":
        for part, files in corpus["files"].items():
            key = ("corpus", "files", part)
            if set(files) not in ({"tsv"}, {"source", "target"}):
                yield Problem(key, f"{', '.join(files) or 'nothing'} given; allowed: either source and target, or tsv")
            for name, path in files.items():
                yield from _check_file((*key, name), path)
    cleaning = corpus["cleaning"]
    if cleaning["min_words"] > cleaning["max_words"]:
        yield Problem(
            ("corpus", "cleaning", "min_words"),
            f"{cleaning['min_words']} is more than max_words, which is {cleaning['max_words']}",
        )


def _check_file(key: tuple[str, ...], path: str, is_input: bool = True) -> Iterator[Problem]:
    if not Path(path).is_file():
        yield Problem(key, f"{path!r} is no file (looked for it in {Path.cwd()})", no_input=is_input)


def given_parts(config: Config) -> set[str]:
    """Which of ``valid`` and ``test`` the corpus brings along instead of having them cut from its training text."""
    corpus = config["corpus"]
    if corpus["kind"] == "catalogues":
        return set()
    return {"valid", "test"} & set(corpus.get(corpus["kind"], {}))


def _check_splits(config: Config) -> Iterator[Problem]:
    splits = config["splits"]
    given = given_parts(config)
    for part in ("valid", "test"):
        if splits[part] is None and part not in given:
            yield Problem(("splits", part), "a number of pairs is needed, since the corpus brings no such part")
    cut = {name: size for name, size in splits.items() if size and name not in given}
    corpus = config["corpus"]
    if corpus["kind"] == "files":
        text = training_text(config)
        if text.path.is_file():
            lines = count_lines(text)
            if lines is not None and sum(cut.values()) > lines:
                parts = " + ".join(f"{name} {size:,}" for name, size in cut.items())
                yield Problem(
                    ("splits",),
                    f"{parts} = {sum(cut.values()):,} pairs are more than the {lines:,} {text.unit} of {text.path}",
                )


class Text(NamedTuple):
    """A file with a text, or a text and its translation, on each line."""

    path: Path
    is_table: bool

    @property
    def unit(self) -> str:
        """What the texts of the file are called; a table's line of column names is no row."""
        return "rows" if self.is_table else "lines"


def training_text(config: Config) -> Text:
    """The file that counts the lines of a ``files`` corpus' training text; where there is none, its path is no file."""
    train = config["corpus"].get("files", {}).get("train", {})
    return Text(Path(train.get("source") or train.get("tsv") or ""), "source" not in train)


def _check_same_lines(key: tuple[str, ...], path: str, beside: Text) -> Iterator[Problem]:
    if Path(path).is_file() and beside.path.is_file():
        lines, wanted = count_lines(Text(Path(path), False)), count_lines(beside)
        if None not in (lines, wanted) and lines != wanted:
            yield Problem(
                key,
                f"{path} has {lines:,} lines, but it stands beside {beside.path}, which has {wanted:,} {beside.unit}",
            )


def count_lines(text: Text) -> int | None:
    """Number of lines of a plain or gzip file, of a table without the line that names its columns.

    None for a file that cannot be read to its end: the job that reads it says what is wrong with it.
    """
    lines, last = 0, b"\n"
    try:
        with open_unpacked(text.path) as file:
            first = file.readline(_BLOCK_BYTES) if text.is_table else b""
            if not column_names(first.decode("utf-8-sig", "replace")):
                lines, last = first.count(b"\n"), first[-1:] or last
            while block := file.read(_BLOCK_BYTES):
                lines += block.count(b"\n")
                last = block[-1:]
    except (OSError, EOFError, zlib.error):
        return None
    return lines + (last != b"\n")


def _check_options(config: Config) -> Iterator[Problem]:
    """fairseq options that the workflow sets from elsewhere."""
    for key, options in _fairseq_options(config):
        for option in options:
            if option.startswith("reset-"):
                yield Problem((*key, option), "a killed training goes on from where it was")
            if option in RESERVED_OPTIONS:
                yield Problem((*key, option), f"the workflow sets this; use {RESERVED_OPTIONS[option]}")


def _fairseq_options(config: Config) -> Iterator[tuple[Key, Config]]:
    """Place and value of everything that holds options of fairseq-train."""
    for section in ("learners", "generators", "quality"):
        for name, settings in config[section].items():
            if "options" in settings and not is_local(settings):
                yield (section, name, "options"), settings["options"]


def _check_needed_options(config: Config) -> Iterator[Problem]:
    transformers = {name: learner for name, learner in config["learners"].items() if learner["kind"] == FAIRSEQ}
    for name, learner in transformers.items():
        for names in _NEEDED_OPTIONS:
            given = [option for option in names if option in learner["options"]]
            if not given:
                yield Problem(("learners", name, "options"), f"fairseq-train needs {' or '.join(names)}")
            elif names[0] != "arch" and all(learner["options"][option] in (0, False) for option in given):
                yield Problem(("learners", name, "options", given[0]), "0 sets no limit; allowed: more than 0")
        for option in SCALED_OPTIONS if config["training"]["equal"] == "epochs" else ():
            value = learner["options"].get(option, 0)
            if number(value) is None:
                key = ("learners", name, "options", option)
                yield Problem(key, f"{value!r} is no number, which training.equal 'epochs' has to take a share of")


def _check_batches(config: Config) -> Iterator[Problem]:
    """What a device can compute, and batches that hold the longest text."""
    training = config["training"]
    devices = training["gpus"] if training["device"] == "gpu" else 1
    for key, options in _fairseq_options(config):
        for option in _GPU_OPTIONS:
            if options.get(option) and training["device"] == "cpu":
                yield Problem((*key, option), "fairseq knows this on a GPU only; see training.device")
        try:
            shared = batch_options(options, devices)
            small = too_small(shared, training["max_pieces"])
        except UserError as error:
            yield Problem((*key, "update-freq"), str(error))
        except ValueError:
            yield Problem(key, "max-tokens, batch-size and update-freq are whole numbers")
        else:
            if small:
                among = f" on each of {devices} GPUs" if devices > 1 else ""
                yield Problem(
                    (*key, "max-tokens"),
                    f"{options['max-tokens']} leaves room for {shared['max-tokens']} pieces{among}; longer texts "
                    f"would be left out: give more, or lower training.max_pieces ({training['max_pieces']})",
                )


def _check_generators(config: Config) -> Iterator[Problem]:
    pretrain = config["splits"]["pretrain"]
    for name, generator in config["generators"].items():
        key = ("generators", name)
        if generator["provider"] == "fairseq":
            if ("pairs" in generator) == ("from_run" in generator):
                yield Problem(key, "either pairs (what it is trained on) or from_run (whose model it is) is needed")
            if generator.get("pairs", 0) > pretrain:
                yield Problem(
                    (*key, "pairs"), f"{generator['pairs']:,} is beyond splits.pretrain; allowed: {pretrain:,} or less"
                )
        if generator["provider"] == "files":
            yield from _check_file((*key, "targets"), generator["targets"])
            if ("sources" in generator) != (generator["aligned_with"] == "sources"):
                yield Problem((*key, "sources"), "belongs to `aligned_with: sources`, and is needed there")
            elif "sources" in generator:
                yield from _check_file((*key, "sources"), generator["sources"])
            if generator["aligned_with"] == "train" and config["corpus"]["kind"] != "files":
                yield Problem((*key, "aligned_with"), "'train' needs corpus.kind 'files'; allowed here: pool, sources")
            elif generator["aligned_with"] == "train":
                yield from _check_same_lines((*key, "targets"), generator["targets"], training_text(config))


def _check_sizes(config: Config) -> Iterator[Problem]:
    pool = config["splits"]["pool"]
    for index, size in enumerate(config["sizes"]):
        if size > pool:
            yield Problem(("sizes", index), f"{size:,} is beyond splits.pool; allowed: {pool:,} or less")
        if size == 0 and all(learner["kind"] == FAIRSEQ for learner in config["learners"].values()):
            reason = "is zero-shot, and a transformer that is trained from scratch translates nothing before"
            yield Problem(("sizes", index), f"0 {reason}; it needs a learner of the kind local or openai")
    if not trained_sizes(config):
        yield Problem(("sizes",), "0 trains nothing; a size of 1 or more is needed as well")


def _check_tokenizer(config: Config) -> Iterator[Problem]:
    """sacreBLEU cuts Japanese and Korean with MeCab, which the workflow does not bring along."""
    language = config["languages"]["target"][:2]
    evaluation = config["evaluation"]
    if language in ("ja", "ko") and "bleu" in evaluation["metrics"]:
        key = ("evaluation", "metric_options", "bleu", "tokenize")
        if "tokenize" not in evaluation["metric_options"].get("bleu", {}):
            yield Problem(key, f"needed for {language}: sacreBLEU's own choice is not installed; char serves")


def _check_baseline(config: Config) -> Iterator[Problem]:
    key = ("evaluation", "baseline")
    name = config["evaluation"]["baseline"]
    human = [n for n, condition in config["conditions"].items() if is_human(condition["mixture"])]
    if name not in human:
        allowed = ", ".join(human) if human else "none yet: add a condition with `mixture: {human: 1}`"
        yield Problem(key, f"{name!r} is no condition with human targets only; allowed: {allowed}")
        return
    for field, plain in _PLAIN.items():
        value = config["conditions"][name][field]
        if value != plain:
            yield Problem(
                ("conditions", name, field), f"{value!r} is not the plain human text of a baseline; allowed: {plain!r}"
            )
