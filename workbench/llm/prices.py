"""What a token costs. Prices come from the `genai-prices` data that ships with that package, or from the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from workbench.errors import InputError
from workbench.llm.known_providers import PROVIDERS, taken_apart

_FIELDS = ("input", "output", "cached_input", "cache_write", "cache_write_1h")
_HOUR_TO_MINUTES = 2.0 / 1.25  # Anthropic: a write costs 1.25 times the input for five minutes, twice for an hour
_FORMAT = "write {input: 0.15, output: 0.60, cached_input: 0.075} in USD per million tokens"


@dataclass(frozen=True, slots=True)
class Tier:
    """Prices of a request whose prompt is longer than `above` tokens; they hold for all of its tokens."""

    above: int
    input: float
    output: float
    cached_input: float | None = None
    cache_write: float | None = None
    cache_write_1h: float | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens. `cached_input` is what the provider's prefix cache served, `cache_write` what was written
    to it; both are part of the prompt and are not charged twice, and None charges them as plain input. `cache_write_1h`
    is what was written to be kept for an hour; where it is not given, Anthropic's rule holds: twice the input where a
    write of five minutes costs one and a quarter.

    `tiers`, by rising `above`, replace the prices of long requests. `gpu_hour` is USD per hour of the user's own
    server: a call is charged its share of the busy time, whatever its tokens; the token prices of such a Price hold
    for estimates only. `source` says where the price comes from.
    """

    input: float
    output: float
    cached_input: float | None = None
    cache_write: float | None = None
    cache_write_1h: float | None = None
    source: str = "experiment file"
    tiers: tuple[Tier, ...] = ()
    gpu_hour: float | None = None

    def cost(
        self,
        prompt_tokens: int,
        cached_tokens: int = 0,
        cache_write_tokens: int = 0,
        completion_tokens: int = 0,
        cache_write_hour_tokens: int = 0,
    ) -> float:
        """USD of one call; never negative, never falls when a token count grows. `cache_write_hour_tokens` are the part
        of `cache_write_tokens` that is kept for an hour.

        >>> Price(input=1.0, output=2.0, cached_input=0.5).cost(1_000_000, 400_000, 0, 500_000)
        1.8
        """
        rates: Price | Tier = self
        for tier in self.tiers:
            if prompt_tokens > tier.above:
                rates = tier
        cached = min(cached_tokens, prompt_tokens)
        written = min(cache_write_tokens, prompt_tokens - cached)
        hour = min(cache_write_hour_tokens, written)
        plain = prompt_tokens - cached - written
        cached_rate = rates.input if rates.cached_input is None else rates.cached_input
        write_rate = rates.input if rates.cache_write is None else rates.cache_write
        hour_rate = write_rate * _HOUR_TO_MINUTES if rates.cache_write_1h is None else rates.cache_write_1h
        spent = plain * rates.input + cached * cached_rate + (written - hour) * write_rate + hour * hour_rate
        return (spent + completion_tokens * rates.output) / 1_000_000


FREE = Price(input=0.0, output=0.0, source="computed in this process")


def price_for(model: str, options: Mapping[str, Any] | None = None) -> Price | None:
    """The price of a provider string, or None when none is known.

    Options of the experiment file come first: `price: {input, output, cached_input, cache_write}` in USD per million
    tokens; `price_as: MODEL`; `gpu_hour: USD` for a server of one's own, or `gpu_hour: {usd, tokens_per_s}` where the
    throughput serves estimates. A `service_tier` of OpenAI's list has its own price. What a local model costs is not
    known without one of them. Raises InputError.
    """
    options = options or {}
    given = [name for name in ("price", "price_as", "gpu_hour") if options.get(name) is not None]
    if len(given) > 1:
        raise InputError(f"{model} has both {given[0]} and {given[1]}", field="models", fix="keep one")
    if not given:
        named = taken_apart(model)
        provider = PROVIDERS.get(named.provider)
        listed = _listed(provider.listed_as(named.model)) if provider and provider.listed else None
        return None if listed is None else _of_tier(listed, named.provider, options.get("service_tier"))
    value = options[given[0]]
    if given[0] == "price":
        return _given(value)
    if given[0] == "gpu_hour":
        return _gpu(value)
    price = _listed(str(value))
    if price is None:
        raise InputError(f"no price is known for {value!r}", field="price_as", fix=f"give a price instead: {_FORMAT}")
    return price


