"""How answers end: silence, filters, refusals, breakdowns and other models are told, paid, and never cached."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

import workbench as wb
from tests.llm.endpoint import Endpoint
from workbench.engine.outcome import FirstAnswers, ended_of, model_line
from workbench.llm.endings import is_same_model, kind_of_finish
from workbench.llm.providers.opening import open_model
from workbench.records import Answer, Call

Reply = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def serving(reply: Reply) -> Endpoint:
    async def handler(request: web.Request) -> web.Response:
        endpoint.books.requests += 1
        return web.json_response(reply(await request.json()))

    endpoint = Endpoint(handler=handler)
    return endpoint


def saying(text: str | None, finish: str = "stop", used: int = 3, **message: Any) -> Reply:
    def reply(body: Mapping[str, Any]) -> Mapping[str, Any]:
        choice = {"message": {"role": "assistant", "content": text, **message}, "finish_reason": finish}
        usage = {"prompt_tokens": 4_100, "completion_tokens": used, "total_tokens": 4_100 + used}
        return {"model": body["model"], "choices": [choice], "usage": usage}

    return reply


def experiment(endpoint: Endpoint, folder: Path, **more: Any) -> dict[str, Any]:
    return {
        "name": "ends",
        "database": str(folder / "log.duckdb"),
        "corpora": [{"world": {"tokens": 4_000, "contexts": 1, "questions": 3, "seed": 5}}],
        "models": [{f"server/m@{endpoint.url}": {"window": 32_768, "price": {"input": 1, "output": 4}}}],
        "pipelines": ["full_context"],
        **more,
    }


@pytest.mark.parametrize(
    ("reply", "ended", "words"),
    [
        (saying(None, used=57, reasoning_content="It is Oslo."), "empty", "it holds thoughts only"),
        (saying("", used=57), "empty", "it used them unseen"),
        (saying("", used=0), "empty", "the model has said nothing"),
        (saying("<think>I go on", "length", 256), "empty", "went into thinking"),
        (saying("The invoice", "content_filter"), "withheld", "content filter"),
        (saying("", "SAFETY"), "withheld", "content filter"),
        (saying(None, refusal="I cannot help with that."), "refused", "I cannot help with that."),
        (saying("The invoice", "refusal"), "refused", "refuses to reply"),
        (saying("The invoice", "error"), "broken", "broke off"),
        (saying("The invoice", "worker_shutdown"), "broken", "broke off"),
    ],
)
def test_a_reply_that_is_none_fails_its_question_and_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reply: Reply, ended: str, words: str
) -> None:
    monkeypatch.setattr("workbench.llm.retry.random.uniform", lambda *_: 0.0)
    with serving(reply) as endpoint:
        done = wb.run(experiment(endpoint, tmp_path), progress=False)
        asked = endpoint.books.requests
        log = wb.open(done.database)
        answers, calls = log.answers(), log.calls()
        assert (done.answered, done.failed) == (0, 3)
        assert set(answers["ended"]) == {ended}
        assert answers["error"].str.contains(words).all()
        assert (answers["cost_usd"] > 0).all() and done.spent_usd == pytest.approx(answers["cost_usd"].sum())
        assert set(calls["ended"]) == {ended}
        notes = wb.compare(done.database)
        assert notes.table["ended"].iloc[0] == {ended: 3}
        assert any("of 3 answers 3 (100%)" in note for note in notes.notes)
        # another experiment asks again: nothing was kept
        wb.run({**experiment(endpoint, tmp_path), "database": str(tmp_path / "again.duckdb")}, progress=False)
        assert endpoint.books.requests == 2 * asked


def test_an_answer_that_is_cut_is_kept_as_what_it_is(tmp_path: Path) -> None:
    with serving(saying("Oslo, and also", "length", 256)) as endpoint:
        done = wb.run(experiment(endpoint, tmp_path), progress=False)
        again = {**experiment(endpoint, tmp_path), "database": str(tmp_path / "again.duckdb")}
        replayed = wb.run(again, progress=False)
    assert (done.answered, replayed.replayed) == (3, 3)
    for log in (wb.open(done.database), wb.open(replayed.database)):
        assert set(log.answers()["ended"]) == {"cut"}


def test_silence_is_no_refusal_to_answer(tmp_path: Path) -> None:
    """Methods that make "unanswerable" of a silent model must not be right about unanswerable questions."""
    with serving(saying("", used=0)) as endpoint:
        pipelines = ["refine", "mem_walker", "chain_of_agents", "chain_of_agents_merge", "map_reduce"]
        done = wb.run(experiment(endpoint, tmp_path, pipelines=pipelines), progress=False)
    answers = wb.open(done.database).answers()
    assert done.answered == 0
    assert set(answers["ended"]) <= {"empty", "failed"}
    assert answers["score"].isna().all()


# another model


def test_another_model_is_told_and_its_reply_is_not_kept(tmp_path: Path) -> None:
    def fallback(body: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**saying("Oslo")(body), "model": "gpt-4o-mini-2024-07-18"}

    with serving(fallback) as endpoint:
        given = experiment(endpoint, tmp_path)
        given["models"] = [{f"openai/gpt-4o@{endpoint.url}": {"window": 32_768, "price": {"input": 1, "output": 4}}}]
        done = wb.run(given, progress=False)
        log = wb.open(done.database)
        assert set(log.calls()["served_model"]) == {"gpt-4o-mini-2024-07-18"}
        told = "3 of 3 answers (100%) came from 'gpt-4o-mini-2024-07-18', says the server"
        assert any(told in note for note in wb.compare(done.database).notes)
        wb.run({**given, "database": str(tmp_path / "again.duckdb")}, progress=False)
        assert endpoint.books.requests == 6


def test_a_server_of_ones_own_may_call_its_model_what_it_likes(tmp_path: Path) -> None:
    with serving(lambda body: {**saying("Oslo")(body), "model": "/models/SmolLM2.gguf"}) as endpoint:
        given = experiment(endpoint, tmp_path)
        wb.run(given, progress=False)
        again = wb.run({**given, "database": str(tmp_path / "again.duckdb")}, progress=False)
    assert (again.replayed, endpoint.books.requests) == (3, 3)


@pytest.mark.parametrize(
    ("asked", "served", "same"),
    [
        ("gpt-4o", "gpt-4o-2024-08-06", True),
        ("gpt-4o", "gpt-4o-mini", False),
        ("claude-sonnet-4-5", "claude-sonnet-4-5-20250929", True),
        ("deepseek/deepseek-chat", "deepseek-chat", True),
        ("llama3.2", "llama3.2:latest", True),
        ("smollm2", "/models/smollm2.Q8_0.gguf", True),
        ("qwen3-8b", "qwen3-8b:free", True),
        ("mistral-small-latest", "mistral-small-2506", True),
        ("claude-opus-4-5", "claude-sonnet-4-5", False),
        ("m", "", True),
    ],
)
def test_names_of_the_same_model(asked: str, served: str, same: bool) -> None:
    assert is_same_model(asked, served) is same
    assert is_same_model(asked, "anything", frozenset({"anything"}))


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("stop", "answered"), ("end_turn", "answered"), ("STOP", "answered"), ("eos_token", "answered"),
        ("tool_calls", "answered"), ("completed", "answered"), ("length", "cut"), ("MAX_TOKENS", "cut"),
        ("model_length", "cut"), ("content_filter", "withheld"), ("SAFETY", "withheld"), ("sensitive", "withheld"),
        ("PROHIBITED_CONTENT", "withheld"), ("refusal", "refused"), ("error", "broken"), ("abort", "broken"),
        ("insufficient_system_resource", "broken"), ("network_error", "broken"), ("", "broken"),
    ],
)  # fmt: skip
def test_finish_reasons_are_read_by_their_stems(reason: str, kind: str) -> None:
    assert kind_of_finish(reason) == kind


# the pieces


def call(call_id: str, ended: str, *parents: str) -> Call:
    values: dict[str, Any] = dict.fromkeys(Call.__dataclass_fields__, 0)
    return Call(**{**values, "call_id": call_id, "parents": parents, "model": "m", "ended": ended})


@pytest.mark.parametrize(
    ("calls", "text", "ended"),
    [
        ([call("a", "answered")], "Oslo", "answered"),
        ([call("a", "empty"), call("b", "answered", "a")], "Oslo", "answered"),
        ([call("a", "answered"), call("b", "empty", "a")], "unanswerable", "empty"),
        ([call("a", "empty"), call("b", "empty")], "unanswerable", "empty"),
        ([call("a", "empty"), call("b", "answered")], "Oslo", "answered"),
        ([call("a", "cut"), call("b", "answered", "a")], "Oslo", "answered"),
        ([call("a", "answered"), call("b", "cut", "a")], "Oslo", "cut"),
        ([call("a", "answered")], "  ", "empty"),
        ([], "Oslo", "answered"),
    ],
)
def test_an_answer_ends_as_the_calls_that_it_rests_on(calls: list[Call], text: str, ended: str) -> None:
    assert ended_of(Answer(text), calls, "m", abstained=False) == ended


def test_only_first_answers_that_are_all_none_stop_a_run() -> None:
    watch = FirstAnswers()
    assert not any(watch.see("r", "empty", "e", "") for _ in range(9))
    assert watch.see("r", "cut", "e", "") is not None
    one_good = FirstAnswers()
    assert not any(one_good.see("r", end, "e", "") for end in ["empty"] * 9 + ["answered"] + ["empty"] * 30)
    dead_server = FirstAnswers()
    assert not any(dead_server.see("r", "failed", "e", "") for _ in range(30))  # that costs nothing
    assert not any(FirstAnswers(keep_going=True).see("r", "empty", "e", "") for _ in range(30))


def test_the_line_that_mends_a_model_keeps_its_options() -> None:
    import yaml

    line = model_line("server/@cf/m@http://h/v1", {"window": 9_000, "price": {"input": 1}}, "reasoning: off")
    ((name, options),) = yaml.safe_load(line)[0].items()
    assert name == "server/@cf/m@http://h/v1"
    assert options == {"window": 9_000, "price": {"input": 1}, "reasoning": False}
    open_model("server/m@http://127.0.0.1:9/v1", **{"window": 9_000, "reasoning": options["reasoning"]})
