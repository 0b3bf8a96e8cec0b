"""`workbench serve`: start a local vLLM server."""

from __future__ import annotations

import argparse
from collections.abc import Callable


def add(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add `serve`; arguments after `--` are passed to vLLM."""
    parser = command("serve", run, "start a local vLLM server that reports what accounting needs")
    parser.add_argument("model", metavar="MODEL", help="a folder or a hub name")
    parser.add_argument("--name", help="what requests call it (default: the last part of MODEL)")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--python", help="the Python that has vLLM (or WORKBENCH_VLLM_PYTHON; default: this one)")
    parser.usage = "workbench serve MODEL [options] [-- VLLM_ARGUMENT ...]"


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted."""
    from workbench.llm.serving.vllm import serve

    return serve(
        arguments.model,
        name=arguments.name,
        host=arguments.host,
        port=arguments.port,
        python=arguments.python,
        arguments=arguments.passed,
    )
