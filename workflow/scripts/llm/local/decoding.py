"""Translate with a causal language model, greedily or by beam search, in batches of similar length.

Every text has its own length limit, so its translation does not depend on its neighbours' limits.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from llm.local.prompting import Prompter, read_templates
from models.causal_lm import (
    check_base,
    import_offline,
    load_finetuned,
    load_tokenizer,
    max_positions,
    resolve_precision,
    torch_device,
    torch_dtype,
)
from models.completions import TokenizedPair, completion_logprobs
from models.devices import in_memory
from models.hypotheses import Hypothesis
from workbench.cli import UserError, progress, say
from workbench.text import one_line

_EXTRA_LENGTH = 32  # tokens that every output may have in addition to max_output_factor times the source's


class _Request(NamedTuple):
    """A text's prompt in tokens, and the most tokens of its translation."""

    prompt: list[int]
    most: int


class Translator:
    """A base model, or one that was fine-tuned from it, that translates.

    Args:
        base: folder of the base model.
        model: folder of the adapter or of the fully trained model; None for the base itself, zero-shot.
        prompts: pairs of a role and the path of its template.
        settings: ``languages``, ``num_beams``, ``batch_size``, ``max_output_factor``, ``precision``, ``device``.

    Raises:
        UserError: one of them cannot be used, or the requested GPU is missing.
    """

    def __init__(
        self, base: Path, model: Path | None, prompts: Sequence[Sequence[str]], settings: Mapping[str, Any]
    ) -> None:
        import_offline("transformers")
        self._settings = settings
        templates = read_templates(prompts, settings["languages"])
        check_base(base)
        self._tokenizer = load_tokenizer(base)
        self._prompter = Prompter(self._tokenizer, templates)
        device = torch_device(settings["device"])
        precision = resolve_precision(settings["precision"], device)
        self._model = load_finetuned(base, model, torch_dtype(precision)).to(device)
        self._reads = max_positions(self._model.config)
        own_end = self._tokenizer.eos_token_id
        padding = self._tokenizer.pad_token_id
        self._padding = own_end if padding is None else padding
        more_ends = self._model.generation_config.eos_token_id  # one, several or None
        self._ends = sorted({own_end, *(more_ends if isinstance(more_ends, list) else [more_ends])} - {None})

    def translate(self, texts: Sequence[str]) -> Iterator[Hypothesis]:
        """Yield the translation of every text, in order; says how many were cut off at their limit.

        Raises:
            UserError: a single text does not fit the GPU's memory, or a prompt is longer than the model reads.
        """
        requests = [self._request(text) for text in texts]
        batches = self._batches(requests)
        found: dict[int, tuple[Hypothesis, bool]] = {}
        for batch, outputs in in_memory(
            progress(batches, len(batches), "batches of sources"),
            lambda places: self._translate([requests[place] for place in places]),
        ):
            found |= zip(batch, outputs, strict=True)
        if cut := sum(is_cut for _, is_cut in found.values()):
            say(
                f"{cut:,} of {len(requests):,} translations were cut off at max_output_factor, "
                f"{self._settings['max_output_factor']}, times their source's tokens and {_EXTRA_LENGTH}"
            )
        yield from (found[place][0] for place in range(len(requests)))

    def _request(self, text: str) -> _Request:
        """A text's prompt and limit, which the model's own limit may lower.

        Raises:
            UserError: the prompt alone is longer than the model reads.
        """
        prompt = self._prompter.prompt(text)
        most = int(self._settings["max_output_factor"] * len(self._prompter.text(text))) + _EXTRA_LENGTH
        if len(prompt) >= self._reads:
            raise UserError(
                f"a prompt has {len(prompt):,} tokens, but the model reads {self._reads:,.0f} at most: lower "
                "corpus.cleaning's limits of length, shorten the prompt, or take another base; the source begins "
                f"{text[:60]!r}"
            )
        return _Request(prompt, int(min(most, self._reads - len(prompt))))

    def _batches(self, requests: Sequence[_Request]) -> list[list[int]]:
        """Positions of texts with prompts of similar length, longest first.

        All rows of a batch are computed until the last one ends, and none may be longer than what the model reads.
        """
        order = sorted(range(len(requests)), key=lambda place: (-len(requests[place].prompt), place))
        found: list[list[int]] = []
        most = 0
        for place in order:
            most = max(most, requests[place].most)
            if (
                not found
                or len(found[-1]) == self._settings["batch_size"]
                or len(requests[found[-1][0]].prompt) + most > self._reads
            ):
                found.append([])
                most = requests[place].most
            found[-1].append(place)
        return found

    def _translate(self, requests: Sequence[_Request]) -> list[tuple[Hypothesis, bool]]:
        """Translations in order, and whether they were cut off."""
        completions = self._complete(requests)
        instances = [TokenizedPair(r.prompt, tokens) for r, tokens in zip(requests, completions, strict=True)]
        logprobs = completion_logprobs(self._model, instances, self._padding)
        translations = []
        for tokens, logprob in zip(completions, logprobs, strict=True):
            ended = tokens[-1] in self._ends
            text = self._tokenizer.decode(tokens[:-1] if ended else tokens, skip_special_tokens=True)
            translation = Hypothesis(one_line(text), len(tokens) - ended, logprob / len(tokens))
            translations.append((translation, not ended))
        return translations

    def _complete(self, requests: Sequence[_Request]) -> list[list[int]]:
        """What the model writes after each prompt: up to and including an end token, or up to the limit."""
        import torch
        from transformers import GenerationConfig, StoppingCriteria, StoppingCriteriaList

        width = max(len(request.prompt) for request in requests)
        tokens = torch.full((len(requests), width), self._padding)
        mask = torch.zeros_like(tokens)
        for row, request in enumerate(requests):
            tokens[row, width - len(request.prompt) :] = torch.tensor(request.prompt)
            mask[row, width - len(request.prompt) :] = 1
        device = self._model.device
        limits = torch.tensor([request.most for request in requests], device=device)

        class OwnLimits(StoppingCriteria):
            """Ends each text at its own limit; a text has one row, or several adjacent rows with beam search."""

            def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
                rows = limits.repeat_interleave(input_ids.shape[0] // len(limits))
                return input_ids.shape[1] - width >= rows

        config = GenerationConfig(
            max_new_tokens=int(limits.max()),
            num_beams=self._settings["num_beams"],
            do_sample=False,
            eos_token_id=self._ends,
            pad_token_id=self._padding,
        )
        with torch.inference_mode():
            output = self._model.generate(
                input_ids=tokens.to(device),
                attention_mask=mask.to(device),
                generation_config=config,
                stopping_criteria=StoppingCriteriaList([OwnLimits()]),
            )
        completions = []
        for row, request in zip(output[:, width:].tolist(), requests, strict=True):
            written = row[: request.most]  # rows that end early are padded after their first end token
            ends = (place for place, token in enumerate(written, start=1) if token in self._ends)
            completions.append(written[: next(ends, None)])
        return completions
