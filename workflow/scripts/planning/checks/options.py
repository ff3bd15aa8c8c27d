"""Checks of the options of fairseq-train: of learners, generators and the models behind quality scores."""

from collections.abc import Iterator

from planning.configuration.errors import Key, Problem
from planning.generators import FairseqGenerator
from planning.learners import FairseqLearner
from planning.settings import JsonObject
from planning.study import Study
from planning.training import SCALED_OPTIONS, number
from train.settings import batch_options, too_small
from workbench.cli import UserError

# fairseq-train options for lower precision, which only its GPU code has.
_GPU_OPTIONS = ("fp16", "bf16", "amp", "memory-efficient-fp16", "memory-efficient-bf16")
# Options that fairseq-train needs, one of each group.
_NEEDED_OPTIONS = [
    ("arch",),
    ("optimizer",),
    ("lr",),
    ("max-tokens", "batch-size"),
    ("max-update", "max-epoch", "patience"),
]


def option_problems(study: Study) -> Iterator[Problem]:
    """Options that are missing, and batches that a device cannot compute."""
    for name, learner in study.learners.of(FairseqLearner).items():
        yield from _missing_problems(("learners", name, "options"), learner)
    for key, options in _fairseq_options(study):
        yield from _device_problems(key, options, study)


def _fairseq_options(study: Study) -> Iterator[tuple[Key, JsonObject]]:
    """Key and value of everything that holds options of fairseq-train."""
    for name, learner in study.learners.of(FairseqLearner).items():
        yield ("learners", name, "options"), learner.options
    for name, generator in study.generators.of(FairseqGenerator).items():
        yield ("generators", name, "options"), generator.options
    for name, score in study.quality.items():
        if score.options is not None:
            yield ("quality", name, "options"), score.options


def _missing_problems(key: Key, learner: FairseqLearner) -> Iterator[Problem]:
    for names in _NEEDED_OPTIONS:
        given = [option for option in names if option in learner.options]
        if not given:
            yield Problem(key, f"fairseq-train needs {' or '.join(names)}")
        elif names[0] != "arch" and all(learner.options[option] in (0, False) for option in given):
            yield Problem((*key, given[0]), "0 sets no limit; allowed: more than 0")
    for option in SCALED_OPTIONS if learner.training.equal == "epochs" else ():
        value = learner.options.get(option, 0)
        if number(value) is None:
            reason = "which training.equal 'epochs' has to take a share of"
            yield Problem((*key, option), f"{value!r} is not a number, {reason}")


def _device_problems(key: Key, options: JsonObject, study: Study) -> Iterator[Problem]:
    """What a device cannot compute, and batches that do not hold the longest text."""
    training = study.training
    devices = training.gpus_used or 1
    for option in _GPU_OPTIONS:
        if options.get(option) and training.device == "cpu":
            yield Problem((*key, option), "fairseq knows this on a GPU only; see training.device")
    try:
        shared = batch_options(options, devices)
        small = too_small(shared, training.max_pieces)
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
                f"would be left out: give more, or lower training.max_pieces ({training.max_pieces})",
            )
