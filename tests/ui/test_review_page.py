"""The review page: accepting, editing and dropping change the questions file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.ui.test_pages import open_page


def test_questions_are_accepted_edited_and_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("Mara was born in Oakford. She was a cooper.")
    evidence = [{"document_id": "a.txt", "start": 0, "end": 25}]
    rows = [
        {"question_id": f"w{n}", "question": f"Q{n}?", "answers": ["x"], "evidence": evidence, "status": "new"}
        for n in range(3)
    ]
    file = tmp_path / "questions.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    app = open_page("review_page", tmp_path / "none.duckdb", monkeypatch)
    assert not app.exception
    app.text_input(key="review_file").set_value(str(file)).run()
    assert [metric.value for metric in app.metric] == ["3", "0", "0", "0"]
    assert "Mara was born in Oakford." in app.text[0].value
    app.button(key="accept").click().run()
    app.text_area(key="question-w1").set_value("Who was a cooper?").run()
    app.button(key="edit").click().run()
    app.button(key="drop").click().run()
    assert not app.exception
    assert [metric.value for metric in app.metric] == ["0", "1", "1", "1"]
    kept = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(row["question"], row["status"]) for row in kept] == [("Q0?", "accepted"), ("Who was a cooper?", "edited")]
    assert "Nothing left" in app.success[0].value


def test_no_file_says_how_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_page("review_page", tmp_path / "none.duckdb", monkeypatch)
    app.text_input(key="review_file").set_value(str(tmp_path / "none.jsonl")).run()
    assert not app.exception and "workbench corpus questions" in app.info[0].value
