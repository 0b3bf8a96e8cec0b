"""Models that think: every method gets its visible tokens, whatever the model thinks and however it is passed on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

import workbench as wb
from tests.contract.test_every_method import RUNNABLE
from tests.contract.thinker import CARRIERS, Thinker
from tests.llm.endpoint import Endpoint


def answers_of(folder: Path, thinker: Thinker, **options: Any) -> dict[str, str]:
    """What each method answers to a question, by a model that thinks like this."""
    options = {"window": 16_384, "price": {"input": 1, "output": 4}, **options}
    pipelines = [name for name in RUNNABLE if name != "long_llm_lingua"]  # it reads vLLM's probabilities of prompts
    with Endpoint(handler=thinker) as endpoint:
        done = wb.run(
            {
                "name": "thinking",
                "database": str(folder / "log.duckdb"),
                "corpora": [{"world": {"tokens": 4_000, "contexts": 1, "questions": 6, "seed": 5}}],
                "models": [{f"server/m@{endpoint.url}": options}],
                "pipelines": pipelines,
            },
            progress=False,
            limit=1,
        )
    log = wb.open(done.database)
    answers = log.answers()
    assert list(answers.loc[answers["status"] != "ok", ["pipeline", "error"]].itertuples(index=False)) == []
    return dict(zip(answers["pipeline"], answers["text"], strict=True))


def test_every_method_answers_as_if_the_model_did_not_think(tmp_path: Path) -> None:
    plain = answers_of(tmp_path / "plain", Thinker(0), window=16_384 - 4_096)
    thinker = Thinker(400, most=3_000)
    assert answers_of(tmp_path, thinker, reasoning={"tokens": 4_096}) == plain
    assert thinker.cut == 0
    log = wb.open(tmp_path / "log.duckdb")
    calls = log.calls()
    thought = calls[calls["reasoning_tokens"] > 0]
    assert len(thought) > 100
    assert set(thought["reasoning_source"]) == {"estimated"}  # such servers do not tell
    assert thought["reasoning_tokens"].between(400, 3_000).all()
    assert thought["reasoning_tokens"].max() > 2_500
    assert (thought["completion_tokens"] >= thought["reasoning_tokens"]).all()
    kept = log.texts(thought["thoughts_hash"])
    assert all(set(text.split()) == {"hm"} for text in kept.values())
    replies = log.texts(calls["reply_hash"].dropna())
    assert not any(" hm hm" in text for text in replies.values())


# without a word about reasoning


def experiment(endpoint: Endpoint, folder: Path, **more: Any) -> dict[str, Any]:
    return {
        "name": "advice",
        "database": str(folder / "log.duckdb"),
        "corpora": [{"world": {"tokens": 4_000, "contexts": 1, "questions": 40, "seed": 5}}],
        "models": [{f"server/m@{endpoint.url}": {"window": 32_768, "price": {"input": 1, "output": 4}}}],
        "pipelines": ["full_context", "chunk_rag"],
        "concurrency": 4,
        **more,
    }


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_model_that_thinks_unasked_is_stopped_early_and_the_advice_works(tmp_path: Path, carrier: str) -> None:
    with Endpoint(handler=Thinker(3_000, (carrier,))) as endpoint:
        given = experiment(endpoint, tmp_path)
        done = wb.run(given, progress=False)
        assert (done.answered, done.exit_code) == (0, 3)
        assert 10 <= done.failed < 10 + 5  # the calls in flight end, no other is begun
        assert set(wb.open(done.database).answers()["ended"]) == {"empty"}
        (told,) = done.refused
        line = told.partition("write under models: ")[2]
        again = wb.run({**given, "models": yaml.safe_load(line)}, progress=False)
    assert (again.answered, again.failed) == (80, 0)


def test_answers_that_are_cut_are_told_and_the_advice_works(tmp_path: Path) -> None:
    async def talkative(request: web.Request) -> web.Response:
        body = await request.json()
        used = min(body["max_tokens"], 900)
        choice = {"message": {"content": "well " * used}, "finish_reason": "length" if used < 900 else "stop"}
        usage = {"prompt_tokens": 4_000, "completion_tokens": used}
        return web.json_response({"model": "m", "choices": [choice], "usage": usage})

    with Endpoint(handler=talkative) as endpoint:
        given = experiment(endpoint, tmp_path, pipelines=["full_context"])
        done = wb.run(given, progress=False)
        assert (done.exit_code, done.failed) == (3, 0)
        assert 10 <= done.answered < 15  # a text that is cut is an answer, and said to be cut
        (told,) = done.refused
        assert told.endswith("write in the experiment: answer_tokens: 1024")
        compared = wb.compare(done.database)
        assert f"of {done.answered} answers {done.answered} (100%) are cut at their limit" in compared.notes[0]
        assert compared.table["ended"].iloc[0] == {"cut": done.answered}
        again = wb.run({**given, "answer_tokens": 1_024}, progress=False)
    assert (again.answered, again.exit_code) == (40, 0)


def test_a_filter_stops_a_run_unless_it_is_told_to_go_on(tmp_path: Path) -> None:
    async def withheld(request: web.Request) -> web.Response:
        choice = {"message": {"content": "The invoice"}, "finish_reason": "content_filter"}
        usage = {"prompt_tokens": 4_000, "completion_tokens": 2}
        return web.json_response({"model": "m", "choices": [choice], "usage": usage})

    with Endpoint(handler=withheld) as endpoint:
        given = experiment(endpoint, tmp_path)
        done = wb.run(given, progress=False)
        assert done.exit_code == 3 and 20 <= done.failed < 30  # each run stops by itself
        assert all("withheld by the provider's filter" in told for told in done.refused)
        on = wb.run(given, progress=False, keep_going=True)
    assert on.failed == 80
    answers = wb.open(done.database).answers()
    assert set(answers["ended"]) == {"withheld"}
    assert (answers["cost_usd"] > 0).all()  # it was paid


def test_a_method_that_reads_probabilities_says_before_the_run_that_it_cannot() -> None:
    given = {
        "name": "no",
        "corpora": ["world"],
        "models": [{"xai/grok-4@http://127.0.0.1:9/v1": {"reasoning": {"effort": "low"}}}],
        "pipelines": ["full_context", "xl3m"],
    }
    with pytest.raises(wb.InputError, match="xl3m reads probabilities of tokens, which xai/grok-4"):
        wb.run(given, progress=False)
