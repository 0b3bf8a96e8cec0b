"""How sure a model is, measured by the probabilities of its first token."""

from __future__ import annotations

import math
from collections.abc import Mapping


def entropy(logprobs: Mapping[str, float]) -> float:
    """Entropy in nats of the given tokens, with their probabilities scaled to sum to 1, since an API tells only the
    likeliest.

    >>> round(entropy({"a": math.log(0.25), "b": math.log(0.25)}), 6) == round(math.log(2), 6)
    True
    """
    weights = [math.exp(value) for value in logprobs.values()]
    total = sum(weights)
    if total <= 0:
        return math.inf
    shares = [weight / total for weight in weights if weight > 0]
    return max(0.0, -sum(share * math.log(share) for share in shares))


def hidden_mass(logprobs: Mapping[str, float]) -> float:
    """The probability, 0 to 1, of all tokens that are not given."""
    return min(1.0, max(0.0, 1.0 - sum(math.exp(value) for value in logprobs.values())))


def likeliest(logprobs: Mapping[str, float]) -> str:
    """The likeliest token."""
    return max(logprobs, key=lambda token: logprobs[token])
