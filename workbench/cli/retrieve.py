"""`workbench retrieve`: measure recall, MRR and nDCG of an experiment's retrieval, without a model."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.analysis.text_table import aligned

if TYPE_CHECKING:
    from workbench.engine.retrieve_report import Row


def add(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the sub-command to the command line; `command(name, run, help)` makes its parser."""
    parser = command("retrieve", run, "is the right chunk found? recall, MRR and nDCG; calls no model")
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--limit", type=int, metavar="N", help="at most N questions per corpus")
    parser.add_argument("--pool", action="store_true", help="search all contexts of a corpus as one")
    parser.add_argument("--by", metavar="LABEL", help="break down by task or another question label")
    parser.add_argument("--baseline", metavar="ROW", help="compare with this configuration (default: the first row)")
    parser.add_argument("--format", choices=("table", "json", "csv"), default="table")


def run(arguments: argparse.Namespace) -> int:
    """Print the report."""
    from workbench.engine.retrieve import retrieve

    report = retrieve(
        arguments.file,
        limit=arguments.limit,
        pool=arguments.pool,
        by=arguments.by,
        baseline=arguments.baseline,
    )
    records = report.records()
    if arguments.format == "json":
        print(json.dumps({"rows": records, "left_out": report.left_out}, indent=2))
        return 0
    if arguments.format == "csv":
        writer = csv.DictWriter(sys.stdout, fieldnames=list(records[0]))
        writer.writeheader()
        writer.writerows(records)
        return 0
    _print_table(report.rows, by=arguments.by)
    for reason in report.left_out:
        print(f"left out: {reason}")
    return 0


def _print_table(rows: Sequence[Row], *, by: str | None) -> None:
    from workbench.engine.retrieve_report import COMPARED, DEPTHS

    header = ["corpus", *([by] if by else []), "retrieval", "n", *(f"recall@{k}" for k in DEPTHS)]
    header += [f"95 % of @{COMPARED}", "against first", "p", "MRR", "nDCG@10", "index", "build", "query"]
    lines = [
        [
            row.corpus,
            *([row.group] if by else []),
            row.retriever,
            str(row.questions),
            *(f"{row.recall[k]:.3f}" for k in DEPTHS),
            f"{row.interval[0]:.3f} to {row.interval[1]:.3f}",
            "" if row.difference is None else f"{row.difference:+.3f}",
            "" if row.p_value is None else "< 0.001" if row.p_value < 0.001 else f"{row.p_value:.3f}",
            f"{row.mrr:.3f}",
            f"{row.ndcg_at_10:.3f}",
            row.index if row.index_recall in (None, 1.0) else f"{row.index} ({row.index_recall:.3f})",
            f"{row.build_s:.1f} s",
            f"{1e3 * row.query_s:.1f} ms",
        ]
        for row in rows
    ]
    print(aligned(header, lines))
    print(
        "recall@k: share of the evidence spans that one of the first k chunks overlaps; no model was called\n"
        f"against first: recall@{COMPARED} minus the baseline's over the same questions; p: paired permutation test, "
        "Holm-adjusted; contexts, not questions, are drawn\n"
        "index: kind of the dense index, in brackets the share of the exact ten nearest that it finds"
    )
