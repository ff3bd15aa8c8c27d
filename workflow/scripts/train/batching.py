"""How a batch is shared out: over several GPUs, and in smaller parts where one does not fit a GPU's memory.

What a recipe asks for is the batch of an *update*: ``max-tokens`` (or ``batch-size``) times ``update-freq`` on one
device. fairseq takes both per device, so on several they have to shrink together. Gradients are summed over an update's
parts and divided by its tokens, so the parts change nothing but the order in which floating-point numbers are added up,
and the masks that dropout draws.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.cli import UserError

_PER_DEVICE = ("max-tokens", "batch-size", "max-sentences")


def batch_options(options: Mapping[str, Any], devices: int, halvings: int = 0) -> dict[str, Any]:
    """A recipe's options for so many devices, the batch of an update kept.

    Where ``update-freq`` is a multiple of the devices, every update sees the very batches that it sees on one device.
    Where it is not, batches become smaller by the same factor and are composed anew.

    Args:
        options: fairseq-train's options as the configuration gives them.
        devices: processes that train together, at least 1.
        halvings: how often the part of a batch that a device computes at a time has been halved.

    Raises:
        UserError: ``update-freq`` has several values and the devices do not divide them, or a batch is too small.
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


def too_small(options: Mapping[str, Any], max_pieces: int) -> bool:
    """Whether a text of ``max_pieces`` and its end do not fit ``max-tokens``: fairseq would leave such texts out."""
    return "max-tokens" in options and int(options["max-tokens"]) <= max_pieces
