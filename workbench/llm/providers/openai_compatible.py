"""OpenAI's wire format, streamed: chat completions with usage, time to first token and log probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.errors import BadReply
from workbench.llm.model import ChatRequest
from workbench.llm.providers.arrived import Arrived, token_count
from workbench.llm.providers.optional_parameters import is_about_the_request
from workbench.llm.providers.served import ServedModel
from workbench.llm.providers.transport import HttpRefusal, wait_in


class OpenAiCompatible(ServedModel):
    """A model behind `/chat/completions` of OpenAI, vLLM, Ollama, llama.cpp or one of the many servers like them.

    `output_field` is the server's name for the largest number of reply tokens: OpenAI's newer models refuse
    `max_tokens`. `json_schema` false leaves schemas out of all requests. `usage_in_every_event` asks vLLM for usage
    with every event, so that the tokens of a stream that breaks are known exactly.
    """

    gives_logprobs = True  # as far as the interface goes; a server that does not send them is found out by the bench

    def __init__(
        self,
        *args: Any,
        json_schema: bool = True,
        output_field: str = "max_tokens",
        usage_in_every_event: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._output_field = output_field
        self._running_usage = usage_in_every_event
        self.gives_prompt_logprobs = usage_in_every_event  # vLLM alone has both
        self._left_out = set() if json_schema else {"response_format"}

    # the request

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        options: dict[str, Any] = {"include_usage": True}
        if self._running_usage:
            options["continuous_usage_stats"] = True
        body: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": m.role, "content": m.content} for m in request.messages],
            self._output_field: request.max_tokens,
            "temperature": request.temperature,
            "stream": True,
            "stream_options": options,
        }
        if request.seed is not None:
            body["seed"] = request.seed
        if request.schema is not None:
            named = {"name": "reply", "schema": dict(request.schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": named}
        if request.top_logprobs:
            body["logprobs"] = True
            body["top_logprobs"] = request.top_logprobs
        if request.prompt_logprobs:  # vLLM gives them only in replies that it does not stream
            body["prompt_logprobs"] = 1
            body["stream"] = False
            del body["stream_options"]
        return body

    def _adapted(self, refusal: HttpRefusal, sent: Mapping[str, Any]) -> bool:
        other = "max_tokens" if self._output_field == "max_completion_tokens" else "max_completion_tokens"
        if is_about_the_request(refusal) and self._output_field in sent and other in refusal.body:
            self._output_field = other
            return True
        return super()._adapted(refusal, sent)

    # the reply

    def _take(self, event: Mapping[str, Any], arrived: Arrived) -> bool:
        if "done" in event:
            arrived.ended = True
            return True
        if "whole" in event:
            self._take_whole(event["whole"], arrived)
            return True
        error = event.get("error")
        if error:
            raise HttpRefusal(_status(error), self._connection.scrubbed(str(error)), wait_in(str(error)))
        if event.get("usage"):
            arrived.usage = _usage(event["usage"])
        for choice in event.get("choices") or ():
            arrived.text(_content(choice.get("delta") or {}))
            arrived.first_token_logprobs = arrived.first_token_logprobs or _first_token(choice)
            arrived.finish = choice.get("finish_reason") or arrived.finish
        return False

    def _take_whole(self, reply: Mapping[str, Any], arrived: Arrived) -> None:
        """Note the reply of a server that does not stream: it has no time to first token."""
        if reply.get("error"):
            raise HttpRefusal(_status(reply["error"]), self._connection.scrubbed(str(reply["error"])))
        if reply.get("usage"):
            arrived.usage = _usage(reply["usage"])
        try:
            choice = reply["choices"][0]
            content = _content(choice["message"])
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            raise BadReply(f"{self.name}: the reply holds no choice") from error
        if content:
            arrived.parts.append(content)
        arrived.first_token_logprobs = _first_token(choice)
        arrived.prompt_logprobs = _prompt_tokens(reply)
        arrived.finish = choice.get("finish_reason") or "stop"


def _content(message: Mapping[str, Any]) -> str:
    """The text of a message or delta; some servers send it as a list of parts."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(str(part.get("text") or "") if isinstance(part, Mapping) else str(part) for part in content)


def _first_token(choice: Mapping[str, Any]) -> dict[str, float] | None:
    """Log probabilities of the likeliest first tokens, if the choice has them; some servers write minus infinity as
    -9999."""
    content = (choice.get("logprobs") or {}).get("content") or ()
    if not content:
        return None
    likeliest = content[0].get("top_logprobs") or [content[0]]
    return {str(entry["token"]): float(entry["logprob"]) for entry in likeliest if entry.get("logprob") is not None}


def _prompt_tokens(reply: Mapping[str, Any]) -> list[float] | None:
    """Log probabilities of all the prompt's tokens but the first, from a reply of vLLM. For each token vLLM gives a map
    from token id to alternative; the prompt's own token stands first in it."""
    told = reply.get("prompt_logprobs") or ()
    own = [next(iter(entry.values())) for entry in told if entry]
    return [float(token["logprob"]) for token in own] or None


def _usage(usage: Any) -> dict[str, int]:
    """The usage object under the field names of `Completion`, without values that cannot be token counts.

    Cached tokens are found under the names that DeepSeek and Anthropic have for them, too.
    """
    if not isinstance(usage, Mapping):
        return {}
    prompt, reply = (
        details if isinstance(details := usage.get(f"{kind}_tokens_details"), Mapping) else {}
        for kind in ("prompt", "completion")
    )
    found = {
        "prompt_tokens": usage.get("prompt_tokens"),
        "completion_tokens": usage.get("completion_tokens"),
        "cached_tokens": prompt.get("cached_tokens")
        or usage.get("cache_read_input_tokens")
        or usage.get("prompt_cache_hit_tokens"),
        "cache_write_tokens": prompt.get("cache_write_tokens") or usage.get("cache_creation_input_tokens"),
        "reasoning_tokens": reply.get("reasoning_tokens"),
    }
    return {name: count for name, value in found.items() if (count := token_count(value)) is not None}


def _status(error: Any) -> int:
    """The HTTP status that an error inside a reply stands for; 500 when it names none."""
    code = error.get("code") if isinstance(error, Mapping) else None
    return code if isinstance(code, int) and 400 <= code < 600 else 500
