"""Metrics, one family per file: every function in these files that is marked with `@metric_function`.

A metric takes `(prediction, references, **options)` and returns a number from 0 to 1. The best of several references
counts, unless the metric is a benchmark's own rule and says otherwise. Such a rule reproduces the official code with
its quirks by default (`official=True`); without them it is the metric with `_lenient` after its name. `score_answer`
applies a question's metrics, and gives the reason where one does not apply.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from workbench.errors import UnknownName
from workbench.evaluation.metrics._registry import LENIENT, VERSIONS, NotApplicable, metric_function
from workbench.evaluation.metrics.evidence import default_span_metrics, span_metric
from workbench.records import Answer, Question, Score

Metric = Callable[..., float]


@lru_cache(maxsize=1)
def metrics() -> Mapping[str, Metric]:
    """All metrics by name, including those of other packages (entry points `workbench.metrics`)."""
    from importlib.metadata import entry_points

    found: dict[str, Metric] = {}
    for info in pkgutil.iter_modules(__path__):
        if not info.name.startswith("_"):
            module = importlib.import_module(f"{__name__}.{info.name}")
            found |= {name: value for name, value in vars(module).items() if _is_metric(value)}
    found |= {point.name: point.load() for point in entry_points(group="workbench.metrics")}
    found |= {name + LENIENT: _lenient(value) for name, value in found.items() if getattr(value, "has_lenient", False)}
    return dict(sorted(found.items()))


def _is_metric(value: object) -> bool:
    return inspect.isfunction(value) and hasattr(value, "version")


def _lenient(function: Metric) -> Metric:
    """The metric without the quirks of its benchmark's code, as a separate metric."""

    @functools.wraps(function)
    def lenient(prediction: str, references: list[str], **options: Any) -> float:
        return function(prediction, references, **{**options, "official": False})

    lenient.__name__ = function.__name__ + LENIENT
    lenient.has_lenient = False  # type: ignore[attr-defined]
    return lenient


def metric(name: str) -> Metric:
    """The metric of that name. Raises UnknownName.

    Names such as `recall@5`, `ndcg@10` and `mrr` are metrics of retrieved spans (`evidence.span_metric`). They score an
    answer's hits against the question's evidence and work only through `score_answer`.
    """
    known = metrics()
    if name in known:
        return known[name]
    if span_metric(name) is not None:
        return _over_spans(name)
    raise UnknownName("metric", name, [*known, "recall@K", "ndcg@K", "mrr", "evidence_recall", "citation_f1"])


@functools.cache
def _over_spans(name: str) -> Metric:
    VERSIONS.setdefault(name, 1)

    def over_spans(prediction: str, references: list[str], **options: Any) -> float:
        """A metric of retrieved or cited spans."""
        raise NotApplicable(f"{name} scores an answer's spans, not its text")

    over_spans.__name__ = name
    over_spans.version = 1  # type: ignore[attr-defined]
    over_spans.spans = span_metric(name)  # type: ignore[attr-defined]
    return over_spans


def __getattr__(name: str) -> Any:
    if not name.startswith("_") and name in metrics():
        return metrics()[name]
    raise AttributeError(name)


def score_answer(question: Question, answer: Answer, names: Sequence[str] | None = None) -> list[Score]:
    """The scores of an answer by the question's metrics (or by `names`), in order, then by the lenient variants of
    those metrics, then by span metrics of its hits and citations where the question has evidence.

    The answer to an unanswerable question is right exactly when it abstains, unless the metric is a benchmark's own
    rule. A metric that does not apply gives a score of None with the reason, never a guess.
    """
    return [_score(name, metric(name), question, answer) for name in score_names(question, answer, names)]


def score_names(question: Question, answer: Answer, names: Sequence[str] | None = None) -> list[str]:
    """The metrics that `score_answer` applies, in its order."""
    asked = list(names or question.metrics)
    twins = [name + LENIENT for name in asked if getattr(metric(name), "has_lenient", False)]
    return list(dict.fromkeys([*asked, *twins, *default_span_metrics(question, answer)]))


def _score(name: str, function: Metric, question: Question, answer: Answer) -> Score:
    from workbench.evaluation.metrics.refusal import abstains

    over_spans = getattr(function, "spans", None)
    if over_spans is not None:
        value = over_spans(question, answer)
        return Score(name, value, "" if value is not None else "the question has no evidence, or the answer no hits")
    if question.metadata.get("unanswerable") and not getattr(function, "own_rule", False):
        return Score(name, float(abstains(answer.text)), "unanswerable: right if it abstains")
    if getattr(function, "needs_options", False) and not question.options:
        return Score(name, None, "the question has no options")
    if not question.answers and not question.metadata.get("unanswerable"):
        return Score(name, None, "the question has no gold answer")
    facts = {"question": question.text, **question.metadata, "task": question.task}
    if question.options:
        facts["options"] = question.options
    needs = getattr(function, "needs", ())
    missing = [need for need in needs if facts.get(need) in (None, "")]
    if missing:
        return Score(name, None, f"the question has no {' and no '.join(missing)}")
    wanted = {
        *needs,
        *getattr(function, "reads", ()),
        *(("options",) if getattr(function, "needs_options", False) else ()),
    }
    try:
        value = function(answer.text, list(question.answers), **{k: facts[k] for k in sorted(wanted) if k in facts})
    except NotApplicable as reason:
        return Score(name, None, str(reason))
    except Exception as error:  # a gold answer that the rule cannot read must not lose the answer, which is paid for
        return Score(name, None, f"the metric failed: {type(error).__name__}: {error}")
    return Score(name, value)


__all__ = ["VERSIONS", "Metric", "NotApplicable", "metric", "metric_function", "metrics", "score_answer", "score_names"]
