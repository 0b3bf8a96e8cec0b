"""The replays of published predictions, to all printed digits; they skip where the predictions are not there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workbench.cli.main import main
from workbench.conformance.replays import REPLAYS, Replay, json_lines, official_value
from workbench.conformance.table import conformance, micro_rows, replay_rows, summary
from workbench.errors import InputError


@pytest.mark.parametrize("case", REPLAYS, ids=lambda case: f"{case.benchmark}-{case.system}-{case.task}")
def test_a_replay_gives_the_published_figure(case: Replay, shared_data: Path) -> None:
    file = shared_data / case.file
    if not file.is_file():
        pytest.skip(f"no {case.file} in the shared data")
    value, n = case.score(file)
    official = official_value(case, shared_data)
    assert official is None or case.printed(value) == pytest.approx(official, abs=1e-9)
    assert n > 0 and 0.0 <= value <= 100.0


def test_predictions_without_an_official_figure_are_shown_as_such(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = next(case for case in REPLAYS if case.official is None and not case.in_file)
    (tmp_path / case.file).parent.mkdir(parents=True)
    (tmp_path / case.file).write_text('{"prediction": "A.", "ground_truth": ["f", "A"]}\n')
    row = next(row for row in replay_rows(tmp_path) if row.case == case.task and row.system == case.system)
    assert (row.official, row.ours, row.difference, row.note) == (None, 100.0, None, "no official figure")
    assert main(["conformance", "--data", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "0 differ; 1 more have no official figure;" in told
    line = next(line for line in told.splitlines() if case.task in line)
    assert "no official figure" in line and "100.0" in line


def test_rows_say_official_ours_and_difference() -> None:
    rows = list(micro_rows())
    assert len(rows) >= 58
    assert all(row.agrees for row in rows)
    line = next(row for row in summary(rows) if row["benchmark"] == "LongBench")
    assert (line["differ"], line["largest difference"]) == (0, 0.0)


def test_a_differing_file_is_shown_as_a_difference(tmp_path: Path) -> None:
    case = next(case for case in REPLAYS if case.task == "passkey" and case.system == "gpt4")
    file = tmp_path / case.file
    file.parent.mkdir(parents=True)
    file.write_text('{"prediction": "5", "ground_truth": "5"}\n{"prediction": "6", "ground_truth": "5"}\n')
    row = next(row for row in replay_rows(tmp_path) if row.case == "passkey" and row.system == "gpt4")
    assert (row.official, row.ours, row.difference, row.n) == (100.0, 50.0, -50.0, 2)
    assert row.agrees is False


def test_replays_without_files_are_listed_and_not_compared() -> None:
    rows = [row for row in conformance(None) if row.kind == "replay"]
    assert len(rows) == len(REPLAYS)
    assert all(row.agrees is None and row.note.startswith("no ") for row in rows)


def test_a_line_cut_in_half_names_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "preds.jsonl"
    file.write_text('{"prediction": "5"}\n{"predic')
    with pytest.raises(InputError, match=r"preds\.jsonl: line 2 is no JSON"):
        list(json_lines(file))


def test_the_command_prints_the_table_and_fails_when_a_case_differs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["conformance", "--data", str(tmp_path), "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"official", "ours", "difference"} <= set(rows[0])
    for format in ("table", "md", "csv"):
        assert main(["conformance", "--data", str(tmp_path), "--format", format, "--summary"]) == 0
        assert "LongBench" in capsys.readouterr().out
    case = REPLAYS[0]
    (tmp_path / case.file).parent.mkdir(parents=True)
    (tmp_path / case.file).write_text('{"prediction": "no", "ground_truth": "5"}\n')
    assert main(["conformance", "--data", str(tmp_path)]) == 1
    assert "1 differ" in capsys.readouterr().out
    assert main(["conformance", "--data", str(tmp_path / "absent")]) == 2
