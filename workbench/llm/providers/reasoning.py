"""How much a model may think, and how each provider wants to be told.

Thinking has a budget of its own: what a method bounds are visible tokens, and the reserve is added to every call's
limit. A form that a server refuses is followed by the next of its list (`ladder.py`); the last one says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.errors import InputError

# Tokens kept for thoughts at each effort. OpenAI advises 25,000 for a start; thoughts end by themselves far below.
RESERVES = {"minimal": 2_048, "low": 4_096, "medium": 16_384, "high": 32_768, "xhigh": 65_536}
_LEAST = 1_024  # tokens: Anthropic takes no smaller budget
_FORM = "write off, {effort: low}, {tokens: 8192}, or both of these; efforts: " + ", ".join(RESERVES)

Form = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reasoning:
    """What a model entry says about thinking: an `effort`, a budget of `tokens`, or `off`. `reserve` is added to the
    limit of every call, in tokens."""

    effort: str | None = None
    tokens: int | None = None
    off: bool = False

    @property
    def reserve(self) -> int:
        """Tokens of a call that are kept for thoughts."""
        if self.off:
            return 0
        return self.tokens if self.tokens is not None else RESERVES[self.effort or "medium"]


def reasoning_of(value: Any, spec: str) -> Reasoning | None:
    """The option `reasoning` of a model entry; None when it is not given, so that the provider's default holds and
    nothing is reserved. Raises InputError for anything else.

    >>> reasoning_of({"effort": "low"}, "openai/gpt-5").reserve, reasoning_of(False, "vllm/x").off
    (4096, True)
    """
    if value is None:
        return None
    if value is False or value in ("off", "none"):  # YAML reads `off` as false
        return Reasoning(off=True)
    given = value if isinstance(value, Mapping) else {"effort": value} if isinstance(value, str) else {"tokens": value}
    if not given or not given.keys() <= {"effort", "tokens"} or value is True:
        raise InputError(f"{spec}: reasoning is {value!r}", field="models", fix=_FORM)
    effort, tokens = given.get("effort"), given.get("tokens")
    if effort is not None and effort not in RESERVES:
        raise InputError(f"{spec}: reasoning.effort is {effort!r}", field="models", fix=_FORM)
    if tokens is not None and (isinstance(tokens, bool) or not isinstance(tokens, int) or tokens < 1):
        raise InputError(f"{spec}: reasoning.tokens is {tokens!r}", field="models", fix=_FORM)
    return Reasoning(effort, tokens)


def forms(provider: str, reasoning: Reasoning | None) -> Sequence[Form]:
    """The request fields that say it to a provider, the likeliest form first and saying nothing last."""
    if reasoning is None:
        return ({},)
    build = _FORMS.get(provider, _effort_field)
    return (*(form for form in build(reasoning) if form), {})


def reserve_of(provider: str, reasoning: Reasoning | None) -> int:
    """Tokens of every call that are kept for thoughts: no fewer than the budget that the provider is told."""
    if reasoning is None:
        return 0
    return max([reasoning.reserve, *(_budget_in(form) or 0 for form in forms(provider, reasoning))])


def within(form: Form, room: int) -> Form:
    """A form whose budget, where it names one, leaves the rest of the reply's limit to the text.

    >>> within({"thinking": {"type": "enabled", "budget_tokens": 65_536}}, 60_000)
    {'thinking': {'type': 'enabled', 'budget_tokens': 60000}}
    """
    budget = _budget_in(form)
    if budget is None or budget <= room:
        return form
    return {**form, "thinking": {**form["thinking"], "budget_tokens": max(_LEAST, room)}}


def _budget_in(form: Form) -> int | None:
    return (form.get("thinking") or {}).get("budget_tokens")


def _effort_field(wanted: Reasoning) -> list[Form]:
    """OpenAI's `reasoning_effort`, which many others took over. It knows no number of tokens."""
    if wanted.off:
        return [{"reasoning_effort": "none"}, {"reasoning_effort": "minimal"}]
    return [{"reasoning_effort": wanted.effort}] if wanted.effort else []


