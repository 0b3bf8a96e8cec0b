"""A window that only the server knows: methods are told, and what was refused stays in the log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

import workbench as wb
from tests.engine.test_spending import experiment
from tests.llm.endpoint import Endpoint
from workbench.experiment.config import load
from workbench.llm.model import count_messages
from workbench.llm.tokens import TiktokenCounter
from workbench.records import Message

WINDOW = 3_000


def strict(asked: list[int]) -> Any:
    """A server with a window of 3,000 tokens, whatever the experiment says."""

    async def handler(request: web.Request) -> web.Response:
        body = await request.json()
        tokens = count_messages(TiktokenCounter(), [Message(m["role"], m["content"]) for m in body["messages"]])
        asked.append(tokens)
        if tokens + body["max_completion_tokens" if "max_completion_tokens" in body else "max_tokens"] > WINDOW:
            said = (
                f"This model's maximum context length is {WINDOW} tokens. However, your messages resulted in {tokens}"
            )
            return web.json_response({"error": {"message": f"{said} tokens."}}, status=400)
        choice = {"message": {"content": "yes"}, "finish_reason": "stop"}
        return web.json_response({"choices": [choice], "usage": {"prompt_tokens": tokens, "completion_tokens": 1}})

    return handler


def test_the_window_that_the_server_names_is_kept_to_from_then_on(tmp_path: Path) -> None:
    asked: list[int] = []
    with Endpoint(handler=strict(asked)) as endpoint:
        done = wb.run(experiment(endpoint, tmp_path), progress=False)
    assert (done.answered, done.failed) == (6, 0)
    log = wb.open(done.database)
    answers, calls = log.answers(), log.calls()
    assert (answers["truncated_tokens"] > 1_000).all()
    refused = calls[calls["error"].notna()]
    assert len(refused) == sum(tokens > WINDOW for tokens in asked) <= 2  # those in flight when the first was refused
    assert all("your messages resulted in" in error for error in refused["error"])
    noted = [notes for notes in answers["notes"] if ["window_lowered", WINDOW] in notes]
    assert len(noted) == len(refused)
    assert len(asked) == 6 + len(refused)


def test_or_the_question_fails_with_the_words_of_the_server(tmp_path: Path) -> None:
    asked: list[int] = []
    with Endpoint(handler=strict(asked)) as endpoint:
        done = wb.run(experiment(endpoint, tmp_path, on_overflow="fail"), progress=False)
    assert (done.answered, done.failed, len(asked)) == (0, 6, 6)
    answers = wb.open(done.database).answers()
    assert set(answers["status"]) == {"truncated_failed"}
    assert all("maximum context length is 3000 tokens" in error for error in answers["error"])


@pytest.mark.parametrize("hygiene", [None, {"truncation": True}])
def test_the_new_field_makes_no_old_experiment_another(hygiene: Any) -> None:
    given = {"name": "old", "corpora": ["world"], "models": ["extractive"], "pipelines": ["full_context"]}
    plain = load({**given, "hygiene": hygiene})
    assert plain.experiment_id == load({**given, "hygiene": hygiene, "on_overflow": "truncate"}).experiment_id
    assert plain.experiment_id != load({**given, "hygiene": hygiene, "on_overflow": "fail"}).experiment_id
