"""The Pareto front of price and accuracy."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def pareto(price: ArrayLike, gain: ArrayLike) -> NDArray[np.bool_]:
    """True where no other point costs at most as much and is at least as good, and is better in one of the two.

    >>> pareto([1.0, 2.0, 3.0], [0.5, 0.4, 0.9]).tolist()
    [True, False, True]
    """
    cost, worth = np.asarray(price, float), np.asarray(gain, float)
    cheaper = (cost[:, None] >= cost[None, :]) & (worth[:, None] <= worth[None, :])
    strictly = (cost[:, None] > cost[None, :]) | (worth[:, None] < worth[None, :])
    return np.logical_not(np.asarray(cheaper & strictly).any(axis=1))
