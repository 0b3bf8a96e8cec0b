"""`workbench metrics`: list the metrics, i.e. the names that `metrics:` in an experiment file accepts."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any


def add(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the sub-command to the command line; `command(name, run, help)` makes its parser."""
    parser = command("metrics", run, "the metrics, what they need of a question, and which have a lenient twin")
    parser.add_argument("--format", choices=("table", "json"), default="table")


def run(arguments: argparse.Namespace) -> int:
    """Print the list of metrics."""
    from workbench.analysis.text_table import table

    rows = metric_rows()
    if arguments.format == "json":
        print(json.dumps(rows, indent=2))
    else:
        print(table([{name: _cell(value) for name, value in row.items()} for row in rows]))
    return 0


def metric_rows() -> list[dict[str, Any]]:
    """One row per metric: name, version, what it needs, whether `<name>_lenient` exists, what it measures."""
    from workbench.evaluation.metrics import metrics

    rows: list[dict[str, Any]] = []
    for name, function in metrics().items():
        if name.endswith("_lenient"):
            continue
        needs = [*getattr(function, "needs", ()), *(("options",) if getattr(function, "needs_options", False) else ())]
        rows.append(
            {
                "name": name,
                "version": getattr(function, "version", None),
                "needs": needs,
                "lenient": bool(getattr(function, "has_lenient", False)),
                "about": (function.__doc__ or "").strip().partition("\n")[0],
            }
        )
    about = {
        "recall@K": "Share of the evidence spans that the first K hits overlap; also hit@K, precision@K, ndcg@K, map@K",
        "evidence_recall": "Share of the gold characters that the hits cover; evidence_recall@K: the first K.",
        "mrr": "1 / rank of the first hit that overlaps evidence.",
        "citation_f1": "F1 of cited spans against evidence; also citation_precision, citation_recall.",
    }
    rows += [
        {"name": name, "version": 1, "needs": ["evidence"], "lenient": False, "about": text}
        for name, text in about.items()
    ]
    return rows


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return {True: "yes", False: ""}.get(value, str(value)) if isinstance(value, bool) else str(value)
