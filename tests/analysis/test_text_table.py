"""Text tables, as printed by every command."""

from __future__ import annotations

from workbench.analysis.text_table import aligned, markdown, table


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert aligned(["method", "n"], [["full_context", "40"], ["rag", "7"]]).splitlines() == [
        "method        n",
        "------------  --",
        "full_context  40",
        "rag           7",
    ]
    assert aligned(["method"], []).splitlines() == ["method", "------"]


def test_rows_of_names_and_values() -> None:
    assert table([{"n": 1, "p": None}]).splitlines() == ["n  p", "-  ----", "1  None"]


def test_a_bar_does_not_end_a_cell() -> None:
    assert markdown(["model"], [["a|b"]]) == "| model |\n|---|\n| a\\|b |"
