"""A batch comparison in Python: two experiments, one table, and a decision that a script can act on.

python examples/batch.py [FOLDER]         results go to FOLDER (default: runs)
"""

from __future__ import annotations

import sys
from pathlib import Path

import workbench as wb


def main(folder: Path) -> None:
    """Compare reading everything with retrieval on two context lengths; print where to switch."""
    database = folder / "batch.duckdb"
    for tokens in (6_000, 24_000):
        summary = wb.run(
            {
                "name": f"batch-{tokens}",
                "database": str(database),
                "corpora": [{"world": {"tokens": tokens, "contexts": 2, "questions": 28, "seed": 5}}],
                "models": [{"extractive": {"price_as": "gpt-4o-mini"}}],
                "pipelines": ["full_context", "chunk_rag"],
                "baseline": "full_context",
            },
            progress=sys.stderr.isatty(),
        )
        compared = wb.compare(database, experiment=summary.experiment_id)
        print(compared.format("table"))
        table = compared.table.set_index("pipeline")
        best = table["accuracy"].idxmax()
        print(f"at {tokens:,} tokens: {best}, {table.loc[best, 'usd_per_question']:.6f} USD a question\n")
    answers = wb.open(database).answers()
    print(answers.groupby(["corpus", "pipeline"])["score"].agg(["mean", "count"]).round(3).to_string())


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs"))
