"""`workbench import-predictions`: import published predictions as a run."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cli.arguments import parse_options

if TYPE_CHECKING:
    from workbench.importing.predictions import Imported


def add(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the sub-command to the command line; `command(name, run, help)` makes its parser."""
    parser = command("import-predictions", run, "score a file of published predictions and compare it as a run")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help=".jsonl, .json or .csv, one answer a row")
    parser.add_argument(
        "--corpus",
        required=True,
        metavar="C",
        help="a known corpus, NAME or NAME@PATH, whose questions the rows answer; or a new name for the rows' own",
    )
    parser.add_argument("--model", required=True, metavar="M", help="the model that answered")
    parser.add_argument("--pipeline", required=True, metavar="P", help="how it was asked, as the leaderboard shows it")
    parser.add_argument("--field", default="prediction", metavar="NAME", help="field of the answer (prediction)")
    parser.add_argument("--gold", default="ground_truth", metavar="NAME", help="field of the gold (ground_truth)")
    parser.add_argument(
        "--question", metavar="NAME", help="field of the question's text (question, query, instruction)"
    )
    parser.add_argument("--id", metavar="NAME", help="field of the question's id (question_id, id, index)")
    parser.add_argument("--context", metavar="NAME", help="field that names the document asked of (file, document_id)")
    parser.add_argument("--task", metavar="NAME", help="field of the task, or one task for all rows")
    parser.add_argument(
        "--metric",
        action="append",
        default=[],
        metavar="NAME",
        help="score by it (repeatable); the first is the headline",
    )
    parser.add_argument("-o", "--option", action="append", default=[], metavar="KEY=VALUE", help="a corpus option")
    parser.add_argument("--database", type=Path, default=Path("runs/imported.duckdb"), metavar="DB")
    parser.add_argument(
        "--experiment", metavar="NAME", help="the experiment in DB that it joins (default: one a corpus)"
    )
    parser.add_argument("--format", choices=("table", "json"), default="table")


def run(arguments: argparse.Namespace) -> int:
    """Import, then print what was done and the leaderboard; exit code 3 when some rows have no answer."""
    from dataclasses import asdict

    from workbench.analysis.compare import compare
    from workbench.importing.predictions import import_predictions
    from workbench.importing.rows import Fields

    fields = Fields(
        arguments.field, arguments.gold, arguments.question, arguments.id, arguments.context, arguments.task
    )
    done = import_predictions(
        arguments.files,
        corpus=arguments.corpus,
        model=arguments.model,
        pipeline=arguments.pipeline,
        database=arguments.database,
        experiment=arguments.experiment,
        fields=fields,
        metrics=arguments.metric,
        corpus_options=parse_options(arguments.option),
    )
    compared = compare(done.database, experiment=done.experiment)
    if arguments.format == "json":
        print(json.dumps({**asdict(done), "compare": json.loads(compared.format("json"))}, indent=2, default=str))
    else:
        print("\n".join(_lines(done)) + f"\n\n{compared.format('table')}")
    return 3 if done.failed else 0


def _lines(done: Imported) -> list[str]:
    lines = [f"{done.answers} answers imported as run {done.run_id} of {done.experiment!r} in {done.database}"]
    for count, what in (
        (done.failed, "rows have no answer and count as failed"),
        (done.unmatched, f"rows are no question of {done.corpus} and were left out"),
        (done.twice, "rows answer a question again; the last answer counts"),
    ):
        if count:
            lines.append(f"{count} {what}")
    lines += [f"{name:32} {100 * mean:.2f}" for name, mean in done.means.items()]
    return lines + [f"note: {note}" for note in done.notes]
