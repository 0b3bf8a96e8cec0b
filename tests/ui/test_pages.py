"""Every page through the real entry script, on a full log, an empty one and none."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import ROOT
from workbench.analysis.compare import compare
from workbench.runlog.store import RunLog

PAGES = ["compare_page", "questions_page", "corpus_page", "runs_page"]


def open_page(page: str, database: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv("WORKBENCH_DATABASE", str(database))
    monkeypatch.chdir(ROOT)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    return app if page == "compare_page" else app.switch_page(f"workbench/ui/{page}.py").run()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_a_full_log(page: str, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_page(page, database, monkeypatch)
    assert not app.exception
    assert app.dataframe


@pytest.mark.parametrize("page", PAGES)
def test_a_page_without_a_log_says_how_to_make_one(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_page(page, tmp_path / "none.duckdb", monkeypatch)
    assert not app.exception
    assert "workbench run" in app.info[0].value


@pytest.mark.parametrize("page", PAGES)
def test_a_page_on_an_empty_log_is_friendly(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    RunLog(tmp_path / "empty.duckdb").close()
    app = open_page(page, tmp_path / "empty.duckdb", monkeypatch)
    assert not app.exception
    assert "empty" in app.info[0].value


def test_a_file_that_is_no_log_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "notes.duckdb").write_text("not a database")
    app = open_page("compare_page", tmp_path / "notes.duckdb", monkeypatch)
    assert not app.exception
    assert "is no run log" in app.warning[0].value


def test_the_compare_table_shows_what_analysis_returns(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_page("compare_page", database, monkeypatch)
    expected = compare(database).table
    shown = app.dataframe[0].value
    assert list(shown["pipeline"]) == list(expected["pipeline"])
    assert list(shown["usd_per_question"]) == list(expected["usd_per_question"])


def test_the_compare_page_says_where_retrieval_loses(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_page("compare_page", database, monkeypatch)
    gap = app.dataframe[1].value.set_index("pipeline")
    cells = ["found_right", "found_wrong", "missed_right", "missed_wrong"]
    assert list(gap[cells].sum(axis=1)) == list(gap["n"])
    assert gap.loc["chunk_rag", "n"] == 12  # 14 questions, 2 of them unanswerable and so without evidence


def test_failed_questions_are_listed_with_their_reason(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_page("runs_page", database, monkeypatch)
    failed = app.dataframe[1].value
    assert set(failed["status"]) == {"truncated_failed"}
    assert failed["error"].str.contains("exceed the window").all()
