"""What shapes a training with fairseq besides its data, and how several GPUs share a batch.

A recipe sets the batch of an *update*: ``max-tokens`` (or ``batch-size``) times ``update-freq`` on one device. fairseq
reads both per device, so on several devices they have to shrink together. Gradients are summed over an update's parts
and divided by its tokens. The parts change only the order in which floating-point numbers are added up, and the masks
that dropout draws.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.cli import UserError

FairseqOptions = Mapping[str, Any]  # fairseq-train's options and their values, as the configuration gives them
_PER_DEVICE = ("max-tokens", "batch-size", "max-sentences")


@dataclass(frozen=True)
class TrainingSettings:
    """The settings of one training, in the names of the JSON that the rule passes."""

    options: FairseqOptions
    seed: int
    languages: Mapping[str, str]  # codes of source and target
    device: str  # cpu or gpu
    gpus: int  # that train together; 0 on a CPU
    max_pieces: int  # longer texts are cut off there
    save_every: int  # updates between checkpoints
    checkpoint: str  # which one becomes the model, best or last


def batch_options(options: FairseqOptions, devices: int, halvings: int = 0) -> dict[str, Any]:
    """Return a recipe's options for several devices; the batch of an update stays the same.

    If ``update-freq`` is a multiple of the devices, every update sees exactly the batches that it sees on one device.
    If not, batches shrink by the same factor and are composed differently.

    Args:
        options: fairseq-train's options as the configuration gives them.
        devices: processes that train together, at least 1.
        halvings: how often the part of a batch that a device computes at a time has been halved.

    Raises:
        UserError: ``update-freq`` has several values that the devices do not divide, or a batch is too small.
    """
    if devices == 1 and halvings == 0:
        return dict(options)
    given = [int(value) for value in str(options.get("update-freq", 1)).split(",")]
    if len(given) > 1 and any(value % devices for value in given):
        raise UserError(
            f"update-freq {options['update-freq']} cannot be shared by {devices} GPUs: let training.gpus divide each "
            "of its values, or give one value"
        )
    steps = [-(-value // devices) * 2**halvings for value in given]
    shared = {name: int(options[name]) * given[0] // (devices * steps[0]) for name in _PER_DEVICE if options.get(name)}
    if not all(shared.values()):
        raise UserError(
            f"a batch of {' and '.join(f'{name} {options[name]}' for name in shared)} is too small to be shared by "
            f"{devices} GPUs in {steps[0]} parts each"
        )
    return {**options, **shared, "update-freq": ",".join(map(str, steps))}


def too_small(options: FairseqOptions, max_pieces: int) -> bool:
    """Whether ``max-tokens`` does not fit a text of ``max_pieces`` and its end; fairseq would leave such texts out."""
    return "max-tokens" in options and int(options["max-tokens"]) <= max_pieces
