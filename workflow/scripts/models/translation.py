"""Translate with a trained fairseq model, through CTranslate2 or through fairseq itself.

Both engines get the same pieces, the same beam and the same length limit; CTranslate2 is several times faster on a CPU.
Both limit the outputs of a whole batch. Only sources of the same length share one, so that neighbours change nothing.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from models.engines import (
    EngineSettings,
    FairseqNetwork,
    Model,
    Pieces,
    encode,
    load_sentencepiece,
    open_translator,
    run_batches,
)
from models.hypotheses import Hypothesis

_EXTRA_LENGTH = 10  # pieces that every output may have beyond max_length_factor times the source's

Output = tuple[Pieces, float]  # pieces of a hypothesis, and their mean log-probability


@dataclass(frozen=True)
class DecodingSettings(EngineSettings):
    """How a model translates: ``decoding`` of the configuration, plus ``device`` and ``max_pieces``."""

    beam: int
    length_penalty: float  # a hypothesis' score is divided by its length to this power
    sampling: bool  # sample each token instead of searching
    temperature: float  # of sampling
    max_length_factor: float  # most pieces of an output, per piece of the source
    seed: int  # of sampling

    def max_length(self, source: Pieces) -> int:
        """Longest output of a source in pieces; both engines count the end of the source, as fairseq does."""
        return int(self.max_length_factor * (len(source) + 1)) + _EXTRA_LENGTH


def translate(model: Model, texts: Sequence[str], settings: DecodingSettings, threads: int) -> Iterator[Hypothesis]:
    """Yield the translation of every text (one line), in order; compute with ``threads`` CPU threads.

    Raises:
        UserError: the engine cannot run this model or finds no device.
    """
    processor = load_sentencepiece(model.spm)
    sources = encode(model, processor, texts, settings.max_pieces, "sources")
    engine = {"ctranslate2": _with_ctranslate2, "fairseq": _with_fairseq}[settings.engine]
    for tokens, logprob in engine(model, sources, settings, threads):
        yield Hypothesis(processor.decode([t for t in tokens if t != "<unk>"]), len(tokens), logprob)


def _with_ctranslate2(
    model: Model, sources: Sequence[Pieces], settings: DecodingSettings, threads: int
) -> Iterator[Output]:
    import ctranslate2

    ctranslate2.set_random_seed(settings.seed)
    translator = open_translator(model, settings, threads)
    if settings.sampling:
        penalty = 1.0
        search = {"beam_size": 1, "sampling_topk": 0, "sampling_temperature": settings.temperature}
    else:
        penalty = settings.length_penalty
        search = {"beam_size": settings.beam, "length_penalty": penalty}

    def translate_batch(places: list[int]) -> list[Output]:
        results = translator.translate_batch(
            [sources[place] for place in places],
            max_decoding_length=settings.max_length(sources[places[0]]),
            max_batch_size=0,
            return_scores=True,
            **search,
        )
        best = [(result.hypotheses[0], result.scores[0]) for result in results]
        # CTranslate2 divides the sum by the length, end of the sentence included, to the power of the penalty.
        return [(tokens, score * (len(tokens) + 1) ** (penalty - 1)) for tokens, score in best]

    yield from run_batches([len(source) for source in sources], settings.batch_tokens, translate_batch, equal=True)


def _with_fairseq(
    model: Model, sources: Sequence[Pieces], settings: DecodingSettings, threads: int
) -> Iterator[Output]:
    import torch

    torch.manual_seed(settings.seed)
    fairseq = FairseqNetwork(model, settings, threads)
    networks, task, dictionary = [fairseq.network], fairseq.task, fairseq.dictionary
    generator = task.build_generator(
        networks,
        argparse.Namespace(
            beam=1 if settings.sampling else settings.beam,
            nbest=1,
            max_len_a=settings.max_length_factor,
            max_len_b=_EXTRA_LENGTH,
            lenpen=settings.length_penalty,
            sampling=settings.sampling,
            temperature=settings.temperature,
        ),
    )

    def read(hypothesis: Any) -> Output:
        tokens = [dictionary[number] for number in hypothesis["tokens"].tolist() if number != dictionary.eos()]
        return tokens, float(hypothesis["positional_scores"].mean())

    yield from fairseq.run(
        task.build_dataset_for_inference(*fairseq.numbers(sources)),
        [len(source) for source in sources],
        lambda sample: task.inference_step(generator, networks, sample),
        read,
        equal=True,
    )
