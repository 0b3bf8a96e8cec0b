"""The `workbench` command. Each sub-command imports what it needs when it runs, so that `--help` answers at once.

Exit codes: 0 done, 2 bad input (one line says where), 3 some questions failed (recorded), 4 budget reached,
130 interrupted (everything finished so far is kept).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import InputError, WorkbenchError
from workbench.text_table import aligned, table

if TYPE_CHECKING:
    from workbench.experiment.plan import Plan


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    given = list(sys.argv[1:] if argv is None else argv)
    passed: list[str] = []
    if given[:1] == ["serve"] and "--" in given:  # argparse would want them beside MODEL
        at = given.index("--")
        given, passed = given[:at], given[at + 1 :]
    arguments = _parser().parse_args(given)
    arguments.passed = passed
    if not hasattr(arguments, "run"):
        _parser().print_help()
        return 0
    try:
        return int(arguments.run(arguments) or 0)
    except InputError as error:
        print(f"workbench: {error}", file=sys.stderr)
        return 2
    except WorkbenchError as error:
        print(f"workbench: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "\nworkbench: interrupted; what was finished is kept, the same command goes on from here", file=sys.stderr
        )
        return 130
    except BrokenPipeError:
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="workbench",
        description="Retrieve, or put everything into the context? Runs methods over your documents and compares "
        "accuracy, cost and latency.",
    )
    parser.add_argument("--version", action="version", version=f"workbench {_version()}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, run: Any, help: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help)
        sub.set_defaults(run=run)
        return sub

    plan = command("plan", _plan, "what an experiment would call, cost and take; calls nothing")
    plan.add_argument("file", type=Path, metavar="FILE")
    plan.add_argument("--limit", type=_positive, metavar="N", help="at most N questions per corpus")
    _format(plan, "table", "json", "csv")

    run = command("run", _run, "run what is missing of an experiment, with progress")
    run.add_argument("file", type=Path, metavar="FILE")
    run.add_argument("--limit", type=_positive, metavar="N", help="at most N questions per corpus")
    run.add_argument("--fresh", action="store_true", help="ask again, also what is answered or cached")
    run.add_argument("--usd", type=_money, metavar="X", help="stop at X USD, whatever budget the file gives")
    run.add_argument("--quiet", action="store_true", help="no progress bar and no table at the end")

    from workbench.conformance_command import add_conformance
    from workbench.report_command import add_choice, add_report

    compare = command("compare", _compare, "the leaderboard, with intervals and paired tests")
    add_choice(compare)
    compare.add_argument("--part", choices=("table", "tasks", "figures"), help="what csv is of; by default the table")
    _format(compare, "table", "json", "csv", "md")

    for name, run_it, text in (
        ("pipelines", _pipelines, "the methods, with paper, stages and cost formula"),
        ("models", _models, "the model providers, and how to name a model"),
    ):
        _format(command(name, run_it, text), "table", "json")

    from workbench.corpus_command import add_corpus
    from workbench.import_command import add_import
    from workbench.index_command import add_index
    from workbench.judge_command import add_judge
    from workbench.metrics_command import add_metrics
    from workbench.retrieve_command import add_retrieve
    from workbench.server_command import add_cache, add_serve

    add_report(command)
    add_corpus(command)
    add_conformance(command)
    add_import(command)
    add_retrieve(command)
    add_judge(command)
    add_metrics(command)
    add_serve(command)
    add_cache(command)
    add_index(command)

    ui = command("ui", _ui, "open the pages in a browser")
    ui.add_argument("database", type=Path, nargs="?", metavar="DB|FILE")
    ui.add_argument("--port", type=_port, default=8501)
    ui.add_argument("--host", default="127.0.0.1", help="address to listen on; by default this machine alone")
    ui.add_argument("--headless", action="store_true", help="serve without opening a browser")
    return parser


def _version() -> str:
    from workbench import __version__

    return __version__


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _money(text: str) -> float:
    amount = float(text)
    if not 0 < amount < float("inf"):
        raise argparse.ArgumentTypeError("must be more than 0")
    return amount


def _port(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 65_535:
        raise argparse.ArgumentTypeError("must be 1 to 65535")
    return number


def _format(parser: argparse.ArgumentParser, *choices: str) -> None:
    parser.add_argument("--format", choices=choices, default=choices[0])


def _run(arguments: argparse.Namespace) -> int:
    from workbench.experiment.config import load
    from workbench.experiment.runner import run

    experiment = load(arguments.file)
    summary = run(
        experiment, limit=arguments.limit, fresh=arguments.fresh, progress=not arguments.quiet, usd=arguments.usd
    )
    if not arguments.quiet:
        from workbench.analysis.compare import compare

        if summary.answered + summary.failed + summary.kept:
            print(compare(summary.database, experiment=summary.experiment_id).format("table"))
        print(_summary_line(summary))
        print(f"next: workbench ui {summary.database}   (or: workbench compare {arguments.file} --by task)")
    if summary.stopped:
        left = f"{summary.left:,} questions not asked" if summary.left != 1 else "1 question not asked"
        print(f"workbench: stopped: {summary.stopped}, {left}; raise it, and the same command goes on", file=sys.stderr)
    for refusal in summary.refused:
        print(f"workbench: {refusal}; mend that, and the same command goes on", file=sys.stderr)
    return summary.exit_code


def _summary_line(summary: Any) -> str:
    return (
        f"{summary.answered} answered, {summary.failed} failed, {summary.kept} kept from before; "
        f"{summary.calls:,} calls and {summary.replayed:,} replayed, ${summary.spent_usd:.4f} spent, "
        f"{summary.wall_s:.1f} s"
    )


def _plan(arguments: argparse.Namespace) -> int:
    from workbench.experiment.plan import plan

    made = plan(arguments.file, limit=arguments.limit)
    if arguments.format == "json":
        print(json.dumps(made.rows(), indent=2))
    elif arguments.format == "csv":
        _csv(made.rows())
    else:
        print(_plan_table(made))
    return 0


def _plan_table(made: Plan) -> str:
    header = [
        "pipeline",
        "model",
        "corpus",
        "questions",
        "calls",
        "prompt tokens",
        "reply tokens",
        "USD (range)",
        "time",
    ]
    rows = [
        [
            e.pipeline,
            e.model,
            e.corpus,
            f"{e.questions:,}",
            f"{e.calls:,.0f}",
            f"{e.prompt_tokens:,.0f}",
            f"{e.completion_tokens:,.0f}",
            f"{e.usd:.4f} ({e.usd_low:.4f} to {e.usd_high:.4f})" if e.priced else "no price known",
            _duration(e.seconds),
        ]
        for e in made.estimates
    ]
    lines = [aligned(header, rows)]
    lines.append(f"together: ${made.usd:.4f}, {_duration(made.seconds)}; nothing was called")
    lines.append(
        "calls and prompt tokens come from the methods themselves on sampled questions; reply lengths are assumed "
        "(range: a tenth of the budget to all of it), prompt caching is not"
    )
    lines += [f"note: {note}" for note in made.notes]
    overflows = sum(e.overflows for e in made.estimates)
    if overflows:
        lines.append(
            f"warning: {overflows} sampled prompts would not fit the model's window and would be recorded as failed"
        )
    return "\n".join(lines)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.1f} s"
    if seconds < 5400:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"


def _compare(arguments: argparse.Namespace) -> int:
    from workbench.report_command import chosen

    if arguments.part is not None and arguments.format != "csv":
        fix = "json holds all parts, and table and md show them"
        raise InputError(f"chooses what --format csv is of, not {arguments.format}", field="--part", fix=fix)
    print(chosen(arguments).format(arguments.format, arguments.part or "table"))
    return 0


def _database(source: Path) -> tuple[Path, str | None]:
    """The database of an experiment file or a database path, and the experiment's id if it was a file."""
    if source.suffix in (".yaml", ".yml"):
        from workbench.experiment.config import load

        experiment = load(source)
        if not experiment.database.exists():
            raise InputError("has not been run yet", file=source, fix=f"run it first: workbench run {source}")
        return experiment.database, experiment.experiment_id
    if not source.is_file():
        problem = "is a folder" if source.is_dir() else "no such file"
        raise InputError(problem, file=source, fix="give an experiment file or a .duckdb file")
    from workbench.runlog.connection import check_kind

    check_kind(source)
    return source, None


