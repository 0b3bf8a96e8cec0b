"""A prompt that is too long, in the words of some forty servers: recognised, and its figures read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.llm.providers.overflow import (
    is_above_the_rate,
    read_figures,
    reply_limit,
    says_overflow,
    window_after,
)

W, A, R = 4_000, 10_000, 256  # the window, the prompt's tokens, the reply's
T, LEFT = A + R, W - R

# fmt: off
BOTH = {
    "openai": f"This model's maximum context length is {W} tokens. However, you requested {T} tokens ({A} in"
          f" the messages,"
    f" {R} in the completion). Please reduce the length of the messages or completion.",
    "openai, messages": f"This model's maximum context length is {W} tokens. However, your messages resulted in"
          f" {A} tokens.",
    "openai, configured": f"Input tokens exceed the configured limit of {W} tokens. Your messages resulted in"
          f" {A} tokens.",
    "azure, commas": f"This model's maximum context length is {W:,} tokens. However, your messages resulted in"
          f" {A:,} tokens.",
    "openrouter": f"This endpoint's maximum context length is {W} tokens. However, you requested about {T}"
          f" tokens ({A} of"
    f" text input, {R} in the output). Please reduce the length of either one",
    "vllm": f"You passed {A} input tokens and requested {R} output tokens. However, the model's context length"
          f" is only {W}"
    f" tokens, resulting in a maximum input length of {LEFT} tokens. Please reduce the length of the input prompt."
    f" (parameter=input_tokens, value={A})",
    "vllm, decoder": f"The decoder prompt (length {A}) is longer than the maximum model length of {W}. Make sure that"
    " `max_model_len` is no smaller than the number of text tokens.",
    "vllm, request": f"This model's maximum context length is {W} tokens. However, your request has {A} input tokens.",
    "vllm, total": f"total length {T} exceeds max_model_len {W}",
    "mistral": f"Prompt contains {A} tokens and 0 draft tokens, too large for model with {W} maximum context length",
    "sglang": f"The input ({A} tokens) is longer than the model's context length ({W} tokens).",
    "sglang, total": f"Requested token count exceeds the model's maximum context length of {W} tokens. You requested a"
    f" total of {T} tokens: {A} tokens from the input messages and {R} tokens for the completion.",
    "lm studio": f"Trying to keep the first {A} tokens when context the overflows. However, the model is loaded"
          f" with context"
    f" length of only {W} tokens, which is not enough. Try to load the model with a larger context length",
    "groq": f"Please reduce the length of the messages or completion. Current length is {A} while limit is {W}",
    "cohere": f"too many tokens: total number of tokens in this prompt cannot exceed {W} tokens. received {A}.",
    "anthropic": f"prompt is too long: {A} tokens > {W} maximum",
    "anthropic, both": f"input length and `max_tokens` exceed context limit: {A} + {R} > {W}, decrease input length",
    "google": f"The input token count ({A}) exceeds the maximum number of tokens allowed ({W}).",
    "xai": f"This model's maximum prompt length is {W} but the request contains {A} tokens.",
    "tgi": f"Input validation error: `inputs` tokens + `max_new_tokens` must be <= {W}. Given: {A} `inputs`"
          f" tokens and {R}"
    " `max_new_tokens`",
    "tgi, inputs": f"Input validation error: `inputs` must have less than {W} tokens. Given: {A}",
    "llama.cpp": f'{{"error": {{"code": 400, "message": "the request exceeds the available context size, try'
          f' increasing it",'
    f' "type": "exceed_context_size_error", "n_prompt_tokens": {A}, "n_ctx": {W}}}}}',
    "llama.cpp, text": f"request ({A} tokens) exceeds the available context size ({W} tokens), try increasing it",
    "llama-cpp-python": f"Requested tokens ({A}) exceed context window of {W}",
    "databricks": f"Bad request: prompt token count of {A} cannot exceed the limit of {W}",
    "copilot": f"prompt token count of {A} exceeds the limit of {W}",
    "watsonx": f"the number of input tokens {A} cannot exceed the total tokens limit {W} for this model",
    "tensorrt-llm": f"Prompt length ({A}) exceeds maximum input length ({W}). Set log level to info",
    "fireworks": f"The prompt is too long: {A}, model maximum context length: {W}",
    "nim": f"This model's maximum context length is {W} tokens. However, you requested {T} tokens",
    "ai21": f"Prompt has {A} tokens, but the limit is {W} tokens",
}
# fmt: on
LIMIT_ALONE = {
    "dashscope": f"<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, {W}]",
    "moonshot": f"Invalid request: Your request exceeded model token limit: {W}",
}
NO_FIGURE = {
    "ollama": "the input length exceeds the context length",
    "bedrock": "Input is too long for requested model.",
    "openai, responses": "Your input exceeds the context window of this model. Please adjust your input and try again.",
    "zhipu": '{"error": {"code": "1261", "message": "Prompt exceeds max length"}}',
    "volcengine": "Total tokens of image and text exceed max message tokens. Request id: 0217",
    "in Chinese": "输入长度超过模型上下文限制",
}
SOMETHING_ELSE = [
    (400, "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."),
    (
        400,
        "max_tokens is too large: 32768. This model supports at most 16384 completion tokens, whereas you gave 32768.",
    ),
    (400, "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]"),
    (400, "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."),
    (400, "invalid temperature: only 1 is allowed for this model"),
    (400, "Unrecognized request argument supplied: stream_options"),
    (400, "max_tokens: 64000 > 32000, which is the maximum allowed number of output tokens for claude-haiku"),
    (400, "Invalid value for 'temperature': must be less than or equal to 2"),
    (400, "`temperature` must be strictly positive"),
    (400, "Invalid 'seed': integer above maximum value. Expected a value <= 9223372036854775807"),
    (400, "top_logprobs must be less than 20"),
    (400, "budget_tokens: must be less than max_tokens"),
    (429, "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 51000."),
    (413, "Request too large for model `x` on tokens per minute (TPM): Limit 6000, Requested 9000"),
    (401, "prompt is too long: 9 tokens > 3 maximum"),
    (500, "internal error"),
]


@pytest.mark.parametrize("name", BOTH)
def test_limit_and_size_are_read(name: str) -> None:
    body = BOTH[name]
    assert says_overflow(400, body)
    figures = read_figures(body, A, R)
    assert figures.limit == W
    assert figures.asked in (A, T)
    assert W * 0.95 <= window_after(body, A, R) <= W


@pytest.mark.parametrize("name", LIMIT_ALONE)
def test_a_limit_alone_is_enough(name: str) -> None:
    assert says_overflow(400, LIMIT_ALONE[name])
    assert window_after(LIMIT_ALONE[name], A, R) == W
    # a prompt that should fit by that figure is too long all the same: the server has other tokens than we
    assert window_after(LIMIT_ALONE[name], W - 600, R) < (W - 600 + R) * 0.8


@pytest.mark.parametrize("name", NO_FIGURE)
def test_without_a_figure_half_is_tried(name: str) -> None:
    assert says_overflow(400, NO_FIGURE[name])
    assert window_after(NO_FIGURE[name], A, R) == T // 2


def test_a_server_with_smaller_tokens_holds_fewer_of_ours() -> None:
    body = BOTH["anthropic"].replace(str(A), str(A * 2))
    assert window_after(body, A, R) == W // 2


def test_what_is_left_of_the_window_below_zero_is_read() -> None:
    assert says_overflow(400, f"max_tokens must be at least 1, got {W - A}.")
    assert window_after(f"max_tokens must be at least 1, got {W - A}.", A, R) == W


@pytest.mark.parametrize(("status", "body"), SOMETHING_ELSE)
def test_other_refusals_are_none(status: int, body: str) -> None:
    assert not says_overflow(status, body)


def test_a_limit_of_replies_is_read() -> None:
    assert reply_limit(SOMETHING_ELSE[1][1], 32_768) == 16_384
    assert reply_limit(SOMETHING_ELSE[2][1], 16_000) == 8_192
    assert reply_limit(SOMETHING_ELSE[6][1], 64_000) == 32_000
    assert reply_limit(BOTH["openai"], R) is None


def test_a_rate_that_one_request_exceeds_is_told_from_one_that_is_used_up() -> None:
    assert is_above_the_rate(SOMETHING_ELSE[12][1])
    assert is_above_the_rate(SOMETHING_ELSE[13][1])
    assert not is_above_the_rate("Rate limit reached on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000.")
    assert not is_above_the_rate("slow down")


@given(st.text(max_size=200), st.integers(1, 10**6), st.integers(1, 10**4))
def test_any_words_shrink_the_prompt(body: str, ours: int, reply: int) -> None:
    assert 1 <= window_after(body, ours, reply) < ours + reply or ours + reply == 1
