"""RAPTOR's soft clustering: a Gaussian mixture over reduced vectors, first of all rows, then within each cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PATIENCE = 8  # the search for the number of clusters ends after this many worse ones in a row


def soft_clusters(
    vectors: NDArray[np.float32], *, seed: int, dimensions: int = 10, threshold: float = 0.1, most: int = 50
) -> list[list[int]]:
    """Clusters of rows as ascending positions; each row is in at least one, and may be in several.

    Rows are reduced to `dimensions`, and a mixture is fitted with the number of components, below `most`, that has the
    lowest BIC; the search for it ends after eight worse ones in a row. A row belongs to every component with a
    probability above `threshold`. Each global cluster of more than `dimensions` + 1 rows is clustered again by itself.
    Sarthi et al. 2024 reduce by UMAP; this uses the eigenvectors of the same nearest-neighbour graph, UMAP's own
    initialisation, which need no further package. The same input and seed give the same clusters.
    """
    from threadpoolctl import threadpool_limits

    if len(vectors) <= dimensions + 1:
        return [list(range(len(vectors)))] if len(vectors) else []
    with threadpool_limits(1):  # many tiny matrix products: waiting threads make them twenty times slower
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
    graph = np.maximum(graph, graph.T) + 1e-6  # a tiny weight everywhere keeps the graph connected
    scale = 1.0 / np.sqrt(graph.sum(axis=1))
    wanted = min(dimensions, size - 2)
    # all eigenvectors: LAPACK's drivers for only some of them fail on matrices with many equal rows
    found = np.linalg.eigh(graph * scale[:, None] * scale[None, :])[1][:, size - 1 - wanted : size - 1]
    # the mixture does not depend on signs, but equal input must give equal numbers with every machine's solver
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
