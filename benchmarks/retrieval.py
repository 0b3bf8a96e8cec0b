"""Retrieval against its rivals: index build, peak memory and query latency on the same chunks, terms and embedder.

    python benchmarks/retrieval.py                          1k to 1M chunks: 4 GB and a quarter of an hour on two cores
    python benchmarks/retrieval.py --sizes 1000 10000       the small ones: two minutes
    python benchmarks/retrieval.py --sizes 100000 --llama-up-to 100000      VectorStoreIndex, too: some minutes more

Every measurement is a process of its own with one thread of arithmetic (other work on the machine makes more threads
wait for each other, which says nothing of either side), so that peak memory is its own; each system first builds a tiny
index, so that no import is timed. Rivals stop at `--rivals-up-to` chunks. Chunks are made of words drawn by Zipf's law
within topics, 60 words each; queries are six words of a chunk, so that common and rare ones meet. Needs the extra
`[benchmarks]`.

Dense builds are compared with llama-index's `VectorStoreIndex` over the same embedder in five ways, for most of the
time is the embedder's, which is the same on both sides. Fitted beforehand or fitted within the time; in memory alone or
kept on disk (ours: checked and mapped; llama-index's: `storage_context.persist`); and with vectors that are known
already, which is what each side does itself. Each is the least of three up to 10,000 chunks, in CPU seconds: other work
on the machine does not change them, and neither side uses more than one core. (Waiting for the disk is not in them; the
row "ours" has wall seconds.)
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from retrieval_measures import corpus
from retrieval_ours import bm25, our_dense, ours
from retrieval_rivals import bm25s, llama_bm25, llama_dense, rank_bm25

SYSTEMS: dict[str, Callable[[int, Path], dict[str, Any]]] = {
    "ours": ours,
    "our dense": our_dense,
    "our bm25": bm25,
    "bm25s": bm25s,
    "rank_bm25": rank_bm25,
    "llama VectorStoreIndex": llama_dense,
    "llama BM25Retriever": llama_bm25,
}
OURS_UP_TO = 100_000  # "our dense" builds five ways: at a million, the row "ours" says what there is to say
WAYS = {
    "ready_kept_s": "kept on disk, embedder fitted beforehand (target 5)",
    "whole_kept_s": "kept on disk, with the fit",
    "ready_s": "in memory, embedder fitted beforehand",
    "whole_s": "in memory, with the fit",
    "known_s": "in memory, vectors known",
}


def one(system: str, number: int) -> None:
    """Measure in this process, and print it as JSON."""
    with tempfile.TemporaryDirectory(dir="/var/tmp" if Path("/var/tmp").is_dir() else None) as folder:
        SYSTEMS[system](100, Path(folder) / "tiny")  # loads libraries
        found = SYSTEMS[system](number, Path(folder))
    found["peak_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps(found))


def measured(system: str, number: int) -> dict[str, Any]:
    """The same in a process of its own."""
    command = [sys.executable, __file__, "--one", system, "--sizes", str(number)]
    environment = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **os.environ}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        raise SystemExit(f"{system} at {number:,} chunks failed:\n{done.stderr[-2_000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def tokens(number: int) -> float:
    """Tokens of the corpus, from a sample of a thousand chunks."""
    from workbench.text import count_tokens

    context, spans, _ = corpus(min(number, 1_000))
    return count_tokens(context.documents[0].text) / len(spans) * number


def _ours(mine: dict[str, Any], whole: float) -> list[str]:
    rows = [
        f"  ours: built in {mine['build_s']:.1f} s ({whole / mine['build_s']:,.0f} tokens/s; dense alone "
        f"{mine['dense_build_s']:.1f} s), opened in {mine['load_s']:.2f} s, peak {mine['peak_gb']:.2f} GB (of it "
        f"{mine['corpus_gb']:.2f} the corpus), {mine['kind']}, recall@10 {mine['recall_at_10']:.3f}"
    ]
    for name in ("dense", "sparse", "hybrid"):
        rows.append(f"    {name:8} p50 {mine[name]['p50_ms']:8.2f} ms   p95 {mine[name]['p95_ms']:8.2f} ms")
    return rows


def table(number: int, results: dict[str, dict[str, Any]]) -> list[str]:
    """What was measured at one size, and the ratios that the targets are about."""
    mine, sparse = results.get("ours"), results.get("our bm25")
    whole = tokens(number)
    rows = [f"\n{number:,} chunks, {whole / 1e6:,.1f} M tokens"]
    rows += _ours(mine, whole) if mine else []
    for name, found in results.items():
        if name != "ours":
            rows.append(
                f"  {name:24} built in {found['build_s']:7.1f} s, peak {found['peak_gb']:.2f} GB, "
                f"p50 {found['p50_ms']:9.2f} ms, p95 {found['p95_ms']:9.2f} ms"
            )
    ratios = []
    if sparse and "rank_bm25" in results:
        rival = results["rank_bm25"]
        ratios.append(f"query {rival['p50_ms'] / sparse['p50_ms']:,.0f}x faster than rank_bm25 (target 100 at 100k)")
        worst = max(abs(a - b) for a, b in zip(rival["probe"], sparse["probe"], strict=True))
        ratios.append(f"largest difference from its scores {worst:.1e} (target 1e-9)")
    if sparse and "bm25s" in results:
        ratios.append(f"query {results['bm25s']['p50_ms'] / sparse['p50_ms']:.1f}x bm25s's speed (target 1)")
        ratios.append(f"BM25 build {results['bm25s']['build_s'] / sparse['build_s']:.1f}x bm25s's speed")
    if "our dense" in results and "llama VectorStoreIndex" in results:
        own, rival = results["our dense"], results["llama VectorStoreIndex"]
        for way, words in WAYS.items():
            seconds = f"{rival[way]:.3f} s, ours {own[way]:.3f} s"
            ratios.append(f"dense build {rival[way] / own[way]:.1f}x VectorStoreIndex's ({seconds}): {words}")
        ratios.append(f"dense query {rival['p50_ms'] / own['p50_ms']:,.0f}x VectorStoreIndex's")
    if mine and "llama BM25Retriever" in results:
        rival = results["llama BM25Retriever"]
        ratios.append(f"sparse query {rival['p50_ms'] / mine['sparse']['p50_ms']:,.0f}x BM25Retriever's")
    return [*rows, *(f"  -> {ratio}" for ratio in ratios)]


def main() -> None:
    """Measure all systems at all sizes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--rivals-up-to", type=int, default=100_000, help="chunks that the other libraries get at most")
    parser.add_argument(
        "--llama-up-to", type=int, default=10_000, help="chunks that VectorStoreIndex gets at most: it is slow"
    )
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS), help="measure these only")
    parser.add_argument("--one", choices=SYSTEMS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        one(arguments.one, arguments.sizes[0])
        return
    most = {"llama VectorStoreIndex": arguments.llama_up_to, "our dense": OURS_UP_TO}
    for number in arguments.sizes:
        results = {}
        for name in arguments.systems:
            if number > most.get(name, number):
                print(f"{number:,} chunks: {name} is left out (it is measured up to {most[name]:,})")
            elif number <= arguments.rivals_up_to or name.startswith("our"):
                results[name] = measured(name, number)
                print(f"{number:,} {name}: {json.dumps(results[name])}", file=sys.stderr, flush=True)
        print("\n".join(table(number, results)), flush=True)


if __name__ == "__main__":
    main()
