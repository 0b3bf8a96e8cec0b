"""Prices of embedding and reranking servers: from the price list, from the experiment's `prices:`, or unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.errors import InputError, UnknownName
from workbench.llm.prices import price_for
from workbench.retrieval.spending import Bill

if TYPE_CHECKING:
    from workbench.experiment.schema import Experiment
    from workbench.experiment.sweeps import Variant

_FIELDS = ("embedder", "cross_encoder")
_ADDRESSED = ("server/", "vllm/", "ollama/", "openai/")


@dataclass(frozen=True)
class ServerPrices:
    """`per_million`: USD for a million tokens by server; `gpu_hours`: USD for an hour of one's own machine, which a
    request is charged the seconds of. A server is called what the file calls it, `#DIMENSIONS` and `late:` left out."""

    per_million: Mapping[str, float]
    gpu_hours: Mapping[str, float]

    def cost(self, bill: Bill) -> float | None:
        """USD, or None where no price is known, or one for tokens that the server does not count."""
        if (hourly := self._own(bill, self.gpu_hours)) is not None:
            return hourly * bill.seconds / 3600
        rate = self._own(bill, self.per_million)
        if rate == 0:
            return 0.0
        if not bill.tokens:
            return None if bill.texts else 0.0
        if rate is not None:
            return rate * bill.tokens / 1_000_000
        price = price_for(bill.model)
        return None if price is None else price.cost(bill.tokens)

    def knows(self, name: str) -> bool:
        """Whether the price of a server is known."""
        return name in self.per_million or name in self.gpu_hours or price_for(name) is not None

    @staticmethod
    def _own(bill: Bill, prices: Mapping[str, float]) -> float | None:
        if bill.step == "embed":
            return prices.get(bill.model)
        return next((usd for name, usd in prices.items() if name.partition("@")[0] == bill.model), None)


NO_PRICES = ServerPrices({}, {})


def server_prices(experiment: Experiment) -> ServerPrices:
    """The prices that an experiment gives."""
    given = experiment.prices
    return ServerPrices(
        {name: price for name, price in given.items() if isinstance(price, float)},
        {name: price.gpu_hour for name, price in given.items() if not isinstance(price, float)},
    )


def check_server_prices(experiment: Experiment, variants: list[Variant]) -> None:
    """Raises InputError for a price of a server that nothing uses, and for a budget in USD over one whose price nobody
    knows."""
    used = servers(experiment, variants)
    for name in experiment.prices:
        if name not in used:
            raise UnknownName("embedding or reranking server", name, used, file=experiment.source, field="prices")
    if experiment.budget.usd is None:
        return
    prices = server_prices(experiment)
    for name in used:
        if not prices.knows(name):
            raise InputError(
                f"no price is known for {name}, so a budget in USD would not be reached in time",
                file=experiment.source,
                field="budget.usd",
                fix="give its USD per million tokens (or {gpu_hour: USD}) under prices:, 0 if it costs nothing",
            )


def servers(experiment: Experiment, variants: list[Variant]) -> list[str]:
    """The embedding and reranking servers that an experiment names, in order."""
    named = [experiment.embedder, *(str(v.config.get(field) or "") for v in variants for field in _FIELDS)]
    plain = [name.rpartition("#")[0] or name for name in named]
    plain = [name.removeprefix("late:") for name in plain]
    return list(dict.fromkeys(name for name in plain if name.startswith(_ADDRESSED) or "@" in name))
