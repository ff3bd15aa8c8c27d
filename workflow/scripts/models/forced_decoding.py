"""How likely a trained fairseq model finds given targets (forced decoding), through CTranslate2 or fairseq itself."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from models.engines import (
    EngineSettings,
    FairseqNetwork,
    Model,
    Pieces,
    encode,
    has_ctranslate2,
    load_sentencepiece,
    open_translator,
    run_batches,
)


@dataclass(frozen=True)
class Likelihood:
    """A target's number of tokens and their mean log-probability (natural), the end of the sentence in both."""

    tokens: int
    logprob: float


def force_decode(
    model: Model, pairs: Sequence[tuple[str, str]], settings: EngineSettings, threads: int
) -> Iterator[Likelihood]:
    """Yield how likely the model finds every target, given its source, in order.

    Sources and targets have one line each; what is longer than ``max_pieces`` is cut off there. If CTranslate2 cannot
    run the model, fairseq does.

    Raises:
        UserError: the engine finds no device.
    """
    processor = load_sentencepiece(model.spm)
    sources, targets = (
        encode(model, processor, [pair[side] for pair in pairs], settings.max_pieces, kind)
        for side, kind in ((0, "sources"), (1, "targets"))
    )
    by_ctranslate2 = settings.engine == "ctranslate2" and has_ctranslate2(model)
    engine = _with_ctranslate2 if by_ctranslate2 else _with_fairseq
    yield from engine(model, sources, targets, settings, threads)


def _lengths(sources: Sequence[Pieces], targets: Sequence[Pieces]) -> list[int]:
    """Pieces of the longer side of every pair."""
    return [max(len(source), len(target)) for source, target in zip(sources, targets, strict=True)]


def _with_ctranslate2(
    model: Model, sources: Sequence[Pieces], targets: Sequence[Pieces], settings: EngineSettings, threads: int
) -> Iterator[Likelihood]:
    translator = open_translator(model, settings, threads)

    def score_batch(places: list[int]) -> list[Likelihood]:
        results = translator.score_batch(
            [sources[place] for place in places],
            [targets[place] for place in places],
            max_input_length=0,  # cut already
        )
        return [Likelihood(len(r.log_probs), sum(r.log_probs) / len(r.log_probs)) for r in results]

    yield from run_batches(_lengths(sources, targets), settings.batch_tokens, score_batch)


def _with_fairseq(
    model: Model, sources: Sequence[Pieces], targets: Sequence[Pieces], settings: EngineSettings, threads: int
) -> Iterator[Likelihood]:
    from fairseq.data import LanguagePairDataset
    from fairseq.sequence_scorer import SequenceScorer

    fairseq = FairseqNetwork(model, settings, threads)
    dictionary, scorer = fairseq.dictionary, SequenceScorer(fairseq.dictionary)
    dataset = LanguagePairDataset(*fairseq.numbers(sources), dictionary, *fairseq.numbers(targets), dictionary)

    def read(hypothesis: Any) -> Likelihood:
        scores = hypothesis["positional_scores"]
        return Likelihood(len(scores), float(scores.mean()))

    lengths = _lengths(sources, targets)
    yield from fairseq.run(dataset, lengths, lambda sample: scorer.generate([fairseq.network], sample), read)
