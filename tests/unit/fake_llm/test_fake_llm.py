"""The fake LLM provider when nothing goes wrong, and the errors that clients bring on themselves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import openai
import pytest
from fake_clients import PROMPT, SENTENCE, TRANSLATION, body, chat, message, until
from fake_server import Server, fake_llm
from paths import ROOT

SEVERAL = "Translate every value of the following JSON object.\n\n"


pytestmark = pytest.mark.usefixtures("server")


class TestAnswers:
    """What it answers when nothing goes wrong."""

    def test_chat_completion_translates(self, gpt: openai.OpenAI, server: Server) -> None:
        answer = chat(gpt, max_completion_tokens=100, seed=1, service_tier="flex")
        assert answer.choices[0].message.content == TRANSLATION
        assert answer.choices[0].finish_reason == "stop"
        assert (answer.model, answer.service_tier) == ("fake-strong", "flex")
        assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
        total = server.stats()["total"]
        assert (total["answers"], total["output_tokens"]) == (1, answer.usage.completion_tokens)

    def test_headers_are_those_of_the_provider(self, gpt: openai.OpenAI, claude: anthropic.Anthropic) -> None:
        raw = gpt.chat.completions.with_raw_response.create(**body(SENTENCE))
        assert raw.headers["x-request-id"].startswith("req_")
        assert int(raw.headers["x-ratelimit-remaining-requests"]) > 0
        options = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hund"}]}
        raw = claude.messages.with_raw_response.create(**options)
        assert raw.headers["request-id"].startswith("req_")
        assert "anthropic-ratelimit-requests-reset" in raw.headers

    def test_log_probabilities_fit_the_text(self, gpt: openai.OpenAI) -> None:
        choice = chat(gpt, logprobs=True, top_logprobs=2).choices[0]
        assert "".join(token.token for token in choice.logprobs.content) == choice.message.content
        assert all(token.logprob <= 0 and len(token.top_logprobs) == 2 for token in choice.logprobs.content)

    def test_too_few_tokens_end_in_length(self, gpt: openai.OpenAI, claude: anthropic.Anthropic) -> None:
        answer = chat(gpt, max_completion_tokens=3)
        assert answer.choices[0].finish_reason == "length"
        assert answer.usage.completion_tokens == 3
        assert TRANSLATION.startswith(answer.choices[0].message.content)
        assert message(claude, max_tokens=3).stop_reason == "max_tokens"

    def test_message_translates(self, claude: anthropic.Anthropic) -> None:
        answer = message(claude, system="You are a translator.")
        assert answer.content[0].text == TRANSLATION
        assert answer.stop_reason == "end_turn"
        counted = claude.messages.count_tokens(
            model="claude-fake",
            system="You are a translator.",
            messages=[{"role": "user", "content": PROMPT.format(SENTENCE)}],
        )
        assert counted.input_tokens == answer.usage.input_tokens

    def test_several_sentences_in_one_object(self, gpt: openai.OpenAI) -> None:
        sources = {"1": "Der Hund läuft.", "2": SENTENCE}
        prompt = SEVERAL + json.dumps(sources, ensure_ascii=False)
        answer = gpt.chat.completions.create(model="fake-strong", messages=[{"role": "user", "content": prompt}])
        assert json.loads(answer.choices[0].message.content) == {"1": "The dog runs.", "2": TRANSLATION}

    @pytest.mark.parametrize(
        "prompt",
        [
            SENTENCE,
            f"Translate.\n\n{SENTENCE}\n",
            f"Translate <source>{SENTENCE}</source> now.",
            f"Translate the text.\n\n{SENTENCE}\n\nAn earlier answer was not a translation.",
            f"An earlier answer was not a translation.\n\nTranslate the text.\n\n{SENTENCE}",
            f"Translate.\n```\n{SENTENCE}\n```\nOnly that.",
        ],
    )
    def test_source_is_found_in_the_prompt(self, gpt: openai.OpenAI, prompt: str) -> None:
        answer = gpt.chat.completions.create(model="m", messages=[{"role": "user", "content": prompt}])
        assert answer.choices[0].message.content == TRANSLATION

    def test_placeholders_and_markup_survive(self, gpt: openai.OpenAI) -> None:
        text = 'Die Datei <a href="x">%(name)s</a> wurde {count} mal gelöscht.'
        answer = chat(gpt, text).choices[0].message.content
        assert '<a href="x">%(name)s</a>' in answer
        assert "{count}" in answer

    def test_weaker_models_write_worse_and_always_the_same(self, gpt: openai.OpenAI) -> None:
        def written(model: str) -> list[str]:
            texts = [f"{SENTENCE[:-1]} und der Hund {n} läuft." for n in range(20)]
            return [chat(gpt, text, model).choices[0].message.content for text in texts]

        strong, weak = written("fake-strong"), written("fake-weak")
        assert sum(a != b for a, b in zip(strong, weak, strict=True)) > 15
        assert weak == written("fake-weak")

    def test_models(self, gpt: openai.OpenAI, claude: anthropic.Anthropic) -> None:
        assert gpt.models.retrieve("gpt-4o-2024-08-06").shutdown_date == "2027-01-14"
        assert gpt.models.retrieve("fake-strong").shutdown_date is None
        assert "fake-weak" in [model.id for model in gpt.models.list()]
        assert claude.models.retrieve("claude-fake").lifecycle == "active"
        with pytest.raises(openai.NotFoundError, match="does not exist"):
            gpt.models.retrieve("no-such-model")


class TestErrors:
    """Errors reach the SDKs as the classes and codes that the providers' errors have."""

    @pytest.mark.parametrize(
        ("key", "kind", "code"),
        [
            ("bad-key", openai.AuthenticationError, "invalid_api_key"),
            ("forbidden-key", openai.PermissionDeniedError, "unsupported_country_region_territory"),
            ("poor-key", openai.RateLimitError, "insufficient_quota"),
        ],
    )
    def test_keys_openai(self, server: Server, key: str, kind: type, code: str) -> None:
        with openai.OpenAI(base_url=server.openai, api_key=key, max_retries=0) as client, pytest.raises(kind) as caught:
            chat(client)
        assert caught.value.code == code

    @pytest.mark.parametrize(
        ("key", "status", "kind"),
        [
            ("bad-key", 401, "authentication_error"),
            ("forbidden-key", 403, "permission_error"),
            ("poor-key", 402, "billing_error"),
        ],
    )
    def test_keys_anthropic(self, server: Server, key: str, status: int, kind: str) -> None:
        client = anthropic.Anthropic(base_url=server.url, api_key=key, max_retries=0)
        with client, pytest.raises(anthropic.APIStatusError) as caught:
            message(client)
        assert caught.value.status_code == status
        assert caught.value.body["error"]["type"] == kind
        assert caught.value.body["request_id"] == caught.value.request_id

    @pytest.mark.parametrize(
        ("options", "code"),
        [
            ({"model": "o3", "temperature": 0.5}, "unsupported_value"),
            ({"model": "gpt-5-mini", "max_tokens": 10}, "unsupported_parameter"),
            ({"model": "gpt-5-mini", "logprobs": True}, "unsupported_parameter"),
            ({"model": "gpt-4o", "reasoning_effort": "low"}, "unsupported_parameter"),
            ({"extra_body": {"colour": "red"}}, "unknown_parameter"),
            ({"n": 2}, "unsupported_parameter"),
            ({"max_completion_tokens": 0}, "integer_below_min_value"),
        ],
    )
    def test_parameters_openai(self, gpt: openai.OpenAI, options: dict[str, Any], code: str) -> None:
        with pytest.raises(openai.BadRequestError) as caught:
            chat(gpt, **options)
        assert caught.value.code == code

    def test_parameters_anthropic(self, claude: anthropic.Anthropic, server: Server) -> None:
        with pytest.raises(anthropic.BadRequestError, match="temperature"):
            message(claude, extra_body={"temperature": 0})
        with pytest.raises(anthropic.NotFoundError, match="no-such"):
            message(claude, model="no-such-model")
        bare = httpx2.post(f"{server.url}/v1/messages", json={}, headers={"x-api-key": "k"})
        assert (bare.status_code, bare.json()["error"]["message"]) == (400, "anthropic-version: header is required")

    def test_quota_runs_out_at_request_n(self, server: Server, gpt: openai.OpenAI) -> None:
        server.faults(quota=2)
        chat(gpt)
        chat(gpt, "Hund")
        with pytest.raises(openai.RateLimitError) as caught:
            chat(gpt, "Katze")
        assert caught.value.code == "insufficient_quota"
        assert server.stats()["total"]["answers"] == 2


