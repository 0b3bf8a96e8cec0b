"""BABILong: the mean of the leaderboard's tasks by length."""

from __future__ import annotations

from workbench.analysis.benchmark_figures.figure import Figure, Rows, by_label, percent_over_tasks

LEADERBOARD = ("qa1", "qa2", "qa3", "qa4", "qa5")


def figures(rows: Rows, scores: Rows) -> list[Figure]:
    """The mean over qa1 to qa5, or those of them that were asked, at each length."""
    board = rows[rows["task"].isin(LEADERBOARD)]
    tasks = board["task"].nunique()
    some = "qa1-qa5" if tasks == len(LEADERBOARD) else f"{tasks} of qa1-qa5"
    return [
        Figure(f"{some} at {int(length):,}", percent_over_tasks(part), len(part))
        for length, part in by_label(board, "length")
    ]
