"""`workbench judge`: let a language model judge the answers in a run log."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.cli.arguments import parse_options
from workbench.cli.sources import database_of

if TYPE_CHECKING:
    import pandas as pd

_TOLD = 3  # reasons for which verdicts are missing


def add(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the sub-command to the command line; `command(name, run, help)` makes its parser."""
    parser = command("judge", run, "let a language model judge the answers of a log, each or in pairs")
    parser.add_argument("source", type=Path, metavar="FILE|DB", help="an experiment file, or a .duckdb file")
    parser.add_argument("--model", required=True, metavar="M", help="the judge, e.g. openai/gpt-4o-mini")
    parser.add_argument(
        "--prompt", default="correctness", metavar="NAME",
        help="correctness, graded, lara, longmemeval, ...; or part by part: alce_citations, longcite_citations, "
        "summhay, holobench, helmet_summary, helmet_long_qa, ethic_summary",
    )  # fmt: skip
    parser.add_argument("--pairs", action="store_true", help="judge every two pipelines' answers, and rank them")
    parser.add_argument("--experiment", metavar="NAME", help="the experiment in DB (default: the newest)")
    parser.add_argument("--limit", type=int, metavar="N", help="at most N questions per corpus")
    parser.add_argument("--budget", type=float, metavar="USD", help="stop when it is reached")
    parser.add_argument("-o", "--option", action="append", default=[], metavar="KEY=VALUE", help="a model option")
    parser.add_argument("--format", choices=("table", "json"), default="table")


def run(arguments: argparse.Namespace) -> int:
    """Judge, then print the agreement with the metrics, or the ranking from pairs; exit code 3 when verdicts are
    missing, 4 when the judge was stopped, e.g. at its budget."""
    from workbench.judging.running import judge_answers, judge_pairs
    from workbench.judging.session import JudgeOptions
    from workbench.runlog.reader import RunLogReader

    database, experiment = database_of(arguments.source)
    options = JudgeOptions(
        arguments.model,
        parse_options(arguments.option),
        arguments.experiment or experiment,
        arguments.limit,
        arguments.budget,
    )
    if arguments.pairs:
        done = judge_pairs(database, options)
        rows = rankings(RunLogReader(database), options.experiment)
    else:
        done = judge_answers(database, options, arguments.prompt)
        rows = _agreement(RunLogReader(database), options.experiment)
    if arguments.format == "json":
        from dataclasses import asdict

        print(json.dumps({**asdict(done), "rows": rows}, indent=2, default=str))
    else:
        print(f"{done.judged} verdicts of {done.metric}, {done.without_verdict} answers without; {done.calls} calls, ")
        print(f"{done.replayed} replayed, ${done.spent_usd:.4f} spent\n")
        for reason, number in list(done.reasons.items())[:_TOLD]:
            print(f"no verdict for {number}: {reason}")
        print(_table(rows))
    if done.stopped:
        print(f"workbench: stopped: {done.stopped}; the same command goes on from here", file=sys.stderr)
        return 4
    return 3 if done.without_verdict else 0


def rankings(reader: Any, experiment: str | None = None) -> list[dict[str, Any]]:
    """The Bradley-Terry rankings of a log's judged pairs, one per corpus, model and judge, as rows."""
    from workbench.analysis.ranking import battles, bradley_terry

    fought = battles(reader.scores(experiment), reader.runs(experiment))
    rows = []
    for (corpus, model, judge), group in fought.groupby(["corpus", "model", "judge"], sort=True):
        if group["score"].notna().any():
            where = {"corpus": corpus, "model": model, "judge": judge}
            rows += [{**where, **row} for row in _plain(bradley_terry(group))]
    return rows


def _agreement(reader: Any, experiment: str | None) -> list[dict[str, Any]]:
    from workbench.analysis.judged import agreement

    return _plain(agreement(reader.answers(experiment), reader.scores(experiment)))


def _plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(frame.to_json(orient="records"))
    return rows


def _table(rows: Sequence[dict[str, Any]]) -> str:
    from workbench.analysis.text_table import table

    return table([{name: _cell(value) for name, value in row.items()} for row in rows]) if rows else "no verdicts"


def _cell(value: Any) -> str:
    return "-" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
