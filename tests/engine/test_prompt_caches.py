"""Caches that must be asked for, and costs that do not depend on what others have left in one."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

import workbench as wb
from tests.llm.endpoint import Endpoint
from workbench.engine.shared_prefixes import SharedPrefixes
from workbench.runlog.connection import connect
from workbench.text import count_tokens

CLAUDE = "anthropic/claude-sonnet-4-5"
RATES = {"input": 3.0, "output": 15.0, "cached_input": 0.3, "cache_write": 3.75, "cache_write_1h": 6.0}


class Messages:
    """A Messages server that caches by block, as Claude's documentation says: what stands up to a marked block is kept
    under its content, from 1,024 tokens on; reading it costs a tenth, writing it a quarter more, or twice for an hour.
    It writes its own invoice."""

    def __init__(self) -> None:
        self.kept: set[str] = set()
        self.bodies: list[Mapping[str, Any]] = []
        self.invoice_usd = 0.0
        self.shared = self.read = 0
        self._lock = threading.Lock()

    async def __call__(self, request: web.Request) -> web.Response:
        body = json.loads(await request.text())
        with self._lock:
            usage = self._use(body)
            self.bodies.append(body)
        whole = {
            "type": "message",
            "model": body["model"],
            "content": [{"type": "text", "text": "Oslo"}],
            "stop_reason": "end_turn",
            "usage": usage,
        }
        return web.json_response(whole)

    def _use(self, body: Mapping[str, Any]) -> dict[str, Any]:
        blocks = [block for message in body["messages"] for block in _blocks(message["content"])]
        if isinstance(body.get("system"), list):
            blocks = [*body["system"], *blocks]
        tokens = [count_tokens(block["text"]) for block in blocks]
        read = written = hour = end = 0
        before = ""
        for block, size in zip(blocks, tokens, strict=True):
            before, end = before + block["text"], end + size
            control = block.get("cache_control")
            if control is None or end < 1_024:
                continue
            self.shared += end
            if before in self.kept:
                read, written, hour = end, 0, 0
            else:
                self.kept.add(before)
                written = end - read
                hour = written if control.get("ttl") == "1h" else 0
        self.read += read
        plain = sum(tokens) - read - written
        self.invoice_usd += (
            plain * 3.0 + read * 3.0 * 0.1 + (written - hour) * 3.0 * 1.25 + hour * 3.0 * 2 + 1 * 15.0
        ) / 1e6
        return {
            "input_tokens": plain,
            "cache_read_input_tokens": read,
            "cache_creation_input_tokens": written,
            "cache_creation": {"ephemeral_5m_input_tokens": written - hour, "ephemeral_1h_input_tokens": hour},
            "output_tokens": 1,
        }


def _blocks(content: str | Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [{"text": content}] if isinstance(content, str) else list(content)


def claude(endpoint: Endpoint, folder: Path, pipelines: Sequence[Any] = ("full_context",), **options: Any) -> Any:
    return {
        "name": "claude",
        "database": str(folder / "log.duckdb"),
        "corpora": [{"world": {"tokens": 4_000, "contexts": 2, "questions": 24, "seed": 5}}],
        "models": [{f"{CLAUDE}@{endpoint.url}": {"window": 20_000, "price": RATES, **options}}],
        "pipelines": list(pipelines),
        "concurrency": 4,
    }


@pytest.mark.parametrize("ttl", ["5m", "1h"])
def test_claude_keeps_the_shared_part_and_the_bill_is_the_invoice(tmp_path: Path, ttl: str) -> None:
    server = Messages()
    with Endpoint(handler=server, path="/v1/messages") as endpoint:
        done = wb.run(claude(endpoint, tmp_path, cache={"ttl": ttl}), progress=False)
    assert (done.answered, done.failed) == (24, 0)
    calls = wb.open(done.database).calls()
    # all but the first question of each of two contexts reads the shared part from the cache
    assert server.read >= 0.95 * server.shared * 22 / 24
    assert calls["cost_usd"].sum() == pytest.approx(server.invoice_usd, rel=1e-9)
    assert done.spent_usd == pytest.approx(server.invoice_usd, rel=1e-9)
    controls = [
        block["cache_control"] for body in server.bodies for block in _blocks(body["messages"][0]["content"])[:1]
    ]
    assert {json.dumps(control) for control in controls} == {
        json.dumps({"type": "ephemeral"} | ({"ttl": "1h"} if ttl == "1h" else {}))
    }


def test_cache_off_marks_nothing(tmp_path: Path) -> None:
    server = Messages()
    with Endpoint(handler=server, path="/v1/messages") as endpoint:
        done = wb.run(claude(endpoint, tmp_path, cache={"ttl": "off"}), progress=False)
    assert (server.read, done.answered) == (0, 24)
    assert "cache_control" not in json.dumps(server.bodies)


def test_chunks_of_one_question_are_not_worth_keeping(tmp_path: Path) -> None:
    server = Messages()
    with Endpoint(handler=server, path="/v1/messages") as endpoint:
        wb.run(claude(endpoint, tmp_path, ["chunk_rag"]), progress=False)
    assert "cache_control" not in json.dumps(server.bodies)


def test_parts_that_come_back_with_every_question_are_kept(tmp_path: Path) -> None:
    server = Messages()
    with Endpoint(handler=server, path="/v1/messages") as endpoint:
        done = wb.run(claude(endpoint, tmp_path, [{"map_reduce": {"chunk_tokens": 2_000}}]), progress=False)
    assert done.failed == 0
    assert server.read > 0.8 * server.shared
    assert done.spent_usd == pytest.approx(server.invoice_usd, rel=1e-9)


def test_beginnings_that_never_come_back_are_given_up_after_three_questions() -> None:
    prefixes = SharedPrefixes()
    assert [prefixes.worth("map", f"part {i}", f"q{i}") for i in range(5)] == [True, True, True, False, False]
    assert [prefixes.worth("read", "the text", f"q{i}") for i in range(5)] == [True] * 5
    assert not prefixes.worth("map", "part 9", "q9")  # one step says nothing about another


def test_one_question_of_a_context_writes_nothing_that_nobody_reads(tmp_path: Path) -> None:
    server = Messages()
    with Endpoint(handler=server, path="/v1/messages") as endpoint:
        wb.run(claude(endpoint, tmp_path) | {"sample": 2}, progress=False, limit=1)
    assert "cache_control" not in json.dumps(server.bodies)


# costs by themselves


class Prefixes:
    """An OpenAI-compatible server whose prefix cache is shared by all that ask it, as a provider's is."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def __call__(self, request: web.Request) -> web.Response:
        body = json.loads(await request.text())
        prompt = body["messages"][-1]["content"]
        common = max((_common(prompt, other) for other in self.seen), default=0)
        self.seen.append(prompt)
        tokens = count_tokens(prompt)
        usage = {
            "prompt_tokens": tokens,
            "completion_tokens": 3,
            "prompt_tokens_details": {"cached_tokens": int(tokens * common / len(prompt)) // 128 * 128},
        }
        choice = {"message": {"content": "Oslo"}, "finish_reason": "stop"}
        return web.json_response({"model": body["model"], "choices": [choice], "usage": usage})


def _common(a: str, b: str) -> int:
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if a[:middle] == b[:middle] else (low, middle - 1)
    return low


def arms(folder: Path, retrievers: Sequence[str], **more: Any) -> dict[str, tuple[float, float, float]]:
    """Own, cold and paid USD a question of three retrievers, run in this order over one server."""
    with Endpoint(handler=Prefixes()) as endpoint:
        done = wb.run(
            {
                "name": "arms",
                "database": str(folder / "log.duckdb"),
                "corpora": [{"world": {"tokens": 6_000, "contexts": 2, "questions": 16, "seed": 3}}],
                "models": [{f"server/m@{endpoint.url}": {"window": 20_000, "price": RATES}}],
                "pipelines": [{"chunk_rag": {"retriever": kind, "top_k": 4}} for kind in retrievers],
                **more,
            },
            progress=False,
        )
    table = wb.compare(done.database).table
    return {
        row["pipeline"]: (
            row["usd_per_question"],
            row["usd_per_question_cold"],
            row["usd_per_question_paid"],
        )
        for _, row in table.iterrows()
    }


def test_own_and_cold_costs_do_not_depend_on_the_order_of_runs(tmp_path: Path) -> None:
    forwards = arms(tmp_path / "a", ["dense", "sparse", "hybrid"], concurrency=1)
    backwards = arms(tmp_path / "b", ["hybrid", "sparse", "dense"], concurrency=8, order="random")
    assert forwards.keys() == backwards.keys()
    for arm, (own, cold, _) in forwards.items():
        assert backwards[arm][:2] == pytest.approx((own, cold), rel=1e-12)
        assert own <= cold
    # what was paid does: the arm that is asked first finds nothing cached
    assert any(forwards[arm][2] != pytest.approx(backwards[arm][2], rel=0.02) for arm in forwards)


def test_a_log_without_own_costs_gets_them_from_a_run_that_asks_nothing(tmp_path: Path) -> None:
    server = Messages()
    with Endpoint(handler=server, path="/v1/messages") as endpoint:
        given = claude(endpoint, tmp_path)
        done = wb.run(given, progress=False)
        own = wb.compare(done.database).table["usd_per_question"].iloc[0]
        with connect(done.database) as connection:  # as a version without them, or kill -9 at the very end, leaves it
            connection.execute("UPDATE answers SET cost_own_usd = NULL")
        compared = wb.compare(done.database)
        assert any(note.startswith("1 run has one cost only, as it was billed") for note in compared.notes)
        assert compared.table["usd_per_question"].iloc[0] == compared.table["usd_per_question_paid"].iloc[0]
        again = wb.run(given, progress=False)
    assert (again.calls, again.kept) == (0, 24)
    assert wb.compare(done.database).table["usd_per_question"].iloc[0] == own
