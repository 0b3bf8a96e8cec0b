"""Asking a wire through the gateway, as a run does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from tests.servers.server import Seen, Serving
from tests.servers.wire import ChatWire
from workbench.llm.cache import ResponseCache
from workbench.llm.gateway import CallTag, Gateway
from workbench.llm.model import ChatRequest
from workbench.llm.providers.opening import open_model
from workbench.llm.retry import RetryPolicy
from workbench.records import Call, Message, Reply

LIMIT = 256  # visible tokens of a reply
WINDOW = 40_000  # as the experiment's file has it where a test does not ask the server
QUICK = RetryPolicy(base_s=0.01, longest_s=0.02)
QUESTION = (Message("system", "Be brief."), Message("user", "What is the capital of Norway?"))
_TAG = CallTag("run", "q", "ctx", "answer", "answer", (), "c")


@dataclass
class Asked:
    """What has come of one call: its `reply` or `error`, and its record."""

    outcome: Reply | Exception
    call: Call | None

    @property
    def reply(self) -> Reply:
        """The reply; raises the error there is instead."""
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    @property
    def error(self) -> Exception:
        """The error; a reply is none."""
        assert isinstance(self.outcome, Exception), self.outcome
        return self.outcome

    @property
    def record(self) -> Call:
        """The call as it is logged."""
        assert self.call is not None
        return self.call


@dataclass
class Desk:
    """A model at a served wire, behind a gateway."""

    serving: Serving
    wire: ChatWire
    options: Mapping[str, Any] = field(default_factory=dict)
    cache: ResponseCache | None = None
    calls: list[Call] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.serving.play(self.wire)
        spec = f"{self.wire.provider}/{self.wire.model}@{self.serving.root}{self.wire.base}"
        self.model = open_model(spec, **self.options)
        self.gateway = Gateway(
            self.model, cache=self.cache, retry=QUICK, record=lambda call, *_: self.calls.append(call), concurrency=1
        )
        self.serving.seen.clear()  # of what was asked to find the window

    def ask(
        self,
        messages: tuple[Message, ...] = QUESTION,
        *,
        limit: int = LIMIT,
        schema: type[BaseModel] | None = None,
        seed: int | None = 3,
        **more: Any,
    ) -> Asked:
        """One call."""
        before = len(self.calls)
        request = ChatRequest(messages, limit, seed=seed, **more)
        outcome = self.gateway.complete_many([request], [_TAG], schema)[0]
        return Asked(outcome, self.calls[-1] if len(self.calls) > before else None)

    @property
    def chats(self) -> list[Seen]:
        """The chat requests that have come in."""
        return [seen for seen in self.serving.seen if seen.path == self.wire.chat_path]

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *_: object) -> None:
        self.gateway.close()


def in_file(**options: Any) -> dict[str, Any]:
    """Options of a model entry whose window is known, so that only what is sent matters."""
    return {"window": WINDOW, "tokenizer": "o200k_base", **options}
