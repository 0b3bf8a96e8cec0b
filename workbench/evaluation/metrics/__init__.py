"""Metrics, one family a file, found by file: every function with a `version` that `@metric_function` gave it.

A metric takes `(prediction, references, **options)` and returns a number from 0 to 1; several references mean the best
one counts. `score_answer` applies a question's metrics and says why where one does not apply.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from workbench.errors import UnknownName
from workbench.evaluation.metrics._registry import VERSIONS, metric_function
from workbench.records import Answer, Question, Score

Metric = Callable[..., float]


@lru_cache(maxsize=1)
def metrics() -> Mapping[str, Metric]:
    """All metrics by name, third parties' (entry points `workbench.metrics`) included."""
    from importlib.metadata import entry_points

    found: dict[str, Metric] = {}
    for info in pkgutil.iter_modules(__path__):
        if not info.name.startswith("_"):
            module = importlib.import_module(f"{__name__}.{info.name}")
            found |= {name: value for name, value in vars(module).items() if getattr(value, "version", None)}
    found |= {point.name: point.load() for point in entry_points(group="workbench.metrics")}
    return dict(sorted(found.items()))


def metric(name: str) -> Metric:
    """The metric of that name; raises UnknownName."""
    known = metrics()
    if name not in known:
        raise UnknownName("metric", name, list(known))
    return known[name]


def __getattr__(name: str) -> Any:
    if not name.startswith("_") and name in metrics():
        return metrics()[name]
    raise AttributeError(name)


def score_answer(question: Question, answer: Answer, names: Sequence[str] | None = None) -> list[Score]:
    """The scores of an answer by the question's metrics (or by `names`), in order.

    An unanswerable question is right exactly when the answer abstains, whatever the metric.
    """
    from workbench.evaluation.metrics.abstention import abstains

    scores = []
    for name in names or question.metrics:
        function = metric(name)
        if question.metadata.get("unanswerable"):
            scores.append(Score(name, float(abstains(answer.text)), "unanswerable: right if it abstains"))
        elif getattr(function, "needs_options", False) and not question.options:
            scores.append(Score(name, None, "the question has no options"))
        elif not question.answers:
            scores.append(Score(name, None, "the question has no gold answer"))
        else:
            options = {"options": question.options} if getattr(function, "needs_options", False) else {}
            scores.append(Score(name, function(answer.text, list(question.answers), **options)))
    return scores


__all__ = ["VERSIONS", "Metric", "metric", "metric_function", "metrics", "score_answer"]
