"""The schema from nothing and from its oldest form."""

from __future__ import annotations

from pathlib import Path

import pytest

import workbench as wb
from workbench.errors import StoreError
from workbench.runlog.connection import connect
from workbench.runlog.migrations import MIGRATIONS, migrate
from workbench.runlog.reader import TABLES
from workbench.runlog.store import RunLog


def test_a_blank_log_has_every_table(tmp_path: Path) -> None:
    RunLog(tmp_path / "new.duckdb").close()
    log = wb.open(tmp_path / "new.duckdb")
    for table in TABLES:
        assert len(log.sql(f"SELECT * FROM {table}")) == 0
    assert list(log.sql("SELECT name FROM migrations ORDER BY name")["name"]) == [m.__name__ for m in MIGRATIONS]


def test_the_oldest_log_is_brought_up_to_date_and_keeps_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "old.duckdb"
    oldest = MIGRATIONS[0]
    with connect(path) as connection:
        connection.execute("CREATE TABLE migrations (name VARCHAR PRIMARY KEY, applied_at TIMESTAMP)")
        oldest(connection)
        connection.execute("INSERT INTO migrations VALUES (?, now()::TIMESTAMP)", [oldest.__name__])
        connection.execute(
            "INSERT INTO calls (call_id, run_id, phase, step, model, prompt_hash, prompt_tokens) "
            "VALUES ('c', 'r', 'answer', 'read', 'm', 'h', 7)"
        )
        connection.execute(
            "INSERT INTO runs (run_id, pipeline, method, config, model, corpus, corpus_fingerprint, status) "
            "VALUES ('r', 'p', 'p', '{}', 'm', 'c', 'f', 'complete')"
        )
    RunLog(path).close()
    calls = wb.open(path).calls()
    assert calls.loc[0, ["prompt_tokens", "retry_prompt_tokens"]].tolist() == [7, 0]
    with connect(path) as connection:
        assert migrate(connection) == []  # nothing left to do


def test_what_retries_had_cost_joins_the_cost_of_old_answers_and_index_stages(tmp_path: Path) -> None:
    path = tmp_path / "old.duckdb"
    with connect(path) as connection:
        connection.execute("CREATE TABLE migrations (name VARCHAR PRIMARY KEY, applied_at TIMESTAMP)")
        for step in MIGRATIONS[:2]:
            step(connection)
            connection.execute("INSERT INTO migrations VALUES (?, now()::TIMESTAMP)", [step.__name__])
        connection.execute("""
            INSERT INTO answers (run_id, question_id, status, cost_usd) VALUES
            ('r', 'q1', 'ok', 1.0), ('r', 'q2', 'ok', 2.0);
            INSERT INTO builds (run_id, context_id, status, cost_usd) VALUES ('r', 'x', 'ok', 4.0);
            INSERT INTO calls (call_id, run_id, question_id, context_id, phase, step, model, prompt_hash, attempts,
                cost_usd, retry_cost_usd, prompt_tokens, retry_prompt_tokens, from_cache) VALUES
            ('a', 'r', 'q1', 'x', 'answer', 'read', 'm', 'h', 3, 0.5, 0.25, 10, 1, false),
            ('b', 'r', 'q1', 'x', 'answer', 'read:reask', 'm', 'h', 1, 0.5, 0.0, 10, 0, false),
            ('c', 'r', 'q2', 'x', 'answer', 'read', 'm', 'h', 1, 2.0, 0.0, 10, 0, true),
            ('d', 'r', NULL, 'x', 'build', 'sum', 'm', 'h', 2, 4.0, 0.5, 100, 50, false);
        """)
    RunLog(path).close()
    log = wb.open(path)
    answers = log.sql("SELECT cost_usd, retries, retry_cost_usd, reasks FROM answers ORDER BY question_id")
    assert answers.to_numpy().tolist() == [[1.25, 2, 0.25, 1], [2.0, 0, 0.0, 0]]
    builds = log.sql("SELECT cost_usd, retries, retry_cost_usd, reasks FROM builds")
    assert builds.to_numpy().tolist() == [[4.5, 1, 0.5, 0]]
    spending = log.sql("SELECT * FROM spending").to_numpy().tolist()
    assert spending == [["earlier", "r", 3, 5.75, 171]]  # what was replayed had been paid for before


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.duckdb").write_text("not a database " * 100)
    with pytest.raises(StoreError, match="is no run log"):
        RunLog(tmp_path / "notes.duckdb")


def test_a_missing_log_reads_as_an_empty_one(tmp_path: Path) -> None:
    log = wb.open(tmp_path / "none.duckdb")
    assert not log.exists
    assert log.answers().empty
    assert {"pipeline", "score", "task"} <= set(log.answers().columns)
    assert not (tmp_path / "none.duckdb").exists()
