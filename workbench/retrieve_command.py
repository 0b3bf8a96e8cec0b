"""`workbench retrieve`: recall, MRR and nDCG of an experiment's retrieval, without a model."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path


def add_retrieve(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the sub-command to the command line; `command(name, run, help)` makes its parser."""
    parser = command("retrieve", run, "is the right chunk found? recall, MRR and nDCG; calls no model")
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--limit", type=int, metavar="N", help="at most N questions per corpus")
    parser.add_argument("--pool", action="store_true", help="search all contexts of a corpus as one")
    parser.add_argument("--format", choices=("table", "json", "csv"), default="table")


def run(arguments: argparse.Namespace) -> int:
    """Print the report."""
    from workbench.experiment.retrieve import DEPTHS, retrieve

    report = retrieve(arguments.file, limit=arguments.limit, pool=arguments.pool)
    records = report.records()
    if arguments.format == "json":
        print(json.dumps({"rows": records, "left_out": report.left_out}, indent=2))
        return 0
    if arguments.format == "csv":
        writer = csv.DictWriter(sys.stdout, fieldnames=list(records[0]))
        writer.writeheader()
        writer.writerows(records)
        return 0
    header = ["corpus", "retrieval", "n", *(f"recall@{k}" for k in DEPTHS), "MRR", "nDCG@10", "build", "query"]
    rows = [
        [
            row.corpus,
            row.retriever,
            str(row.questions),
            *(f"{row.recall[k]:.3f}" for k in DEPTHS),
            f"{row.mrr:.3f}",
            f"{row.ndcg_at_10:.3f}",
            f"{row.build_s:.1f} s",
            f"{1e3 * row.query_s:.1f} ms",
        ]
        for row in report.rows
    ]
    widths = [max(len(line[i]) for line in [header, *rows]) for i in range(len(header))]
    for line in [header, ["-" * width for width in widths], *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    print("recall@k: share of the evidence spans that one of the first k chunks overlaps; no model was called")
    for reason in report.left_out:
        print(f"left out: {reason}")
    return 0
