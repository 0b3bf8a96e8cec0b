"""The schema from nothing and from its oldest form."""

from __future__ import annotations

from pathlib import Path

import pytest

import workbench as wb
from workbench.errors import StoreError
from workbench.runlog.migrations import MIGRATIONS, migrate
from workbench.runlog.reader import TABLES
from workbench.runlog.store import RunLog, connect


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
