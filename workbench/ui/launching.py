"""Runs started by the Launch page: the command line in a separate process, which outlives page and browser.

The page neither reads nor shows API keys: the process finds them in the environment, as in a terminal.
"""

from __future__ import annotations

import csv
import io
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PLAN_PATIENCE_S = 600.0
MEANING = {
    0: "all questions answered",
    2: "bad input",
    3: "some questions failed, or a model refused every call",
    4: "the budget is reached; raise it, and the same start goes on",
    130: "interrupted; what was finished is kept, and the same start goes on from here",
}


@dataclass
class Launched:
    """One run as a process; the file `output` receives what it prints."""

    file: Path
    process: subprocess.Popen[bytes]
    output: Path
    started: float = field(default_factory=time.monotonic)
    ended: float | None = None
    asked_to_stop: bool = False

    @property
    def running(self) -> bool:
        """Whether the process is still running."""
        if self.process.poll() is None:
            return True
        self.ended = self.ended or time.monotonic()
        return False

    def state(self) -> str:
        """The run's state in one line."""
        if self.running:
            doing = "stopping: what is in flight is given up" if self.asked_to_stop else "running"
            return f"{doing}, for {time.monotonic() - self.started:,.0f} s"
        took = (self.ended or self.started) - self.started
        code = self.process.returncode
        return f"ended after {took:,.0f} s: {MEANING.get(code, f'exit code {code}')}"

    def said(self, most: int = 4_000) -> str:
        """The end of what the process printed, at most `most` characters."""
        return self.output.read_text(encoding="utf-8", errors="replace")[-most:].strip()

    def stop(self) -> None:
        """Interrupt it as Ctrl-C does; the second time, terminate it. Finished answers are kept in both cases."""
        if self.running:
            self.process.send_signal(signal.SIGTERM if self.asked_to_stop else signal.SIGINT)
            self.asked_to_stop = True


def start(file: Path, *, usd: float | None, limit: int | None) -> Launched:
    """Start `workbench run FILE` with a budget in USD (None: the file's own)."""
    command = [*_COMMAND, "run", str(file), "--quiet"]
    command += ["--usd", f"{usd:g}"] if usd is not None else []
    command += ["--limit", str(limit)] if limit is not None else []
    with tempfile.NamedTemporaryFile(prefix="workbench-run-", suffix=".txt", delete=False) as output:
        process = subprocess.Popen(  # noqa: S603 - our own command line
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal of `workbench ui` ends the pages, not the run
        )  # fmt: skip
    return Launched(file, process, Path(output.name))


def planned(file: Path, *, limit: int | None) -> tuple[list[dict[str, Any]], str]:
    """The rows of `workbench plan` for an experiment and "", or no rows and the error message."""
    command = [*_COMMAND, "plan", str(file), "--format", "csv", *(["--limit", str(limit)] if limit is not None else [])]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PLAN_PATIENCE_S)  # noqa: S603
    except subprocess.TimeoutExpired:
        return [], f"workbench: no plan after {PLAN_PATIENCE_S:.0f} s"
    if done.returncode:
        return [], done.stderr.strip().rpartition("\n")[2] or f"workbench: exit code {done.returncode}"
    return list(csv.DictReader(io.StringIO(done.stdout))), ""


# a process started in a shell's background inherits that SIGINT is ignored; `stop` needs it restored
_COMMAND = (
    *(sys.executable, "-c"),
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from workbench.cli.main import main; sys.exit(main())",
)
