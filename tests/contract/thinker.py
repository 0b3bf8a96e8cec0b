"""A server whose model thinks before it answers, and passes its thoughts on in every way that servers have.

What it answers is what the embedded reader would say; what it thinks takes as many tokens as it is told to take, and
counts against the limit of the reply, as on all real servers. A template switch turns thinking off.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from zlib import crc32

from aiohttp import web

from workbench.llm.model import ChatRequest, count_messages
from workbench.llm.reading.extractive import ExtractiveReader
from workbench.records import Message
from workbench.text import count_tokens

CARRIERS = ("reasoning_content", "reasoning", "details", "parts", "think", "THINK", "thinking", "harmony", "closed")
WINDOW = 32_768


class Thinker:
    """The handler of an `Endpoint`. `thoughts` is how many tokens each reply thinks at least, and `most` at most; how
    many they are and what carries them changes with the prompt. `limits` are those that it was given, `cut` how many
    replies ran out of tokens while it was thinking."""

    def __init__(self, thoughts: int, carriers: tuple[str, ...] = CARRIERS, most: int = 0) -> None:
        self.thoughts = thoughts
        self.most = max(thoughts, most)
        self.limits: list[int] = []
        self.cut = 0
        self._carriers = carriers
        self._reader = ExtractiveReader(window=1_000_000, max_output_tokens=100_000)

    async def __call__(self, request: web.Request) -> web.Response:
        body = json.loads(await request.text())
        limit = body.get("max_tokens") or body["max_completion_tokens"]
        self.limits.append(limit)
        messages = tuple(Message(m["role"], m["content"]) for m in body["messages"])
        prompt = count_messages(self._reader, messages)
        if prompt + limit > WINDOW:
            said = f"This model's maximum context length is {WINDOW} tokens. However, you requested {prompt + limit}"
            return web.json_response({"error": {"message": f"{said} tokens"}}, status=400)
        switch = body.get("chat_template_kwargs") or {}
        draw = crc32(messages[-1].content.encode())
        thoughts = self.thoughts + draw // 16 % (self.most - self.thoughts + 1)
        thoughts = 0 if switch.get("enable_thinking") is False else thoughts
        carrier = self._carriers[draw % len(self._carriers)]
        if thoughts >= limit:
            self.cut += 1
            return self._reply(body, carrier, " hm" * limit, None, prompt, limit, "length")
        schema = ((body.get("response_format") or {}).get("json_schema") or {}).get("schema")
        said = self._reader.complete(ChatRequest(messages, limit - thoughts, schema=schema))
        used = thoughts + said.completion_tokens
        return self._reply(body, carrier, " hm" * thoughts, said.text, prompt, used, said.finish_reason)

    def _reply(
        self,
        body: Mapping[str, Any],
        carrier: str,
        thoughts: str,
        said: str | None,
        prompt: int,
        used: int,
        finish: str,
    ) -> web.Response:
        message: dict[str, Any] = {"role": "assistant", "content": said}
        if thoughts:
            message = {"role": "assistant", **_carried(carrier, thoughts, said)}
        choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": finish}
        if body.get("logprobs"):
            likeliest = [{"token": token, "logprob": logprob} for token, logprob in _first(thoughts, said or "")]
            choice["logprobs"] = {"content": [{**likeliest[0], "top_logprobs": likeliest}]}
        usage = {"prompt_tokens": prompt, "completion_tokens": used, "total_tokens": prompt + used}
        return web.json_response({"model": body["model"], "choices": [choice], "usage": usage})


def _carried(carrier: str, thoughts: str, said: str | None) -> dict[str, Any]:
    """The content and fields of a message; `said` None: the tokens ran out while it was thinking."""
    text = said or ""
    if carrier in ("reasoning_content", "reasoning"):
        return {"content": said, carrier: thoughts}
    if carrier == "details":
        return {"content": said, "reasoning": thoughts, "reasoning_details": [{"type": "text", "text": thoughts}]}
    if carrier == "parts":
        thinking = {"type": "thinking", "thinking": [{"type": "text", "text": thoughts}]}
        return {"content": [thinking, *([{"type": "text", "text": text}] if said is not None else [])]}
    if carrier == "harmony":
        final = f"<|end|><|start|>assistant<|channel|>final<|message|>{text}"
        return {"content": f"<|channel|>analysis<|message|>{thoughts}{final if said is not None else ''}"}
    if carrier == "closed" and said is not None:  # the template has opened it
        return {"content": f"{thoughts}</think>{text}"}
    first, last = {"THINK": ("[THINK]", "[/THINK]"), "thinking": ("<thinking>", "</thinking>")}.get(
        carrier, ("<think>", "</think>")
    )
    return {"content": f"{first}{thoughts}" + (f"{last}\n{text}" if said is not None else "")}


def _first(thoughts: str, said: str) -> list[tuple[str, float]]:
    """The likeliest first tokens: those of the answer, or the mark that opens thoughts, of which nobody is unsure."""
    if thoughts:
        return [("<think>", 0.0), ("hm", -9.0)]
    size = count_tokens(said)
    return [(said[:4] or "no", -0.1 * (size % 7 + 1)), ("other", -2.0)]
