"""Translate with a CTranslate2 model and its SentencePiece model."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

MOST = 64  # sentences translated at once
WAIT = 0.005  # seconds to collect them


class CTranslate2:
    """A trained model; requests that arrive together are translated together."""

    def __init__(self, model: Path, spm: Path) -> None:
        import ctranslate2
        import sentencepiece

        self._model = ctranslate2.Translator(str(model), device="cpu", intra_threads=1)
        self._pieces = sentencepiece.SentencePieceProcessor(model_file=str(spm))
        self._waiting: list[tuple[str, asyncio.Future[str]]] = []
        self._worker: asyncio.Task[None] | None = None

    async def translate(self, source: str, prompt: str = "") -> str:
        """The translation of one text."""
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append((source, future))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return await future

    async def _work(self) -> None:
        while self._waiting:
            await asyncio.sleep(WAIT)
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            try:
                targets: list[Any] = await asyncio.to_thread(self._several, [source for source, _ in batch])
            except Exception as error:  # the waiting request must end in any case
                targets = [error] * len(batch)
            for (_, future), target in zip(batch, targets, strict=True):
                if future.done():
                    continue
                if isinstance(target, Exception):
                    future.set_exception(target)
                else:
                    future.set_result(target)

    def _several(self, sources: list[str]) -> list[str]:
        pieces = [self._pieces.encode(source, out_type=str) for source in sources]
        results = self._model.translate_batch(pieces, beam_size=1, max_decoding_length=200)
        return [self._pieces.decode(result.hypotheses[0]) for result in results]
