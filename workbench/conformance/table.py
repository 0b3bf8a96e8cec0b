"""The conformance table: official value, our value and their difference, for micro cases and replays."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workbench.conformance.cases import MICRO_CASES
from workbench.conformance.replays import REPLAYS, official_value
from workbench.evaluation.metrics import metric

NO_OFFICIAL = "no official figure"


@dataclass(frozen=True, slots=True)
class ConformanceRow:
    """One comparison. `ours` is rounded like the official value; `exact` is not.

    `ours` is None, with the reason in `note`, when the file of predictions is missing. `official` is None when no
    official value is known. In both cases `difference` is None too.
    """

    kind: str
    benchmark: str
    case: str
    system: str
    n: int
    official: float | None
    ours: float | None
    difference: float | None
    exact: float | None
    note: str = ""

    @property
    def agrees(self) -> bool | None:
        """Whether both values are equal in all printed digits; None without a comparison."""
        return None if self.difference is None else self.difference == 0

    def as_dict(self) -> dict[str, Any]:
        """The row for JSON and CSV."""
        return asdict(self)


def micro_rows() -> Iterator[ConformanceRow]:
    """The rows of the micro cases."""
    for case in MICRO_CASES:
        exact = metric(case.metric)(case.prediction, list(case.references), **case.options)
        ours = round(exact, case.digits)
        shown = f"{_clip(case.prediction)} | {_clip(' / '.join(case.references))}"
        yield ConformanceRow(
            "micro",
            case.benchmark,
            shown,
            case.metric,
            1,
            case.official,
            ours,
            round(ours - case.official, case.digits),
            exact,
        )


def replay_rows(folder: Path) -> Iterator[ConformanceRow]:
    """The rows of the replays of published predictions in `folder`. Raises InputError for a broken file."""
    for case in REPLAYS:
        file = folder / case.file
        if not file.is_file():
            note = f"no {case.file}"
            yield ConformanceRow(
                "replay", case.benchmark, case.task, case.system, 0, case.official, None, None, None, note
            )
            continue
        exact, n = case.score(file)
        official, ours = official_value(case, folder), case.printed(exact)
        difference = None if official is None else round(ours - official, case.digits)
        note = NO_OFFICIAL if official is None else ""
        yield ConformanceRow(
            "replay", case.benchmark, case.task, case.system, n, official, ours, difference, exact, note
        )


def predictions_folder() -> Path | None:
    """The folder of published predictions: WORKBENCH_SHARED_DATA, else `shared/data` beside the checkout; None when it
    does not exist."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(os.environ.get("WORKBENCH_SHARED_DATA", beside))
    return folder if folder.is_dir() else None


def conformance(folder: Path | None) -> list[ConformanceRow]:
    """All rows: the micro cases, then the replays (not compared when `folder` is None)."""
    return [*micro_rows(), *replay_rows(folder or Path("/nonexistent"))]


def summary(rows: Sequence[ConformanceRow]) -> list[dict[str, Any]]:
    """One row per kind and benchmark: cases and answers compared, how many differ, and the largest difference."""
    groups: dict[tuple[str, str], list[ConformanceRow]] = {}
    for row in rows:
        groups.setdefault((row.kind, row.benchmark), []).append(row)
    return [
        {
            "kind": kind,
            "benchmark": benchmark,
            "cases": len(members),
            "compared": sum(row.difference is not None for row in members),
            "without official figure": sum(row.note == NO_OFFICIAL for row in members),
            "answers": sum(row.n for row in members),
            "differ": sum(row.agrees is False for row in members),
            "largest difference": max((abs(row.difference or 0.0) for row in members), default=0.0),
        }
        for (kind, benchmark), members in groups.items()
    ]


def _clip(text: str, length: int = 28) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1]}…"
