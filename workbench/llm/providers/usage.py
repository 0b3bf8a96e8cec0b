"""What a server reports as used, in the many forms of it, under the field names of `Completion`.

Reports stand in the reply, in its last event, inside a choice, or in an extension of the provider's. Providers differ
in what they count: Anthropic's counts leave the cached part out of the prompt, xAI's and Gemini's the reasoning out of
the completion. Where a report's own total tells, it decides; else the reading that is nearer to what we counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.llm.providers.arrived import token_count

_PROMPT = ("prompt_tokens", "input_tokens", "prompt_eval_count", "promptTokenCount")
_REPLY = ("completion_tokens", "output_tokens", "eval_count", "candidatesTokenCount")
_READ = "cache_read_input_tokens"  # Anthropic's name, whose prompt leaves it out, and which others took over
_CACHED = (
    *("cached_tokens", "prompt_cache_hit_tokens", "cache_read_tokens", "cached_input_tokens"),
    *("cachedContentTokenCount", "cached_prompt_text_tokens", _READ),
)
_WRITTEN = ("cache_creation_input_tokens", "cache_write_tokens", "cache_creation_tokens", "cache_write_input_tokens")
_WRITTEN_HOUR = ("ephemeral_1h_input_tokens",)
_REASONING = ("reasoning_tokens", "thinking_tokens", "thoughtsTokenCount", "reasoning_output_tokens")
_COST = ("cost", "total_cost", "response_cost", "cost_usd", "cost_in_usd")
_TICKS = "cost_in_usd_ticks"  # xAI: ten thousand millionths of a dollar
# Tokenizers differ by less than this factor; a report further off contradicts what was sent.
FACTOR = 2.0
_SHORT = 200  # tokens of a prompt below which templates and wrappers explain any difference


def reports(event: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The usage reports in an event or a whole reply, wherever they stand."""
    holders: list[Any] = [event, event.get("x_groq"), event.get("_hidden_params"), event.get("message")]
    holders += event.get("choices") or ()
    for holder in holders:
        if isinstance(holder, Mapping):
            for name in ("usage", "usageMetadata", "usage_metadata"):
                report = holder.get(name)
                if isinstance(report, Mapping):
                    yield report
    if "prompt_eval_count" in event or "eval_count" in event:
        yield event


def figures(report: Mapping[str, Any]) -> dict[str, int]:
    """The figures of a report that can be token counts, by our names; `total_tokens` as it stands, and `read_tokens`
    for a cached part under a name that may mean one that is left out of the prompt."""
    parts = [report, *(value for value in report.values() if isinstance(value, Mapping))]

    def first(names: tuple[str, ...], holders: Sequence[Mapping[str, Any]] = parts) -> int | None:
        counts = [token_count(holder[name]) for holder in holders for name in names if name in holder]
        return max((count for count in counts if count is not None), default=None)

    found = {
        "prompt_tokens": first(_PROMPT, [report]),
        "completion_tokens": first(_REPLY, [report]),
        "total_tokens": first(("total_tokens", "totalTokenCount"), [report]),
        "cached_tokens": first(_CACHED),
        "read_tokens": first((_READ,), [report]),
        "cache_write_tokens": first(_WRITTEN),
        "cache_write_hour_tokens": first(_WRITTEN_HOUR),
        "reasoning_tokens": first(_REASONING),
    }
    return {name: count for name, count in found.items() if count is not None}


def told_cost(report: Mapping[str, Any]) -> float | None:
    """USD that the server says it takes for the reply, if it does."""
    for name in _COST:
        value = report.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e6:
            return float(value)
    ticks = report.get(_TICKS)
    return ticks / 1e10 if isinstance(ticks, int | float) and not isinstance(ticks, bool) and ticks >= 0 else None


def together(known: dict[str, int], new: Mapping[str, int]) -> None:
    """Add a later report to what is known. Its zeros never take the place of figures: proxies send such
    placeholders."""
    for name, count in new.items():
        if count or not known.get(name):
            known[name] = count


@dataclass(frozen=True, slots=True)
class Usage:
    """What a reply has used: the whole prompt with what a cache served or stored, the whole reply with its thoughts.
    None where the server did not say. `contradiction` says what cannot be true of a report."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_hour_tokens: int = 0
    reasoning_tokens: int | None = None
    contradiction: str = ""


def settled(found: Mapping[str, int], sent: int) -> Usage:
    """A report's figures as one usage; `sent` is the prompt by our count."""
    prompt = found.get("prompt_tokens") or None  # a prompt of no tokens is one that nobody counted
    reply, total = found.get("completion_tokens"), found.get("total_tokens", 0)
    cached, written = found.get("cached_tokens", 0), found.get("cache_write_tokens", 0)
    reasoning = found.get("reasoning_tokens")
    if prompt is None:
        return Usage(completion_tokens=reply or None, reasoning_tokens=reasoning)
    if _left_out(prompt, cached + written, sent, total - (reply or 0), told="read_tokens" in found):
        prompt += cached + written
    if reply is not None:
        unexplained = total - (found["prompt_tokens"] + reply)
        if reasoning is None and unexplained > 0 and unexplained != cached + written:
            reasoning = unexplained  # Gemini's OpenAI door counts thoughts in the total alone
        if reasoning and (reasoning > reply or unexplained == reasoning or total == prompt + reply + reasoning):
            reply += reasoning
    cached = min(cached, prompt)
    written = min(written, prompt - cached)
    contradiction = ""
    if max(sent, prompt) > _SHORT and not _plausible(prompt, sent):
        contradiction = f"the server counts {prompt:,} tokens of a prompt in which we count {sent:,}"
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=reply,
        cached_tokens=cached,
        cache_write_tokens=written,
        cache_write_hour_tokens=min(found.get("cache_write_hour_tokens", 0), written),
        reasoning_tokens=reasoning,
        contradiction=contradiction,
    )


def _plausible(prompt: int, sent: int) -> bool:
    return sent / FACTOR <= prompt <= sent * FACTOR


def _left_out(prompt: int, beside: int, sent: int, of_total: int, *, told: bool) -> bool:
    """Whether a prompt's count leaves out what a cache served and stored. `told`: under a name of Anthropic's, which
    leave it out, but which gateways put beside whole counts as well."""
    if beside > prompt:
        return not (_plausible(prompt, sent) and not _plausible(prompt + beside, sent))
    if beside and of_total == prompt + beside:
        return True
    return bool(told and beside and 2 * abs(prompt + beside - sent) < abs(prompt - sent) and prompt < 0.75 * sent)
