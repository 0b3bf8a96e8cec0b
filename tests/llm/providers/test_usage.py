"""What servers report as used, in the forms of each provider."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.llm.providers.usage import Usage, figures, reports, settled, together, told_cost


def read(report: dict[str, Any], sent: int) -> Usage:
    return settled(figures(report), sent)


@pytest.mark.parametrize(
    ("report", "sent", "prompt", "cached", "written", "reply", "thought"),
    [
        # OpenAI: all inclusive
        (
            {
                "prompt_tokens": 1_000,
                "completion_tokens": 310,
                "total_tokens": 1_310,
                "prompt_tokens_details": {"cached_tokens": 900},
                "completion_tokens_details": {"reasoning_tokens": 300},
            },
            1_000, 1_000, 900, 0, 310, 300,
        ),
        # xAI: reasoning beside the completion, in the total
        (
            {
                "prompt_tokens": 1_000,
                "completion_tokens": 10,
                "total_tokens": 1_310,
                "completion_tokens_details": {"reasoning_tokens": 300},
            },
            1_000, 1_000, 0, 0, 310, 300,
        ),
        # without a total, more reasoning than completion says the same
        (
            {"prompt_tokens": 1_000, "completion_tokens": 10, "completion_tokens_details": {"reasoning_tokens": 300}},
            1_000, 1_000, 0, 0, 310, 300,
        ),
        # Gemini's OpenAI door: thoughts in the total alone
        ({"prompt_tokens": 1_000, "completion_tokens": 10, "total_tokens": 1_310}, 1_000, 1_000, 0, 0, 310, 300),
        # Anthropic's counts passed on: the prompt without its cached part
        (
            {"prompt_tokens": 60, "completion_tokens": 12, "total_tokens": 72, "cache_read_input_tokens": 13_300},
            13_400, 13_360, 13_300, 0, 12, None,
        ),
        (
            {
                "prompt_tokens": 9_000,
                "completion_tokens": 12,
                "cache_read_input_tokens": 3_000,
                "cache_creation_input_tokens": 1_000,
            },
            13_000, 13_000, 3_000, 1_000, 12, None,
        ),
        # LiteLLM: Anthropic's names beside a whole prompt
        (
            {"prompt_tokens": 13_000, "completion_tokens": 12, "cache_read_input_tokens": 12_000},
            11_000, 13_000, 12_000, 0, 12, None,
        ),
        # DeepSeek, Moonshot
        (
            {"prompt_tokens": 1_000, "completion_tokens": 5, "prompt_cache_hit_tokens": 640},
            1_000, 1_000, 640, 0, 5, None,
        ),
        ({"prompt_tokens": 1_000, "completion_tokens": 5, "cached_tokens": 900}, 1_000, 1_000, 900, 0, 5, None),
        # nonsense in the cached part of a prompt whose count is right
        (
            {"prompt_tokens": 1_000, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 99_000}},
            1_000, 1_000, 1_000, 0, 5, None,
        ),
    ],
)  # fmt: skip
def test_reports_are_read_as_their_provider_means_them(
    report: dict[str, Any], sent: int, prompt: int, cached: int, written: int, reply: int, thought: int | None
) -> None:
    used = read(report, sent)
    assert (used.prompt_tokens, used.cached_tokens, used.cache_write_tokens) == (prompt, cached, written)
    assert (used.completion_tokens, used.reasoning_tokens) == (reply, thought)
    assert used.contradiction == ""


def test_a_report_that_contradicts_the_prompt_is_said_to() -> None:
    assert read({"prompt_tokens": 60, "completion_tokens": 2}, 13_400).contradiction == (
        "the server counts 60 tokens of a prompt in which we count 13,400"
    )
    assert read({"prompt_tokens": 30, "completion_tokens": 2}, 9).contradiction == ""  # a template explains that


def test_zeros_are_no_counts() -> None:
    assert read({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, 50) == Usage(reasoning_tokens=None)
    known = figures({"prompt_tokens": 100, "completion_tokens": 7})
    together(known, figures({"prompt_tokens": 0, "completion_tokens": 0}))
    assert known == {"prompt_tokens": 100, "completion_tokens": 7}


@pytest.mark.parametrize(
    "event",
    [
        {"usage": {"prompt_tokens": 3}},
        {"choices": [{"delta": {}, "usage": {"prompt_tokens": 3}}]},
        {"x_groq": {"usage": {"prompt_tokens": 3}}},
        {"usageMetadata": {"promptTokenCount": 3}},
        {"prompt_eval_count": 3, "eval_count": 1},
    ],
)
def test_reports_are_found_wherever_they_stand(event: dict[str, Any]) -> None:
    (report,) = reports(event)
    assert figures(report)["prompt_tokens"] == 3


def test_the_cost_that_a_server_tells() -> None:
    assert told_cost({"cost": 0.00123}) == 0.00123
    assert told_cost({"response_cost": 2}) == 2.0
    assert told_cost({"cost_in_usd_ticks": 37_756_000}) == pytest.approx(0.0037756)
    assert told_cost({"cost": True}) is None
    assert told_cost({"cost": "much"}) is None
    assert told_cost({}) is None


@given(
    st.dictionaries(
        st.sampled_from(
            "prompt_tokens completion_tokens total_tokens cached_tokens cache_read_input_tokens reasoning_tokens "
            "cache_creation_input_tokens completion_tokens_details prompt_tokens_details".split()
        ),
        st.one_of(st.integers(-5, 10**6), st.none(), st.text(max_size=2), st.dictionaries(st.text(), st.integers())),
    ),
    st.integers(1, 10**6),
)
def test_no_report_breaks_the_books(report: dict[str, Any], sent: int) -> None:
    used = read(report, sent)
    prompt = used.prompt_tokens or 0
    assert 0 <= used.cached_tokens + used.cache_write_tokens <= prompt
    assert used.reasoning_tokens is None or used.completion_tokens is None or used.completion_tokens >= 0
