"""Questions by context against questions in random order, on a real vLLM server whose KV cache holds few contexts.

    WORKBENCH_VLLM_PYTHON=.venv-vllm/bin/python python benchmarks/prefix_order.py MODEL_FOLDER

12 contexts × 12 questions of full context and four retrieval pipelines, the same calls in flight each time, each on a
freshly started server. `prefix` walks run by run and in each by context (the default: no method's times hold another
one's load, and no method is billed fewer tokens because another one had begun alike), `context` by context over all
runs, so that what the methods share is found, too. Counted are the calls that reached the server: a prompt that two
methods have in common is asked once, and its second reply is the response cache's.

The bound: each distinct block of 128 tokens (the unit of vLLM on a processor) is computed once, over all runs or, for
`prefix`, once in each run. Needs the package `tokenizers`.
"""

from __future__ import annotations

import argparse
import os
import socket
import tempfile
import time
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

import workbench as wb
from workbench.llm.serving.vllm import VllmServer

RAG = [{"chunk_rag": {"retriever": ["dense", "sparse"], "top_k": [3, 8]}}]


def port() -> int:
    """A free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def attainable(calls: Any, texts: dict[str, str], block: int, count: Any) -> int:
    """Prompt tokens in blocks seen before: what a cache that forgets nothing would have found."""
    seen: set[int] = set()
    found = 0
    for prompt in calls.sort_values("started_at")["prompt_hash"]:
        tokens = count(texts[prompt])
        state = 0
        for at in range(0, len(tokens) - len(tokens) % block, block):
            state = hash((state, tuple(tokens[at : at + block])))
            found += block if state in seen else 0
            seen.add(state)
    return found


def run(model: str, order: str, arguments: argparse.Namespace, folder: Path) -> dict[str, float]:
    """One order on a fresh server."""
    server = VllmServer(
        model,
        name="tiny",
        port=port(),
        arguments=[
            *("--max-model-len", "16384", "--block-size", str(arguments.block)),
            *("--num-gpu-blocks-override", str(arguments.kv_tokens // arguments.block)),
            *("--max-num-seqs", str(arguments.concurrency)),
        ],
        log=folder / f"{order}.log",
    )
    world = {"tokens": arguments.tokens, "contexts": arguments.contexts, "questions": arguments.contexts * 12}
    experiment = {
        "name": order,
        "database": str(folder / f"{order}.duckdb"),
        "cache": str(folder / f"{order}.sqlite"),
        "corpora": [{"world": world}],
        "models": [{server.provider: {"max_output_tokens": 8}}],
        "pipelines": ["full_context", *([] if arguments.full_only else RAG)],
        "answer_tokens": 8,
        "concurrency": arguments.concurrency,
        "order": order,
    }
    with server:
        started = time.perf_counter()
        summary = wb.run(experiment, progress=False)
        wall = time.perf_counter() - started
    log = wb.open(summary.database)
    calls = log.calls()
    calls = calls[~calls["from_cache"].astype(bool)]
    tokenizer = Tokenizer.from_file(str(Path(model) / "tokenizer.json"))
    texts = log.texts(calls["prompt_hash"])

    def count(text: str) -> list[int]:
        return list(tokenizer.encode(text).ids)

    return {
        "wall": wall,
        "full": float(log.runs().set_index("pipeline")["wall_s"]["full_context"]),
        "calls": float(len(calls)),
        "prompt": float(calls["prompt_tokens"].sum()),
        "cached": float(calls["cached_tokens"].sum()),
        "attainable": attainable(calls, texts, arguments.block, count),
        "in_runs": sum(attainable(of_run, texts, arguments.block, count) for _, of_run in calls.groupby("run_id")),
        "failed": float(summary.failed),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a model folder (tests/server/make_tiny_model.py makes one)")
    parser.add_argument("--contexts", type=int, default=12)
    parser.add_argument("--tokens", type=int, default=12_000, help="of a context (o200k)")
    parser.add_argument("--kv-tokens", type=int, default=49_152)
    parser.add_argument("--block", type=int, default=128)
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--full-only", action="store_true")
    parser.add_argument("--orders", nargs="+", default=["random", "prefix", "context"])
    arguments = parser.parse_args()
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "4")
    with tempfile.TemporaryDirectory() as folder:
        rows = {order: run(arguments.model, order, arguments, Path(folder)) for order in arguments.orders}
    columns = ("wall s", "full s", "calls", "prompt tokens", "cached", "computed", "bound", "bound in runs", "failed")
    print("order   " + "".join(f"{name:>15}" for name in columns))
    for order, row in rows.items():
        prompt, cached = row["prompt"], row["cached"]
        cells = (
            *(f"{row['wall']:.1f}", f"{row['full']:.1f}", f"{row['calls']:.0f}", f"{prompt:,.0f}"),
            *(f"{cached / prompt:.1%}", f"{prompt - cached:,.0f}", f"{prompt - row['attainable']:,.0f}"),
            *(f"{prompt - row['in_runs']:,.0f}", f"{row['failed']:.0f}"),
        )
        print(f"{order:8}" + "".join(f"{cell:>15}" for cell in cells))
    first = rows[arguments.orders[0]]
    for order in arguments.orders[1:]:
        row = rows[order]
        ratio, full = (first[key] / row[key] for key in ("wall", "full"))
        tokens = (first["prompt"] - first["cached"]) / (row["prompt"] - row["cached"])
        print(
            f"order {order} against {arguments.orders[0]}: {ratio:.2f}x all, {full:.2f}x full context, {tokens:.2f}x "
            f"by tokens computed; {row['cached'] / row['attainable']:.1%} of attainable, "
            f"{row['cached'] / row['in_runs']:.1%} of attainable within runs"
        )


if __name__ == "__main__":
    main()
