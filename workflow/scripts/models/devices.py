"""Reserve the GPUs that the fewest other jobs on this machine use, and handle a full GPU memory."""

import itertools
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, TypeVar

from workbench.cli import UserError, say
from workbench.locks import take_lock

Result = TypeVar("Result")

_held: list[IO[str]] = []


def take_gpus(count: int) -> None:
    """Restrict this process, and those it starts, to ``count`` of the GPUs in ``CUDA_VISIBLE_DEVICES``.

    The GPUs that the fewest jobs hold are taken, so that concurrent jobs do not share a GPU unless there are more jobs
    than GPUs. A job holds a GPU with a lock that ends with its process. Must be called before anything computes on a
    GPU; a later call in the same process changes nothing.

    Raises:
        UserError: there are fewer GPUs.
    """
    if _held:
        return
    import torch

    visible = visible_gpus()
    if len(visible) < count or torch.cuda.device_count() < count:
        raise UserError(_why_missing(count))
    chosen = _least_used(visible, count)
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(chosen)
    say(f"on GPU {', '.join(chosen)}")


def visible_gpus() -> list[str]:
    """Return the names that ``CUDA_VISIBLE_DEVICES`` gives to the GPUs of this process, in its order."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name.strip() for name in named.split(",") if name.strip()]
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]


def is_out_of_memory(error: BaseException | str) -> bool:
    """Whether a computation failed because a GPU's memory was full; torch and CTranslate2 report it in several ways."""
    text = str(error).lower()
    return "out of memory" in text or "outofmemoryerror" in text or "cublas_status_alloc_failed" in text


def out_of_memory_reason(error: BaseException) -> str:
    """Return the first two sentences of the line that reports the full memory; a process' error has a traceback."""
    line = [line for line in str(error).splitlines() if is_out_of_memory(line)][-1]
    return ". ".join(line.strip().split(". ")[:2])


def in_memory(
    batches: Iterable[list[int]], compute: Callable[[list[int]], Result]
) -> Iterator[tuple[list[int], Result]]:
    """Yield each batch with its result; a batch that does not fit into the GPU's memory is computed in halves.

    Raises:
        UserError: a single text does not fit.
    """
    for batch in batches:
        waiting = [batch]
        while waiting:
            part = waiting.pop()
            try:
                result = compute(part)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                if len(part) == 1:
                    raise UserError(
                        f"the memory of the GPU does not hold a single text: {error}; use a GPU with more memory"
                    ) from error
                say(f"a batch of {len(part):,} texts does not fit the memory of the GPU; going on with half as many")
                middle = len(part) // 2
                waiting += [part[middle:], part[:middle]]
            else:
                yield part, result


def _least_used(names: Sequence[str], count: int) -> list[str]:
    """Lock ``count`` of the GPUs, each in its first free place, and return them in their order."""
    folder = Path(tempfile.gettempdir()) / f"gpus-in-use-{os.getuid()}"
    chosen: set[str] = set()
    for place in itertools.count():
        for name in names:
            if name not in chosen and (lock := take_lock(folder / f"{name}.{place}")):
                _held.append(lock)
                chosen.add(name)
                if len(chosen) == count:
                    return [name for name in names if name in chosen]
    raise AssertionError("some place is always free")


def _why_missing(count: int) -> str:
    """Say in one line how many GPUs there are, why not more, and what to do."""
    import torch

    needed = "a GPU is" if count == 1 else f"{count} GPUs are"
    found = f"training.device is gpu and {needed} needed, but torch {torch.__version__} sees"
    if torch.version.cuda is None and torch.version.hip is None:
        return f"{found} none, because it was built without CUDA: run `make setup TORCH=cuda`, or set device: cpu"
    mask = os.environ.get("CUDA_VISIBLE_DEVICES")
    try:
        torch.cuda.init()
        reason = ""
    except (RuntimeError, AssertionError) as error:  # no driver, one that is too old, or no device
        reason = f": {str(error).strip().splitlines()[0].rstrip('.')}"
    seen = torch.cuda.device_count() or "none"
    masked = "" if mask is None else f" (CUDA_VISIBLE_DEVICES is {mask!r})"
    return f"{found} {seen}{masked}{reason}; `nvidia-smi` shows GPUs and driver; lower training.gpus or set device: cpu"
