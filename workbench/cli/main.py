"""The entry point of the `workbench` command. Sub-commands import what they need when they run, so `--help` is fast.

Exit codes: 0 done, 1 another error (or, of some commands, a check that found a difference or damage), 2 bad input (one
line says where), 3 some questions failed (recorded), 4 budget reached, 130 interrupted (everything finished so far is
kept).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from workbench import __version__
from workbench.cli import (
    cache,
    compare,
    conformance,
    corpus,
    import_predictions,
    index,
    judge,
    metrics,
    models,
    pipelines,
    plan,
    report,
    retrieve,
    run,
    serve,
    ui,
)  # fmt: skip
from workbench.errors import InputError, WorkbenchError

COMMANDS = (  # in the order in which `--help` lists them
    plan, run, compare, pipelines, models, report, corpus, conformance, import_predictions, retrieve, judge, metrics,
    serve, cache, index, ui,
)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit code."""
    given = list(sys.argv[1:] if argv is None else argv)
    passed: list[str] = []
    if given[:1] == ["serve"] and "--" in given:  # argparse would read what follows as more of MODEL
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
    parser.add_argument("--version", action="version", version=f"workbench {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, run: Any, help: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help)
        sub.set_defaults(run=run)
        return sub

    for module in COMMANDS:
        module.add(command)
    return parser


if __name__ == "__main__":
    sys.exit(main())
