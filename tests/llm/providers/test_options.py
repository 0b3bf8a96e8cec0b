"""Options of a model: what is ours is checked, what is not is passed on, what is secret stays out of sight."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.llm.endpoint import Endpoint
from workbench.errors import InputError, UnknownName
from workbench.experiment.config import load
from workbench.experiment.setup import prepare
from workbench.llm.known_providers import taken_apart
from workbench.llm.model import ChatRequest
from workbench.llm.providers.opening import open_model
from workbench.llm.providers.options import checked, identity_of
from workbench.llm.providers.reasoning import RESERVES, forms, reasoning_of
from workbench.records import Message

ASKED = ChatRequest((Message("system", "Be brief."), Message("user", "Who?")), 16, temperature=0.3, seed=7)
GOOD = {"choices": [{"message": {"content": "Ada"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 9}}


def sent(spec: str = "server/m", path: str = "/v1/chat/completions", **options: Any) -> tuple[Mapping[str, Any], Any]:
    """The body and headers of a request by a model with these options."""
    seen: list[tuple[Mapping[str, Any], Any]] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append((json.loads(await request.text()), dict(request.headers) | {":path": str(request.rel_url)}))
        return web.json_response(GOOD)

    with Endpoint(handler=handler, path=path) as endpoint:
        url = endpoint.url.removesuffix("/v1") if path.startswith("/openai") else endpoint.url
        open_model(f"{spec}@{url}", **{"window": 50_000, **options}).complete(ASKED)
    return seen[0]


def test_what_is_passed_on_stands_in_the_request() -> None:
    body, headers = sent(
        top_p=0.9,
        min_p=0.05,
        service_tier="flex",
        extra_body={"provider": {"order": ["a"]}, "reasoning_effort": "low"},
        headers={"X-Title": "mine"},
        stream=False,
    )
    assert (body["top_p"], body["min_p"], body["service_tier"]) == (0.9, 0.05, "flex")
    assert body["provider"] == {"order": ["a"]}
    assert body["reasoning_effort"] == "low"
    assert body["stream"] is False and "stream_options" not in body
    assert (body["max_tokens"], body["temperature"], body["seed"]) == (16, 0.3, 7)
    assert headers["X-Title"] == "mine"


def test_a_header_takes_its_secret_from_the_environment_and_shows_it_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_GATEWAY", "s3cr3t-of-mine")
    _, headers = sent(headers={"X-Gateway-Key": "${MY_GATEWAY}"})
    assert headers["X-Gateway-Key"] == "s3cr3t-of-mine"
    options = checked({"headers": {"X-Gateway-Key": "${MY_GATEWAY}"}}, "server/m")
    assert "s3cr3t" not in repr(options)
    assert options.secrets == ("s3cr3t-of-mine",)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"headers": {"Authorization": "Bearer abcdefgh"}}, r"the header Authorization holds its secret"),
        ({"headers": {"X-Api-Key": "abcdefgh"}}, "holds its secret"),
        ({"headers": {"X-A": "${NOT_SET_ANYWHERE}"}}, "needs NOT_SET_ANYWHERE"),
        ({"headers": "no"}, "headers is 'no'"),
        ({"extra_body": {"api": "sk-abcdefghij"}}, "looks like a key"),
        ({"extra_body": {"messages": []}}, "extra_body sets messages"),
        ({"extra_body": [1]}, "extra_body is"),
        ({"max_tokens": 5}, "max_tokens is no option"),
        ({"temperature": "hot"}, "temperature is 'hot'"),
        ({"temperature": 3}, "from 0 to 2"),
        ({"top_p": True}, "top_p is True"),
        ({"stream": "no"}, "stream is 'no'"),
        ({"cache": {"ttl": "2h"}}, "cache is"),
        ({"reasoning": {"effort": "huge"}}, "reasoning.effort is 'huge'"),
        ({"reasoning": {"tokens": 0}}, "reasoning.tokens is 0"),
        ({"reasoning": {"budget": 5}}, "reasoning is"),
        ({"reasoning": True}, "reasoning is True"),
        ({"reasoning": {"tokens": 60_000}}, "reasoning keeps 60,000 tokens of a window of 50,000"),
        ({"window": -1}, "window is -1"),
    ],
)
def test_wrong_options_are_one_line(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        open_model("server/m@http://127.0.0.1:9/v1", **{"window": 50_000, **options})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("slip", ["max_output_token", "reasonning", "temprature", "json_schemas", "kv_token"])
def test_a_name_that_is_nearly_ours_is_a_slip_and_not_passed_on(slip: str) -> None:
    with pytest.raises(UnknownName, match="did you mean"):
        checked({slip: 1}, "server/m")


def test_options_that_change_replies_are_part_of_what_the_cache_knows_a_model_by() -> None:
    assert identity_of(checked({}, "m")) == {}
    assert identity_of(checked({"rpm": 5, "headers": {"X-A": "b"}, "stream": False, "window": 9}, "m")) == {}
    for changed in ({"reasoning": "low"}, {"top_p": 0.5}, {"extra_body": {"a": 1}}, {"min_p": 0.1}):
        assert identity_of(checked(changed, "m"))
    plain = open_model("server/m@http://127.0.0.1:9/v1", window=9_000)
    thinking = open_model("server/m@http://127.0.0.1:9/v1", window=9_000, reasoning={"tokens": 512})
    assert plain.cache_identity != thinking.cache_identity  # type: ignore[attr-defined]


# addresses


@pytest.mark.parametrize(
    ("spec", "parts"),
    [
        ("openai/gpt-4o", ("openai", "gpt-4o", "")),
        ("vllm/a/b@http://h:1/v1", ("vllm", "a/b", "http://h:1/v1")),
        ("server/claude-sonnet-4@20250514@http://h/v1", ("server", "claude-sonnet-4@20250514", "http://h/v1")),
        ("server/@cf/meta/llama-3@https://h/v1", ("server", "@cf/meta/llama-3", "https://h/v1")),
        ("vertex/claude@001", ("vertex", "claude@001", "")),
    ],
)
def test_names_may_hold_an_at_sign(spec: str, parts: tuple[str, str, str]) -> None:
    assert tuple(taken_apart(spec)) == parts


def test_azure_has_its_own_address_and_header(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "abc")
    path = "/openai/deployments/gpt-4o/chat/completions"
    body, headers = sent("azure/gpt-4o", path, api_version="2025-01-01")
    assert headers[":path"] == f"{path}?api-version=2025-01-01"
    assert headers["api-key"] == "abc" and "Authorization" not in headers
    assert "max_completion_tokens" in body


def test_a_query_that_is_no_secret_stays_in_the_address() -> None:
    for query in ("api-version=2024-10-21", "version=3&region=eu"):
        model: Any = open_model(f"server/m@http://127.0.0.1:9/v1?{query}", window=9_000)
        assert model._url == f"http://127.0.0.1:9/v1/chat/completions?{query}"
    for query in ("api_key=1", "code=1", "sig=1", "access_token=1", "x"):
        with pytest.raises(InputError, match="put the key into a variable"):
            open_model(f"server/m@http://127.0.0.1:9/v1?{query}", window=9_000)


# reasoning


@pytest.mark.parametrize(
    ("given", "reserve"),
    [
        ({"effort": "low"}, 4_096),
        ("high", 32_768),
        ({"tokens": 700}, 700),
        (700, 700),
        ({"effort": "high", "tokens": 700}, 700),
        (False, 0),
        ("off", 0),
    ],
)
def test_what_is_kept_for_thoughts(given: Any, reserve: int) -> None:
    found = reasoning_of(given, "m")
    assert found is not None and found.reserve == reserve


def test_the_reserve_is_added_to_the_limit_and_taken_from_the_window() -> None:
    body, _ = sent(reasoning={"tokens": 3_000})
    assert body["max_tokens"] == 3_016
    assert open_model("server/m@http://127.0.0.1:9/v1", window=50_000, reasoning={"tokens": 3_000}).window == 47_000


@pytest.mark.parametrize("effort", RESERVES)
def test_every_provider_has_a_form_for_every_wish_and_says_nothing_at_last(effort: str) -> None:
    from workbench.llm.known_providers import PROVIDERS

    for provider in PROVIDERS:
        for wish in ({"effort": effort}, {"tokens": 5_000}, "off"):
            told = forms(provider, reasoning_of(wish, "m"))
            assert told[-1] == {}
            assert all(isinstance(json.dumps(form), str) for form in told)
        assert forms(provider, None) == ({},)
        if provider not in ("xai",):
            assert len(forms(provider, reasoning_of("off", "m"))) > 1


# sweeps


def test_a_list_is_a_sweep_of_models(tmp_path: Path) -> None:
    given = {
        "name": "sweep",
        "database": str(tmp_path / "log.duckdb"),
        "corpora": [{"world": {"tokens": 4_000, "contexts": 1, "questions": 2}}],
        "models": [
            {
                "server/m@http://127.0.0.1:9/v1": {
                    "window": 90_000,
                    "reasoning": {"effort": ["low", "high"]},
                    "temperature": [0, 1],
                    "extra_body": {"stop": ["a", "b"]},
                }
            }
        ],
        "pipelines": ["full_context"],
    }
    setup = prepare(load(given), to_call=False)
    names = [opened.name for opened in setup.models]
    assert names == [
        f"server/m@http://127.0.0.1:9/v1[reasoning=low,temperature={t}]".replace("low", effort)
        for effort in ("low", "high")
        for t in (0, 1)
    ]
    assert {opened.model.window for opened in setup.models} == {90_000 - 4_096, 90_000 - 32_768}
    assert {json.dumps(dict(opened.options)["extra_body"]) for opened in setup.models} == {'{"stop": ["a", "b"]}'}
    assert len({run.run_id for run in setup.runs}) == 4
    # an unswept entry with the same options is the same run
    alone = {**given, "models": [{"server/m@http://127.0.0.1:9/v1": dict(setup.models[0].options)}]}
    assert prepare(load(alone), to_call=False).runs[0].run_id == setup.runs[0].run_id


def test_an_empty_sweep_is_one_line() -> None:
    given = {"name": "x", "corpora": ["world"], "pipelines": ["full_context"]}
    with pytest.raises(InputError, match=r"reasoning.effort is an empty list"):
        prepare(load({**given, "models": [{"openai/gpt-5": {"reasoning": {"effort": []}}}]}), to_call=False)
