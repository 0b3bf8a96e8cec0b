"""Discovery of pipelines and corpora, in the modules of `pipelines/` and `corpora/` and by others' entry points.

A pipeline is a public class with a `card`, `build` and `answer`, defined in a module of `pipelines/`. Experiment files
name it by its class name in snake case (`ChunkRag` → `chunk_rag`), and its family is the folder it stands in. A corpus
is the `load` function of a module of `corpora/`, under the module's name. The entry-point groups are
`workbench.pipelines` and `workbench.corpora`.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from workbench.errors import UnknownName

_REGISTERED: dict[str, type] = {}


def snake(name: str) -> str:
    """The catalogue name for a class name.

    >>> snake("ChunkRag"), snake("ChainOfAgents"), snake("LongRAG")
    ('chunk_rag', 'chain_of_agents', 'long_rag')
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def register_pipeline(pipeline: type) -> type:
    """Decorator that adds a pipeline class to the catalogue of this process, such as one defined in a notebook.

    Raises TypeError when the class lacks a card, `build` or `answer`.
    """
    if not _is_method(pipeline):
        raise TypeError(f"{pipeline.__name__} needs a `card`, `build` and `answer` to be a pipeline")
    _REGISTERED[snake(pipeline.__name__)] = pipeline
    return pipeline


def _is_method(value: object) -> bool:
    return inspect.isclass(value) and all(hasattr(value, name) for name in ("card", "build", "answer"))


def _modules(package: str) -> list[Any]:
    found = []
    root = importlib.import_module(package)
    for info in pkgutil.walk_packages(root.__path__, prefix=f"{package}."):
        if not info.ispkg and not info.name.rpartition(".")[2].startswith("_"):
            found.append(importlib.import_module(info.name))
    return found


@lru_cache(maxsize=1)
def _bundled_pipelines() -> dict[str, type]:
    found: dict[str, type] = {}
    for module in _modules("pipelines"):
        for name, value in vars(module).items():
            if _is_method(value) and value.__module__ == module.__name__ and not name.startswith("_"):
                found[snake(name)] = value
    found.update(_entry_points("workbench.pipelines"))
    return found


@lru_cache(maxsize=1)
def _bundled_corpora() -> dict[str, Callable[..., Any]]:
    found: dict[str, Callable[..., Any]] = {}
    for module in _modules("corpora"):
        if callable(getattr(module, "load", None)):
            found[module.__name__.rpartition(".")[2]] = module.load
    found.update(_entry_points("workbench.corpora"))
    return found


def _entry_points(group: str) -> dict[str, Any]:
    from importlib.metadata import entry_points

    return {point.name: point.load() for point in entry_points(group=group)}


def pipelines() -> dict[str, type]:
    """All known pipeline classes by name, sorted."""
    return dict(sorted({**_bundled_pipelines(), **_REGISTERED}.items()))


def corpora() -> dict[str, Callable[..., Any]]:
    """All known corpus loaders by name, sorted. A loader takes keyword options (and `path`) and returns a Corpus."""
    return dict(sorted(_bundled_corpora().items()))


def pipeline(name: str) -> type:
    """The pipeline class of that name. Raises UnknownName."""
    known = pipelines()
    if name not in known:
        raise UnknownName("pipeline", name, list(known))
    return known[name]


def corpus(name: str) -> Callable[..., Any]:
    """The corpus loader of that name. Raises UnknownName."""
    known = corpora()
    if name not in known:
        raise UnknownName("corpus", name, list(known))
    return known[name]


def family(method: type) -> str:
    """The family of a method: its folder in `pipelines/`, or else what its card says."""
    package, *folders, _ = method.__module__.split(".") if "." in method.__module__ else ("", "")
    if package == "pipelines" and folders:
        return folders[0]
    return str(method.card.family)  # type: ignore[attr-defined]
