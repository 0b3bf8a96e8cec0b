"""Starts runs of one experiment, each in a process of its own that can be killed.

    python forked_runs.py EXPERIMENT.yaml       a line on standard input starts a run; its process id is printed, and
                                                when it has ended its exit code (negative: the signal)

The imports are done once, then every run is a fork: thirty runs cost thirty forks, not thirty interpreter starts.
"""

from __future__ import annotations

import os
import sys


def main(experiment: str) -> None:
    """Serve runs until standard input closes."""
    import aiohttp
    import duckdb  # noqa: F401
    import pandas

    import pipelines.agents.chain_of_agents
    import workbench.engine.runner
    from workbench.experiment.config import load

    assert aiohttp and pandas and pipelines and workbench
    load(experiment)
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            import workbench as wb

            os._exit(wb.run(experiment, progress=False).exit_code)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