def _of_tier(price: Price, provider: str, tier: Any) -> Price:
    """A list price in the service tier that is asked for. OpenAI takes half for `flex`; of other tiers the list tells
    no price, so it stands for what the standard tier takes, and says so."""
    if provider not in ("openai", "azure") or tier in (None, "auto", "default", "standard"):
        return price
    if tier != "flex":
        return replace(price, source=f"{price.source}, the standard tier's (asked for: {tier})")
    return _times(price, 0.5, f"{price.source}, half of it for flex")


def _times(price: Price, factor: float, source: str) -> Price:
    """A price with all its rates times a factor."""

    def scaled(rates: Price | Tier) -> dict[str, Any]:
        names = ("input", "output", "cached_input", "cache_write", "cache_write_1h")
        return {name: None if getattr(rates, name) is None else getattr(rates, name) * factor for name in names}

    tiers = tuple(replace(tier, **scaled(tier)) for tier in price.tiers)
    return replace(price, **scaled(price), source=source, tiers=tiers)


def _given(given: Any) -> Price:
    if not isinstance(given, Mapping) or not {"input", "output"} <= given.keys() or not given.keys() <= set(_FIELDS):
        raise InputError("is no price", field="price", fix=_FORMAT)
    rates: dict[str, Any] = {str(name): _usd(value, "price") for name, value in given.items()}
    return Price(**rates)


def _gpu(given: Any) -> Price:
    mapping = given if isinstance(given, Mapping) else {"usd": given}
    if "usd" not in mapping or not mapping.keys() <= {"usd", "tokens_per_s"}:
        raise InputError("is no price", field="gpu_hour", fix="write 2.5, or {usd: 2.5, tokens_per_s: 4000}")
    usd = _usd(mapping["usd"], "gpu_hour")
    throughput = _usd(mapping.get("tokens_per_s", 0), "gpu_hour")
    per_million = usd / 3600 / throughput * 1_000_000 if throughput else 0.0
    return Price(per_million, per_million, source=f"{usd:g} USD per GPU-hour", gpu_hour=usd)


def _usd(value: Any, field: str) -> float:
    try:
        number = float("nan") if isinstance(value, bool) else float(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"holds {value!r}, which is no number", field=field) from error
    if not 0 <= number < float("inf"):
        raise InputError(f"holds {value!r}", field=field, fix="give a number that is not negative")
    return number


def listed_window(name: str) -> int | None:
    """The window of `provider/model` in tokens, where the price list knows it."""
    found = _found(name)
    return None if found is None else found.model.context_window


def _found(name: str) -> Any:
    import genai_prices

    provider, slash, model = name.partition("/")
    usage = genai_prices.Usage(input_tokens=1, output_tokens=1)
    try:
        return genai_prices.calc_price(usage, model or name, provider_id=provider if slash else None)
    except LookupError:
        return None


def _listed(name: str) -> Price | None:
    """The list price of `provider/model` or of a model name alone, as of today."""
    found = _found(name)
    if found is None:
        return None
    from genai_prices import __version__

    listed = found.model_price
    columns = {
        "input": listed.input_mtok,
        "output": listed.output_mtok,
        "cached_input": listed.cache_read_mtok,
        "cache_write": listed.cache_write_mtok,
    }
    starts = sorted({tier.start for value in columns.values() for tier in getattr(value, "tiers", ())})
    source = f"genai-prices {__version__}: {found.provider.id}/{found.model.id}"
    base = {name: _rate(value, 0) for name, value in columns.items()}
    tiers = tuple(Tier(start, **_filled({n: _rate(v, start + 1) for n, v in columns.items()})) for start in starts)
    return Price(**_filled(base), source=source, tiers=tiers)


def _filled(rates: Mapping[str, float | None]) -> dict[str, Any]:
    return {**rates, "input": rates["input"] or 0.0, "output": rates["output"] or 0.0}


def _rate(listed: Any, prompt_tokens: int) -> float | None:
    """A listed price, plain or tiered, for a request with so many prompt tokens."""
    if listed is None:
        return None
    chosen = getattr(listed, "base", listed)
    for tier in getattr(listed, "tiers", ()):
        if prompt_tokens > tier.start:
            chosen = tier.price
    return float(chosen)
