"""Faults of the fake LLM provider: they do what they say, as often as they say."""

from __future__ import annotations

import json
import time
from email.utils import parsedate_to_datetime

import anthropic
import httpx2
import openai
import pytest
from fake_clients import PROMPT, SENTENCE, TRANSLATION, body, chat, message, until
from fake_server import Server

pytestmark = pytest.mark.usefixtures("server")


class TestFaults:
    """Faults do what they say, at the share and for the tries that they say."""

    @pytest.mark.parametrize(
        ("fault", "kind"),
        [
            ("http_429", openai.RateLimitError),
            ("http_500", openai.InternalServerError),
            ("http_502", openai.InternalServerError),
            ("http_503", openai.InternalServerError),
            ("http_529", openai.InternalServerError),
            ("drop_before", openai.APIConnectionError),
            ("drop_middle", openai.APIConnectionError),
            ("too_long", openai.BadRequestError),
            ("bad_request", openai.BadRequestError),
            ("content_policy", openai.BadRequestError),
        ],
    )
    def test_first_try_fails_second_succeeds(
        self, server: Server, gpt: openai.OpenAI, fault: str, kind: type[Exception]
    ) -> None:
        server.faults(**{fault: {"share": 1, "attempts": 1}})
        with pytest.raises(kind):
            chat(gpt)
        assert chat(gpt).choices[0].message.content == TRANSLATION
        total = server.stats()["total"]
        assert total["faults"] == {fault: 1}
        paid = 2 if fault == "drop_middle" else 1
        assert (total["answers"], total["distinct"], total["lost"]) == (paid, 1, paid - 1)

    def test_overloaded_anthropic(self, server: Server, claude: anthropic.Anthropic) -> None:
        server.faults(http_529=1)
        with pytest.raises(anthropic.APIStatusError) as caught:
            message(claude)
        assert (caught.value.status_code, caught.value.body["error"]["type"]) == (529, "overloaded_error")

    @pytest.mark.parametrize("fault", ["truncated_json", "invalid_json"])
    def test_unreadable_answers_are_200(self, server: Server, fault: str) -> None:
        server.faults(**{fault: 1})
        answer = httpx2.post(f"{server.openai}/chat/completions", json=body("Hund"), headers={"x-api-key": "k"})
        assert answer.status_code == 200
        with pytest.raises(ValueError):
            answer.json()

    def test_timeout_never_answers(self, server: Server, gpt: openai.OpenAI) -> None:
        server.faults(timeout={"share": 1, "attempts": 1})
        with pytest.raises(openai.APITimeoutError):
            chat(gpt, timeout=0.2)
        assert chat(gpt).choices[0].message.content == TRANSLATION
        assert until(server.stats, lambda stats: stats["total"]["statuses"] == {"timeout": 1, "200": 1})

    @pytest.mark.parametrize(
        ("fault", "text"),
        [
            ("empty", ""),
            ("lead_in", f"Here is the translation:\n\n{TRANSLATION}"),
            ("quotes", f'"{TRANSLATION}"'),
            ("markdown", f"```\n{TRANSLATION}\n```"),
            ("copy", SENTENCE),
            ("echo", f"{PROMPT.format(SENTENCE)}\n\n{TRANSLATION}"),
            ("refusal_text", "I'm sorry, but I can't help with that."),
        ],
    )
    def test_texts(self, server: Server, gpt: openai.OpenAI, fault: str, text: str) -> None:
        server.faults(**{fault: 1})
        assert chat(gpt).choices[0].message.content == text

    def test_endings(self, server: Server, gpt: openai.OpenAI, claude: anthropic.Anthropic) -> None:
        server.faults(refusal=1)
        refused = chat(gpt).choices[0].message
        assert refused.content is None and refused.refusal
        assert message(claude).stop_reason == "refusal"
        server.faults(refusal=None, content_filter=1)
        assert chat(gpt).choices[0].finish_reason == "content_filter"
        server.faults(content_filter=None, length=1)
        assert chat(gpt).choices[0].finish_reason == "length"

    def test_misaligned(self, server: Server, gpt: openai.OpenAI) -> None:
        server.faults(misaligned=1)
        prompt = "Translate every value.\n\n" + json.dumps({"1": "Hund", "2": "Katze"})
        answer = gpt.chat.completions.create(model="m", messages=[{"role": "user", "content": prompt}])
        assert len(json.loads(answer.choices[0].message.content)) == 1

    def test_share_is_drawn_per_body(self, server: Server, gpt: openai.OpenAI) -> None:
        server.faults(http_500=0.2)

        def failed() -> list[int]:
            numbers = []
            for number in range(100):
                try:
                    chat(gpt, f"Hund {number}")
                except openai.InternalServerError:
                    numbers.append(number)
            return numbers

        first = failed()
        assert 8 <= len(first) <= 32
        assert failed() == first

    def test_rate_limit_is_per_key(self, server: Server, gpt: openai.OpenAI) -> None:
        server.faults(rate={"per_second": 0.01, "burst": 2})
        chat(gpt)
        chat(gpt, "Hund")
        with pytest.raises(openai.RateLimitError) as caught:
            chat(gpt, "Katze")
        assert 90 <= float(caught.value.response.headers["retry-after"]) <= 100
        assert caught.value.code == "rate_limit_exceeded"
        with openai.OpenAI(base_url=server.openai, api_key="other-key", max_retries=0) as other:
            chat(other)
        keys = server.stats()["keys"]
        assert keys["test-key"]["statuses"] == {"200": 2, "429": 1}
        assert keys["other-key"]["statuses"] == {"200": 1}

    def test_rate_limit_without_a_word_when_to_come_back(self, server: Server, gpt: openai.OpenAI) -> None:
        server.faults(rate={"per_second": 0.01, "burst": 1, "retry_after": None, "headers": False})
        chat(gpt)
        with pytest.raises(openai.RateLimitError) as caught:
            chat(gpt, "Katze")
        told = caught.value.response.headers
        assert not [name for name in told if name.startswith(("retry", "x-ratelimit"))]

    def test_retry_after_may_be_a_date(self, server: Server, gpt: openai.OpenAI) -> None:
        server.faults(rate={"per_second": 0.01, "burst": 1, "retry_after": "date"})
        chat(gpt)
        with pytest.raises(openai.RateLimitError) as caught:
            chat(gpt, "Katze")
        when = parsedate_to_datetime(caught.value.response.headers["retry-after"])
        assert 90 <= when.timestamp() - time.time() <= 102

    def test_token_limit(self, server: Server, claude: anthropic.Anthropic) -> None:
        server.faults(rate={"tokens_per_minute": 150})
        message(claude)
        with pytest.raises(anthropic.RateLimitError) as caught:
            message(claude, "Hund")
        assert caught.value.response.headers["anthropic-ratelimit-tokens-remaining"] != "0"

    def test_drift_changes_model_and_fingerprint(self, server: Server, gpt: openai.OpenAI) -> None:
        server.faults(drift=1)
        first, second = chat(gpt), chat(gpt, "Hund")
        assert first.model == "fake-strong" != second.model
        assert first.system_fingerprint != second.system_fingerprint

    def test_local_servers_lack_some_things(self, server: Server, gpt: openai.OpenAI) -> None:
        server.faults(local={"models": 0, "usage": 0})
        assert chat(gpt).usage is None
        with pytest.raises(openai.NotFoundError) as caught:
            gpt.models.retrieve("fake-strong")
        assert caught.value.code == "unknown_url"

    def test_wrong_settings_change_nothing(self, server: Server) -> None:
        for settings, word in [({"colour": 1}, "colour"), ({"refusal": 2}, "0 to 1"), ({"latency": {"bse": 1}}, "bse")]:
            answer = httpx2.post(f"{server.url}/_faults", json={"empty": 1, **settings})
            assert answer.status_code == 400
            assert word in answer.json()["error"]["message"]
        assert "empty" not in httpx2.get(f"{server.url}/_faults").json()

    def test_long_keys_are_not_shown(self, server: Server) -> None:
        key = "sk-proj-0123456789abcdefghij"
        with openai.OpenAI(base_url=server.openai, api_key=key, max_retries=0) as client:
            chat(client)
        assert key not in json.dumps([server.stats(), server.requests()])
        assert server.requests()[-1]["path"] == "/v1/chat/completions"
