"""Prices: against the price list's own calculator, and against hand arithmetic."""

from __future__ import annotations

import pytest
from genai_prices import Usage, calc_price
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import InputError
from workbench.llm.accounting import cost_of
from workbench.llm.model import Completion
from workbench.llm.prices import Price, Tier, listed_window, price_for

LISTED = ["openai/gpt-4o-mini", "openai/gpt-4.1", "anthropic/claude-sonnet-4-5", "google/gemini-2.5-pro"]
tokens = st.integers(0, 1_000_000)


@given(name=st.sampled_from(LISTED), plain=tokens, cached=tokens, written=tokens, completion=tokens)
def test_a_listed_price_costs_what_the_list_says(
    name: str, plain: int, cached: int, written: int, completion: int
) -> None:
    price = price_for("vllm/any", {"price_as": name})
    assert price is not None
    prompt = plain + cached + written
    usage = Usage(input_tokens=prompt, cache_read_tokens=cached, cache_write_tokens=written, output_tokens=completion)
    provider, _, model = name.partition("/")
    expected = float(calc_price(usage, model, provider_id=provider).total_price)
    assert price.cost(prompt, cached, written, completion) == pytest.approx(expected, rel=1e-9)


def test_the_long_context_tier_holds_for_all_tokens_of_a_long_prompt() -> None:
    price = Price(input=1.0, output=10.0, tiers=(Tier(above=200_000, input=2.0, output=15.0),))
    assert price.cost(200_000, completion_tokens=1_000) == pytest.approx((200_000 * 1 + 1_000 * 10) / 1e6)
    assert price.cost(200_001, completion_tokens=1_000) == pytest.approx((200_001 * 2 + 1_000 * 15) / 1e6)


def test_cached_and_written_tokens_are_part_of_the_prompt_and_charged_once() -> None:
    price = Price(input=1.0, output=2.0, cached_input=0.1, cache_write=1.25)
    expected = (1_000 - 600 - 300) * 1.0 + 600 * 0.1 + 300 * 1.25 + 50 * 2.0
    assert price.cost(1_000, 600, 300, 50) == pytest.approx(expected / 1e6)


@given(prompt=tokens, more=tokens, completion=tokens)
def test_costs_are_never_negative_and_never_fall_with_more_tokens(prompt: int, more: int, completion: int) -> None:
    price = price_for("openai/gpt-4o-mini")
    assert price is not None
    assert 0 <= price.cost(prompt, 0, 0, completion) <= price.cost(prompt + more, 0, 0, completion)


def test_local_models_have_no_price_unless_one_is_given() -> None:
    assert price_for("extractive") is None
    assert price_for("vllm/tiny@http://127.0.0.1:8000/v1") is None
    assert price_for("extractive", {"price_as": "gpt-4o-mini"}) == price_for("openai/gpt-4o-mini")


def test_a_price_in_the_file_stands_before_the_list() -> None:
    price = price_for("openai/gpt-4o-mini", {"price": {"input": 7, "output": 8}})
    assert price is not None
    assert (price.input, price.output, price.cached_input) == (7.0, 8.0, None)


def test_an_hour_of_ones_own_gpu_is_charged_by_busy_time() -> None:
    price = price_for("vllm/tiny", {"gpu_hour": 3.6})
    assert price is not None
    assert cost_of(Completion("a", 10_000, 1_000, busy_s=0.5), price) == pytest.approx(3.6 / 3600 * 0.5)


def test_a_stated_throughput_prices_estimates() -> None:
    price = price_for("vllm/tiny", {"gpu_hour": {"usd": 3.6, "tokens_per_s": 1_000}})
    assert price is not None
    assert price.cost(9_000, completion_tokens=1_000) == pytest.approx(3.6 / 3600 * 10)  # ten seconds of the GPU


@pytest.mark.parametrize(
    "options",
    [
        {"price": 3},
        {"price": {"input": 1}},
        {"price": {"input": 1, "output": 2, "per": "token"}},
        {"price": {"input": "cheap", "output": 2}},
        {"price": {"input": -1, "output": 2}},
        {"price": {"input": float("nan"), "output": 2}},
        {"price_as": "no-such-model-anywhere"},
        {"gpu_hour": "free"},
        {"gpu_hour": {"tokens_per_s": 5}},
        {"gpu_hour": 1, "price_as": "gpt-4o-mini"},
    ],
)
def test_a_wrong_price_is_one_clear_line(options: dict[str, object]) -> None:
    with pytest.raises(InputError) as caught:
        price_for("vllm/tiny", options)
    assert "\n" not in str(caught.value)


def test_the_list_knows_windows() -> None:
    assert listed_window("openai/gpt-4o-mini") == 128_000
    assert listed_window("openai/no-such-model") is None


def test_a_service_tier_has_its_own_price() -> None:
    standard, flex = price_for("openai/gpt-5"), price_for("openai/gpt-5", {"service_tier": "flex"})
    assert standard is not None and flex is not None
    assert flex.cost(1_000, 400, 0, 50) == pytest.approx(standard.cost(1_000, 400, 0, 50) / 2)
    assert "half of it for flex" in flex.source
    priority = price_for("openai/gpt-5", {"service_tier": "priority"})
    assert priority is not None and "the standard tier's (asked for: priority)" in priority.source


def test_what_is_kept_for_an_hour_costs_twice_the_input() -> None:
    price = Price(input=3.0, output=15.0, cached_input=0.3, cache_write=3.75)
    assert price.cost(1_000, 0, 1_000, 0, 1_000) == pytest.approx(1_000 * 6.0 / 1e6)
    assert price.cost(1_000, 0, 1_000, 0) == pytest.approx(1_000 * 3.75 / 1e6)
    assert Price(input=3.0, output=15.0, cache_write=3.75, cache_write_1h=5.0).cost(1_000, 0, 1_000, 0, 600) == (
        pytest.approx((600 * 5.0 + 400 * 3.75) / 1e6)
    )
