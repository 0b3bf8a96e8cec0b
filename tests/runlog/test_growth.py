"""Long prompts are stored once, compressed: the log grows by little more than the distinct text."""

from __future__ import annotations

import random
import zlib
from dataclasses import replace
from pathlib import Path

from workbench.records import Call
from workbench.runlog.connection import connect
from workbench.runlog.store import RunLog
from workbench.text import text_hash

WORDS = [f"{a}{b}" for a in "bra cle dor fin gal hem jo kel lim nor".split() for b in "ba de fi go ku lan mer".split()]
CALL = Call(
    call_id="", run_id="run", question_id="q", context_id="c", phase="answer", step="answer", parents=(),
    model="m", prompt_hash="", reply_hash=None, prompt_tokens=20_000, cached_tokens=0, cache_write_tokens=0,
    completion_tokens=1, reasoning_tokens=0, token_source="server", cost_usd=0.1, queue_s=0.0, first_token_s=0.1,
    total_s=0.2, attempts=1, from_cache=False, in_flight=1, finish_reason="stop", error=None, started_at=0.0,
)  # fmt: skip


def test_two_hundred_prompts_of_100_kb_asked_five_times_each(tmp_path: Path) -> None:
    draw = random.Random(0)
    prompts = [" ".join(draw.choices(WORDS, k=18_000))[:100_000] for _ in range(200)]
    assert {len(prompt) for prompt in prompts} <= set(range(90_000, 100_001))
    distinct = sum(len(zlib.compress(prompt.encode(), 6)) for prompt in prompts)
    with RunLog(tmp_path / "log.duckdb") as log:
        log.flush()
        empty = (tmp_path / "log.duckdb").stat().st_size
        for turn in range(5):
            for number, prompt in enumerate(prompts):
                call = replace(CALL, call_id=f"{turn}-{number}", prompt_hash=text_hash(prompt))
                log.add_call(call, prompt, "yes")
    with connect(tmp_path / "log.duckdb", read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM calls").fetchone() == (1_000,)
        assert connection.execute("SELECT count(*) FROM texts").fetchone() == (201,)
    grown = (tmp_path / "log.duckdb").stat().st_size - empty
    assert grown <= 1.2 * distinct, f"{grown:,} bytes for {distinct:,} of distinct compressed text"
