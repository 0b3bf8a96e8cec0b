"""The default install stays small and pulls no torch: what it needs, found from what is installed."""

from __future__ import annotations

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement

NAME = "rag-vs-long-context-workbench"
MOST_MB = 900


def closure() -> dict[str, Distribution]:
    """Every distribution that the default install pulls in, by normalised name."""
    found: dict[str, Distribution] = {}
    waiting: list[tuple[str, frozenset[str]]] = [(NAME, frozenset())]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        name, extras = waiting.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        if (key, extras) in seen:
            continue
        seen.add((key, extras))
        try:
            found[key] = distribution(name)
        except PackageNotFoundError:  # needed on another platform only
            continue
        for line in found[key].requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or any(requirement.marker.evaluate({"extra": e}) for e in (extras or {""})):
                waiting.append((requirement.name, frozenset(requirement.extras)))
    return found


def test_no_torch_and_below_900_mb() -> None:
    found = closure()
    assert {"duckdb", "streamlit", "faiss-cpu", "llama-index-core"} <= set(found)
    assert not {"torch", "transformers", "vllm", "sentence-transformers"} & set(found)
    size = sum(
        path.stat().st_size
        for of in found.values()
        for file in of.files or ()
        if (path := of.locate_file(file)).is_file()  # type: ignore[union-attr]
    )
    assert size < MOST_MB * 1_000_000, f"{size / 1e6:,.0f} MB"


def test_every_dependency_is_bounded_above() -> None:
    """A new major version of a package is taken in when it was tried, not when it appears."""
    ours = [Requirement(line) for line in distribution(NAME).requires or ()]
    open_ended = [r.name for r in ours if "extra ==" not in str(r.marker) and "<" not in str(r.specifier)]
    assert open_ended == []
