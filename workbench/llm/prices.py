"""What a token costs. Prices come from the `genai-prices` data that ships with that package, or from the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.errors import InputError

_FIELDS = ("input", "cached_input", "cache_write", "output")


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens. `cached_input` is what the provider's prefix cache served, `cache_write` what was
    written to it; both are part of the prompt and are not charged twice. `source` says where the price comes from."""

    input: float
    output: float
    cached_input: float | None = None
    cache_write: float | None = None
    source: str = "experiment file"

    def cost(
        self, prompt_tokens: int, cached_tokens: int = 0, cache_write_tokens: int = 0, completion_tokens: int = 0
    ) -> float:
        """USD of one call; never negative, never falls when a token count grows.

        >>> Price(input=1.0, output=2.0, cached_input=0.5).cost(1_000_000, 400_000, 0, 500_000)
        1.8
        """
        cached = min(cached_tokens, prompt_tokens)
        written = min(cache_write_tokens, prompt_tokens - cached)
        plain = prompt_tokens - cached - written
        cached_price = self.input if self.cached_input is None else self.cached_input
        write_price = self.input if self.cache_write is None else self.cache_write
        spent = plain * self.input + cached * cached_price + written * write_price + completion_tokens * self.output
        return spent / 1_000_000


def price_for(model: str, options: Mapping[str, Any] | None = None) -> Price | None:
    """The price of a provider string, or None when none is known.

    Options of the experiment file come first: `price: {input, output, cached_input, cache_write}` in USD per million
    tokens, then `price_as: MODEL`. Local models without either cost nothing. Raises InputError.
    """
    options = options or {}
    given = options.get("price")
    if given is not None:
        return _given(given)
    if options.get("price_as"):
        named = str(options["price_as"])
        price = _listed(named)
        if price is None:
            raise InputError(
                f"no price is known for {named!r}",
                field="price_as",
                fix="give price: {input: 0.15, output: 0.60} instead",
            )
        return price
    name = model.partition("@")[0]
    return _listed(name) if name.partition("/")[0] in ("openai", "anthropic") else None


def _given(given: Any) -> Price:
    if not isinstance(given, Mapping) or not {"input", "output"} <= given.keys() or not given.keys() <= set(_FIELDS):
        raise InputError(
            "is no price",
            field="price",
            fix="write {input: 0.15, output: 0.60, cached_input: 0.075} in USD per million",
        )
    try:
        numbers = {name: float(value) for name, value in given.items()}
    except (TypeError, ValueError) as error:
        raise InputError("holds something that is no number", field="price", fix="USD per million tokens") from error
    if min(numbers.values()) < 0:
        raise InputError("is negative", field="price", fix="USD per million tokens")
    return Price(**numbers)


def _listed(name: str) -> Price | None:
    from genai_prices import Usage, calc_price

    provider, slash, model = name.partition("/")
    wanted = {"provider_id": provider, "model_ref": model} if slash else {"model_ref": name}

    def usd(**tokens: int) -> float:
        return float(calc_price(Usage(**tokens), **wanted).total_price)

    million = 1_000_000
    try:
        # the price per million is what a million tokens of that kind cost, tier by the smallest request
        unit = 1_000
        scale = million / unit
        plain = usd(input_tokens=unit) * scale
        output = usd(output_tokens=unit) * scale
        cached = usd(input_tokens=unit, cache_read_tokens=unit) * scale
        written = usd(input_tokens=unit, cache_write_tokens=unit) * scale
    except LookupError:
        return None
    return Price(plain, output, cached or None, written or None, source=f"genai-prices: {name}")
