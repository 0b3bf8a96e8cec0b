"""Every method against a real vLLM server: our token sums are the server's own, exactly."""

from __future__ import annotations

from pathlib import Path

import pytest

import workbench as wb
from tests.server.conftest import counters
from workbench import catalogue
from workbench.errors import InputError
from workbench.llm.serving.vllm import VllmServer

pytestmark = pytest.mark.vllm
OVER_SERVER = {"long_llm_lingua": {"scorer": "server"}}  # by default it loads a model of its own


def methods() -> list[object]:
    """All methods that can run here, as an experiment names them; one whose package is missing says so in `check`."""
    found: list[object] = []
    for name, method in catalogue.pipelines().items():
        options = OVER_SERVER.get(name, {})
        try:
            getattr(method(**options), "check", lambda: None)()
        except InputError:
            continue
        found.append({name: options} if options else name)
    return found


def run(folder: Path, server: VllmServer, pipelines: list[object], tokens: int = 4_000) -> wb.RunSummary:
    return wb.run(
        {
            "name": "server",
            "database": str(folder / "runs.duckdb"),
            "corpora": [{"world": {"tokens": tokens, "contexts": 1, "questions": 2}}],
            "models": [{server.provider: {"max_output_tokens": 24, "price_as": "gpt-4o-mini"}}],
            "pipelines": pipelines,
            "answer_tokens": 16,
        },
        progress=False,
    )


def sums(database: Path) -> dict[str, int]:
    """The log's sums over calls that reached the server, failed attempts included."""
    calls = wb.open(database).calls()
    calls = calls[~calls["from_cache"].astype(bool)]
    return {
        "prompt": int(calls["prompt_tokens"].sum() + calls["retry_prompt_tokens"].sum()),
        "cached": int(calls["cached_tokens"].sum()),
        "completion": int(calls["completion_tokens"].sum() + calls["retry_completion_tokens"].sum()),
    }


def test_every_method_accounts_to_the_token(server: VllmServer, tmp_path: Path) -> None:
    asked = methods()
    assert len(asked) > 30
    before = counters(server)
    summary = run(tmp_path, server, asked)
    after = counters(server)
    answers = wb.open(summary.database).answers()
    failures = answers[answers["status"] != "ok"][["pipeline", "status", "error"]]
    assert answers["pipeline"].nunique() == len(asked)
    # random weights now and then spend all of a reply on tokens without a text; that is a failure, and paid as well
    silent = failures["error"].str.contains("NoText")
    assert silent.all() and failures["pipeline"].nunique() <= 6, failures.to_string()
    ours = sums(summary.database)
    assert ours["cached"] > 0
    # the counter call of the tokenizer's chat overhead is not a completion, so that nothing but calls is counted
    assert ours == {name: after[name] - before[name] for name in ours}


def test_the_window_and_the_tokenizer_are_the_server_s(server: VllmServer) -> None:
    from workbench.llm.model import count_messages
    from workbench.llm.providers.opening import open_model
    from workbench.records import Message

    model = open_model(server.provider)
    assert model.window == 16_384
    assert not model.token_source.startswith("tiktoken")
    assert count_messages(model, [Message("user", "Hello there")]) > 0


def test_a_repeated_prefix_is_cheaper(server: VllmServer, tmp_path: Path) -> None:
    summary = run(tmp_path, server, ["full_context"], tokens=5_000)
    calls = wb.open(summary.database).calls().sort_values("started_at")
    second = calls.iloc[-1]
    assert second["cached_tokens"] > 0.8 * second["prompt_tokens"]
    full = wb.open(summary.database).answers()["cost_usd"].max()
    assert second["cost_usd"] < 0.7 * full  # cached tokens at their own price


def test_a_prompt_over_the_window_is_recorded_not_sent(server: VllmServer, tmp_path: Path) -> None:
    before = counters(server)
    summary = run(tmp_path, server, [{"full_context": {"truncate": "never"}}], tokens=30_000)
    assert summary.exit_code == 3
    assert set(wb.open(summary.database).answers()["status"]) == {"truncated_failed"}
    assert counters(server) == before