def _anthropic(wanted: Reasoning) -> list[Form]:
    """Claude 4.6 and later think by effort, older models by a budget of tokens."""
    if wanted.off:
        return [{"thinking": {"type": "disabled"}}]
    budget = {"thinking": {"type": "enabled", "budget_tokens": max(_LEAST, wanted.reserve)}}
    adaptive: dict[str, Any] = {"thinking": {"type": "adaptive"}}
    if wanted.effort:
        adaptive["output_config"] = {"effort": wanted.effort}
    return [adaptive, budget] if wanted.effort and wanted.tokens is None else [budget, adaptive]


def _gemini(wanted: Reasoning) -> list[Form]:
    if wanted.tokens is not None:
        config = {"thinking_budget": wanted.tokens, "include_thoughts": True}
        return [{"extra_body": {"google": {"thinking_config": config}}}]
    return _effort_field(wanted)


def _template(wanted: Reasoning) -> list[Form]:
    """vLLM, SGLang, llama.cpp: the chat template is told; families call it `enable_thinking` or `thinking`."""
    switch: dict[str, Any] = {"enable_thinking": not wanted.off, "thinking": not wanted.off}
    if wanted.off:
        return [{"chat_template_kwargs": switch}]
    if wanted.tokens is not None:
        switch["thinking_budget"] = wanted.tokens
    told: Form = {"chat_template_kwargs": switch}
    if not wanted.effort:
        return [told]
    effort = {"reasoning_effort": wanted.effort}
    return [{**effort, **told}, effort, told]


def _ollama(wanted: Reasoning) -> list[Form]:
    if wanted.off:
        return [{"think": False, "reasoning_effort": "none"}, {"think": False}]
    if not wanted.effort:
        return [{"think": True}]
    return [{"think": wanted.effort, "reasoning_effort": wanted.effort}, {"think": True}]


def _switch(wanted: Reasoning) -> list[Form]:
    """DeepSeek and Moonshot: on or off."""
    return [{"thinking": {"type": "disabled" if wanted.off else "enabled"}}]


def _mistral(wanted: Reasoning) -> list[Form]:
    if wanted.off:
        return [{"reasoning_effort": "none"}]
    efforts = dict.fromkeys((wanted.effort or "high", "high"))
    return [*({"reasoning_effort": effort} for effort in efforts), {"prompt_mode": "reasoning"}]


def _openrouter(wanted: Reasoning) -> list[Form]:
    if wanted.off:
        return [{"reasoning": {"enabled": False}}, {"reasoning": {"effort": "none"}}]
    told: dict[str, Any] = {"max_tokens": wanted.tokens} if wanted.tokens is not None else {"effort": wanted.effort}
    return [{"reasoning": told}]


def _litellm(wanted: Reasoning) -> list[Form]:
    if wanted.off:
        return [{"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}]
    by_tokens: Form = {"thinking": {"type": "enabled", "budget_tokens": max(_LEAST, wanted.reserve)}}
    return [{"reasoning_effort": wanted.effort}, by_tokens] if wanted.effort else [by_tokens]


def _groq(wanted: Reasoning) -> list[Form]:
    if wanted.off:
        return [{"reasoning_effort": "none"}]
    parsed: Form = {"reasoning_format": "parsed"}
    if not wanted.effort:
        return [parsed]
    return [{"reasoning_effort": wanted.effort, **parsed}, {"reasoning_effort": "default", **parsed}, parsed]


def _xai(wanted: Reasoning) -> list[Form]:
    """Grok knows low and high."""
    if wanted.off or not wanted.effort:
        return []
    nearest = "high" if wanted.effort in ("medium", "high", "xhigh") else "low"
    return [{"reasoning_effort": effort} for effort in dict.fromkeys((wanted.effort, nearest))]


def _any_server(wanted: Reasoning) -> list[Form]:
    """A server of which nothing is known. A number of tokens is kept free for it without a word."""
    return [] if wanted.tokens is not None and not wanted.effort else _template(wanted)


_FORMS = {
    "anthropic": _anthropic,
    "gemini": _gemini,
    "vertex": _gemini,
    "vllm": _template,
    "sglang": _template,
    "llamacpp": _template,
    "ollama": _ollama,
    "deepseek": _switch,
    "moonshot": _switch,
    "mistral": _mistral,
    "openrouter": _openrouter,
    "litellm": _litellm,
    "groq": _groq,
    "xai": _xai,
    "server": _any_server,
    "lmstudio": _any_server,
    "tgi": _any_server,
}
