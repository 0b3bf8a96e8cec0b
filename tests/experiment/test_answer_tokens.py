"""How long an answer may be never costs more of the window than the model can write."""

from __future__ import annotations

from pathlib import Path

import workbench as wb
from workbench.llm.scripted import ScriptedModel
from workbench.runlog.reader import RunLogReader


def asked(folder: Path, answer_tokens: int, most: int) -> tuple[int, int, int]:
    """Answered, failed, and the longest prompt in tokens, of a context of 4,000 tokens and a window of 8,192."""
    model = ScriptedModel(lambda request: "Oakford", name="m", window=8_192, max_output_tokens=most)
    given = {
        "name": "long",
        "database": str(folder / f"{answer_tokens}.duckdb"),
        "corpora": [{"world": {"tokens": 4_000, "contexts": 1, "questions": 3}}],
        "models": ["m"],
        "pipelines": ["full_context"],
        "answer_tokens": answer_tokens,
    }
    done = wb.run(given, models={"m": model}, progress=False)
    calls = RunLogReader(done.database).calls()["prompt_tokens"]
    return done.answered, done.failed, int(calls.max()) if len(calls) else 0


def test_what_the_model_cannot_write_takes_nothing_from_what_is_read(tmp_path: Path) -> None:
    assert asked(tmp_path, 6_000, most=2_048) == asked(tmp_path, 256, most=2_048)


def test_an_answer_that_leaves_no_window_fails_instead_of_reading_nothing(tmp_path: Path) -> None:
    assert asked(tmp_path, 9_000, most=9_000)[:2] == (0, 3)
