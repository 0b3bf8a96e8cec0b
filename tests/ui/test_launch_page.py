"""The Launch page: what it plans, that it starts nothing unasked and nothing without a budget, and that a run is a
process that goes on, ends, and stops."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.ui.test_pages import open_page
from workbench.runlog.reader import RunLogReader
from workbench.ui.launching import planned, start

GOOD = """
name: small
database: runs/small.duckdb
corpora:
  - world: {tokens: 4000, contexts: 1, questions: 7}
models: [{extractive: {price_as: gpt-4o-mini}}]
pipelines: [full_context, closed_book]
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An experiment file, on pages that may start runs."""
    monkeypatch.setenv("WORKBENCH_LAUNCH", "1")
    st.cache_resource.clear()
    path = tmp_path / "small.yaml"
    path.write_text(GOOD)
    yield path


def launch(file: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    app = open_page("launch_page", file.parent / "none.duckdb", monkeypatch)
    return app.text_input(key="launch_typed").set_value(str(file)).run()


def press(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def until_ended(app: AppTest) -> AppTest:
    deadline = time.monotonic() + 120
    while not any("ended after" in shown.value for shown in app.markdown):
        assert time.monotonic() < deadline, [shown.value for shown in app.markdown]
        time.sleep(0.2)
        app = app.run()
    return app


def test_pages_that_others_can_reach_start_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORKBENCH_LAUNCH")
    app = open_page("launch_page", file.parent / "none.duckdb", monkeypatch)
    assert not app.exception and not app.button
    assert "this machine alone" in app.info[0].value


def test_a_run_is_planned_started_and_followed(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = launch(file, monkeypatch)
    assert [button.label for button in app.button] == ["Save", "Plan"]  # nothing can be started that was not planned
    app = press(app, "Plan")
    assert not app.exception
    assert list(app.dataframe[0].value["calls"]) == [7, 7]
    begin = next(button for button in app.button if button.label == "Start")
    assert begin.disabled  # no budget yet
    assert not (file.parent / "runs").exists()
    app = app.number_input(key=f"usd-{file}").set_value(1.0).run()
    app = until_ended(press(app, "Start"))
    assert not app.exception
    assert any("all questions answered" in shown.value for shown in app.markdown)
    log = RunLogReader(file.parent / "runs" / "small.duckdb")
    assert (log.answers()["status"] == "ok").sum() == 14
    app = press(app, "Show its results on the other pages")
    assert app.text_input(key="database").value == str(log.path)
    app = app.switch_page("workbench/ui/runs_page.py").run()
    assert list(app.dataframe[0].value["answered"]) == [7, 7]


def test_a_budget_that_is_reached_is_said(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(GOOD + "budget: {tokens: 3000}\n")
    app = until_ended(press(press(launch(file, monkeypatch), "Plan"), "Start"))
    assert any("the budget is reached" in shown.value for shown in app.markdown)
    assert "the budget of 3,000 tokens is reached" in app.code[0].value


def test_a_wrong_file_is_the_command_s_one_line(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(GOOD.replace("full_context", "full_contex"))
    app = launch(file, monkeypatch)
    assert "did you mean 'full_context'?" in app.error[0].value
    assert [button.label for button in app.button] == ["Save"]
    file.write_text(GOOD.replace("tokens: 4000", "tokens: 40"))  # only loading the corpus finds that
    app = press(launch(file, monkeypatch), "Plan")
    assert app.error[0].value == planned(file, limit=None)[1]
    assert "tokens" in app.error[0].value and "\n" not in app.error[0].value
    assert "Start" not in [button.label for button in app.button]


def test_an_edit_is_saved_and_never_over_another_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = file.with_name("other.yaml")
    other.write_text("mine")
    app = launch(file, monkeypatch)
    changed = GOOD.replace("questions: 7", "questions: 14")
    app = app.text_area(key=f"edit-{file}").set_value(changed).run()
    assert "not saved" in app.warning[0].value
    app = app.text_input(key=f"target-{file}").set_value(str(other)).run()
    assert "is there already" in press(app, "Save").error[0].value
    assert other.read_text() == "mine" and file.read_text() == GOOD
    app = app.text_input(key=f"target-{file}").set_value(str(file)).run()
    app = press(app, "Save")
    assert file.read_text() == changed and not app.warning
    assert list(press(app, "Plan").dataframe[0].value["questions"]) == [14, 14]


def test_a_run_is_stopped_as_by_ctrl_c(file: Path) -> None:
    large = GOOD.replace("tokens: 4000, contexts: 1, questions: 7", "tokens: 30000, contexts: 4, questions: 200")
    file.write_text(large.replace("full_context, closed_book", "map_reduce, chain_of_agents"))
    run = start(file, usd=None, limit=None)
    assert run.running and run.state().startswith("running")
    log = RunLogReader(file.parent / "runs" / "small.duckdb")
    while run.running and log.runs().empty:
        time.sleep(0.05)
    run.stop()
    run.process.wait(60)
    assert run.process.returncode == 130, run.said()
    assert "interrupted; what was finished is kept" in run.state()
    run.stop()  # of what has ended: nothing happens
    assert set(log.runs()["status"]) == {"interrupted"}
