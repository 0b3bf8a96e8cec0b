"""The stand-in model of a plan: it calls nothing, counts the prompts it gets and replies with filler."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.llm.model import ChatRequest, Completion, count_messages

if TYPE_CHECKING:
    from workbench.llm.model import Model

# Assumed speeds where nothing was measured: hosted models answer in about this time (per call, per reply token).
CALL_SECONDS = 0.6
SECONDS_PER_REPLY_TOKEN = 0.012
SECONDS_PER_PROMPT_TOKEN = 0.00008


class DryModel:
    """A model's name, window and token counts, but its replies are filler and nothing is called.

    `share`: the part of each call's `max_tokens` that a reply is counted to take, 0 to 1, at least one token. A call
    with a JSON schema gets an instance of it (see `filler`) and is counted the same. Thoughts are taken to use the same
    part of what is kept for them.
    """

    is_async = False
    max_parallel = 1

    def __init__(self, model: Model, share: float) -> None:
        self._model = model
        self._share = share
        self.name = model.name
        self.window = model.window
        self.max_output_tokens = model.max_output_tokens
        self.token_source = model.token_source
        self.reserve = getattr(model, "reserve", 0)
        self.chat_overhead = getattr(model, "chat_overhead", None)
        self.gives_logprobs = getattr(model, "gives_logprobs", False)
        self.gives_prompt_logprobs = getattr(model, "gives_prompt_logprobs", False)

    def count(self, text: str) -> int:
        return self._model.count(text)

    def complete(self, request: ChatRequest) -> Completion:
        tokens = max(1, int(request.max_tokens * self._share))
        text = json.dumps(filler(request.schema)) if request.schema else " ".join(["fact"] * tokens)
        prompt = count_messages(self, request.messages)
        thought = int(self.reserve * self._share)
        before = CALL_SECONDS + prompt * SECONDS_PER_PROMPT_TOKEN + thought * SECONDS_PER_REPLY_TOKEN
        return Completion(
            text=text,
            prompt_tokens=prompt,
            completion_tokens=tokens + thought,
            reasoning_tokens=thought,
            reasoning_source="estimated" if thought else "",
            token_source=self.token_source,
            total_s=before + tokens * SECONDS_PER_REPLY_TOKEN,
            first_token_s=before,
            first_token_logprobs={"fact": -0.5, "none": -1.0} if request.top_logprobs else None,
            prompt_logprobs=[-1.0] * request.prompt_logprobs or None,
        )

    async def acomplete(self, request: ChatRequest) -> Completion:
        return self.complete(request)


def filler(schema: Mapping[str, Any] | None, root: Mapping[str, Any] | None = None) -> Any:
    """A small instance of a JSON schema: every property, the first of several choices, lists of `minItems` or
    one item.

    `root` is the schema whose `$defs` a `$ref` refers to; without it, `schema` itself.
    """
    schema = schema or {}
    root = root if root is not None else schema
    if "$ref" in schema:
        return filler(root.get("$defs", {}).get(schema["$ref"].rpartition("/")[2], {}), root)
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return filler(schema[key][0], root)
    kind = schema.get("type")
    if kind == "object":
        return {name: filler(part, root) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [filler(schema.get("items"), root)] * max(1, schema.get("minItems", 1))
    if kind == "boolean":
        return True
    if kind in ("integer", "number"):
        return schema.get("minimum", 1)
    return "fact"
