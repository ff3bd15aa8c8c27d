"""How likely a trained fairseq model finds given targets, through CTranslate2 or through fairseq itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.devices import in_memory
from models.engines import Pieces, batches, encode, has_ctranslate2, open_network, open_translator
from models.translation import Model


@dataclass(frozen=True)
class Fit:
    """A target's number of tokens and their mean log-probability (natural), the end of the sentence in both."""

    tokens: int
    logprob: float


def score_targets(
    model: Model, pairs: Sequence[tuple[str, str]], settings: Mapping[str, Any], threads: int
) -> Iterator[Fit]:
    """Yield how well every target fits its source, in order.

    Args:
        model: the trained model.
        pairs: sources and targets, one line each; what is longer than ``max_pieces`` is cut off there.
        settings: of ``decoding`` in the configuration ``engine`` and ``batch_tokens``, plus ``device`` and
            ``max_pieces``. A model that CTranslate2 cannot run is run by fairseq.
        threads: CPU threads.

    Raises:
        UserError: the engine finds no device.
    """
    import sentencepiece

    processor = sentencepiece.SentencePieceProcessor(model_file=str(model.spm))
    sources, targets = (
        encode(processor, model.dictionary, [pair[side] for pair in pairs], settings["max_pieces"], kind)
        for side, kind in ((0, "sources"), (1, "targets"))
    )
    by_ctranslate2 = settings["engine"] == "ctranslate2" and has_ctranslate2(model.ctranslate2)
    engine = _with_ctranslate2 if by_ctranslate2 else _with_fairseq
    yield from engine(model, sources, targets, settings, threads)


def _batches(sources: Sequence[Pieces], targets: Sequence[Pieces], settings: Mapping[str, Any]) -> Iterator[list[int]]:
    """Positions of pairs whose longer sides are of similar length."""
    lengths = [max(len(source), len(target)) for source, target in zip(sources, targets, strict=True)]
    return batches(lengths, settings["batch_tokens"])


def _with_ctranslate2(
    model: Model, sources: Sequence[Pieces], targets: Sequence[Pieces], settings: Mapping[str, Any], threads: int
) -> Iterator[Fit]:
    translator = open_translator(model.ctranslate2, settings, threads)
    found: dict[int, Fit] = {}

    def score_batch(places: list[int]) -> Any:
        return translator.score_batch(
            [sources[place] for place in places],
            [targets[place] for place in places],
            max_input_length=0,  # cut already
        )

    for batch, results in in_memory(_batches(sources, targets, settings), score_batch):
        for place, result in zip(batch, results, strict=True):
            found[place] = Fit(len(result.log_probs), sum(result.log_probs) / len(result.log_probs))
    yield from (found[place] for place in range(len(sources)))


def _with_fairseq(
    model: Model, sources: Sequence[Pieces], targets: Sequence[Pieces], settings: Mapping[str, Any], threads: int
) -> Iterator[Fit]:
    import torch
    from fairseq import utils
    from fairseq.data import LanguagePairDataset
    from fairseq.sequence_scorer import SequenceScorer

    network = open_network(model.checkpoint, model.dictionary, settings, threads)
    dictionary = network.task.target_dictionary

    def numbers(texts: Sequence[Pieces]) -> list[torch.LongTensor]:
        return [torch.LongTensor([*map(dictionary.index, text), dictionary.eos()]) for text in texts]

    source, target = numbers(sources), numbers(targets)
    dataset = LanguagePairDataset(
        source, [len(n) for n in source], dictionary, target, [len(n) for n in target], dictionary
    )
    scorer = SequenceScorer(dictionary)
    found: dict[int, Fit] = {}

    def score_batch(places: list[int]) -> list[tuple[int, Any]]:
        sample = dataset.collater([dataset[place] for place in places])
        sample = utils.move_to_cuda(sample) if settings["device"] == "gpu" else sample
        with torch.no_grad():
            results = scorer.generate([network.model], sample)
        return list(zip(sample["id"].tolist(), results, strict=True))

    for _, scored in in_memory(_batches(sources, targets, settings), score_batch):
        for place, result in scored:
            scores = result[0]["positional_scores"]
            found[place] = Fit(len(scores), float(scores.mean()))
    yield from (found[place] for place in range(len(sources)))