class TestTranslators:
    """Translators other than the built-in dictionary."""

    @pytest.fixture
    def table(self, tmp_path: Path) -> Path:
        who = {"Mann": "man", "Hund": "dog", "Vogel": "bird", "Junge": "boy"}
        does = {"zwickt": "pinches", "kneift": "squeezes", "herzt": "hugs"}
        rows = [
            f"{n}\tEin {w} {d}.\tA {who[w]} {does[d]}." for n, (w, d) in enumerate((w, d) for w in who for d in does)
        ]
        path = tmp_path / "pairs.tsv"
        path.write_text("\n".join(["id\tsource\ttarget", *rows[1:], ""]), encoding="utf-8")
        return path

    def test_pairs_teach_new_sentences(self, table: Path) -> None:
        options = {"pairs": table, "no_lookup": True}
        with fake_llm(**options) as server, openai.OpenAI(base_url=server.openai, api_key="k") as client:
            assert chat(client, "Ein Mann zwickt.").choices[0].message.content == "A man pinches."

    def test_known_sentences_are_looked_up(self, table: Path) -> None:
        with table.open("a", encoding="utf-8") as file:
            file.write("99\tGuten Tag\tHow do you do\n")
        with fake_llm(pairs=table) as server, openai.OpenAI(base_url=server.openai, api_key="k") as client:
            assert chat(client, "Guten Tag").choices[0].message.content == "How do you do"


class TestServer:
    """Starting and ending."""

    def test_wrong_options_are_said_in_one_line(self, tmp_path: Path) -> None:
        for options, word in [(["--fault", "colour=1"], "colour"), (["--pairs", str(tmp_path / "none")], "none")]:
            command = [sys.executable, "-m", "fake_llm", "--port", "0", *options]
            ran = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
            assert ran.returncode == 2
            assert word in ran.stderr and ran.stderr.count("\n") == 1

    def test_it_ends_with_the_process_that_started_it(self, tmp_path: Path) -> None:
        code = (
            "import sys, time; from fake_server import fake_llm\n"
            "with fake_llm() as server: print(server.url, flush=True); time.sleep(60)"
        )
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests" / "helpers")}
        parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)
        url = parent.stdout.readline().strip()
        assert httpx2.get(f"{url}/_stats").status_code == 200
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        parent.stdout.close()

        def alive() -> bool:
            try:
                httpx2.get(f"{url}/_stats", timeout=1)
            except httpx2.TransportError:
                return False
            return True

        until(alive, lambda answering: not answering)
