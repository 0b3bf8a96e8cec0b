"""Every method, one experiment: LoCoMo (50 questions), LaRA (40), HotpotQA (100) and the demo's world (42).

    python benchmarks/all_methods.py SHARED_DATA [--out FOLDER] [--limit N] [--pooled]

With the embedded reader, on this machine; target: 20 minutes on two cores. HotpotQA's questions are asked of their own
ten paragraphs, as in its distractor setting; `--pooled` asks them of all 994 articles (a divide-and-conquer method then
reads 150k tokens a question). Methods that need what the reader has not
(log probabilities of a server, weights that are not installed) are named and left out. The rival of the table's times
is `full_context`: how often a method's model time exceeds reading everything once.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import workbench as wb
from workbench import catalogue
from workbench.errors import InputError
from workbench.experiment.config import load
from workbench.experiment.setup import prepare

TARGET_S = 20 * 60


def corpora(data: Path, limit: int | None, pooled: bool) -> list[object]:
    """The four corpora, by their loaders' options."""

    def at_most(number: int) -> int:
        return min(number, limit or number)

    return [
        {"locomo": {"path": str(data / "locomo"), "limit": at_most(50)}},
        {"lara": {"path": str(data / "lara"), "limit": at_most(40)}},
        {
            "hotpotqa": {
                "path": str(data / "hipporag"),
                "limit": at_most(100),
                "context": "pooled" if pooled else "own",
            }
        },
        {"world": {"tokens": 32_000, "contexts": 6, "questions": at_most(42), "seed": 7}},
    ]


def runnable(base: dict[str, object]) -> tuple[list[str], dict[str, str]]:
    """The methods that can run with the embedded reader, and why the others cannot."""
    names, left_out = [], {}
    for name, method in catalogue.pipelines().items():
        needs = method.card.requires  # type: ignore[attr-defined]
        if needs:
            left_out[name] = ", ".join(needs)
            continue
        try:
            prepare(load({**base, "pipelines": [name]}))
            names.append(name)
        except InputError as error:
            left_out[name] = error.problem
    return names, left_out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "all_methods")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--pooled", action="store_true")
    arguments = parser.parse_args()
    base = {
        "name": "all-methods",
        "database": str(arguments.out / "all_methods.duckdb"),
        "corpora": corpora(arguments.data.resolve(), arguments.limit, arguments.pooled),
        "models": [{"extractive": {"price_as": "gpt-4o-mini"}}],
    }
    small = {**base, "corpora": [{"needle": {"tokens": 1_000, "depths": 1}}]}
    names, left_out = runnable(small)
    started = time.perf_counter()
    summary = wb.run({**base, "pipelines": names}, progress=sys.stderr.isatty())
    seconds = time.perf_counter() - started
    print(wb.compare(summary.database).format("table"))
    print(f"\n{len(names)} methods, {summary.answered:,} answers, {summary.failed} failed, {summary.calls:,} calls")
    for name, reason in left_out.items():
        print(f"left out: {name}: {reason}")
    print(f"wall time {seconds / 60:.1f} min; ratio to the target of 20 min: {seconds / TARGET_S:.2f}")
    sys.exit(0 if seconds <= TARGET_S else 1)


if __name__ == "__main__":
    main()
