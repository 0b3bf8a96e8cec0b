"""RAPTOR's clustering: a Gaussian mixture over reduced vectors, globally and then inside each cluster; soft."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PATIENCE = 8  # the search for the number of clusters ends after so many worse ones


def soft_clusters(
    vectors: NDArray[np.float32], *, seed: int, dimensions: int = 10, threshold: float = 0.1, most: int = 50
) -> list[list[int]]:
    """Clusters of rows, each ascending; a row may be in several, and is in at least one.

    Rows are reduced to `dimensions`, a mixture is fitted whose number of parts has the least BIC, and a row belongs to
    every part with a probability over `threshold`; the search for that number ends after eight that are worse; each
    global cluster of more than `dimensions` + 1 rows is clustered again by itself. Sarthi et al. 2024 reduce by UMAP;
    here by the eigenvectors of the same nearest-neighbour graph, UMAP's own starting point, which needs no further
    package. The same input and seed give the same clusters.
    """
    from threadpoolctl import threadpool_limits

    if len(vectors) <= dimensions + 1:
        return [list(range(len(vectors)))] if len(vectors) else []
    with threadpool_limits(1):  # many tiny products: threads that spin make them twenty times slower
        return _clusters(vectors, seed, dimensions, threshold, most)


def _clusters(vectors: NDArray[np.float32], seed: int, dimensions: int, threshold: float, most: int) -> list[list[int]]:
    found: dict[tuple[int, ...], None] = {}
    neighbours = max(2, int((len(vectors) - 1) ** 0.5))
    for group in _mixture(_reduced(vectors, neighbours, dimensions), seed, threshold, most):
        if len(group) <= dimensions + 1:
            found.setdefault(tuple(group))
            continue
        for part in _mixture(_reduced(vectors[group], 10, dimensions), seed, threshold, most):
            found.setdefault(tuple(group[i] for i in part))
    return [list(cluster) for cluster in found]


def _reduced(vectors: NDArray[np.float32], neighbours: int, dimensions: int) -> NDArray[np.float64]:
    """Leading eigenvectors of the normalised graph of nearest neighbours by cosine, scaled to unit variance."""
    import numpy as np

    size = len(vectors)
    similar = np.clip((vectors @ vectors.T).astype(np.float64), 0.0, None)
    np.fill_diagonal(similar, 0.0)
    bound = -np.sort(-similar, axis=1)[:, min(neighbours, size) - 1 : min(neighbours, size)]
    graph = np.where(similar >= bound, similar, 0.0)
    graph = np.maximum(graph, graph.T) + 1e-6  # a little of everything, so that no part is cut off
    scale = 1.0 / np.sqrt(graph.sum(axis=1))
    wanted = min(dimensions, size - 2)
    # all eigenvectors: LAPACK's drivers for a few of them fail on matrices with many equal rows
    found = np.linalg.eigh(graph * scale[:, None] * scale[None, :])[1][:, size - 1 - wanted : size - 1]
    # the mixture does not care for signs, but equal input must give equal numbers on every machine's solver
    signs = np.sign(found[np.abs(found).argmax(axis=0), range(found.shape[1])])
    return np.asarray(found * signs * np.sqrt(size))


def _mixture(points: NDArray[np.float64], seed: int, threshold: float, most: int) -> list[list[int]]:
    import numpy as np

    best = _best_mixture(points, seed, most)
    probabilities = best.predict_proba(points)
    member = probabilities > threshold
    member[range(len(points)), probabilities.argmax(axis=1)] = True
    return [np.flatnonzero(column).tolist() for column in member.T if column.any()]


def _best_mixture(points: NDArray[np.float64], seed: int, most: int) -> Any:
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    best, least, worse = None, float("inf"), 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for parts in range(1, max(2, min(most, len(points)))):
            mixture = GaussianMixture(parts, random_state=seed).fit(points)
            score = mixture.bic(points)
            if score < least:
                best, least, worse = mixture, score, 0
            else:
                worse += 1
                if worse == _PATIENCE:
                    break
    return best
