"""Run a trained fairseq model, with CTranslate2 or with fairseq itself, on batches of texts of similar length."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self, TypeVar

from models.devices import in_memory, is_out_of_memory, take_gpus
from models.fairseq_checkpoints import load_checkpoint
from workbench.cli import UserError, progress, say
from workbench.files import checked, damaged

Pieces = list[str]
Result = TypeVar("Result")


@dataclass(frozen=True)
class Model:
    """The files of a model: fairseq checkpoint, its CTranslate2 form (a folder), SentencePiece model, dictionary."""

    checkpoint: Path
    ctranslate2: Path
    spm: Path
    dictionary: Path


@dataclass(frozen=True)
class EngineSettings:
    """How a model is run."""

    engine: str  # ctranslate2 or fairseq
    batch_tokens: int  # most padded pieces in a batch
    device: str  # cpu or gpu
    max_pieces: int  # training.max_pieces; longer texts are cut off there

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Self:
        """Take the settings from a JSON object; other keys are ignored."""
        return cls(**{field.name: given[field.name] for field in fields(cls)})


def load_sentencepiece(path: Path) -> Any:
    """Load a SentencePiece model.

    Raises:
        UserError: the file is damaged.
    """
    import sentencepiece

    try:
        return sentencepiece.SentencePieceProcessor(model_file=str(checked(path)))
    except RuntimeError as error:
        raise damaged(path, f"SentencePiece cannot load it ({error})") from error


def encode(model: Model, processor: Any, texts: Sequence[str], max_pieces: int, kind: str) -> list[Pieces]:
    """Split every text (one line) into pieces; a piece that fairseq's dictionary lacks becomes ``<unk>``.

    Longer texts are cut off at ``max_pieces``. The log says how many, and calls them by their ``kind``.
    """
    lines = checked(model.dictionary).read_text(encoding="utf-8").split("\n")
    known = {line.rsplit(" ", 1)[0] for line in lines if line}
    encoded = processor.encode(list(texts), out_type=str)
    cut = sum(len(pieces) > max_pieces for pieces in encoded)
    if cut:
        say(f"{cut:,} of {len(encoded):,} {kind} are longer than training.max_pieces, {max_pieces}, and cut off there")
    return [[piece if piece in known else "<unk>" for piece in pieces[:max_pieces]] for pieces in encoded]


def batches(lengths: Sequence[int], batch_tokens: int, equal: bool = False) -> list[list[int]]:
    """Group the positions of texts of similar or ``equal`` length, longest first, into batches.

    The ``lengths`` are pieces without the end of the sentence. A batch has at most ``batch_tokens`` padded pieces; a
    longer text is a batch by itself.
    """
    found: list[list[int]] = []
    for place in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        longest = lengths[found[-1][0]] if found else 0
        is_full = not found or (len(found[-1]) + 1) * (longest + 1) > batch_tokens
        if is_full or (equal and lengths[place] != longest):
            found.append([])
        found[-1].append(place)
    return found


def run_batches(
    lengths: Sequence[int], batch_tokens: int, compute: Callable[[list[int]], Sequence[Result]], equal: bool = False
) -> Iterator[Result]:
    """Compute texts in :func:`batches` of similar or equal length; yield the results in the order of the texts.

    ``compute`` maps positions of texts to their results, in the same order.
    """
    planned = batches(lengths, batch_tokens, equal)
    found: dict[int, Result] = {}
    for places, results in in_memory(progress(planned, len(planned), "batches of sources"), compute):
        found.update(zip(places, results, strict=True))
    yield from (found[place] for place in range(len(lengths)))


def has_ctranslate2(model: Model) -> bool:
    """Whether the model could be converted for CTranslate2.

    Raises:
        UserError: its folder is damaged.
    """
    return (checked(model.ctranslate2) / "model.bin").is_file()


def open_translator(model: Model, settings: EngineSettings, threads: int) -> Any:
    """Load the converted model as a ``ctranslate2.Translator``.

    Raises:
        UserError: the model could not be converted, or a GPU is needed and not available.
    """
    import ctranslate2

    if not has_ctranslate2(model):
        raise UserError(
            "CTranslate2 cannot run this model's architecture (the log of its training says why); "
            "set decoding.engine: fairseq"
        )
    device = "cpu"
    if settings.device == "gpu":
        device = "cuda"
        take_gpus(1)
        if ctranslate2.get_cuda_device_count() == 0:
            raise UserError(
                f"torch sees a GPU, but CTranslate2 {ctranslate2.__version__} does not: it needs a driver for CUDA 12 "
                "or later; set decoding.engine: fairseq"
            )
    folder = model.ctranslate2
    try:
        return ctranslate2.Translator(str(folder), device=device, compute_type="float32", intra_threads=threads)
    except (RuntimeError, ValueError) as error:
        if is_out_of_memory(error):
            raise
        raise damaged(folder, f"CTranslate2 cannot load it ({error})") from error


class FairseqNetwork:
    """A fairseq model, ready for inference, and its task; both sides share the dictionary.

    Raises:
        UserError: a GPU is needed and not available.
    """

    def __init__(self, model: Model, settings: EngineSettings, threads: int) -> None:
        import torch
        from fairseq import checkpoint_utils

        self._settings = settings
        if settings.device == "gpu":
            take_gpus(1)
        torch.set_num_threads(threads)
        with tempfile.TemporaryDirectory() as folder:
            languages = load_checkpoint(model.checkpoint)["cfg"]["task"]
            for side in ("source_lang", "target_lang"):
                shutil.copyfile(model.dictionary, Path(folder) / f"dict.{languages[side]}.txt")
            networks, config, self.task = checkpoint_utils.load_model_ensemble_and_task(
                [str(model.checkpoint)], arg_overrides={"data": folder}
            )
        self.network = networks[0].eval()
        self.network.prepare_for_inference_(config)
        if settings.device == "gpu":
            self.network.cuda()
        self.dictionary = self.task.target_dictionary

    def numbers(self, texts: Sequence[Pieces]) -> tuple[list[Any], list[int]]:
        """Return every text as a vector of piece numbers, the end of the sentence included, and their lengths."""
        import torch

        end = self.dictionary.eos()
        found = [torch.LongTensor([*map(self.dictionary.index, pieces), end]) for pieces in texts]
        return found, [len(numbers) for numbers in found]

    def run(
        self,
        dataset: Any,
        lengths: Sequence[int],
        step: Callable[[Any], Sequence[Any]],
        read: Callable[[Any], Result],
        equal: bool = False,
    ) -> Iterator[Result]:
        """Yield what ``read`` takes from the best of fairseq's hypotheses for every text of ``dataset``, in order.

        Texts of similar ``lengths`` (in pieces) share a batch; ``step`` maps a batch to the hypotheses of its texts.
        """
        import torch
        from fairseq import utils

        def compute(places: list[int]) -> list[Result]:
            sample = dataset.collater([dataset[place] for place in places])
            sample = utils.move_to_cuda(sample) if self._settings.device == "gpu" else sample
            with torch.no_grad():
                hypotheses = step(sample)
            # fairseq sorts a batch by length.
            found = dict(zip(sample["id"].tolist(), hypotheses, strict=True))
            return [read(found[place][0]) for place in places]

        yield from run_batches(lengths, self._settings.batch_tokens, compute, equal)
