"""Token probabilities over the wire: what is asked for, and how each kind of reply is read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.llm.endpoint import Endpoint
from workbench.llm.cache import ResponseCache, cache_key
from workbench.llm.model import ChatRequest, Completion
from workbench.llm.providers.opening import open_model
from workbench.records import Message

ASKED = ChatRequest((Message("user", "Which one?"),), max_tokens=1)
TOLD = [{"token": " Oslo", "logprob": -0.1}, {"token": " Rome", "logprob": -2.5}]
CONTENT = {"content": [{"token": " Oslo", "logprob": -0.1, "top_logprobs": TOLD}]}


def asked(events: list[Any] | dict[str, Any], request: ChatRequest) -> tuple[Completion, dict[str, Any]]:
    """The completion of a request that a server answers with these events, or with one whole reply; and its body."""
    bodies: list[dict[str, Any]] = []

    async def handler(got: web.Request) -> web.StreamResponse:
        bodies.append(await got.json())
        if isinstance(events, dict):
            return web.json_response(events)
        lines = [f"data: {json.dumps(event)}\n\n" for event in events]
        return web.Response(text="".join([*lines, "data: [DONE]\n\n"]), content_type="text/event-stream")

    with Endpoint(handler=handler) as endpoint:
        model = open_model(f"vllm/tiny@{endpoint.url}", window=8_192, tokenizer="o200k_base")
        return model.complete(request), bodies[-1]


def test_the_likeliest_first_tokens_of_a_stream() -> None:
    later = {"content": [{"token": "!", "logprob": -9.0}]}
    events = [
        {"choices": [{"delta": {"content": " Oslo"}, "logprobs": CONTENT, "finish_reason": None}]},
        {"choices": [{"delta": {"content": "!"}, "logprobs": later, "finish_reason": "length"}]},
    ]
    completion, body = asked(events, replace(ASKED, top_logprobs=2))
    assert completion.first_token_logprobs == {" Oslo": -0.1, " Rome": -2.5}
    assert (body["logprobs"], body["top_logprobs"], body["stream"]) == (True, 2, True)


def test_nothing_is_asked_for_without_need_and_nothing_told_is_none() -> None:
    events = [{"choices": [{"delta": {"content": " Oslo"}, "finish_reason": "stop"}]}]
    completion, body = asked(events, ASKED)
    assert completion.first_token_logprobs is None and completion.prompt_logprobs is None
    assert not {"logprobs", "top_logprobs", "prompt_logprobs"} & body.keys()
    assert asked(events, replace(ASKED, top_logprobs=5))[0].first_token_logprobs is None


def test_the_prompts_own_tokens_come_in_a_reply_that_is_not_streamed() -> None:
    own_then_likelier = {"5": {"logprob": -1.5, "rank": 3}, "9": {"logprob": -0.2, "rank": 1}}
    told = [None, own_then_likelier, {"7": {"logprob": -0.5, "rank": 1}}, {"2": {"logprob": -3.0, "rank": 8}}]
    whole = {"choices": [{"message": {"content": "x"}, "finish_reason": "length"}], "prompt_logprobs": told}
    completion, body = asked(whole, replace(ASKED, prompt_logprobs=2))
    assert completion.prompt_logprobs == [-0.5, -3.0]  # the last two, the prompt's own token of each
    assert (body["prompt_logprobs"], body["stream"]) == (1, False)
    assert "stream_options" not in body
    assert asked(whole, replace(ASKED, prompt_logprobs=99))[0].prompt_logprobs == [-1.5, -0.5, -3.0]


def test_probabilities_survive_the_cache_and_change_the_key_only_when_asked_for(tmp_path: Path) -> None:
    probable = replace(ASKED, top_logprobs=2)
    assert len({cache_key("m", request) for request in (ASKED, probable, replace(ASKED, prompt_logprobs=2))}) == 3
    with ResponseCache(tmp_path / "cache.sqlite") as cache:
        cache.put("k", "m", probable, Completion("x", 1, 1, first_token_logprobs={"a": -0.5}, prompt_logprobs=[-1.0]))
        kept = cache.get("k")
    assert kept is not None
    assert kept.first_token_logprobs == {"a": -0.5} and kept.prompt_logprobs == [-1.0]
