"""What all imitated wires of chat completions share: a server that looks at what it is sent before a model thinks and
answers by script, counted in tokens of the server's own."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from tests.servers.carriers import Carrier, Field, pieces
from tests.servers.script import (
    PER_MESSAGE,
    PER_TOKEN,
    Made,
    Refuses,
    Situation,
    form_of,
    text_of,
    thoughts_of,
    tokens,
)
from tests.servers.server import Answer, Body, Cut

NOT_FOUND = Answer(404, {"detail": "Not Found"})
SORRY = "I'm sorry, I can't help with that."
SECRET = "sk-live-5ecre7-abcdefgh"
OPENAI_TAKES = frozenset(
    {"model", "messages", "max_tokens", "max_completion_tokens", "temperature", "top_p", "stream", "stream_options"}
    | {"seed", "response_format", "tools", "tool_choice", "logprobs", "top_logprobs", "n", "stop", "user"}
)


class ChatWire:
    """OpenAI's format as most servers speak it. A subclass says how its provider differs.

    `takes` are the fields it knows (None: others are ignored), `forms` the forms of a schema that it takes. `ends`
    says by which of a reply's odd ends which `CallEnd` is meant. The fields from `told_window` on are for the docs.
    """

    name: ClassVar[str]
    provider: ClassVar[str]
    model: ClassVar[str] = "tiny"
    served: ClassVar[str] = ""
    base: ClassVar[str] = "/v1"
    takes: ClassVar[frozenset[str] | None] = None
    forms: ClassVar[tuple[str, ...]] = ("json_schema", "json_object_schema", "json_object", "tool")
    carrier: ClassVar[Carrier] = Field("reasoning_content")
    thinks_unasked: ClassVar[bool] = True  # whether it thinks where the request says nothing of it
    asks_to_think: ClassVar[Body | None] = None  # a model's options that make it think where it would not by itself
    can_stop_thinking: ClassVar[bool] = True
    thinks: ClassVar[bool] = True  # whether it can at all
    tells_reasoning: ClassVar[bool] = False
    tells_cached: ClassVar[bool] = True
    tells_usage: ClassVar[bool] = True  # of a stream
    refuses_streams: ClassVar[bool] = False
    limit_name: ClassVar[str] = "max_tokens"
    cuts: ClassVar[bool] = False  # a prompt that is too long, without a word
    # how often a prompt that is too long is cut, by what the words say, and the share of the room that it fills then
    cuts_needed: ClassVar[int] = 1
    of_a_prompt_kept: ClassVar[float] = 0.9
    always: ClassVar[Body] = {}  # what a request must hold beside messages and a limit
    window: int = 32_000
    found_window: ClassVar[tuple[int, str]] = (8_192, "assumed")  # as `open_model` finds it, and from where
    limit_unsaid: ClassVar[int] = 4_096
    ends: ClassVar[Mapping[str, str]] = {"cut": "broken", "error": "failed"}
    refuses: ClassVar[tuple[Refuses, ...]] = ()
    told_cached: ClassVar[str] = "`prompt_tokens_details.cached_tokens`"
    told_reasoning: ClassVar[str] = ""
    told_cost: ClassVar[str] = ""
    told_window: ClassVar[str] = ""
    odd: ClassVar[tuple[str, ...]] = ()
    line_end: str = "\n"
    stream_type: str | None = "text/event-stream"
    marks_end: bool = True

    def __init__(self, situation: Situation | None = None) -> None:
        self.situation = situation or Situation()
        self.made: list[Made] = []
        self.seen: Body = {}  # the last request that was answered
        self._first = list(self.situation.first)

    # requests

    def get(self, path: str, headers: Mapping[str, str]) -> Answer:
        """What the server tells of itself."""
        told = self.tells(path)
        return NOT_FOUND if told is None else Answer(value=told)

    def tells(self, path: str) -> Any:
        """What stands under a path that is asked for by GET; None for nothing."""
        return {"object": "list", "data": [{"id": self.model, "object": "model"}]} if path == "/v1/models" else None

    def beside(self, path: str, body: Body) -> Answer | None:
        """What the server answers under other paths than that of chat."""
        return None

    @property
    def chat_path(self) -> str:
        """Where chat completions are asked for."""
        return f"{self.base}/chat/completions"

    def post(self, path: str, body: Body, headers: Mapping[str, str]) -> Answer:
        """The reply to a request, or what the server has against it."""
        if (beside := self.beside(path, body)) is not None:
            return beside
        if path != self.chat_path:
            return NOT_FOUND
        if not self.has_key(headers):
            return self.wrong_key(self.key_in(headers))
        if self._first:
            return self._first.pop(0)
        prompt = self.prompt_tokens(body)
        for refusal in self.objections(body, prompt):
            return refusal
        made = self.make(body, prompt)
        self.made.append(made)
        self.seen = body
        return self.reply(body, made)

    def key_in(self, headers: Mapping[str, str]) -> str:
        """The key that a request brings."""
        return headers.get("authorization", "").removeprefix("Bearer ")

    def has_key(self, headers: Mapping[str, str]) -> bool:
        """Whether it is the right one."""
        return self.key_in(headers) == SECRET

    def prompt_tokens(self, body: Body) -> int:
        """The prompt by the server's count."""
        return sum(PER_MESSAGE + tokens(text_of(message["content"])) for message in body["messages"])

    def limit(self, body: Body) -> int:
        """The most tokens of the reply."""
        return int(body.get("max_completion_tokens") or body.get("max_tokens") or self.limit_unsaid)

    # what it has against a request

    def error(self, status: int, message: str, **more: Any) -> Answer:
        """An error in this provider's shape."""
        return Answer(status, {"error": {"message": message, "type": "invalid_request_error", "code": None, **more}})

    def objections(self, body: Body, prompt: int) -> Iterator[Answer]:
        """What the server refuses a request for."""
        if self.takes is not None:
            unknown = [name for name in body if name not in self.takes]
            if unknown:
                yield self.unknown(unknown)
        yield from self.dislikes(body)
        form = form_of(body)
        if form != "prompt" and form not in self.forms:
            yield self.bad_form(form)
        if (overflow := self.overflow(prompt, self.limit(body))) is not None:
            yield overflow
        if self.situation.ends == "filtered":
            yield self.filtered()

    def dislikes(self, body: Body) -> Iterator[Answer]:
        """What the server has against the values of fields that it knows."""
        return iter(())

    def unknown(self, names: Sequence[str]) -> Answer:
        """Fields that it does not know."""
        return self.error(400, f"Unrecognized request argument supplied: {names[0]}")

    def bad_form(self, form: str) -> Answer:
        """A form of a schema that it does not take."""
        return self.error(400, f"response_format of this type is not supported: {form}")

    def overflow(self, prompt: int, limit: int) -> Answer | None:
        """What it says when the prompt, or the prompt with its reply, is longer than the window."""
        return None if prompt + limit <= self.window else self.too_long(prompt, limit)

    def too_long(self, prompt: int, limit: int) -> Answer:
        """Its words for that."""
        raise NotImplementedError

    def wrong_key(self, key: str) -> Answer:
        """Its words for a key that it does not know."""
        return self.error(401, f"Incorrect API key provided: {key}.", code="invalid_api_key")

    def too_many(self, seconds: float) -> Answer:
        """Its words when it wants to be asked again later."""
        return Answer(429, {"error": {"message": "Rate limit reached"}}, headers={"Retry-After": f"{seconds:g}"})

    def filtered(self) -> Answer:
        """Its words for a prompt that its filter does not let through."""
        raise NotImplementedError

    def no_money(self) -> Answer:
        """Its words for an account that has nothing left."""
        return self.error(402, "Insufficient Balance", type="unknown_error", code="invalid_request_error")

    # the reply

    def carried(self, body: Body) -> Carrier:
        """How the thoughts come back of a request."""
        return self.carrier

    def thinks_now(self, body: Body) -> bool:
        """Whether the request lets the model think."""
        return self.thinks_unasked

    def budget(self, body: Body) -> int | None:
        """The most tokens that the model may think, where the request bounds them."""
        return None

    def make(self, body: Body, prompt: int) -> Made:
        """What the model makes of a prompt. Its thoughts are part of what the request's limit bounds."""
        at = self.situation
        limit, budget = self.limit(body), self.budget(body)
        thinking = at.thinks if self.thinks and self.thinks_now(body) else 0
        thinking = min(thinking, limit, limit if budget is None else budget)
        text = at.says if thinking < limit else ""
        if form_of(body) == "prompt" and text.startswith("{"):
            text = f"Here it is:\n```json\n{text}\n```"  # nothing holds the model to its schema
        visible = min(tokens(text), limit - thinking)
        text = text[: math.floor(visible * PER_TOKEN)] if visible < tokens(text) else text
        finish = "length" if thinking + visible >= limit else "stop"
        if at.ends.startswith("finish:"):
            text, finish = text[: len(text) // 2], at.ends.removeprefix("finish:")
            visible = tokens(text)
        return Made(prompt, thoughts_of(thinking), thinking, text, visible, finish, cached=min(at.cached, prompt))

    def usage(self, made: Made) -> dict[str, Any]:
        """The usage report."""
        report: dict[str, Any] = {
            "prompt_tokens": made.prompt,
            "completion_tokens": made.completion,
            "total_tokens": made.prompt + made.completion,
        }
        if self.tells_cached:
            report["prompt_tokens_details"] = {"cached_tokens": made.cached}
        if self.tells_reasoning:
            report["completion_tokens_details"] = {"reasoning_tokens": made.thinking}
        return report

    def reply(self, body: Body, made: Made) -> Answer:
        """A reply, whole or streamed."""
        if not body.get("stream"):
            return Answer(value=self.whole(body, made))
        wants_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        return Answer(pieces=self.frames(self.events(body, made, wants_usage)), content_type=self.stream_type)

    def message(self, body: Body, made: Made) -> dict[str, Any]:
        """The message of a whole reply."""
        if self.situation.ends == "refusal":
            return {"role": "assistant", "content": None, "refusal": SORRY}
        if form_of(body) == "tool" and made.text:
            function = {"name": "reply", "arguments": made.text}
            return {"role": "assistant", "content": None, "tool_calls": [{"type": "function", "function": function}]}
        return {"role": "assistant", **self.carried(body).message(made.thoughts, made.text)}

    def whole(self, body: Body, made: Made) -> dict[str, Any]:
        """A reply that is not streamed."""
        choice = {"index": 0, "message": self.message(body, made), "finish_reason": self.finish(made)}
        return {**self.head("chat.completion"), "choices": [choice], "usage": self.usage(made)}

    def head(self, kind: str) -> dict[str, Any]:
        """The fields that every object of a reply begins with."""
        return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": self.served or self.model}

    def finish(self, made: Made) -> str:
        """The finish reason in the provider's words."""
        return made.finish

    def chunk(self, delta: Mapping[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
        """One event of a stream."""
        choice = {"index": 0, "delta": dict(delta), "finish_reason": finish}
        return {**self.head("chat.completion.chunk"), "choices": [choice], **more}

    def deltas(self, body: Body, made: Made) -> Iterator[dict[str, Any]]:
        """The reply in pieces."""
        if self.situation.ends == "refusal":
            yield from ({"refusal": piece} for piece in pieces(SORRY))
            return
        if form_of(body) == "tool" and made.text:
            for piece in pieces(made.text):
                yield {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}
            return
        yield from self.carried(body).deltas(made.thoughts, made.text)

    def events(self, body: Body, made: Made, wants_usage: bool) -> Iterator[Any]:
        """The events of a stream, each an object, or text as it stands."""
        yield self.chunk({"role": "assistant", "content": ""})
        for delta in self.deltas(body, made):
            yield self.chunk(delta)
        yield self.chunk({}, self.finish(made))
        if wants_usage:
            yield {**self.head("chat.completion.chunk"), "choices": [], "usage": self.usage(made)}

    def frames(self, events: Iterator[Any]) -> Iterator[bytes]:
        """The bytes of a stream. A reply that `ends` in the middle does so before its last piece but one."""
        end = self.line_end
        shown = list(events)
        ends = self.situation.ends
        if ends in ("cut", "error"):
            shown = [*shown[: max(2, len(shown) // 2)], *([self.breaks()] if ends == "error" else [])]
        for event in shown:
            yield (event if isinstance(event, str) else f"data: {json.dumps(event)}{end}{end}").encode()
        if ends == "cut":
            raise Cut
        if self.marks_end and ends != "error":
            yield f"data: [DONE]{end}{end}".encode()

    def breaks(self) -> Any:
        """The event that ends a stream in an error."""
        return {"error": {"message": "The server had an error while processing your request.", "code": 500}}
