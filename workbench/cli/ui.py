"""`workbench ui`: open the pages in a browser."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from workbench.cli.arguments import port
from workbench.cli.sources import database_of


def add(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the sub-command to the command line; `command(name, run, help)` makes its parser."""
    parser = command("ui", run, "open the pages in a browser")
    parser.add_argument("database", type=Path, nargs="?", metavar="DB|FILE")
    parser.add_argument("--port", type=port, default=8501)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; by default this machine alone")
    parser.add_argument("--headless", action="store_true", help="serve without opening a browser")


def run(arguments: argparse.Namespace) -> int:
    """Serve the pages until interrupted."""
    import subprocess

    from workbench.ui.location import app_path

    environment = dict(os.environ)
    if arguments.database is not None:
        database, _ = database_of(arguments.database)
        environment["WORKBENCH_DATABASE"] = str(database.resolve())
    if arguments.host in ("127.0.0.1", "localhost", "::1"):  # anyone who can open the Launch page can spend money
        environment["WORKBENCH_LAUNCH"] = "1"
    command = [sys.executable, "-m", "streamlit", "run", str(app_path()), f"--server.port={arguments.port}"]
    command += [f"--server.address={arguments.host}"]
    command += ["--browser.gatherUsageStats=false", f"--server.headless={'true' if arguments.headless else 'false'}"]
    if os.name == "posix":  # replaces this process, so that ending it ends the pages
        os.execve(sys.executable, command, environment)  # noqa: S606 - our own command line
    return subprocess.call(command, env=environment)  # noqa: S603 - our own command line
