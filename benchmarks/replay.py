"""A replay: how fast cached calls go through the gateway into the run log, against reading the cache alone.

    python benchmarks/replay.py [--calls 100000]

Fills a response cache with distinct 500-token prompts, then asks all of them again: each is looked up, recorded, and
written with its texts to DuckDB. Timed until the last row is in the file. The rival is SQLite itself: the same keys
read one by one from the same file, nothing done with them.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

from workbench.llm.cache import ResponseCache, cache_key
from workbench.llm.gateway import CallTag, Gateway
from workbench.llm.model import ChatRequest, Completion
from workbench.llm.prices import Price
from workbench.llm.scripted import ScriptedModel
from workbench.records import Message, Reply
from workbench.runlog.store import RunLog

WORDS = "the ferry waited by the old mill while the carters argued about tolls and the price of salt "


def requests(count: int) -> list[ChatRequest]:
    """Distinct prompts of some 500 tokens."""
    return [
        ChatRequest((Message("user", f"{number}. " + WORDS * 26 + "\n\nQuestion: what is it?"),), 16)
        for number in range(count)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000)
    count = parser.parse_args().calls
    asked = requests(count)
    model = ScriptedModel([], window=16_000)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "responses.sqlite"
        with ResponseCache(file) as cache:
            cache._connection().execute("PRAGMA synchronous = OFF")  # filling is not what is timed
            for request in asked:
                answer = Completion("forty-two", 520, 3, first_token_s=0.1, total_s=0.2, token_source="server")
                cache.put(cache_key(model.name, request), model.name, request, answer)
        keys = [cache_key(model.name, request) for request in asked]
        with sqlite3.connect(file) as connection:
            started = time.perf_counter()
            for key in keys:
                connection.execute("SELECT completion FROM replies WHERE key = ?", (key,)).fetchone()
            alone = time.perf_counter() - started
        with ResponseCache(file) as cache, RunLog(Path(folder) / "log.duckdb") as log:
            gateway = Gateway(model, price=Price(input=0.15, output=0.6), cache=cache, record=log.add_call)
            started = time.perf_counter()
            for first in range(0, count, 100):
                tags = [
                    CallTag("run", f"q{n}", "context", "answer", "answer", (), f"c{n}")
                    for n in range(first, min(first + 100, count))
                ]
                replies = gateway.complete_many(asked[first : first + 100], tags)
                assert all(isinstance(reply, Reply) for reply in replies)
            log.flush()
            seconds = time.perf_counter() - started
            gateway.close()
        size = (Path(folder) / "log.duckdb").stat().st_size
    print(f"{count:,} cached calls into DuckDB: {seconds:.1f} s, {count / seconds:,.0f} calls/s, {size / 1e6:.0f} MB")
    print(f"the same keys read from SQLite alone: {alone:.1f} s; ratio {seconds / alone:.1f}")
    sys.exit(0 if count / seconds >= 5_000 else 1)


if __name__ == "__main__":
    main()
