"""Every page through the real entry script, on a full log, an empty one and none."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import workbench as wb
from tests.conftest import ROOT
from workbench.analysis.compare import compare
from workbench.runlog.reader import RunLogReader
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


def test_the_comparison_is_by_the_labels_and_metrics_that_the_log_has(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_page("compare_page", database, monkeypatch)
    offered = app.selectbox(key="by").options
    assert offered[0] == "task" and {"hops", "context_tokens", "diffusion"} <= set(offered)
    assert "length_unit" not in offered  # of one value only
    app = app.selectbox(key="by").set_value("hops").run()
    app = app.selectbox(key="metric").set_value("contains").run()
    assert not app.exception
    shown = list(app.dataframe[0].value["accuracy"].str[:5])
    assert shown == [f"{value:.3f}" for value in compare(database, metric="contains").table["accuracy"]]


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


def test_a_question_id_of_two_corpora_is_shown_with_its_own_gold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "runs.duckdb"
    worlds = [{"world": {"tokens": size, "contexts": 1, "questions": 7}} for size in (4000, 8000)]
    setup = {"name": "two", "database": str(path), "corpora": worlds, "pipelines": ["chunk_rag"]}
    wb.run({**setup, "models": ["extractive"]}, progress=False)
    app = open_page("questions_page", path, monkeypatch)
    assert "n = 14 questions" in [c.value for c in app.caption]
    questions = RunLogReader(path).questions()
    assert questions["question_id"].duplicated().any()  # the premise: ids repeat
    assert sorted(questions["corpus_fingerprint"].value_counts()) == [7, 7]
    for fingerprint, own in questions.groupby("corpus_fingerprint"):
        box = next(s for s in app.selectbox if s.label == "Corpus")
        app = box.set_value(fingerprint).run()
        for row in own.itertuples():
            app = next(s for s in app.selectbox if s.label == "Question").set_value(row.question_id).run()
            assert not app.exception
            assert " | ".join(row.answers) in [t.value for t in app.text]
            assert len(app.dataframe[0].value) == 1