def _pipelines(arguments: argparse.Namespace) -> int:
    import dataclasses

    from workbench import catalogue

    rows = []
    for name, cls in catalogue.pipelines().items():
        card = cls.card  # type: ignore[attr-defined]
        options = {f.name: _default(f) for f in dataclasses.fields(cls)}
        row = {"name": name, "title": card.title, "family": card.family, "calls": card.cost, "stages": card.stages}
        row |= {"needs": ", ".join(card.requires), "paper": card.url}
        rows.append({**row, "options": options} if arguments.format == "json" else row)
    _print(rows, arguments.format)
    return 0


def _default(field: Any) -> Any:
    import dataclasses

    return None if field.default is dataclasses.MISSING else field.default


def _models(arguments: argparse.Namespace) -> int:
    from workbench.llm.provider import providers

    _print([dict(row) for row in providers()], arguments.format)
    return 0


def _ui(arguments: argparse.Namespace) -> int:
    import os
    import subprocess

    from workbench.ui.location import app_path

    environment = dict(os.environ)
    if arguments.database is not None:
        database, _ = _database(arguments.database)
        environment["WORKBENCH_DATABASE"] = str(database.resolve())
    if arguments.host in ("127.0.0.1", "localhost", "::1"):  # whoever reaches the pages may start runs there
        environment["WORKBENCH_LAUNCH"] = "1"
    command = [sys.executable, "-m", "streamlit", "run", str(app_path()), f"--server.port={arguments.port}"]
    command += [f"--server.address={arguments.host}"]
    command += ["--browser.gatherUsageStats=false", f"--server.headless={'true' if arguments.headless else 'false'}"]
    if os.name == "posix":  # in place of this process, so that whoever ends it ends the pages
        os.execve(sys.executable, command, environment)  # noqa: S606 - our own command line
    return subprocess.call(command, env=environment)  # noqa: S603 - our own command line


def _print(rows: list[dict[str, Any]], format: str) -> None:
    if format == "json":
        print(json.dumps(rows, indent=2, default=str))
    elif rows:
        print(table(rows))


def _csv(rows: list[dict[str, Any]]) -> None:
    import csv

    writer = csv.DictWriter(sys.stdout, fieldnames=list(rows[0]) if rows else [])
    writer.writeheader()
    writer.writerows(rows)


if __name__ == "__main__":
    sys.exit(main())
